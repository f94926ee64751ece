"""Beliefs of the replicas, kept fresh by one connection a replica that asks for its status."""

from __future__ import annotations

import trio
from msgspec import Struct

from paxtui.client.cluster import describe
from paxtui.client.connection import BROKEN, answers, dial
from paxtui.client.errors import ClientError
from paxtui.client.operator import Sighting
from paxtui.config.cluster_file import Cluster
from paxtui.core.replica import Status
from paxtui.wire.requests import StatusReport, StatusRequest

POLL_S = 0.02
"""Between two questions to one replica: small against an election, and a few percent of a core."""

SILENT_S = 0.6
"""A replica that takes longer to answer counts as silent: it is paused, or has no share of the processor."""


class Belief(Struct, frozen=True):
    """The last status of one replica, when it was asked for, or why there is none."""

    asked_at: float
    report: StatusReport | None
    problem: str

    @property
    def status(self) -> Status | None:
        return self.report.status if self.report is not None else None


class Beliefs:
    """The latest belief of each replica. :meth:`changed` wakes whoever waits for a condition."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._latest = [Belief(float("-inf"), None, "not asked yet") for _ in cluster.replicas]
        self._changed = trio.Event()

    def __getitem__(self, replica: int) -> Belief:
        return self._latest[replica]

    async def changed(self) -> None:
        """Wait for the next news of anybody."""
        await self._changed.wait()

    async def watch(self, replica: int) -> None:
        """Keep one replica's belief fresh until cancelled."""
        while True:
            asked = trio.current_time()
            try:
                await self._ask_on(replica)
            except (*BROKEN, ClientError) as error:
                self._take(replica, Belief(asked, None, str(error) or "it cannot be reached"))
            await trio.sleep(POLL_S)

    async def _ask_on(self, replica: int) -> None:
        address = self._cluster.address(replica)
        tls = self._cluster.tls
        async with dial(address, "observer", answers, tls=tls, name="scenario", timeout_s=SILENT_S) as link:
            while True:
                asked = trio.current_time()
                with trio.fail_after(SILENT_S):
                    await link.send(StatusRequest(0))
                    messages = await link.receive()
                report = messages[0] if messages else None
                if not isinstance(report, StatusReport):
                    raise ClientError("it hung up")
                self._take(replica, Belief(asked, report, ""))
                await trio.sleep(POLL_S)

    def _take(self, replica: int, belief: Belief) -> None:
        self._latest[replica] = belief
        self._changed.set()
        self._changed = trio.Event()

    def lines(self) -> list[str]:
        """List each replica's belief in words, for a person who asks what went wrong."""
        return [
            describe(Sighting(replica, belief.report, belief.problem))
            for replica, belief in enumerate(self._latest)
        ]
