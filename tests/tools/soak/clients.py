"""Clients that append: patient and hasty ones, one request at a time or many, some that die in the middle."""

from __future__ import annotations

import random

import trio

from paxtui.client import Log, connect
from paxtui.config.cluster_file import Cluster
from tests.tools.soak.record import Window

PATIENCE_S = 60.0
"""A patient client waits so long: longer than any fault, on a machine with other work to do."""

THINK_S = 0.005
LANES = 24
LANE_THINK_S = 0.1
OPEN_RATE = 60.0
OPEN_WAITING_MAX = 2000
HASTE_S = (0.002, 0.12)
BIG_CHARS = 8192

CLOSED = ("closed-0", "closed-1")
"""The clients by which one sees whether others are served during an overload."""


class Writers:
    """All appending clients of one round."""

    def __init__(self, cluster: Cluster, window: Window, seed: int) -> None:
        self._cluster = cluster
        self._window = window
        self._seed = seed
        self.stopping = False

    def start(self, nursery: trio.Nursery) -> None:
        """Begin them all; they end soon after ``stopping`` is set, if the cluster answers."""
        for name in CLOSED:
            nursery.start_soon(self._closed, name, THINK_S, 0)
        nursery.start_soon(self._closed, "big", 0.3, BIG_CHARS)
        nursery.start_soon(self._pipelined, "pipelined")
        nursery.start_soon(self._open_loop, "open")
        nursery.start_soon(self._hasty, "hasty")
        nursery.start_soon(self._dying, "dying")

    def _rng(self, name: str) -> random.Random:
        return random.Random(f"{self._seed}/{self._window.name}/{name}")

    async def _one(self, log: Log, name: str, number: int, timeout_s: float, size: int = 0) -> bool:
        """Append one; whether it ended well."""
        text = self._window.text(name, number, size)
        return (await self._window.append(log, name, text, timeout_s)).outcome == "ok"

    async def _closed(self, name: str, think_s: float, size: int) -> None:
        """One request at a time."""
        async with connect(self._cluster, name=name) as log:
            number = 0
            while not self.stopping:
                number += 1
                await self._one(log, name, number, PATIENCE_S, size)
                await trio.sleep(think_s)

    async def _pipelined(self, name: str) -> None:
        """Many at once in one session."""
        async with connect(self._cluster, name=name) as log, trio.open_nursery() as nursery:
            for lane in range(LANES):
                nursery.start_soon(self._lane, log, f"{name}-{lane}")

    async def _lane(self, log: Log, name: str) -> None:
        number = 0
        while not self.stopping:
            number += 1
            await self._one(log, name, number, PATIENCE_S)
            await trio.sleep(LANE_THINK_S)

    async def _open_loop(self, name: str) -> None:
        """At a rate, whatever the answers do."""
        waiting = 0

        async def one(number: int) -> None:
            nonlocal waiting
            await self._one(log, name, number, PATIENCE_S)
            waiting -= 1

        async with connect(self._cluster, name=name) as log, trio.open_nursery() as nursery:
            started, number = trio.current_time(), 0
            while not self.stopping:
                while number < (trio.current_time() - started) * OPEN_RATE:
                    number += 1
                    if waiting < OPEN_WAITING_MAX:
                        waiting += 1
                        nursery.start_soon(one, number)
                await trio.sleep(1 / OPEN_RATE)

    async def _hasty(self, name: str) -> None:
        """Gives up too early, goes on in the same session, and after some disappointments in a new one."""
        rng, number = self._rng(name), 0
        while not self.stopping:
            async with connect(self._cluster, name=name) as log:
                patience = 10
                while patience and not self.stopping:
                    number += 1
                    if not await self._one(log, name, number, rng.uniform(*HASTE_S)):
                        patience -= 1
                    await trio.sleep(0.02)

    async def _dying(self, name: str) -> None:
        """Is gone with many requests under way, again and again."""
        rng, number = self._rng(name), 0
        while not self.stopping:
            async with connect(self._cluster, name=name) as log, trio.open_nursery() as nursery:
                await self._one(log, name, number := number + 1, PATIENCE_S)
                for _ in range(16):
                    nursery.start_soon(self._one, log, name, number := number + 1, PATIENCE_S)
                await trio.sleep(rng.uniform(0.0, 0.02))
                nursery.cancel_scope.cancel()
            await trio.sleep(rng.uniform(0.2, 0.8))
