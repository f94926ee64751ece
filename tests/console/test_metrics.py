"""Numbers that state their unit and scale, and lights of liveness."""

from __future__ import annotations

import pytest

from paxtui.console.rows import metrics
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
    assert metrics.short(value) == text


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
    assert words == "no majority is connected: 1 of 3 run, 2 are needed: it must stand still"


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
    assert fresh(story, 10) == ("stalled", "no proposer that works reaches a majority: it must stand still")


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
