"""Texts that come through pipes, from files, and as they should not be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run, Up
from tests.replica.conditions import until
from tests.replica.processes import started

pytestmark = pytest.mark.processes


def send_command(up: Up, *words: str) -> list[str]:
    return [sys.executable, "-m", "paxtui", "send", "-", "--config", str(up.file), *words]


def until_last(paxtui: Run, up: Up, *texts: str) -> None:
    """Wait until these are the last messages: a tail ends where the replica is that answers it, and that one
    may be behind."""

    def last() -> bool:
        lines = paxtui("tail", "--json", "--config", up.file).stdout.splitlines()
        return [json.loads(line)["text"] for line in lines][-len(texts) :] == list(texts)

    until(last, f"the log ends with {texts}")


def test_a_line_of_a_slow_pipe_is_sent_when_it_comes_and_not_with_the_next(up: Up) -> None:
    with started(
        send_command(up),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as sending:
        assert sending.stdin is not None
        assert sending.stdout is not None
        for number in range(3):
            sending.stdin.write(b"slow %d\n" % number)
            sending.stdin.flush()
            assert sending.stdout.readline().startswith(b"slot ")
        sending.stdin.close()
        assert sending.wait(30) == 0


def test_lines_may_come_from_a_file_and_the_last_needs_no_end(paxtui: Run, up: Up, tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_bytes("file one\r\nfile zwö\nfile 三".encode())
    with file.open("rb") as stdin:
        done = subprocess.run(send_command(up), stdin=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3
    until_last(paxtui, up, "file one", "file zwö", "file 三")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"caf\xe9", "character 4 of this one is not"),
        (b"", "this one has 0"),
        (b"x" * 65537, "this one has 65537"),
    ],
    ids=["not UTF-8", "empty", "too long"],
)
def test_a_line_that_is_no_message_fails_alone_and_by_its_number(
    paxtui: Run, up: Up, line: bytes, reason: str
) -> None:
    done = subprocess.run(
        send_command(up),
        input=b"good 1\n" + line + b"\ngood 3\n",
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    (problem,) = done.stderr.decode().splitlines()
    assert problem.startswith("paxtui: message 2: ")
    assert reason in problem
    assert len(done.stdout.splitlines()) == 2
    until_last(paxtui, up, "good 1", "good 3")


def test_a_line_without_an_end_is_not_read_for_ever(up: Up) -> None:
    done = subprocess.run(
        send_command(up), input=b"x" * 3_000_000, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.decode() == "paxtui: a line of standard input has more than 1048576 bytes\n"


def test_what_follows_two_dashes_is_text(paxtui: Run, up: Up) -> None:
    done = paxtui("send", "--config", up.file, "--", "--an_option", "-x", "a_b")
    assert done.returncode == 0, done.stderr
    until_last(paxtui, up, "--an_option", "-x", "a_b")


def test_an_argument_that_is_not_utf8_fails_with_one_line(up: Up) -> None:
    command: list[str | bytes] = [
        sys.executable,
        "-m",
        "paxtui",
        "send",
        b"caf\xe9",
        "--config",
        str(up.file),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_the_manual_client_survives_what_is_not_utf8(up: Up) -> None:
    command = [sys.executable, "-m", "paxtui", "client", "--config", str(up.file)]
    done = subprocess.run(command, input=b"caf\xe9\nfine\n", capture_output=True, check=False, timeout=60)
    first, second = done.stdout.decode().splitlines()
    assert first.startswith("  ! failed: ")
    assert second.startswith("  ✓ slot ")
    assert done.returncode == 1


def test_a_reader_that_goes_away_is_no_mistake(paxtui: Run, up: Up) -> None:
    paxtui("send", *["x" * 60_000] * 10, "--config", up.file)
    command = [sys.executable, "-m", "paxtui", "tail", "--config", str(up.file)]
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tailing:
        assert tailing.stdout is not None
        assert tailing.stderr is not None
        tailing.stdout.read(1)
        tailing.stdout.close()
        assert tailing.stderr.read() == b""
        assert tailing.wait(30) == 0


@pytest.mark.parametrize("name", ["x" * 65, "\x1b[2J"])
def test_a_bad_name_is_refused_at_once_and_shown_harmlessly(paxtui: Run, up: Up, name: str) -> None:
    done = paxtui("send", "x", "--name", name, "--config", up.file)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "at most 64 printable characters are allowed" in line
    assert "\x1b" not in line


def test_an_error_shows_control_characters_as_pictures(paxtui: Run) -> None:
    for words in (
        ["status", "--config", "\x1b]0;x\x07"],
        ["verify", "\x1b[31m"],
        ["tail", "--offline", "\x1b[2J"],
    ):
        done = paxtui(*words)
        assert done.returncode == 2
        assert "\x1b" not in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_pause_is_answered_at_once_and_reported(paxtui: Run, up: Up) -> None:
    done = paxtui("fault", "pause", "1", "--for", "500ms", "--config", up.file)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(" pause r1 0.5 s\n")
