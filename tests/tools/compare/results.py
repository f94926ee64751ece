"""What one load gave with one system, and medians over rounds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from msgspec import Struct

from paxtui.bench import proc


class Result(Struct, frozen=True, kw_only=True):
    """One load, once. Processor time is in microseconds a message; ``None`` where it is not known."""

    system: str
    load: str
    throughput: float
    p50_ms: float
    p99_ms: float
    servers_us: float | None
    """Of all replicas together."""
    generator_us: float | None
    others_share: float | None
    """What other programs took meanwhile, of one core."""


class Median(Struct, frozen=True, kw_only=True):
    """Medians over the rounds, each figure for itself; the range of the throughput."""

    system: str
    load: str
    rounds: int
    throughput: float
    lowest: float
    highest: float
    p50_ms: float
    p99_ms: float
    servers_us: float | None
    generator_us: float | None
    others_share: float | None


def medians(results: Sequence[Result]) -> list[Median]:
    """In the order in which systems and loads first came."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result.system, result.load), []).append(result)
    return [_median(group) for group in groups.values()]


def _median(group: list[Result]) -> Median:
    rates = [each.throughput for each in group]
    return Median(
        system=group[0].system,
        load=group[0].load,
        rounds=len(group),
        throughput=statistics.median(rates),
        lowest=min(rates),
        highest=max(rates),
        p50_ms=statistics.median(each.p50_ms for each in group),
        p99_ms=statistics.median(each.p99_ms for each in group),
        servers_us=_known([each.servers_us for each in group]),
        generator_us=_known([each.generator_us for each in group]),
        others_share=_known([each.others_share for each in group]),
    )


def _known(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


class Meter:
    """Processor time of some processes, of a generator that counts itself, and of everybody else."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._pids = list(pids)
        self._before = self._read()

    def _read(self) -> tuple[float, float]:
        found = [proc.usage(pid) for pid in self._pids]
        return sum(usage.cpu_s for usage in found if usage is not None), proc.busy_s() or 0.0

    def since(self, generator_s: float, seconds: float) -> tuple[float, float]:
        """What the processes took, in seconds, and the others' share of one core."""
        servers, busy = (now - was for now, was in zip(self._read(), self._before, strict=True))
        return servers, max(0.0, busy - servers - generator_s) / seconds
