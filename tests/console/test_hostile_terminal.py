"""The real program on a terminal that sends nonsense, takes nothing, goes away or stops it."""

from __future__ import annotations

import os
import pty
import random
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from paxtui.cli.console import need_a_terminal
from paxtui.config import cluster_file
from paxtui.config.cluster_file import ConfigError
from tests.console.test_keyboard import PIECES
from tests.console.test_terminal import PROGRAM, Bare, eventually, replicas_of

pytestmark = pytest.mark.processes


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A cluster of which nothing runs: the console itself is what these tests are about."""
    path = tmp_path / "three.toml"
    path.write_text(cluster_file.to_toml(cluster_file.local(3, cluster_file.free_ports(3), name="hostile")))
    return path


@pytest.fixture
def bare(tmp_path: Path, file: Path) -> Iterator[Bare]:
    yield from started(Bare(["--config", str(file), "--attach"], tmp_path), tmp_path)


def started(program: Bare, folder: Path) -> Iterator[Bare]:
    """Wait until it draws, and leave nothing of it."""
    try:
        program.until(lambda: b"Replicas" in program.sent, "a console")
        yield program
    finally:
        program.close(folder)


def broken(mistake: str, arguments: list[str], folder: Path) -> Iterator[Bare]:
    """The program with a mistake in it."""
    code = f"{mistake}\nfrom paxtui.cli.main import main\nmain()"
    return started(Bare(arguments, folder, [sys.executable, "-c", code]), folder)


def leaves(program: Bare) -> None:
    """ctrl-q ends it, as if nothing had been."""
    program.press(b"\x11")
    assert program.ends() == 0
    assert program.restored, program.sent[-400:]


def test_neither_a_byte_that_is_no_utf_8_nor_a_reply_ends_the_console_or_is_a_command(bare: Bare) -> None:
    replies = (
        b"\xe9",
        b"\x1b[?62;22c",
        b"\x1b]11;rgb:cccc/cccc/cccc\x1b\\",
        b"\x1b[99;1:3u",
        b"\x1b[48;0;0;0;0t",
    )
    for reply in (*replies, b"\x1b[<0;99999999999999999999;1M", b"\x1b[O", b"\x1b[1114112u"):
        bare.press(reply)
    bare.press(b"e")
    bare.until(lambda: b"elect r0 needs" in bare.sent, "the key after them")
    assert b"crash" not in bare.sent[bare.sent.find(b"elect r0 needs") - 300 :]
    assert b"crash r0 needs" not in bare.sent
    leaves(bare)


def test_no_bytes_end_the_console(bare: Bare) -> None:
    chance = random.Random(20261130)
    pieces = [*PIECES, *(bytes([byte]) for byte in b"abcdefghijklmnoprstuvwxyz/:?\\ \t\n")]
    for _ in range(100):
        bare.press(
            b"".join(chance.choices(pieces, k=20)) + chance.randbytes(10).translate(None, b"\x03\x11\x1aq")
        )
        bare.read(0.01)
    bare.press(b"\x07\x1b[201~")
    leaves(bare)


def test_a_terminal_that_is_gone_without_a_signal_ends_the_console(file: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "XDG_CONFIG_HOME": str(tmp_path)}
    arguments = [*PROGRAM, "--config", str(file), "--attach"]
    with subprocess.Popen(arguments, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as program:
        try:
            sent = b""
            while b"Replicas" not in sent:
                assert select.select([ours], [], [], 30)[0]
                sent += os.read(ours, 65536)
            os.close(theirs)
            os.close(ours)
            assert program.wait(30) == 0
        finally:
            program.kill()


def test_a_terminal_that_takes_nothing_does_not_keep_the_console_from_ending(bare: Bare) -> None:
    for view in 4 * b"1234":
        bare.press(bytes([view]))  # nearly all of the screen is drawn
        select.select([], [], [], 0.02)  # as a hand does it; nothing is waited for
    os.kill(bare.pid, signal.SIGTERM)
    ended: list[int] = []

    def look() -> bool:
        pid, status = os.waitpid(bare.pid, os.WNOHANG)
        if pid:
            ended.append(os.waitstatus_to_exitcode(status))
        return bool(ended)

    eventually(look, "it ends although nobody reads")
    assert ended == [0]


def test_a_mistake_in_the_screen_is_no_clean_end(tmp_path: Path) -> None:
    mistake = "from paxtui.console.widgets.help import Help\ndef wrong(self): 1 / 0\nHelp.compose = wrong"
    for program in broken(mistake, ["-n", "1", "--data-dir", str(tmp_path)], tmp_path):
        program.until(lambda: replicas_of(tmp_path), "a replica")
        program.press(b"?")
        assert program.ends() == 1
        assert program.restored
        said = program.sent[program.sent.rfind(b"\x1b[?1049l") :].decode()
        assert said.count("paxtui:") == 1
        assert "the screen ended by an error in it: ZeroDivisionError: division by zero" in said
        report = tmp_path / "paxtui" / "console-error.txt"
        assert str(report) in said
        assert "in wrong" in report.read_text()
        assert "Traceback" not in said
        assert replicas_of(tmp_path) == []


def test_a_mistake_in_the_thread_that_reads_is_no_clean_end(tmp_path: Path, file: Path) -> None:
    mistake = (
        "from paxtui.console.terminal.keyboard import Keyboard\n"
        "def feed(self, data): raise ValueError('no such key')\nKeyboard.feed = feed"
    )
    for program in broken(mistake, ["--config", str(file), "--attach"], tmp_path):
        program.press(b"x")
        assert program.ends() == 1
        assert program.restored
        assert b"error in it: ValueError: no such key" in program.sent


def test_the_screen_is_on_the_terminal_where_errors_go_elsewhere(tmp_path: Path, file: Path) -> None:
    shell = [
        "/bin/sh",
        "-c",
        f'exec "$0" -m paxtui --config {file} --attach 2> {tmp_path}/errors',
        sys.executable,
    ]
    for program in started(Bare([], tmp_path, shell), tmp_path):
        leaves(program)
    assert (tmp_path / "errors").read_bytes() == b""


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_terminal_that_cannot_move_its_cursor_is_refused(
    monkeypatch: pytest.MonkeyPatch, term: str
) -> None:
    ours, theirs = pty.openpty()
    try:
        with open(theirs, closefd=False) as reads, open(theirs, "w", closefd=False) as draws:
            monkeypatch.setattr(sys, "stdin", reads)
            monkeypatch.setattr(sys, "stdout", draws)
            monkeypatch.setenv("TERM", "xterm")
            need_a_terminal()
            monkeypatch.setenv("TERM", term)
            with pytest.raises(ConfigError, match=f"that can move its cursor, and TERM is {term}"):
                need_a_terminal()
            monkeypatch.setattr(sys, "stdin", None)
            with pytest.raises(ConfigError, match="needs a terminal"):
                need_a_terminal()
    finally:
        os.close(ours)
        os.close(theirs)


# ctrl-z


def test_ctrl_z_where_no_shell_would_continue_it_says_that_it_goes_on(bare: Bare) -> None:
    bare.press(b"\x1a")
    bare.until(lambda: b"no shell here would bring the console back" in bare.sent, "what ctrl-z does")
    leaves(bare)


def test_a_sigcont_that_follows_no_stop_changes_nothing(bare: Bare) -> None:
    tasks = Path(f"/proc/{bare.pid}/task")
    before = len(list(tasks.iterdir()))
    screen = b"\x1b[?1049h"
    for number in range(bare.sent.count(screen) + 1, bare.sent.count(screen) + 4):
        os.kill(bare.pid, signal.SIGCONT)
        # Each comes back to the screen once; what is typed before that is lost with the shell's modes.
        bare.until(lambda number=number: bare.sent.count(screen) == number, "the screen is back")  # type: ignore[misc]
        bare.until(lambda: b"hostile" in bare.sent[bare.sent.rfind(screen) :], "the screen is drawn anew")
    eventually(lambda: len(list(tasks.iterdir())) <= before, "no thread is left over")
    bare.press(b"\x03")
    bare.until(lambda: b"again quits" in bare.sent, "a key is heard once")
    assert not re.search(rb"\x1b\[\?1049l[^\x1b]*$", bare.sent)
    leaves(bare)
