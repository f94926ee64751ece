"""The events of all replicas and of the person at the keyboard, in the order in which they became known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from msgspec import Struct

from paxtui.console.model.state.ring import Ring, Sieve
from paxtui.wire import events as e
from paxtui.wire.telemetry import FaultBegan, FaultEnded, LearnedView, MessageFaulted, ProposedView, VotedView

EVENTS_KEPT: Final = 50_000
NOTABLE_KEPT: Final = 10_000
"""Events of the level `info`; at the level `all` as many as are kept are shown."""

YOURS_KEPT: Final = 2_000
"""Events of the person at this console: replicas' events, however many, push none of them out."""

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
    "faults": (FaultBegan, FaultEnded),
    "drops": (MessageFaulted, e.MessageDropped),
}
"""What the events pane can be filtered by; everything else is ``other``."""

KIND_OF: Final = {event: kind for kind, classes in KINDS.items() for event in classes}

QUIET: Final = frozenset(
    (
        e.AcceptSent,
        e.AcceptedReceived,
        e.AppliedTo,
        e.PreVoteAnswered,
        e.ChosenSeen,
        e.EntriesSent,
        e.Checkpointed,
        e.MessageDropped,
        e.PrepareSent,
        e.PromiseReceived,
        e.ReadConfirmed,
        e.SnapshotSent,
        LearnedView,
        MessageFaulted,
        ProposedView,
        VotedView,
    )
)
"""Told only at the level `all`: they come with every message, or all the time."""


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
        """Return one of :data:`KINDS`, ``you`` or ``other``."""
        return "you" if self.replica == YOU else KIND_OF.get(type(self.event), "other")

    @property
    def slot(self) -> int | None:
        """Return the slot that it is about, if it is about one."""
        found = getattr(self.event, "slot", None)
        if found is None and getattr(self.event, "count", None):
            found = getattr(self.event, "first", None)
        return found


def _is_notable(seen: Seen) -> bool:
    """Return whether it matters to a person by itself."""
    match seen.event:
        case ProposedView(source=source):
            return source != "client"
        case e.LeaderHeard(ballot=ballot):
            return ballot.replica != seen.replica  # that it leads is told before
    return type(seen.event) not in QUIET


class Filter(NamedTuple):
    """The events that a reader wants to see."""

    everything: bool = False
    """The level `all`; else only what matters to a person."""
    kind: str | None = None
    replica: int | None = None

    def takes(self, seen: Seen) -> bool:
        """Return whether an event of the level is wanted."""
        return (self.kind is None or seen.kind == self.kind) and self.replica in (None, seen.replica)


SIEVES_MAX: Final = 8
"""Filters that are remembered; another one is a new look at all that is kept."""


class Events:
    """Bounded: the newest events, and for longer those that matter to a person."""

    def __init__(self) -> None:
        self.all: Ring[Seen] = Ring(EVENTS_KEPT)
        self.notable: Ring[Seen] = Ring(NOTABLE_KEPT)
        self.yours: Ring[Seen] = Ring(YOURS_KEPT)
        self.total = 0
        self._sieves: dict[Filter, Sieve[Seen]] = {}

    def still(self) -> Events:
        """Return a copy as it is now."""
        other = Events()
        other.all, other.notable = self.all.copy(), self.notable.copy()
        other.yours = self.yours.copy()
        other.total = self.total
        return other

    def add(self, seen: Seen) -> None:
        """Take one event."""
        self.total += 1
        self.all.append(seen)
        if seen.replica == YOU:
            self.yours.append(seen)
        if _is_notable(seen):
            self.notable.append(seen)

    def ring(self, wanted: Filter) -> Ring[Seen]:
        """Return the events that pass a filter. What came since the last call is looked at, and nothing
        else."""
        if wanted.replica == YOU and wanted.kind in (None, "you"):
            return self.yours
        level = self.all if wanted.everything else self.notable
        if wanted.kind is None and wanted.replica is None:
            return level
        sieve = self._sieves.get(wanted)
        if sieve is None:
            if len(self._sieves) >= SIEVES_MAX:
                del self._sieves[next(iter(self._sieves))]
            sieve = self._sieves[wanted] = Sieve(level, wanted.takes, NOTABLE_KEPT)
        return sieve.take_new()

    def newest(self, *, everything: bool = False) -> Iterator[Seen]:
        """Iterate from the newest backwards."""
        return reversed(self.all if everything else self.notable)
