"""The validation of messages: bounds for each field, and what contradicts what is known here.

Paxos assumes that messages are lost, repeated and late, "but they are not corrupted" (Paxos Made Simple,
2.1). Between programs of several releases, on machines with bad memory, that is not a fact but a hope. A
round near the end of the number range, believed once, ends the cluster for good: every ballot after it must
be higher.

A message outside of them is dropped whole, and counted, before any role sees it. Honest replicas never send
one, whatever is lost, repeated or reordered on the way (but for questions that pile up at a replica that
sleeps, which are asked again). So a bound may be generous, but each is there, and none depends on a setting
that may differ between replicas, except for answers to what this replica sent.

Two kinds. An *objection* needs the message and this replica's position alone. A *contradiction* proves that
somebody lies: two values in one slot at one ballot, or another value than the one that is known to be chosen.
If a contradiction comes from another replica it is that replica's word against this one's, and stopping would
let any liar stop everybody; the same thing found among own messages is :class:`InvariantViolated`.

What no bound can see is a lie that an honest replica could have told as the truth: a vote that was never
written, a promise that leaves a vote out, a value proposed without phase 1, a false log for whoever asks.
Against those Paxos has nothing (Castro and Liskov's protocols do, with 3f+1 replicas), and neither has this.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, assert_never

from paxtui.core.acceptor import Acceptor
from paxtui.core.ballot import NUMBER_LIMIT, REPLICAS_MAX, ROUND_JUMP_MAX, Ballot
from paxtui.core.learner import Learner
from paxtui.core.messages import (
    Accept,
    Accepted,
    CatchUp,
    Chosen,
    Entries,
    Heartbeat,
    HeartbeatAck,
    Nack,
    PeerMessage,
    Prepare,
    PreVote,
    PreVoteReply,
    Promise,
    Snapshot,
    SnapshotAsk,
)
from paxtui.core.proposer import Proposer
from paxtui.core.settings import Settings
from paxtui.core.values import CHECKPOINT, NOOP, TEXT_BYTES_MAX, TRIM, Command, Entry, Vote, verb

SLOT_JUMP_MAX: Final = 2**48
"""A slot further than this above the own watermark is a lie: at 15,000 slots a second an honest log needs 600
years for it, and what is stated as learned must not reach the end of the number range."""

VOTES_AHEAD_MAX: Final = 2**20
"""No acceptor votes further than this above its own watermark, whatever its settings. A false vote could make
a new leader fill at most so many slots with no-ops."""

ROUND_REFILL_A_SECOND: Final = 2**20
"""How quickly the allowance for rounds comes back. A liar that takes all of it again and again needs 270
years to the end of the number range; honest rounds grow by less than a hundred a second."""

PAGES_A_TURN: Final = 32
"""Pages that one replica may ask for between two outputs. An honest one has a question open at a time, and
more only when it was asked again while this replica slept; a page costs a thousand times its question."""

STRANGER: Final = "its sender is no member"
MYSELF: Final = "it claims to come from here"
NOT_ITS_OWN: Final = "the ballot is not its sender's"
ROUND_ZERO: Final = "round 0 is no replica's"
NOT_MINE: Final = "it answers another replica's ballot"
ROUND_TOO_HIGH: Final = "its round is absurdly high"
NO_MEMBER: Final = "a ballot in it is no member's"
SLOT_TOO_HIGH: Final = "its slots are absurdly high"
NO_VALUES: Final = "it carries nothing"
BAD_VALUE: Final = "a value in it cannot have been proposed"
TOO_MANY: Final = "it answers more slots than a message of this replica has"
BAD_PAGE: Final = "its page contradicts itself"
NOT_SENT_YET: Final = "it acknowledges a heartbeat that was not sent yet"
TOO_OFTEN: Final = "it asks for too many pages at once"
TWO_VALUES: Final = "it has another value for a slot at the same ballot"
NOT_THE_CHOSEN: Final = "it has another value for a slot that is chosen"

# Each reason is a text for people and the key of a counter, so there are few of them and none holds numbers.

OBJECTIONS: Final = (
    STRANGER,
    MYSELF,
    NOT_ITS_OWN,
    ROUND_ZERO,
    NOT_MINE,
    ROUND_TOO_HIGH,
    NO_MEMBER,
    SLOT_TOO_HIGH,
    NO_VALUES,
    BAD_VALUE,
    TOO_MANY,
    BAD_PAGE,
    NOT_SENT_YET,
    TOO_OFTEN,
)
CONTRADICTIONS: Final = (TWO_VALUES, NOT_THE_CHOSEN)
"""Reasons of the second kind: proofs that a replica lies, or that its disk does."""

WORD_CHARS_MAX: Final = 40
"""An internal command is a verb and a ballot: ``trim 9007199254740991.8`` is far below it."""

_SURE_CHARS: Final = TEXT_BYTES_MAX // 4
"""A text of so many characters is short enough in any encoding of them."""


class MessageValidator:
    """The bounds of one replica. They move with its watermark, and with the highest round that it saw.

    The roles are read, never changed: whether a message is taken depends on them, and what it leads to is
    theirs to say.
    """

    def __init__(
        self,
        replicas: int,
        settings: Settings,
        roles: tuple[Acceptor, Learner, Proposer],
        now: float,
    ) -> None:
        self._replicas = replicas
        self._settings = settings
        self._acceptor, self._learner, self._proposer = roles
        self._allowance = float(ROUND_JUMP_MAX)
        """How many rounds above the highest one seen are believed now."""
        self._allowed_at = now
        self._pages: dict[int, int] = {}
        """By peer, the pages that it has asked for since the last output."""

    # Between messages

    def round_limit(self, now: float) -> int:
        """Return the highest round that may be real: the highest seen, and what is left of the allowance.

        The allowance is spent by every rise that a message brings and comes back with time, so that many
        small jumps lead no further than a large one.
        """
        self._refill(now)
        return self._proposer.round_seen + int(self._allowance)

    def spend_rounds(self, rounds: int, now: float) -> None:
        """Spend ``rounds`` of the allowance: the highest round seen rose by so much, on another replica's
        word."""
        self._refill(now)
        self._allowance = max(0.0, self._allowance - rounds)

    def _refill(self, now: float) -> None:
        gained = (now - self._allowed_at) * ROUND_REFILL_A_SECOND
        self._allowance = min(float(ROUND_JUMP_MAX), self._allowance + max(0.0, gained))
        self._allowed_at = max(now, self._allowed_at)

    def reset_page_budget(self) -> None:
        """Let every replica ask for pages again: the host took the output, so what they asked for is on its
        way out and takes no memory here any more."""
        if self._pages:
            self._pages.clear()

    # Objections

    def objection(self, sender: int, message: PeerMessage, now: float) -> str | None:
        """Return what is wrong with the message in itself; ``None`` if nothing is.

        What is checked of a field is what its use rests on: a slot is compared with the own watermark, a
        count with what this replica sends at most, a value with what some client can have proposed.
        Decoders have checked types and ranges before (:mod:`paxtui.core.values`).
        """
        slots = min(self._learner.watermark + SLOT_JUMP_MAX, NUMBER_LIMIT)
        match message:
            case Accept(first=first, values=values):
                if not values:
                    return NO_VALUES
                if first + len(values) > slots:
                    return SLOT_TOO_HIGH
                if not all(map(_possible, values)):
                    return BAD_VALUE
            case Accepted(first=first, count=count, learned=learned):
                if count > self._settings.run_slots:
                    return TOO_MANY
                if max(first + count, learned) > slots:
                    return SLOT_TOO_HIGH
            case Chosen(first=first, count=count):
                if first + count > slots:
                    return SLOT_TOO_HIGH
            case HeartbeatAck(number=number, ballot=ballot, learned=learned):
                # An ack of a heartbeat to come would confirm reads that nobody has confirmed.
                leader = self._proposer.leader
                if leader is not None and leader.ballot == ballot and number > leader.beats:
                    return NOT_SENT_YET
                if learned > slots:
                    return SLOT_TOO_HIGH
            case Heartbeat(learned=learned) | PreVoteReply(learned=learned) | Nack(learned=learned):
                if learned > slots:
                    return SLOT_TOO_HIGH
            case Promise():
                if (reason := self._bad_promise(message, slots)) is not None:
                    return reason
            case Entries():
                if (reason := self._bad_entries(message, slots)) is not None:
                    return reason
            case Snapshot():
                if (reason := self._bad_snapshot(message, slots)) is not None:
                    return reason
            case Prepare(first=first) | CatchUp(first=first) | SnapshotAsk(upto=first):
                if first > slots:
                    return SLOT_TOO_HIGH
                # All three ask for pages, and a page is a thousand times the size of its question.
                pages = self._settings.catch_up_pages if isinstance(message, CatchUp) else 1
                asked = self._pages[sender] = self._pages.get(sender, 0) + pages
                if asked > max(PAGES_A_TURN, pages):
                    return TOO_OFTEN
            case PreVote():
                pass
            case _:
                assert_never(message)
        return self._bad_rounds(message, now)

    def _bad_rounds(self, message: PeerMessage, now: float) -> str | None:
        """Return what is wrong with a ballot of the message: each must be one that a member can have reached.

        Entries are left out on purpose. Their ballots are history: a log that was restored from a backup
        may know higher rounds than this cluster does, and no proposer counts on from them.
        """
        seen = self._proposer.round_seen
        told: tuple[Ballot, ...] = ()
        match message:
            case CatchUp() | Entries() | SnapshotAsk() | Snapshot():
                return None  # entries were looked at as a page, and no round spreads by them
            case Nack(promised=promised, leader=leader):
                told = (promised,) if leader is None else (promised, leader)
            case PreVoteReply(promised=promised):
                told = (promised,)
            case _:
                pass
        # Hardly any message has a round above all that were seen, so the limit is seldom looked for.
        if message.ballot.round > seen and message.ballot.round > self.round_limit(now):
            return ROUND_TOO_HIGH
        for ballot in told:
            if ballot.replica >= self._replicas:
                return NO_MEMBER
            if ballot.round > seen and ballot.round > self.round_limit(now):
                return ROUND_TOO_HIGH
        return None

    def _bad_promise(self, page: Promise, slots: int) -> str | None:
        """Return what is wrong with a page of a promise.

        Its votes decide what a new leader proposes. They are ascending, above what the sender has learned,
        and not above the ballot that it promises: an acceptor that had voted higher would have refused.
        """
        start = max(page.first, page.learned)
        if start > slots:
            return SLOT_TOO_HIGH
        after = start
        for vote in page.votes:
            if vote.slot < after:  # not asked for, learned, told twice, or not in order
                return BAD_PAGE
            after = vote.slot + 1
            if vote.ballot.round == 0 or vote.ballot > page.ballot:
                return BAD_PAGE
        if page.next is not None and (not page.votes or page.next < after):
            return BAD_PAGE  # a page that leads nowhere, or back, would be asked for without end
        if max(after, page.next or 0) > page.learned + VOTES_AHEAD_MAX and page.votes:
            return SLOT_TOO_HIGH
        return self._bad_pairs(page.votes, self._replicas)

    def _bad_entries(self, page: Entries, slots: int) -> str | None:
        """Return what is wrong with a page of the learned log. Whether it was asked for is the learner's to
        say."""
        if page.learned > slots:
            return SLOT_TOO_HIGH
        if page.entries and page.first + len(page.entries) > page.learned:
            return BAD_PAGE  # it tells more than it says it has learned
        if any(entry.ballot.round == 0 for entry in page.entries):
            return BAD_PAGE
        # A log that was restored from a backup tells of replicas that this cluster may not have.
        return self._bad_pairs(page.entries, REPLICAS_MAX)

    def _bad_snapshot(self, page: Snapshot, slots: int) -> str | None:
        """Return what is wrong with a page of a state. Its rows become the session table unchanged, so they
        must be what a table of this cluster can hold: sorted, used before ``upto``, rings of equal size."""
        if page.learned > slots:
            return SLOT_TOO_HIGH
        if not 0 < page.upto <= page.learned or page.horizon >= page.upto:
            return BAD_PAGE
        if not page.last and not page.sessions:
            return BAD_PAGE  # a page that leads nowhere would be asked for without end
        after = page.after
        for row in page.sessions:
            if row.client <= after or row.last_slot >= page.upto:
                return BAD_PAGE
            if len(row.answers) != 8 * self._settings.session_window:
                return BAD_PAGE
            after = row.client
        return None

    # A ballot of a vote or an entry names a member, and its value is one that can have been proposed. A value
    # that decoders take but that breaks a limit would sit in the log for ever, on every replica.

    def _bad_pairs(self, pairs: Iterable[Vote | Entry], replicas: int) -> str | None:
        for pair in pairs:
            if pair.ballot.replica >= replicas:
                return NO_MEMBER
            if not _possible(pair.value):
                return BAD_VALUE
        return None

    # Contradictions

    def contradiction(self, message: PeerMessage) -> str | None:
        """Return what in the message cannot be true if what this replica wrote itself is.

        Two values in one slot at one ballot, or a value against the chosen one: no loss, delay or restart
        of honest replicas leads to either. The message is dropped and named, so that an operator sees whose
        it was; the replica's own log stays as it is.
        """
        match message:
            case Accept(ballot, first, values):
                if first >= self._acceptor.high and not self._learner.known:
                    return None  # the usual case: slots of which nothing is known here
                if ballot < self._acceptor.promised:
                    return None  # an outbid leader knows no better, and must be told that it is outbid
                return self._contradicted(first, ((ballot, value) for value in values))
            case Entries(first, entries):
                return self._contradicted(first, ((entry.ballot, entry.value) for entry in entries))
            case _:
                return None

    def _contradicted(self, first: int, pairs: Iterable[tuple[Ballot, Command]]) -> str | None:
        known, votes = self._learner.known, self._acceptor.votes
        for slot, (ballot, value) in enumerate(pairs, first):
            vote = votes.get(slot)
            if vote is not None and vote[0] == ballot and vote[1] != value:
                return TWO_VALUES
            entry = known.get(slot)
            if entry is not None and entry.value != value:
                return NOT_THE_CHOSEN
        return None


def _possible(value: Command) -> bool:
    """Tell whether some client can have proposed the value, or a leader: the no-op, of which there is one
    alone, or a checkpoint or a trim. Limits of size are in bytes of UTF-8, and most texts need no encoding
    to be known to be below."""
    if not value.client:
        return value == NOOP or (verb(value) in (CHECKPOINT, TRIM) and len(value.text) <= WORD_CHARS_MAX)
    text = value.text
    return len(text) <= _SURE_CHARS or len(text.encode()) <= TEXT_BYTES_MAX


def stranger(me: int, replicas: int, sender: int, message: PeerMessage) -> str | None:
    """Return why the message cannot come from this sender: no member, or not with its ballot.

    A ballot carries its replica's id, so that nobody can lead, prepare or be voted for under another one's
    name. The transport knows who the sender is (with TLS it has proved it); messages do not say.
    """
    if sender not in range(replicas):
        return STRANGER
    if sender == me:
        return MYSELF
    match message:
        case Prepare() | Accept() | Chosen() | Heartbeat() | PreVote():
            if message.ballot.replica != sender:
                return NOT_ITS_OWN
            if message.ballot.round == 0:
                return ROUND_ZERO
        case Promise() | Accepted() | Nack() | HeartbeatAck() | PreVoteReply():
            if message.ballot.replica != me:
                return NOT_MINE
        case CatchUp() | Entries() | SnapshotAsk() | Snapshot():
            pass
        case _:
            assert_never(message)
    return None
