"""Numbers that state their unit and scale, and lights of liveness."""

from __future__ import annotations

import pytest

from paxtui.console.model.state.rates import Latencies
from paxtui.console.rows import curves, metrics
from paxtui.console.rows.text import plain
from paxtui.console.theme.styles import SPARK, Styles
from paxtui.console.view_state import ViewState
from paxtui.wire import events as e
from paxtui.wire.faults import CrashProposer, Cut, Loss, SlowDisk
from tests.console.story import Story


def view_state(story: Story) -> ViewState:
    return ViewState(story.model, Styles(), lambda: story.now)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "?"),
        (0, "0"),
        (0.42, "0.4"),
        (4.0, "4"),
        (9.96, "10"),
        (98.4, "98"),
        (999.4, "999"),
        (999.9, "1.0k"),
        (1234, "1.2k"),
        (34_400, "34k"),
        (999_900, "1.0M"),
        (5_600_000, "5.6M"),
    ],
)
def test_numbers_are_short(value: float | None, text: str) -> None:
    assert curves.short(value) == text


def test_a_sparkline_goes_from_nothing_to_its_maximum() -> None:
    assert metrics.sparkline([0, 1, 2, 4], 4, SPARK[0]) == ("▁▃▅█", 4)
    assert metrics.sparkline([None, 5], 4, SPARK[0]) == ("   █", 5)
    assert metrics.sparkline([0, 0], 2, SPARK[0]) == ("▁▁", 0)
    assert metrics.sparkline([1, 2, 3], 0, SPARK[0]) == ("", None)


def test_a_line_says_what_now_and_at_most() -> None:
    story = Story(3).up()
    for _ in range(4):
        story.choose(["a"] * 30)
        story.later(1)
    rows = [plain(row) for row in metrics.metrics(view_state(story), 37, 8)]
    assert rows[0].startswith("chosen/s")
    assert rows[0].split()[-3:] == ["30", "max", "30"]
    assert len(rows) == 8
    assert {len(row) for row in rows} == {37}


def test_every_replica_has_its_own_numbers_where_there_is_room() -> None:
    story = Story(5).up()
    story.down(3)
    rows = [plain(row) for row in metrics.metrics(view_state(story), 120, 30)]
    table = rows[-5:]
    assert [row.split()[0] for row in table] == ["r0", "r1", "r2", "r3", "r4"]
    assert set(table[3].split()[1:]) == {"?"}
    assert "fsync ms" in rows[-6]


def test_elections_and_resends_are_counted() -> None:
    story = Story(3).up()
    story.elect(1, 2)
    story.tell(1, e.AcceptSent(story.ballot, 0, 7, 2, True))
    story.later(1)
    told = {one.label: one for one in metrics.series(view_state(story), 10)}
    assert told["elections"].now == 1
    assert told["resent/s"].now == 7
    assert told["resent/s"].tone == "warn"


# Curves


def curve(values: list[float | None], now: float | None = None) -> curves.Curve:
    return curves.Curve("x ms", values, now, max)


def test_a_curve_has_a_name_with_its_unit_a_scale_and_a_time() -> None:
    values: list[float | None] = [*[None] * 300, *[0.0] * 200, *[50.0] * 50, *[100.0] * 50]
    rows = [plain(row) for row in curves.curve_rows(curve(values, 12.0), 6000.0, 67, 6, SPARK[0])]
    assert {len(row) for row in rows} == {67}
    assert rows[0].split() == ["x", "ms", "now", "12", "max", "100"]
    assert [row[:6].strip() for row in rows[1:-1]] == ["100", "", "", "0"]
    assert rows[1][6:66] == " " * 55 + "█" * 5
    assert rows[3][6:66] == " " * 50 + "█" * 10
    assert rows[4][6:66] == " " * 30 + "▁" * 20 + "█" * 10
    assert rows[5].split() == ["-10", "min", "-5", "min", "now"]
    assert rows[5].index("now") == 66 - len("now")


def test_a_curve_in_ascii_is_ascii() -> None:
    rows = curves.curve_rows(curve([1.0, 2.0] * 300), 6000.0, 67, 6, SPARK[1])
    assert all(plain(row).isascii() for row in rows)
    assert "@" in plain(rows[2])


def test_a_curve_moves_on_once_a_column_and_shows_the_worst_of_it() -> None:
    values: list[float | None] = [1.0] * 600
    values[595] = 9.0
    whole = values + [1.0] * 20  # from second 5400 on
    seen = []
    for now in (6000, 6004, 6009, 6010):
        known = whole[now - 6000 : now - 5400]
        seen.append([plain(row) for row in curves.curve_rows(curve(known), now, 67, 6, SPARK[0])][1:-1])
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][0].endswith("█ ")
    assert seen[3][0].endswith("█  ")
    count, step = curves.columns_of_time(60)
    assert (count, step) == (60, 10)
    shown = curves.in_columns(curve(values), 6004.0, count, step)
    assert shown[-1] == 9.0, "6004 - 600 + 595 = 5999, in the last whole column"


