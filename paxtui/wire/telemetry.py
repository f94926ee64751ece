"""What observers see: a snapshot of one replica, then everything that happened since, as runs.

Each replica numbers its events without a gap. A delta states the number of its first event; what had to
be dropped for want of room is counted, and followed by a new snapshot.
"""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Raw, Struct

from paxtui.core import events as e
from paxtui.core.ballot import Ballot, Number
from paxtui.core.replica import Status
from paxtui.core.values import NOOP, Command
from paxtui.wire.faults import ActiveFault, AnyFault
from paxtui.wire.hello import Frame

DIGEST_CHARS = 16
"""A digest has 64 bits: two different values of a million look alike once in forty million runs."""

TEXT_CHARS_MAX = 120
"""As much of a text as observers are told."""

_encode = msgspec.json.Encoder().encode


def brief(text: str) -> str:
    """Shorten a text for the eye: one that is longer than what observers are told ends in ``…``."""
    return text if len(text) <= TEXT_CHARS_MAX else text[: TEXT_CHARS_MAX - 1] + "…"


def digest(value: Command) -> str:
    """Shorten a value to hex digits that are equal where values are, for who is not told whole values.

    The first half tells whether it is a client's: what the cluster says to itself may stand in two slots, and
    is no repeated request.
    """
    hashed = hashlib.blake2b(_encode(value), digest_size=DIGEST_CHARS // 2).hexdigest()
    return hashed if value.client or value == NOOP else NOOP_DIGEST[:OWN_CHARS] + hashed[OWN_CHARS:]


OWN_CHARS = DIGEST_CHARS // 2
NOOP_DIGEST = digest(NOOP)
OWN_PREFIX = NOOP_DIGEST[:OWN_CHARS]
"""What the digests of the no-op and of all other values of no client begin with."""


class SlotView(Struct, frozen=True, array_like=True, gc=False):
    """One slot as a replica sees it: ``[slot, ballot, client, request, text, state, digest]``; a text that is
    longer than 120 characters ends in ``…``; ``state`` is ``voted``, ``learned`` or ``applied``. The ballot
    is that of the vote, or one at which the value was learned."""

    slot: int
    ballot: Ballot
    client: str
    request: int
    text: str
    state: str
    digest: str


class TelemetrySnapshot(Frame, frozen=True, tag="snapshot", kw_only=True):
    """The replica as of event ``number``: status, faults, and the slots around its watermark."""

    id: int
    number: Number
    at_s: float
    """The replica's monotonic clock."""
    wall: float
    """Seconds since the epoch, for people."""
    status: Status | None
    slots: tuple[SlotView, ...]
    faults: tuple[ActiveFault, ...]


class TelemetryDelta(Frame, frozen=True, tag="delta", kw_only=True):
    """Events ``first``, ``first + 1``, ...: ``[seconds, event]`` pairs as :mod:`paxtui.core.events` names
    them. ``dropped`` events before them did not fit; a snapshot follows then."""

    id: int
    first: Number
    at_s: float
    events: tuple[tuple[float, Raw], ...]
    dropped: int


class GaugeSecond(Struct, frozen=True, array_like=True, gc=False):
    """What a replica counted in one second: ``[second, leads, chosen, learned, elections, resent, lost,
    messages, fsync_ms, p50_ms, p99_ms]``. ``second`` is a whole second of its monotonic clock. ``chosen``,
    the quantiles of the time from a proposal to the news that it is chosen, and ``elections`` are what it saw
    as the leader."""

    second: int
    leads: bool
    chosen: int
    learned: int
    elections: int
    resent: int
    lost: int
    messages: int
    """Messages that left for other replicas."""
    fsync_ms: float | None
    """The moving average of the time of a commit; ``None`` where nothing was committed."""
    p50_ms: float | None
    p99_ms: float | None


class HistoryPage(Frame, frozen=True, tag="history", kw_only=True):
    """What a replica kept of the time before: ``[number, seconds, event]`` triples in order, as a delta has
    them but without values, and seconds of gauges. Several pages answer one request, and ``last`` is true in
    the last one."""

    id: int
    began_s: float
    """When this process began, on its monotonic clock: numbers are those of one process."""
    events: tuple[tuple[Number, float, Raw], ...]
    gauges: tuple[GaugeSecond, ...]
    last: bool


ObserverAnswer = TelemetrySnapshot | TelemetryDelta | HistoryPage


class ValueView(Struct, frozen=True, array_like=True, gc=False):
    """A value as observers see it: ``[client, request, text]``; a text that is longer than 120
    characters ends in ``…``."""

    client: str
    request: int
    text: str


class View(Struct, frozen=True, tag_field="event", gc=False):
    """Base of what observers get beside the events of :mod:`paxtui.core.events`, or in their place."""


class VotedView(View, frozen=True, tag="voted"):
    """The acceptor voted at ``ballot`` in ``count`` slots from ``first`` on. ``digests`` has the digests
    of the values, one after the other."""

    ballot: Ballot
    first: int
    count: int
    digests: str


class ProposedView(View, frozen=True, tag="proposed"):
    """The leader of ``ballot`` proposed these values; ``values`` is ``null`` where they did not fit."""

    ballot: Ballot
    first: int
    count: int
    source: str
    digests: str
    values: tuple[ValueView, ...] | None


class LearnedView(View, frozen=True, tag="learned"):
    """The replica knows ``count`` slots to be chosen; ``ballots`` has runs ``[ballot, count]``; ``values``
    is ``null`` where they did not fit."""

    first: int
    count: int
    ballots: tuple[tuple[Ballot, int], ...]
    digests: str
    values: tuple[ValueView, ...] | None


class MessageFaulted(View, frozen=True, tag="message-faulted"):
    """A fault acted on message ``number`` of the faulty link to ``to``: it is lost (``copies`` is 0), or
    each of its copies arrives ``delays_ms`` later. ``first`` and ``count`` are the slots that it is about."""

    to: int
    number: int
    kind: str
    ballot: Ballot | None
    first: int
    count: int
    copies: int
    delays_ms: tuple[float, ...]


class MessageStaged(View, frozen=True, tag="message-staged"):
    """A message to ``to`` waits here, as staged message ``number``, until it is released. With ``copies`` it
    is byte-equal to one that waits already. ``first`` and ``count`` are the slots that it is about."""

    number: int
    to: int
    kind: str
    ballot: Ballot | None
    first: int
    count: int
    copies: int


class MessageReleased(View, frozen=True, tag="message-released"):
    """A staged message waits no more: ``deliver``, ``drop`` or ``double`` as an operator decided, ``end`` as
    its hold is over; ``unsent`` if it was to leave and no connection took it."""

    number: int
    to: int
    kind: str
    ballot: Ballot | None
    first: int
    count: int
    copies: int
    how: str


class ClockChanged(View, frozen=True, tag="clock-changed"):
    """The protocol's clock runs at ``rate`` of real time from here on; ``moved_s`` is how far an operator has
    moved it forward."""

    rate: float
    moved_s: float


class FaultBegan(View, frozen=True, tag="fault-began"):
    """A fault acts from here on, or waits for its trigger (``waits``)."""

    number: int
    fault: AnyFault
    waits: bool


class FaultEnded(View, frozen=True, tag="fault-ended"):
    """A fault is over: ``undone``, ``expired`` or ``done``."""

    number: int
    fault: AnyFault
    how: str


Observed = (
    e.Restored
    | e.ElectionTimeout
    | e.PreVoteAsked
    | e.PreVoteAnswered
    | e.RoundTaken
    | e.PrepareSent
    | e.Promised
    | e.PromiseReceived
    | e.Elected
    | ProposedView
    | e.AcceptSent
    | VotedView
    | e.Bound
    | e.AcceptedReceived
    | e.ChosenSeen
    | LearnedView
    | e.AppliedTo
    | e.Suppressed
    | e.SessionEvicted
    | e.NackSent
    | e.NackReceived
    | e.SteppedDown
    | e.LeaderHeard
    | e.SlotSkipped
    | e.CatchUpAsked
    | e.EntriesSent
    | e.Checkpointed
    | e.Trimmed
    | e.SnapshotAsked
    | e.SnapshotSent
    | e.SnapshotTaken
    | e.ReadConfirmed
    | e.ProposerCrashed
    | e.ProposerRestored
    | e.BecameNonVoting
    | e.MessageDropped
    | MessageFaulted
    | MessageStaged
    | MessageReleased
    | ClockChanged
    | FaultBegan
    | FaultEnded
)
"""Everything that stands in a delta."""
