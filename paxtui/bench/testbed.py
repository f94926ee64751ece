"""A testbed: replicas of its own, and what is done to them between and during measurements."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, Final

import trio

from paxtui.bench.limits import MachineLimits
from paxtui.bench.load import Load
from paxtui.bench.measure import Measurement, MeasurementInterrupted, ProgressReport
from paxtui.bench.measured import Measured
from paxtui.client import Operator, Sighting
from paxtui.client.cluster import LocalCluster
from paxtui.client.errors import ClientError

ProgressLine = Callable[[str], AbstractContextManager[ProgressReport]]
"""Shows the progress of a measurement with this title."""

PIPELINED: Final = Load(connections=1, in_flight=256)

LOOK_S: Final = 0.02
"""Time between two questions to a replica that catches up how far it is."""


class Testbed:
    """Measures ``replicas`` again and again, with bare connections unless told otherwise."""

    def __init__(
        self,
        replicas: LocalCluster,
        limits: MachineLimits,
        progress_line: ProgressLine,
        stop: Callable[[], AbstractContextManager[trio.Event]],
    ) -> None:
        """Inside ``stop()`` a measurement may be ended early by the event."""
        self.replicas = replicas
        self.limits = limits
        self._progress_line = progress_line
        self._stop = stop
        self._readers: list[int] = []

    @property
    def operator(self) -> Operator:
        return self.replicas.operator

    async def measure(
        self, title: str, load: Load, *, bare: bool = True, until: trio.Event | None = None
    ) -> Measured:
        """Measure once, whole. Raises :class:`MeasurementInterrupted` if it was ended early."""
        with self._progress_line(title) as report_progress, self._stop() as stop:
            measured = await Measurement(
                self.replicas.cluster,
                load,
                bare=bare,
                limits=self.limits,
                report_progress=report_progress,
                stop=stop,
                until=until,
                companions=self._readers,
            ).run()
        if measured.interrupted:
            raise MeasurementInterrupted
        return measured

    async def watermarks(self) -> dict[int, int]:
        """Ask each replica how far it has learned the log without a hole."""
        return {
            sighting.replica: sighting.report.status.watermark
            for sighting in await self.operator.status()
            if sighting.report is not None and sighting.report.status is not None
        }

    async def leader(self) -> int:
        """Find the replica that leads."""
        return leader_of(await self.replicas.wait_until(_led, 10.0, "one replica leads"))

    async def caught_up(self, replica: int, goal: int, timeout_s: float) -> tuple[int, float]:
        """Wait until ``replica`` has learned all slots below ``goal``; the slots that it learned in the
        meantime, and the seconds from its first answer on."""
        first: tuple[int, float] | None = None
        with trio.fail_after(timeout_s):
            while True:
                mark = (await self.watermarks()).get(replica)
                now = trio.current_time()
                if mark is not None and first is None:
                    first = mark, now
                if mark is not None and first is not None and mark >= goal:
                    return mark - first[0], now - first[1]
                await trio.sleep(LOOK_S)

    @asynccontextmanager
    async def readers(self, kind: str, replicas: list[int]) -> AsyncIterator[list[dict[str, Any]]]:
        """Run tails or observers (``tail``, ``observe``) of these replicas, in a process of their own. What
        each has read is in the list at the end."""
        first = max((await self.watermarks()).values())
        addresses = [str(self.replicas.cluster.address(replica)) for replica in replicas]
        command = [sys.executable, "-m", "paxtui.bench.sink", kind, str(first), *addresses]
        summaries: list[dict[str, Any]] = []
        process = await trio.lowlevel.open_process(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            said = await process.stdout.receive_some()
            if not said:
                raise ClientError("the readers could not connect")
            self._readers.append(process.pid)
            yield summaries
            await process.stdin.aclose()
            async for chunk in process.stdout:
                said += chunk
            summaries.extend(json.loads(said.splitlines()[-1]))
        finally:
            self._readers.clear()
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()
                await process.stdin.aclose()
                await process.stdout.aclose()


def leader_of(sightings: list[Sighting]) -> int:
    """Find the replica that says that it leads."""
    for sighting in sightings:
        status = sighting.report.status if sighting.report is not None else None
        if status is not None and status.role == "leader":
            return sighting.replica
    raise ClientError("no replica leads")


def _led(sightings: list[Sighting]) -> bool:
    try:
        leader_of(sightings)
    except ClientError:
        return False
    return True
