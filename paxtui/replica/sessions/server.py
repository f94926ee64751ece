"""The one port of a replica: says hello to whoever connects and hands the connection on by its role."""

from __future__ import annotations

import contextlib
import os
import secrets

import trio
from msgspec import structs

from paxtui.net import tcp
from paxtui.net.tls.credentials import Credentials
from paxtui.net.tls.stream import Channel
from paxtui.replica.event_log import EventLog
from paxtui.replica.host import Host
from paxtui.replica.sessions.authorization import Caller, named
from paxtui.replica.sessions.claims import is_outdated, name_objection, session_objection
from paxtui.replica.sessions.client_session import ClientSession
from paxtui.replica.sessions.peer_link import listen_to_peer, objection
from paxtui.replica.sessions.tls_handshake import TurnedAway, dismiss, let_in
from paxtui.replica.transport.admission import (
    CUT_OFF,
    DISTRUSTED,
    NO_HELLO,
    NOT_ITS_ROLE,
    OTHER_CLUSTER,
    OTHER_VERSION,
    TLS_HERE,
    AdmissionControl,
    AdmittedConnection,
    Objection,
)
from paxtui.replica.transport.keepalive import SILENT_HEARTBEATS
from paxtui.replica.voting_rights import UNTIL
from paxtui.replica.warmup import WarmUp
from paxtui.wire import session
from paxtui.wire.codec import Decoder, encode
from paxtui.wire.errors import WireError
from paxtui.wire.framing import FrameReader
from paxtui.wire.hello import (
    PROTOCOL_VERSION,
    Hello,
    Problem,
    RefusedHello,
    Welcome,
    spoken_version,
    version_words,
)
from paxtui.wire.requests import Security, StatusReport
from paxtui.wire.text import visible
from paxtui.wire.versions import is_spoken, newer_body, older_frames

TLS_ON_A_PLAIN_PORT = b"\x16\x03"
"""How TLS begins. As a frame it would have 352 MB or more."""

_hellos: Decoder[Hello] = Decoder(Hello)
_problems: Decoder[Problem] = Decoder(Problem)


