"""A replica's own clock: it runs fast or slow and leaps forward, but never goes back."""

from __future__ import annotations


class SimulatedClock:
    """Seconds as one replica counts them, from virtual ones."""

    __slots__ = ("offset_s", "rate")

    def __init__(self) -> None:
        self.rate = 1.0
        """Seconds of this clock a virtual second."""
        self.offset_s = 0.0

    def at(self, now: float) -> float:
        """Read the clock at virtual time ``now``."""
        return now * self.rate + self.offset_s

    def when(self, shown: float) -> float:
        """Compute the virtual time at which the clock shows that: never, if it stands still."""
        return (shown - self.offset_s) / self.rate if self.rate else float("inf")

    def set(self, now: float, rate: float, jump_s: float) -> None:
        """Change the rate, leap forward, or both."""
        shown = self.at(now) + jump_s
        self.rate = rate
        self.offset_s = shown - now * rate
