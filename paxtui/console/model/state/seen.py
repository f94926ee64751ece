"""One event as the console keeps it: of a replica, or of the person at the keyboard."""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec import Struct

from paxtui.wire import events as e
from paxtui.wire.telemetry import (
    ClockChanged,
    FaultBegan,
    FaultEnded,
    LearnedView,
    MessageFaulted,
    MessageReleased,
    MessageStaged,
    ProposedView,
    VotedView,
)

YOU: Final = -1
"""In place of a replica: the person at this console."""

NO_NUMBER: Final = -1
"""Of what the console itself saw of a replica's process."""

KINDS: Final[dict[str, tuple[type, ...]]] = {
    "elections": (
        e.ElectionTimeout,
        e.PreVoteAsked,
        e.PreVoteAnswered,
        e.RoundTaken,
        e.PrepareSent,
        e.Elected,
        e.SteppedDown,
        e.LeaderHeard,
        e.ProposerCrashed,
        e.ProposerRestored,
        e.BecameNonVoting,
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
        e.Checkpointed,
        e.Trimmed,
        e.SnapshotAsked,
        e.SnapshotSent,
        e.SnapshotTaken,
    ),
    "faults": (FaultBegan, FaultEnded, MessageStaged, MessageReleased, ClockChanged),
    "drops": (MessageFaulted, e.MessageDropped),
}
"""What the events pane can be filtered by; everything else is ``other``."""

KIND_OF: Final = {event: kind for kind, classes in KINDS.items() for event in classes}


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
    corrected: bool = False
    """Whether it stands behind its cause although the clocks say that it was earlier."""

    @property
    def kind(self) -> str:
        """Return one of :data:`KINDS`, ``you`` or ``other``."""
        return "you" if self.replica == YOU else KIND_OF.get(type(self.event), "other")

    @property
    def slot(self) -> int | None:
        """Return the slot that it is about, if it is about one."""
        found = getattr(self.event, "slot", None)
        if found is None and getattr(self.event, "count", None):
            found = getattr(self.event, "first", None)
        return found
