"""What people who used the console ran into: keys, menus, notices and dialogs on the whole app."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec import structs
from textual.widgets import Button, Input

from paxtui.console import commands as c
from paxtui.console.actions.surfaces import fault_items
from paxtui.console.preferences import Preferences
from paxtui.console.rows.text import plain
from paxtui.console.widgets.faultmenu import FaultMenu
from paxtui.console.widgets.menu import Menu
from paxtui.console.widgets.palette import Palette
from paxtui.console.widgets.pane import Pane
from paxtui.wire import faults as f
from tests.console.pilot import Played
from tests.console.story import cluster

Play = Callable[..., None]


def shown(pane: Pane) -> list[str]:
    """The lines of a pane, as wide as it is."""
    return [plain(row) for row in pane._rows[: pane.size.height]]


# Left and right


@pytest.mark.parametrize("view", ["1", "2", "4", "5", "6"])
def test_left_and_right_select_a_replica_in_every_view_that_has_no_cursor_of_its_own(
    play: Play, view: str
) -> None:
    async def act(on: Played) -> None:
        await on.press(view)
        if view == "5":
            await on.press("escape")  # from the line to the conversation
        await on.press("right")
        assert await on.press("c") == [c.CrashCommand(1)]
        await on.press("h", "left")
        assert await on.press("c") == [c.CrashCommand(2)]

    play(act, size=(80, 24))


def test_left_and_right_move_within_a_text_that_is_typed(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("i")
        await on.type("ab")
        await on.press("left", "x")
        assert on.app.view_state.selected == 0
        assert await on.press("enter") == [c.AppendCommand("axb", None)]

    play(act)


# Find and filter


def test_a_key_filters_and_find_names_it(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("slash")
        assert "\\ shows only what matches" in on.app.screen.query_one(Input).placeholder
        await on.press("escape", "backslash")
        await on.type("message 7")
        await on.press("enter")
        await on.look()
        log = on.text("log")
        assert "message 7" in log
        assert "message 6" not in log
        await on.press("backslash")
        assert on.app.screen.query_one(Input).value == "message 7"
        await on.press("escape")
        await on.look()
        assert "message 6" not in on.text("log")
        await on.press("escape")
        await on.look()
        assert "message 6" in on.text("log")

    play(act, size=(80, 24))


# The menu of faults


def test_all_of_the_menu_and_its_buttons_fit_80x24(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("x")
        menu = on.app.screen
        assert isinstance(menu, FaultMenu)
        lines = shown(menu.list)
        items = fault_items(on.app.view_state)
        assert len(lines) == len(items)
        for line, item in zip(lines, items, strict=True):
            assert item.label in line
            assert item.what in line, item
        assert any("leader dies with a majority; the next must find it" in line for line in lines)
        assert all(button.region.bottom <= 24 for button in menu.query(Button))
        assert menu.query_one(".box").border_subtitle == "enter or a key chooses, esc closes"

    play(act, size=(80, 24))


def test_a_menu_that_does_not_fit_says_how_much_is_left(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("x")
        menu = on.app.screen
        assert isinstance(menu, Menu)
        hidden = menu.list.count() - menu.list.size.height
        assert hidden > 0
        box = menu.query_one(".box")
        assert str(box.border_subtitle).startswith(f"v {hidden} more")
        await on.press("end")
        assert str(box.border_subtitle).startswith(f"^ {hidden} more")
        assert await on.press("A") == [c.CrashDecidingCommand(0)]

    play(act, size=(60, 15))


# The palette


LONG = (
    "Only one replica, not the leader, still reaches everybody. The old leader notices that it has lost "
    "its majority, and the hub takes over."
)


@pytest.mark.parametrize("size", [(80, 24), (60, 15)])
def test_what_does_not_fit_beside_a_name_is_shown_in_full_below_the_list(
    play: Play, size: tuple[int, int]
) -> None:
    async def act(on: Played) -> None:
        on.driver.scenarios = [("chained", "short"), ("quorum-loss", LONG)]
        await on.press("colon")
        await on.type("scenario ")
        await on.pilot.pause()
        screen = on.app.screen
        assert isinstance(screen, Palette)
        lines = len(shown(screen.meaning))
        assert "short" in " ".join(shown(screen.meaning))
        await on.press("down")
        text = " ".join(" ".join(shown(screen.meaning)).split())
        assert LONG in text
        assert len(shown(screen.meaning)) == lines  # nothing moves while one looks through the list
        assert screen.line.region.y == size[1] - 1
        assert screen.offers.region.height >= 3

    play(act, size=size)


def test_a_long_complaint_is_not_cut(play: Play) -> None:
    async def act(on: Played) -> None:
        on.driver.scenarios = [(f"scenario-number-{number}", "") for number in range(9)]
        await on.press("colon")
        await on.type("scenario nope")
        await on.press("enter")
        screen = on.app.screen
        assert isinstance(screen, Palette)
        assert "scenario-number-8 are" in " ".join(shown(screen.meaning))

    play(act, size=(80, 24))


def test_one_line_for_several_replicas_is_one_deed(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("colon")
        await on.type("crash  r0,r2")
        assert await on.press("enter") == [
            c.CompoundCommand((c.CrashCommand(0), c.CrashCommand(2)), "crash r0,r2")
        ]

    play(act)


# Notices


def test_a_long_notice_takes_the_lines_that_it_needs_and_gives_them_back(play: Play) -> None:
    async def act(on: Played) -> None:
        text = "r1 stays down: only whoever started it can start it, r here cannot either; " * 2
        on.app.notify_line(text)
        on.app.tick()
        await on.pilot.pause()
        keys = on.app.query_one("#keys", Pane)
        assert keys.region.height == 2
        assert keys.region.bottom == 24
        assert " ".join(" ".join(shown(keys)).split()) == text.strip()
        on.story.later(30)
        on.app.tick()
        await on.pilot.pause()
        assert keys.region.height == 1

    play(act, size=(80, 24))


# Holes


def test_n_means_the_hole_also_from_a_slot_that_waits_for_it(play: Play) -> None:
    async def act(on: Played) -> None:
        slots = on.story.propose(["below", "above"])
        for id in range(3):
            on.story.vote(id, slots[1:])
        for each in on.story.model.replicas:
            each.learned.assign(slots[1], slots[1] + 1, on.story.ballot)
            each.accepted.clear(slots[0], slots[1])
        await on.press("g")
        await on.type(str(slots[1]))
        await on.press("enter")
        assert on.app.view_state.slot == slots[1]
        assert await on.press("S") == [c.FillHoleCommand(slots[0])]

    play(act)


# Attaching from inside


def test_attaching_ends_a_console_that_started_nothing(play: Play) -> None:
    async def act(on: Played) -> None:
        other = cluster(5, "other")
        on.driver.options = structs.replace(on.driver.options, ours=())
        on.driver.attaching.found = other
        on.app.tick()
        await on.pilot.pause()
        assert on.app.controllers.lifecycle.onward == other
        assert not on.app.is_running or on.app._exit

    play(act)


@pytest.mark.parametrize(
    ("keys", "onward", "orders"),
    [
        (("enter",), False, []),
        (("escape",), False, []),
        (("l",), True, [c.LeaveCommand()]),
        (("s",), True, []),
        (("c",), False, []),
    ],
)
def test_attaching_asks_before_it_stops_replicas(
    play: Play, keys: tuple[str, ...], onward: bool, orders: list[c.ConsoleCommand]
) -> None:
    async def act(on: Played) -> None:
        other = cluster(5, "other")
        on.driver.attaching.found = other
        on.app.tick()
        await on.pilot.pause()
        assert [str(each.label).strip(" ▶") for each in on.app.screen.query(Button)] == [
            "Cancel",
            "Stop and attach",
            "Leave running",
        ]
        assert await on.press(*keys) == orders
        assert (on.app.controllers.lifecycle.onward == other) is onward

    play(act)


def test_attach_asks_for_the_cluster_first(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("colon")
        await on.type("attach 127.0.0.1:7500")
        assert await on.press("enter") == [c.AttachCommand("127.0.0.1:7500")]
        assert on.app.controllers.lifecycle.onward is None

    play(act, armed=False)


def test_heal_and_straighten_leave_other_links_alone(play: Play) -> None:
    async def act(on: Played) -> None:
        on.story.fault(0, f.Loss(-1, 20))
        await on.press("colon")
        await on.type("straighten r0>r1")
        (deed,) = await on.press("enter")
        assert isinstance(deed, c.CompoundCommand)
        assert c.InjectCommand(0, f.Loss(1, 0)) in deed.commands
        assert c.ClearCommand((0, 1), "loss") not in deed.commands

    play(act)


# Focus


@pytest.mark.parametrize(
    ("view", "focus"),
    [(1, "log"), (2, "replicas"), (3, "links"), (4, "metrics"), (5, "chat-lines"), (6, "events")],
)
def test_the_view_of_the_last_run_has_the_keys(play: Play, view: int, focus: str) -> None:
    async def act(on: Played) -> None:
        await on.pilot.pause()
        assert on.app.focused is not None
        assert on.app.focused.id == focus

    play(act, size=(80, 24), preferences=Preferences(view=view))


def test_the_keys_are_never_with_a_pane_that_a_smaller_screen_hides(play: Play) -> None:
    async def act(on: Played) -> None:
        on.app.query_one("#faults").focus()
        await on.pilot.pause()
        await on.pilot.resize_terminal(80, 24)
        await on.pilot.pause()
        await on.pilot.pause()
        assert on.app.focused is not None
        assert on.app.focused.id == "faults"
        assert on.app.focused.is_on_screen
        await on.press("1")
        assert on.app.focused.id == "log"
        assert on.app.focused.is_on_screen

    play(act)
