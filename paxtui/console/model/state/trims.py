"""Which slot's trim set a log start.

A replica tells that it removed slots, and then how far it applied the log: somewhere in between lies the
trim. Which slot it is, is known once the value of that slot was told, by whomever, before or after.
"""

from __future__ import annotations

from typing import Final

TRIMS_KEPT: Final = 64
"""Floors of which it is remembered who set them: as many as states are kept."""


class Trims:
    """Bounded: the highest log starts, and the newest trims."""

    def __init__(self) -> None:
        self._within: dict[int, dict[int, tuple[int, int]]] = {}
        """By log start and replica, the slots ``[first, end)`` that were applied as it rose."""
        self._told: dict[int, int] = {}
        """By slot of a trim, the log start that it asks for."""

    def copy(self) -> Trims:
        """Return a copy as it is now."""
        other = Trims()
        other._within = {log_start: slots.copy() for log_start, slots in self._within.items()}
        other._told = self._told.copy()
        return other

    def rose(self, replica: int, log_start: int, first: int, end: int) -> None:
        """Note that a replica's log start rose as it applied the slots ``[first, end)``."""
        self._within.setdefault(log_start, {})[replica] = first, end
        while len(self._within) > TRIMS_KEPT:
            del self._within[min(self._within)]

    def told(self, slot: int, log_start: int) -> None:
        """Note that the value of a slot is a trim."""
        self._told[slot] = log_start
        while len(self._told) > TRIMS_KEPT:
            del self._told[min(self._told)]

    def slot_of(self, log_start: int) -> int | None:
        """Return the slot of the trim that set a log start, as far as that was seen."""
        applied = self._within.get(log_start, {}).values()
        return min(
            (
                slot
                for slot, asked in self._told.items()
                if asked >= log_start and any(first <= slot < end for first, end in applied)
            ),
            default=None,
        )

    @property
    def log_starts(self) -> list[int]:
        """Return the log starts of which the slot is known."""
        return [log_start for log_start in self._within if self.slot_of(log_start) is not None]
