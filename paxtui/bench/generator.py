"""The load generator: a session a connection, a driver each."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import trio

from paxtui.bench.drivers import Schedule, closed_loop, open_loop
from paxtui.bench.load import Load
from paxtui.bench.pending import Pending, ReadReceipt
from paxtui.bench.tally import Tally
from paxtui.client import Log, connect
from paxtui.config.cluster_file import Cluster

CONNECT_S: Final = 30.0
"""Time that the first append of each connection may take."""

DRAIN_S: Final = 5.0
"""Time that the last answers may take after the load has stopped."""


class Generator:
    """Connects, waits for the word, and drives until it is told to stop."""

    def __init__(self, cluster: Cluster, load: Load, tally: Tally) -> None:
        self._cluster = cluster
        self._load = load
        self._tally = tally
        self._text = "x" * load.size
        self._go = trio.Event()
        self._stopped = trio.Event()
        self._origin = 0.0
        self._ready = 0
        self._all_ready = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the load, started as soon as each connection has had an answer; ends after :meth:`stop`."""
        async with trio.open_nursery() as nursery:
            for number in range(self._load.connections):
                nursery.start_soon(self._connection, number)
            await self._all_ready.wait()
            task_status.started()

    def start_due(self) -> None:
        """Begin."""
        self._origin = trio.current_time()
        self._go.set()

    def stop(self) -> None:
        """Begin no more requests; those under way have :data:`DRAIN_S` for their answers."""
        self._tally.stopping = True
        self._go.set()
        self._stopped.set()

    async def _connection(self, number: int) -> None:
        async with connect(self._cluster, name="bench") as log:
            mark = await log.append(self._text, timeout_s=CONNECT_S)
            self._ready += 1
            if self._ready == self._load.connections:
                self._all_ready.set()
            await self._go.wait()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._give_up, nursery.cancel_scope)
                await self._drive(log, number, mark.slot)
                nursery.cancel_scope.cancel()

    async def _give_up(self, scope: trio.CancelScope) -> None:
        await self._stopped.wait()
        await trio.sleep(DRAIN_S)
        scope.cancel()

    async def _drive(self, log: Log, number: int, slot: int) -> None:
        load, tally = self._load, self._tally
        async with trio.open_nursery() as nursery:
            begin = self._begin(log, slot, nursery)
            if load.rate is not None:
                first = self._origin + number / load.rate
                schedule = Schedule(first, load.connections / load.rate)
                await open_loop(begin, load.in_flight, schedule, tally, self._stopped)
            elif load.read_ratio == 0:
                await closed_loop(begin, load.in_flight, tally)
            else:
                # Reads are answered out of turn: with a lane each, none waits for another's answer.
                for _ in range(load.in_flight):
                    nursery.start_soon(closed_loop, begin, 1, tally)

    def _begin(self, log: Log, slot: int, nursery: trio.Nursery) -> Callable[[], Awaitable[Pending]]:
        submit, text = log.submit, self._text
        turns = _turns(self._load.read_ratio)

        async def append() -> Pending:
            return await submit(text)

        async def either() -> Pending:
            return ReadReceipt.begin(log, slot, nursery) if next(turns) else await submit(text)

        return either if self._load.read_ratio else append


def _turns(ratio: float) -> Iterator[bool]:
    """Yield for each request whether it is a read: evenly spread, the same in each run."""
    reads = 0.0
    while True:
        reads += ratio
        yield reads >= 1
        if reads >= 1:
            reads -= 1


@contextmanager
def quiet_collector() -> Iterator[None]:
    """Let the garbage collector leave all present objects alone and run less often: its pauses would be
    measured as the cluster's."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
