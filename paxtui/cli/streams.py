"""Standard input and output of a command, as they may be: closed, full, non-blocking, not UTF-8.

:func:`prepare` puts streams of this module in the place of Python's. Python's own raise whatever the system
says, at a print or at the interpreter's end, and then a command that did its work ends with a traceback.
"""

from __future__ import annotations

import codecs
import io
import os
import select
import sys
from collections.abc import AsyncGenerator
from typing import TextIO, cast

from paxtui.stdio.startup import open_standard_descriptors

STDIN_BYTES = 64 * 1024
LINE_BYTES_MAX = 1024 * 1024
"""A message is far shorter; a line without an end must not fill the memory."""

ESCAPED = "paxtui.escaped"
"""The codec error handler for characters that the terminal's encoding does not have."""


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """Write a character as JSON would, so that a line of JSON stays one."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    codes = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    units = [int.from_bytes(codes[at : at + 2], "big") for at in range(0, len(codes), 2)]
    return "".join(f"\\u{unit:04x}" for unit in units), error.end


codecs.register_error(ESCAPED, _escaped)


class OutputFailed(Exception):
    """Standard output cannot be written. No ``OSError``: a print's failure is no failure of a file."""

    def __init__(self, reason: str, *, closed: bool) -> None:
        super().__init__(f"standard output cannot be written: {reason}")
        self.closed = closed
        """The reader has closed the pipe, which is no mistake."""


class OutputStream(io.TextIOBase):
    """Text to a file descriptor, which takes all of it, however long that takes.

    After an error it drops what is written, so that no later print or flush fails again. What it has handed
    to the system is never written twice, even if a signal comes meanwhile: the buffer is Python's own.
    """

    def __init__(
        self, descriptor: int, encoding: str, *, line_buffering: bool = False, write_through: bool = False
    ) -> None:
        self.buffer = io.BufferedWriter(io.FileIO(descriptor, "w", closefd=False))
        self.failure: OutputFailed | None = None
        self.raises = False
        """Whether the first error is raised; else it is only kept in ``failure``."""
        self._descriptor = descriptor
        self._encoding = encoding
        self._line_buffering = line_buffering
        self._write_through = write_through

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    @property
    def errors(self) -> str:  # type: ignore[override]
        return ESCAPED

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, text: str) -> int:
        rest = memoryview(text.encode(self._encoding, ESCAPED))
        while rest and self.failure is None:
            try:
                rest = rest[self.buffer.write(rest) :]
            except BlockingIOError as error:
                # Another process has made the open file non-blocking: it is shared with us.
                rest = rest[error.characters_written :]
                wait_for(self._descriptor, select.POLLOUT)
            except (OSError, ValueError) as error:
                self._fail(error)
        if self._write_through or (self._line_buffering and "\n" in text):
            self.flush()
        return len(text)

    def flush(self) -> None:
        while self.failure is None:
            try:
                self.buffer.flush()
                return
            except BlockingIOError:
                wait_for(self._descriptor, select.POLLOUT)
            except (OSError, ValueError) as error:
                self._fail(error)

    def _fail(self, error: OSError | ValueError) -> None:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        self.failure = OutputFailed(reason, closed=isinstance(error, BrokenPipeError))
        if self.raises:
            raise self.failure from None


def wait_for(descriptor: int, what: int) -> None:
    """Wait until a descriptor can be read or written (``select.POLLIN``, ``select.POLLOUT``)."""
    poll = select.poll()
    poll.register(descriptor, what)
    poll.poll()


def prepare() -> None:
    """Make standard streams that a command can rely on, in place of those that Python made."""
    open_standard_descriptors()
    sys.stdout = _made_of(sys.stdout, sys.__stdout__, 1)
    sys.stderr = _made_of(sys.stderr, sys.__stderr__, 2)


def _made_of(stream: TextIO | None, original: TextIO | None, descriptor: int) -> TextIO:
    """Make a stream to the same descriptor, unless somebody has put another one in its place."""
    if stream is None:
        return cast(TextIO, OutputStream(descriptor, "utf-8"))
    if stream is not original or not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.flush()
    made = OutputStream(
        stream.fileno(),
        stream.encoding,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
    return cast(TextIO, made)


def stdout() -> OutputStream | None:
    """Return standard output, if :func:`prepare` made it."""
    return sys.stdout if isinstance(sys.stdout, OutputStream) else None


def need_stdout() -> None:
    """Make output errors end the command: what it prints is all that it does."""
    output = stdout()
    if output is not None:
        output.raises = True


def can_show(text: str) -> bool:
    """Return whether standard output's encoding has these characters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def need_stdin() -> None:
    """Refuse to read standard input if the process was started without one."""
    from paxtui.config.cluster_file import ConfigError

    if sys.stdin is None:
        raise ConfigError("standard input is closed, and messages should be read from it")


class InputFailed(Exception):
    """Standard input cannot be read to its end."""


async def stdin_lines() -> AsyncGenerator[str, None]:
    """Yield the lines of standard input without their ends, each as soon as it is there: a pipe may be slow.

    Raises :class:`InputFailed`. What is not UTF-8 becomes surrogates.
    """
    import trio

    rest = b""
    # A read of a terminal or a pipe cannot be cancelled; abandoning it is right, as nothing is lost with it.
    while piece := await trio.to_thread.run_sync(read_stdin, STDIN_BYTES, abandon_on_cancel=True):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield _text(line)
        if len(rest) > LINE_BYTES_MAX:
            raise InputFailed(f"a line of standard input has more than {LINE_BYTES_MAX} bytes")
    if rest:
        yield _text(rest)


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode(errors="surrogateescape")


def read_stdin(size_max: int) -> bytes:
    """Read what standard input has, at most ``size_max`` bytes; nothing at its end.

    Reads the descriptor: a thread that waits in Python's buffered stream holds a lock which the interpreter
    wants at its end, and aborts the process if it does not get it.
    """
    while True:
        try:
            return os.read(0, size_max)
        except BlockingIOError:
            wait_for(0, select.POLLIN)
        except OSError as error:
            raise InputFailed(f"standard input cannot be read: {error.strerror}") from None
