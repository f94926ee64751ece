"""A bounded list that only grows at its end, read by position: what events panes scroll in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Ring(Generic[T]):
    """The newest ``kept`` items. Positions count from the first item there ever was, so they stay true."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._items: list[T] = []
        self._gone = 0

    def append(self, item: T) -> None:
        """Add one item; the oldest leave in large steps, which costs next to nothing an item."""
        self._items.append(item)
        if len(self._items) >= 2 * self._kept:
            self._gone += len(self._items) - self._kept
            del self._items[: -self._kept]

    @classmethod
    def of(cls, items: Iterable[T], kept: int) -> Ring[T]:
        """Return a ring of the newest of some items."""
        made = cls(kept)
        for item in items:
            made.append(item)
        return made

    def copy(self) -> Ring[T]:
        """Return another one of the same."""
        other: Ring[T] = Ring(self._kept)
        other._items, other._gone = self._items[:], self._gone
        return other

    @property
    def first(self) -> int:
        """Return the position of the oldest item that is kept."""
        return max(self._gone, self.end - self._kept)

    @property
    def end(self) -> int:
        """Return the position after the newest: how many there ever were."""
        return self._gone + len(self._items)

    def get(self, position: int) -> T | None:
        """Return the item at ``position``; ``None`` where it is not kept, or not there yet."""
        at = position - self._gone
        return self._items[at] if self.first <= position and 0 <= at < len(self._items) else None

    def since(self, position: int) -> Iterator[T]:
        """Return items from ``position`` on, or from the oldest that is kept."""
        start = max(position, self.first) - self._gone
        items = self._items
        return (items[at] for at in range(start, len(items)))

    def __len__(self) -> int:
        return self.end - self.first

    def __iter__(self) -> Iterator[T]:
        return self.since(self.first)

    def __reversed__(self) -> Iterator[T]:
        items = self._items
        return (items[at] for at in range(len(items) - 1, self.first - self._gone - 1, -1))


class Sieve(Generic[T]):
    """The items of a ring that are wanted. Each is looked at once, however often the sieve is."""

    def __init__(self, ring: Ring[T], wanted: Callable[[T], bool], kept: int) -> None:
        self.found: Ring[T] = Ring(kept)
        self._ring = ring
        self._wanted = wanted
        self._looked = 0

    def take_new(self) -> Ring[T]:
        """Return what was found, with what came since the last look."""
        wanted, found = self._wanted, self.found
        for item in self._ring.since(self._looked):
            if wanted(item):
                found.append(item)
        self._looked = self._ring.end
        return found
