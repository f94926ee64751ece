"""Exactly once, from applied logs alone (invariant 9).

Which sessions a table has forgotten depends on settings that are not told, but that is not needed: a request
that took effect never does again. Its repetition is suppressed, by everybody alike.
"""

from __future__ import annotations

from collections.abc import Mapping

from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.checkers.ghost_state import Value
from paxtui.core.values import Command

EXPIRED = -1


class Effects:
    """The slot in which each request took effect."""

    def __init__(self) -> None:
        self._slots: dict[tuple[str, int], int] = {}
        self._suppressed: dict[int, int] = {}
        self._first = 0
        """The slot below which nothing is known."""
        self.upto = 0

    def begin_at(self, slot: int) -> None:
        """Follow the log from here on."""
        if slot > self.upto:
            self._first = self.upto = slot

    def applied(
        self,
        learner: int,
        first: int,
        watermark: int,
        suppressed: Mapping[int, int],
        log: Mapping[int, Value],
    ) -> int:
        """Take slots ``first`` to ``watermark - 1`` of ``log`` as applied. Returns how many were new."""
        for slot in range(max(first, self._first), min(self.upto, watermark)):
            self._same(learner, slot, suppressed.get(slot))
        before = self.upto
        self.begin_at(first)
        for slot in range(self.upto, watermark):
            value, repeats = log.get(slot), suppressed.get(slot)
            if repeats is not None:
                self._suppressed[slot] = repeats
            if isinstance(value, Command) and not value.is_noop:
                self._apply(learner, slot, value, repeats)
        self.upto = max(self.upto, watermark)
        return self.upto - before

    def _same(self, learner: int, slot: int, repeats: int | None) -> None:
        if self._suppressed.get(slot) != repeats:
            raise InvariantBroken(
                Invariant.ONCE,
                f"slot {slot} repeats {repeats} here, {self._suppressed.get(slot)} elsewhere (None: nothing)",
                learner,
            )

    def _apply(self, learner: int, slot: int, command: Command, repeats: int | None) -> None:
        key = command.client, command.request
        before = self._slots.get(key)
        if repeats is None:
            if before is not None:
                raise InvariantBroken(
                    Invariant.ONCE,
                    f"request {command.request} of {command.client} took effect in slot {before}, "
                    f"and again in slot {slot}",
                    learner,
                )
            self._slots[key] = slot
            return
        if repeats not in (EXPIRED, before) and repeats >= self._first:
            raise InvariantBroken(
                Invariant.ONCE,
                f"slot {slot} is suppressed as a repetition of slot {repeats}, which is another request",
                learner,
            )
