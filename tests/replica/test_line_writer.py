"""Output that nobody takes: it blocks nobody, what is lost is counted, and order is kept."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from typing import TextIO, cast

import pytest

from paxtui.replica.event_log import EventLog
from paxtui.stdio.line_writer import WRITE_BYTES_MAX, LineWriter
from tests.replica.conditions import until


class Pipe:
    """A small pipe that is full from the start."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, 4096)
        os.write(self.writer, b"#" * 4095 + b"\n")

    def lines(self, end: str) -> list[str]:
        """What comes out of it behind what it was full of, to the first line with ``end``."""
        read = b""
        while end.encode() not in read or not read.endswith(b"\n"):
            ready, _, _ = select.select([self.reader], [], [], 30)
            assert ready, read[-1000:]
            read += os.read(self.reader, 65536)
        return read.decode().splitlines()[1:]

    def more(self) -> list[str]:
        """What comes out of it next, in whole lines."""
        read = b""
        while not read.endswith(b"\n"):
            ready, _, _ = select.select([self.reader], [], [], 30)
            assert ready, read[-1000:]
            read += os.read(self.reader, 65536)
        return read.decode().splitlines()

    def close(self) -> None:
        os.close(self.reader)
        os.close(self.writer)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    full = Pipe()
    yield full
    full.close()


def test_a_full_pipe_does_not_block_and_its_lines_come_later_in_their_order(pipe: Pipe) -> None:
    writer = LineWriter(pipe.writer)
    for number in range(100):
        writer.write(f"line {number}\n")
    assert not writer.idle
    assert pipe.lines("line 99") == [f"line {number}" for number in range(100)]
    assert writer.drain(30)


def test_lost_lines_are_counted_where_they_are_missing(pipe: Pipe) -> None:
    writer = LineWriter(pipe.writer, bytes_max=1000)
    for number in range(1000):
        writer.write(f"line {number:04}\n")
    told = following = 0
    lines = iter(pipe.lines("lost"))
    while following < 1000:
        # The writer may make room once more in between: then there is more than one count.
        line = next(lines, None)
        if line is None:
            lines = iter(pipe.more())
        elif line.endswith(" lines were lost: no program read them"):
            told += 1
            following += int(line.split()[0])
        else:
            assert line == f"line {following:04}"
            following += 1
    assert told
    assert following == 1000


def test_a_line_that_follows_lost_ones_comes_behind_their_number(pipe: Pipe) -> None:
    writer = LineWriter(pipe.writer, bytes_max=100)
    writer.write("line 0\n")
    until(lambda: not writer._queue, "the writer has taken it, and waits for room in the pipe")
    sent = 1
    while sent < 100:
        writer.write(f"line {sent}\n")
        sent += 1
    read = pipe.lines("lost")
    assert writer.drain(30)
    writer.write("next\n")
    assert writer.drain(30)
    read += os.read(pipe.reader, 4096).decode().splitlines()
    lost = sum(int(line.split()[0]) for line in read if "lost" in line)
    assert lost + sum(line.startswith("line") for line in read) == sent
    assert read[-1] == "next"


def test_the_end_waits_a_moment_for_who_reads_and_no_longer_for_who_does_not(pipe: Pipe) -> None:
    writer = LineWriter(pipe.writer)
    writer.write("last words\n")
    assert not writer.drain(0.01)
    pipe.lines("last words")
    assert writer.drain(30)
    assert writer.idle


def test_what_is_not_ended_is_written_by_a_flush(pipe: Pipe) -> None:
    writer = LineWriter(pipe.writer)
    print("half", end="", file=cast(TextIO, writer))
    assert writer.idle
    print(" and half", file=cast(TextIO, writer))
    print("prompt> ", end="", flush=True, file=cast(TextIO, writer))
    writer.write("\n")
    assert pipe.lines("prompt") == ["half and half", "prompt> "]


