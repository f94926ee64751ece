"""Clients that read: linearizable and local reads, tails at several speeds, observers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import aclosing

import trio

from paxtui.client import ClientError, LogEntry, connect, observe
from paxtui.client.connection import BROKEN, answers, dial
from paxtui.config.cluster_file import Cluster
from paxtui.wire.requests import TailRequest
from paxtui.wire.telemetry import TelemetryDelta, TelemetrySnapshot
from tests.tools.soak.judge import plain, slice_of
from tests.tools.soak.record import Window

PATIENCE_S = 60.0
READ_EVERY_S = 0.4
LOCAL_EVERY_S = 0.1
LOCAL_SLOTS = 48
SLOW_S = 0.01

SPEEDS = {"tail-fast": 0.0, "tail-slow": SLOW_S}
"""Tails, and how long each rests after an entry."""


class Readers:
    """All readers of one round."""

    def __init__(self, cluster: Cluster, window: Window, seed: int) -> None:
        self._cluster = cluster
        self._window = window
        self._rng = random.Random(f"{seed}/{window.name}/readers")
        self._tails: dict[str, list[LogEntry]] = {name: [] for name in SPEEDS}
        self.events = 0
        self.problems: list[str] = []
        self.stopping = False

    def start(self, nursery: trio.Nursery) -> None:
        """Begin them all. Reads end with ``stopping``, all others when they are cancelled."""
        for number in range(2):
            nursery.start_soon(self._linearizable, f"reader-{number}")
        nursery.start_soon(self._local, "local")

    def start_watchers(self, nursery: trio.Nursery) -> None:
        """Those that have to be cancelled."""
        for name, rest_s in SPEEDS.items():
            nursery.start_soon(self._tail, name, rest_s)
        nursery.start_soon(self._deaf)
        for replica in range(self._cluster.n):
            nursery.start_soon(self._observe, replica)

    async def _linearizable(self, name: str) -> None:
        async with connect(self._cluster, name=name) as log:
            known: list[str] = []
            following = self._window.base
            while not self.stopping:
                following = await self._window.read(log, name, known, following, PATIENCE_S)
                await trio.sleep(READ_EVERY_S)

    async def _local(self, name: str) -> None:
        """A page from anywhere in this round, of whichever replica answers."""
        rng, high = self._rng, self._window.base
        while not self.stopping:
            via = rng.randrange(self._cluster.n)
            async with connect(self._cluster, name=name, via=via) as log:
                for _ in range(10):
                    first = rng.randint(self._window.base, max(self._window.base, high - LOCAL_SLOTS))
                    try:
                        page = await log.read(first, LOCAL_SLOTS, consistency="local", timeout_s=2.0)
                    except ClientError:
                        break
                    high = max(high, page.applied)
                    self._window.seen.append(page.entries)
                    await trio.sleep(LOCAL_EVERY_S)

    async def _tail(self, name: str, rest_s: float) -> None:
        seen = self._tails[name]
        async with (
            connect(self._cluster, name=name) as log,
            aclosing(log.tail(self._window.base, follow=True)) as entries,
        ):
            async for entry in entries:
                seen.append(entry)
                if rest_s:
                    await trio.sleep(rest_s)

    async def _deaf(self) -> None:
        """Asks for everything and never listens."""
        while True:
            try:
                address = self._cluster.address(self._rng.randrange(self._cluster.n))
                async with dial(address, "client", answers, name="deaf") as link:
                    await link.send(TailRequest(id=0, first=0, follow=True))
                    await trio.sleep(20)
            except (*BROKEN, ClientError):
                await trio.sleep(0.5)

    async def _observe(self, replica: int) -> None:
        """A replica's telemetry; its events are numbered without a gap."""
        expected: int | None = None
        async with aclosing(observe(self._cluster, replica)) as told:
            async for each in told:
                match each:
                    case None | TelemetrySnapshot():
                        expected = None
                    case TelemetryDelta():
                        if expected is not None and not each.dropped and each.first != expected:
                            self.problems.append(f"r{replica} told event {each.first} in place of {expected}")
                        expected = None if each.dropped else each.first + len(each.events)
                        self.events += len(each.events)

    def tails_reached(self, applied: int) -> bool:
        """Whether the fast tail has everything below ``applied``."""
        return self._window.base + len(self._tails["tail-fast"]) >= applied

    def judge(self, log: Sequence[LogEntry]) -> list[str]:
        """Every tail has seen each slot once, in order, as the log has it."""
        problems = self.problems[:3]
        base = self._window.base
        for name, seen in self._tails.items():
            if list(map(plain, seen)) != list(map(plain, slice_of(log, base, base, len(seen)))):
                problems.append(f"{name} has seen something else than the log")
        return problems
