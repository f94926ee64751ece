"""What clients, operators and observers ask, and what they are told."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from paxtui.core.ballot import Ballot, Number
from paxtui.core.replica import Status
from paxtui.core.values import TEXT_BYTES_MAX
from paxtui.wire.faults import ActiveFault, AnyFault, Kinds, Millis, Peer, Trigger
from paxtui.wire.hello import Frame

PAGE_SLOTS_MAX = 2048
"""The most entries that one page of the log carries."""

APPENDS_MAX = 1024
"""The most messages that one frame appends."""

Text = Annotated[str, Meta(max_length=TEXT_BYTES_MAX)]
Count = Annotated[int, Meta(ge=1, le=APPENDS_MAX)]

Consistency = Literal["linearizable", "local"]
Security = Literal["tls", "loopback", "insecure"]
"""What keeps strangers from a replica: certificates, that only its own machine reaches it, or nothing."""

Ask = Annotated[int, Meta(ge=0, lt=2**53)]
"""A number that the asker makes up and that the answer repeats."""


# Clients


class AppendRequest(Frame, frozen=True, tag="append"):
    """Append ``text`` as request ``request`` of this connection's session. Repeating it is harmless."""

    request: Number
    text: Text


class AppendManyRequest(Frame, frozen=True, tag="append-many"):
    """Append each of ``texts``, as requests ``request``, ``request + 1``, ... A connection that has sent one
    of these is answered in runs, too."""

    request: Number
    texts: Annotated[tuple[Text, ...], Meta(min_length=1, max_length=APPENDS_MAX)]


class AppendedReply(Frame, frozen=True, tag="appended", omit_defaults=True):
    """The request is in ``slot`` for ever; with a ``count``, so are those after it in the slots after it."""

    request: Number
    slot: Number
    ballot: Ballot
    count: Count = 1


class RefusedReply(Frame, frozen=True, tag="rejected"):
    """The replica will not answer the request: ``not-leader``, ``busy``, ``warming-up``, ``expired``,
    ``empty``, ``too-long``, or ``forbidden: ...`` for what the certificate does not allow. After
    ``not-leader`` it may still take effect: a deposed leader says so also of what it had proposed. Repeat it,
    with the same number, where ``leader`` points."""

    request: Number
    reason: str
    leader: int | None


class ReadRequest(Frame, frozen=True, tag="read", kw_only=True):
    """One page of the log from slot ``first`` on, at most ``limit`` slots."""

    id: Ask
    first: Number
    limit: Annotated[int, Meta(ge=1, le=PAGE_SLOTS_MAX)] = PAGE_SLOTS_MAX
    consistency: Consistency = "linearizable"


class TailRequest(Frame, frozen=True, tag="tail", kw_only=True):
    """Pages of what this replica applied, from ``first`` on; with ``follow`` for ever as it grows."""

    id: Ask
    first: Number
    follow: bool = True


