"""Which slot, or which fold of slots, stands on each line of the log."""

from __future__ import annotations

from bisect import bisect_left

from paxtui.console.model.analysis.folding import Fold, Layout, layout
from paxtui.console.model.analysis.search import matches, unsearched
from paxtui.console.model.cluster_model import ClusterModel

SEARCH_S = 1.0
"""Seconds after which matches of the filter are looked for again: they may be many."""


class LogLines:
    """The lines of one log: all slots, with what is alike folded; or those that a filter lets through."""

    def __init__(self) -> None:
        self.filter = ""
        """Only slots that match are shown; empty shows all."""
        self.matching: list[int] | None = None
        """The slots that match, if there is a filter."""
        self.unsearched = 0
        """Slots that the filter could not look at."""
        self.folding = True
        """Whether long runs of applied slots are one line each."""
        self._searched_at = float("-inf")
        self._layout = Layout()
        self._layout_of: tuple[object, ...] = ()
        """What the layout was made of."""

    def set_filter(self, text: str) -> None:
        """Show only what matches ``text``; empty shows all again."""
        self.filter, self.matching = text, None
        self._searched_at = float("-inf")

    def search_is_due(self, clock_s: float) -> bool:
        """Return whether matches have to be looked for again."""
        return bool(self.filter) and clock_s - self._searched_at > SEARCH_S

    def search(self, model: ClusterModel, now: float, clock_s: float) -> list[int]:
        """Look for what matches the filter; return it."""
        self.matching = matches(model, self.filter, now)
        self.unsearched = unsearched(model)
        self._searched_at = clock_s
        return self.matching

    def fold(self, model: ClusterModel, room: int, now: float) -> None:
        """Fold what is alike, up to some lines before the end of the log: by part of a page of ``room``
        lines. What fits is not folded."""
        fits = model.end - model.log_start + (model.log_start > 0) <= room
        if not self.folding or fits:
            self._layout, self._layout_of = layout(model, 0), ()
            return
        kept = max(4, room // 3)
        step = max(1, room - kept - 3)
        upto = max(0, model.end - kept) // step * step
        seen = [len(replica.accepted) for replica in model.replicas]
        made_of = (
            model,
            upto,
            *seen,
            len(model.sources),
            len(model.values.repeated),
            model.log_start,
            int(now),
        )
        if made_of != self._layout_of:
            self._layout, self._layout_of = layout(model, upto), made_of

    def forget_opened(self) -> None:
        """Fold again, the next time, what was opened."""
        self._layout_of = ()

    def open(self, fold: Fold) -> None:
        """Show each slot of a fold on a line of its own."""
        self._layout = self._layout.without(fold)

    def open_at(self, slot: int) -> None:
        """Open the fold that ``slot`` is in, unless its slots are removed."""
        fold = self._layout.fold_of(slot) if self.matching is None else None
        if fold is not None and not fold.removed:
            self.open(fold)

    def count(self, model: ClusterModel) -> int:
        """Return how many lines there are."""
        return self._layout.lines(model.end) if self.matching is None else len(self.matching)

    def at(self, index: int, model: ClusterModel) -> int | Fold:
        """Return the slot or the fold on a line."""
        if self.matching is None:
            return self._layout.at(index)
        return self.matching[index] if 0 <= index < len(self.matching) else model.end

    def slot_at(self, index: int, model: ClusterModel) -> int:
        """Return the slot on a line; of a fold the first."""
        at = self.at(index, model)
        return at.first if isinstance(at, Fold) else at

    def line_of(self, slot: int) -> int:
        """Return the line of a slot, or where it would be."""
        return self._layout.line_of(slot) if self.matching is None else bisect_left(self.matching, slot)