class Server:
    """Accepts connections for one node; with ``credentials`` only from those who show a certificate."""

    def __init__(
        self,
        node: Host,
        warm_up: WarmUp,
        journal: EventLog,
        credentials: Credentials | None = None,
        security: Security = "loopback",
    ) -> None:
        self._node = node
        self._warm_up = warm_up
        self._journal = journal
        self._credentials = credentials
        self._security: Security = security
        self.guests = AdmissionControl(node.cluster.limits, node.counters, journal)
        self._limits = node.cluster.limits
        self._peers: dict[int, trio.CancelScope] = {}
        self._heard_at: dict[int, float] = {}
        """By peer that is connected, when something of it arrived last."""
        self._started = trio.current_time()
        self._clients = 0

    async def handle(self, stream: trio.SocketStream) -> None:
        """One connection, from hello to its end. A stranger's mistake ends only this connection."""
        guests = self.guests
        where, host = _where(stream)
        tcp.prepare(stream, tcp.of_guest(self._limits.stalled_s))
        guest = guests.enter(host)
        try:
            async with stream:
                with guest.scope:
                    await self._converse(stream, where, guest)
                if guest.evicted:
                    guests.complain(f"{where}: closed before its hello, as {guests.limits.strangers} wait")
        except TurnedAway as reason:
            self._node.counters["turned away"] += 1
            guests.refuse(reason.kind)
            guests.complain(f"{where} turned away: {reason}")
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            guests.leave(guest)

    async def _converse(self, raw: trio.SocketStream, where: str, guest: AdmittedConnection) -> None:
        stream: Channel = raw
        try:
            deadline = trio.current_time() + self._limits.hello_s
            caller = Caller(where)
            if self._credentials is not None:
                found = await let_in(raw, self._credentials, deadline)
                if found is None:
                    return
                stream, caller = found[0], Caller(where, found[1])
            reader = FrameReader(self._limits.hello_bytes)
            try:
                with trio.fail_at(deadline):
                    hello = await _first_frame(stream, reader, self._limits.nesting)
            except trio.TooSlowError:
                raise WireError(f"no hello within {self._limits.hello_s:g} s", NO_HELLO) from None
            if hello is not None:
                await self._greet(stream, reader, hello, structs.replace(caller, label=hello.name), guest)
        except* WireError as errors:
            error = _leaf(errors)
            self._node.counters["bad frames"] += 1
            self.guests.refuse(error.kind)
            self.guests.complain(f"{where}: {error}")
            await dismiss(stream, Problem(str(error)))

    async def _greet(
        self, stream: Channel, reader: FrameReader, hello: Hello, caller: Caller, guest: AdmittedConnection
    ) -> None:
        objection = self._objection(hello, caller)
        if objection is None and hello.role != "peer":
            objection = self.guests.objection(guest)
        if objection is not None:
            self.guests.refuse(objection.kind)
            self._node.counters["refused hellos"] += 1
            who = named(hello.name) or hello.replica
            self.guests.complain(f"{caller.where} refused as {hello.role} {who}: {objection.words}")
            await dismiss(stream, RefusedHello(objection.words))
            return
        self.guests.welcome(guest, peer=hello.role == "peer")
        non_voting = self._judge(hello)
        welcome = self._welcome(hello, caller, non_voting)
        if hello.role == "peer" and hello.replica is not None:
            # On disk before the answer: it must still be known when the peer has acted on it.
            await self._node.standing.keep()
            raw = stream if isinstance(stream, trio.SocketStream) else stream.raw
            tcp.prepare(raw, tcp.of_link(self._limits.link_s))
            await stream.send_all(older_frames(encode(welcome), hello.version))
            await self._peer(stream, reader, hello, non_voting=non_voting is not None)
            return
        await stream.send_all(older_frames(encode(welcome), hello.version))
        self._clients += 1
        try:
            connection = ClientSession(
                self._node,
                stream,
                hello.role,
                welcome.session or "",
                caller,
                self.status,
                self.guests,
                outdated=is_outdated(hello, caller),
                version=hello.version,
            )
            await connection.serve(reader)
        finally:
            self._clients -= 1

    def _objection(self, hello: Hello, caller: Caller) -> Objection | None:
        cluster = self._node.cluster
        if not is_spoken(hello.version):
            return Objection(OTHER_VERSION, version_words(hello.version))
        if (reason := caller.objection(hello)) is not None:
            return Objection(NOT_ITS_ROLE, reason)
        if hello.role == "peer":
            return objection(self._node, hello)
        if hello.cluster is not None and hello.cluster != cluster.digest:
            return Objection(OTHER_CLUSTER, f"this is cluster {cluster.name} ({cluster.digest}), not yours")
        return name_objection(hello, self._limits) or session_objection(hello, caller, self._known)

    @property
    def _known(self) -> int | None:
        """One above the highest slot of which this replica knows; ``None`` while it warms up."""
        status = self._node.status
        return None if status is None else max(status.known_high, self._node.feed.watermark)

    def _judge(self, hello: Hello) -> str | None:
        """Why a peer is let in as a learner without vote, if it is."""
        if hello.role != "peer" or hello.replica is None:
            return None
        standing = self._node.standing
        known = standing.non_voting.get(hello.replica)
        reason = standing.judge(
            hello.replica, hello.storage or "", hello.commits, gave_up_vote=hello.non_voting
        )
        if reason is not None and reason != known:
            self._journal.error("held", f"{reason}: {UNTIL}")
        return None if reason is None else f"{reason}: {UNTIL}"

    def _welcome(self, hello: Hello, caller: Caller, non_voting: str | None) -> Welcome:
        node = self._node
        issued = None
        if hello.role == "client":
            issued = hello.session or self._new_session(hello, caller)
        status = node.status
        return Welcome(
            version=hello.version,
            cluster=node.cluster.digest,
            name=node.cluster.name,
            replica=node.me,
            members=tuple(str(address) for address in node.cluster.replicas),
            leader=status.leader if status is not None else None,
            applied=node.feed.watermark,
            session=issued,
            session_window=node.cluster.settings.session_window,
            faults=node.faults_allowed,
            non_voting=non_voting,
        )

    def _new_session(self, hello: Hello, caller: Caller) -> str:
        name = session.name_in_id(caller.name(hello))
        role = "" if caller.identity is None else caller.identity.role
        nonce = secrets.token_bytes(session.NONCE_BYTES)
        return str(session.issue(name, role, self._node.feed.watermark, nonce))

    async def _peer(self, stream: Channel, reader: FrameReader, hello: Hello, *, non_voting: bool) -> None:
        """A peer's connection; a newer one of the same peer takes its place."""
        assert hello.replica is not None
        peer = hello.replica
        if peer in self._peers:
            self._peers[peer].cancel()
        with trio.CancelScope() as scope:
            self._peers[peer] = scope

            def heard() -> None:
                self._heard_at[peer] = trio.current_time()

            try:
                await listen_to_peer(
                    self._node,
                    peer,
                    stream,
                    reader,
                    self._warm_up.ready,
                    heard,
                    non_voting=non_voting,
                    version=hello.version,
                )
            finally:
                if self._peers.get(peer) is scope:
                    del self._peers[peer]
                    self._heard_at.pop(peer, None)
                    self._node.lost_contact(peer)

    def _connected(self) -> list[int]:
        """Peers that are heard, and to whom messages leave. One that vanished without a farewell is missing
        here long before TCP gives it up."""
        since = trio.current_time() - SILENT_HEARTBEATS * self._node.cluster.settings.heartbeat_s
        links = self._node.out.links
        return sorted(peer for peer, at in self._heard_at.items() if at >= since and peer in links)

    def status(self, ask: int) -> StatusReport:
        """How this replica fares."""
        node = self._node
        return StatusReport(
            id=ask,
            status=node.status,
            waiting_for=self._warm_up.missing,
            connected=tuple(self._connected()),
            pid=os.getpid(),
            uptime_s=round(trio.current_time() - self._started, 3),
            faults=len(node.board),
            faults_allowed=node.faults_allowed,
            storage=node.storage.storage_id,
            commits=node.commits,
            fsync_ms=round(node.commit_s * 1000, 3),
            counters=dict(sorted(node.counters.items())) | {"lost by faults": node.board.lost},
            clients=self._clients,
            links=node.out.views(),
            active=node.board.list(trio.current_time()),
            refused_by=tuple(sorted(node.refusals.items())),
            security=self._security,
            non_voting_peers=tuple(sorted(node.standing.non_voting.items())),
        )


