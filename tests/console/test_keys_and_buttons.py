"""Keys and buttons on the whole app: what they order. The replicas are only told of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.widgets import Button, Input

from paxtui.console import commands as c
from paxtui.console.view_state import VIEWS
from paxtui.console.widgets.faultmenu import FaultMenu
from paxtui.console.widgets.help import Help
from paxtui.console.widgets.links import LinksPane
from paxtui.console.widgets.menu import Menu
from paxtui.console.widgets.palette import Palette
from paxtui.console.widgets.presets import PresetMenu
from paxtui.console.widgets.replicas import FaultsPane, ReplicasPane
from paxtui.console.widgets.wipe import WipeDialog
from paxtui.wire import faults as f
from tests.console.pilot import Played

Play = Callable[..., None]

pytestmark = pytest.mark.slow  # most start the app, which takes a second or two

SIZES = [(160, 45), (100, 30), (80, 24), (60, 15)]

KEYS = [
    ("c", [c.CrashCommand(0)]),
    ("C", [c.InjectCommand(0, f.CrashProposer())]),
    ("r", [c.RestartCommand(0)]),
    ("p", [c.PauseCommand(0)]),
    ("e", [c.ElectCommand(0)]),
    ("s", [c.InjectCommand(0, f.SkipSlot())]),
    ("plus", [c.InjectCommand(0, f.Loss(-1, 5))]),
    ("minus", [c.ClearCommand((0, -1), "loss")]),
    ("u", [c.UndoCommand()]),
    ("W", [c.HealCommand()]),
]


@pytest.mark.parametrize("size", SIZES)
def test_keys_act_on_the_selected_replica(play: Play, size: tuple[int, int]) -> None:
    async def act(on: Played) -> None:
        for key, expected in KEYS:
            assert await on.press(key) == expected, key
        (cut,) = await on.press("t")
        assert isinstance(cut, c.CutCommand)
        assert set(cut.links) == {(0, 1), (1, 0), (0, 2), (2, 0)}
        await on.press("right")
        assert await on.press("c") == [c.CrashCommand(1)]

    play(act, size=size)


def test_keys_take_back_what_stands(play: Play) -> None:
    async def act(on: Played) -> None:
        on.story.fault(0, f.CrashProposer())
        assert await on.press("C") == [c.RestoreProposerCommand(0)]
        on.story.paused(0)
        assert await on.press("p") == [c.ContinueCommand(0)]
        on.story.fault(0, f.Cut(-1))
        for id in (1, 2):
            on.story.fault(id, f.Cut(0))
        assert isinstance((await on.press("t"))[0], c.JoinCommand)
        on.story.fault(0, f.Loss(-1, 20))
        assert await on.press("plus") == [c.InjectCommand(0, f.Loss(-1, 25))]
        on.story.later(2)
        assert await on.press("minus") == [c.InjectCommand(0, f.Loss(-1, 15))]

    play(act)


def test_a_read_only_console_says_so_and_does_nothing(play: Play) -> None:
    async def act(on: Played) -> None:
        for key in ("c", "C", "r", "p", "t", "e", "s", "plus", "u", "W"):
            assert await on.press(key) == []
            assert "read-only" in on.said
        assert await on.click(Button) == []

    play(act, armed=False)


def test_loss_adds_up_faster_than_replicas_report_it(play: Play) -> None:
    async def act(on: Played) -> None:
        assert await on.press("plus", "plus", "plus", "minus") == [
            c.InjectCommand(0, f.Loss(-1, percent)) for percent in (5, 10, 15, 10)
        ]
        on.story.later(2)
        on.story.fault(0, f.Loss(-1, 40))
        assert await on.press("plus") == [c.InjectCommand(0, f.Loss(-1, 45))]
        await on.press("3")
        assert await on.press("plus", "plus") == [
            c.InjectManyCommand(((0, f.Loss(1, percent)),), f"loss r0>r1 {percent} %") for percent in (45, 50)
        ]

    play(act)


# Buttons


def button(on: Played, name: str) -> Button:
    return next(each for each in on.app.screen.query(Button) if each.name == name)


BUTTONS = {
    "crash-proposer": [c.InjectCommand(0, f.CrashProposer())],
    "crash": [c.CrashCommand(0)],
    "restart": [c.RestartCommand(0)],
    "pause": [c.PauseCommand(0)],
    "less-loss": [c.ClearCommand((0, -1), "loss")],
    "more-loss": [c.InjectCommand(0, f.Loss(-1, 5))],
    "heal": [c.HealCommand()],
}


def test_every_button_does_what_it_says(play: Play) -> None:
    async def act(on: Played) -> None:
        focused = on.app.focused
        for name, expected in BUTTONS.items():
            assert await on.click(button(on, name)) == expected, name
        assert isinstance((await on.click(button(on, "cut")))[0], c.CutCommand)
        assert on.app.focused is focused

    play(act)


@pytest.mark.parametrize("width", [140, 160, 200])
def test_all_buttons_are_on_the_dashboard_and_show_their_labels(play: Play, width: int) -> None:
    async def act(on: Played) -> None:
        on.story.fault(0, f.CrashProposer())
        on.story.fault(0, f.Loss(-1, 100))
        on.story.fault(0, f.Cut(-1))
        for id in (1, 2):
            on.story.fault(id, f.Cut(0))
        on.story.paused(0)
        await on.look()
        for each in on.app.screen.query(Button):
            label = str(each.label)
            assert each.region.right <= width
            assert each.region.height == 1
            assert label in "".join(segment.text for segment in each.render_line(0)), label
        labels = ",".join(str(each.label) for each in on.app.screen.query(Button))
        assert [label.strip() for label in labels.split(",")] == [
            "C Restore proposer",
            "c Crash replica",
            "r Restart",
            "p Continue",
            "t Join",
            "−",
            "L Loss 100 %",
            "+",
            "W Heal all",
        ]

    play(act, size=(width, 45))


def test_at_80x24_the_buttons_are_in_the_menu_and_leave_it_open(play: Play) -> None:
    async def act(on: Played) -> None:
        assert not on.app.query_one("#buttons").is_on_screen
        await on.press("x")
        assert isinstance(on.app.screen, FaultMenu)
        for name, expected in BUTTONS.items():
            each = button(on, name)
            assert 0 < each.region.right < 80
            assert each.region.bottom < 24
            assert await on.click(each) == expected, name
        assert isinstance(on.app.screen, FaultMenu)
        await on.press("escape")
        assert not isinstance(on.app.screen, FaultMenu)

    play(act, size=(80, 24))


def test_loss_is_a_number_that_can_be_typed(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.click(button(on, "loss"))
        assert await on.press("3", "7", "full_stop", "5", "enter") == [
            c.InjectManyCommand(((0, f.Loss(-1, 37.5)),), "loss r0>* 37.5 %")
        ]
        await on.press("L")
        assert await on.press("0", "enter") == [
            c.CompoundCommand(tuple(c.ClearCommand((0, to), "loss") for to in (1, 2)), "loss r0>* 0")
        ]
        await on.press("L")
        assert await on.press("l", "o", "t", "s", "enter") == []
        assert "'lots' is no percentage; a number from 0 to 100 is" in on.said
        await on.press("L")
        assert await on.press("5", "escape") == []

    play(act)


# The menu of faults

MENU: list[tuple[str, str, list[Any]]] = [
    ("c", "", [c.CrashCommand(0)]),
    ("C", "", [c.InjectCommand(0, f.CrashProposer())]),
    ("A", "", [c.CrashDecidingCommand(0)]),
    ("r", "", [c.RestartCommand(0)]),
    ("p", "", [c.PauseCommand(0)]),
    ("L", "20", [c.InjectManyCommand(((0, f.Loss(-1, 20)),), "loss r0>* 20 %")]),
    ("d", "50 10", [c.InjectManyCommand(((0, f.Delay(-1, 50, 10)),), "delay r0>* 50 ms +10")]),
    ("d", "50", [c.InjectManyCommand(((0, f.Delay(-1, 50)),), "delay r0>* 50 ms")]),
    ("D", "20", [c.InjectManyCommand(((0, f.Duplicate(-1, 20)),), "duplicate r0>* 20 %")]),
    ("R", "20", [c.InjectManyCommand(((0, f.Reorder(-1, 20)),), "reorder r0>* 20 %")]),
    ("K", "20", [c.InjectCommand(0, f.SlowDisk(20))]),
    ("E", "", [c.InjectCommand(0, f.DiskError())]),
    ("F", "", [c.InjectCommand(0, f.FullDisk())]),
    ("s", "", [c.InjectCommand(0, f.SkipSlot())]),
    ("e", "", [c.ElectCommand(0)]),
    ("u", "", [c.UndoCommand()]),
    ("W", "", [c.HealCommand()]),
]


@pytest.mark.parametrize("size", [(160, 45), (80, 24)])
def test_every_fault_of_the_menu_has_a_key(play: Play, size: tuple[int, int]) -> None:
    async def act(on: Played) -> None:
        for key, typed, expected in MENU:
            await on.press("x")
            found = await on.press(key)
            if typed:
                await on.type(typed)
                found = await on.press("enter")
            assert found == expected, key
            assert len(on.app.screen_stack) == 1

    play(act, size=size)


def test_the_menu_works_with_arrows_and_with_the_mouse(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("x")
        assert await on.press("down", "down", "down", "enter") == [c.RestartCommand(0)]
        await on.press("x", "end", "up", "up", "home")
        assert await on.press("enter") == [c.CrashCommand(0)]
        await on.press("x")
        assert isinstance(on.app.screen, Menu)
        assert await on.click(on.app.screen.list, (4, 4)) == [c.PauseCommand(0)]
        await on.press("x")
        assert await on.press("q") == []
        assert len(on.app.screen_stack) == 1

    play(act)


# Wipe


def test_wiping_asks_for_the_name_and_cancels_by_default(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("w")
        assert isinstance(on.app.screen, WipeDialog)
        assert await on.press("enter", "enter") == []
        assert len(on.app.screen_stack) == 1
        await on.press("w", "r", "0")
        assert await on.press("enter", "enter") == []
        await on.press("w", "r", "1", "enter", "right")
        assert on.app.focused is not on.app.screen.query_one("#wipe")
        await on.press("escape", "w", "r", "0", "enter", "right")
        wipe = on.app.screen.query_one("#wipe", Button)
        assert on.app.focused is wipe
        assert "▶" in str(wipe.label)
        assert wipe.styles.text_style.reverse
        assert await on.press("enter") == [c.WipeCommand(0)]

    play(act)


# Links


def test_links_are_edited_in_place(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("3")
        assert isinstance(on.app.focused, LinksPane)
        assert on.app.view_state.link == (0, 1)
        assert await on.press("t") == [c.CutCommand(((0, 1),), "r0>r1")]
        await on.press("right", "down")
        assert on.app.view_state.link == (1, 2)
        await on.press("down")  # there is no arrow from r2 to itself, nor one below it
        assert on.app.view_state.link == (1, 2)
        await on.press("left")
        assert on.app.view_state.link == (1, 0)
        assert await on.press("plus") == [c.InjectManyCommand(((1, f.Loss(0, 5)),), "loss r1>r0 5 %")]
        await on.press("l")
        assert await on.press("2", "0", "enter") == [
            c.InjectManyCommand(((1, f.Loss(0, 20)),), "loss r1>r0 20 %")
        ]
        await on.press("d")
        await on.type("50 10")
        assert await on.press("enter") == [
            c.InjectManyCommand(((1, f.Delay(0, 50, 10)),), "delay r1>r0 50 ms +10")
        ]
        on.story.fault(1, f.Cut(0))
        assert await on.press("t") == [c.JoinCommand(((1, 0),), "r1>r0")]

    play(act)


def test_both_ways_acts_on_the_way_back_too(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("3", "y")
        assert await on.press("t") == [c.CutCommand(((0, 1), (1, 0)), "r0-r1")]
        await on.press("l")
        assert await on.press("5", "enter") == [
            c.InjectManyCommand(((0, f.Loss(1, 5)), (1, f.Loss(0, 5))), "loss r0-r1 5 %")
        ]
        await on.press("y")
        assert await on.press("t") == [c.CutCommand(((0, 1),), "r0>r1")]

    play(act)


def test_a_click_selects_the_arrow_and_enter_opens_its_menu(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("3")
        pane = on.app.query_one(LinksPane)
        width = (pane.size.width - 5) // 3
        await on.click(pane, (5 + 2 * min(18, width) + 1, 2 + pane.gutter.top))
        assert on.app.view_state.link == (1, 2)
        await on.press("enter")
        kinds = ("cut", "delay", "loss", "duplicate", "reorder")
        assert await on.press("0") == [
            c.CompoundCommand(tuple(c.ClearCommand((1, 2), kind) for kind in kinds), "straighten r1>r2")
        ]
        await on.press("enter", "D")
        assert await on.press("9", "enter") == [
            c.InjectManyCommand(((1, f.Duplicate(2, 9)),), "duplicate r1>r2 9 %")
        ]

    play(act, size=(80, 24))


@pytest.mark.parametrize("n", [1, 3, 9])
def test_links_and_presets_of_any_size(play: Play, n: int) -> None:
    async def act(on: Played) -> None:
        keys = ["3", "t", "plus", "minus", "down", "up", "left", "right", "y", "t"]
        await on.press(*keys)
        await on.press("P")
        if n == 1:
            assert on.said == "one replica has no links"
            return
        assert isinstance(on.app.screen, PresetMenu)
        for _ in range(6):
            await on.press("down")
        await on.press("escape")
        assert len(on.app.screen_stack) == 1

    play(act, n=n)


def test_presets_are_shown_before_they_are_applied(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("P", "down", "down", "down", "down", "down")
        screen = on.app.screen
        assert isinstance(screen, PresetMenu)
        shown = "\n".join("".join(text for text, _ in row) for row in screen.preview._rows)
        assert shown.count("CUT") == 10
        assert "cuts 10 arrows" in shown
        (cut,) = await on.press("enter")
        assert isinstance(cut, c.CutCommand)
        assert cut.name == "preset ring"
        assert len(cut.links) == 10
        await on.press("P")
        (cut,) = await on.press("1")
        assert c.words(cut) == "preset leader-alone"

    play(act, n=5)


# Replicas and faults


def test_faults_are_undone_by_their_numbers(play: Play) -> None:
    async def act(on: Played) -> None:
        first = on.story.fault(0, f.Loss(1, 20))
        await on.look()
        second = on.story.fault(1, f.Delay(0, 50))
        on.story.down(2)
        await on.look()
        pane = on.app.query_one(FaultsPane)
        pane.focus()
        await on.pilot.pause()
        lines = on.text("faults").splitlines()
        assert [line.split()[0] for line in lines] == [f"#{second}", "x", f"#{first}"]
        assert await on.press("enter") == [c.UndoCommand(second)]
        assert await on.press("down", "delete") == [c.RestartCommand(2)]
        assert await on.press("end", "delete") == [c.UndoCommand(first)]
        await on.click(pane, (3, 1))
        assert await on.press("enter") == [c.UndoCommand(second)]

    play(act)


def test_replicas_are_selected_by_arrows_and_mouse(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("2")
        pane = on.app.query_one(ReplicasPane)
        assert on.app.focused is pane
        await on.press("down")
        assert await on.press("c") == [c.CrashCommand(1)]
        await on.press("k", "k")
        assert await on.press("c") == [c.CrashCommand(2)]
        await on.click(pane, (3, pane.gutter.top))
        assert await on.press("c") == [c.CrashCommand(0)]
        await on.press("enter")
        assert isinstance(on.app.screen, FaultMenu)

    play(act, size=(100, 30))


# The palette


def test_words_are_typed_completed_and_run(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("colon")
        await on.type("crash r2")
        assert await on.press("enter") == [c.CrashCommand(2)]
        await on.press("ctrl+p", "h", "e", "a", "tab")
        assert on.app.screen.query_one(Input).value == "heal"
        assert await on.press("enter") == [c.HealCommand()]
        await on.press("colon")
        await on.type("los")
        await on.press("tab")
        await on.type("r0>r2 2")
        assert await on.press("0", "enter") == [c.InjectManyCommand(((0, f.Loss(2, 20)),), "loss r0>r2 20 %")]

    play(act)


def test_a_name_that_is_begun_is_completed_by_enter(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("colon", "h", "e", "a")
        assert await on.press("enter") == [c.HealCommand()]
        await on.press("colon", "e", "l", "e")
        assert await on.press("enter") == []
        assert on.app.screen.query_one(Input).value == "elect "
        assert await on.press("r", "1", "enter") == [c.ElectCommand(1)]

    play(act)


def test_what_is_wrong_is_said_and_the_line_stays(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("colon")
        await on.type("crash r9")
        assert await on.press("enter") == []
        screen = on.app.screen
        assert isinstance(screen, Palette)
        assert "there is no replica r9; they are r0 r1 r2" in screen.meaning.problem
        assert await on.press("backspace", "1", "enter") == [c.CrashCommand(1)]

    play(act)


def test_the_history_comes_back_with_up(play: Play) -> None:
    async def act(on: Played) -> None:
        for text in ("crash r2", "heal"):
            await on.press("colon")
            await on.type(text)
            await on.press("enter")
        await on.press("colon", "up")
        assert on.app.screen.query_one(Input).value == "heal"
        await on.press("up")
        assert on.app.screen.query_one(Input).value == "crash r2"
        await on.press("down")
        assert on.app.screen.query_one(Input).value == "heal"
        assert await on.press("up", "enter") == [c.CrashCommand(2)]
        assert on.app.preferences.commands == ["crash r2", "heal", "crash r2"]

    play(act)


def test_words_change_the_view_too(play: Play) -> None:
    async def act(on: Played) -> None:
        for text in ("view links", "select r2", "as r1", "freeze", "theme light", "filter open"):
            await on.press("colon")
            await on.type(text)
            await on.press("enter")
        assert on.app.view_state.selected == 2
        assert on.app.view_state.viewer == 1
        assert on.app.view_state.frozen_at is not None
        assert on.app.view_state.styles.theme == "light"

    play(act)


def test_escape_leaves_the_palette_and_orders_nothing(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("colon")
        await on.type("crash r0")
        assert await on.press("escape") == []
        assert len(on.app.screen_stack) == 1

    play(act)


@pytest.mark.parametrize("size", SIZES)
def test_the_line_of_the_palette_is_always_on_screen(play: Play, size: tuple[int, int]) -> None:
    async def act(on: Played) -> None:
        await on.press("colon")
        line = on.app.screen.query_one(Input)
        assert line.region.y == size[1] - 1
        assert line.region.height == 1

    play(act, size=size)


# Help


@pytest.mark.parametrize(("view", "word"), [("1", "HOLE"), ("2", "promised"), ("3", "both ways")])
def test_help_is_about_the_pane_in_focus(play: Play, view: str, word: str) -> None:
    async def act(on: Played) -> None:
        await on.press(view, "question_mark")
        screen = on.app.screen
        assert isinstance(screen, Help)
        shown = "\n".join("".join(text for text, _ in row) for row, _ in screen.page._lines(80))
        assert word in shown
        assert "heal all" in shown
        for key in ("escape", "f1", "question_mark"):
            assert len(on.app.screen_stack) == 2
            await on.press(key)
            assert len(on.app.screen_stack) == 1
            await on.press("f1")

    play(act)


def test_help_can_be_scrolled_on_a_small_screen(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("question_mark")
        screen = on.app.screen
        assert isinstance(screen, Help)
        await on.press("end")
        assert screen.page.top + screen.page.size.height == screen.page.count()
        await on.press("home")
        assert screen.page.top == 0

    play(act, size=(60, 15))


def test_words_from_replicas_are_never_markup(play: Play) -> None:
    async def act(on: Played) -> None:
        on.story.down(2, "[bold red]boom[/] \x1b[2J")
        await on.look()
        await on.press("2")
        assert "[bold red]boom[/] ␛[2J" in on.text("replicas")

    play(act, size=(100, 30))


def test_the_title_of_each_view_begins_with_its_key(play: Play) -> None:
    async def act(on: Played) -> None:
        for number, name in enumerate(VIEWS, start=1):
            await on.press(str(number))
            await on.look()
            assert str(on.app.query_one(f"#{name}").border_title).startswith(f"{number} {name}")
            await on.press("escape")

    play(act, size=(80, 24))
