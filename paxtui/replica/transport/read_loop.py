"""Reads all connections in one task.

A read by way of Trio costs five system calls and two task switches (try, fail, register, wait, read), and
each reader wakes alone. Here one task waits for one selector that knows all sockets for as long as they
live; when it wakes, it reads whatever is ready, and the host takes one turn for all of it. With 256 clients
of one request each that is a third of what a message cost the leader.
"""

from __future__ import annotations

import os
import selectors
from collections.abc import Callable

import trio

from paxtui.net.tls.stream import Channel, TlsStream
from paxtui.wire.errors import WireError

RECEIVE_BYTES = 256 * 1024

TURN_BYTES = 512 * 1024
"""What is read in one turn. A thousand connections that all flood would otherwise be one turn of a quarter of
a gigabyte, and no heartbeat would leave before its end. The rest waits for the next turn, and goes first."""

OnBytes = Callable[[bytes], None]
"""Is called with what arrived. May raise :class:`WireError`, which ends this connection."""


class Reader:
    """One socket that is read, or rests."""

    def __init__(self, read_loop: ReadLoop, fd: int, on_bytes: OnBytes) -> None:
        self._read_loop = read_loop
        self.fd = fd
        self.on_bytes = on_bytes
        self.ended = trio.Event()
        self.failure: Exception | None = None
        self.reading = False

    def pause(self) -> None:
        """Read no more for now: the sender has to wait."""
        if self.reading:
            self.reading = False
            self._read_loop.unregister(self)

    def resume(self) -> None:
        """Read again."""
        if not self.reading and not self.ended.is_set():
            self.reading = True
            self._read_loop.register(self)

    def stop(self, failure: Exception | None) -> None:
        """Stop reading for good."""
        self.pause()
        self.failure = failure
        self.ended.set()


class ReadLoop:
    """The one reader of all sockets, which calls ``after`` once for all that was ready at the same time."""

    def __init__(self, before: Callable[[], None], after: Callable[[], None]) -> None:
        self._before = before
        self._after = after
        self._selector = selectors.DefaultSelector()
        self._served: set[int] = set()
        """The sockets that the turns before did not leave out."""

    def register(self, reader: Reader) -> None:
        """Begin to read for a :class:`Reader`."""
        self._selector.register(reader.fd, selectors.EVENT_READ, reader)

    def unregister(self, reader: Reader) -> None:
        """Stop reading for a :class:`Reader`."""
        self._selector.unregister(reader.fd)

    async def read(
        self, stream: Channel, on_bytes: OnBytes, begun: Callable[[Reader], None] | None = None
    ) -> None:
        """Hand everything that arrives on ``stream`` to ``on_bytes``, until the other side hangs up.

        ``begun`` gets the :class:`Reader`, by which reading can rest. Raises what ``on_bytes`` raises, and
        ``trio.BrokenResourceError``.
        """
        if isinstance(stream, TlsStream):
            reader = Reader(self, stream.raw.socket.fileno(), _decrypting(stream, on_bytes))
        else:
            reader = Reader(self, stream.socket.fileno(), on_bytes)
        reader.resume()
        try:
            if begun is not None:
                begun(reader)
            await reader.ended.wait()
        finally:
            reader.pause()
        if reader.failure is not None:
            raise reader.failure

    async def run(self) -> None:
        """Read until cancelled."""
        selector = self._selector
        try:
            while True:
                await trio.lowlevel.wait_readable(selector.fileno())
                self._before()
                try:
                    self._read_ready([key.data for key, _ in selector.select(0)])
                finally:
                    self._after()
        finally:
            selector.close()

    def _read_ready(self, ready: list[Reader]) -> None:
        left = TURN_BYTES
        waiting = [reader for reader in ready if reader.fd not in self._served]
        if not waiting:
            self._served.clear()
            waiting = ready
        for reader in waiting:
            if left <= 0:
                return
            self._served.add(reader.fd)
            left -= _read(reader)
        self._served.clear()


def _read(reader: Reader) -> int:
    """Read once; return how many bytes came."""
    if not reader.reading:
        return 0  # what was read before it, in the same turn, ended it or made it rest
    try:
        received = os.read(reader.fd, RECEIVE_BYTES)
    except BlockingIOError:
        return 0
    except OSError as error:
        reader.stop(trio.BrokenResourceError(str(error)))
        return 0
    if not received:
        reader.stop(None)
        return 0
    try:
        reader.on_bytes(received)
    except (WireError, trio.BrokenResourceError) as error:
        reader.stop(error)
    return len(received)


def _decrypting(stream: TlsStream, on_bytes: OnBytes) -> OnBytes:
    def on_encrypted_bytes(received: bytes) -> None:
        if data := stream.decrypt(received):
            on_bytes(data)

    return on_encrypted_bytes
