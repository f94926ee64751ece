"""Ten times what the cluster takes, while nothing else is wrong: some hear ``busy``, nobody is elected."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from paxtui.config.cluster_file import Cluster
from paxtui.config.folders import replica_folder
from paxtui.wire.values import Ballot
from tests.tools.soak import gauges
from tests.tools.soak.overload import Orders, Report, overload
from tests.tools.soak.record import Window
from tests.tools.soak.stand import Stand, status_of

TIMES = 10.0

CONNECTIONS = 96
IN_FLIGHT = 512
"""Together twice what the leader's window and queue hold, so the queue becomes full and ``busy`` is said."""

TRIAL_CONNECTIONS = 8
TRIAL_IN_FLIGHT = 256
TRIAL_S = 1.0
"""The load by which the capacity is measured."""

STRANGERS_MAX = 0.15
"""With a larger share of the cores in the hands of programs that are not ours, an election is no proof: a
leader that gets no core for 0.4 s is silent, whatever it has to do."""


class Flood:
    """Measures the capacity once, then floods the cluster when told."""

    def __init__(self, cluster: Cluster, folder: Path, seconds: float, tell: Callable[[str], None]) -> None:
        self._config = replica_folder(folder, cluster.name, 0).with_name("cluster.toml")
        self._seconds = seconds
        self._tell = tell
        self._capacity = 0.0
        self.busy = 0
        self.excused = 0
        """Elections in an overload that others may have caused."""
        self.problems: list[str] = []

    async def run(self, stand: Stand, window: Window, others: Sequence[str], *more: int) -> None:
        """One flood. ``others`` are clients with one request at a time that have to be served meanwhile;
        ``more`` are processes of ours beside the replicas."""
        pids = [pid for replica in range(stand.n) if (pid := stand.replicas.pid(replica)) is not None]
        cores = gauges.Cores([*pids, *more])
        leader, before = await stand.leader(), await highest(stand)
        if not self._capacity:
            trial = await self._send(
                window, leader, "trial", TRIAL_CONNECTIONS, TRIAL_IN_FLIGHT, TRIAL_S, None
            )
            self._capacity = max(1.0, trial.acknowledged() / TRIAL_S)
            self._tell(
                f"{'capacity':<15} {self._capacity:,.0f} appends/s with {TRIAL_CONNECTIONS} connections"
            )
        began = time.monotonic()
        rate = self._capacity * TIMES
        report = await self._send(window, leader, "flood", CONNECTIONS, IN_FLIGHT, self._seconds, rate)
        ended, strangers = time.monotonic(), cores.strangers()
        await stand.until_calm()
        after = await highest(stand)
        self.busy += report.busy
        served, worst_s = _served(window, others, began, ended)
        self._tell(
            f"{'overload':<15} {report.due:,} appends due in {self._seconds:g} s ({TIMES:g} x capacity): "
            f"{report.sent:,} sent, {report.acknowledged():,} acknowledged, {report.busy:,} busy answers, "
            f"{report.due - report.begun:,} held back; {' '.join(others)}: {served} served, slowest "
            f"{worst_s:.2f} s; programs that are not ours took {strangers:.0%} of the cores"
        )
        if not served:
            self.problems.append("overload: others were not served meanwhile")
        if report.begun >= report.due and not report.busy:
            self.problems.append("overload: nobody heard busy, and nothing was held back")
        broken = [line.problem for line in report.lines if line.problem]
        elected = before != after
        excused = elected and strangers > STRANGERS_MAX
        if excused:  # the end of the old leader's lead ends what was sent to it
            broken = [problem for problem in broken if "not-leader" not in problem]
        if broken:
            self.problems.append(f"overload: {len(broken)} connections ended early, the first: {broken[0]}")
        if excused:
            self.excused += 1
            self._tell(f"{'':<15} an election, which says nothing: the cores were not the cluster's alone")
        elif elected:
            self.problems.append(f"overload alone caused an election: ballot {before} before, {after} after")

    async def _send(
        self,
        window: Window,
        leader: int,
        what: str,
        connections: int,
        in_flight: int,
        seconds: float,
        rate: float | None,
    ) -> Report:
        orders = Orders(
            config=str(self._config),
            leader=leader,
            prefix=f"{window.name}/{what}",
            connections=connections,
            in_flight=in_flight,
            seconds=seconds,
            rate=rate,
        )
        return await overload(window, orders)


async def highest(stand: Stand) -> Ballot:
    """The highest ballot that anybody has promised: each election makes a higher one."""
    sightings = await stand.until_calm()
    return max(status.promised for status in map(status_of, sightings) if status is not None)


def _served(window: Window, others: Sequence[str], began: float, ended: float) -> tuple[int, float]:
    """How many appends of the others ended well in that time, and the longest that was under way in it."""
    ops = [op for op in window.ops if op.client in others and op.call < ended and op.ends > began]
    served = [op.ends - op.call for op in ops if op.outcome == "ok"]
    return sum(began <= op.ends <= ended for op in ops), max(served, default=0.0)
