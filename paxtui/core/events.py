"""Trace events: the stable account of every decision.

The console's live view, the record file, the simulator's checkers and fault triggers are built on these
and on nothing else. What repeats over many slots is one event with ``first`` and ``count`` (or values).
"""

from __future__ import annotations

from msgspec import Struct

from paxtui.core.ballot import Ballot
from paxtui.core.values import Command, Entry


def kebab(name: str) -> str:
    """``AcceptSent`` -> ``accept-sent``."""
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
    """This replica answered ``to``'s pre-vote."""

    ballot: Ballot
    to: int
    granted: bool


class RoundTaken(Event, frozen=True):
    """A new ballot is in use from here on; it is on disk before Prepare leaves."""

    ballot: Ballot
    forced: bool


class PrepareSent(Event, frozen=True):
    """Phase 1a left for all (``to`` = -1) or one replica."""

    ballot: Ballot
    first: int
    to: int


class Promised(Event, frozen=True):
    """This acceptor promised ``ballot`` and reports ``votes`` votes in a page from ``first`` on."""

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
    """A majority promised. The leader learns what is below ``first`` and re-proposes up to ``end``."""

    ballot: Ballot
    first: int
    end: int
    quorum: tuple[int, ...]


class Proposed(Event, frozen=True):
    """The leader gave values to slots ``first``...; ``source`` is client, adopted or no-op."""

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
    """This acceptor accepted; the votes and the promise ``ballot`` are in the batch being written."""

    ballot: Ballot
    first: int
    values: tuple[Command, ...]


class Bound(Event, frozen=True):
    """An Accept raised this acceptor's promise to ``ballot`` in slots where no vote of it is needed."""

    ballot: Ballot


class AcceptedReceived(Event, frozen=True):
    """The leader counted ``sender``'s votes."""

    ballot: Ballot
    sender: int
    first: int
    count: int


class ChosenSeen(Event, frozen=True):
    """The leader saw a majority of votes at ``ballot``."""

    ballot: Ballot
    first: int
    count: int


class Learned(Event, frozen=True):
    """This replica knows these values to be chosen."""

    first: int
    entries: tuple[Entry, ...]


class AppliedTo(Event, frozen=True):
    """Everything below ``watermark`` is applied; ``chain`` is the hash chain's head there (hex)."""

    first: int
    watermark: int
    chain: str


class Suppressed(Event, frozen=True):
    """An applied command took no effect: it repeats ``repeats`` (-1: its session had expired)."""

    slot: int
    client: str
    request: int
    repeats: int


class SessionEvicted(Event, frozen=True):
    """The session table was full and forgot the client that was silent the longest."""

    slot: int
    client: str


class NackSent(Event, frozen=True):
    """This acceptor refused ``ballot``: ``promised`` is higher, or ``leader`` is alive."""

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
    """The proposer gave up ``ballot``; ``reason`` says why in words."""

    ballot: Ballot
    reason: str


class LeaderHeard(Event, frozen=True):
    """This replica follows a new leader."""

    ballot: Ballot


class SlotSkipped(Event, frozen=True):
    """The leader left ``slot`` empty on purpose."""

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
    """This replica goes on from the state at ``upto``; what is below was never applied here. ``chain`` is the
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
    """This replica is a learner without vote from here on; ``reason`` says in words why."""

    reason: str


class MessageDropped(Event, frozen=True):
    """A message was of no use: late, repeated, or not the sender's to send."""

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