def test_lines_are_gathered_but_not_beyond_what_the_kernel_keeps_apart(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def write(descriptor: int, data: bytes) -> int:
        sizes.append(len(data))
        return original(descriptor, data)

    original = os.write
    monkeypatch.setattr(os, "write", write)
    writer = LineWriter(pipe.writer)
    lines = ["x" * 99] * 200 + ["y" * 9999] + ["z" * 99] * 200
    for line in lines:
        writer.write(line + "\n")
    writer.write("end\n")
    assert pipe.lines("end") == [*lines, "end"]
    assert writer.drain(30)
    assert sizes.count(10_000) == 1  # alone
    assert max(size for size in sizes if size != 10_000) <= WRITE_BYTES_MAX
    assert len(sizes) < 20


def test_a_disk_that_is_full_for_a_while_loses_lines_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, descriptor = os.pipe()
    full = [True]
    original = os.write

    def write(fd: int, data: bytes) -> int:
        if full[0] and fd == descriptor:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(fd, data)

    monkeypatch.setattr(os, "write", write)
    failures: list[OSError] = []
    writer = LineWriter(descriptor, on_failure=failures.append)
    for number in range(3):
        writer.write(f"line {number}\n")
        assert writer.drain(30)
    full[0] = False
    writer.write("line 3\n")
    assert writer.drain(30)
    assert os.read(reader, 4096).decode().splitlines() == [
        "3 lines were lost: No space left on device",
        "line 3",
    ]
    until(lambda: failures, "the failure is told")
    assert [failure.errno for failure in failures] == [errno.ENOSPC]
    os.close(reader)
    os.close(descriptor)


def test_a_line_that_was_torn_is_ended_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, descriptor = os.pipe()
    original = os.write
    answers = iter([4, 0])

    def write(fd: int, data: bytes) -> int:
        if fd != descriptor or (most := next(answers, None)) is None:
            return original(fd, data)
        if most == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(fd, data[:most])

    monkeypatch.setattr(os, "write", write)
    writer = LineWriter(descriptor)
    writer.write("torn line\n")
    assert writer.drain(30)
    writer.write("whole line\n")
    assert writer.drain(30)
    assert os.read(reader, 4096) == b"torn\n1 line was lost: No space left on device\nwhole line\n"
    os.close(reader)
    os.close(descriptor)


def test_a_reader_that_has_gone_stops_nothing_and_is_told_once() -> None:
    reader, descriptor = os.pipe()
    os.close(reader)
    failures: list[OSError] = []
    writer = LineWriter(descriptor, on_failure=failures.append)
    for _ in range(10):
        writer.write("x\n")
        assert writer.drain(30)
    until(lambda: failures, "the failure is told")
    assert [failure.errno for failure in failures] == [errno.EPIPE]
    os.close(descriptor)


def test_a_descriptor_that_another_process_made_non_blocking_loses_nothing(pipe: Pipe) -> None:
    os.set_blocking(pipe.writer, False)
    writer = LineWriter(pipe.writer)
    for number in range(2000):
        writer.write(f"line {number}\n")
    assert pipe.lines("line 1999") == [f"line {number}" for number in range(2000)]


def test_what_the_encoding_does_not_have_is_escaped() -> None:
    reader, descriptor = os.pipe()
    writer = LineWriter(descriptor, encoding="latin-1")
    writer.write("é ✓\n")
    assert writer.drain(30)
    assert os.read(reader, 100) == b"\xe9 \\u2713\n"
    os.close(reader)
    os.close(descriptor)


@pytest.mark.parametrize("as_json", [False, True])
def test_the_log_tells_in_its_own_form_how_much_of_it_is_missing(pipe: Pipe, as_json: bool) -> None:
    writer = LineWriter(pipe.writer, bytes_max=1000)
    event_log = EventLog(0, "error", as_json=as_json, file=cast(TextIO, writer))
    event_log.error("disk", "something happened")
    until(lambda: not writer._queue, "the writer has taken it, and waits for room in the pipe")
    for _ in range(99):
        event_log.error("disk", "something happened")
    *kept, told = pipe.lines("lost")
    text = f"{100 - len(kept)} log lines were lost: no program read them"
    if as_json:
        row = json.loads(told)
        assert (row["replica"], row["level"], row["kind"], row["text"]) == (0, "warning", "log", text)
    else:
        assert told.endswith(f" r0 log      WARNING: {text}")


PROGRAM = """
import sys
from paxtui.stdio.line_writer import take_over
take_over("stderr")
print("x" * 5000, file=sys.stderr)
raise ValueError("a mistake of ours")
"""


@pytest.mark.processes
def test_a_traceback_goes_the_same_way_and_a_process_ends_although_nobody_reads_it(pipe: Pipe) -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stderr=pipe.writer) as stuck:
        assert stuck.wait(30) == 1
    reader, writer = os.pipe()
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stderr=writer) as process:
        os.close(writer)
        with open(reader) as file:
            said = file.read()
        assert process.wait(30) == 1
    assert said.splitlines()[-1] == "ValueError: a mistake of ours"


BACKGROUND = """
import os, sys, termios
from paxtui.stdio.line_writer import LineWriter
terminal = os.open(sys.argv[1], os.O_RDWR)  # the leader of a session gets it as its own
set = termios.tcgetattr(terminal)
set[3] |= termios.TOSTOP
termios.tcsetattr(terminal, termios.TCSANOW, set)
child = os.fork()
if child == 0:
    os.setpgid(0, 0)  # no longer the terminal's foreground
    writer = LineWriter(terminal)
    writer.write("from the background\\n")
    os._exit(0 if writer.drain(30) else 1)
_, status = os.waitpid(child, os.WUNTRACED)
if os.WIFSTOPPED(status):
    os.kill(child, 9)
    os._exit(3)
os._exit(os.WEXITSTATUS(status))
"""


@pytest.mark.processes
def test_a_process_in_the_background_is_not_stopped_for_its_output() -> None:
    """As `stty tostop` has it, for output from the main thread."""
    controller, terminal = os.openpty()
    command = [sys.executable, "-c", BACKGROUND, os.ttyname(terminal)]
    with subprocess.Popen(command, start_new_session=True) as leader:
        assert leader.wait(30) == 0
    assert os.read(controller, 100) == b"from the background\r\n"
    os.close(controller)
    os.close(terminal)
