"""One connection's way out: frames gather during a turn, then leave as one."""

from __future__ import annotations

import os
import socket

import trio

QUEUE_BYTES_MAX = 16 * 1024 * 1024
"""What may wait for a slow reader. It is above what one full window of answers takes."""


class Sender:
    """A bounded queue of encoded frames.

    :meth:`flush` hands them to the kernel at once, without waking a task, as long as the kernel takes
    them; what it does not take is left to the one task in :meth:`run`.
    """

    def __init__(self, stream: trio.abc.SendStream, bytes_max: int = QUEUE_BYTES_MAX) -> None:
        self._stream = stream
        self._bytes_max = bytes_max
        self._queue: list[bytes] = []
        self._bytes = 0
        self._wanted = trio.Event()
        self._sent = trio.Event()
        self._sending = False
        self._closing = False
        self._raw = _twin(stream)
        self.overflowed = False
        self.midway = False
        """Half a frame is out, or may be: nothing else may be written to the stream now."""

    def push(self, frame: bytes) -> bool:
        """Queue a frame; ``False`` if the reader is too slow and it was not taken."""
        if self._bytes + len(frame) > self._bytes_max or self._closing:
            self.overflowed = self.overflowed or not self._closing
            return False
        self._queue.append(frame)
        self._bytes += len(frame)
        return True

    def flush(self) -> None:
        """Send what is queued, as far as that needs no waiting."""
        if self._sending or not self._queue:
            return
        if self._raw is not None:
            frames = self._queue[0] if len(self._queue) == 1 else b"".join(self._queue)
            try:
                sent = self._raw.send(frames)
            except BlockingIOError:
                sent = 0
            except OSError:
                # The connection is broken; the task finds out in its own way and ends it.
                sent = 0
            self._queue = [frames[sent:]] if sent < len(frames) else []
            self._bytes -= sent
            self.midway = bool(self._queue) and (self.midway or sent > 0)
            if not self._queue:
                return
        self._wanted.set()

    @property
    def waiting_bytes(self) -> int:
        """Bytes that were pushed and are not handed to the kernel yet."""
        return self._bytes

    async def wait_below(self, limit: int) -> None:
        """Wait until fewer than ``limit`` bytes are queued."""
        while self._bytes >= limit:
            await self._sent.wait()

    def _tell_sent(self) -> None:
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
                while self._queue:
                    queue, self._queue = self._queue, []
                    size = sum(map(len, queue))
                    await self._stream.send_all(b"".join(queue))
                    self._bytes -= size
                    self._tell_sent()
                self._sending = self.midway = False
                self._tell_sent()  # meanwhile a flush may have sent what this task was woken for
                if self._closing:
                    return
        finally:
            if self._raw is not None:
                self._raw.close()
                self._raw = None


def _twin(stream: trio.abc.SendStream) -> socket.socket | None:
    """A second handle of the stream's socket, for sends that do not wait; ``None`` if it has no socket."""
    if not isinstance(stream, trio.SocketStream):
        return None
    twin = socket.socket(fileno=os.dup(stream.socket.fileno()))
    twin.setblocking(False)
    return twin
