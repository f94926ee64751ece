"""The real program in a real terminal: tmux for what is seen, a bare pseudo-terminal for what is sent."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from paxtui.config import cluster_file
from tests.ports import free_ports

PATIENCE_S = 30.0
PROGRAM = [sys.executable, "-m", "paxtui"]

pytestmark = pytest.mark.processes


def eventually(condition: Callable[[], object], what: str, seen: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"still not: {what}\n{seen()}"
        time.sleep(0.05)


def replicas_of(folder: Path) -> list[int]:
    """Processes of replicas whose data is in ``folder``."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"replica" in words and str(folder).encode() in b"\0".join(words):
                found.append(int(process.name))
    return found


def kill_replicas_of(folder: Path) -> None:
    for pid in replicas_of(folder):
        with suppress(ProcessLookupError):  # it may end by itself meanwhile
            os.kill(pid, signal.SIGKILL)


class Tmux:
    """One window of a tmux server of its own."""

    def __init__(self, folder: Path, columns: int, rows: int) -> None:
        self._socket = f"paxtui-test-{os.getpid()}-{columns}"
        self.folder = folder
        self._run("-f", "/dev/null", "new", "-d", "-x", str(columns), "-y", str(rows), "sh")

    def _run(self, *words: str) -> str:
        # Whoever runs the tests may have said how large its own terminal is.
        environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
        done = subprocess.run(
            ["tmux", "-L", self._socket, *words],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            env=environment,
        )
        return done.stdout

    def type(self, text: str, *keys: str) -> None:
        if text:
            self._run("send-keys", "-l", text)
        for key in keys:
            self._run("send-keys", key)

    def screen(self) -> str:
        return self._run("capture-pane", "-p")

    def cursor_shown(self) -> bool:
        return self._run("display-message", "-p", "#{cursor_flag} #{alternate_on}").strip() == "1 0"

    def shows(self, pattern: str) -> None:
        eventually(lambda: re.search(pattern, self.screen()), pattern, self.screen)

    def keep_output(self, name: str) -> Path:
        """Write what comes to the window from now on into a file."""
        file = self.folder / name
        self._run("pipe-pane", f"exec cat > '{file}'")
        eventually(file.exists, "a file of the output", self.screen)
        return file

    def close(self) -> None:
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], check=False, capture_output=True)


@pytest.fixture(params=[(160, 45), (80, 24)], ids=lambda size: f"{size[0]}x{size[1]}")
def tmux(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tmux]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    terminal = Tmux(tmp_path, *request.param)
    yield terminal
    terminal.close()
    kill_replicas_of(tmp_path)


def test_start_chat_crash_the_leader_see_the_new_one_heal_and_quit(tmux: Tmux) -> None:
    command = " ".join([*PROGRAM, "-n", "3", "--data-dir", str(tmux.folder), "--name", "ada"])
    tmux.type(f"XDG_CONFIG_HOME={tmux.folder} {command}; echo exit code $?", "Enter")
    tmux.shows(r"leader r\d@\d")
    tmux.type("i")
    tmux.shows("esc leaves")
    tmux.type("hello from tmux", "Enter")
    tmux.shows("✓✓ ada +hello from tmux")
    tmux.type("", "Escape")
    tmux.shows("i writes")
    tmux.type("1")
    tmux.shows(r"0  applied .*ada: hello from tmux")
    leader = re.search(r"leader r(\d)@(\d+)", tmux.screen())
    assert leader is not None
    tmux.type("", *["Right"] * int(leader[1]))
    tmux.type("c")
    tmux.shows(rf"leader r(?!{leader[1]})\d@\d")
    tmux.shows(rf"r{leader[1]} x")
    eventually(lambda: len(replicas_of(tmux.folder)) == 2, "two replicas are left")
    tmux.type("W")
    eventually(lambda: len(replicas_of(tmux.folder)) == 3, "three replicas")
    tmux.shows(rf"r{leader[1]}  ")
    tmux.type("q")
    tmux.shows("Stop and quit")
    tmux.type("s")
    tmux.shows("exit code 0")
    tmux.shows("data of ")
    tmux.shows("go on with: paxtui ")
    assert tmux.cursor_shown()
    assert replicas_of(tmux.folder) == []


