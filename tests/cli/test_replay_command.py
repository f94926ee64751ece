"""``paxtui replay`` on a terminal: it shows a file without a cluster, or says in a line why not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.console.test_replay import trace
from tests.console.test_terminal import Bare

pytestmark = pytest.mark.processes


def replay(folder: Path, *arguments: str) -> Bare:
    return Bare(["replay", *arguments], folder)


def test_a_trace_is_shown_and_left_with_code_0(tmp_path: Path) -> None:
    program = replay(tmp_path, str(trace(tmp_path / "run.jsonl", 71, "boost")), "--at", "#200")
    try:
        program.until(lambda: b"PAST" in program.sent, "the past")
        program.until(lambda: b"#200" in program.sent, "the moment that was asked for")
        program.press(b",")
        program.until(lambda: b"#199" in program.sent or b"#198" in program.sent, "the event before")
        program.press(b"\x11")
        assert program.ends() == 0
        assert program.restored
        assert b"Traceback" not in program.sent
    finally:
        program.close(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "arguments", "words"),
    [
        ("a.tape", b"SQLite format 3\0" + bytes(200), (), b"it cannot be read"),
        ("a.jsonl", b"hello\n", (), b"a.jsonl"),
        ("a.jsonl", b"", (), b"a.jsonl"),
        ("run.jsonl", None, ("--at", "noon"), b"--at: 'noon' is no moment; 12:04"),
        ("run.jsonl", None, ("--at", "#999999"), b"#999999 is not on the tape"),
        ("missing.tape", ..., (), b"missing.tape"),
    ],
)
def test_what_cannot_be_shown_is_code_2_and_one_line(
    name: str, content: bytes | None, arguments: tuple[str, ...], words: bytes, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is None:
        trace(path, 71, "boost")
    elif isinstance(content, bytes):
        path.write_bytes(content)
    program = replay(tmp_path, str(path), *arguments)
    try:
        assert program.ends() == 2
        assert b"Traceback" not in program.sent
        assert words in b" ".join(program.sent.split())
        assert b"\x1b[?1049h" not in program.sent
    finally:
        program.close(tmp_path)


def test_without_a_terminal_it_says_what_else_there_is(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "paxtui", "replay", "a.tape"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "the console needs a terminal" in done.stderr
