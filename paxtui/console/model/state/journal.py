"""The events of all replicas and of the person at the keyboard, in the order in which they became known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from paxtui.console.model.state.cause_order import Body, CauseOrder, Held
from paxtui.console.model.state.ring import Ring, Sieve
from paxtui.console.model.state.seen import NO_NUMBER, YOU, Aside, Divider, Seen
from paxtui.wire.notable import is_notable

EVENTS_KEPT: Final = 50_000
NOTABLE_KEPT: Final = 10_000
"""Events of the level `info`; at the level `all` as many as are kept are shown."""

YOURS_KEPT: Final = 2_000
"""Events of the person at this console: replicas' events, however many, push none of them out."""


BEFORE: Final = "before you came"
CAME: Final = "you came"


class Filter(NamedTuple):
    """The events that a reader wants to see."""

    everything: bool = False
    """The level `all`; else only what matters to a person."""
    kind: str | None = None
    replica: int | None = None

    def takes(self, seen: Seen) -> bool:
        """Return whether an event of the level is wanted."""
        if isinstance(seen.event, Divider):
            return True
        return (self.kind is None or seen.kind == self.kind) and self.replica in (None, seen.replica)


Sink = Callable[[Seen, float, Body], None]
"""Takes an event in its place, when it arrived, and what a tape keeps of it."""

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
        self.sink: Sink | None = None
        """What a tape is written by."""
        self._sieves: dict[Filter, Sieve[Seen]] = {}

    def still(self) -> Events:
        """Return a copy as it is now, of all that was told so far."""
        other = Events()
        other.all, other.notable = self.all.copy(), self.notable.copy()
        other.yours = self.yours.copy()
        other.total = self.total
        for held in self.rest():
            if isinstance(held.seen.event, Aside):
                continue
            other._append(held.seen)
        return other

    def add(self, seen: Seen, at: float, now: float, body: Body | None = None) -> None:
        """Take one event, which happened ``at`` a time of the console's clock, and is told ``now``; ``body``
        is what a tape keeps of it."""
        self.total += not isinstance(seen.event, Aside)
        if self._held is not None:
            self._held.add(seen, at, now, body)
        else:
            self._place(seen, now, body)

    def release(self, now: float) -> bool:
        """Put those in their places that have waited for their causes; return whether there were any."""
        found = list(self._held.due(now)) if self._held is not None else []
        for held in found:
            self._place(held.seen, held.arrived, held.body)
        return bool(found)

    def rest(self) -> list[Held]:
        """Return what has no place yet, in the order of cause."""
        return list(self._held.copy().rest()) if self._held is not None else []

    @property
    def held(self) -> dict[int, int]:
        """Return by who tells it how much has no place yet."""
        return self._held.held if self._held is not None else {}

    def _place(self, seen: Seen, arrived: float, body: Body | None) -> None:
        if self.sink is not None and body is not None:
            self.sink(seen, arrived, body)
        if not isinstance(seen.event, Aside):
            self._append(seen)

    def _append(self, seen: Seen) -> None:
        self.all.append(seen)
        if seen.replica == YOU:
            self.yours.append(seen)
        if is_notable(seen.replica, seen.event):
            self.notable.append(seen)

    def put_before(self, remembered: Iterable[Seen], came: float) -> None:
        """Put what replicas kept in the place of what they kept before. It is all notable; ``came`` is the
        time of day from which on this console saw by itself."""
        kept = tuple(remembered)
        if kept:
            self.all = Ring.of(with_dividers(kept, _seen_here(self.all), came), EVENTS_KEPT)
            self.notable = Ring.of(with_dividers(kept, _seen_here(self.notable), came), NOTABLE_KEPT)
            self._sieves.clear()

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


def _seen_here(ring: Iterable[Seen]) -> Iterator[Seen]:
    return (seen for seen in ring if not seen.remembered and not isinstance(seen.event, Divider))


def with_dividers(kept: Sequence[Seen], seen_here: Iterable[Seen], came: float) -> list[Seen]:
    """Return what replicas kept and what was seen, by the time of day at which it happened. Both stay in
    their own order. A line stands before what was before, and one behind it."""
    merged: list[Seen] = []
    at = 0
    for seen in seen_here:
        while at < len(kept) and kept[at].wall <= max(seen.wall, came):
            merged.append(kept[at])
            at += 1
        merged.append(seen)
    merged += kept[at:]
    if not merged[0].remembered or merged[0].wall >= came:
        return merged
    end = next(
        (at for at, seen in enumerate(merged) if not seen.remembered or seen.wall >= came), len(merged)
    )
    before = Seen(merged[0].wall, YOU, NO_NUMBER, Divider(BEFORE))
    return [before, *merged[:end], Seen(came, YOU, NO_NUMBER, Divider(CAME)), *merged[end:]]
