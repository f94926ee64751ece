"""Three replicas inside the test's own Trio, which can be stopped and started again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from msgspec import structs

from paxtui.client import Operator
from paxtui.config import cluster_file
from paxtui.core.settings import Settings
from tests.ports import free_ports
from tests.replica.conditions import eventually
from tests.replica.host import HostedReplica, hosted


class Three:
    """The replicas that run, by id."""

    def __init__(self, folder: Path, nursery: trio.Nursery, settings: Settings, n: int) -> None:
        cluster = cluster_file.local(n, free_ports(n), name="three")
        self.cluster = structs.replace(cluster, settings=settings)
        self.operator = Operator(self.cluster, "test")
        self.hosts: dict[int, HostedReplica] = {}
        self._folder = folder
        self._nursery = nursery
        self._scopes: dict[int, trio.CancelScope] = {}
        self._ended: dict[int, trio.Event] = {}

    async def start(self, replica: int) -> None:
        await self._nursery.start(self._run, replica)

    async def _run(self, replica: int, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        self._ended[replica] = trio.Event()
        with trio.CancelScope() as self._scopes[replica]:
            folder = self._folder / f"r{replica}"
            async with hosted(folder, cluster=self.cluster, me=replica) as self.hosts[replica]:
                task_status.started()
                await trio.sleep_forever()
        del self.hosts[replica]
        self._ended[replica].set()

    async def stop(self, replica: int) -> None:
        self._scopes[replica].cancel()
        await self._ended[replica].wait()

    def leader(self) -> int | None:
        """Who leads, if all that run know it."""
        statuses = [r0.host.status for r0 in self.hosts.values()]
        leaders = {status.leader if status is not None else None for status in statuses}
        leader = leaders.pop() if len(leaders) == 1 else None
        return leader if leader in self.hosts else None

    async def led(self) -> int:
        await eventually(lambda: self.leader() is not None, "everybody follows one leader")
        leader = self.leader()
        assert leader is not None
        return leader

    async def equal(self) -> None:
        """Wait until all that run have applied the same."""

        def heads() -> set[object]:
            return {
                (r0.host.status.watermark, r0.host.status.chain) if r0.host.status else None
                for r0 in self.hosts.values()
            }

        await eventually(lambda: len(heads()) == 1, "all logs are equal")


@asynccontextmanager
async def three(
    folder: Path, settings: Settings | None = None, *, start: bool = True, n: int = 3
) -> AsyncIterator[Three]:
    """Started and led, unless told otherwise."""
    async with trio.open_nursery() as nursery:
        replicas = Three(folder, nursery, settings or Settings(), n)
        if start:
            for replica in range(n):
                await replicas.start(replica)
            await replicas.led()
        yield replicas
        nursery.cancel_scope.cancel()