class Bare:
    """The program on a pseudo-terminal, and every byte that it sends."""

    def __init__(self, arguments: list[str], folder: Path, program: list[str] = PROGRAM) -> None:
        self.sent = b""
        self._ended: list[int] = []
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
            environment = {
                **os.environ,
                "COLUMNS": "120",
                "LINES": "40",
                "TERM": "xterm-256color",
                "XDG_CONFIG_HOME": str(folder),
            }
            os.execve(program[0], [*program, *arguments], environment)

    def read(self, seconds: float = 0.05) -> bytes:
        ready, _, _ = select.select([self._fd], [], [], seconds)
        if ready:
            try:
                self.sent += os.read(self._fd, 65536)
            except OSError:
                pass
        return self.sent

    def until(self, condition: Callable[[], object], what: str) -> None:
        def look() -> object:
            self.read()
            return condition()

        eventually(look, what, lambda: repr(self.sent[-2000:]))

    def press(self, keys: bytes) -> None:
        os.write(self._fd, keys)

    def ends(self) -> int:
        """Wait for its end; its exit code."""

        def look() -> bool:
            self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._ended.append(os.waitstatus_to_exitcode(status))
            return bool(self._ended)

        eventually(look, "the program ends")
        before = -1
        while before != len(self.sent):  # what it wrote last may still be in the terminal
            before = len(self.sent)
            self.read()
        return self._ended[0]

    def close(self, folder: Path) -> None:
        """Nothing is left of it, nor of its replicas, whose data is in ``folder``."""
        if not self._ended:
            with suppress(ProcessLookupError, ChildProcessError):  # a test may have waited for it itself
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        os.close(self._fd)
        kill_replicas_of(folder)

    @property
    def restored(self) -> bool:
        """Whether the terminal was left as it was found: main screen, cursor, no mouse."""
        return self.sent.rfind(b"\x1b[?1049l") > self.sent.rfind(b"\x1b[?1049h") and self.sent.rfind(
            b"\x1b[?25h"
        ) > self.sent.rfind(b"\x1b[?25l")


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Bare]:
    program = Bare(["-n", "3", "--data-dir", str(tmp_path)], tmp_path)
    try:
        program.until(lambda: b"leader" in program.sent and len(replicas_of(tmp_path)) == 3, "a console")
        yield program
    finally:
        program.close(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_restores_the_terminal_and_leaves_no_process(
    bare: Bare, tmp_path: Path, number: signal.Signals
) -> None:
    os.kill(bare.pid, number)
    assert bare.ends() == 0
    assert bare.restored
    assert replicas_of(tmp_path) == []


def test_ctrl_c_twice_quits(bare: Bare, tmp_path: Path) -> None:
    bare.press(b"\x03")
    bare.until(lambda: b"again quits" in bare.sent, "the hint")
    bare.press(b"\x03")
    assert bare.ends() == 0
    assert bare.restored
    assert replicas_of(tmp_path) == []


def test_a_killed_console_takes_its_replicas_with_it(bare: Bare, tmp_path: Path) -> None:
    os.kill(bare.pid, signal.SIGKILL)
    eventually(lambda: replicas_of(tmp_path) == [], "no replica is left")


def test_no_escape_sequence_that_came_with_a_message_reaches_the_terminal(bare: Bare, tmp_path: Path) -> None:
    (file,) = tmp_path.glob("console-*/local-3/cluster.toml")
    hostile = "A\x1b]52;c;aGk=\x07B\x1b[31mC\x9b31mD\x1b]0;title\x07E[red]F[/red]\u202eG\x00H"
    done = subprocess.run(
        [*PROGRAM, "send", "--config", str(file), "--name", "mallory[@click=app.quit]", "-"],
        input=f"{hostile}\n".encode(),
        check=False,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    bare.until(lambda: b"mallory" in bare.sent, "the message is on the screen")
    bare.read(0.5)
    assert b"aGk=" in bare.sent  # it is shown, not obeyed
    for sequence in (b"\x1b]52", b"\x1b]0;title", b"\x9b31m", "\u202e".encode(), b"\x00"):
        assert sequence not in bare.sent
    # Our own dark red is a true colour: the plain 31 could only have come with the message.
    assert b"\x1b[31mC" not in bare.sent


def test_a_replica_that_cannot_start_is_explained_on_the_screen(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        others = free_ports(2)
        file = tmp_path / "three.toml"
        cluster = cluster_file.local(3, (others[0], taken.getsockname()[1], others[1]), name="taken")
        file.write_text(cluster_file.to_toml(cluster))
        program = Bare(["--config", str(file), "--data-dir", str(tmp_path / "d")], tmp_path)
        try:
            program.until(lambda: b"is in use" in program.sent, "the reason")
            os.kill(program.pid, signal.SIGTERM)
            assert program.ends() == 0
        finally:
            program.close(tmp_path)


@pytest.mark.parametrize("tmux", [(80, 24)], indirect=True)
def test_a_cluster_that_was_left_running_is_found_again(tmux: Tmux) -> None:
    nowhere = tmux.folder / "nowhere.toml"
    nowhere.write_text(cluster_file.to_toml(cluster_file.local(3, free_ports(3), name="nowhere")))
    tmux.type(f"export XDG_CONFIG_HOME={tmux.folder} PAXTUI_CONFIG={nowhere}", "Enter")
    program = " ".join(PROGRAM)
    tmux.type(f"{program} -n 3 --data-dir {tmux.folder} --name ada", "Enter")
    tmux.shows(r"leader r\d@\d")
    tmux.type("isomething to remember", "Enter")
    tmux.shows("✓✓ ada +something to remember")
    tmux.type("", "Escape")
    tmux.shows("i writes")
    tmux.type("q")
    tmux.shows("Leave running")
    tmux.type("l")
    tmux.shows(r"runs on; look at it again with: paxtui attach")
    assert len(replicas_of(tmux.folder)) == 3
    tmux.type(f"clear; {program} attach; echo exit code $?", "Enter")
    tmux.shows(r"local-3, 3 of 3 replicas answer: +paxtui attach local-3(.|\n)*exit code 1")
    tmux.shows("no replica answers at")

    tmux.type(f"clear; {program} -n 1 --data-dir {tmux.folder} --name eve; echo exit code $?", "Enter")
    tmux.shows(r"local-1 .*leader r0@\d")
    tmux.type(":attach ")
    tmux.shows("local-3, 3 replicas")
    tmux.type("", "Tab", "Enter")
    tmux.shows("Stop and attach")
    tmux.type("s")
    tmux.shows(r"local-3 +LIVE")
    tmux.shows("something to remember")
    eventually(lambda: len(replicas_of(tmux.folder)) == 3, "the replica of local-1 is stopped")
    tmux.type("", "1")
    tmux.type("c")
    tmux.shows("read-only: crash r0 needs `:arm`")
    tmux.type("q")
    tmux.shows("exit code 0")
    assert tmux.cursor_shown()
    assert len(replicas_of(tmux.folder)) == 3


@pytest.mark.parametrize("tmux", [(80, 24)], indirect=True)
def test_ctrl_z_gives_the_terminal_to_the_shell_and_fg_brings_the_screen_back(tmux: Tmux) -> None:
    file = tmux.folder / "three.toml"
    file.write_text(cluster_file.to_toml(cluster_file.local(3, cluster_file.free_ports(3), name="stopped")))
    tmux.type(f"XDG_CONFIG_HOME={tmux.folder} {' '.join(PROGRAM)} --config {file} --attach", "Enter")
    tmux.shows("1 Log .* 2 Replicas")
    tmux.type("", "C-z")
    tmux.shows(r"\[1\]")
    eventually(tmux.cursor_shown, "the shell's screen", tmux.screen)
    tmux.type("echo $((40 + 2)) in the shell", "Enter")
    tmux.shows("42 in the shell")
    sent = tmux.keep_output("sent")
    tmux.type("fg", "Enter")
    tmux.shows("1 Log .* 2 Replicas")
    assert "42 in the shell" not in tmux.screen()
    tmux.type("g")
    tmux.shows("go to slot")
    # Whoever takes the terminal twice throws away what was typed in between.
    assert sent.read_bytes().count(b"\x1b[?1049h") == 1
    tmux.type("", "C-q")
    eventually(tmux.cursor_shown, "the shell again", tmux.screen)
