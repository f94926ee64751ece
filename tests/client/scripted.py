"""Replicas that answer a client as a test tells them: what no real replica does when it is asked to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import trio
from msgspec import Struct

from paxtui.config import cluster_file
from paxtui.config.cluster_file import Cluster
from paxtui.wire import FrameReader, encode
from paxtui.wire.codec import Decoder
from paxtui.wire.hello import PROTOCOL_VERSION, Hello, Welcome
from paxtui.wire.requests import ClientRequest, OperatorRequest
from tests.replica.conditions import PATIENCE_S

_hellos: Decoder[Hello] = Decoder(Hello)
_requests: dict[str, Decoder[Struct]] = {
    "client": Decoder(ClientRequest),
    "operator": Decoder(OperatorRequest),
}


class Caller:
    """One connection of a client, as the replica sees it."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._reader = FrameReader()
        self._bodies: list[bytes] = []
        self.hello = Hello(version=0, role="client")

    async def _body(self) -> bytes | None:
        with trio.fail_after(PATIENCE_S):
            while not self._bodies:
                received = await self._stream.receive_some(65536)
                if not received:
                    return None
                self._bodies += self._reader.feed(received)
        return self._bodies.pop(0)

    async def greet(self, replica: int, leader: int | None, session: str) -> None:
        """Hear hello and welcome the caller."""
        body = await self._body()
        assert body is not None
        self.hello = _hellos.decode(body)
        await self.say(
            Welcome(
                version=PROTOCOL_VERSION,
                cluster="",
                name="scripted",
                replica=replica,
                members=(),
                leader=leader,
                applied=0,
                session=self.hello.session or session,
                session_window=8,
            )
        )

    async def hear(self) -> Struct | None:
        """The caller's next request; ``None`` when it has hung up."""
        body = await self._body()
        return None if body is None else _requests[self.hello.role].decode(body)

    async def say(self, *messages: Struct) -> None:
        await self._stream.send_all(b"".join(map(encode, messages)))


Script = Callable[[Caller], Awaitable[None]]
"""What a replica does with one connection after its welcome. When it returns, the replica hangs up."""


async def silence(caller: Caller) -> None:
    """Hear everything and answer nothing."""
    while await caller.hear() is not None:
        pass


class Scripted:
    """Replicas, each with a script per connection; the last script also serves all later connections."""

    def __init__(self, cluster: Cluster, scripts: tuple[list[Script], ...], leader: int | None) -> None:
        self.cluster = cluster
        self._leader = leader
        self._scripts = [list(each) for each in scripts]
        self.dialled: list[int] = []
        """The replicas in the order in which they were connected to."""

    async def serve(self, replica: int, stream: trio.SocketStream) -> None:
        self.dialled.append(replica)
        scripts = self._scripts[replica]
        script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        caller = Caller(stream)
        try:
            async with stream:
                await caller.greet(
                    replica, replica if self._leader is None else self._leader, f"ada~{len(self.dialled)}"
                )
                await script(caller)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the client has left


@asynccontextmanager
async def scripted(*scripts: list[Script], leader: int | None = None) -> AsyncIterator[Scripted]:
    """One replica for each list of scripts. Each names ``leader`` as the leader, or else itself."""
    listeners = [(await trio.open_tcp_listeners(0, host="127.0.0.1"))[0] for _ in scripts]
    ports = [listener.socket.getsockname()[1] for listener in listeners]
    replicas = Scripted(cluster_file.local(len(scripts), ports), scripts, leader)
    async with trio.open_nursery() as nursery:
        for replica, listener in enumerate(listeners):
            nursery.start_soon(trio.serve_listeners, partial(replicas.serve, replica), [listener])
        yield replicas
        nursery.cancel_scope.cancel()
