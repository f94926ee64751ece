"""`paxtui up` whose output nobody takes: the replicas go on, and it ends when it is told to."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
import trio

from paxtui.cli.up import RedrawnLines
from paxtui.client import connect
from paxtui.config import cluster_file
from tests.replica.conditions import until

END_S = 60.0


class One:
    """A cluster of one replica for `paxtui up`."""

    def __init__(self, folder: Path) -> None:
        self.cluster = cluster_file.local(1, cluster_file.free_ports(1), name="one")
        self.file = folder / "one.toml"
        self.file.write_text(cluster_file.to_toml(self.cluster))
        self.command = [sys.executable, "-m", "paxtui", "up", "--config", str(self.file)]
        self.command += ["--data-dir", str(folder / "data"), "--log-dir", str(folder / "logs")]

    def append(self, text: str) -> int:
        """Append as soon as the replica takes it; the slot."""

        async def append() -> int:
            async with connect(self.cluster, name="test") as log:
                return (await log.append(text, timeout_s=30)).slot

        return trio.run(append)

    @contextmanager
    def up(self, prefix: tuple[str, ...] = (), **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
        with subprocess.Popen([*prefix, *self.command], **streams) as process:
            try:
                yield process
            finally:
                process.kill()


def until_listening(stdout: IO[bytes]) -> None:
    """Read what `up` starts, and the first line of a replica."""
    assert b": starts " in stdout.readline()
    while b"listening" not in (line := stdout.readline()):
        assert line.startswith(b"waits: "), line


@pytest.fixture
def one(tmp_path: Path) -> One:
    return One(tmp_path)


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_up_goes_on_when_its_reader_has_gone(one: One, number: signal.Signals) -> None:
    with one.up(stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        until_listening(process.stdout)
        process.stdout.close()  # as `| head -1` does
        assert one.append("unheard") == 0
        process.send_signal(number)
        _, said = process.communicate(timeout=END_S)
    assert process.returncode == 0
    (line,) = said.decode().splitlines()
    assert line.startswith("paxtui: standard output cannot be written: Broken pipe; the replicas go on")


@pytest.mark.processes
def test_up_goes_on_when_its_reader_takes_nothing(one: One) -> None:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writer, b"#" * 4096)
    with one.up(stdout=writer, stderr=writer) as process:
        assert one.append("unheard") == 0
        process.terminate()
        assert process.wait(END_S) == 0
    os.close(reader)
    os.close(writer)


@pytest.mark.processes
@pytest.mark.parametrize("streams", ["> /dev/full", "<&- >&- 2>&-"])
def test_up_serves_whatever_its_standard_streams_are(one: One, streams: str) -> None:
    shell = ("/bin/sh", "-c", f'exec "$@" {streams}', "sh")
    with one.up(shell, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        assert one.append("unheard") == 0
        process.terminate()
        assert process.wait(END_S) == 0


def read(terminal: int, wanted: bytes) -> bytes:
    """What is drawn, to the end of the next frame behind ``wanted``."""
    drawn = b""
    while wanted not in drawn or b"\x1b[J" not in drawn.partition(wanted)[2]:
        drawn += os.read(terminal, 65536)
    return drawn


def set_width(terminal: int, columns: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


@pytest.mark.processes
def test_in_a_terminal_up_survives_a_stop_a_narrower_window_and_the_end_of_the_terminal(one: One) -> None:
    controller, terminal = pty.openpty()
    set_width(terminal, 100)
    with one.up(stdin=terminal, stdout=terminal, stderr=terminal) as process:
        assert b" pid" in read(controller, b"ctrl-c stops")
        set_width(terminal, 40)
        until(lambda: b" pid" not in read(controller, b"role"), "the lines are as narrow as the terminal")
        process.send_signal(signal.SIGSTOP)  # what ctrl-z does, if nobody catches it
        assert one.append("while it is stopped") == 0
        process.send_signal(signal.SIGCONT)
        read(controller, b"role")
        os.close(terminal)
        os.close(controller)
        assert one.append("without a terminal") == 1
        process.terminate()
        assert process.wait(END_S) == 0


@pytest.mark.processes
def test_up_that_is_told_to_stop_while_replicas_start_stops_them_in_order(one: One) -> None:
    one.cluster = cluster_file.local(3, cluster_file.free_ports(3), name="one")
    one.file.write_text(cluster_file.to_toml(one.cluster))
    with one.up(stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        until_listening(process.stdout)
        process.terminate()
        said = process.stdout.read().decode()
        assert process.wait(END_S) == 0
    assert "stopping ...\n" in said
    assert "stopped in order" in said


def test_a_frame_is_drawn_over_the_one_before() -> None:
    frame = RedrawnLines()
    assert frame.drawn(["one", "two"], 80) == "\x1b[2Kone\n\x1b[2Ktwo\n\x1b[J"
    assert frame.drawn(["three"], 80) == "\x1b[2A\x1b[2Kthree\n\x1b[J"
    frame.forget()
    assert frame.drawn(["four"], 80) == "\x1b[2Kfour\n\x1b[J"


@pytest.mark.parametrize("text", ["x" * 90, "界" * 45])
def test_a_terminal_that_became_narrower_has_folded_the_lines_before(text: str) -> None:
    frame = RedrawnLines()
    frame.drawn([text, "short"], 100)
    drawn = frame.drawn([text, "short"], 40)
    assert drawn.startswith("\x1b[4A")  # three for 90 cells, one for the short one
    shown = re.sub(r"\x1b\[[0-9]*[A-Z]", "", drawn).splitlines()[0]
    assert shown == text[: 39 if text[0] == "x" else 19]
