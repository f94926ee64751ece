"""The one port of a replica: answers each hello and hands the connection on by its role."""

from __future__ import annotations

import contextlib
import secrets

import trio
from msgspec import structs

from paxtui import __version__
from paxtui.net import tcp
from paxtui.net.tls.credentials import Credentials
from paxtui.net.tls.stream import Channel
from paxtui.replica.event_log import EventLog
from paxtui.replica.ports import ServedHost
from paxtui.replica.sessions.authorization import Caller, named
from paxtui.replica.sessions.claims import is_outdated, name_objection, session_objection
from paxtui.replica.sessions.client_session import ClientSession
from paxtui.replica.sessions.operator_requests import OperatorRequests
from paxtui.replica.sessions.peer_link import listen_to_peer, objection
from paxtui.replica.sessions.tls_handshake import TurnedAway, accept_tls, dismiss
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
from paxtui.wire.requests import LinkView, Security, StatusReport
from paxtui.wire.text import visible
from paxtui.wire.versions import is_spoken, newer_body, older_frames

TLS_ON_A_PLAIN_PORT = b"\x16\x03"
"""How TLS begins. As a frame it would have 352 MB or more."""

_hellos: Decoder[Hello] = Decoder(Hello)
_problems: Decoder[Problem] = Decoder(Problem)


