"""The life of one cluster: rounds of faults under load, each with a quiet moment for comparing at its end."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import trio
from msgspec import Struct, structs

from paxtui.client import ClientError, LogEntry, Sighting, connect
from paxtui.client.cluster import local_cluster
from paxtui.config import cluster_file
from paxtui.core.settings import Settings
from tests.ports import free_ports
from tests.tools.soak import gauges
from tests.tools.soak.clients import CLOSED, PATIENCE_S, Writers
from tests.tools.soak.deeds import Deeds
from tests.tools.soak.disks import SmallDisk
from tests.tools.soak.flood import Flood
from tests.tools.soak.judge import Judge, same
from tests.tools.soak.plan import Epoch, Round
from tests.tools.soak.readers import Readers
from tests.tools.soak.record import Window
from tests.tools.soak.stand import PATIENCE_S as STAND_PATIENCE_S
from tests.tools.soak.stand import Stand, Stuck, status_of
from tests.tools.soak.terminal import Terminal

BAD_WORDS = ("Traceback", "InvariantViolated", "invariant")
"""What no replica may ever say."""

SESSIONS = 160
"""Clients that the replicas remember. Fewer than by default (1,024), so that the table is full after the
first minutes, old sessions are evicted, and what grows then grows for another reason."""

END_S = 90.0
"""How long clients may take to end when all is well again."""

KEY_EVERY_S = 0.7


class Minute(Struct, kw_only=True):
    """What one round did, for a line and the table."""

    name: str
    seconds: float
    faults: int
    acknowledged: int
    unknown: int
    failed: int
    busy: int
    slots: int
    elections: int
    reads: int
    slowest_s: float
    resident_mb: dict[int, float]
    descriptors: dict[int, int]
    console_mb: float
    problems: list[str]


class Cluster:
    """One epoch."""

    def __init__(
        self, plan: Epoch, replicas: int, seed: int, folder: Path, flood_s: float, tell: Callable[[str], None]
    ) -> None:
        settings = Settings(sessions_max=SESSIONS)
        local = cluster_file.local(replicas, free_ports(replicas), name=f"soak-{plan.number}")
        self.cluster = structs.replace(local, settings=settings)
        self.plan = plan
        self.series = gauges.Series()
        self.done: Counter[str] = Counter()
        self.minutes: list[Minute] = []
        self._seed = seed
        self._folder = folder
        self._tell = tell
        self._judge = Judge()
        self._flood = Flood(self.cluster, folder, flood_s, tell)
        self._base = 0
        self._round = 0
        self._drawn = 0
        self._console = 0
        self._said: list[str] = []
        """What replicas said that they never may."""
        self._other: list[str] = []
        """What went wrong outside of a round."""

    @property
    def excused(self) -> int:
        """Elections in an overload that other programs may have caused."""
        return self._flood.excused

    @property
    def problems(self) -> list[str]:
        """Everything that is wrong so far."""
        return [*self._other, *(problem for minute in self.minutes for problem in minute.problems)]

    async def run(self, go_on: Callable[[], bool]) -> None:
        """All rounds, or as many as ``go_on`` allows; ends early after a problem."""
        self._folder.mkdir(parents=True, exist_ok=True)
        arguments = ("--allow-faults", "--warm-up", "all", "--rand-seed", str(self._seed))
        async with local_cluster(
            self.cluster, self._folder, arguments=arguments, on_line=self._hear
        ) as replicas:
            stand = Stand(replicas, self._folder, self._said)
            disk = SmallDisk(stand.data(self.plan.small))
            try:
                disk.mount()
                await replicas.start_all()
                await replicas.wait_ready(STAND_PATIENCE_S)
                await self._with_console(stand, disk, go_on)
                await replicas.stop_all()
                await self._verify(stand.data(0).parent)
            except* (Stuck, ClientError) as group:
                self._other += map(str, _leaves(group))
            finally:
                with trio.CancelScope(shield=True):
                    await replicas.stop_all()
                if self.problems:
                    disk.keep(self._folder / f"small-disk-of-r{self.plan.small}")
                disk.unmount()

    def _hear(self, replica: int, line: str) -> None:
        """A line of a replica's log."""
        with (self._folder / f"replica-{replica}.stderr").open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        if any(word in line for word in BAD_WORDS):
            self._said.append(f"r{replica} said: {line[:200]}")

    async def _verify(self, folder: Path) -> None:
        """All rows' checksums, all chains, and that all logs agree, on the disks."""
        command = [sys.executable, "-m", "paxtui", "verify", str(folder)]
        done = await trio.run_process(
            command, capture_stdout=True, capture_stderr=True, check=False, start_new_session=True
        )
        words = (done.stdout + done.stderr).decode(errors="replace").strip()
        self._tell(f"{'verify':<15} {words.splitlines()[-1] if words else 'said nothing'}")
        if done.returncode:
            self._other.append(f"paxtui verify ended with {done.returncode}: {words[:400]}")

    async def _with_console(self, stand: Stand, disk: SmallDisk, go_on: Callable[[], bool]) -> None:
        terminal = Terminal(stand.data(0).with_name("cluster.toml"), self._folder)
        try:
            self._console = terminal.pid
            if not await terminal.painted():
                raise Stuck(f"the console has drawn nothing: {terminal.last_words}")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_look_around, terminal)
                deeds = Deeds(stand, self.plan, disk, self._tell)
                for planned in self.plan.rounds:
                    await self._minute(planned, stand, deeds, terminal)
                    if self.problems or not go_on():
                        break
                self.done = deeds.done
                nursery.cancel_scope.cancel()
            self._other += await terminal.leave()
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(terminal.close)

    async def _minute(self, planned: Round, stand: Stand, deeds: Deeds, terminal: Terminal) -> None:
        """One round; whatever goes wrong is in its line."""
        self._round += 1
        window = Window(f"e{self.plan.number}.m{self._round}", self._base)
        started, faults = time.monotonic(), deeds.done.total()
        deeds.slowest_s = 0.0
        before = await stand.until_quiet()
        busy = self._flood.busy
        problems: list[str] = []
        log: list[LogEntry] = []
        try:
            log, problems = await self._loaded(planned, stand, deeds, window)
        except* (Stuck, ClientError, OSError, subprocess.CalledProcessError) as group:
            problems = [str(error) for error in _leaves(group)]
            window.write(self._folder / f"history-{window.name}.jsonl")
        problems = stand.problems + self._flood.problems + problems
        resident: dict[int, float] = {}
        descriptors: dict[int, int] = {}
        if not problems:
            problems += await self._measure(stand, terminal, resident, descriptors)
        if problems:
            window.write(self._folder / f"history-{window.name}.jsonl")
        after = [
            status for status in map(status_of, await stand.replicas.operator.status()) if status is not None
        ]
        round_before = max(status.promised.round for status in map(status_of, before) if status is not None)
        self.minutes.append(
            Minute(
                name=window.name,
                seconds=time.monotonic() - started,
                faults=deeds.done.total() - faults,
                acknowledged=window.acknowledged,
                unknown=window.count("unknown"),
                failed=window.count("failed"),
                busy=self._flood.busy - busy,
                slots=len(log),
                elections=max((status.promised.round for status in after), default=0) - round_before,
                reads=sum(op.op == "read" for op in window.ops),
                slowest_s=deeds.slowest_s,
                resident_mb=resident,
                descriptors=descriptors,
                console_mb=gauges.sample(terminal.pid).resident_mb if terminal.alive else 0.0,
                problems=problems,
            )
        )
        self._base += len(log)

    async def _loaded(
        self, planned: Round, stand: Stand, deeds: Deeds, window: Window
    ) -> tuple[list[LogEntry], list[str]]:
        """Faults under load, then peace; the log of the round, and what is wrong with it."""
        writers = Writers(self.cluster, window, self._seed)
        readers = Readers(self.cluster, window, self._seed)
        log: list[LogEntry] = []
        problems: list[str] = []
        async with trio.open_nursery() as watching:
            readers.start_watchers(watching)
            async with trio.open_nursery() as asking:
                writers.start(asking)
                readers.start(asking)
                await window.grows()
                if self._round == 1:
                    # What a leader's memory needs in an overload belongs to its warm-up.
                    await deeds.hand_over(self.plan.spared)
                if planned.overload:
                    await self._flood.run(stand, window, CLOSED, self._console)
                for step in planned.steps:
                    await deeds.step(step, window)
                    if stand.problems:
                        break
                writers.stopping = readers.stopping = True
                asking.cancel_scope.deadline = trio.current_time() + END_S
            if asking.cancel_scope.cancelled_caught:
                problems.append(f"clients did not end within {END_S:g} s after all was healed")
            await stand.until_quiet()
            await self._final_read(window)
            applied = highest(await stand.until_quiet())
            logs = {each: await stand.log(each, window.base, applied) for each in range(stand.n)}
            log = logs[0]
            problems += same(logs)
            await self._tails(readers, window.base + len(log))
            watching.cancel_scope.cancel()
        problems += readers.judge(log)
        problems += await trio.to_thread.run_sync(self._judge.round, window, log)
        return log, problems

    async def _final_read(self, window: Window) -> None:
        """A read of all that this round did, when all is quiet."""
        async with connect(self.cluster, name="final") as reader:
            await window.read(reader, "final", [], window.base, PATIENCE_S)

    async def _tails(self, readers: Readers, applied: int) -> None:
        with trio.move_on_after(END_S):
            while not readers.tails_reached(applied):  # noqa: ASYNC110
                await trio.sleep(0.05)
            return
        raise Stuck(f"the fast tail did not come to slot {applied} within {END_S:g} s")

    async def _measure(
        self, stand: Stand, terminal: Terminal, resident: dict[int, float], descriptors: dict[int, int]
    ) -> list[str]:
        """Memory and descriptors, when those who hung up are gone from the replicas."""
        problems: list[str] = []
        await stand.wait(
            lambda all_: all(s.report is not None and s.report.clients <= CLIENTS_LEFT for s in all_),
            f"no replica has more than {CLIENTS_LEFT} connections of clients when all have hung up",
        )
        for replica in range(stand.n):
            pid = stand.replicas.pid(replica)
            if pid is None:
                continue
            taken = gauges.sample(pid)
            resident[replica], descriptors[replica] = taken.resident_mb, taken.descriptors
            problems += self.series.add(f"r{replica}", taken, gauges.RESIDENT_MB_MAX)
        if not terminal.alive:
            return [*problems, f"the console ended by itself: {terminal.last_words}"]
        problems += self.series.add("console", gauges.sample(terminal.pid), gauges.CONSOLE_MB_MAX)
        if terminal.drawn == self._drawn:
            problems.append("the console has drawn nothing for a whole round")
        self._drawn = terminal.drawn
        return problems


CLIENTS_LEFT = 4
"""The console, the one who asks, and whoever asks or watches once more."""


async def _look_around(terminal: Terminal) -> None:
    """Somebody sits at the console."""
    while terminal.alive:
        terminal.use()
        await trio.sleep(KEY_EVERY_S)


def highest(sightings: list[Sighting]) -> int:
    """The first slot that nobody has applied."""
    return max(status.watermark for status in map(status_of, sightings) if status is not None)


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in _leaves(each)]
    return [error]
