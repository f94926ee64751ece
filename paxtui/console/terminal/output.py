"""A terminal to write to that never makes the screen wait, and never raises."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Final

WAITING_BYTES_MAX: Final = 1 << 20
"""Some twenty full screens. A terminal that does not take so much has stalled: what waits is dropped, and the
screen is drawn anew when it goes on."""

WRITE_BYTES: Final = 4096

LAST_S: Final = 1.0
"""So long the end of the program waits for a terminal that takes nothing any more."""

JOIN_S: Final = 0.1


class TerminalOutput:
    """A file whose text goes to ``fd`` in a thread of its own. ``lost`` is called in that thread when
    something was dropped and the terminal takes more again, ``gone`` when it will never take anything
    again."""

    def __init__(self, fd: int, encoding: str, lost: Callable[[], None], gone: Callable[[], None]) -> None:
        self._fd = fd
        self._encoding = encoding
        self._lost = lost
        self._gone = gone
        self._waiting: list[bytes] = []
        self._bytes = 0
        """Of what waits, and of what is being written."""
        self._moved_at = time.monotonic()
        """When the terminal last took something, or there was nothing for it."""
        self._dropped = False
        self._over = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="paxtui-output", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        """Hand a text over; what the encoding does not have becomes ``?``."""
        data = text.encode(self._encoding, "replace")
        with self._changed:
            if self._bytes + len(data) > WAITING_BYTES_MAX:
                self._bytes -= sum(map(len, self._waiting))
                self._waiting.clear()
                self._dropped = True
            if not self._bytes:
                self._moved_at = time.monotonic()
            if not self._over:
                self._waiting.append(data)
                self._bytes += len(data)
                self._changed.notify_all()
        return len(text)

    def flush(self) -> None:
        """Do nothing: everything is on its way already."""

    def fileno(self) -> int:
        """Return the terminal's descriptor."""
        return self._fd

    def isatty(self) -> bool:
        """Say that it is a terminal."""
        return True

    def drain(self) -> None:
        """Wait until the terminal has everything, for as long as it goes on taking it: a slow one must not be
        left in the middle of a screen."""
        with self._changed:
            while self._bytes and (left_s := self._moved_at + LAST_S - time.monotonic()) > 0:
                self._changed.wait(left_s)

    def close(self) -> None:
        """Write what waits, and end. A thread that a stalled terminal holds ends with the program."""
        self.drain()
        self._end()
        self._thread.join(JOIN_S)

    def _end(self) -> None:
        with self._changed:
            self._over = True
            self._waiting.clear()
            self._bytes = 0
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._over)
                if self._over:
                    return
                data = b"".join(self._waiting)
                self._waiting.clear()
            try:
                self._put(data)
            except OSError:
                self._end()
                self._gone()
                return
            with self._changed:
                self._bytes = max(0, self._bytes - len(data))
                again = self._dropped and not self._bytes
                self._dropped = self._dropped and not again
                self._changed.notify_all()
            if again:
                self._lost()

    def _put(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest and not self._over:
            rest = rest[os.write(self._fd, rest[:WRITE_BYTES]) :]
            self._moved_at = time.monotonic()
