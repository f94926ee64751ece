"""Replicas that exist only as boards of faults, and the deeds of a console on them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import trio
import trio.testing

from paxtui.client.errors import Failed
from paxtui.client.operator import NotHeard
from paxtui.console.driver.executor import Executor
from paxtui.console.options import ConsoleOptions
from paxtui.replica.faults.registry import FaultRegistry, Shape
from paxtui.wire.faults import AnyFault, SkipSlot, Trigger
from paxtui.wire.values import REPLICAS_MAX
from tests.console.story import Story

Link = tuple[int, int]


class Boards:
    """Stands for the operator and the supervisor of ``n`` replicas; what a board lists, the model knows."""

    def __init__(self, n: int, *, ours: bool = True) -> None:
        self.n = n
        self.ours = ours
        self.story = Story(n).up()
        self.boards = [self._board(id) for id in range(n)]
        self.down: set[int] = set()
        self.paused: set[int] = set()
        self.refusing: set[int] = set()
        self.renewed: list[int] = []
        self.ends = [trio.Event() for _ in range(n)]
        self.lives = [0] * n
        self.arguments: list[tuple[str, ...]] = [()] * n

    def _board(self, id: int) -> FaultRegistry:
        return FaultRegistry(id, self.n, 1, lambda fault, at_once: None, lambda fault: None)

    # What an operator does

    def _ask(self, id: int) -> None:
        if id in self.down or id in self.paused:
            raise NotHeard(f"replica {id} cannot be reached")
        if id in self.refusing:
            raise Failed(f"replica {id}: it was not started with --allow-faults")

    async def inject(
        self, replica: int, fault: AnyFault, *, for_s: float | None = None, when: Trigger | None = None
    ) -> int:
        """Begin a fault."""
        await trio.lowlevel.checkpoint()
        self._ask(replica)
        number, reason = self.boards[replica].inject(fault, time.monotonic(), for_s, when)
        assert reason is None
        return number

    async def undo(self, number: int) -> None:
        """End a fault."""
        await trio.lowlevel.checkpoint()
        replica = (number - 1) % REPLICAS_MAX
        self._ask(replica)
        if not self.boards[replica].undo(number):
            raise Failed(f"there is no fault {number}")

    async def renew(self, number: int) -> None:
        """Let a fault act for its whole time again."""
        await trio.lowlevel.checkpoint()
        replica = (number - 1) % REPLICAS_MAX
        self._ask(replica)
        self.renewed.append(number)
        if not self.boards[replica].renew(number, time.monotonic()):
            raise Failed(f"fault {number} does not act here")

    async def heal_at(self, replica: int) -> None:
        """End all faults of a replica."""
        await trio.lowlevel.checkpoint()
        self._ask(replica)
        self.boards[replica].undo(None)

    # What a supervisor does

    def alive(self, id: int) -> bool:
        """Whether its process runs."""
        return id not in self.down

    def pid(self, id: int) -> int | None:
        """Another one in each life."""
        return None if id in self.down else 4000 + id + 100 * self.lives[id]

    def last_words(self, id: int) -> str:
        """It says nothing."""
        return "nothing"

    async def start(self, id: int, *arguments: str) -> None:
        """A new life, with an empty board."""
        self.arguments[id] = arguments
        self.down.discard(id)
        self.lives[id] += 1
        self.ends[id] = trio.Event()
        self.boards[id] = self._board(id)

    async def kill(self, id: int) -> None:
        """It ends, and everybody notices."""
        self.down.add(id)
        self.paused.discard(id)
        self.boards[id] = self._board(id)
        self.ends[id].set()
        await trio.testing.wait_all_tasks_blocked()

    stop = kill

    async def ended(self, id: int) -> int:
        """Wait for the end of this life."""
        await self.ends[id].wait()
        return -9

    def pause(self, id: int) -> None:
        """It neither hears nor speaks."""
        self.paused.add(id)

    def proceed(self, id: int) -> None:
        """It goes on."""
        self.paused.discard(id)

    # What a test asks

    def shapes(self) -> dict[Link, Shape]:
        """What acts on each link, and what will when its replica can be told."""
        found: dict[Link, Shape] = {}
        for view, acting in zip(self.story.model.replicas, self.boards, strict=True):
            board = self._board(view.id)
            listed = [each.fault for each in acting.active_faults(0.0) if each.number not in view.ending]
            for fault in [*listed, *view.waiting]:
                board.inject(fault, 0.0, None, None)
            found |= {(view.id, to): shape for to, shape in board._shapes.items()}
        return found

    def faults(self, id: int) -> list[AnyFault]:
        """The faults of a replica."""
        return [each.fault for each in self.boards[id].active_faults(time.monotonic())]

    def skipped(self, id: int) -> None:
        """The slot that was to be skipped is."""
        assert SkipSlot() in self.faults(id)
        self.boards[id].end_skip(0)


class Console:
    """The deeds of a console on such replicas."""

    def __init__(self, boards: Boards, executor: Executor) -> None:
        self.boards = boards
        self.executor = executor
        self.model = boards.story.model

    async def told(self) -> None:
        """All replicas that can answer report, and what waited for that is done."""
        story = self.boards.story
        story.now = time.monotonic()
        for id in range(self.boards.n):
            if id in self.boards.down:
                self.model.process(id, "down", story.now)
            elif id not in self.boards.paused:
                story.active[id] = list(self.boards.boards[id].active_faults(story.now))
                story.report(id, pid=self.boards.pid(id))
                self.executor.replica_heard(id)
        await trio.testing.wait_all_tasks_blocked()

    async def do(self, command: Any) -> str:
        """Carry a command out, and let everybody notice."""
        said = await self.executor.execute(command)
        await self.told()
        return said


def run(act: Callable[[Console], Awaitable[None]], n: int = 3, *, ours: bool = True) -> None:
    """Run ``act`` on a console whose replicas serve."""

    async def main() -> None:
        boards = Boards(n, ours=ours)
        model = boards.story.model
        options = ConsoleOptions(cluster=model.cluster, ours=tuple(range(n)) if ours else ())
        async with trio.open_nursery() as nursery:
            replicas: Any = boards if ours else None
            executor = Executor(options, model, boards, replicas, nursery)  # type: ignore[arg-type]
            if ours:
                for id in range(n):
                    await executor.start(id)
            console = Console(boards, executor)
            await console.told()
            await act(console)
            nursery.cancel_scope.cancel()

    trio.run(main)
