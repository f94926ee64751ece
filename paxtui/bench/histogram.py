"""Times, counted in buckets: as cheap as adding one, and as small after a billion of them."""

from __future__ import annotations

EXACT_BITS = 11
"""Below 2^11 microseconds each has a bucket of its own."""

EXACT = 1 << EXACT_BITS
HALF = EXACT >> 1
"""Above, each doubling has so many buckets: what is told is at most a thousandth above the truth."""

US_MAX = (1 << 36) - 1
"""Longer times, 19 hours and more, are counted as this."""

BUCKETS = (36 - EXACT_BITS) * HALF + EXACT


def bucket(us: int) -> int:
    """Find the bucket of a time in whole microseconds."""
    shift = us.bit_length() - EXACT_BITS
    return us if shift <= 0 else shift * HALF + (us >> shift)


def highest(index: int) -> int:
    """Give the longest time, in microseconds, that is counted in the bucket."""
    if index < EXACT:
        return index
    shift = (index - HALF) // HALF
    return ((index - shift * HALF + 1) << shift) - 1


class Histogram:
    """Percentiles of times in seconds, in the manner of Gil Tene's HdrHistogram: three significant digits
    from a microsecond to hours."""

    __slots__ = ("_counts", "_sum_us", "count", "max_s")

    def __init__(self) -> None:
        self._counts = [0] * BUCKETS
        self._sum_us = 0
        self.count = 0
        self.max_s = 0.0

    def record(self, time_s: float, count: int = 1) -> None:
        """Count a time; one below zero, which only a clock that was set could give, counts as zero."""
        us = int(time_s * 1e6)
        if us < 0:
            us = 0
        elif us > US_MAX:
            us = US_MAX
        shift = us.bit_length() - EXACT_BITS
        self._counts[us if shift <= 0 else shift * HALF + (us >> shift)] += count
        self._sum_us += us * count
        self.count += count
        if time_s > self.max_s:
            self.max_s = time_s

    def percentile_s(self, percent: float) -> float:
        """Give the shortest time that ``percent`` of all do not exceed, rounded up to its bucket's end; 0
        where nothing was counted. Thousandths of a percent count."""
        if self.count == 0:
            return 0.0
        parts = round(percent * 1000)
        rank = max(1, -(-self.count * parts // 100_000))
        seen = 0
        for index, count in enumerate(self._counts):
            seen += count
            if seen >= rank:
                return min((highest(index) + 1) / 1e6, self.max_s)
        return self.max_s

    @property
    def mean_s(self) -> float:
        """Compute the mean, from whole microseconds."""
        return self._sum_us / self.count / 1e6 if self.count else 0.0