class Server:
    """The server of one host; with ``credentials`` it accepts only sides that show a certificate."""

    def __init__(
        self,
        host: ServedHost,
        warm_up: WarmUp,
        event_log: EventLog,
        credentials: Credentials | None = None,
        security: Security = "loopback",
    ) -> None:
        self._host = host
        self._operator_requests = OperatorRequests(host)
        self._warm_up = warm_up
        self._event_log = event_log
        self._credentials = credentials
        self._security: Security = security
        self.admission = AdmissionControl(host.cluster.limits, host.counters, event_log)
        self._limits = host.cluster.limits
        self._peers: dict[int, trio.CancelScope] = {}
        self._heard_at: dict[int, float] = {}
        """By peer that is connected, when something of it arrived last."""
        self._started = trio.current_time()
        self._clients = 0

    async def serve_connection(self, stream: trio.SocketStream) -> None:
        """Serve one connection, from hello to its end. A stranger's mistake ends only this connection."""
        admission = self.admission
        where, host = _where(stream)
        tcp.set_timeouts(stream, tcp.client_timeouts(self._limits.stalled_s))
        admitted = admission.enter(host)
        try:
            async with stream:
                with admitted.scope:
                    await self._converse(stream, where, admitted)
                if admitted.evicted:
                    admission.complain(
                        f"{where}: closed before its hello, as {admission.limits.strangers} wait"
                    )
        except TurnedAway as reason:
            self._host.counters["turned away"] += 1
            admission.refuse(reason.kind)
            admission.complain(f"{where} turned away: {reason}")
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            admission.leave(admitted)

    async def _converse(self, raw: trio.SocketStream, where: str, admitted: AdmittedConnection) -> None:
        stream: Channel = raw
        try:
            deadline = trio.current_time() + self._limits.hello_s
            caller = Caller(where)
            if self._credentials is not None:
                found = await accept_tls(raw, self._credentials, deadline)
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
                await self._greet(stream, reader, hello, structs.replace(caller, label=hello.name), admitted)
        except* WireError as errors:
            error = _leaf(errors)
            self._host.counters["bad frames"] += 1
            self.admission.refuse(error.kind)
            self.admission.complain(f"{where}: {error}")
            await dismiss(stream, Problem(str(error)))

    async def _greet(
        self, stream: Channel, reader: FrameReader, hello: Hello, caller: Caller, admitted: AdmittedConnection
    ) -> None:
        objection = self._objection(hello, caller)
        if objection is None and hello.role != "peer":
            objection = self.admission.objection(admitted)
        if objection is not None:
            self.admission.refuse(objection.kind)
            self._host.counters["refused hellos"] += 1
            who = named(hello.name) or hello.replica
            self.admission.complain(f"{caller.where} refused as {hello.role} {who}: {objection.words}")
            await dismiss(stream, RefusedHello(objection.words))
            return
        self.admission.welcome(admitted, peer=hello.role == "peer")
        non_voting = self._judge(hello)
        welcome = self._welcome(hello, caller, non_voting)
        if hello.role == "peer" and hello.replica is not None:
            # On disk before the answer: it must still be known when the peer has acted on it.
            await self._host.voting_rights.save()
            raw = stream if isinstance(stream, trio.SocketStream) else stream.raw
            tcp.set_timeouts(raw, tcp.link_timeouts(self._limits.link_s))
            await stream.send_all(older_frames(encode(welcome), hello.version))
            await self._peer(stream, reader, hello, non_voting=non_voting is not None)
            return
        await stream.send_all(older_frames(encode(welcome), hello.version))
        self._clients += 1
        try:
            connection = ClientSession(
                self._host,
                self._operator_requests,
                stream,
                hello.role,
                welcome.session or "",
                caller,
                self.status,
                self.admission,
                outdated=is_outdated(hello, caller),
                version=hello.version,
            )
            await connection.serve(reader)
        finally:
            self._clients -= 1

    def _objection(self, hello: Hello, caller: Caller) -> Objection | None:
        cluster = self._host.cluster
        if not is_spoken(hello.version):
            return Objection(OTHER_VERSION, version_words(hello.version))
        if (reason := caller.objection(hello)) is not None:
            return Objection(NOT_ITS_ROLE, reason)
        if hello.role == "peer":
            return objection(self._host, hello)
        if hello.cluster is not None and hello.cluster != cluster.digest:
            return Objection(OTHER_CLUSTER, f"this is cluster {cluster.name} ({cluster.digest}), not yours")
        return name_objection(hello, self._limits) or session_objection(hello, caller, self._known)

    @property
    def _known(self) -> int | None:
        """Return one above the highest slot of which this replica knows; ``None`` while it warms up."""
        status = self._host.status
        return None if status is None else max(status.known_high, self._host.applied_log.watermark)

    def _judge(self, hello: Hello) -> str | None:
        """Return why a peer is let in as a learner without vote, if it is."""
        if hello.role != "peer" or hello.replica is None:
            return None
        voting_rights = self._host.voting_rights
        known = voting_rights.non_voting.get(hello.replica)
        reason = voting_rights.judge_disk(
            hello.replica, hello.storage or "", hello.commits, gave_up_vote=hello.non_voting
        )
        if reason is not None and reason != known:
            self._event_log.error("no-vote", f"{reason}: {UNTIL}")
        return None if reason is None else f"{reason}: {UNTIL}"

    def _welcome(self, hello: Hello, caller: Caller, non_voting: str | None) -> Welcome:
        host = self._host
        issued = None
        if hello.role == "client":
            issued = hello.session or self._new_session(hello, caller)
        status = host.status
        return Welcome(
            version=hello.version,
            cluster=host.cluster.digest,
            name=host.cluster.name,
            replica=host.me,
            members=tuple(str(address) for address in host.cluster.replicas),
            leader=status.leader if status is not None else None,
            applied=host.applied_log.watermark,
            session=issued,
            session_window=host.cluster.settings.session_window,
            faults=host.faults_allowed,
            non_voting=non_voting,
        )

    def _new_session(self, hello: Hello, caller: Caller) -> str:
        name = session.name_in_id(caller.name(hello))
        role = "" if caller.identity is None else caller.identity.role
        nonce = secrets.token_bytes(session.NONCE_BYTES)
        return str(session.issue(name, role, self._host.applied_log.watermark, nonce))

    async def _peer(self, stream: Channel, reader: FrameReader, hello: Hello, *, non_voting: bool) -> None:
        """Serve a peer's connection; a newer one of the same peer takes its place."""
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
                    self._host,
                    peer,
                    stream,
                    reader,
                    self._warm_up.note_ready,
                    heard,
                    non_voting=non_voting,
                    version=hello.version,
                )
            finally:
                if self._peers.get(peer) is scope:
                    del self._peers[peer]
                    self._heard_at.pop(peer, None)
                    self._host.lost_contact(peer)

    def _connected(self, links: tuple[LinkView, ...]) -> list[int]:
        """List the peers that are heard, and to which messages leave. One that vanished without a farewell is
        missing here long before TCP gives it up."""
        since = trio.current_time() - SILENT_HEARTBEATS * self._host.cluster.settings.heartbeat_s
        up = {link.to for link in links if link.connected}
        return sorted(peer for peer, at in self._heard_at.items() if at >= since and peer in up)

    def status(self, ask: int) -> StatusReport:
        """Return the status of this replica, for the request ``ask``."""
        report = self._host.report(ask)
        return structs.replace(
            report,
            waiting_for=self._warm_up.missing,
            connected=tuple(self._connected(report.links)),
            uptime_s=round(trio.current_time() - self._started, 3),
            clients=self._clients,
            security=self._security,
            program=__version__,
        )


def _hello(body: bytes, nesting: int) -> Hello:
    """Decode the first frame. A side that does not like our certificate says a problem in place of hello."""
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
    """Return address and port of the other side, and the address alone."""
    try:
        host, port = stream.socket.getpeername()[:2]
    except OSError:
        return "an unknown address", ""
    return f"{host}:{port}", host


def _leaf(group: BaseExceptionGroup[WireError]) -> WireError:
    first = group.exceptions[0]
    return _leaf(first) if isinstance(first, BaseExceptionGroup) else first
