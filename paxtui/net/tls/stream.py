"""A TCP stream to a TLS stream, from both ends.

Trio has a TLS stream of its own. This one differs in two ways. When a handshake fails it still sends the
alert by which TLS tells the other side why; Trio's drops it. And it encrypts and decrypts without waiting, so
that a replica reads all its sockets in one turn and sends without a task switch, encrypted or not.

The end of a connection is told by TCP, not by TLS's own farewell: frames have a length, nothing follows from
an end that an attacker could fake, and a farewell could wait for ever on a side that does not read.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import TypeAlias

import trio

from paxtui.config.identity import Identity, NoRole, from_certificate
from paxtui.net.tls.errors import words
from paxtui.wire.codec import encode
from paxtui.wire.hello import Problem

RECEIVE_BYTES = 256 * 1024


class Distrust(Exception):
    """The two sides do not come together; the message is one line, in which "it" is the other side."""


class TlsStream(trio.abc.HalfCloseableStream):
    """An encrypted connection over ``raw``. One task may send and one may receive at the same time."""

    def __init__(self, raw: trio.SocketStream, context: ssl.SSLContext, *, server_side: bool) -> None:
        self.raw = raw
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=server_side)
        self._failure: trio.BrokenResourceError | None = None

    async def handshake(self) -> None:
        """Agree on keys and look at each other's certificate. Raises :class:`Distrust`."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                done = False
            except ssl.SSLError as error:
                with contextlib.suppress(trio.BrokenResourceError):
                    await self.raw.send_all(self._outgoing.read())  # the alert that tells the other side why
                raise Distrust(words(error)) from None
            else:
                done = True
            try:
                if self._outgoing.pending:
                    await self.raw.send_all(self._outgoing.read())
                if done:
                    return
                received = await self.raw.receive_some(RECEIVE_BYTES)
            except trio.BrokenResourceError:
                received = b""
            if not received:
                raise Distrust("it hung up in the middle of the handshake")
            self._incoming.write(received)

    @property
    def identity(self) -> Identity:
        """Return the identity on the other end. Raises :class:`NoRole`."""
        return from_certificate(self._tls.getpeercert())

    def encrypt(self, data: bytes | bytearray | memoryview) -> bytes:
        """Encrypt ``data``; the result has to go over ``raw`` whole, and in the order of calls."""
        try:
            if len(data):
                self._tls.write(data)
        except ssl.SSLError as error:
            raise trio.BrokenResourceError("the connection was broken before") from error
        return self._outgoing.read()

    def decrypt(self, received: bytes | bytearray) -> bytes:
        """Decrypt what came with these bytes and those before them; empty while a record is not whole.

        Raises ``trio.BrokenResourceError`` for an alert, and for bytes that are not the other side's, when
        everything before them was handed out.
        """
        if self._failure is not None:
            raise self._failure
        if received:
            self._incoming.write(received)
        pieces: list[bytes] = []
        try:
            while piece := self._tls.read(RECEIVE_BYTES):
                pieces.append(piece)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self._failure = trio.BrokenResourceError(words(error))
            self._failure.__cause__ = error
            if not pieces:
                raise self._failure from error
        return b"".join(pieces)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send. If this is cancelled half a record may be out, and nothing can follow it."""
        await self.raw.send_all(self.encrypt(data))

    async def wait_send_all_might_not_block(self) -> None:
        """See :class:`trio.abc.SendStream`."""
        await self.raw.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Receive everything that has arrived, however much it is; empty at the end."""
        del max_bytes
        received: bytes | bytearray = b""
        while True:
            if data := self.decrypt(received):
                return data
            received = await self.raw.receive_some(RECEIVE_BYTES)
            if not received:
                return b""

    async def send_eof(self) -> None:
        """Say that nothing more will come; the other direction stays open."""
        await self.raw.send_eof()

    async def aclose(self) -> None:
        """Close at once."""
        await self.raw.aclose()


Channel: TypeAlias = "trio.SocketStream | TlsStream"
"""Plain or TLS: both are streams of bytes."""


async def serve_tls(raw: trio.SocketStream, context: ssl.SSLContext) -> TlsStream:
    """Do the handshake of the side that was dialled. Raises :class:`Distrust`."""
    stream = TlsStream(raw, context, server_side=True)
    await stream.handshake()
    return stream


async def dial_tls(raw: trio.SocketStream, context: ssl.SSLContext, replica: int | None) -> TlsStream:
    """Do the handshake of the side that dialled ``replica``, or any of the replicas. In TLS 1.3 it succeeds
    although the other side may yet refuse our certificate: only an answer to hello means that we are in.

    Raises :class:`Distrust`, after the other side was told why.
    """
    stream = TlsStream(raw, context, server_side=False)
    await stream.handshake()
    reason = _objection(stream, replica)
    if reason is not None:
        with contextlib.suppress(trio.BrokenResourceError):
            await stream.send_all(encode(Problem(reason)))
        raise Distrust(reason)
    return stream


def _objection(stream: TlsStream, replica: int | None) -> str | None:
    try:
        found = stream.identity
    except NoRole as error:
        return f"its certificate {error}"
    if found.replica is None:
        return f"its certificate is that of {found}; a replica's is needed here"
    if replica is not None and found.replica != replica:
        return f"its certificate is that of {found}, and we dialled replica/{replica}"
    return None
