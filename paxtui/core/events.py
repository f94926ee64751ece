"""Trace events: the stable account of every decision.

The console's live view, the record file, the simulator's checkers and fault triggers are built on these
and on nothing else. What repeats over many slots is one event with ``first`` and ``count`` (or values).

An event says what the replica has decided, not what has happened elsewhere: ``accept-sent`` is no arrival,
and ``voted`` is not yet durable. Events of one output come in the order of the decisions.

Traces of such events are also what implementations are validated against a TLA+ specification by (etcd's
raft has a build tag for it, CCF does it in CI). Here one set serves people, checkers and specification.
"""

from __future__ import annotations

from msgspec import Struct

from paxtui.core.ballot import Ballot
from paxtui.core.values import Command, Entry


def kebab(name: str) -> str:
    """Return a class's name as a tag: ``AcceptSent`` becomes ``accept-sent``."""
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")


class Event(Struct, frozen=True, tag_field="event", tag=kebab, gc=False):
    """Base. The tag ``event`` is the class's name in kebab case: ``accept-sent``, ``voted``, ..."""


class Restored(Event, frozen=True):
    """The replica starts from its disk with this state (all zero on the very first start)."""

    promised: Ballot
    round: int
    watermark: int
    votes: int


class ElectionTimeout(Event, frozen=True):
    """No live leader was heard for a whole election timeout; ``attempt`` counts failures in a row."""

    attempt: int


class PreVoteAsked(Event, frozen=True):
    """The replica asks all others whether they would help it."""

    ballot: Ballot


class PreVoteAnswered(Event, frozen=True):
    """The replica answered ``to``'s pre-vote. Not granted: it hears another leader."""

    ballot: Ballot
    to: int
    granted: bool


class RoundTaken(Event, frozen=True):
    """A new ballot is in use from here on; it is on disk before Prepare leaves."""

    ballot: Ballot
    forced: bool


class PrepareSent(Event, frozen=True):
    """Phase 1a left for all (``to`` = -1) or one replica. To one: a page that follows, or that is late."""

    ballot: Ballot
    first: int
    to: int


class Promised(Event, frozen=True):
    """The acceptor promised ``ballot`` and reports ``votes`` votes in a page from ``first`` on."""

    ballot: Ballot
    first: int
    votes: int
    last_page: bool


class PromiseReceived(Event, frozen=True):
    """A page of a promise arrived at the proposer."""

    ballot: Ballot
    sender: int
    first: int
    votes: int
    last_page: bool


class Elected(Event, frozen=True):
    """A majority promised. The leader learns what is below ``first`` and re-proposes up to ``end``. Checkers
    compare ``quorum`` with the promises that they saw: it must be a majority of them, complete."""

    ballot: Ballot
    first: int
    end: int
    quorum: tuple[int, ...]


class Proposed(Event, frozen=True):
    """The leader gave values to slots ``first``...; ``source`` is client, adopted or no-op. It does so once a
    slot and ballot; what is sent again is :class:`AcceptSent`."""

    ballot: Ballot
    first: int
    values: tuple[Command, ...]
    source: str


class AcceptSent(Event, frozen=True):
    """Phase 2a left for all (``to`` = -1) or, sent again, for one replica."""

    ballot: Ballot
    first: int
    count: int
    to: int
    again: bool


class Voted(Event, frozen=True):
    """The acceptor accepted; the votes and the promise ``ballot`` are in the batch being written."""

    ballot: Ballot
    first: int
    values: tuple[Command, ...]


class Bound(Event, frozen=True):
    """An Accept raised this acceptor's promise to ``ballot`` in slots where no vote of it is needed. Without
    this event a promise could be on disk that no trace has told of."""

    ballot: Ballot


class AcceptedReceived(Event, frozen=True):
    """The leader counted ``sender``'s votes."""

    ballot: Ballot
    sender: int
    first: int
    count: int


class ChosenSeen(Event, frozen=True):
    """The leader saw a majority of votes at ``ballot``. The values were chosen before: when the last vote of
    that majority was on its disk, whether or not anybody ever hears of it."""

    ballot: Ballot
    first: int
    count: int


class Learned(Event, frozen=True):
    """The replica knows these values to be chosen. They may stand above a hole, and are then not applied."""

    first: int
    entries: tuple[Entry, ...]


