"""Following the applied log from whichever replica lives."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import trio
from msgspec import Struct

from paxtui.client.connection import BROKEN, Connection, answers, dial
from paxtui.client.errors import ClientError, Unreachable
from paxtui.client.route import Route
from paxtui.config.cluster_file import Cluster
from paxtui.wire.requests import FailedReply, LogEntry, LogPage, StatusReport, StatusRequest, TailRequest

PING_S = 2.0
"""How often a tail asks whether its replica still lives and knows a leader."""


async def tail(
    cluster: Cluster, name: str, from_slot: int, follow: bool, first: int | None
) -> AsyncGenerator[LogEntry, None]:
    """Yield applied slots, as :meth:`paxtui.client.Log.tail` does. ``first`` is asked first: who answered
    this client's appends has applied them, while others may have yet to hear of it."""
    slot = from_slot
    route = Route(cluster, first)
    while True:
        try:
            async with (
                dial(
                    route.next(),
                    "client",
                    answers,
                    tls=cluster.tls,
                    name=name,
                ) as link,
                aclosing(_pages(link, slot, follow)) as pages,
            ):
                async for page in pages:
                    slot = max(slot, _beginning(page))
                    for entry in page.entries:
                        if entry.slot == slot:
                            slot += 1
                            yield entry
                    if page.last:
                        return
        except (*BROKEN, ClientError) as error:
            route.failed(error)
        if not follow and route.exhausted:
            raise Unreachable(route.complaint())
        await trio.sleep(0.05)


def _beginning(page: LogPage) -> int:
    """Return the first slot that the page can speak for: no slot below is there any more.

    The log start may have risen while the page was gathered, so what the page holds counts before the log
    start.
    """
    told = page.entries[0].slot if page.entries else page.applied
    return min(page.log_start, page.applied, told)


async def _pages(link: Connection[Struct], slot: int, follow: bool) -> AsyncGenerator[LogPage, None]:
    """Yield pages of one replica, for as long as it lives and knows a leader."""
    await link.send(TailRequest(id=0, first=slot, follow=follow))
    leaderless = 0
    asked = 0
    while True:
        messages: list[Struct] = []
        with trio.move_on_after(PING_S) as patience:
            messages = await link.receive()
            if not messages:
                return
        for message in messages:
            if isinstance(message, LogPage):
                yield message
            elif isinstance(message, StatusReport):
                asked = 0
                known = message.status is not None and message.status.leader is not None
                leaderless = 0 if known else leaderless + 1
            elif isinstance(message, FailedReply):
                raise ClientError(message.reason)
        if patience.cancelled_caught:
            if asked or leaderless > 1:
                raise trio.TooSlowError("the replica is silent or knows no leader")
            asked = 1
            await link.send(StatusRequest(1))
