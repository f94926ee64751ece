"""The whole app without a terminal, but with real replicas: what a key does is looked for in the replicas."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from paxtui.client import Operator
from paxtui.client.operator import Sighting
from paxtui.config import cluster_file
from paxtui.console.app import ConsoleApp
from paxtui.console.driver import ClusterDriver
from paxtui.console.options import ConsoleOptions
from paxtui.console.preferences import Preferences
from paxtui.console.theme.styles import Styles
from paxtui.wire.faults import AnyFault
from paxtui.wire.requests import LogEntry
from tests.ports import free_ports

if TYPE_CHECKING:
    from outcome import Outcome
    from textual.pilot import Pilot

PATIENCE_S = 30.0


class Real:
    """The app with its replicas, and an operator that asks them past the console."""

    def __init__(self, app: ConsoleApp, bridge: ClusterDriver, pilot: Pilot[int]) -> None:
        self.app = app
        self.bridge = bridge
        self.pilot = pilot
        self.operator = Operator(bridge.launch.cluster, "test")

    async def sightings(self) -> list[Sighting]:
        """What the replicas answer now."""
        return await asyncio.to_thread(trio.run, self.operator.status)  # type: ignore[arg-type]

    async def until(self, condition: Callable[[list[Sighting]], object], what: str) -> list[Sighting]:
        """Wait until the replicas' own answers fulfil ``condition``."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    seen = await self.sightings()
                    if condition(seen):
                        return seen
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"still not: {what}\n{seen}\n{list(self.bridge.notices)}") from None

    async def shown(self, condition: Callable[[], object], what: str) -> None:
        """Wait until the console knows of it, too."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"still not: {what}"
            await asyncio.sleep(0.05)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def words(self, text: str) -> None:
        """As if typed at ``:``."""
        self.app.run_words(text)
        await self.pilot.pause()

    async def log_of(self, replica: int) -> list[LogEntry]:
        """What a replica has applied."""
        return await asyncio.to_thread(trio.run, self.operator.log_of, replica)  # type: ignore[arg-type]


def leader(seen: list[Sighting]) -> int | None:
    """Who leads, if all that answer agree."""
    named = {each.report.status.leader for each in seen if each.report and each.report.status}
    found = named.pop() if len(named) == 1 else None
    ids = [each.replica for each in seen if each.report and each.report.status]
    roles = {each.replica: each.report.status.role for each in seen if each.report and each.report.status}
    return found if found in ids and roles.get(found) == "leader" else None


def faults(seen: list[Sighting], replica: int) -> list[AnyFault]:
    """The faults that a replica lists."""
    report = seen[replica].report
    return [each.fault for each in report.active] if report is not None else []


def serves(seen: list[Sighting], replica: int) -> bool:
    """Whether it answers with a status."""
    report = seen[replica].report
    return report is not None and report.status is not None


@asynccontextmanager
async def real(folder: Path, n: int = 3, size: tuple[int, int] = (160, 45)) -> AsyncIterator[Real]:
    """Replicas of the console's own, led, and known to be so by the console."""
    cluster = cluster_file.local(n, free_ports(n), name="real")
    bridge = ClusterDriver(
        ConsoleOptions(cluster=cluster, ours=tuple(range(n)), data_dir=folder, log_dir=folder)
    )
    app = ConsoleApp(bridge, Styles(), Preferences())
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Outcome[None]] = loop.create_future()
    bridge.start(loop, done.set_result)
    try:
        async with app.run_test(size=size) as pilot:
            on = Real(app, bridge, pilot)
            await on.until(
                lambda seen: leader(seen) is not None and all(serves(seen, id) for id in range(n)),
                "all serve",
            )
            await on.shown(lambda: bridge.model.leader is not None, "the console knows who leads")
            yield on
    finally:
        bridge.stop()
        (await done).unwrap()


def run(folder: Path, act: Callable[[Real], Awaitable[None]], n: int = 3) -> None:
    """Run ``act`` on the app."""

    async def main() -> None:
        async with real(folder, n) as on:
            await act(on)

    asyncio.run(main())
