"""What clients, operators and observers ask, and what they are told."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from paxtui.core.ballot import Ballot, Number
from paxtui.core.replica import Status
from paxtui.core.values import TEXT_BYTES_MAX
from paxtui.wire.faults import ActiveFault, AnyFault, Trigger
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
    """Let fault ``number``, which ends by itself, act for its whole time again."""

    id: Ask
    number: int


class ListFaultsRequest(Frame, frozen=True, tag="list-faults"):
    """Ask for :class:`FaultList`."""

    id: Ask


class FaultList(Frame, frozen=True, tag="faults"):
    """The faults that act or wait here."""

    id: Ask
    faults: tuple[ActiveFault, ...]


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
    | StatusRequest
    | ReadRequest
    | TailRequest
)
ObserverRequest = ObserveRequest | HistoryRequest | StatusRequest
Answer = AppendedReply | RefusedReply | LogPage | StatusReport | FailedReply | FaultList | DoneReply
