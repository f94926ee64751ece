"""One connection's way out: frames gather during a turn, then leave as one."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import trio

from paxtui.net import tcp
from paxtui.net.tls.stream import TlsStream
from paxtui.wire.hello import PROTOCOL_VERSION
from paxtui.wire.versions import older_frames

QUEUE_BYTES_MAX = 16 * 1024 * 1024
"""What may wait for a slow reader. It is above what one full window of answers takes."""


PIECE_BYTES = 256 * 1024
"""What is given to a slow reader at once: after each piece it is seen that it still reads."""


class FrameWriter:
    """A bounded queue of encoded frames.

    :meth:`flush` hands them to the kernel at once, without waking a task, as long as the kernel takes
    them; what it does not take is left to the one task in :meth:`run`.
    """

    def __init__(
        self,
        stream: trio.abc.SendStream,
        bytes_max: int = QUEUE_BYTES_MAX,
        account: Callable[[int], None] | None = None,
    ) -> None:
        """``account`` is told how many bytes wait, whenever that changes for longer than a turn."""
        self._bytes_max = bytes_max
        self._queue: list[bytes] = []
        self._bytes = 0
        self._account = account
        self._accounted = 0
        self.sent_bytes = 0
        """All that the kernel has taken."""
        self.sent_at = float("-inf")
        """When it took something last."""
        self._wanted = trio.Event()
        self._sent = trio.Event()
        self._sending = False
        self._closing = False
        self._tls = stream if isinstance(stream, TlsStream) else None
        self._out = stream.raw if isinstance(stream, TlsStream) else stream
        self._sealed = b""
        """Encrypted, and not taken by the kernel yet: nothing may go before it."""
        self._raw = _twin(self._out)
        self.overflowed = False
        self.failure: Exception | None = None
        """What the kernel said when a flush failed. It says so once: the task hears only that it is over."""
        self.version = PROTOCOL_VERSION
        """What the other side understands: frames are rewritten for an older version."""
        self.midway = False
        """Half a frame is out, or may be: nothing else may be written to the stream now."""

    @property
    def round_trip_s(self) -> float | None:
        """Return the round trip of the connection, as far as TCP tells it, in seconds."""
        return tcp.round_trip_s(self._raw) if self._raw is not None else None

    def push(self, frame: bytes) -> bool:
        """Queue a frame; ``False`` if the reader is too slow and it was not taken."""
        if self.version != PROTOCOL_VERSION:
            frame = older_frames(frame, self.version)
        if self._bytes + len(frame) > self._bytes_max or self._closing:
            self.overflowed = self.overflowed or not self._closing
            return False
        self._queue.append(frame)
        self._bytes += len(frame)
        return True

    def flush(self) -> None:
        """Send what is queued, as far as that needs no waiting."""
        if self._sending or not self._queue:
            self._account_waiting()
            return
        if self._raw is not None:
            sent = 0
            frames = b""
            try:
                frames = self._take_queued()
                sent = self._raw.send(frames)
            except BlockingIOError:
                pass  # the kernel's buffer is full: the task waits
            except (OSError, trio.BrokenResourceError) as error:
                self.failure = self.failure or error  # the task finds out in its own way
            rest = frames[sent:] if sent < len(frames) else b""
            if rest and self._tls is None:
                self._queue = [rest]
            elif rest:
                self._sealed = rest
            self._bytes -= sent
            self.sent_bytes += sent
            if sent:
                self.sent_at = trio.current_time()
            self._account_waiting()
            self.midway = bool(rest) and (self.midway or sent > 0 or self._tls is not None)
            if not rest and not self._queue:
                return
        self._wanted.set()

    def _take_queued(self) -> bytes:
        """Take all that waits, as it goes to the kernel. Raises ``trio.BrokenResourceError`` if TLS has
        ended."""
        frames = self._queue[0] if len(self._queue) == 1 else b"".join(self._queue)
        if self._tls is not None:
            frames = self._sealed + self._tls.encrypt(frames)
            self._sealed = b""
            self._bytes = len(frames)
        self._queue = []
        return frames

    @property
    def waiting_bytes(self) -> int:
        """Return the bytes that were pushed and are not handed to the kernel yet."""
        return self._bytes

    async def wait_below(self, limit: int) -> None:
        """Wait until fewer than ``limit`` bytes are queued."""
        while self._bytes >= limit:
            await self._sent.wait()

    def _account_waiting(self) -> None:
        if self._account is not None and self._accounted != self._bytes:
            self._accounted = self._bytes
            self._account(self._bytes)

    def abandon(self) -> None:
        """Forget what has not left, and take nothing more: the connection is about to be closed."""
        self._bytes -= sum(map(len, self._queue)) + len(self._sealed)
        self._queue.clear()
        self._sealed = b""
        self._closing = True
        self._accounted = self._bytes

    def _wake_waiting(self) -> None:
        self._sent.set()
        self._sent = trio.Event()

    def close_when_sent(self) -> None:
        """Take nothing more; :meth:`run` returns when everything queued is sent."""
        self._closing = True
        self._wanted.set()

    async def run(self) -> None:
        """Send what :meth:`flush` could not, until cancelled, closed or broken. After an error half a
        frame may be out, so the caller must close the connection."""
        try:
            while True:
                await self._wanted.wait()
                self._wanted = trio.Event()
                self._sending = self.midway = True
                while self._queue or self._sealed:
                    frames = memoryview(self._take_queued())
                    for start in range(0, len(frames), PIECE_BYTES):
                        piece = frames[start : start + PIECE_BYTES]
                        await self._out.send_all(piece)
                        self._bytes -= len(piece)
                        self.sent_bytes += len(piece)
                        self.sent_at = trio.current_time()
                        self._account_waiting()
                        self._wake_waiting()
                self._sending = self.midway = False
                self._wake_waiting()  # meanwhile a flush may have sent what this task was woken for
                if self._closing:
                    return
        finally:
            if self._raw is not None:
                self._raw.close()
                self._raw = None


def _twin(stream: trio.abc.SendStream) -> socket.socket | None:
    """Make a second handle of the stream's socket, for sends that do not wait; ``None`` if it has no
    socket."""
    if not isinstance(stream, trio.SocketStream):
        return None
    twin = socket.socket(fileno=os.dup(stream.socket.fileno()))
    twin.setblocking(False)
    return twin
