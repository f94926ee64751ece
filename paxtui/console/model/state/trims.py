"""Which slot's trim set a floor.

A replica tells that it removed slots, and then how far it applied the log: somewhere in between lies the
trim. Which slot it is, is known once the value of that slot was told, by whomever, before or after.
"""

from __future__ import annotations

from typing import Final

TRIMS_KEPT: Final = 64
"""Floors of which it is remembered who set them: as many as states are kept."""


class Trims:
    """Bounded: the highest floors, and the newest trims."""

    def __init__(self) -> None:
        self._within: dict[int, dict[int, tuple[int, int]]] = {}
        """By floor and replica, the slots ``[first, end)`` that were applied as it rose."""
        self._told: dict[int, int] = {}
        """By slot of a trim, the floor that it asks for."""

    def copy(self) -> Trims:
        """Return a copy as it is now."""
        other = Trims()
        other._within = {floor: slots.copy() for floor, slots in self._within.items()}
        other._told = self._told.copy()
        return other

    def rose(self, replica: int, floor: int, first: int, end: int) -> None:
        """Note that a replica's floor rose as it applied the slots ``[first, end)``."""
        self._within.setdefault(floor, {})[replica] = first, end
        while len(self._within) > TRIMS_KEPT:
            del self._within[min(self._within)]

    def told(self, slot: int, floor: int) -> None:
        """Note that the value of a slot is a trim."""
        self._told[slot] = floor
        while len(self._told) > TRIMS_KEPT:
            del self._told[min(self._told)]

    def slot_of(self, floor: int) -> int | None:
        """Return the slot of the trim that set a floor, as far as that was seen."""
        applied = self._within.get(floor, {}).values()
        return min(
            (
                slot
                for slot, asked in self._told.items()
                if asked >= floor and any(first <= slot < end for first, end in applied)
            ),
            default=None,
        )

    @property
    def floors(self) -> list[int]:
        """Return the floors of which the slot is known."""
        return [floor for floor in self._within if self.slot_of(floor) is not None]
