"""Records what real programs say to a replica: the raw material of the byte mutator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import trio
from msgspec import structs

from paxtui.client import Operator
from paxtui.client.connection import answers, dial, views
from paxtui.config.cluster_file import Address, Cluster
from paxtui.wire import FrameReader, encode
from paxtui.wire.hello import PROTOCOL_VERSION, Welcome
from paxtui.wire.requests import (
    AppendManyRequest,
    AppendRequest,
    LogPage,
    ObserveRequest,
    ReadRequest,
    StatusRequest,
    TailRequest,
)

PEER_BYTES = 50_000
"""So much of what the other replicas say to a third one is enough."""


class Tap:
    """Stands between a client and a replica, and keeps what the client says."""

    def __init__(self, to: Address) -> None:
        self._to = to
        self.heard: list[bytes] = []
        self.ended = trio.Event()

    async def handle(self, stream: trio.SocketStream) -> None:
        """One connection."""
        said = bytearray()
        async with (
            stream,
            await trio.open_tcp_stream(self._to.host, self._to.port) as replica,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(_pass_on, replica, stream)
            async for data in stream:
                said += data
                await replica.send_all(data)
            nursery.cancel_scope.cancel()
        self.heard.append(bytes(said))
        self.ended.set()


async def _pass_on(source: trio.SocketStream, sink: trio.SocketStream) -> None:
    with suppress(trio.BrokenResourceError):
        async for data in source:
            await sink.send_all(data)


@asynccontextmanager
async def tapped(cluster: Cluster, replica: int) -> AsyncIterator[tuple[Tap, Cluster]]:
    """A tap in front of one replica, and a cluster in which everybody is behind it."""
    tap = Tap(cluster.address(replica))
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, tap.handle, listeners)
        # One address is enough for a client to go by: it is told of no others.
        yield tap, structs.replace(cluster, replicas=(Address(0, "127.0.0.1", port),))
        nursery.cancel_scope.cancel()


async def record_guests(cluster: Cluster, leader: int) -> dict[str, list[bytes]]:
    """What a client, an operator and an observer say to the leader."""
    found: dict[str, list[bytes]] = {}
    for role, use in (("client", _client), ("operator", _operator), ("observer", _observer)):
        async with tapped(cluster, leader) as (tap, one):
            await use(one)
            with trio.fail_after(60):
                await tap.ended.wait()
            found[role] = list(tap.heard)
    return found


async def _client(cluster: Cluster) -> None:
    async with dial(cluster.address(0), "client", answers, name="recorded") as link:
        await link.send(*(AppendRequest(number, f"recorded {number}") for number in range(30)))
        await link.send(AppendManyRequest(30, ("a", "b", "c")), ReadRequest(id=1, first=0))
        await link.send(TailRequest(id=2, first=0, follow=False))
        last = False
        while not last:
            last = any(
                isinstance(each, LogPage) and each.id == 2 and each.last for each in await link.receive()
            )


async def _operator(cluster: Cluster) -> None:
    operator = Operator(cluster, "recorded")
    await operator.status()
    await operator.page(0, 0, 20)
    await operator.faults()


async def _observer(cluster: Cluster) -> None:
    async with dial(cluster.address(0), "observer", views, name="recorded") as link:
        await link.send(ObserveRequest(0), StatusRequest(1))
        await link.receive()


async def record_peers(cluster: Cluster, replica: int) -> list[bytes]:
    """Listen in the place of ``replica``, which does not run, to what the others send it."""
    heard: list[bytes] = []
    enough = trio.Event()
    address = cluster.address(replica)

    async def handle(stream: trio.SocketStream) -> None:
        async with stream:
            reader = FrameReader()
            while received := await stream.receive_some(65536):
                if list(reader.feed(received)):
                    break
            welcome = Welcome(
                version=PROTOCOL_VERSION,
                cluster=cluster.digest,
                name=cluster.name,
                replica=replica,
                members=tuple(map(str, cluster.replicas)),
                leader=None,
                applied=0,
            )
            await stream.send_all(encode(welcome))
            said = bytearray()
            while len(said) < PEER_BYTES and (received := await stream.receive_some(65536)):
                said += received
            heard.append(bytes(said))
            enough.set()

    listeners = await trio.open_tcp_listeners(address.port, host=address.host)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, handle, listeners)
        with trio.fail_after(60):
            await enough.wait()
        nursery.cancel_scope.cancel()
    return heard
