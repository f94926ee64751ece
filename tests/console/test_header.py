"""The header: an order that stays, what is wrong stands out, and the least important goes first."""

from __future__ import annotations

import pytest

from paxtui.console.model.liveness.liveness import is_degraded
from paxtui.console.model.liveness.tolerance import tolerance
from paxtui.console.rows.header import LOUD, TABS, header, tab_at, tabs
from paxtui.console.rows.safety import safety
from paxtui.console.rows.text import Row, plain, width_of
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from paxtui.wire import events as e
from paxtui.wire import faults as f
from paxtui.wire.telemetry import VotedView
from tests.console.story import Story


def view_state(story: Story) -> ViewState:
    story.model.liveness.judge(story.model, story.now)
    story.model.liveness.judge(story.model, story.now)
    return ViewState(story.model, Styles(), lambda: story.now)


def well(n: int = 5) -> Story:
    story = Story(n).up()
    story.choose(["a"])
    return story


def in_order(text: str, *words: str) -> None:
    places = [text.find(word) for word in words]
    assert -1 not in places, (text, words)
    assert places == sorted(places), text


def loud(row: Row) -> list[str]:
    return [text.strip() for text, style in row if style in LOUD]


def test_the_order_is_state_safety_liveness_spare_leader_how_far_how_fast_faults() -> None:
    story = well()
    story.down(3)
    story.tell(0, e.SlotSkipped(story.ballot, 1))
    story.report(0, status={"holes": (1,)})
    text = plain(header(view_state(story), 200))
    in_order(text, "LIVE", "SAFE", "degraded", "spare 1/2", "leader r0@1.0", "chosen 1", "applied 1")
    in_order(text, "applied 1", "hole 1", "/s", "p50", "p99", "1 fault")


def test_nothing_is_loud_while_all_is_well() -> None:
    row = header(view_state(well()), 200)
    assert loud(row) == []
    assert "spare 2/2" in plain(row)
    assert "degraded" not in plain(row)


def test_between_all_well_and_stalled_it_is_degraded_and_says_why() -> None:
    story = well()
    story.down(3)
    row = header(view_state(story), 200)
    assert "degraded  spare 1/2 (r3 down)" in plain(row)
    assert loud(row) == ["degraded"]
    story.fault(0, f.Loss(4, 100.0))
    assert "spare 0/2 (r3 down, r4 not connected with r0)" in plain(header(view_state(story), 200))
    story.down(1)
    story.down(2)
    row = header(view_state(story), 200)
    assert "degraded" not in plain(row)
    assert loud(row) == ["stalled"]
    in_order(plain(row), "stalled", "spare 0/2", "down")


def test_where_it_is_not_known_how_many_may_fail_it_is_not_called_degraded() -> None:
    story = well()
    story.later(5)
    for id in (0, 1, 2):
        story.report(id)
    text = plain(header(view_state(story), 200))
    assert "spare ?/2 (r3 r4 not heard)" in text
    assert "degraded" not in text


def test_a_cluster_that_starts_is_not_degraded() -> None:
    story = Story(3)
    assert not is_degraded("starting", tolerance(story.model, story.now))
    assert "spare" not in plain(header(view_state(story), 200))


@pytest.mark.parametrize(
    ("width", "kept", "gone"),
    [
        (40, ["LIVE", "SAFE 7/7", "idle", "spare 1/2"], ["leader", "paxtui", "(r3 down)"]),
        (60, ["LIVE", "SAFE 7/7", "idle", "degraded  spare 1/2"], ["paxtui", "events"]),
        (80, ["degraded  spare 1/2", "leader r0@1.0", "chosen 1"], ["events", "p50"]),
        (120, ["spare 1/2 (r3 down)", "leader r0@1.0", "applied 1", "1 fault", "paxtui demo"], ["events"]),
    ],
)
def test_narrow_screens_drop_the_least_important(width: int, kept: list[str], gone: list[str]) -> None:
    story = well()
    story.down(3)
    row = header(view_state(story), width)
    assert width_of(row) == width
    for words in kept:
        assert words in plain(row), words
    for words in gone:
        assert words not in plain(row), words


def test_the_safety_pane_says_how_many_may_fail() -> None:
    story = well()
    assert "2 of 2 more may fail" in "\n".join(map(plain, safety(view_state(story), 60, 20)))
    story.down(3)
    assert "degraded: 1 of 2 more may fail: r3 down" in "\n".join(
        map(plain, safety(view_state(story), 60, 20))
    )


def test_a_doubt_comes_before_the_checks_where_not_all_fits() -> None:
    story = well()
    story.lost(4)
    story.later(9)
    state = view_state(story)
    whole = [plain(row).strip() for row in safety(state, 44, 40)]
    assert "? r4 tells nothing" in whole[-2]
    short = [plain(row).strip() for row in safety(state, 44, 6)]
    assert short[0].startswith("? r")
    assert len(short) == 6
    assert short[-1].startswith("…")
    assert short[-1].startswith(f"… {len(whole) - 5} more lines")


def test_what_is_broken_comes_first_whatever_the_room() -> None:
    story = well(3)
    slots = story.propose(["this"])
    story.vote(1, slots)
    story.tell(2, VotedView(story.ballot, slots[0], 1, "f" * 16))
    state = view_state(story)
    for height in (3, 8, 40):
        assert plain(safety(state, 44, height)[0]).startswith("one value a ballot:")


@pytest.mark.parametrize("width", [40, 56, 69, 70, 71, 80, 160])
def test_every_view_has_its_place_in_the_line_of_views_also_for_the_mouse(width: int) -> None:
    state = view_state(well(3))
    text = plain(tabs(state, 2, width))
    assert "…" not in text
    for number, name in enumerate(TABS, start=1):
        words = f"{number} {name if width > 70 else name[:3]}"
        assert {tab_at(x, width) for x in range(text.index(words), text.index(words) + len(words))} == {
            number
        }
    assert tab_at(width - 1, width) in (None, 6)
