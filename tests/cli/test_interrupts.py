"""Signals that end a command: what it says then, its exit code, and the terminal that it leaves."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminals import CTRL_C, one_replica, terminal
from tests.replica.conditions import until
from tests.replica.processes import PAXTUI, Replicas

pytestmark = pytest.mark.processes

END = {signal.SIGINT: "interrupted", signal.SIGTERM: "ended by SIGTERM", signal.SIGHUP: "ended by SIGHUP"}


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    with one_replica(tmp_path_factory.mktemp("interrupts") / "one") as replicas:
        subprocess.run(
            [*PAXTUI, "send", "first", "--config", replicas.config], check=True, capture_output=True
        )
        yield replicas


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[tuple[Path, socket.socket]]:
    """A cluster file of one replica that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(30)
        file = tmp_path / "silent.txt"
        file.write_text(f"127.0.0.1 {listening.getsockname()[1]}\n")
        yield file, listening


@pytest.mark.parametrize("number", END, ids=lambda number: number.name)
def test_a_tail_that_a_signal_ends_says_where_it_goes_on(one: Replicas, number: signal.Signals) -> None:
    with terminal("tail", "--follow", "--config", one.config) as tail:
        tail.until_shown("first\r\n")
        if number is signal.SIGINT:
            tail.press(CTRL_C)
        else:
            tail.send_signal(number)
        assert tail.exit_code() == 128 + number
        said = tail.shown.splitlines()[-1]
        assert re.fullmatch(rf"paxtui: {END[number]}: the last was slot \d+; --from \d+ goes on", said), said
        assert "Traceback" not in tail.shown


def test_send_that_is_interrupted_says_which_lines_are_acknowledged(one: Replicas, tmp_path: Path) -> None:
    out = tmp_path / "slots.jsonl"
    with terminal("send", "-", "--json", "--config", one.config, stdout=out) as send:
        for number in range(3):
            send.press(b"line %d\n" % number)
        send.until_shown("3/")
        send.press(CTRL_C)
        assert send.exit_code() == 130
        assert (
            send.shown.rstrip()
            .splitlines()[-1]
            .endswith("paxtui: interrupted: 3 acknowledged, the last was line 3")
        )
        assert "Traceback" not in send.shown
        assert send.cursor_shown
    assert len(out.read_text().splitlines()) == 3


def test_what_is_not_acknowledged_is_counted(silent: tuple[Path, socket.socket]) -> None:
    file, listening = silent
    with terminal("send", "one", "two", "--config", file, "--timeout", "60") as send:
        with listening.accept()[0]:
            send.press(CTRL_C)
            assert send.exit_code() == 130
        said = send.shown.rstrip().splitlines()[-1]
    assert "paxtui: interrupted: 0 acknowledged; the outcome of" in said
    assert said.endswith("is unknown, the first is message 1")


def test_the_manual_client_ends_at_its_prompt(one: Replicas) -> None:
    with terminal("client", "--config", one.config) as client:
        client.until_shown("client> ")
        client.press(b"hi\r")
        client.until_shown("✓ slot .*\r\nclient> ")
        client.press(CTRL_C)
        assert client.exit_code() == 130
        assert client.shown.endswith("^C\r\npaxtui: interrupted\r\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize(
    "words", [["health", "--timeout", "600"], ["elect", "0"], ["fault", "heal"], ["read"]], ids=" ".join
)
def test_what_waits_for_an_answer_ends_with_one_line(
    silent: tuple[Path, socket.socket], words: list[str], number: signal.Signals
) -> None:
    file, listening = silent
    with terminal(*words, "--config", file) as waiting:
        with listening.accept()[0]:
            waiting.send_signal(number)
            assert waiting.exit_code() == 128 + number
        assert waiting.shown.splitlines()[-1] == f"paxtui: {END[number]}"


def test_a_status_that_is_watched_ends_with_one_line(one: Replicas) -> None:
    with terminal("status", "--watch", "--config", one.config) as status:
        status.until_shown("r0 +leader")
        status.press(CTRL_C)
        assert status.exit_code() == 130
        assert status.shown.splitlines()[-1] == "paxtui: interrupted"


def with_ignored(number: str, *words: object) -> subprocess.Popen[bytes]:
    command = ["sh", "-c", f"trap '' {number}; exec \"$@\"", "sh", *PAXTUI, *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_signal_that_a_script_ignores_leaves_sigterm_working(one: Replicas) -> None:
    """A shell that runs a script starts ``paxtui ... &`` with SIGINT ignored."""
    with with_ignored("INT", "tail", "--follow", "--config", one.config) as tail:
        assert tail.stdout is not None
        tail.stdout.readline()
        tail.send_signal(signal.SIGINT)
        tail.send_signal(signal.SIGTERM)
        _, said = tail.communicate(timeout=30)
    assert tail.returncode == 143
    # The line may be out before it is noted as printed: then less is claimed, never more.
    assert re.match(rb"paxtui: ended by SIGTERM: (the last was slot |nothing was printed)", said), said


def test_a_signal_that_nohup_ignores_ends_nothing(one: Replicas) -> None:
    with with_ignored("HUP", "tail", "--follow", "--config", one.config) as tail:
        assert tail.stdout is not None
        tail.stdout.readline()
        tail.send_signal(signal.SIGHUP)
        tail.send_signal(signal.SIGTERM)
        tail.communicate(timeout=30)
    assert tail.returncode == 143


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_while_the_program_loads_ends_it_quietly(number: signal.Signals) -> None:
    """At a module that only Typer loads, as python tells on standard error."""
    with subprocess.Popen(
        [PAXTUI[0], "-v", *PAXTUI[1:], "status"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as loading:
        assert loading.stderr is not None
        for line in loading.stderr:
            if line.startswith(b"import 'typer"):
                break
        loading.send_signal(number)
        _, said = loading.communicate(timeout=30)
    assert loading.returncode == 128 + number
    assert b"KeyboardInterrupt" not in said


def test_a_send_that_was_stopped_goes_on(one: Replicas, tmp_path: Path) -> None:
    out = tmp_path / "slots.jsonl"
    with terminal("send", "-", "--json", "--config", one.config, stdout=out) as send:
        send.press(b"before\n")
        send.until_shown("1/")
        send.send_signal(signal.SIGSTOP)  # what ctrl-z does, in a shell
        send.until_stopped()
        assert send.cursor_shown
        send.send_signal(signal.SIGCONT)
        send.press(b"after\n\x04")
        assert send.exit_code() == 0
    assert len(out.read_text().splitlines()) == 2


def test_an_interrupted_demo_leaves_neither_replicas_nor_its_folder(tmp_path: Path) -> None:
    with terminal("demo", TMPDIR=str(tmp_path)) as demo:
        until(lambda: list(tmp_path.glob("paxtui-demo-*/**/replica.db")), "replicas run")
        demo.press(CTRL_C)
        assert demo.exit_code() == 130
        assert demo.shown.endswith("paxtui: interrupted\r\n"), demo.shown
    assert list(tmp_path.iterdir()) == []
