"""The past on the screen: every pane shows that moment, and nothing can be broken in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from paxtui.console.actions import surfaces, table
from paxtui.tape.reader import TapeReader
from paxtui.wire import events as e
from paxtui.wire.faults import Loss
from paxtui.wire.telemetry import FaultBegan
from paxtui.wire.values import Ballot
from tests.console.pilot import Played

Play = Callable[..., None]


async def a_story(on: Played) -> None:
    """Ten slots by r0; after a minute r1 leads, and three more slots."""
    story = on.story
    await on.look()
    story.later(60)
    story.elect(1, 2)
    story.choose(f"later {number}" for number in range(3))
    story.later(1)
    await on.look()


def header(on: Played) -> str:
    return on.text("header")


def position(on: Played) -> int:
    moment = on.app.view_state.moment
    assert moment is not None
    return moment.position


async def say(on: Played, words: str) -> None:
    await on.press("colon")
    await on.type(words)
    await on.press("enter")


def test_a_step_back_shows_the_moment_before_the_last_event_and_f5_is_now(play: Play) -> None:
    async def act(on: Played) -> None:
        await a_story(on)
        assert "leader r1@2.1" in header(on)
        await on.press("comma")
        assert "PAST" in header(on)
        first = position(on)
        await on.press("comma")
        assert position(on) < first
        await on.press("full_stop")
        assert position(on) == first
        assert on.app.query_one("#timebar").display
        await on.press("f5")
        assert "LIVE" in header(on)
        assert not on.app.query_one("#timebar").display

    play(act, taped=True)


def test_marks_lead_to_the_election_and_all_panes_show_what_was_then(play: Play) -> None:
    async def act(on: Played) -> None:
        await a_story(on)
        assert "later 2" in on.text("log")
        await on.press("left_square_bracket")
        assert "leader r1@2.1" in header(on)
        assert "message 9" in on.text("log")
        assert "later 0" not in on.text("log")
        assert "chosen 10" in header(on)
        assert "LEADS at 2.1" in on.text("events").splitlines()[-1]
        await on.press("comma")
        assert "leader r0@1.0" in header(on)
        assert "LEADS at 2.1" not in on.text("events")
        await on.press("right_square_bracket")
        assert "leader r1@2.1" in header(on)
        await on.press("right_square_bracket")
        assert "there is no mark after this" in on.said

    play(act, taped=True)


def test_what_goes_on_meanwhile_is_on_the_tape(play: Play) -> None:
    async def act(on: Played) -> None:
        await a_story(on)
        await on.press("left_square_bracket")
        before = on.app.view_state.moment
        on.story.choose(["while one looks back"])
        await on.look()
        assert "while one" not in on.text("log")
        await on.press("full_stop")
        after = on.app.view_state.moment
        assert before is not None
        assert after is not None
        assert after.end > before.end
        await on.press("f5")
        assert "while one looks back" in on.text("log")

    play(act, taped=True)


def test_seconds_and_names_go_to_moments(play: Play) -> None:
    async def act(on: Played) -> None:
        await a_story(on)
        await on.press("less_than_sign")
        assert position(on) > 1
        await say(on, "past first")
        assert position(on) == 1
        await on.press("comma")
        assert "first event on the tape" in on.said
        await say(on, "past 25:99")
        assert "is no moment; 12:04" in on.said
        await say(on, "past #99999")
        assert "#99999 is not on the tape" in on.said
        assert position(on) == 1

    play(act, taped=True)


def test_no_key_no_button_and_no_word_acts_on_the_cluster_in_the_past(play: Play) -> None:
    async def act(on: Played) -> None:
        await a_story(on)
        await on.press("comma")
        armed = [spec for spec in table.ACTIONS if spec.armed]
        assert len(armed) > 20
        for spec in armed:
            surfaces.perform(spec.name, on.app.controllers)
            assert on.driver.taken() == [], spec.name
            for usage in spec.usage.split(", ") if spec.meaning is not None else ():
                words = usage.replace("{last}", "r2").replace("{other}", "r1").replace("{slot}", "9")
                on.app.controllers.dialogs.run_line(words)
                assert on.driver.taken() == [], words
        await on.pilot.pause()
        while len(on.app.screen_stack) > 1:
            await on.press("escape")
        for spec in armed:
            for key in filter(None, spec.keys.split(",")):
                assert await on.press(key) == [], key
                while len(on.app.screen_stack) > 1:
                    await on.press("escape")
        assert "nothing can be said or broken in the past" in on.said

    play(act, taped=True)


def test_the_key_line_says_what_can_be_done_in_the_past(play: Play) -> None:
    async def act(on: Played) -> None:
        await a_story(on)
        hints = {each.name: each.words for each in surfaces.hints(on.app.view_state)}
        assert hints["<"] == "back in time"
        assert "f5" not in hints
        await on.press("comma")
        hints = {each.name: each.words for each in surfaces.hints(on.app.view_state)}
        assert (hints[","], hints["."], hints["f5"]) == ("event back", "event on", "back to now")
        assert "c" not in hints
        assert ":arm" not in hints

    play(act, taped=True)


def test_without_a_tape_it_is_said(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("comma")
        assert "there is no tape of this" in on.said
        assert on.app.view_state.moment is None

    play(act)


def test_a_mark_a_fault_and_an_alarm_are_on_the_tape(play: Play, tmp_path: Path) -> None:
    async def act(on: Played) -> None:
        await a_story(on)
        on.story.tell(2, FaultBegan(7, Loss(0, 20.0), waits=False))
        await say(on, "mark before lunch")
        on.story.tell(2, e.BecameNonVoting("its disk was emptied"))
        await say(on, f"tape {tmp_path / 'a.tape'}")
        assert "written" in on.said
        await on.press("M")
        assert len(on.app.screen_stack) == 2
        await on.press("escape")
        await say(on, f"tape {tmp_path / 'a.tape'}")
        assert "the file is there already" in on.said

    play(act, taped=True)
    tape = TapeReader(tmp_path / "a.tape")
    assert [mark.kind for mark in tape.marks] == ["election", "fault", "mark", "alarm"]
    assert tape.meta["cluster"] == "demo"


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
def test_the_bar_shows_the_tape_and_where_one_is(play: Play, size: tuple[int, int]) -> None:
    async def act(on: Played) -> None:
        await a_story(on)
        await say(on, "past first")
        bar = on.text("timebar")
        assert len(bar) == size[0]
        assert bar.index("◆") < bar.index("▲")

    play(act, size=size, taped=True)


def test_a_leader_that_was_crashed_later_leads_in_the_past(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.look()
        on.story.down(0)
        on.story.later(1)
        await on.look()
        await on.press("left_square_bracket")
        assert "its process ended" in on.text("events").splitlines()[-1]
        await on.press("comma")
        assert "leader r0@1.0" in header(on)
        assert Ballot(1, 0) in on.app.view_state.model.leaders.values()

    play(act, taped=True)
