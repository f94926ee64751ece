"""What observers see: a snapshot of one replica, then everything that happened since, as runs.

Each replica numbers its events without a gap. A delta states the number of its first event; what had to
be dropped for want of room is counted, and followed by a new snapshot.
"""

from __future__ import annotations

from msgspec import Raw, Struct

from paxtui.core.ballot import Ballot, Number
from paxtui.core.replica import Status
from paxtui.wire.faults import ActiveFault
from paxtui.wire.hello import Frame


class SlotView(Struct, frozen=True, array_like=True, gc=False):
    """One slot as a replica sees it: ``[slot, vote ballot | null, client, request, text, state]``; the text
    is cut after 120 characters; ``state`` is ``voted``, ``learned`` or ``applied``."""

    slot: int
    ballot: Ballot | None
    client: str
    request: int
    text: str
    state: str


class Snapshot(Frame, frozen=True, tag="snapshot", kw_only=True):
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


class Delta(Frame, frozen=True, tag="delta", kw_only=True):
    """Events ``first``, ``first + 1``, ...: ``[seconds, event]`` pairs as :mod:`paxtui.core.events` names
    them. ``dropped`` events before them did not fit; a snapshot follows then."""

    id: int
    first: Number
    at_s: float
    events: tuple[tuple[float, Raw], ...]
    dropped: int


ObserverAnswer = Snapshot | Delta


class ValueView(Struct, frozen=True, array_like=True, gc=False):
    """A value as observers see it: ``[client, request, text]``, the text cut after 120 characters."""

    client: str
    request: int
    text: str


class RunView(Struct, frozen=True, tag_field="event", gc=False):
    """Base of the events that observers get in a lighter form than :mod:`paxtui.core.events` has them."""


class VotedView(RunView, frozen=True, tag="voted"):
    """This acceptor voted at ``ballot`` in ``count`` slots from ``first`` on."""

    ballot: Ballot
    first: int
    count: int


class ProposedView(RunView, frozen=True, tag="proposed"):
    """The leader of ``ballot`` proposed these values; ``values`` is ``null`` where they did not fit."""

    ballot: Ballot
    first: int
    count: int
    source: str
    values: tuple[ValueView, ...] | None


class LearnedView(RunView, frozen=True, tag="learned"):
    """This replica knows these slots to be chosen; ``values`` is ``null`` where they did not fit."""

    ballot: Ballot
    first: int
    count: int
    values: tuple[ValueView, ...] | None