@pytest.mark.parametrize("width", range(1, 320))
def test_the_time_is_cut_into_equal_pieces(width: int) -> None:
    count, step = curves.columns_of_time(width)
    assert count <= width
    assert 600 - step < count * step <= 600


def test_with_room_every_replica_has_its_curve_of_commits_on_one_scale() -> None:
    story = Story(3).up()
    for _ in range(30):
        story.choose(["a"] * 5)
        for id in range(3):
            story.report(id, fsync_ms=4.0 * (id + 1))
        story.later(1)
    state = view_state(story)
    rows = [plain(row) for row in metrics.metrics(state, 160, 40)]
    text = "\n".join(rows)
    for words in ("chosen/s", "p50 ms", "p99 ms, worst", "fsync ms r0", "fsync ms r1", "fsync ms r2"):
        assert words in text
    assert "now 5" in text
    at = next(number for number, row in enumerate(rows) if "fsync ms r0" in row)
    assert [row.count("max") for row in rows[at : at + 1]] == [3]
    assert rows[at + 1].split()[0] == "12", "the scale of the slowest"
    assert {len(row) for row in rows} == {160}
    assert len(rows) <= 40
    smaller = "\n".join(plain(row) for row in metrics.metrics(state, 60, 30))
    assert "fsync ms, slowest" in smaller
    assert "ten minutes" in metrics.title(state, 60, 30)


@pytest.mark.parametrize("n", range(1, 10))
def test_curves_never_need_more_room_than_there_is(n: int) -> None:
    state = view_state(Story(n).up())
    for width in (30, 45, 60, 99, 160, 300):
        for height in (3, 8, 15, 20, 26, 40, 97):
            rows = metrics.metrics(state, width, height)
            assert len(rows) <= height
            assert {len(plain(row)) for row in rows if row} == {width}


def test_quantiles_of_seconds_that_are_over_are_kept_for_ten_minutes() -> None:
    latency = Latencies()
    for second in range(700):
        for ms in range(100):
            latency.add(second, ms + (500 if second == 150 else 0))
    p99 = latency.last(700, 0.99, 600)
    assert len(p99) == 600
    assert p99[50] == 599
    assert {*p99[:50], *p99[51:]} == {99}
    assert latency.quantile(700, 0.5) == 50
    assert latency.copy().last(700, 0.5, 3) == [50, 50, 50]
    assert latency.quantile(800, 0.5) is None


# Liveness


def verdict(story: Story) -> tuple[str, str]:
    return story.model.liveness.judge(story.model, story.now)


def fresh(story: Story, seconds: float) -> tuple[str, str]:
    """Time goes on, and all are heard."""
    last = ("", "")
    while seconds > 0:
        story.later(0.5)
        seconds -= 0.5
        for id in range(story.n):
            if story.model.replicas[id].process == "up":
                story.report(id)
        last = verdict(story)
    return last


def test_decisions_keep_it_moving_and_then_it_is_idle() -> None:
    story = Story(3).up()
    verdict(story)
    story.choose(["a"])
    assert verdict(story)[0] == "moving"
    assert fresh(story, 1)[0] == "moving"
    assert fresh(story, 3) == ("idle", "everything that was asked for is applied")


def test_without_a_majority_it_must_stand_still() -> None:
    story = Story(3).up()
    verdict(story)
    story.down(0)
    story.down(1)
    light, words = fresh(story, 30)
    assert light == "stalled"
    assert words == "no majority is connected: 1 of 3 run, 2 are needed: the log must stand still"


def test_cut_links_count_as_well() -> None:
    story = Story(3).up()
    verdict(story)
    for id in range(3):
        story.fault(id, Cut(-1))
    assert verdict(story)[0] == "stalled"
    assert "2 of 3 must reach each other" in verdict(story)[1]


def test_where_all_proposers_are_crashed_nobody_is_to_blame() -> None:
    story = Story(3).up()
    verdict(story)
    for id in range(3):
        story.fault(id, CrashProposer())
    assert fresh(story, 10) == (
        "stalled",
        "no proposer that works reaches a majority: the log must stand still",
    )


def test_a_connected_majority_that_decides_nothing_is_stuck() -> None:
    story = Story(3).up()
    story.choose(["a"])
    verdict(story)
    story.propose(["b"])
    verdict(story)
    assert fresh(story, 3) == ("waiting", "nothing was decided for 3 s")
    light, words = fresh(story, 3)
    assert light == "STUCK"
    assert words == "r0 r1 are connected, and nothing was decided for 6 s"


def test_a_disturbed_majority_may_take_its_time() -> None:
    for fault in (Loss(-1, 60.0), SlowDisk(900.0)):
        story = Story(3).up()
        story.choose(["a"])
        verdict(story)
        for id in range(3):
            story.fault(id, fault)
        story.propose(["b"])
        light, words = fresh(story, 20)
        assert light == "waiting"
        assert "disturbed" in words


def test_a_message_after_a_long_silence_is_not_stuck_at_once() -> None:
    story = Story(3).up()
    story.choose(["a"])
    fresh(story, 60)
    story.propose(["b"])
    assert verdict(story)[0] in ("moving", "waiting")
