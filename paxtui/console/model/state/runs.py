"""A map from slots to values in which equal neighbours are one run.

A leader votes, sends and learns in runs: a million slots of one leader are one entry here, and the memory of
the console grows with what happened, not with the length of the log.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Runs(Generic[T]):
    """Runs ``[first, end)`` in order, none touching an equal one."""

    __slots__ = ("_ends", "_firsts", "_values")

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._ends: list[int] = []
        self._values: list[T] = []

    def copy(self) -> Runs[T]:
        """Return another one of the same."""
        other: Runs[T] = Runs()
        other._firsts, other._ends, other._values = self._firsts[:], self._ends[:], self._values[:]
        return other

    def assign(self, first: int, end: int, value: T) -> None:
        """Let every slot in ``[first, end)`` have ``value``, whatever it had."""
        if end <= first:
            return
        ends = self._ends
        if not ends or first >= ends[-1]:  # nearly always: logs grow at their end
            if ends and first == ends[-1] and self._values[-1] == value:
                ends[-1] = end
            else:
                self._insert(len(ends), first, end, value)
            return
        self.clear(first, end)
        at = bisect_right(self._firsts, first)
        self._insert(at, first, end, value)
        self._join(at + 1)
        self._join(at)

    def keep_better(
        self, first: int, end: int, value: T, better: Callable[[T, T], bool]
    ) -> list[tuple[int, int]]:
        """Let the slots in ``[first, end)`` have ``value`` where they have nothing, or something that it is
        better than; return the runs that have it now and had not. So the order of telling does not matter."""
        if end <= first:
            return []
        if not self._ends or first >= self._ends[-1]:  # nearly always: logs grow at their end
            self.assign(first, end, value)
            return [(first, end)]
        changed: list[tuple[int, int]] = []
        at = first
        for begin, stop, old in list(self.within(first, end)):
            if at < begin:
                changed.append((at, begin))
            if better(value, old):
                changed.append((begin, stop))
            at = stop
        if at < end:
            changed.append((at, end))
        for begin, stop in changed:
            self.assign(begin, stop, value)
        return changed

    def clear(self, first: int, end: int | None = None) -> None:
        """Forget what the slots in ``[first, end)`` have; without ``end``, all from ``first`` on."""
        if end is None:
            end = self.end
        if end <= first:
            return
        at = max(0, bisect_right(self._firsts, first) - 1)
        while at < len(self._firsts) and self._firsts[at] < end:
            begin, stop, value = self._firsts[at], self._ends[at], self._values[at]
            if stop <= first:
                at += 1
                continue
            del self._firsts[at], self._ends[at], self._values[at]
            if begin < first:
                self._insert(at, begin, first, value)
                at += 1
            if stop > end:
                self._insert(at, end, stop, value)
                at += 1

    def _insert(self, at: int, first: int, end: int, value: T) -> None:
        self._firsts.insert(at, first)
        self._ends.insert(at, end)
        self._values.insert(at, value)

    def _join(self, at: int) -> None:
        """Make one of the runs before and at ``at``, if they are alike and touch."""
        if (
            0 < at < len(self._firsts)
            and self._ends[at - 1] == self._firsts[at]
            and self._values[at - 1] == self._values[at]
        ):
            self._ends[at - 1] = self._ends[at]
            del self._firsts[at], self._ends[at], self._values[at]

    def get(self, slot: int) -> T | None:
        """Return what ``slot`` has."""
        at = bisect_right(self._firsts, slot) - 1
        return self._values[at] if at >= 0 and slot < self._ends[at] else None

    def __contains__(self, slot: int) -> bool:
        at = bisect_right(self._firsts, slot) - 1
        return at >= 0 and slot < self._ends[at]

    def within(self, first: int, end: int) -> Iterator[tuple[int, int, T]]:
        """Return the runs in ``[first, end)``, cut to it."""
        at = max(0, bisect_right(self._firsts, first) - 1)
        for begin, stop, value in zip(self._firsts[at:], self._ends[at:], self._values[at:], strict=True):
            if begin >= end:
                return
            if stop > first:
                yield max(begin, first), min(stop, end), value

    def newest(self, count: int) -> list[tuple[int, int]]:
        """Return the last ``count`` runs, ``[first, end)`` each."""
        return list(zip(self._firsts[-count:], self._ends[-count:], strict=True))

    def first_missing(self, start: int) -> int:
        """Return the first slot from ``start`` on that has nothing."""
        slot = start
        at = max(0, bisect_right(self._firsts, slot) - 1)
        while at < len(self._firsts) and self._firsts[at] <= slot:
            slot = max(slot, self._ends[at])
            at += 1
        return slot

    def forget_oldest(self, runs: int) -> None:
        """Keep only the last ``runs`` runs."""
        over = len(self._firsts) - runs
        if over > 0:
            del self._firsts[:over], self._ends[:over], self._values[:over]

    @property
    def end(self) -> int:
        """Return the slot after the last that has something."""
        return self._ends[-1] if self._ends else 0

    def __len__(self) -> int:
        """Return how many runs there are."""
        return len(self._firsts)
