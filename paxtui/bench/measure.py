"""One measurement: connect, warm up, count for a while between two readings, stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import trio
from msgspec import Struct

from paxtui.bench import gauges
from paxtui.bench.gauges import Reading
from paxtui.bench.generator import Generator, quiet_collector
from paxtui.bench.limits import MachineLimits
from paxtui.bench.load import Load
from paxtui.bench.measured import Measured, conclude
from paxtui.bench.raw_generator import RawGenerator
from paxtui.bench.tally import Tally
from paxtui.client import ClientError, Operator
from paxtui.config.cluster_file import Cluster

PROGRESS_S: Final = 0.25
"""Time between two reports of progress."""


class MeasurementProgress(Struct, frozen=True):
    """The progress of a measurement."""

    phase: str
    """``connecting``, ``warm-up``, ``measuring`` or ``stopping``."""
    elapsed_s: float
    """In this phase, ``of_s`` at most."""
    of_s: float
    rate: float
    """Answers a second since the last time."""
    answered: int


Readings = tuple[Reading, Reading, gauges.Wire | None]
"""Before, after, and the bytes on the wire in between."""

ProgressReport = Callable[[MeasurementProgress], None]


class MeasurementInterrupted(Exception):
    """Stopped before anything was counted."""


class Measurement:
    """One run of one load."""

    def __init__(
        self,
        cluster: Cluster,
        load: Load,
        *,
        bare: bool = False,
        limits: MachineLimits | None = None,
        report_progress: ProgressReport = lambda progress: None,
        stop: trio.Event | None = None,
        until: trio.Event | None = None,
        companions: Sequence[int] = (),
    ) -> None:
        """``stop`` and ``until`` end it early, and what was counted so far is its result: one because
        somebody interrupted it, the other as planned. ``companions`` are processes that take part."""
        self._cluster = cluster
        self._load = load
        self._bare = bare
        self._limits = limits
        self._report_progress = report_progress
        self._stop = trio.Event() if stop is None else stop
        self.until = trio.Event() if until is None else until
        self._companions = tuple(companions)
        self._operator = Operator(cluster, "bench")
        self.tally = Tally()
        self._by_second: list[int] = []
        self._told = 0
        self._told_at = 0.0

    async def run(self) -> Measured:
        """Measure, and return what was found. Raises :class:`paxtui.client.ClientError` where the cluster
        cannot be used, and :class:`MeasurementInterrupted` if it was stopped before it counted."""
        try:
            with quiet_collector():
                before, after, wire = await self._under_load()
        except ExceptionGroup as group:  # the nurseries' wrapping
            raise _leaf(group) from None
        if self._stop.is_set() and self.tally.counted == 0:
            raise MeasurementInterrupted
        return conclude(
            self._load,
            self.tally,
            before,
            after,
            bare=self._bare,
            interrupted=self._stop.is_set(),
            by_second=tuple(self._by_second),
            wire=wire,
            limits=self._limits,
        )

    async def _under_load(self) -> Readings:
        kind = RawGenerator if self._bare else Generator
        generator = kind(self._cluster, self._load, self.tally)
        async with trio.open_nursery() as nursery:
            try:
                self._say("connecting", 0.0, 0.0)
                await nursery.start(generator.run)
                generator.start_due()
                await self._watch("warm-up", self._load.warmup_s)
                if self._stop.is_set():
                    raise MeasurementInterrupted
                readings = await self._count()
            finally:
                generator.stop()
            self._say("stopping", 0.0, 0.0)
        return readings

    async def _count(self) -> Readings:
        """Read the machine at the two moments between which answers count. The load goes on after the second
        one until the replicas have reported their part of it, so that theirs is a time under load, too."""
        before = gauges.read_machine(
            await gauges.read_replicas(self._cluster, self._operator), self._companions
        )
        if not before.replicas:
            raise ClientError("no replica told its status")
        self.tally.begins = trio.current_time()
        await self._watch("measuring", self._load.seconds, count_seconds=True)
        self.tally.ends = trio.current_time()
        machine = gauges.read_machine(before.replicas, self._companions)
        wire = gauges.wire_between(before, machine)
        said = await gauges.read_replicas(self._cluster, self._operator)
        return before, gauges.with_words_of(machine, said), wire

    async def _watch(self, phase: str, span_s: float, *, count_seconds: bool = False) -> None:
        """Let the load run for ``span_s``, or until somebody stops it."""
        begun = trio.current_time()
        self._told, self._told_at = self.tally.answered, begun
        counted = 0
        while not self._over:
            elapsed = trio.current_time() - begun
            if count_seconds and elapsed >= len(self._by_second) + 1:
                self._by_second.append(self.tally.counted - counted)
                counted = self.tally.counted
            if elapsed >= span_s:
                return
            self._say(phase, elapsed, span_s)
            whole_s = len(self._by_second) + 1 if count_seconds else span_s
            await self._sleep_until(begun + min(elapsed + PROGRESS_S, whole_s, span_s))

    @property
    def _over(self) -> bool:
        return self._stop.is_set() or self.until.is_set()

    async def _sleep_until(self, moment: float) -> None:
        with trio.move_on_at(moment):
            async with trio.open_nursery() as nursery:
                for event in (self._stop, self.until):
                    nursery.start_soon(_wake, event, nursery.cancel_scope)

    def _say(self, phase: str, elapsed_s: float, of_s: float) -> None:
        now = trio.current_time()
        since_s = now - self._told_at
        rate = (self.tally.answered - self._told) / since_s if since_s > 0.05 else 0.0
        self._told, self._told_at = self.tally.answered, now
        self._report_progress(MeasurementProgress(phase, elapsed_s, of_s, rate, self.tally.answered))


async def _wake(event: trio.Event, scope: trio.CancelScope) -> None:
    await event.wait()
    scope.cancel()


def _leaf(group: ExceptionGroup[Exception]) -> Exception:
    first = group.exceptions[0]
    return _leaf(first) if isinstance(first, ExceptionGroup) else first
