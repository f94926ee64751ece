"""Links to other replicas. Each replica dials each other one and sends on the connection that it dialled;
what it hears comes on the connections that the others dialled. So a connection is one directed link."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable

import trio

from paxtui.config import cluster_file
from paxtui.core.messages import PeerMessage
from paxtui.net import tcp
from paxtui.net.tls.credentials import Credentials
from paxtui.net.tls.errors import cause
from paxtui.net.tls.stream import Channel, Distrust, call
from paxtui.replica.event_log import EventLog
from paxtui.replica.host import Host
from paxtui.replica.transport.admission import (
    NO_DISK,
    NO_SUCH_PEER,
    OTHER_CLUSTER,
    OTHER_ORIGIN,
    Objection,
)
from paxtui.replica.transport.frame_writer import FrameWriter
from paxtui.replica.transport.keepalive import Keepalive
from paxtui.replica.voting_rights import counts
from paxtui.replica.warmup import WarmUp
from paxtui.wire.codec import Decoder, encode
from paxtui.wire.errors import WireError
from paxtui.wire.framing import FRAME_BYTES_MAX, FrameReader
from paxtui.wire.hello import (
    OLDEST_VERSION,
    PROTOCOL_VERSION,
    DiskProgress,
    Hello,
    HelloAnswer,
    Problem,
    Ready,
    RefusedHello,
    Welcome,
    schema_words,
)
from paxtui.wire.versions import is_about_version, newer_body, older_frames

CONNECT_S = 1.0
"""How long connecting may take. TCP would call again after a second, and then more and more rarely; calling
anew finds a network that has healed within this and a back-off."""

DIAL_S = 2.0
"""How long the handshake and the answer to hello may take."""

BACKOFF_S_MIN = 0.05
BACKOFF_S_MAX = 0.5
"""A dead peer is dialled again after this long, growing; a peer that comes back waits at most so long."""

RECEIVE_BYTES = 256 * 1024

_answers: Decoder[Welcome | RefusedHello | Problem] = Decoder(HelloAnswer)
_messages: Decoder[PeerMessage | Ready | DiskProgress] = Decoder(PeerMessage | Ready | DiskProgress)


class PeerLink:
    """The link from this replica to one other: dials, says hello, sends, and dials again."""

    def __init__(
        self,
        node: Host,
        peer: int,
        journal: EventLog,
        rng: random.Random,
        credentials: Credentials | None = None,
        warm_up: WarmUp | None = None,
    ) -> None:
        self._node = node
        self._warm_up = warm_up
        self._peer = peer
        self._address = node.cluster.address(peer)
        self._journal = journal
        self._rng = rng
        self._credentials = credentials
        self._complaint = ""
        self._version = PROTOCOL_VERSION
        """The protocol version in which the peer is greeted next."""
        self._said_non_voting = False
        self._patience = tcp.of_link(node.cluster.limits.link_s)
        self._narrow = False
        """Whether to dial with small segments: the last connection could be made, and then swallowed what was
        sent, as paths do that drop large packets and do not say so."""

    async def run(self) -> None:
        """Keep the link up until cancelled."""
        wait_s = BACKOFF_S_MIN
        while True:
            try:
                with trio.fail_after(CONNECT_S):
                    stream = await tcp.connect(
                        self._address.host, self._address.port, self._patience, narrow=self._narrow
                    )
            except (OSError, trio.TooSlowError):
                self._narrow = False
            else:
                async with stream:
                    if await self._use(stream):
                        wait_s = BACKOFF_S_MIN
            await trio.sleep(wait_s * self._rng.uniform(0.5, 1.0))
            wait_s = min(2 * wait_s, BACKOFF_S_MAX)

    async def _use(self, raw: trio.SocketStream) -> bool:
        """Send on a connection until it breaks; whether the peer had welcomed us."""
        reader = FrameReader()
        stream: Channel = raw
        try:
            with trio.fail_after(DIAL_S):
                if self._credentials is not None:
                    stream = await call(raw, self._credentials.client, self._peer)
                answer = await self._greet(stream, reader)
        except Distrust as distrust:
            self._complain(f"over TLS: {distrust}")
            return False
        except (OSError, trio.TooSlowError, trio.BrokenResourceError, WireError) as error:
            if isinstance(error, trio.TooSlowError):
                self._narrow = not self._narrow
            if (reason := cause(error)) is not None:
                self._node.refusals[self._peer] = reason
                self._complain(f"over TLS: {reason}")
            return False
        if not isinstance(answer, Welcome):
            if answer is not None:
                if is_about_version(answer.reason) and self._version > OLDEST_VERSION:
                    self._version -= 1
                    return True  # it is of an older release: call again at once, in its words
                reason = schema_words(answer.reason)
                self._node.refusals[self._peer] = reason
            self._complain(f"refuses this replica: {reason}" if answer is not None else "hung up")
            self._version = PROTOCOL_VERSION
            return False
        self._complaint = ""
        self._node.refusals.pop(self._peer, None)
        if answer.non_voting is not None:
            self._node.become_learner(f"replica {self._peer} says: {answer.non_voting}")
        if self._warm_up is not None:
            self._warm_up.welcomed(self._peer, non_voting=answer.non_voting is not None)
        if answer.non_voting is None and self._node.non_voting is not None and not self._said_non_voting:
            return True  # another peer held us since we said hello: this one must hear of it, so call again
        sender = FrameWriter(stream, self._node.cluster.limits.peer_bytes)
        sender.version, self._version = self._version, PROTOCOL_VERSION  # by the next call it may be upgraded
        sender.push(encode(Ready()))
        sender.flush()
        await self._keep_up(stream, sender)
        return True

    async def _keep_up(self, stream: Channel, sender: FrameWriter) -> None:
        node, peer = self._node, self._peer
        narrow = " with small segments" if self._narrow else ""
        node.out.links[peer] = sender
        node.out.signs[peer] = Keepalive(sender, node.cluster.settings.heartbeat_s)
        self._journal.info("peer", f"r{peer} up at {self._address}{narrow}")
        errors: list[BaseException] = []
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_until_closed, stream, errors, nursery.cancel_scope)
                nursery.start_soon(node.out.signs[peer].run)
                node.out.scopes[peer] = nursery.cancel_scope
                await sender.run()
        except* (trio.BrokenResourceError, trio.ClosedResourceError) as broken:
            errors.append(broken)
        finally:
            node.out.links.pop(peer, None)
            node.out.signs.pop(peer, None)
            node.out.scopes.pop(peer, None)
            number = _errno(sender.failure, *errors)
            self._narrow = number == errno.ETIMEDOUT and not self._narrow
            why = f": {os.strerror(number).lower()}" if number is not None else ""
            self._journal.info("peer", f"r{peer} down{why}")

    async def _greet(self, stream: Channel, reader: FrameReader) -> HelloAnswer | None:
        cluster = self._node.cluster
        self._said_non_voting = self._node.non_voting is not None
        hello = Hello(
            version=self._version,
            role="peer",
            cluster=cluster.digest,
            replica=self._node.me,
            storage=self._node.storage.storage_id,
            origin=self._node.storage.identity.origin,
            commits=self._node.storage.commit_number,
            non_voting=self._said_non_voting,
            members=tuple(str(address) for address in cluster.replicas),
        )
        await stream.send_all(older_frames(encode(hello), self._version))
        while received := await stream.receive_some(RECEIVE_BYTES):
            for body in reader.feed(received):
                return _answers.decode(newer_body(body, self._version))
        return None

    def _complain(self, text: str) -> None:
        """Say what is wrong with the peer, once for each kind of wrong."""
        if text != self._complaint:
            self._complaint = text
            self._journal.error("peer", f"r{self._peer} at {self._address} {text}")


def _errno(*errors: BaseException | None) -> int | None:
    """What the kernel said. It says it once, to whoever asks first; all others hear of a broken pipe."""
    said: list[BaseException | None] = []
    for error in errors:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        said += (error, error and error.__cause__)
    numbers = [each.errno for each in said if isinstance(each, OSError) and each.errno is not None]
    return min(numbers, key=lambda number: number == errno.EPIPE, default=None)


async def _until_closed(stream: Channel, errors: list[BaseException], scope: trio.CancelScope) -> None:
    """Notice that the peer hung up: nothing else ever comes on this connection."""
    try:
        while await stream.receive_some(4096):
            pass
    except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
        errors.append(error)
    scope.cancel()


def objection(node: Host, hello: Hello) -> Objection | None:
    """Why a peer may not connect, in words for the person who runs it."""
    cluster = node.cluster
    if hello.replica is None or hello.replica >= cluster.n:
        return Objection(NO_SUCH_PEER, f"this cluster's replicas are 0 to {cluster.n - 1}")
    if hello.replica == node.me:
        return Objection(NO_SUCH_PEER, f"replica {node.me} is me; two processes have the same id")
    if hello.cluster != cluster.digest:
        return Objection(OTHER_CLUSTER, _difference(cluster, hello))
    if hello.origin != (origin := node.storage.identity.origin):
        return Objection(
            OTHER_ORIGIN,
            f"the cluster was restored from a backup: my database comes from {_named(origin)}, yours from "
            f"{_named(hello.origin)}; restore all replicas from the same file",
        )
    if not hello.storage:
        return Objection(NO_DISK, "a replica must say which disk it has (storage)")
    return None


def _named(origin: str) -> str:
    return f"backup {origin}" if origin else "no backup"


def _difference(cluster: cluster_file.Cluster, hello: Hello) -> str:
    ours = [str(address) for address in cluster.replicas]
    theirs = list(hello.members)
    if len(ours) != len(theirs):
        return f"your list has {len(theirs)} replicas, mine has {len(ours)}"
    for replica, (mine, yours) in enumerate(zip(ours, theirs, strict=True)):
        if mine != yours:
            return f"our lists of replicas differ: replica {replica} is {mine} with me and {yours} with you"
    return "our session limits (sessions_max, session_window) differ; they must be equal on all replicas"


async def listen_to_peer(
    node: Host,
    peer: int,
    stream: Channel,
    reader: FrameReader,
    on_ready: Callable[[int], None],
    on_heard: Callable[[], None],
    *,
    non_voting: bool,
    version: int,
) -> None:
    """Hand everything that ``peer`` sends to the core, until it hangs up.

    Of one that is ``non_voting``, only what cannot count as a vote or a lead. It speaks protocol ``version``.
    ``on_heard`` is called when something arrives. Raises :class:`WireError`.
    """
    reader.bytes_max = FRAME_BYTES_MAX

    def take(received: bytes) -> None:
        on_heard()
        for body in reader.feed(received):
            message = _messages.decode(newer_body(body, version))
            if isinstance(message, Ready):
                on_ready(peer)
            elif isinstance(message, DiskProgress):
                if not non_voting:
                    node.standing.progress(peer, message.commits)
            elif non_voting and counts(message):
                node.counters["dropped messages of held replicas"] += 1
            else:
                node.counters["received messages"] += 1
                node.receive(peer, message)

    take(b"")  # what came with hello
    await node.hub.read(stream, take)
