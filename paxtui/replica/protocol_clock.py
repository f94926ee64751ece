"""The clock of the protocol: what the core is told of time.

No rule of safety and no read rests on it: "agents operate at arbitrary speed" (Paxos Made Simple, 2.1). So it
may run slower or faster than real time, or stand still, and only waits become longer or shorter. What is not
the protocol's stays on real time: signs of life between connections, limits on hello, delays of links,
clients' deadlines, and how long a fault acts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import trio

INFINITY: Final = float("inf")


class ProtocolClock:
    """Seconds as the core counts them. It never goes back, and a change of its rate makes no jump."""

    __slots__ = ("_base", "_rate", "_read_real", "_since", "on_change")

    def __init__(self, read_real: Callable[[], float] = trio.current_time) -> None:
        self._read_real = read_real
        self._rate = 1.0
        self._base = self._since = read_real()
        self.on_change: Callable[[float, float], None] = _ignore
        """Called after each change, with the rate, and with the seconds that the clock was moved by."""

    @property
    def rate(self) -> float:
        """Return the protocol's seconds in a real second."""
        return self._rate

    def now(self) -> float:
        """Return the protocol's time."""
        return self._base + (self._read_real() - self._since) * self._rate

    def set_rate(self, rate: float) -> None:
        """Run at another rate from this moment on; 0 stands still."""
        if rate < 0:
            raise ValueError("a clock of the protocol never goes back")
        real = self._read_real()
        self._base += (real - self._since) * self._rate
        self._since = real
        self._rate = rate
        self.on_change(rate, 0.0)

    def advance_to(self, at: float) -> float:
        """Move forward to ``at``, unless it is past; return by how many seconds."""
        real, now = self._read_real(), self.now()
        moved_s = max(0.0, at - now)
        self._base, self._since = max(at, now), real
        self.on_change(self._rate, moved_s)
        return moved_s

    def real(self, deadline: float) -> float:
        """Return the real time at which the protocol's time is ``deadline``, or the moment of the last change
        if it was before that. Under a clock that stands still a deadline is never reached."""
        if deadline <= self._base:
            return self._since
        if not self._rate or deadline == INFINITY:
            return INFINITY
        at = self._since + (deadline - self._base) / self._rate
        while (short := deadline - (self._base + (at - self._since) * self._rate)) > 0:
            # Rounded down: whoever wakes up then would be early, and wait for nothing.
            at = max(at + short / self._rate, math.nextafter(at, INFINITY))
        return at


def _ignore(rate: float, moved_s: float) -> None:
    """Ignore a change, while nothing else is set."""
