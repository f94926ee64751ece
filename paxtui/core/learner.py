"""The learner: which values are chosen, in order, and how to get those that were missed.

A value is learned from one of three facts, each of which says that a majority voted for it at one
ballot: the leader's tally (``Chosen``, or a leader's watermark) together with this replica's own vote at
that very ballot; or the entry of another replica that learned it.

Paxos Made Simple, 2.3, gives three ways to tell learners: every acceptor tells every learner (a square of
messages), acceptors tell one distinguished learner, or a set of them. Here the leader is the distinguished
learner, and its word is short: followers have the value already, as their vote. Whoever missed it asks
anybody ("it is easy for one learner to find out from another learner", 2.3), so that the leader's death
loses nothing.

The learner applies slots in order, without gaps: a server that knows commands 1 to 135 and 138 to 140 "can't
execute commands 138-140 [...] because commands 136 and 137 have yet to be chosen" (3). Applying is a pure
function of the log: the hash chain, the session table, its evictions, checkpoints and trims come out the same
on every replica, or two replicas that agree on the log would not agree on what it means.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from paxtui.core.acceptor import Acceptor
from paxtui.core.ballot import Ballot
from paxtui.core.durable_state import DurableState
from paxtui.core.errors import InvariantViolated
from paxtui.core.events import (
    AppliedTo,
    CatchUpAsked,
    Checkpointed,
    Learned,
    SessionEvicted,
    SnapshotAsked,
    SnapshotTaken,
    Suppressed,
    Trimmed,
)
from paxtui.core.hash_chain import link
from paxtui.core.messages import CatchUp, Chosen, Entries, Heartbeat, Snapshot, SnapshotAsk
from paxtui.core.outbox import Outbox
from paxtui.core.output import (
    Applied,
    Checkpoint,
    Installed,
    PutCheckpoint,
    PutEntries,
    PutLogStart,
    PutSnapshot,
    PutSuppressed,
)
from paxtui.core.recent_entries import RecentEntries
from paxtui.core.sessions import Sessions
from paxtui.core.settings import Settings
from paxtui.core.values import CHECKPOINT, TRIM, Command, Entry, SessionRow, verb

STATE_REPEATS_MAX: Final = 3
"""How often the same page of a state is asked for again before another replica is asked for all of it."""


class Unasked(Exception):
    """The error that a message answers nothing that is asked now."""


class Taking:
    """The state of another replica that is being fetched, page by page, from that one and at one slot: what
    begins at one log start and ends at another is no state at all."""

    __slots__ = ("after", "repeats", "rows", "sender", "upto")

    def __init__(self, sender: int, upto: int) -> None:
        self.sender = sender
        self.upto = upto
        self.after = ""
        """The last client that has come, and so where the next page begins."""
        self.rows: list[SessionRow] = []
        self.repeats = 0


class Learner:
    """One replica's learner, its session table and its memory of recent entries.

    It has no vote and needs none: what is chosen is a fact, whoever says so. A replica that has lost its
    right to vote therefore keeps its learner as it is (``Replica.become_learner``).
    """

    def __init__(self, out: Outbox, settings: Settings, acceptor: Acceptor, saved: DurableState) -> None:
        self._out = out
        self._settings = settings
        self._acceptor = acceptor
        self.watermark = saved.watermark
        """The first slot that is not learned; everything below is applied."""
        self.chain = saved.chain
        self.known: dict[int, Entry] = {}
        """Learned slots above a hole. They are few: an acceptor votes at most ``ahead_slots`` above its
        watermark, and only what it voted for, or asked for, is learned."""
        self.recent_entries = RecentEntries(settings, saved.watermark)
        self.sessions = Sessions(settings.sessions_max, settings.session_window)
        self.sessions.load(saved.sessions, saved.horizon)
        self.checkpointed = saved.sessions_upto
        """Where the session table on disk stands."""
        self.log_start = saved.log_start
        """Slots below it are removed, here and on every replica that has applied the same slots."""
        self.checkpoints = list(saved.checkpoints)
        """The states that are kept; the first one is at the log start, if anything is removed."""
        # The table on disk is that of the last checkpoint. To write it with every batch would cost more than
        # the log itself; to replay a bounded number of slots at a start costs little.
        for slot, entry in enumerate(saved.replay, saved.sessions_upto):
            if not entry.value.is_noop:
                self.sessions.apply(slot, entry.value)
        self._peers: dict[int, int] = {}
        """The watermark that each peer stated last. It may be old, and falls if the peer loses its disk."""
        self._asked_first = -1
        """The first slot of the question that is open; -1 if none is."""
        self._asked_peer = -1
        self._asked: set[int] = set()
        """Who was asked for the page at ``_asked_first``: nobody else's word is taken for it."""
        self._pages_due = 0
        """How many more pages the last question brings."""
        self._taking: Taking | None = None
        """The state of another replica that is coming, page by page."""
        self.ask_again_at = float("inf")

    # Learning

    def on_chosen(self, message: Chosen) -> None:
        """Learn from the leader's tally. It tells the value only to those who voted at the same ballot: two
        leaders never share a ballot, and one leader gives a slot one value at its ballot.

        A vote at another ballot proves nothing, even a higher one: its value may be another. Who did not
        vote, or voted for an older leader, learns the slot from somebody's entries instead.
        """
        self._learn_votes(message.first, message.first + message.count, message.ballot)

    def on_watermark(self, message: Heartbeat) -> None:
        """Learn own votes at a leader's ballot below its watermark: it learned everything there.

        The step from "the leader learned the slot" to "what I voted for at its ballot is what it learned"
        needs care: the leader may have learned the slot from others, with the value of a higher ballot. A
        leader that learns another value where it proposed its own steps down before it says anything more
        at its ballot (``Leader.first_conflict``, ``Leader.unsettled_below``). Before that rule stood
        here, five replicas and one directed cut made two values learned in one slot.
        """
        if message.learned > self.watermark:
            self._learn_votes(self.watermark, message.learned, message.ballot)

    def _learn_votes(self, first: int, upto: int, ballot: Ballot) -> None:
        """Learn own votes at ``ballot`` in a range of slots, in runs. The range is somebody's word and may be
        huge; nothing is looked at above the highest own vote."""
        votes, known = self._acceptor.votes, self.known
        upto = min(upto, self._acceptor.high)
        run: list[Entry] = []
        for slot in range(max(first, self.watermark), upto):
            vote = votes.get(slot)
            if vote is not None and vote[0] == ballot and slot not in known:
                run.append(Entry(ballot, vote[1]))
            elif run:
                self.learn(slot - len(run), tuple(run))
                run = []
        if run:
            self.learn(upto - len(run), tuple(run))

    def learn(self, first: int, entries: tuple[Entry, ...]) -> None:
        """Remember chosen values; pass over slots that are applied already.

        A second value in one slot means that safety is lost already, here or elsewhere. The replica stops
        while its own log is still the one that others agreed with.
        """
        if first < self.watermark:
            entries = entries[self.watermark - first :]
            first = self.watermark
        if not entries:
            return
        for slot, entry in enumerate(entries, first):
            old = self.known.setdefault(slot, entry)
            if old.value != entry.value:
                raise InvariantViolated(f"two values are chosen in slot {slot}")
        self._out.event(Learned(first, entries))

    def advance(self) -> Applied | None:
        """Apply what is learned without a gap, in order; return it, or ``None`` if nothing is.

        The vote of an applied slot leaves the acceptor: from here on the slot is reported as learned, not as
        voted for. The row on disk stays, and is the learner's; usually it holds the chosen value already,
        so that learning costs the disk nothing.
        """
        first = self.watermark
        if first not in self.known:
            return None
        entries: list[Entry] = []
        suppressed: dict[int, int] = {}
        slot = first
        foreign: list[Entry] = []  # learned from others, so that no row on disk holds them yet
        while (entry := self.known.pop(slot, None)) is not None:
            vote = self._acceptor.remove_vote(slot)
            if vote is not None and vote[1] == entry.value:
                # The usual case: the row on disk, this replica's own vote, already holds the value.
                if vote[0] != entry.ballot:
                    entry = Entry(vote[0], vote[1])
                self._put(slot, foreign)
            else:
                foreign.append(entry)
            entries.append(entry)
            self._apply(slot, entry.value, suppressed)
            slot += 1
        self._put(slot, foreign)
        self.watermark = slot
        self.recent_entries.remember(first, entries)
        applied = Applied(first, tuple(entries), suppressed)
        self._out.applied.append(applied)
        self._out.event(AppliedTo(first, slot, self.chain.hex()))
        return applied

    def _put(self, end: int, foreign: list[Entry]) -> None:
        """Write the run of entries before ``end`` whose rows are missing or hold a vote that lost."""
        if foreign:
            self._out.writes.append(PutEntries(end - len(foreign), tuple(foreign)))
            foreign.clear()

    def _apply(self, slot: int, value: Command, suppressed: dict[int, int]) -> None:
        """Apply one slot. Whatever it does must depend on the log alone, never on time, memory or settings
        that may differ between replicas."""
        self.chain = link(self.chain, slot, value)
        if value.is_noop:
            if value.text:
                self._apply_internal(slot, value)
            return
        repeats = self.sessions.apply(slot, value)
        if repeats is not None:
            suppressed[slot] = repeats
            self._out.writes.append(PutSuppressed(slot, repeats))
            self._out.event(Suppressed(slot, value.client, value.request, repeats))
        if self.sessions.evicted_last is not None:
            self._out.event(SessionEvicted(slot, self.sessions.evicted_last))

    # Removing old slots

    def _apply_internal(self, slot: int, value: Command) -> None:
        """Let a checkpoint or a trim take effect.

        Both depend on nothing but the slots up to this one, so every replica keeps the same states and
        removes the same slots. Raft (dissertation, 5.1) and Chubby (Paxos Made Live, 5.5) let each replica
        take snapshots when it likes, so no two logs begin at the same slot. Here the log start is a
        fact of the log: replicas can be compared to the hash, and a state names the slot that it is of.
        """
        what = verb(value)
        if what == CHECKPOINT:
            checkpoint = Checkpoint(slot + 1, value.request)
            self.checkpoints.append(checkpoint)
            self.checkpointed = checkpoint.upto
            self._out.writes.append(self.sessions.checkpoint(checkpoint.upto))
            self._out.writes.append(PutCheckpoint(checkpoint, self.chain, self.sessions.horizon))
            self._out.event(Checkpointed(checkpoint.upto, checkpoint.wall_s))
        elif what == TRIM:
            self._trim_to(
                max((kept.upto for kept in self.checkpoints if kept.upto <= value.request), default=0)
            )

    def _trim_to(self, log_start: int) -> None:
        """Remove slots below a checkpoint. There must be one: without a state to go on from, whoever lacks a
        removed slot could never be helped."""
        if log_start > self.log_start:
            self.log_start = log_start
            self.checkpoints = [checkpoint for checkpoint in self.checkpoints if checkpoint.upto >= log_start]
            self._out.writes.append(PutLogStart(log_start))
            self._out.event(Trimmed(log_start))

    def recent(self, count: int) -> list[tuple[int, Entry]]:
        """Return the last ``count`` applied slots that are still in memory, for views."""
        first = max(self.recent_entries.first, self.log_start, self.watermark - count)
        return [(slot, self.recent_entries[slot]) for slot in range(first, self.watermark)]

    # Catching up

    def note_watermark(self, peer: int, learned: int, now: float) -> None:
        """Note that ``peer`` has learned everything below ``learned``; ask it, if that is more than here.

        One question is open at a time. A replica that asked everybody would be sent its log many times,
        and that when the cluster has the least to spare.
        """
        self._peers[peer] = learned
        if learned > self.watermark and self._asked_first < 0:
            self._ask(peer, now)

    def on_entries(self, sender: int, message: Entries, now: float) -> bool:
        """Take a page; return whether it was one that had been asked for.

        Entries are believed without votes, so only the word of those that were asked counts, for the page
        that was asked for. A page that nobody asked for is as likely old as wrong.
        """
        self._peers[sender] = message.learned
        if message.first != self._asked_first or sender not in self._asked:
            return False
        self._taking = None
        if not message.entries:
            # It knows more than it can tell now: what is below its memory is not on its disk yet. To ask at
            # once again would be an endless exchange at the speed of the network, so the timer decides.
            return True
        self._pages_due -= 1
        following = message.first + len(message.entries)
        if self._pages_due > 0 and following < message.learned:
            self._asked_first = following
            self.ask_again_at = now + 2 * self._settings.resend_s
        else:
            self._asked_first = -1
            self.ask_again_at = float("inf")
        self.learn(message.first, message.entries)
        return True

    def on_snapshot(self, sender: int, message: Snapshot, now: float) -> Snapshot | None:
        """Take a page of another replica's state; return the last one, once all are there. Raises
        ``Unasked`` if it is not the page that is due.

        Nothing is installed before the last page: half of a session table would let requests take effect
        twice, and a crash between two pages must leave the old state whole.
        """
        self._peers[sender] = message.learned
        if self._asked_first != self.watermark or sender not in self._asked:
            raise Unasked
        if message.upto <= self.watermark:
            raise Unasked  # what was missing has come otherwise
        taking = self._taking
        if taking is None or (taking.sender, taking.upto) != (sender, message.upto):
            if message.after:
                raise Unasked
            taking = self._taking = Taking(sender, message.upto)
            self._out.event(SnapshotAsked(sender, message.upto))
        elif message.after != taking.after:
            raise Unasked
        taking.rows.extend(message.sessions)
        if len(taking.rows) > self._settings.sessions_max:
            self._taking = None
            raise Unasked
        if message.last:
            return message
        taking.after, taking.repeats = message.sessions[-1].client, 0
        self._ask_state(taking, now)
        return None

    def _ask_state(self, taking: Taking, now: float) -> None:
        self.ask_again_at = now + 2 * self._settings.resend_s
        self._out.send(taking.sender, SnapshotAsk(taking.upto, taking.after))

    def install(self, page: Snapshot) -> None:
        """Go on from another replica's state, of which ``page`` is the last.

        A replica that has applied slots stands for all of them: their values are chosen, so whoever has not
        learned them may take what they led to in their stead (Schneider, *Implementing Fault-Tolerant
        Services Using the State Machine Approach*, on integrating a repaired object). Own votes below
        are of no use any more: the slots are chosen, and whoever asks is told of the watermark. Votes above
        stay, and so does the promise: a state says what was chosen, not what this acceptor has answered.
        """
        taking, first, upto = self._taking, self.watermark, page.upto
        if taking is None or upto <= first:
            raise InvariantViolated(f"a state at slot {upto} cannot follow watermark {first}")
        rows = tuple(taking.rows)
        checkpoint = Checkpoint(upto, page.wall_s)
        for slot in [slot for slot in self._acceptor.votes if slot < upto]:
            self._acceptor.remove_vote(slot)
        self.known = {slot: entry for slot, entry in self.known.items() if slot >= upto}
        self.sessions.load(rows, page.horizon)
        self.watermark = self.checkpointed = self.log_start = upto
        self.chain = page.chain
        self.checkpoints = [checkpoint]
        self.recent_entries.start_at(upto)
        self._taking = None
        self._asked_first = -1
        self.ask_again_at = float("inf")
        self._out.writes.append(PutSnapshot(checkpoint, page.chain, page.horizon, rows, first))
        self._out.urgent = True
        self._out.applied.append(Installed(upto))
        self._out.event(SnapshotTaken(first, upto, page.chain.hex()))

    def ask_for_missing(self, now: float) -> None:
        """Ask for what is missing, if it is known to exist and no question is open or too old.

        Replicas are asked in turn, so that one that is down, cut off or slow cannot keep this one behind
        while another could help.
        """
        if self._asked_first >= 0 and self._asked_first < self.watermark:
            self._asked_first = -1
            self.ask_again_at = float("inf")
            self._taking = None
        if self._asked_first >= 0 and now < self.ask_again_at:
            return
        taking = self._taking
        if taking is not None and taking.repeats < STATE_REPEATS_MAX:
            taking.repeats += 1
            self._ask_state(taking, now)
            return
        self._taking = None
        ahead = [peer for peer, learned in self._peers.items() if learned > self.watermark]
        if ahead:
            # Ask the same one again after it has answered; after silence, only if no other one knows more.
            later = [peer for peer in ahead if peer > self._asked_peer]
            same = self._asked_first < 0 and self._asked_peer in ahead
            self._ask(self._asked_peer if same else min(later or ahead), now)
        else:
            self._asked_first = -1
            self.ask_again_at = float("inf")

    def _ask(self, peer: int, now: float) -> None:
        """Ask a peer for what follows the watermark. Several may have been asked for the same page, one after
        the other; the answer of any of them is taken, whichever comes first."""
        if self._asked_first != self.watermark:
            self._asked.clear()
        self._asked_first, self._asked_peer = self.watermark, peer
        self._asked.add(peer)
        self._pages_due = self._settings.catch_up_pages
        self.ask_again_at = now + 2 * self._settings.resend_s
        self._out.event(CatchUpAsked(peer, self.watermark, self._peers[peer]))
        self._out.send(peer, CatchUp(self.watermark))

    @property
    def lag(self) -> int:
        """Return how many slots the best informed peer, as far as heard, is ahead."""
        return max(0, max(self._peers.values(), default=0) - self.watermark)

    @property
    def peers(self) -> Mapping[int, int]:
        """Return the learned watermarks that the others stated last."""
        return self._peers
