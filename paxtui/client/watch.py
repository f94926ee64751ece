"""Everything that one replica can tell, for as long as it lives and whenever it comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import trio
from msgspec import Struct

from paxtui.client.connection import BROKEN, Connection, dial, views
from paxtui.client.errors import ClientError
from paxtui.client.route import words
from paxtui.config.cluster_file import Cluster
from paxtui.wire.requests import HistoryRequest, ObserveRequest, StatusReport, StatusRequest
from paxtui.wire.telemetry import HistoryPage, TelemetryDelta, TelemetrySnapshot

STATUS_S: Final = 0.5
"""How often the replica is asked for its status: a replica that is paused or hangs does not answer."""

RETRY_S: Final = 0.2

HISTORY_SINCE: Final = 2
"""The protocol version from which on replicas know of history."""


class Lost(Struct, frozen=True):
    """The connection is gone, or could not be made: nothing more is known of the replica."""

    problem: str
    refused: bool
    """Whether the port is closed: the process is not running."""


Told = TelemetrySnapshot | TelemetryDelta | HistoryPage | StatusReport | Lost


async def watch(cluster: Cluster, replica: int, tell: Callable[[Told], None]) -> None:
    """Hand everything that ``replica`` tells to ``tell``, until cancelled: a snapshot, then deltas, a status
    report twice a second, and :class:`Lost` each time that a connection ends or cannot be made. After the
    first snapshot of a connection come the pages of what was before, from a replica that keeps it."""
    while True:
        try:
            async with dial(
                cluster.address(replica), "observer", views, tls=cluster.tls, name="console"
            ) as link:
                await _follow(link, tell)
            lost = Lost("connection lost", refused=False)
        except* (*BROKEN, ClientError) as group:
            error = _leaf(group)
            cause = error.__cause__
            lost = Lost(words(error), refused=_is_refusal(error) or _is_refusal(cause))
        tell(lost)
        await trio.sleep(RETRY_S)


async def _follow(link: Connection[Struct], tell: Callable[[Told], None]) -> None:
    async with trio.open_nursery() as nursery:
        await link.send(ObserveRequest(0))
        began = trio.Event()
        nursery.start_soon(_ask, link, began)
        while messages := await link.receive():
            for message in messages:
                if isinstance(message, TelemetrySnapshot | TelemetryDelta | HistoryPage | StatusReport):
                    tell(message)
                if isinstance(message, TelemetrySnapshot):
                    began.set()
        nursery.cancel_scope.cancel()


async def _ask(link: Connection[Struct], began: trio.Event) -> None:
    await link.send(StatusRequest(1))
    with trio.move_on_after(STATUS_S):
        await began.wait()
        if link.version >= HISTORY_SINCE:
            await link.send(HistoryRequest(2))
    while True:
        await link.send(StatusRequest(1))
        await trio.sleep(STATUS_S)


def _is_refusal(error: BaseException | None) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_refusal(each) for each in error.exceptions)
    return isinstance(error, ConnectionRefusedError)


def _leaf(group: BaseException) -> BaseException:
    return _leaf(group.exceptions[0]) if isinstance(group, BaseExceptionGroup) else group
