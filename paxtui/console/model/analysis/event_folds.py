"""Which events are shown as one line: those that say the same again, and the tries of a replica without a
leader."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from msgspec import Struct

from paxtui.console.model.analysis.describe import describe
from paxtui.console.model.state.ring import Ring
from paxtui.console.model.state.seen import Note, Seen
from paxtui.wire import events as e

TRIES: Final = (e.ElectionTimeout, e.PreVoteAsked)
"""What a replica that hears no leader tells again and again."""

NEAR: Final = 9
"""Lines that are looked back at: so many replicas may try at the same time."""


class EventLine(Struct):
    """One line: an event, or several that are alike. ``first`` and ``last`` are places in the ring."""

    seen: Seen
    """The newest of them."""
    first: int
    last: int
    count: int = 1
    tries: int = 0
    """Of a replica that hears no leader: how often it tried."""

    @property
    def words(self) -> str:
        """Return what happened, and how often."""
        if self.tries > 1:
            return f"no leader, {self.tries} tries"
        again = f", {self.count} times" if self.count > 1 else ""
        return f"{describe(self.seen)}{again}"


class EventLines:
    """The lines of one ring of events. Each event is looked at once."""

    def __init__(self, ring: Ring[Seen], kept: int, *, folding: bool = True) -> None:
        self.ring = ring
        self.folding = folding
        self.lines: Ring[EventLine] = Ring(kept)
        self._looked = 0

    def take_new(self) -> Ring[EventLine]:
        """Return all lines, with what came since the last look."""
        start = max(self._looked, self.ring.first)
        for at, seen in enumerate(self.ring.since(start), start=start):
            line = self._alike(seen) if self.folding else None
            if line is None:
                self.lines.append(EventLine(seen, at, at, tries=int(isinstance(seen.event, TRIES[0]))))
            else:
                line.seen, line.last, line.count = seen, at, line.count + 1
                line.tries += isinstance(seen.event, TRIES[0])
        self._looked = self.ring.end
        return self.lines

    def _alike(self, seen: Seen) -> EventLine | None:
        """Return the line that an event joins. Between the tries of one replica only others' tries may stand:
        no other event changes its place."""
        key = _key(seen)
        for at in range(self.lines.end - 1, max(self.lines.first, self.lines.end - NEAR) - 1, -1):
            line = self.lines.get(at)
            if line is None:
                return None
            if _key(line.seen) == key:
                return line
            if not (isinstance(seen.event, TRIES) and isinstance(line.seen.event, TRIES)):
                return None
        return None

    def line_of(self, place: int) -> int:
        """Return the number of the line that holds the event at ``place`` of the ring, or of the next one."""
        for at in range(self.lines.first, self.lines.end):
            line = self.lines.get(at)
            if line is not None and line.last >= place:
                return at
        return max(self.lines.first, self.lines.end - 1)


def _key(seen: Seen) -> Hashable:
    if isinstance(seen.event, TRIES):
        return seen.replica, "tries"
    if isinstance(seen.event, Note):
        return seen.replica, seen.event.text
    return seen.replica, type(seen.event), _Same(seen.event)


class _Same:
    """An event that is compared by its fields, although it may hold what cannot be hashed."""

    def __init__(self, event: Struct) -> None:
        self._event = event

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._event == other._event

    def __hash__(self) -> int:
        return hash(type(self._event))