def _hello(body: bytes, nesting: int) -> Hello:
    """The first frame; who dialled and does not like our certificate says a problem in place of hello."""
    try:
        return _hellos.decode(body, nesting)
    except WireError:
        with contextlib.suppress(WireError):
            problem = _problems.decode(body)
            raise TurnedAway(
                f"it does not want this replica: {visible(problem.reason, 200)}", DISTRUSTED
            ) from None
        raise


async def _first_frame(stream: Channel, reader: FrameReader, nesting: int) -> Hello | None:
    while received := await stream.receive_some(65536):
        if received.startswith(TLS_ON_A_PLAIN_PORT) and isinstance(stream, trio.SocketStream):
            raise WireError("this is TLS, and this replica runs without certificates", TLS_HERE)
        for body in reader.feed(received):
            try:
                return _hello(body, nesting)
            except WireError:
                version = spoken_version(body)
                if version is None or version == PROTOCOL_VERSION:
                    raise
                if is_spoken(version):
                    return _hello(newer_body(body, version), nesting)
                raise WireError(version_words(version), OTHER_VERSION) from None
    if reader.partial:
        raise WireError("the connection ended in the middle of a frame", CUT_OFF)
    return None


def _where(stream: trio.SocketStream) -> tuple[str, str]:
    """Address and port of the other side, and the address alone."""
    try:
        host, port = stream.socket.getpeername()[:2]
    except OSError:
        return "somebody", ""
    return f"{host}:{port}", host


def _leaf(group: BaseExceptionGroup[WireError]) -> WireError:
    first = group.exceptions[0]
    return _leaf(first) if isinstance(first, BaseExceptionGroup) else first