class LogEntry(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """One applied slot: ``[slot, ballot, client, request, text, repeats]``.

    A no-op has an empty client. ``repeats`` is ``null`` for a message that took effect; else the slot of
    the same request's first effect, or -1 if its session had expired.
    """

    slot: Number
    ballot: Ballot
    client: str
    request: Number
    text: str
    repeats: int | None

    @property
    def is_message(self) -> bool:
        """Return whether the slot holds a message that took effect: no no-op, no repetition."""
        return bool(self.client) and self.repeats is None


class LogPage(Frame, frozen=True, tag="page", kw_only=True):
    """Applied slots in order. ``applied`` is the watermark that the answer rests on; ``last`` ends a tail
    without ``follow``. Slots below ``log_start`` are removed: a page that was asked from there begins at
    it."""

    id: Ask
    entries: tuple[LogEntry, ...]
    applied: Number
    consistency: Consistency
    last: bool
    log_start: Number = 0


class StatusRequest(Frame, frozen=True, tag="get-status"):
    """Ask for :class:`StatusReport`."""

    id: Ask


class LinkView(Struct, frozen=True, gc=False):
    """The directed link from the replica that reports to ``to``, counted since it started."""

    to: int
    connected: bool
    sent: int
    """Messages handed to the connection."""
    lost: int
    """Messages that faults swallowed."""
    waiting_bytes: int
    """What waits for the connection to take it."""
    round_trip_ms: float | None = None
    """The connection's round trip as TCP measures it; delays that faults make are not in it. ``None`` where
    that is not known."""


class StatusReport(Frame, frozen=True, tag="status", kw_only=True):
    """A replica's own belief, and how it fares."""

    id: Ask
    status: Status | None
    """``None`` while it warms up."""
    waiting_for: tuple[int, ...]
    """Replicas whose ready message the warm-up still misses."""
    connected: tuple[int, ...]
    """Replicas that are heard, and to which messages leave."""
    pid: int
    uptime_s: float
    faults: int
    faults_allowed: bool
    storage: str
    commits: int
    fsync_ms: float
    """A moving average of the time a commit takes."""
    counters: dict[str, int]
    clients: int
    links: tuple[LinkView, ...]
    active: tuple[ActiveFault, ...]
    """The faults that act or wait here."""
    refused_by: tuple[tuple[int, str], ...] = ()
    """Peers that do not take this replica in, and why."""
    security: Security = "loopback"
    non_voting_peers: tuple[tuple[int, str], ...] = ()
    """Peers that this replica lets in only as learners without vote, and why."""
    program: str = ""
    """The version of its program; empty from programs that did not tell it yet."""
    clock: float = 1.0
    """The protocol's seconds in a real second; 0 if its clock stands."""
    staged: int = 0
    """Messages that wait here until an operator releases them."""


class FailedReply(Frame, frozen=True, tag="failed", kw_only=True):
    """The request ``id`` had no effect; ``leader`` may know more."""

    id: Ask
    reason: str
    leader: int | None = None


# Operators


class ElectRequest(Frame, frozen=True, tag="elect"):
    """Make this replica start an election, whoever leads."""

    id: Ask


class FillHoleRequest(Frame, frozen=True, tag="noop"):
    """Make this leader fill its hole ``slot`` with a no-op now."""

    id: Ask
    slot: Number


class InjectRequest(Frame, frozen=True, tag="inject", kw_only=True):
    """Begin a fault here; ``for_s`` seconds at most, or when ``when`` happens."""

    id: Ask
    fault: AnyFault
    for_s: Annotated[float, Meta(gt=0, le=86400)] | None = None
    when: Trigger | None = None


class UndoRequest(Frame, frozen=True, tag="undo"):
    """End fault ``number``; ``null`` ends all of this replica's."""

    id: Ask
    number: int | None


class RenewRequest(Frame, frozen=True, tag="renew"):
    """Let fault ``number``, which ends by itself, act for its whole time again; ``null`` renews all of this
    replica's holds and its clock."""

    id: Ask
    number: int | None


class ListFaultsRequest(Frame, frozen=True, tag="list-faults"):
    """Ask for :class:`FaultList`."""

    id: Ask


class FaultList(Frame, frozen=True, tag="faults"):
    """The faults that act or wait here."""

    id: Ask
    faults: tuple[ActiveFault, ...]


# Operators, message by message


STAGED_PAGE_MAX = 1024
"""The most staged messages in one answer. Each is named in some 150 bytes."""

RELEASED_MAX = 1024
"""The most numbers in one request to release."""


class StagedMessage(Struct, frozen=True, gc=False):
    """A message that waits at its sender. ``number`` is unique in the cluster, and grows with time at one
    replica; ``first`` and ``count`` are the slots that it is about."""

    number: int
    replica: int
    to: int
    kind: str
    ballot: Ballot | None
    first: int
    count: int
    bytes: int
    age_s: float
    copies: int = 1
    """How many byte-equal ones were sent: they are one, and leave together."""


class ListStagedRequest(Frame, frozen=True, tag="list-staged"):
    """Ask for :class:`StagedList`, from staged message ``first`` on."""

    id: Ask
    first: Number = 0


class StagedList(Frame, frozen=True, tag="staged", kw_only=True):
    """The messages that wait here, the oldest first, and the protocol's next timer."""

    id: Ask
    messages: tuple[StagedMessage, ...]
    more: int
    """How many follow that did not fit."""
    clock: float
    """The protocol's seconds in a real second."""
    next_timer: str | None
    """What time alone brings next here: ``election``, ``heartbeat``, ``resend``, ...; ``null`` if nothing."""
    in_s: float | None
    """How many of the protocol's seconds are left until then."""


ReleaseHow = Literal["deliver", "drop", "double"]


class StagedMatch(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which staged messages are meant: to ``to`` (-1: any), of ``kinds`` (empty: all), about ``slot``."""

    to: Peer = -1
    kinds: Kinds = ()
    slot: Number | None = None


class ReleaseRequest(Frame, frozen=True, tag="release", kw_only=True):
    """Release staged messages: those with ``numbers``, or those that ``match`` means, the oldest first. They
    leave as if no fault were on their link; with ``double`` each leaves twice, with ``drop`` it is lost."""

    id: Ask
    numbers: Annotated[tuple[Number, ...], Meta(min_length=1, max_length=RELEASED_MAX)] | None = None
    match: StagedMatch | None = None
    how: ReleaseHow = "deliver"


class ReleasedReply(Frame, frozen=True, tag="released", kw_only=True):
    """``released`` staged messages have left, or are dropped; ``unsent`` are lost as their receiver is not
    connected, or takes no more."""

    id: Ask
    released: int
    unsent: int


class TickRequest(Frame, frozen=True, tag="tick"):
    """Move the protocol's clock forward by ``ms``, or (``null``) to its next timer. It never moves over a
    timer: it stops there, and the timer fires."""

    id: Ask
    ms: Millis | None = None


class TickedReply(Frame, frozen=True, tag="ticked", kw_only=True):
    """The protocol's clock has moved by ``moved_ms``; ``fired`` is the timer that it came to."""

    id: Ask
    moved_ms: float
    fired: str | None


class DoneReply(Frame, frozen=True, tag="done"):
    """It is done; ``number`` is the fault's, where one began."""

    id: Ask
    number: int | None


# Observers


class ObserveRequest(Frame, frozen=True, tag="observe"):
    """Send a snapshot, then deltas, until the connection closes."""

    id: Ask


class HistoryRequest(Frame, frozen=True, tag="get-history"):
    """Ask for the notable events and gauges that the replica kept, in
    :class:`~paxtui.wire.telemetry.HistoryPage` frames. Version 1 does not know it."""

    id: Ask


ClientRequest = AppendRequest | AppendManyRequest | ReadRequest | TailRequest | StatusRequest
OperatorRequest = (
    ElectRequest
    | FillHoleRequest
    | InjectRequest
    | UndoRequest
    | RenewRequest
    | ListFaultsRequest
    | ListStagedRequest
    | ReleaseRequest
    | TickRequest
    | StatusRequest
    | ReadRequest
    | TailRequest
)
ObserverRequest = ObserveRequest | HistoryRequest | StatusRequest
Answer = (
    AppendedReply
    | RefusedReply
    | LogPage
    | StatusReport
    | FailedReply
    | FaultList
    | DoneReply
    | StagedList
    | ReleasedReply
    | TickedReply
)
