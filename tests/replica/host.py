"""A real replica inside the test's own Trio, and a client that says whatever it likes."""

from __future__ import annotations

import io
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import trio
from msgspec import structs

from paxtui.config import cluster_file
from paxtui.config.cluster_file import Cluster
from paxtui.config.limits import Limits
from paxtui.net.tls.credentials import Credentials
from paxtui.replica.event_log import EventLog
from paxtui.replica.host import Host
from paxtui.replica.log.compaction import Compaction
from paxtui.replica.log.message_log import MessageLog
from paxtui.replica.process import build_host
from paxtui.replica.sessions.peer_link import PeerLink
from paxtui.replica.sessions.server import Server
from paxtui.replica.warmup import Mode, WarmUp
from paxtui.storage.store import Store
from paxtui.wire import FrameReader, encode, frame
from paxtui.wire.hello import PROTOCOL_VERSION
from paxtui.wire.requests import Security
from tests.ports import free_ports
from tests.replica.conditions import PATIENCE_S

Said = dict[str, Any]


class Raw:
    """One connection, byte by byte or message by message."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._reader = FrameReader()
        self._heard: list[Said] = []

    async def send(self, data: bytes) -> None:
        """Bytes, as they are; a replica may hang up meanwhile."""
        with suppress(trio.BrokenResourceError):
            await self.stream.send_all(data)

    async def say(self, *messages: Said | msgspec.Struct) -> None:
        await self.send(
            b"".join(
                encode(each) if isinstance(each, msgspec.Struct) else frame(json.dumps(each).encode())
                for each in messages
            )
        )

    async def hear(self) -> Said | None:
        """The next message; ``None`` when the replica has hung up."""
        with trio.fail_after(PATIENCE_S):
            while not self._heard:
                try:
                    received = await self.stream.receive_some(65536)
                except trio.BrokenResourceError:
                    return None
                if not received:
                    return None
                self._heard += map(json.loads, self._reader.feed(received))
        return self._heard.pop(0)

    async def hello(self, role: str, **fields: object) -> Said:
        """Say hello; the answer."""
        await self.say({"type": "hello", "version": PROTOCOL_VERSION, "role": role, **fields})
        answer = await self.hear()
        assert answer is not None
        return answer

    async def ask(self, message: Said) -> Said:
        """Say one thing, hear one answer."""
        await self.say(message)
        answer = await self.hear()
        assert answer is not None
        return answer

    async def append(self, request: int, text: str) -> Said:
        return await self.ask({"type": "append", "request": request, "text": text})

    async def last_words(self) -> Said | None:
        """The last message before the replica hangs up."""
        last = None
        while (message := await self.hear()) is not None:
            last = message
        return last


class HostedReplica:
    """The parts of the replica, and how to get at it."""

    def __init__(self, host: Host, server: Server, warm_up: WarmUp, lines: io.StringIO) -> None:
        self.host = host
        self.server = server
        self.warm_up = warm_up
        self.lines = lines

    @asynccontextmanager
    async def dial(self, role: str | None = None, **hello: object) -> AsyncIterator[Raw]:
        """A connection; with ``role`` it is welcomed already."""
        address = self.host.cluster.address(self.host.me)
        async with await trio.open_tcp_stream(address.host, address.port) as stream:
            raw = Raw(stream)
            if role is not None:
                assert (await raw.hello(role, **hello))["type"] == "welcome"
            yield raw

    def peer(self, replica: int) -> dict[str, object]:
        """What a well-behaved peer says in its hello."""
        cluster = self.host.cluster
        return {
            "replica": replica,
            "cluster": cluster.digest,
            "storage": f"{replica}" * 32,
            "members": [str(address) for address in cluster.replicas],
        }

    @property
    def refused(self) -> dict[str, int]:
        """What was refused, by its name."""
        found = self.host.counters.items()
        return {name.removeprefix("refused: "): n for name, n in found if name.startswith("refused: ")}

    @property
    def bad_frames(self) -> int:
        return self.host.counters["bad frames"]


@asynccontextmanager
async def hosted(
    folder: Path,
    *,
    cluster: Cluster | None = None,
    replicas: int = 1,
    me: int = 0,
    faults_allowed: bool = True,
    limits: Limits | None = None,
    warm_up: Mode = "none",
    credentials: Credentials | None = None,
) -> AsyncIterator[HostedReplica]:
    """A replica that takes part, alone unless told otherwise; it dials its peers if told who they are."""
    dials = cluster is not None
    cluster = cluster or cluster_file.local(replicas, free_ports(replicas), name="hosted")
    cluster = structs.replace(cluster, limits=limits or cluster.limits)
    lines = io.StringIO()
    event_log = EventLog(me, "debug", as_json=False, file=lines)
    address = cluster.address(me)
    listeners = await trio.open_tcp_listeners(address.port, host=address.host)
    storage = Store.open(folder, cluster=cluster.digest, name=cluster.name, replica=me)
    message_log = MessageLog(folder / "message.log")
    host = build_host(
        me, cluster, storage, message_log, event_log, random.Random(me), 1, faults_allowed=faults_allowed
    )
    waits = WarmUp(me, cluster.n, warm_up, first_start=True)
    for peer in range(0 if dials else cluster.n):
        waits.note_welcome(peer)  # whom it does not dial it takes for granted
    security: Security = "loopback" if credentials is None else "tls"
    server = Server(host, waits, event_log, credentials, security)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(host.pump)
            nursery.start_soon(Compaction(host.control, storage, cluster.keep, message_log, event_log).run)
            nursery.start_soon(host.telemetry.run)
            nursery.start_soon(trio.serve_listeners, server.serve_connection, listeners)
            for peer in range(cluster.n) if dials else ():
                if peer != me:
                    link = PeerLink(host, peer, event_log, random.Random(), credentials, waits)
                    nursery.start_soon(link.run)
            if waits.done:
                host.start_core()
            yield HostedReplica(host, server, waits, lines)
            nursery.cancel_scope.cancel()
    finally:
        host.stop()
        message_log.close()
        storage.close()
