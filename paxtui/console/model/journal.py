"""The events of all replicas and of the person at the keyboard, in the order in which they became known."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from msgspec import Struct

from paxtui.wire import events as e
from paxtui.wire.telemetry import FaultBegan, FaultEnded, LearnedView, MessageFaulted, ProposedView, VotedView

EVENTS_KEPT: Final = 50_000
NOTABLE_KEPT: Final = 10_000
"""Events of the level `info`; at the level `all` as many as are kept are shown."""

YOU: Final = -1
"""In place of a replica: the person at this console."""

KINDS: Final[dict[str, tuple[type, ...]]] = {
    "elections": (
        e.ElectionTimeout,
        e.Canvassed,
        e.CanvassAnswered,
        e.RoundTaken,
        e.PrepareSent,
        e.Elected,
        e.SteppedDown,
        e.LeaderHeard,
        e.ProposerCrashed,
        e.ProposerRestored,
    ),
    "promises": (e.Promised, e.PromiseReceived, e.Bound, e.NackSent, e.NackReceived),
    "slots": (
        ProposedView,
        e.AcceptSent,
        VotedView,
        e.AcceptedReceived,
        e.ChosenSeen,
        LearnedView,
        e.AppliedTo,
        e.SlotSkipped,
        e.Suppressed,
    ),
    "faults": (FaultBegan, FaultEnded),
    "drops": (MessageFaulted, e.MessageDropped),
}
"""What the events pane can be filtered by; everything else is ``other``."""

QUIET: Final = (
    e.AcceptSent,
    e.AcceptedReceived,
    e.AppliedTo,
    e.CanvassAnswered,
    e.ChosenSeen,
    e.EntriesSent,
    e.MessageDropped,
    e.PrepareSent,
    e.PromiseReceived,
    e.ReadConfirmed,
    LearnedView,
    MessageFaulted,
    ProposedView,
    VotedView,
)
"""Told only at the level `all`: they come with every message."""


class Note(Struct, frozen=True):
    """Something that the console itself has to tell: what the person did, what became of it."""

    text: str
    slot: int | None = None
    failed: bool = False


class Seen(NamedTuple):
    """One event. ``number`` counts a replica's events without a gap, so that a later view of messages and
    their causes can be built from these."""

    wall: float
    """Seconds since the epoch by the replica's clock."""
    replica: int
    number: int
    event: Struct

    @property
    def kind(self) -> str:
        """One of :data:`KINDS`, ``you`` or ``other``."""
        if self.replica == YOU:
            return "you"
        for kind, classes in KINDS.items():
            if isinstance(self.event, classes):
                return kind
        return "other"

    @property
    def slot(self) -> int | None:
        """The slot that it is about, if it is about one."""
        found = getattr(self.event, "slot", None)
        if found is None and getattr(self.event, "count", None):
            found = getattr(self.event, "first", None)
        return found


class Journal:
    """Bounded: the newest events, and for longer those that matter to a person."""

    def __init__(self) -> None:
        self.all: deque[Seen] = deque(maxlen=EVENTS_KEPT)
        self.notable: deque[Seen] = deque(maxlen=NOTABLE_KEPT)
        self.total = 0
        self.noted = 0
        """How many notable ones there ever were: what a view was drawn from."""

    def still(self) -> Journal:
        """As it is now."""
        other = Journal()
        other.all, other.notable = self.all.copy(), self.notable.copy()
        other.total, other.noted = self.total, self.noted
        return other

    def add(self, seen: Seen) -> None:
        """Take one event."""
        self.total += 1
        self.all.append(seen)
        if not isinstance(seen.event, QUIET) or (
            isinstance(seen.event, ProposedView) and seen.event.source != "client"
        ):
            self.noted += 1
            self.notable.append(seen)

    def newest(self, *, everything: bool = False) -> Iterator[Seen]:
        """From the newest backwards."""
        return reversed(self.all if everything else self.notable)
