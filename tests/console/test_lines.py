"""Lines that are typed into: what comes after enter waits for it, and a paste loses nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.events import Key, Paste
from textual.widgets import Input

from paxtui.console import commands as c
from paxtui.console.preferences import Preferences
from paxtui.console.widgets.ask import QuestionDialog, letters
from paxtui.console.widgets.line import LINE_CHARACTERS_MAX
from paxtui.wire import faults as f
from tests.console.pilot import Played

Play = Callable[..., None]


def line(on: Played) -> str:
    """What stands in the line that has the focus."""
    assert isinstance(on.app.focused, Input)
    return on.app.focused.value


def paste(on: Played, text: str) -> None:
    """As from the terminal, before any key that is pressed later."""
    driver = on.app._driver
    assert driver is not None
    event = Paste(text)
    event.set_sender(on.app)
    driver.send_message(event)


def test_messages_that_are_typed_at_once_are_messages_of_their_own(play: Play) -> None:
    async def act(on: Played) -> None:
        sent = await on.at_once("i", *"aaa", "enter", *"bbb", "enter", *"ccc", "enter", *"two")
        assert sent == [c.AppendCommand("aaa"), c.AppendCommand("bbb"), c.AppendCommand("ccc")]
        assert line(on) == "two"
        assert on.app.preferences.history[-3:] == ["aaa", "bbb", "ccc"]

    play(act, preferences=Preferences(history=[]))


def test_a_digit_after_enter_does_not_join_the_command(play: Play) -> None:
    async def act(on: Played) -> None:
        words = (*"loss", "space", *"r0>r1", "space", "2")
        two_percent = c.InjectManyCommand(((0, f.Loss(1, 2.0)),), "loss r0>r1 2 %")
        assert await on.at_once("colon", *words, "enter", "0") == [two_percent]
        assert len(on.app.screen_stack) == 1

    play(act)


@pytest.mark.parametrize("key", ["L", "g", "slash"])
def test_a_letter_after_enter_does_not_join_what_was_asked_for(play: Play, key: str) -> None:
    expected = {
        "L": [c.InjectManyCommand(((0, f.Loss(-1, 2)),), "loss r0>* 2 %")],
        "g": [],
        "slash": [],
    }

    async def act(on: Played) -> None:
        assert await on.at_once(key, "2", "enter", "6") == expected[key]
        assert on.app.view_state.view == 6  # the key that came after enter
        if key != "L":
            assert on.app.view_state.slot == 2

    play(act, messages=30, size=(80, 24))


def test_editing_keys_act_where_they_were_pressed(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.at_once("i", *"abx", "backspace", "c", "left", "left", "z", "end", "d", "home", "y")
        assert line(on) == "yazbcd"
        await on.press("escape")
        typed = await on.at_once("colon", *"crasx", "backspace", "h", "space", *"r2", "enter")
        assert typed == [c.CrashCommand(2)]

    play(act)


def test_keys_after_a_dialog_that_closed_act_on_what_is_below(play: Play) -> None:
    async def act(on: Played) -> None:
        assert await on.at_once("g", "4", "enter", "c") == [c.CrashCommand(0)]
        assert await on.at_once("g", "5", "escape", "e") == [c.ElectCommand(0)]
        assert on.app.view_state.slot == 4
        assert len(on.app.screen_stack) == 1

    play(act)


# Pastes


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_a_paste_of_several_lines_is_one_message_with_all_of_it(play: Play, end: str) -> None:
    async def act(on: Played) -> None:
        await on.at_once("i", *"so:")
        paste(on, end.join(["first", "second", "", "third", ""]))
        await on.at_once("a")  # as one line
        assert await on.at_once("!", "enter") == [c.AppendCommand("so:first second  third!")]

    play(act)


def test_pastes_into_dialogs_keep_all_lines_and_their_place(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.at_once("backslash")
        paste(on, "message\n7\n")
        await on.at_once("enter")
        assert on.app.log_pane.filter == "message 7"
        await on.at_once("colon")
        paste(on, "crash r1\n")
        assert await on.at_once("enter") == [c.CrashCommand(1)]
        await on.at_once("w")
        paste(on, "r0\n")
        await on.at_once("enter")
        assert on.app.screen.query_one(Input).value == "r0"

    play(act)


def test_a_paste_where_no_line_is_open_is_no_key_and_says_so(play: Play) -> None:
    async def act(on: Played) -> None:
        paste(on, "crash\n")
        assert await on.at_once() == []
        assert "what was pasted was not taken" in on.said

    play(act)


def test_a_paste_that_is_too_long_says_how_much_was_left_out(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.at_once("i")
        paste(on, (LINE_CHARACTERS_MAX + 12) * "x")
        await on.at_once()
        assert len(line(on)) == LINE_CHARACTERS_MAX
        assert "the last 12 characters of it were left out" in on.said

    play(act)


def test_a_paste_replaces_what_is_selected(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.at_once("i", *"abcd", "shift+left", "shift+left")
        paste(on, "x\ny")
        await on.at_once("a")
        assert line(on) == "abx y"

    play(act)


@pytest.mark.parametrize("key", ["colon", "g", "w", "x", "question_mark", "P"])
def test_a_dialog_that_is_closed_while_it_opens_breaks_nothing(play: Play, key: str) -> None:
    async def act(on: Played) -> None:
        for _ in range(3):
            await on.app.on_event(Key(key, None))
            on.app.screen.remove_children()  # what ends the app does so
            on.app.pop_screen()
            await on.pilot.pause()
        assert await on.at_once("c") == [c.CrashCommand(0)]

    play(act)


@pytest.mark.parametrize(
    ("answer", "sent", "left"),
    [
        ("s", ["one", "two", "three"], "draft"),
        ("a", [], "draftone two   three"),
        ("c", [], "draft"),
        ("escape", [], "draft"),
    ],
)
def test_a_paste_of_several_lines_asks_whether_each_is_a_message(
    play: Play, answer: str, sent: list[str], left: str
) -> None:
    async def act(on: Played) -> None:
        await on.press("i")
        await on.type("draft")
        on.driver.taken()
        paste(on, "one\r\ntwo\n\n\tthree\n")
        await on.pilot.pause()
        assert isinstance(on.app.screen, QuestionDialog)
        assert "3 lines were pasted" in on.app.screen._question
        assert on.app.focused is not None
        assert on.app.focused.id == "cancel"
        orders = await on.press(answer)
        assert [each.text.strip() for each in orders if isinstance(each, c.AppendCommand)] == sent
        assert line(on) == left

    play(act)


def test_a_paste_of_very_many_lines_is_refused(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("i")
        on.driver.taken()
        paste(on, "line\n" * 500)
        await on.pilot.pause()
        assert "500 lines were pasted; at most 200" in on.said
        assert on.driver.taken() == []

    play(act)


def test_each_button_of_a_question_has_a_letter_of_its_own() -> None:
    assert letters(["Cancel", "Stop and quit", "Leave running"]) == ["c", "s", "l"]
    assert letters(["Cancel", "Crash", "Cut", "C"]) == ["c", "r", "u", ""]
