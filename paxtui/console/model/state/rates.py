"""Counts a second and latencies, for numbers and sparklines."""

from __future__ import annotations

from collections import deque
from typing import Final

SECONDS_KEPT: Final = 601
"""Ten minutes, and the second that still runs."""

SAMPLED_S: Final = 10
"""Seconds whose latencies are all kept, for quantiles over them together."""

SHARES: Final = (0.5, 0.99)
"""The quantiles that are kept of each second before."""

SAMPLES_MAX: Final = 512
"""Latency samples a second; beyond this every further run counts only as one that was there."""


class RateCounter:
    """A count of what happened in each of the last seconds; ``None`` in seconds that nobody watched. What was
    told of them all the same counts: then it is at least so often."""

    def __init__(self) -> None:
        self._buckets: deque[float | None] = deque([None] * SECONDS_KEPT, maxlen=SECONDS_KEPT)
        self._second: int | None = None
        self._watched = False

    def copy(self) -> RateCounter:
        """Return a copy as it is now."""
        other = RateCounter()
        other._buckets, other._second = self._buckets.copy(), self._second
        other._watched = self._watched
        return other

    def watch(self, now: float, watched: bool) -> None:
        """Note that from ``now`` on all of it is seen, or not any more."""
        self._advance(now)
        self._watched = watched
        if watched and self._buckets[-1] is None:
            self._buckets[-1] = 0.0

    def add(self, now: float, count: float = 1) -> None:
        """Count what happened ``count`` times, in the second in which it did: reports are late by turns."""
        self._advance(now)
        back = _back(self._second, now)
        if back <= SECONDS_KEPT:
            self._buckets[-back] = (self._buckets[-back] or 0.0) + count

    def fill(self, now: float, second: int, count: float) -> None:
        """Take what was counted in a second that nobody watched."""
        self._advance(now)
        back = _back(self._second, second)
        if back <= SECONDS_KEPT:
            self._buckets[-back] = (self._buckets[-back] or 0.0) + count

    def _advance(self, now: float) -> None:
        second = int(now)
        if self._second is None:
            self._second = second
        missing = min(second - self._second, SECONDS_KEPT)
        self._buckets.extend([0.0 if self._watched else None] * max(0, missing))
        self._second = max(self._second, second)

    def last(self, now: float, seconds: int) -> list[float | None]:
        """Return the last whole seconds, oldest first; the second that still runs is left out."""
        self._advance(now)
        return list(self._buckets)[-seconds - 1 : -1]

    def rate(self, now: float) -> float | None:
        """Return a second's count: of the last whole one, or of the running one if it has more already;
        ``None`` if neither was watched."""
        self._advance(now)
        newest = (self._buckets[-2], self._buckets[-1])
        return max((each for each in newest if each is not None), default=None)


class Gauge:
    """The last value of something in each of the last seconds."""

    def __init__(self) -> None:
        self._buckets: deque[float | None] = deque([None] * SECONDS_KEPT, maxlen=SECONDS_KEPT)
        self._second: int | None = None

    def copy(self) -> Gauge:
        """Return a copy as it is now."""
        other = Gauge()
        other._buckets, other._second = self._buckets.copy(), self._second
        return other

    def put(self, now: float, value: float) -> None:
        """Take its value now."""
        self._advance(now)
        self._buckets[-1] = value

    def fill(self, now: float, second: int, value: float) -> None:
        """Take its value in a second before, if none is known."""
        self._advance(now)
        back = _back(self._second, second)
        if back <= SECONDS_KEPT and self._buckets[-back] is None:
            self._buckets[-back] = value

    def _advance(self, now: float) -> None:
        second = int(now)
        if self._second is None:
            self._second = second
        self._buckets.extend([None] * max(0, min(second - self._second, SECONDS_KEPT)))
        self._second = max(self._second, second)

    def last(self, now: float, seconds: int) -> list[float | None]:
        """Return the last whole seconds, oldest first; ``None`` where nothing was told."""
        self._advance(now)
        return list(self._buckets)[-seconds - 1 : -1]


class Latencies:
    """Milliseconds of each of the last seconds: all samples of the newest, and quantiles of those before."""

    def __init__(self) -> None:
        self._buckets: deque[list[float]] = deque(([] for _ in range(SAMPLED_S)), maxlen=SAMPLED_S)
        self._told: dict[float, deque[float | None]] = {
            share: deque([None] * SECONDS_KEPT, maxlen=SECONDS_KEPT) for share in SHARES
        }
        self._second: int | None = None

    def copy(self) -> Latencies:
        """Return a copy as it is now."""
        other = Latencies()
        other._buckets = deque((bucket.copy() for bucket in self._buckets), maxlen=SAMPLED_S)
        other._told = {share: told.copy() for share, told in self._told.items()}
        other._second = self._second
        return other

    def add(self, now: float, ms: float) -> None:
        """Take one sample."""
        self._advance(now)
        back = _back(self._second, now)
        if back <= SAMPLED_S and len(bucket := self._buckets[-back]) < SAMPLES_MAX:
            bucket.append(ms)

    def fill(self, now: float, second: int, quantiles: tuple[float | None, ...]) -> None:
        """Take the quantiles :data:`SHARES` of a second before that was not measured here."""
        self._advance(now)
        back = _back(self._second, second)
        for told, ms in zip(self._told.values(), quantiles, strict=True):
            if ms is None or back > SECONDS_KEPT:
                continue
            if back > SAMPLED_S:
                told[-(back - SAMPLED_S)] = ms
            elif not self._buckets[-back]:
                self._buckets[-back].append(ms)

    def _advance(self, now: float) -> None:
        second = int(now)
        if self._second is None:
            self._second = second
        for _ in range(min(max(0, second - self._second), SECONDS_KEPT)):
            samples = sorted(self._buckets[0])  # the second that leaves: nothing comes so late
            for share, told in self._told.items():
                told.append(_quantile(samples, share))
            self._buckets.append([])
        self._second = max(self._second, second)

    def quantile(self, now: float, share: float) -> float | None:
        """Return a quantile over the last ten seconds; ``None`` where nothing was measured."""
        self._advance(now)
        samples = sorted(ms for bucket in self._buckets for ms in bucket)
        return _quantile(samples, share)

    def last(self, now: float, share: float, seconds: int) -> list[float | None]:
        """Return a quantile of each of the last whole seconds, oldest first; ``share`` is one of
        :data:`SHARES`."""
        self._advance(now)
        newest = [_quantile(sorted(bucket), share) for bucket in self._buckets]
        return [*self._told[share], *newest][-seconds - 1 : -1]


def _back(second: int | None, now: float) -> int:
    """Return the place of a time's second from the end, 1 for the newest."""
    return 1 + max(0, (second or 0) - int(now))


def _quantile(samples: list[float], share: float) -> float | None:
    return samples[min(len(samples) - 1, int(share * len(samples)))] if samples else None