class AppliedTo(Event, frozen=True):
    """Everything below ``watermark`` is applied; ``chain`` is the hash chain's head there (hex)."""

    first: int
    watermark: int
    chain: str


class Suppressed(Event, frozen=True):
    """An applied command took no effect: it repeats slot ``repeats`` (-1: its session had expired). It keeps
    its slot: what is chosen stays in the log, whatever it does."""

    slot: int
    client: str
    request: int
    repeats: int


class SessionEvicted(Event, frozen=True):
    """The session table was full and forgot the client that was silent the longest."""

    slot: int
    client: str


class NackSent(Event, frozen=True):
    """The acceptor refused ``ballot``: ``promised`` is higher, or ``leader`` is alive."""

    ballot: Ballot
    to: int
    promised: Ballot
    leader: Ballot | None


class NackReceived(Event, frozen=True):
    """The proposer was refused."""

    ballot: Ballot
    sender: int
    promised: Ballot
    leader: Ballot | None


class SteppedDown(Event, frozen=True):
    """The proposer gave up ``ballot``; ``reason`` says why in words. Its proposals live on as votes."""

    ballot: Ballot
    reason: str


class LeaderHeard(Event, frozen=True):
    """The replica follows a new leader."""

    ballot: Ballot


class SlotSkipped(Event, frozen=True):
    """The leader left ``slot`` empty on purpose, because an operator asked for a hole."""

    ballot: Ballot
    slot: int


class CatchUpAsked(Event, frozen=True):
    """The replica lacks slots from ``first`` on and asks ``to`` for them."""

    to: int
    first: int
    upto: int


class EntriesSent(Event, frozen=True):
    """Learned slots left for a replica that is behind."""

    to: int
    first: int
    count: int


class Checkpointed(Event, frozen=True):
    """The state after every slot below ``upto`` is kept, so that the log may be trimmed to there."""

    upto: int
    wall_s: int


class Trimmed(Event, frozen=True):
    """Slots below ``log_start`` are removed here, as on every replica that applies the same slot."""

    log_start: int


class SnapshotAsked(Event, frozen=True):
    """The replica lacks slots that ``to`` has removed, and takes its state at ``upto``, page by page."""

    to: int
    upto: int


class SnapshotSent(Event, frozen=True):
    """A page of the state at ``upto``, with so many sessions, left for a replica that is behind."""

    to: int
    upto: int
    sessions: int


class SnapshotTaken(Event, frozen=True):
    """The replica goes on from the state at ``upto``; what is below was never applied here. ``chain`` is the
    hash chain's head there (hex)."""

    first: int
    upto: int
    chain: str


class ReadConfirmed(Event, frozen=True):
    """A linearizable read was confirmed by a majority and may see everything below ``upto``."""

    ticket: int
    upto: int


class ProposerCrashed(Event, frozen=True):
    """The proposer role stopped; acceptor and learner go on."""


class ProposerRestored(Event, frozen=True):
    """The proposer role works again."""


class BecameNonVoting(Event, frozen=True):
    """The replica is a learner without vote from here on; ``reason`` says in words why."""

    reason: str


class MessageDropped(Event, frozen=True):
    """A message was of no use: late, repeated, or not the sender's to send. The last of these is a fault of
    its sender, the others are daily life; ``reason`` tells them apart."""

    kind: str
    sender: int
    reason: str


AnyEvent = (
    Restored
    | ElectionTimeout
    | PreVoteAsked
    | PreVoteAnswered
    | RoundTaken
    | PrepareSent
    | Promised
    | PromiseReceived
    | Elected
    | Proposed
    | AcceptSent
    | Voted
    | Bound
    | AcceptedReceived
    | ChosenSeen
    | Learned
    | AppliedTo
    | Suppressed
    | SessionEvicted
    | NackSent
    | NackReceived
    | SteppedDown
    | LeaderHeard
    | SlotSkipped
    | CatchUpAsked
    | EntriesSent
    | Checkpointed
    | Trimmed
    | SnapshotAsked
    | SnapshotSent
    | SnapshotTaken
    | ReadConfirmed
    | ProposerCrashed
    | ProposerRestored
    | BecameNonVoting
    | MessageDropped
)
"""All of them, for decoders of records."""
