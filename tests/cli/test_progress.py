"""Progress bars: they take nothing of what a command prints, and leave the terminal as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminals import one_replica, terminal
from tests.replica.processes import Replicas

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    with one_replica(tmp_path_factory.mktemp("progress") / "one") as replicas:
        yield replicas


def test_send_writes_a_line_a_message_to_a_file_while_the_terminal_shows_a_bar(
    one: Replicas, tmp_path: Path
) -> None:
    lines = tmp_path / "lines"
    lines.write_text("".join(f"line {number}\n" for number in range(500)))
    out = tmp_path / "slots.jsonl"
    with terminal("send", "-", "--json", "--config", one.config, stdin=lines, stdout=out) as send:
        assert send.exit_code() == 0
        assert "500/500" in send.shown
        assert "slot" not in send.shown
        assert send.cursor_shown
    slots = [json.loads(line)["slot"] for line in out.read_text().splitlines()]
    assert slots == list(range(slots[0], slots[0] + 500))


def test_send_shows_its_lines_alone_where_both_are_one_terminal(one: Replicas, tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    lines.write_text("".join(f"line {number}\n" for number in range(300)))
    with terminal("send", "-", "--config", one.config, stdin=lines) as send:
        assert send.exit_code() == 0
    assert len(send.shown.splitlines()) == 300
    assert "\x1b" not in send.shown


def test_the_simulator_prints_its_summary_to_a_file_while_the_terminal_shows_a_bar(tmp_path: Path) -> None:
    out = tmp_path / "summary"
    with terminal("sim", "--seeds", "3", stdout=out) as sim:
        assert sim.exit_code() in (0, 6)
        assert "3/3" in sim.shown
        assert "\x1b[?25l" not in sim.shown
    assert out.read_text()
