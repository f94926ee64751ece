"""Which slots of the log are shown as one line: long runs in which nothing happened but what always does.

Slots that are alike (applied, proposed by a client, with the same votes of the same acceptors) are one run in
every map of the model, so the ends of these runs are where something happened: an election, a lost vote, a
hole. The slots at both ends stay visible, and so does the end of the log.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.state.runs import Runs

FOLD_MIN: Final = 4
"""Fewer slots are no trouble to look at."""

EDGES_MAX: Final = 400
"""Ends of runs that are looked at, the newest; what is older is folded whatever happened in it."""


class Fold(NamedTuple):
    """Slots ``[first, end)`` on one line."""

    first: int
    end: int
    removed: bool = False
    """Whether these are the slots that nobody keeps any more: they cannot be opened."""

    def __contains__(self, slot: object) -> bool:
        return isinstance(slot, int) and self.first <= slot < self.end


class Layout:
    """Lines of the log: a slot each, but for folds."""

    def __init__(self, folds: Sequence[Fold] = ()) -> None:
        self.folds = tuple(folds)
        self._firsts = [fold.first for fold in self.folds]
        self._lines: list[int] = []
        """By fold, its line."""
        self._hidden = [0]
        """By fold, how many slots the ones before it hide."""
        for fold in self.folds:
            self._lines.append(fold.first - self._hidden[-1])
            self._hidden.append(self._hidden[-1] + fold.end - fold.first - 1)

    def lines(self, end: int) -> int:
        """Return how many lines a log of ``end`` slots has."""
        return end - self._hidden[-1]

    def at(self, line: int) -> int | Fold:
        """Return the slot or the fold on ``line``."""
        before = bisect_left(self._lines, line)
        if before < len(self._lines) and self._lines[before] == line:
            return self.folds[before]
        return line + self._hidden[before]

    def line_of(self, slot: int) -> int:
        """Return the line of ``slot``, or of the fold that hides it."""
        before = bisect_right(self._firsts, slot)
        if before and slot in self.folds[before - 1]:
            return self._lines[before - 1]
        return slot - self._hidden[before]

    def fold_of(self, slot: int) -> Fold | None:
        """Return the fold that hides ``slot``."""
        before = bisect_right(self._firsts, slot)
        return self.folds[before - 1] if before and slot in self.folds[before - 1] else None

    def without(self, fold: Fold) -> Layout:
        """Return a layout with one fold opened."""
        return Layout([each for each in self.folds if each != fold])


def layout(model: ClusterModel, upto: int) -> Layout:
    """Fold what can be below slot ``upto``, and what is removed."""
    log_start = model.log_start
    folds = [Fold(0, log_start, removed=True)] if log_start else []
    if upto > log_start:
        edges = _edges(model, log_start, upto)
        folds += [
            Fold(first + 1, end - 1)  # its first and its last slot stay, with their votes
            for first, end in pairwise(edges)
            if end - first - 2 >= FOLD_MIN
        ]
    return Layout(folds)


def _edges(model: ClusterModel, log_start: int, upto: int) -> list[int]:
    """Return slots from which on something is other than before, in order, from ``log_start`` to ``upto``."""
    upto = min(upto, model.applied)
    found: set[int] = set()
    horizon = 0
    for runs, last in _maps(model):
        newest = runs.newest(EDGES_MAX)
        if len(newest) == EDGES_MAX:
            horizon = max(horizon, newest[0][0])
        for first, end in newest:
            found.add(first)
            if end < last:
                found.add(end)
    for slot in (*model.values.repeated, *model.judge.conflicts):
        found.update((slot, slot + 1))
    found.update(replica.log_start for replica in model.replicas)
    return [log_start, *sorted(slot for slot in found if max(horizon, log_start + 1) <= slot < upto), upto]


def _maps(model: ClusterModel) -> Iterable[tuple[Runs[Any], int]]:
    """Return runs, and where the last of them grows: that is no end."""
    for replica in model.replicas:
        grows = replica.accepted.end if replica.process != "down" else replica.accepted.end + 1
        yield replica.accepted, grows
    yield model.sources, model.sources.end
