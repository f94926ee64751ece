"""A whole run: epochs until the time is over, lines while it runs, a table at the end."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import trio
from msgspec import Struct

from tests.tools.soak.epoch import Cluster, Minute
from tests.tools.soak.gauges import Sample
from tests.tools.soak.plan import epoch

ROUNDS = 8
"""Rounds of about a minute in an epoch."""

STEPS = 16
"""Faults in a round."""

FLOOD_S = 4.0

LIVES_SHOWN = 8


class Wanted(Struct, frozen=True, kw_only=True):
    """What to run."""

    seed: int
    minutes: float
    replicas: int = 5
    rounds: int = ROUNDS
    steps: int = STEPS
    flood_s: float = FLOOD_S
    epochs_max: int | None = None


class Soak:
    """One run in one folder, where the epoch that had problems stays; all others leave nothing."""

    def __init__(self, wanted: Wanted, folder: Path, say: Callable[[str], None]) -> None:
        self._wanted = wanted
        self._folder = folder
        self._say = say
        self._started = time.monotonic()
        self.minutes: list[Minute] = []
        self.faults: Counter[str] = Counter()
        self.lives: list[tuple[str, list[Sample]]] = []
        self.epochs = 0
        self.excused = 0
        self.stopped = False
        self._problems: list[str] = []

    @property
    def problems(self) -> list[str]:
        """Everything that is wrong so far."""
        return self._problems

    async def run(self) -> None:
        """Epoch after epoch; stops at the first problem."""
        while not self.problems and self._time_left() and self.epochs != self._wanted.epochs_max:
            await self._epoch()

    def _time_left(self) -> bool:
        return time.monotonic() - self._started < self._wanted.minutes * 60

    def _tell(self, line: str) -> None:
        self._say(f"  {self._clock()}  {line}")

    def _clock(self) -> str:
        seconds = int(time.monotonic() - self._started)
        return f"{seconds // 60:3}:{seconds % 60:02}"

    async def _epoch(self) -> None:
        wanted = self._wanted
        plan = epoch(wanted.seed, self.epochs + 1, wanted.replicas, wanted.rounds, wanted.steps)
        folder = self._folder / f"epoch-{plan.number}"
        cluster = Cluster(plan, wanted.replicas, wanted.seed, folder, wanted.flood_s, self._tell)
        self._tell(
            f"{'epoch':<15} {plan.number}: {wanted.replicas} new replicas; r{plan.spared} is spared kills, "
            f"r{plan.small} has a small disk"
        )
        told = 0

        def go_on() -> bool:
            nonlocal told
            for minute in cluster.minutes[told:]:
                self._say(line_of(self._clock(), minute))
            told = len(cluster.minutes)
            return self._time_left()

        ended = False
        try:
            await cluster.run(go_on)
            ended = True
        finally:
            go_on()
            self.epochs += 1
            self.minutes += cluster.minutes
            self.faults += cluster.done
            self.excused += cluster.excused
            self.lives += cluster.series.lives()
            self._problems += cluster.problems
            if not cluster.problems and (ended or self.stopped):
                shutil.rmtree(folder)

    def table(self) -> list[str]:
        """What there is to tell at the end."""
        minutes = self.minutes
        acknowledged, unknown, failed, busy, slots, reads, elections = (
            sum(getattr(minute, name) for minute in minutes)
            for name in ("acknowledged", "unknown", "failed", "busy", "slots", "reads", "elections")
        )
        mb = [value for minute in minutes for value in minute.resident_mb.values()]
        files = [value for minute in minutes for value in minute.descriptors.values()]
        took_m = (time.monotonic() - self._started) / 60
        slowest_s = max((minute.slowest_s for minute in minutes), default=0)
        lines = [
            f"seed {self._wanted.seed}: {took_m:.1f} minutes, {self.epochs} epochs, {len(minutes)} rounds",
            f"replicas: {self._wanted.replicas}; {elections:,} elections; {slots:,} slots",
            f"appends: {acknowledged:,} acknowledged, {unknown:,} unknown, {failed:,} failed",
            f"busy answers: {busy:,}; linearizable reads: {reads:,}",
            f"elections in an overload while other programs had much of the cores: {self.excused}",
            f"longest wait for an acknowledgement after healing: {slowest_s:.2f} s",
        ]
        if mb and files:
            lines.append(
                f"a replica: {min(mb):.0f} to {max(mb):.0f} MB, {min(files)} to {max(files)} open files"
            )
            console = [minute.console_mb for minute in minutes if minute.console_mb]
            lines.append(f"the console: {min(console):.0f} to {max(console):.0f} MB")
        lines.append("longest lives: memory in MB (open files), once a round")
        for name, samples in sorted(self.lives, key=lambda life: -len(life[1]))[:LIVES_SHOWN]:
            row = " ".join(f"{each.resident_mb:.0f}({each.descriptors})" for each in samples)
            lines.append(f"  {name:<8} {row}")
        lines.append(f"faults: {self.faults.total()}")
        lines += [f"  {count:5} {kind}" for kind, count in sorted(self.faults.items())]
        return lines


def line_of(clock: str, minute: Minute) -> str:
    """One line for one round."""
    mb = " ".join(f"{value:.0f}" for value in minute.resident_mb.values())
    files = " ".join(map(str, minute.descriptors.values()))
    parts = (
        f"{minute.seconds:.0f} s, {minute.faults} faults, {minute.elections} elections",
        f"{minute.acknowledged:,} acknowledged, {minute.unknown} unknown, {minute.failed:,} failed",
        f"{minute.busy:,} busy, {minute.reads} reads, {minute.slots:,} slots",
        f"MB {mb}, console {minute.console_mb:.0f}",
        f"files {files}",
        f"problems: {len(minute.problems)}",
    )
    return f"{clock} {minute.name}: {'; '.join(parts)}"


async def run_until_stopped(soak: Soak, signals: tuple[int, ...]) -> None:
    """Run; a signal ends it as if its time were over, but at once."""
    async with trio.open_nursery() as nursery:

        async def listen(*, task_status: trio.TaskStatus[None]) -> None:
            with trio.open_signal_receiver(*signals) as received:
                task_status.started()
                async for _ in received:
                    soak.stopped = True
                    nursery.cancel_scope.cancel()

        await nursery.start(listen)
        await soak.run()
        nursery.cancel_scope.cancel()
