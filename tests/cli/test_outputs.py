"""Every command with an output that is full, closed, non-blocking or not UTF-8."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from paxtui.cli.main import run_words
from paxtui.cli.streams import OutputStream
from tests.cli.terminals import one_replica
from tests.replica.processes import PAXTUI, Replicas

pytestmark = pytest.mark.processes

FULL = "paxtui: standard output cannot be written: No space left on device"


class Place(NamedTuple):
    """What the words of a command line may name."""

    one: Replicas
    folder: Path

    def fill(self, words: str) -> list[str]:
        places = {
            "CONFIG": self.one.config,
            "DATA": self.one.folder / "data",
            "LOGS": self.one.data(0).parent,
            "REPLICA": self.one.data(0),
            "NEW": self.folder / "new",
            "TRACE": self.one.folder / "trace.jsonl",
            "HISTORY": self.one.folder / "history.jsonl",
            "CERTS": self.one.folder / "certs",
            "BACKUP": self.one.folder / "backup",
        }
        return [str(places.get(word, word)) for word in words.split()]


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    with one_replica(tmp_path_factory.mktemp("outputs") / "one") as replicas:
        folder, shared = replicas.folder, ("--config", str(replicas.config))
        op = {"op": "append", "client": "ada", "request": 1, "text": "a", "call": 1.0, "return": 2.0}
        (folder / "history.jsonl").write_text(json.dumps(op | {"outcome": "ok", "slot": 0}) + "\n")
        for words in (
            ["send", "café ✓", "x" * 100, *shared],
            ["sim", "--seed", "1", "--trace", str(folder / "trace.jsonl")],
            ["certs", "init", "--folder", str(folder / "certs")],
            ["backup", str(folder / "backup"), "--from", "0", *shared, "--data-dir", str(folder / "data")],
        ):
            assert run_words(words) == 0
        yield replicas


@pytest.fixture
def place(one: Replicas, tmp_path: Path) -> Place:
    return Place(one, tmp_path)


ITS_OUTPUT = [
    "--help",
    "--version",
    "tail --config CONFIG",
    "tail --json --config CONFIG",
    "tail --offline REPLICA",
    "read --config CONFIG",
    "status --config CONFIG",
    "run --list",
    "run --list --json",
    "check --history HISTORY --export jepsen",
    "certs show --folder CERTS",
]
"""Commands whose result is what they print."""

ITS_EFFECT = [
    "send one two --config CONFIG",
    "send one two --json --config CONFIG",
    "health --config CONFIG",
    "fault slow-disk 0 0 --for 1ms --config CONFIG",
    "fault heal --config CONFIG",
    "verify LOGS",
    "verify BACKUP",
    "backup NEW --from 0 --config CONFIG --data-dir DATA",
    "restore BACKUP --config CONFIG --data-dir NEW",
    "check TRACE",
    "check --history HISTORY",
    "sim --seed 1",
    "certs replica 1 --folder CERTS --renew",
]
"""Commands that do or find something, and tell it by their exit code, too."""


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    said: str


def run(monkeypatch: pytest.MonkeyPatch, words: list[str], descriptor: int, encoding: str = "utf-8") -> Ended:
    """Run a command in this process with its standard output at a descriptor."""
    reader, writer = os.pipe()
    with monkeypatch.context() as patch, open(reader, "rb") as said:
        patch.setattr(sys, "stdout", OutputStream(descriptor, encoding))
        patch.setattr(sys, "stderr", OutputStream(writer, encoding))
        try:
            code = run_words(words)
            sys.stdout.flush()  # as the interpreter does at its end
            sys.stderr.flush()
        finally:
            os.close(writer)
        return Ended(code, said.read().decode(encoding))


@pytest.mark.parametrize("words", ITS_OUTPUT)
def test_a_command_that_only_prints_fails_with_one_line_on_a_full_disk(
    monkeypatch: pytest.MonkeyPatch, place: Place, words: str
) -> None:
    with open("/dev/full", "wb") as full:
        ended = run(monkeypatch, place.fill(words), full.fileno())
    assert ended.code == 1, ended.said
    assert ended.said.splitlines()[-1] == FULL
    assert ended.said.count(FULL) == 1


@pytest.mark.parametrize("words", ITS_EFFECT)
def test_a_command_that_did_its_work_does_not_fail_because_of_a_full_disk(
    monkeypatch: pytest.MonkeyPatch, place: Place, words: str
) -> None:
    with open("/dev/full", "wb") as full:
        ended = run(monkeypatch, place.fill(words), full.fileno())
    assert ended.code == 0, ended.said
    assert ended.said.splitlines()[-1] == FULL
    assert ended.said.count(FULL) == 1


@pytest.mark.parametrize("words", [*ITS_OUTPUT, *ITS_EFFECT])
def test_a_reader_that_goes_away_is_no_error(
    monkeypatch: pytest.MonkeyPatch, place: Place, words: str
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as pipe:
        ended = run(monkeypatch, place.fill(words), pipe.fileno())
    assert ended.code == 0, ended.said
    assert "standard output" not in ended.said
    assert "rror" not in ended.said


@pytest.mark.parametrize("words", [*ITS_OUTPUT, *ITS_EFFECT])
def test_a_terminal_that_is_not_utf8_is_no_error(
    monkeypatch: pytest.MonkeyPatch, place: Place, words: str
) -> None:
    shown = place.folder / "shown"
    with shown.open("wb") as out:
        ended = run(monkeypatch, place.fill(words), out.fileno(), "latin-1")
    assert ended.code == 0, ended.said
    assert shown.read_bytes().decode("latin-1")


def test_the_manual_client_has_words_for_a_terminal_that_is_not_utf8(one: Replicas) -> None:
    done = subprocess.run(
        [*PAXTUI, "client", "--config", str(one.config)],
        input=b"hi\n",
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"  ok: slot ")


def test_what_a_terminal_cannot_show_is_escaped_as_in_json(tmp_path: Path) -> None:
    with (tmp_path / "shown").open("wb") as out:
        stream = OutputStream(out.fileno(), "ascii")
        print(json.dumps("é✓😀", ensure_ascii=False), file=stream, flush=True)
    assert json.loads((tmp_path / "shown").read_bytes()) == "é✓😀"


def test_a_pipe_that_somebody_made_non_blocking_gets_every_line() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with open(reader, "rb") as pipe:
        size = fcntl.fcntl(writer, fcntl.F_GETPIPE_SZ)
        lines = [f"{number:07}".encode() for number in range(size // 4)]  # twice what the pipe holds

        def write() -> None:
            stream = OutputStream(writer, "utf-8")
            stream.raises = True
            for line in lines:
                print(line.decode(), file=stream)
            stream.flush()
            os.close(writer)

        thread = threading.Thread(target=write)
        thread.start()
        got = pipe.read().splitlines()
        thread.join()
    assert got == lines


@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_are_no_error(tmp_path: Path, closed: str) -> None:
    command = f'exec "$@" {closed}'
    done = subprocess.run(["sh", "-c", command, "sh", *PAXTUI, "--version"], capture_output=True, check=False)
    assert done.returncode == 0
    assert done.stderr == b""


def test_messages_cannot_be_read_from_a_closed_stream(one: Replicas) -> None:
    command = ["sh", "-c", 'exec "$@" <&-', "sh", *PAXTUI, "send", "-", "--config", str(one.config)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 2
    assert done.stderr == "paxtui: standard input is closed, and messages should be read from it\n"


def test_the_interpreters_end_adds_nothing(one: Replicas) -> None:
    """An output error at the last flush would be "Exception ignored ..." and exit code 120."""
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*PAXTUI, "send", "hello", "--config", str(one.config)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, FULL + "\n")
