"""Long runs of slots in which nothing happened are one line each, and a reader is left alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paxtui.console.model.analysis.folding import EDGES_MAX, FOLD_MIN, Fold, Layout, layout
from paxtui.console.rows import log
from paxtui.console.rows.text import plain
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.detail import Detail
from paxtui.core.values import Command
from paxtui.wire import events as e
from paxtui.wire.telemetry import LearnedView, VotedView
from paxtui.wire.values import Ballot
from tests.console.pilot import Played
from tests.console.story import Story

Play = Callable[..., None]


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(2, 9)), max_size=8), st.integers(0, 9))
def test_lines_and_slots_are_found_from_each_other(gaps: list[tuple[int, int]], tail: int) -> None:
    """Against a layout made line by line."""
    folds: list[Fold] = []
    lines: list[int | Fold] = []
    slot = 0
    for gap, size in gaps:
        lines += range(slot, slot + gap)
        folds.append(Fold(slot + gap, slot + gap + size))
        lines.append(folds[-1])
        slot += gap + size
    lines += range(slot, slot + tail)
    made, end = Layout(folds), slot + tail
    assert made.lines(end) == len(lines)
    assert [made.at(line) for line in range(len(lines))] == lines
    for at in range(end):
        line = made.line_of(at)
        found = lines[line]
        assert found == at if isinstance(found, int) else at in found
        assert made.fold_of(at) == (found if isinstance(found, Fold) else None)
    assert made.line_of(end) == len(lines)
    if folds:
        opened = made.without(folds[0])
        assert opened.lines(end) == made.lines(end) + folds[0].end - folds[0].first - 1


def test_slots_that_are_alike_are_one_line_between_the_first_and_the_last() -> None:
    story = Story(3).up()
    story.choose(f"message {number}" for number in range(40))
    assert layout(story.model, 30).folds == (Fold(1, 29),)
    assert layout(story.model, 0).folds == ()
    assert layout(story.model, FOLD_MIN + 1).folds == ()
    assert layout(story.model, FOLD_MIN + 2).folds == (Fold(1, FOLD_MIN + 1),)


def test_nothing_is_folded_that_is_not_applied() -> None:
    story = Story(3).up()
    story.choose(["a", "b"])
    story.propose(f"open {number}" for number in range(40))
    assert layout(story.model, 42).folds == ()


def test_what_is_not_as_usual_stays_visible() -> None:
    story = Story(3).up()
    story.choose(f"before {number}" for number in range(20))
    story.elect(1, 2)
    story.choose([""], client="")
    story.choose(f"after {number}" for number in range(20))
    story.tell(0, e.Suppressed(30, "ada~s1@0", 0, 4))
    shown = layout(story.model, 41)
    visible = [slot for slot in range(41) if shown.fold_of(slot) is None]
    assert {0, 19, 20, 30} <= set(visible)  # both ends of a reign, the repetition
    assert len(visible) < 16


def test_a_vote_at_another_ballot_ends_a_run() -> None:
    story = Story(3).up()
    story.choose(f"message {number}" for number in range(40))
    story.tell(2, VotedView(Ballot(2, 2), 20, 1, "x" * 16))
    assert layout(story.model, 40).fold_of(20) is None


def test_the_votes_of_a_replica_that_died_end_where_it_did() -> None:
    story = Story(3).up()
    story.choose(f"message {number}" for number in range(20))
    story.down(2)
    slots = story.propose(f"without r2 {number}" for number in range(20))
    for id in (0, 1):
        story.vote(id, slots)
        story.tell(id, e.AppliedTo(20, 40, story.chain(40)))
    assert [fold.first for fold in layout(story.model, 40).folds] == [1, 21]


def test_very_many_ends_of_runs_cost_no_more_than_the_newest() -> None:
    story = Story(3).up()
    story.choose(f"message {number}" for number in range(4000))
    for slot in range(0, 4000, 2):
        story.tell(2, VotedView(Ballot(2, 2), slot, 1, "x" * 16))
    folds = layout(story.model, 4000).folds
    assert len(folds) == 1
    assert folds[0].first == 1
    assert 4000 - 2 * EDGES_MAX <= folds[0].end < 4000


def test_a_fold_says_what_it_holds_and_how_it_is_opened() -> None:
    story = Story(3).up()
    story.choose(f"message {number}" for number in range(40))
    view_state = ViewState(story.model, Styles(), lambda: story.now)
    row = plain(log.fold_line(view_state, Fold(1, 29), 80, chosen=False))
    assert "⋮  1-28 folded: 28 applied on all  enter opens" in row
    story.model.replicas[1].applied = 20
    row = plain(log.fold_line(view_state, Fold(1, 29), 80, chosen=True))
    assert "28 applied on r0 r2" in row


# On screen


def test_enter_opens_a_fold_and_following_closes_it_again(play: Play) -> None:
    async def act(on: Played) -> None:
        log_pane = on.app.log_pane
        assert "folded" in on.text("log")
        assert "message 99" in on.text("log")
        await on.press("home", "down")
        assert on.app.view_state.fold is not None
        assert on.app.view_state.slot is None
        assert "APPLIED" in on.text("why")
        assert "slots, all chosen at 1.0, with the same votes" in on.text("why")
        await on.press("enter")
        assert (on.app.view_state.fold, on.app.view_state.slot) == (None, 1)
        assert log_pane.count() == 100
        assert "message 5" in on.text("log")
        await on.press("f")
        assert log_pane.count() < 40

    play(act, messages=100, size=(80, 24))


def test_the_end_of_the_log_moves_by_more_than_a_line_while_one_follows(play: Play) -> None:
    async def act(on: Played) -> None:
        pane, model = on.app.log_pane, on.app.view_state.model
        moves, drawn = 0, [pane.log_lines.slot_at(line, model) for line in range(2, pane.count())]
        for number in range(60):
            on.story.choose([f"more {number}"])
            await on.look()
            assert f"more {number}" in on.text("log")
            lines = [pane.log_lines.slot_at(line, model) for line in range(2, pane.count())]
            moves += lines[0] != drawn[0]
            drawn = lines
        assert 1 < moves < 25

    play(act, messages=100, size=(80, 24))


def test_a_reader_sees_nothing_fold_or_move(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("up", "up", "up")
        before, slot = on.text("log"), on.app.view_state.slot
        on.story.choose(f"more {number}" for number in range(500))
        await on.look()
        assert on.text("log").startswith(before.rstrip())
        assert on.app.view_state.slot == slot

    play(act, messages=100, size=(80, 24))


def test_going_to_a_folded_slot_shows_it(play: Play) -> None:
    async def act(on: Played) -> None:
        on.app.controllers.navigation.go_to_text("50")
        await on.look()
        assert on.app.view_state.slot == 50
        assert "message 50" in on.text("log")
        on.app.controllers.navigation.find("message 7")
        assert on.app.view_state.slot in (70, 7)

    play(act, messages=100, size=(80, 24))


def test_z_shows_every_slot_and_folds_again(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("z")
        assert "folded" not in on.text("log")
        assert on.app.log_pane.count() == 100
        await on.press("up", "z")
        slot = on.app.view_state.slot
        assert on.app.log_pane.count() < 40
        assert slot is not None
        assert "message 99" in on.text("log")

    play(act, messages=100, size=(80, 24))


def test_enter_on_a_slot_tells_all_about_it(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("enter")
        assert isinstance(on.app.screen, Detail)
        await on.press("escape")
        assert len(on.app.screen_stack) == 1
        assert on.app.view_state.slot == 9

    play(act, size=(80, 24))


# The row


def row_of(story: Story, slot: int, width: int) -> str:
    view_state = ViewState(story.model, Styles(), lambda: story.now)
    return plain(log.line(view_state, slot, width, chosen=False)).rstrip()


def test_what_there_is_to_say_of_a_value_is_not_cut_off_with_it() -> None:
    story = Story(3).up()
    story.propose(["hole", "a long text that says that it has no end, and has none for a while"])
    story.tell(0, LearnedView(1, 1, ((story.ballot, 1),), story.marks(range(1, 2)), None))
    assert row_of(story, 1, 160).endswith("for a while  waits for 0")
    assert row_of(story, 1, 80).endswith("…  waits for 0")
    assert row_of(story, 1, 50).endswith("…  (0)")


@pytest.mark.parametrize(
    ("n", "width", "name"), [(3, 80, "votes"), (5, 74, "q"), (7, 90, "votes"), (9, 80, "")]
)
def test_votes_are_counted_in_a_column_of_their_own_where_there_is_room(
    n: int, width: int, name: str
) -> None:
    story = Story(n).up()
    story.choose(["x"])
    slots = story.propose(["open"])
    story.vote(0, slots)
    view_state = ViewState(story.model, Styles(), lambda: story.now)
    columns = log.columns_of(width, n, story.model.end)
    assert columns.votes == name
    if name:
        at = plain(log.heading(view_state, width)).index(f" {name} ") + 1
        assert [plain(log.line(view_state, slot, width, chosen=False))[at] for slot in (0, 1)] == [
            str(n),
            "1",
        ]


def test_votes_that_were_cast_before_one_looked_are_not_counted_as_none() -> None:
    story = Story(3)
    story.chosen = 5
    story.values = dict.fromkeys(range(5), Command("ada~s@0", 1, "x"))
    story.up()
    view_state = ViewState(story.model, Styles(), lambda: story.now)
    at = plain(log.heading(view_state, 80)).index("votes")
    assert plain(log.line(view_state, 2, 80, chosen=False))[at] == "?"
