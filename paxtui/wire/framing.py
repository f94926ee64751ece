"""Frames: a 4-byte big-endian length, then that many bytes of UTF-8 JSON."""

from __future__ import annotations

from collections.abc import Iterator

from paxtui.wire.errors import FRAME_LENGTH, WireError

FRAME_BYTES_MAX = 1024 * 1024
"""The longest body. The core's runs are cut so that no message reaches it."""

HEAD_BYTES = 4


def frame(body: bytes) -> bytes:
    """Return ``body`` with its length in front."""
    if len(body) > FRAME_BYTES_MAX:
        raise WireError(f"a frame of {len(body)} bytes is above the limit of {FRAME_BYTES_MAX}", FRAME_LENGTH)
    return len(body).to_bytes(HEAD_BYTES, "big") + body


class FrameReader:
    """Cuts a stream of bytes into frames. Holds at most one incomplete frame."""

    def __init__(self, bytes_max: int = FRAME_BYTES_MAX) -> None:
        self.bytes_max = bytes_max
        """The longest body from here on."""
        self._buffer = bytearray()
        self._start = 0

    def feed(self, received: bytes | bytearray) -> Iterator[bytes]:
        """Yield the body of each frame that is now complete.

        Raises :class:`WireError` on a length of zero or above the limit, before waiting for the body.
        """
        buffer = self._buffer
        if self._start:
            del buffer[: self._start]
            self._start = 0
        buffer += received
        end = len(buffer)
        while end - self._start >= HEAD_BYTES:
            start = self._start + HEAD_BYTES
            length = int.from_bytes(buffer[self._start : start], "big")
            if not 0 < length <= self.bytes_max:
                raise WireError(
                    f"a frame says it has {length} bytes; 1 to {self.bytes_max} are allowed", FRAME_LENGTH
                )
            if end - start < length:
                break
            self._start = start + length
            yield bytes(buffer[start : self._start])

    @property
    def waiting_bytes(self) -> int:
        """Return what is kept of a frame that is not complete."""
        return len(self._buffer) - self._start

    @property
    def partial(self) -> bool:
        """Return whether a frame has begun that is not complete."""
        return len(self._buffer) > self._start
