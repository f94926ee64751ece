"""Makes the pictures of the README from the running program: real replicas, real clients, no terminal.

Run: python -m tests.console.pictures [FOLDER]

It writes `dashboard.svg` (a conversation, a lossy link), `after-a-crash.svg` (the leader was killed in the
middle of it) and `small.svg` (80x24, a hole) into FOLDER, by default `tests/console/pictures`.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from paxtui.config import cluster_file
from paxtui.console import commands as c
from paxtui.console.app import ConsoleApp
from paxtui.console.driver import ClusterDriver
from paxtui.console.options import ConsoleOptions
from paxtui.console.preferences import Preferences
from paxtui.console.rows.faults import broken
from paxtui.console.theme.styles import Styles
from paxtui.wire.faults import Loss, SkipSlot

if TYPE_CHECKING:
    from outcome import Outcome
    from textual.pilot import Pilot

PATIENCE_S = 30.0
TALK = [
    ("ada", "morning"),
    ("bob", "morning!"),
    ("eve", "coffee?"),
    ("ada", "yes, in 10 min"),
    ("bob", "who broke r0 yesterday?"),
    ("eve", "me. press c"),
    ("ada", "and nothing was lost?"),
    ("eve", "look at the votes: the new leader found them"),
    ("bob", "naïve of me"),
    ("ada", "lunch?"),
]


class Studio:
    """A console without a terminal on replicas of its own."""

    def __init__(self, n: int, size: tuple[int, int], folder: Path) -> None:
        cluster = cluster_file.local(n, cluster_file.free_ports(n), name=f"demo-{n}")
        self.driver = ClusterDriver(
            ConsoleOptions(cluster=cluster, ours=tuple(range(n)), data_dir=folder, log_dir=folder, name="ada")
        )
        self.app = ConsoleApp(self.driver, Styles(), Preferences())
        self._size = size

    async def show(self, act: Callable[[Studio, Pilot[int]], object]) -> None:
        """Run it, and ``act`` on it."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Outcome[None]] = loop.create_future()
        self.driver.start(loop, done.set_result)
        try:
            async with self.app.run_test(size=self._size) as pilot:
                await self.until(lambda: self.driver.own.leader is not None, "a leader")
                await act(self, pilot)  # type: ignore[misc]
        finally:
            self.driver.stop()
            (await done).unwrap()

    @property
    def faults(self) -> int:
        """How many are known to act or wait."""
        return len(broken(self.driver.own, self.driver.now))

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something to be so."""
        deadline = self.driver.now + PATIENCE_S
        while not condition():
            if self.driver.now > deadline:
                raise TimeoutError(f"after {PATIENCE_S:g} s still not: {what}")
            await asyncio.sleep(0.02)

    async def talk(self, count: int) -> None:
        """Everybody says something, one after the other."""
        for name, text in TALK[:count]:
            await self.say(name, text)

    async def say(self, name: str, text: str) -> None:
        """One message of one client, acknowledged."""
        at = ",".join(str(address) for address in self.driver.options.cluster.replicas)
        words = [sys.executable, "-m", "paxtui", "send", "--at", at, "--name", name, text]
        process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.DEVNULL)
        await process.wait()

    def take(self, path: Path, title: str) -> None:
        """The screen as it is."""
        self.app.redraw()
        path.write_text(self.app.export_screenshot(title=title), encoding="utf-8")
        print(path)


async def dashboard(folder: Path) -> None:
    async def act(studio: Studio, pilot: Pilot[int]) -> None:
        model = studio.driver.own
        await studio.talk(8)
        leader, _ = model.leader or (0, None)
        studio.driver.submit(c.InjectCommand(leader, Loss((leader + 1) % 5, 30)))
        await studio.until(lambda: studio.faults == 1, "a lossy link")
        await studio.talk(10)
        await pilot.press("up", "up")
        await asyncio.sleep(2)
        studio.take(folder / "dashboard.svg", "paxtui -n 5")

    with tempfile.TemporaryDirectory(prefix="paxtui-pictures-") as data:
        await Studio(5, (160, 45), Path(data)).show(act)


async def after_a_crash(folder: Path) -> None:
    async def act(studio: Studio, pilot: Pilot[int]) -> None:
        model = studio.driver.own
        await studio.talk(6)
        leader, _ = model.leader or (0, None)
        # Votes that the leader never hears of: it dies with them in flight, and the next one finds them.
        for id in range(3):
            if id != leader:
                studio.driver.submit(c.InjectCommand(id, Loss(leader, 100)))
        await studio.until(lambda: studio.faults == 2, "deafness")
        studio.driver.submit(c.AppendCommand("did you get this?"))
        studio.driver.submit(c.AppendCommand("hello?"))
        await studio.until(
            lambda: any(r.vote(7) is not None for r in model.replicas if r.id != leader), "votes"
        )
        studio.app.controllers.view.select_replica(leader)
        await pilot.press("c")
        await studio.until(lambda: model.leader is not None and model.leader[0] != leader, "a new leader")
        await studio.until(lambda: model.applied >= 8, "the new leader's proposals")
        studio.app.controllers.navigation.go_to_slot(6)
        await pilot.pause()
        await asyncio.sleep(1)
        studio.take(folder / "after-a-crash.svg", "the leader was killed: c")

    with tempfile.TemporaryDirectory(prefix="paxtui-pictures-") as data:
        await Studio(3, (160, 45), Path(data)).show(act)


async def small(folder: Path) -> None:
    async def act(studio: Studio, pilot: Pilot[int]) -> None:
        model = studio.driver.own
        await studio.talk(9)
        leader, _ = model.leader or (0, None)
        studio.driver.submit(c.InjectCommand(leader, SkipSlot(9)))
        await studio.until(lambda: 9 in model.holes.skipped or studio.faults > 0, "a slot to skip")
        studio.driver.submit(c.AppendCommand("pizza?"))
        studio.driver.submit(c.AppendCommand("sushi?"))
        await studio.until(lambda: model.hole == 9, "a hole")
        studio.app.controllers.navigation.go_to_slot(9)
        await pilot.pause()
        studio.take(folder / "small.svg", "80x24")

    with tempfile.TemporaryDirectory(prefix="paxtui-pictures-") as data:
        await Studio(3, (80, 24), Path(data)).show(act)


async def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for picture in (dashboard, after_a_crash, small):
        await picture(folder)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else "tests/console/pictures")))
