"""Tables and reports in a terminal of 80 columns, and in a pipe, whose lines are not broken."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from paxtui.cli import bench_suite, status
from paxtui.cli.run_report import Report, print_list
from paxtui.cli.up import waiting
from paxtui.cli.wrapping import hung, width_of_output
from paxtui.client import Sighting
from paxtui.scenarios.model import builtin
from paxtui.scenarios.runner import StepReport
from paxtui.wire.values import Ballot
from tests.cli.terminals import one_replica, terminal
from tests.cli.test_tolerance import sightings
from tests.console.story import Story

Printed = Callable[[Callable[[], None], "int | None"], str]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Printed:
    """What a function prints at so many columns, or into a pipe."""

    def run(act: Callable[[], None], columns: int | None) -> str:
        out = io.StringIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", out)
            patch.delenv("COLUMNS", raising=False)
            if columns is not None:
                patch.setenv("COLUMNS", str(columns))
            act()
        return out.getvalue()

    return run


def a_run() -> None:
    """Tell of every scenario that it begins, and of a step with a long outcome."""
    report = Report(as_json=False, steps=True)
    for each in builtin():
        report.begin(each, 3, 12345, 30.0, 7)
        outcome = "749 messages in 749 slots, no message twice, and 3 equal logs to the end"
        report.note(StepReport(number="12", what="wait acknowledged more 50", outcome=outcome, at_s=3.25))


def the_list() -> None:
    print_list(builtin(), as_json=False)


def a_suite() -> None:
    table = bench_suite.Table(as_json=False)
    table._print(
        (
            "1 client, 1 in flight, with 100-byte messages",
            "p50 at most 2.5 times the limit",
            "0.84 ms",
            "missed (0.95)",
            "12%",
        )
    )
    table.foot()


@pytest.mark.parametrize("act", [a_run, the_list, a_suite])
def test_no_line_is_wider_than_the_terminal_and_no_word_is_broken(
    printed: Printed, act: Callable[[], None]
) -> None:
    narrow = printed(act, 80)
    assert [line for line in narrow.splitlines() if len(line) > 80] == []
    assert sorted(narrow.split()) == sorted(printed(act, 400).split())


@pytest.mark.parametrize("act", [a_run, the_list])
def test_a_pipe_gets_each_sentence_on_one_line(printed: Printed, act: Callable[[], None]) -> None:
    lines = [line.strip() for line in printed(act, None).splitlines()]
    for each in builtin():
        assert each.shows in lines


def test_a_long_line_goes_on_below_its_beginning() -> None:
    text = "load        " + " ".join(["word"] * 20)
    first, second = hung(text, 80, " " * 12)
    assert first.startswith("load        word")
    assert re.match(r" {12}word", second)
    assert hung(text, None, "  ") == [text]
    assert hung("x" * 100, 80, "  ") == ["x" * 100]


def test_the_width_is_that_of_columns_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    assert width_of_output() == 72
    monkeypatch.delenv("COLUMNS")
    assert width_of_output() is None


@pytest.mark.processes
def test_status_watches_with_a_clock_rates_and_the_time_of_a_commit_in_80_columns(tmp_path: Path) -> None:
    with one_replica(tmp_path / "one") as one:
        with terminal("status", "--watch", "--config", one.config, NO_COLOR="") as shown:
            shown.until_shown(r"\d\d:\d\d:\d\d  one  1 of 1 replicas? answer")
            shown.until_shown(r"r0 +leader +r0 .* 0 +\d+\.\d ms")  # the second look has a rate
            shown.press(b"\x03")
            assert shown.exit_code() == 130
        drawn = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", shown.shown)
        assert max(map(len, drawn.splitlines())) <= 80
        assert "\x1b[32mr0" in shown.shown
        with terminal("status", "--config", one.config, NO_COLOR="1") as plain:
            assert plain.exit_code() == 0
        assert "\x1b[" not in plain.shown


@pytest.mark.parametrize("width", [80, 60])
def test_status_keeps_within_the_terminal_and_a_pipe_gets_all_of_it(width: int) -> None:
    story = Story(5).up()
    for view in story.model.replicas:
        assert view.report is not None
        assert view.report.status is not None
        far = structs.replace(
            view.report.status,
            ballot=Ballot(12_345, 1),
            promised=Ballot(12_345, view.id),
            watermark=1_234_567_890 + view.id,
            log_start=1_234_567_000,
            lag=1000,
            non_voting="its database is empty, and others know it from before" if view.id == 1 else None,
        )
        view.report = structs.replace(view.report, status=far, faults=12, pid=4_194_304)
    found = [
        *sightings(story)[:3],
        *(
            Sighting(id, None, f"replica {id} at x:1 cannot be reached: " + "no way there " * 4)
            for id in (3, 4)
        ),
    ]
    lines = "\n".join(status._lines(found, width)).splitlines()
    assert [line for line in lines if len(line) > width] == []
    assert any(line.startswith("  ") for line in lines)
    whole = status._lines(found, None)
    assert len(whole) == len(status.rows(found))
    assert whole[0].split()[:5] == ["replica", "role", "leader", "ballot", "promised"]
    assert "from slot" in whole[0]
    assert "promised" not in lines[0]
    assert "lag" in lines[0]
    told = {word for line in whole[6:] for word in line.split()}
    assert told <= {word for line in lines for word in line.split()}


def sighting_at(watermark: int) -> list[Sighting]:
    """One replica that has applied so many slots."""
    report = sightings(Story(3).up())[0].report
    assert report is not None
    assert report.status is not None
    return [
        Sighting(0, structs.replace(report, status=structs.replace(report.status, watermark=watermark)), "")
    ]


def test_rates_are_of_one_life_of_a_replica() -> None:
    rates = status.AppliedRates()
    rates.add(sighting_at(100), 10.0)
    assert rates.of(0) == "?"
    rates.add(sighting_at(3100), 12.0)
    assert rates.of(0) == "1,500"
    rates.add(sighting_at(5), 13.0)  # another disk
    assert rates.of(0) == "?"
    rates.add([], 14.0)
    assert rates.of(0) == "?"


def test_up_says_what_each_replica_waits_for() -> None:
    heard = sightings(Story(3).up(), 2)
    report = heard[1].report
    assert report is not None
    heard[1] = Sighting(1, structs.replace(report, status=None, waiting_for=(0, 2)), "")
    assert waiting(heard) == ["r1 waits for r0 r2", "r2 does not answer yet"]
