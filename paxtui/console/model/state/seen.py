"""One event as the console keeps it: of a replica, of the person at the keyboard, or of a scenario."""

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

SCENARIO: Final = -2
"""In place of a replica: the scenario that is on, with its steps and its verdict."""

RUN: Final = -3
"""In place of a replica: what was done to a run whose records are shown."""

NO_REPLICA: Final = {YOU: "you", SCENARIO: "scenario", RUN: "run"}
"""Who tells something without being a replica."""

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
    """Something that the console itself has to tell: what the person or a scenario did, what became of it."""

    text: str
    slot: int | None = None
    failed: bool = False


class Divider(Struct, frozen=True):
    """A line between what was before and what this console saw."""

    text: str


class Aside(Struct, frozen=True):
    """Something that a tape keeps in its place among the events, and that no list of events shows."""

    kind: str


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
    remembered: bool = False
    """Whether the replica kept it and told it later: nobody here saw it."""

    @property
    def kind(self) -> str:
        """Return one of :data:`KINDS`, ``you``, ``scenario`` or ``other``."""
        return NO_REPLICA.get(self.replica) or KIND_OF.get(type(self.event), "other")

    @property
    def teller(self) -> str:
        """Return who tells it: a replica, ``you`` or ``scenario``."""
        return NO_REPLICA.get(self.replica) or f"r{self.replica}"

    @property
    def slot(self) -> int | None:
        """Return the slot that it is about, if it is about one."""
        found = getattr(self.event, "slot", None)
        if found is None and getattr(self.event, "count", None):
            found = getattr(self.event, "first", None)
        return found
