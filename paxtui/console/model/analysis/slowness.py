"""Who is slow, by measurement: whose commits, or whose round trips, take many times as long as the others."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Final, NamedTuple, TypeVar

from paxtui.console.model.state.facts import Facts

K = TypeVar("K")

TIMES: Final = 5.0
"""Slower than the median of the others by this factor is slow."""

LEAST_MS: Final = 20.0
"""What takes less than this is not slow, however quick the others are."""


class Slow(NamedTuple):
    """What takes long somewhere, beside the median of the others, in milliseconds."""

    ms: float
    others_ms: float

    @property
    def words(self) -> str:
        """Return ``210 ms, the others 4 ms``."""
        return f"{_ms(self.ms)}, the others {_ms(self.others_ms)}"


def _ms(ms: float) -> str:
    return f"{ms:.0f} ms" if ms >= 9.95 else f"{ms:.1f} ms"


def outliers(measured: Mapping[K, float]) -> dict[K, Slow]:
    """Return what is many times the median of all others. With fewer than three nobody says which is odd."""
    if len(measured) < 3:
        return {}
    found: dict[K, Slow] = {}
    for key, ms in measured.items():
        usual = median(other for each, other in measured.items() if each != key)
        if ms >= LEAST_MS and ms >= TIMES * usual:
            found[key] = Slow(ms, usual)
    return found


def slow_disks(model: Facts, now: float) -> dict[int, Slow]:
    """Return replicas whose commits are slow, as they tell it."""
    return outliers(
        {
            each.id: each.report.fsync_ms
            for each in model.replicas
            if each.report is not None and each.report.commits and each.fresh(now)
        }
    )


def slow_links(model: Facts, now: float) -> dict[tuple[int, int], Slow]:
    """Return directed links whose round trip is slow, by what TCP measures: a fault's delay is not in it."""
    return outliers(
        {
            (each.id, link.to): link.round_trip_ms
            for each in model.replicas
            if each.fresh(now)
            for link in each.links
            if link.connected and link.round_trip_ms is not None
        }
    )
