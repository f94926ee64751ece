"""The console in a pseudo-terminal, with a person who looks here and there."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path

import trio

COLUMNS, ROWS = 160, 45
TAIL_BYTES = 16384
PATIENCE_S = 60.0

ESCAPE = b"\x1b"

KEYS = (
    *(b"1", b"2", b"3", b"4", b"5", ESCAPE, b"6"),
    *(b"1", b"\t", b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D"),
    *(b"m", b"m", b" ", b" "),
)
"""Views (escape leaves what the chat's view lets one type), panes and arrows, maximise and freeze, each of
the last two twice; none of them changes the cluster."""


class Terminal:
    """One console on one cluster. A thread reads what it draws, as a terminal would."""

    def __init__(self, config: Path, folder: Path) -> None:
        self.drawn = 0
        self._tail = b""
        self._turn = 0
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._before = termios.tcgetattr(slave)
        self._slave = slave
        drop = ("SSH_CONNECTION", "NO_COLOR", "COLUMNS", "LINES")
        known = {key: value for key, value in os.environ.items() if key not in drop}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "paxtui", "attach", "--config", str(config)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={
                **known,
                "TERM": "xterm-256color",
                "COLORTERM": "truecolor",
                "XDG_CONFIG_HOME": str(folder),
                "TMPDIR": str(folder),
            },
        )
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._closing = False
        self._painted = False
        self._thread.start()

    def _read(self) -> None:
        while not self._closing:
            ready, _, _ = select.select([self._master], [], [], 0.5)
            if ready:
                try:
                    received = os.read(self._master, 65536)
                except OSError:
                    return
                self.drawn += len(received)
                seen = self._tail + received
                # Looked for as it comes: what is drawn later may push it out of the tail.
                self._painted = self._painted or b"leader" in seen
                self._tail = seen[-TAIL_BYTES:]

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def last_words(self) -> str:
        """The end of what it sent, as it is."""
        return repr(self._tail[-600:])

    def use(self) -> None:
        """Press the next key."""
        os.write(self._master, KEYS[self._turn % len(KEYS)])
        self._turn += 1

    async def painted(self) -> bool:
        """Wait until it has drawn its first screen; whether it has."""
        with trio.move_on_after(PATIENCE_S):
            while not self._painted and self.alive:  # noqa: ASYNC110
                await trio.sleep(0.05)
        return self._painted

    async def leave(self) -> list[str]:
        """Press ``q``; what is wrong with how it ended and how it left the terminal."""
        if not self.alive:
            return [f"the console ended by itself, exit code {self._process.returncode}: {self.last_words}"]
        os.write(self._master, ESCAPE)  # whatever has the focus
        await trio.sleep(0.5)  # else a terminal's escape and q are one key
        os.write(self._master, b"q")
        if not await self._ends():
            return [f"the console did not end within {PATIENCE_S:g} s of q: {self.last_words}"]
        with trio.move_on_after(PATIENCE_S):  # until the thread has read the rest
            while not self._screen_restored:  # noqa: ASYNC110
                await trio.sleep(0.05)
        problems = []
        if self._process.returncode:
            problems.append(f"the console ended with exit code {self._process.returncode}: {self.last_words}")
        if not self._screen_restored:
            problems.append(f"the console did not restore the screen: {self.last_words}")
        if termios.tcgetattr(self._slave) != self._before:
            problems.append("the console did not restore the terminal's settings")
        return problems

    async def _ends(self) -> bool:
        """Whether it ends in time."""
        with trio.move_on_after(PATIENCE_S):
            while self.alive:  # noqa: ASYNC110
                await trio.sleep(0.05)
            return True
        return False

    @property
    def _screen_restored(self) -> bool:
        """Main screen and cursor are back."""
        tail = self._tail
        return (
            b"\x1b[?1049l" in tail
            and tail.rfind(b"\x1b[?1049l") > tail.rfind(b"\x1b[?1049h")
            and tail.rfind(b"\x1b[?25h") > tail.rfind(b"\x1b[?25l")
        )

    def close(self) -> None:
        """Nothing is left of it."""
        if self.alive:
            self._process.kill()
        self._process.wait()
        self._closing = True
        self._thread.join()
        os.close(self._slave)
        os.close(self._master)
