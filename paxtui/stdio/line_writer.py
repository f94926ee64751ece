"""Output to a stream that a person owns: a terminal, a pipe to a pager, a log collector.

Such a stream may stop taking bytes at any moment (ctrl-s, ctrl-z, a full disk) or go away. A blocking write
in the main thread would then stop everything: votes, heartbeats, the answer to SIGTERM. Setting O_NONBLOCK is
no way out, as the flag belongs to the open file description, which other processes share (the shell and its
terminal). So lines wait in a bounded queue, and a thread of its own writes them. What finds no room is lost,
and counted; the count is written where the lines are missing, as soon as writing goes on.
"""

from __future__ import annotations

import atexit
import io
import os
import select
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Literal, TextIO, cast

QUEUE_BYTES_MAX: Final = 256 * 1024
"""Some thousand lines: more than a burst, and little beside the memory of a process."""

WRITE_BYTES_MAX: Final = select.PIPE_BUF
"""The most that lines are gathered for one write. Several processes may share a pipe, and up to this size the
kernel keeps their writes apart."""

DRAIN_S: Final = 0.5
"""How long the end of a process waits for its last lines to be taken. A reader takes them in milliseconds."""


def lost_lines(count: int, reason: str) -> str:
    """Return the line that tells how many lines are missing."""
    return f"{count} {'line was' if count == 1 else 'lines were'} lost: {reason}\n"


class LineWriter(io.TextIOBase):
    """A text stream onto a descriptor whose ``write`` never blocks and never fails."""

    def __init__(
        self,
        descriptor: int,
        *,
        encoding: str = "utf-8",
        bytes_max: int = QUEUE_BYTES_MAX,
        on_failure: Callable[[OSError], None] | None = None,
    ) -> None:
        """``on_failure`` is called by the writer's thread when a write has failed for the first time."""
        super().__init__()
        self.lost_lines = lost_lines
        """The line, with its end, for a number of lost lines and a reason. Called by any thread."""
        self._descriptor = descriptor
        self._encoding = encoding
        self._bytes_max = bytes_max
        self._on_failure = on_failure
        self._changed = threading.Condition()
        self._queue: deque[tuple[bytes, int]] = deque()  # a text, and how many lines are lost with it
        self._bytes = 0
        self._writing = False
        self._unfinished = ""
        self._overflowing = False
        self._lost = 0
        self._reason = ""
        self._failing = False
        self._torn = False
        self._thread: threading.Thread | None = None

    # The stream, as ``print`` and the interpreter use it

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Return whether a terminal is at the other end, and still there."""
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        """Return ``True``."""
        return True

    def write(self, text: str) -> int:
        """Queue the whole lines. What follows the last line end waits for its own, or for :meth:`flush`."""
        with self._changed:
            *lines, self._unfinished = (self._unfinished + text).split("\n")
            for line in lines:
                self._put(line + "\n")
        return len(text)

    def flush(self) -> None:
        """Queue an unfinished line. Waits for nothing."""
        with self._changed:
            if self._unfinished:
                self._put(self._unfinished)
                self._unfinished = ""

    # The queue

    @property
    def idle(self) -> bool:
        """Return whether everything so far has been written, or lost."""
        with self._changed:
            return not self._queue and not self._writing

    def drain(self, timeout_s: float = DRAIN_S) -> bool:
        """Wait until everything so far has been written or lost, but not longer than ``timeout_s``."""
        self.flush()
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while self._queue or self._writing or self._notice_due():
                if not self._changed.wait(deadline - time.monotonic()):
                    return False
        return True

    def _put(self, text: str) -> None:
        data = text.encode(self._encoding, "backslashreplace")
        # After an overflow half the queue has to be written first. Otherwise a slow reader would get line,
        # count, line, count: more counts than lines.
        room = self._bytes_max // (2 if self._overflowing else 1)
        if self._queue and self._bytes + len(data) > room:
            self._overflowing = True
            self._lost += 1
            self._reason = "no program read them"
            return
        self._overflowing = False
        if self._lost:
            self._append_notice()
        self._append(data, 1)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="line writer", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _append(self, data: bytes, lines: int) -> None:
        self._queue.append((data, lines))
        self._bytes += len(data)

    def _append_notice(self) -> None:
        self._append(self.lost_lines(self._lost, self._reason).encode(), self._lost)
        self._lost = 0

    def _notice_due(self) -> bool:
        """Return whether lost lines are to be told although no line follows them. A write that failed would
        fail again: then the count waits for the next line."""
        return self._lost > 0 and not self._failing

    # The thread

    def _run(self) -> None:
        # Signals are the main thread's. With SIGTTOU blocked, a background process may write to a terminal
        # that is set to `tostop`, in place of being stopped for it.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            batch = self._next()
            written, failure = self._write_out(b"".join(data for data, _ in batch))
            self._done(batch, written, failure)

    def _next(self) -> list[tuple[bytes, int]]:
        """Wait for texts: one, or as many as one write may have."""
        with self._changed:
            while not self._queue:
                if self._notice_due():
                    self._append_notice()
                else:
                    self._changed.wait()
            batch = [self._queue.popleft()]
            size = len(batch[0][0])
            while self._queue and size + len(self._queue[0][0]) <= WRITE_BYTES_MAX:
                batch.append(self._queue.popleft())
                size += len(batch[-1][0])
            self._writing = True
            return batch

    def _write_out(self, data: bytes) -> tuple[int, OSError | None]:
        """Write everything, however long it takes; return how much was written, and why not more."""
        if self._torn:
            data = b"\n" + data
        waiting = memoryview(data)
        try:
            while waiting:
                try:
                    waiting = waiting[os.write(self._descriptor, waiting) :]
                except BlockingIOError:  # another process has set O_NONBLOCK
                    poll = select.poll()
                    poll.register(self._descriptor, select.POLLOUT)
                    poll.poll()
        except OSError as error:
            return max(len(data) - len(waiting) - self._torn, 0), error
        self._torn = False
        return len(data), None

    def _done(self, batch: list[tuple[bytes, int]], written: int, failure: OSError | None) -> None:
        with self._changed:
            self._writing = False
            self._bytes -= sum(len(data) for data, _ in batch)
            if failure is not None:
                for data, lines in batch:
                    if written < len(data):
                        self._lost += lines
                        self._torn = self._torn or written > 0
                    written = max(written - len(data), 0)
                self._reason = failure.strerror or str(failure)
            self._failing = failure is not None
            tell, self._on_failure = (
                (self._on_failure, None) if failure is not None else (None, self._on_failure)
            )
            self._changed.notify_all()
        if tell is not None and failure is not None:
            tell(failure)


def take_over(
    name: Literal["stdout", "stderr"], on_failure: Callable[[OSError], None] | None = None
) -> LineWriter:
    """Put a :class:`LineWriter` in the place of ``sys.stdout`` or ``sys.stderr``, until the process ends.

    Everything that is printed, also the interpreter's own tracebacks, then goes through it. At the end of the
    process the last lines have :data:`DRAIN_S` to be taken.
    """
    present: TextIO | None = getattr(sys, name)
    writer = LineWriter(
        1 if name == "stdout" else 2,
        encoding=getattr(present, "encoding", None) or "utf-8",
        on_failure=on_failure,
    )
    if present is not None:
        present.flush()
    setattr(sys, name, cast(TextIO, writer))
    atexit.register(writer.drain)
    return writer
