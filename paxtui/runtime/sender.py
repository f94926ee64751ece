"""One connection's way out: frames gather while one send runs, then leave as one."""

from __future__ import annotations

import trio

QUEUE_BYTES_MAX = 16 * 1024 * 1024
"""What may wait for a slow reader. It is above what one full window of answers takes."""


class Sender:
    """A bounded queue of encoded frames and the one task that writes them."""

    def __init__(self, stream: trio.abc.SendStream, bytes_max: int = QUEUE_BYTES_MAX) -> None:
        self._stream = stream
        self._bytes_max = bytes_max
        self._queue: list[bytes] = []
        self._bytes = 0
        self._wanted = trio.Event()
        self._sent = trio.Event()
        self._closing = False
        self.overflowed = False

    def push(self, frame: bytes) -> bool:
        """Queue a frame; ``False`` if the reader is too slow and it was not taken."""
        if self._bytes + len(frame) > self._bytes_max or self._closing:
            self.overflowed = self.overflowed or not self._closing
            return False
        self._queue.append(frame)
        self._bytes += len(frame)
        self._wanted.set()
        return True

    @property
    def waiting_bytes(self) -> int:
        """Bytes that were pushed and are not handed to the kernel yet."""
        return self._bytes

    async def wait_below(self, limit: int) -> None:
        """Wait until fewer than ``limit`` bytes are queued."""
        while self._bytes >= limit:
            await self._sent.wait()

    def close_when_sent(self) -> None:
        """Take nothing more; :meth:`run` returns when everything queued is sent."""
        self._closing = True
        self._wanted.set()

    async def run(self) -> None:
        """Write until cancelled, closed or broken. After an error half a frame may be out, so the
        caller must close the connection."""
        while True:
            if not self._queue:
                if self._closing:
                    return
                self._wanted = trio.Event()
                await self._wanted.wait()
                continue
            queue, self._queue = self._queue, []
            size = sum(map(len, queue))
            await self._stream.send_all(queue[0] if len(queue) == 1 else b"".join(queue))
            self._bytes -= size
            self._sent.set()
            self._sent = trio.Event()
