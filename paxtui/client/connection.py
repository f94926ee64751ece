"""One connection to one replica: hello, then frames."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Generic, TypeVar

import trio
from msgspec import Struct, structs

from paxtui.client.errors import ClientError, Failed
from paxtui.config.cluster_file import Address
from paxtui.config.tls_files import Tls
from paxtui.net import tcp
from paxtui.net.tls.credentials import Credentials, of_tool
from paxtui.net.tls.errors import cause
from paxtui.net.tls.stream import Channel, Distrust, dial_tls
from paxtui.wire.codec import Decoder, encode
from paxtui.wire.errors import WireError
from paxtui.wire.framing import FrameReader
from paxtui.wire.hello import (
    OLDEST_VERSION,
    PROTOCOL_VERSION,
    SESSION_REFUSED,
    Hello,
    HelloAnswer,
    Problem,
    RefusedHello,
    Role,
    Welcome,
    schema_words,
)
from paxtui.wire.requests import Answer
from paxtui.wire.telemetry import ObserverAnswer
from paxtui.wire.versions import is_about_version, newer_body, older_frames

RECEIVE_BYTES = 256 * 1024
DIAL_S = 1.0
"""How long connecting and the answer to hello may take before the next replica is tried."""

BROKEN = (OSError, trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError, WireError)
"""What a connection that cannot be used (any more) raises."""

T = TypeVar("T")

_welcomes: Decoder[Welcome | RefusedHello | Problem] = Decoder(HelloAnswer)
answers: Decoder[Struct] = Decoder(Answer | Problem)
views: Decoder[Struct] = Decoder(ObserverAnswer | Answer | Problem)


class HelloRefused(Failed):
    """The replica does not want this connection; the message is its reason."""


class SessionRefused(HelloRefused):
    """The replica would take this connection, but not its session."""


class Untrusted(Failed):
    """We and the replica do not accept each other's certificates, or one of us has none; ``reason`` says why,
    and the message names the replica, too."""

    def __init__(self, address: Address, reason: str) -> None:
        super().__init__(f"{address}: {reason}")
        self.reason = reason


class Connection(Generic[T]):
    """A welcomed connection. Not for more than one sending and one receiving task at a time."""

    def __init__(self, stream: Channel, reader: FrameReader, welcome: Welcome, decoder: Decoder[T]) -> None:
        self._stream = stream
        self.version = welcome.version
        self._reader = reader
        self._decoder = decoder
        self._sending = False
        self._rest = b""
        self.welcome = welcome

    async def send(self, *messages: Struct) -> None:
        """Send messages as one write, behind what :meth:`send_now` could not finish."""
        data, self._rest = self._rest + self._encoded(*messages), b""
        self._sending = True
        await self._stream.send_all(data)
        self._sending = False

    def send_now(self, message: Struct) -> bool:
        """Send one message without waiting, if that can be done; else nothing was sent. For who has one
        request at a time: a task switch and the machinery of :meth:`send` cost more than the send itself."""
        if self._sending or self._rest or not isinstance(self._stream, trio.SocketStream):
            return False
        data = self._encoded(message)
        try:
            sent = os.write(self._stream.socket.fileno(), data)
        except OSError:  # the kernel's buffer is full, or the connection is broken: send() finds out
            return False
        self._rest = data[sent:]
        return True

    def _encoded(self, *messages: Struct) -> bytes:
        return older_frames(b"".join(map(encode, messages)), self.version)

    @property
    def midway(self) -> bool:
        """Return whether a part of a message waits for the next :meth:`send`."""
        return bool(self._rest)

    async def receive(self) -> list[T]:
        """Receive everything that has arrived, at least one message; empty when the replica hung up."""
        while True:
            received = await self._stream.receive_some(RECEIVE_BYTES)
            if not received:
                return []
            messages = [
                self._decoder.decode(newer_body(body, self.version)) for body in self._reader.feed(received)
            ]
            for message in messages:
                if isinstance(message, Problem):
                    raise ClientError(f"the replica closed the connection: {message.reason}")
            if messages:
                return messages


@asynccontextmanager
async def dial(
    address: Address,
    role: Role,
    decoder: Decoder[T],
    *,
    tls: Tls | None = None,
    replica_known: bool = True,
    name: str = "",
    session: str | None = None,
    cluster: str | None = None,
    timeout_s: float = DIAL_S,
) -> AsyncIterator[Connection[T]]:
    """Connect and say hello. Without ``replica_known`` any replica may be at the address.

    Raises one of :data:`BROKEN`, :class:`Untrusted` or :class:`HelloRefused`; and, where ``tls`` names files
    that cannot serve, :class:`paxtui.config.cluster_file.ConfigError` before anybody is asked.
    """
    credentials = None if tls is None else of_tool(tls)
    expected = address.id if replica_known else None
    hello = Hello(version=PROTOCOL_VERSION, role=role, name=name, session=session, cluster=cluster)
    async with AsyncExitStack() as opened:
        raw = await opened.enter_async_context(await _open(address, timeout_s))
        try:
            with trio.fail_after(timeout_s):
                connection = await _welcomed(raw, credentials, expected, hello, decoder, address)
        except HelloRefused as refused:
            if not is_about_version(str(refused)):
                raise
            # The replica is of an older release: it may take the hello of its own version.
            raw = await opened.enter_async_context(await _open(address, timeout_s))
            with trio.fail_after(timeout_s):
                older = structs.replace(hello, version=OLDEST_VERSION)
                connection = await _welcomed(raw, credentials, expected, older, decoder, address)
        yield connection


async def _open(address: Address, timeout_s: float) -> trio.SocketStream:
    with trio.fail_after(timeout_s):
        raw = await trio.open_tcp_stream(address.host, address.port)
    tcp.set_timeouts(raw, tcp.CLIENT)
    return raw


async def _welcomed(
    raw: trio.SocketStream,
    credentials: Credentials | None,
    replica: int | None,
    hello: Hello,
    decoder: Decoder[T],
    address: Address,
) -> Connection[T]:
    try:
        stream: Channel = raw
        if credentials is not None:
            credentials.reload_if_changed()
            stream = await dial_tls(raw, credentials.client, replica)
        return await _greet(stream, hello, decoder)
    except Distrust as distrust:
        raise Untrusted(address, str(distrust)) from None
    except trio.BrokenResourceError as error:
        # In TLS 1.3 we hear that our certificate is refused when we wait for the answer to hello.
        if (reason := cause(error)) is not None:
            raise Untrusted(address, reason) from None
        raise


async def _greet(stream: Channel, hello: Hello, decoder: Decoder[T]) -> Connection[T]:
    await stream.send_all(older_frames(encode(hello), hello.version))
    reader = FrameReader()
    while received := await stream.receive_some(RECEIVE_BYTES):
        for body in reader.feed(received):
            answer = _welcomes.decode(newer_body(body, hello.version))
            if isinstance(answer, Welcome):
                return Connection(stream, reader, answer, decoder)
            refused = SessionRefused if answer.reason.startswith(SESSION_REFUSED) else HelloRefused
            raise refused(schema_words(answer.reason))
    raise trio.BrokenResourceError("hung up before it answered hello")
