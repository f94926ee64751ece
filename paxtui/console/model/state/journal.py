"""The events of all replicas and of the person at the keyboard, in the order in which they became known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from paxtui.console.model.state.cause_order import CauseOrder
from paxtui.console.model.state.ring import Ring, Sieve
from paxtui.console.model.state.seen import YOU, Seen
from paxtui.wire import events as e
from paxtui.wire.telemetry import LearnedView, MessageFaulted, MessageStaged, ProposedView, VotedView

EVENTS_KEPT: Final = 50_000
NOTABLE_KEPT: Final = 10_000
"""Events of the level `info`; at the level `all` as many as are kept are shown."""

YOURS_KEPT: Final = 2_000
"""Events of the person at this console: replicas' events, however many, push none of them out."""

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
        MessageStaged,
        ProposedView,
        VotedView,
    )
)
"""Told only at the level `all`: they come with every message, or all the time."""


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
    """Bounded: the newest events, and for longer those that matter to a person.

    They stand in the order of cause if they are held for ``hold_s`` before, and else in that of arrival.
    """

    def __init__(self, hold_s: float = 0.0) -> None:
        self._held = CauseOrder(hold_s) if hold_s else None
        self.all: Ring[Seen] = Ring(EVENTS_KEPT)
        self.notable: Ring[Seen] = Ring(NOTABLE_KEPT)
        self.yours: Ring[Seen] = Ring(YOURS_KEPT)
        self.total = 0
        self._sieves: dict[Filter, Sieve[Seen]] = {}

    def still(self) -> Events:
        """Return a copy as it is now, of all that was told so far."""
        other = Events()
        other.all, other.notable = self.all.copy(), self.notable.copy()
        other.yours = self.yours.copy()
        other.total = self.total
        for seen in self._held.copy().rest() if self._held is not None else ():
            other._append(seen)
        return other

    def add(self, seen: Seen, at: float, now: float) -> None:
        """Take one event, which happened ``at`` a time of the console's clock, and is told ``now``."""
        self.total += 1
        if self._held is not None:
            self._held.add(seen, at, now)
        else:
            self._append(seen)

    def release(self, now: float) -> bool:
        """Put those in their places that have waited for their causes; return whether there were any."""
        found = list(self._held.due(now)) if self._held is not None else []
        for seen in found:
            self._append(seen)
        return bool(found)

    def _append(self, seen: Seen) -> None:
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
