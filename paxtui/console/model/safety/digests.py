"""Marks of values by slot, kept as they are told: a string for a run.

Replicas vote and learn in runs, and nearly always for the same values. So runs are compared as strings, and
no slot costs anything by itself unless somebody disagrees.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final, NamedTuple

from paxtui.wire.telemetry import DIGEST_CHARS


class Clash(NamedTuple):
    """Two marks where one was expected."""

    slot: int
    known: str
    told: str


NONE: Final[tuple[Clash, ...]] = ()


class Digests:
    """Runs of marks in order of slots. What is known first stays."""

    __slots__ = ("_firsts", "_texts", "end", "new")

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._texts: list[str] = []
        self.end = 0
        """The slot after the last that has a mark."""
        self.new: list[tuple[int, str]] = []
        """The runs that the last :meth:`put` added."""

    def put(self, first: int, marks: str) -> tuple[Clash, ...]:
        """Take the marks of a run; return the slots that had other ones."""
        if not marks:
            self.new = []
            return NONE
        if first >= self.end:
            self.new = [(first, marks)]
            self._firsts.append(first)
            self._texts.append(marks)
            self.end = first + len(marks) // DIGEST_CHARS
            return NONE
        self.new = []
        at = bisect_right(self._firsts, first) - 1
        if at >= 0 and self._texts[at].startswith(marks, (first - self._firsts[at]) * DIGEST_CHARS):
            return NONE
        return self._merge(first, marks)

    def _merge(self, first: int, marks: str) -> tuple[Clash, ...]:
        """Return the general case: parts are known, parts are new."""
        clashes: list[Clash] = []
        slot, end = first, first + len(marks) // DIGEST_CHARS
        while slot < end:
            at = bisect_right(self._firsts, slot) - 1
            begin = self._firsts[at] if at >= 0 else 0
            stop = begin + len(self._texts[at]) // DIGEST_CHARS if at >= 0 else 0
            if slot < stop:
                upto = min(stop, end)
                known = self._texts[at][(slot - begin) * DIGEST_CHARS : (upto - begin) * DIGEST_CHARS]
                told = marks[(slot - first) * DIGEST_CHARS : (upto - first) * DIGEST_CHARS]
                if known != told:
                    clashes += _compare(slot, known, told)
            else:
                upto = min(self._firsts[at + 1], end) if at + 1 < len(self._firsts) else end
                added = marks[(slot - first) * DIGEST_CHARS : (upto - first) * DIGEST_CHARS]
                self._firsts.insert(at + 1, slot)
                self._texts.insert(at + 1, added)
                self.new.append((slot, added))
            slot = upto
        self.end = max(self.end, end)
        return tuple(clashes)

    def clashes(self, first: int, marks: str) -> tuple[Clash, ...]:
        """Return the slots of a run that are known to have other marks. Nothing is taken."""
        if first >= self.end or not marks:
            return NONE
        found: list[Clash] = []
        for slot, known in self.within(first, first + len(marks) // DIGEST_CHARS):
            at = (slot - first) * DIGEST_CHARS
            if not marks.startswith(known, at):
                found += _compare(slot, known, marks[at : at + len(known)])
        return tuple(found)

    def get(self, slot: int) -> str | None:
        """Return the mark in ``slot``, if it is known."""
        return next((marks for _, marks in self.within(slot, slot + 1)), None)

    def within(self, first: int, end: int) -> Iterator[tuple[int, str]]:
        """Return the known runs in ``[first, end)``, cut to it."""
        at = max(0, bisect_right(self._firsts, first) - 1)
        while at < len(self._firsts) and self._firsts[at] < end:
            begin, marks = self._firsts[at], self._texts[at]
            stop = begin + len(marks) // DIGEST_CHARS
            if stop > first:
                low, high = max(begin, first), min(stop, end)
                whole = low == begin and high == stop
                yield (
                    low,
                    marks if whole else marks[(low - begin) * DIGEST_CHARS : (high - begin) * DIGEST_CHARS],
                )
            at += 1

    def forget_below(self, slot: int) -> None:
        """Drop runs that end below ``slot``."""
        over = bisect_right(self._firsts, slot) - 1
        if over > 0:
            del self._firsts[:over], self._texts[:over]

    def __len__(self) -> int:
        """Return how many runs are kept."""
        return len(self._firsts)


def pieces(marks: str) -> list[str]:
    """Return one mark a slot."""
    return [marks[at : at + DIGEST_CHARS] for at in range(0, len(marks), DIGEST_CHARS)]


def _compare(first: int, known: str, told: str) -> list[Clash]:
    pairs = zip(pieces(known), pieces(told), strict=True)
    return [Clash(slot, one, other) for slot, (one, other) in enumerate(pairs, first) if one != other]
