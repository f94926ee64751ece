"""The one port of a replica: says hello to whoever connects and hands the connection on by its role."""

from __future__ import annotations

import contextlib
import os
import secrets
from base64 import b32encode

import trio

from paxtui.runtime.clients import Connection
from paxtui.runtime.journal import Journal
from paxtui.runtime.node import Node
from paxtui.runtime.peers import listen_to_peer, objection
from paxtui.runtime.warmup import WarmUp
from paxtui.wire.codec import Decoder, encode
from paxtui.wire.errors import WireError
from paxtui.wire.framing import FrameReader
from paxtui.wire.hello import PROTOCOL_VERSION, Hello, Problem, RefusedHello, Welcome
from paxtui.wire.requests import StatusReport

HELLO_S = 5.0
"""How long a stranger may take for hello."""

DISMISS_S = 1.0
"""How long whoever is refused may take to read the reason."""

CONNECTIONS_MAX = 4096
"""Connections at once; more are closed at once."""

SESSION_NONCE_BYTES = 5
"""40 random bits, 8 letters: two clients of one name that connect at the same slot still differ."""

_hellos: Decoder[Hello] = Decoder(Hello)


class Server:
    """Accepts connections for one node."""

    def __init__(self, node: Node, warm_up: WarmUp, journal: Journal) -> None:
        self._node = node
        self._warm_up = warm_up
        self._journal = journal
        self._connections = 0
        self._peers: dict[int, trio.CancelScope] = {}
        self._started = trio.current_time()
        self._clients = 0

    async def handle(self, stream: trio.SocketStream) -> None:
        """One connection, from hello to its end. A stranger's mistake ends only this connection."""
        if self._connections >= CONNECTIONS_MAX:
            self._node.counters["connections too many"] += 1
            await stream.aclose()
            return
        self._connections += 1
        try:
            async with stream:
                await self._converse(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            self._connections -= 1

    async def _converse(self, stream: trio.SocketStream) -> None:
        where = _where(stream)
        try:
            reader = FrameReader()
            try:
                with trio.fail_after(HELLO_S):
                    hello = await _first_frame(stream, reader)
            except trio.TooSlowError:
                raise WireError(f"no hello within {HELLO_S:g} s") from None
            if hello is not None:
                await self._greet(stream, reader, hello, where)
        except* WireError as errors:
            reason = str(_leaf(errors))
            self._node.counters["bad frames"] += 1
            self._journal.warning("wire", f"{where}: {reason}")
            await _dismiss(stream, Problem(reason))

    async def _greet(self, stream: trio.SocketStream, reader: FrameReader, hello: Hello, where: str) -> None:
        reason = self._objection(hello)
        if reason is not None:
            self._node.counters["refused hellos"] += 1
            self._journal.warning(
                "wire", f"{where} refused as {hello.role} {hello.name or hello.replica}: {reason}"
            )
            await _dismiss(stream, RefusedHello(reason))
            return
        welcome = self._welcome(hello)
        await stream.send_all(encode(welcome))
        if hello.role == "peer" and hello.replica is not None:
            await self._peer(stream, reader, hello.replica, hello.storage)
            return
        who = f"{hello.name or hello.role} from {where}"
        self._clients += 1
        try:
            connection = Connection(self._node, stream, hello.role, welcome.session or "", who, self.status)
            await connection.serve(reader)
        finally:
            self._clients -= 1

    def _objection(self, hello: Hello) -> str | None:
        if hello.version != PROTOCOL_VERSION:
            return f"you speak protocol version {hello.version}, this replica speaks {PROTOCOL_VERSION}"
        if hello.role == "peer":
            return objection(self._node, hello)
        if hello.cluster is not None and hello.cluster != self._node.cluster.digest:
            return f"this is cluster {self._node.cluster.name} ({self._node.cluster.digest}), not yours"
        if hello.role == "client" and not hello.name.isprintable():
            return "a client's name must be printable"
        return None

    def _welcome(self, hello: Hello) -> Welcome:
        node = self._node
        session = None
        if hello.role == "client":
            session = hello.session or self._new_session(hello.name)
        status = node.status
        return Welcome(
            version=PROTOCOL_VERSION,
            cluster=node.cluster.digest,
            name=node.cluster.name,
            replica=node.me,
            members=tuple(str(address) for address in node.cluster.replicas),
            leader=status.leader if status is not None else None,
            applied=node.feed.watermark,
            session=session,
            session_window=node.cluster.settings.session_window,
            faults=node.faults_allowed,
        )

    def _new_session(self, name: str) -> str:
        """``NAME~NONCE@BIRTH``; see :mod:`paxtui.core.sessions` for what the birth is good for."""
        nonce = b32encode(secrets.token_bytes(SESSION_NONCE_BYTES)).decode().lower()
        name = (name or "client").replace("~", "-").replace("@", "-")
        return f"{name}~{nonce}@{self._node.feed.watermark}"

    async def _peer(
        self, stream: trio.SocketStream, reader: FrameReader, peer: int, storage: str | None
    ) -> None:
        """A peer's connection; a newer one of the same peer takes its place."""
        if peer in self._peers:
            self._peers[peer].cancel()
        with trio.CancelScope() as scope:
            self._peers[peer] = scope
            try:
                await self._node.remember_peer(peer, storage or "")
                await listen_to_peer(self._node, peer, stream, reader, self._warm_up.ready)
            finally:
                if self._peers.get(peer) is scope:
                    del self._peers[peer]
                    self._node.lost_contact(peer)

    def status(self, ask: int) -> StatusReport:
        """How this replica fares."""
        node = self._node
        return StatusReport(
            id=ask,
            status=node.status,
            waiting_for=self._warm_up.missing,
            connected=tuple(sorted(node.links)),
            pid=os.getpid(),
            uptime_s=round(trio.current_time() - self._started, 3),
            faults=len(node.board),
            faults_allowed=node.faults_allowed,
            storage=node.storage.storage_id,
            commits=node.commits,
            fsync_ms=round(node.commit_s * 1000, 3),
            counters=dict(sorted(node.counters.items())) | {"lost by faults": node.board.lost},
            clients=self._clients,
            links=node.link_views(),
            active=node.board.list(trio.current_time()),
            refused_by=tuple(sorted(node.refusals.items())),
        )


async def _dismiss(stream: trio.SocketStream, last_words: Problem | RefusedHello) -> None:
    """Say why, then wait a moment for the other side to hang up: closing with something unread would reset
    the connection, and the reason might never be seen."""
    with trio.move_on_after(DISMISS_S):
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await stream.send_all(encode(last_words))
            await stream.send_eof()
            while await stream.receive_some(65536):
                pass


async def _first_frame(stream: trio.SocketStream, reader: FrameReader) -> Hello | None:
    while received := await stream.receive_some(65536):
        for body in reader.feed(received):
            return _hellos.decode(body)
    if reader.partial:
        raise WireError("the connection ended in the middle of a frame")
    return None


def _where(stream: trio.SocketStream) -> str:
    try:
        host, port = stream.socket.getpeername()[:2]
    except OSError:
        return "somebody"
    return f"{host}:{port}"


def _leaf(group: BaseExceptionGroup[WireError]) -> WireError:
    first = group.exceptions[0]
    return _leaf(first) if isinstance(first, BaseExceptionGroup) else first
