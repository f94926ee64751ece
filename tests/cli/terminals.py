"""Commands on a terminal of their own, where ctrl-c is a key, and one replica for them."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.replica.conditions import until
from tests.replica.processes import Replicas

CTRL_C = b"\x03"


@contextmanager
def one_replica(folder: Path) -> Iterator[Replicas]:
    """A cluster of one replica, which serves."""
    folder.mkdir()
    replicas = Replicas(folder, 1, name="one")
    replicas.start(0, "--allow-faults", "--warm-up", "none")
    try:
        replicas.until_led()
        yield replicas
    finally:
        replicas.close()


class Terminal:
    """A command on a pseudo-terminal, and all that it shows there."""

    def __init__(
        self, *words: object, stdin: Path | None = None, stdout: Path | None = None, **environment: str
    ) -> None:
        self.shown = ""
        self.code: int | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")()  # a piece may end within a character
        command = [sys.executable, "-m", "paxtui", *map(str, words)]
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
            for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(signal_number, signal.SIG_DFL)  # whatever started the tests
            if stdin is not None:
                os.dup2(os.open(stdin, os.O_RDONLY), 0)
            if stdout is not None:
                os.dup2(os.open(stdout, os.O_WRONLY | os.O_CREAT, 0o666), 1)
            os.execve(
                sys.executable, command, {**os.environ, "TERM": "xterm", "COLUMNS": "80", **environment}
            )

    def read(self) -> str:
        """Take what it has shown by now."""
        while select.select([self._fd], [], [], 0.01)[0]:
            try:
                self.shown += self._decoder.decode(os.read(self._fd, 65536))
            except OSError:  # the process has ended
                break
        return self.shown

    def until_shown(self, pattern: str) -> None:
        until(lambda: re.search(pattern, self.read()) or self.ended(), f"{pattern!r} on the terminal")
        assert re.search(pattern, self.shown), self.shown

    def press(self, keys: bytes) -> None:
        os.write(self._fd, keys)

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def until_stopped(self) -> None:
        """Wait until ctrl-z has stopped it."""

        def stopped() -> bool:
            pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
            return pid != 0 and os.WIFSTOPPED(status)

        until(stopped, "the process is stopped")

    def ended(self) -> bool:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    def exit_code(self) -> int | None:
        """Wait for its end."""
        until(lambda: self.read() is not None and self.ended(), "the process ends")
        self.read()
        return self.code

    @property
    def cursor_shown(self) -> bool:
        return self.shown.rfind("\x1b[?25l") <= self.shown.rfind("\x1b[?25h")

    def close(self) -> None:
        """Leave nothing behind."""
        if self.code is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
        os.close(self._fd)


@contextmanager
def terminal(
    *words: object, stdin: Path | None = None, stdout: Path | None = None, **environment: str
) -> Iterator[Terminal]:
    """A command on a terminal; at the end it is gone."""
    shown = Terminal(*words, stdin=stdin, stdout=stdout, **environment)
    try:
        yield shown
    finally:
        shown.close()
