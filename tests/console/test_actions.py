"""One table of actions: every place in which an action is offered is made of its row."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator

import pytest
from textual.binding import Binding
from textual.widget import Widget
from textual.widgets import Button

import paxtui.console
from paxtui.console.actions import surfaces, table
from paxtui.console.actions.spec import ActionSpec
from paxtui.console.command_line import Context, OperandError, parse, suggest
from paxtui.console.rows.keys import TRIES, hint_rows
from paxtui.console.rows.text import plain
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.help import Help
from paxtui.console.widgets.log import LogPane
from paxtui.console.widgets.menu import Menu
from paxtui.console.widgets.pane import Pane
from tests.console.pilot import Played
from tests.console.story import Story

Play = Callable[..., None]


def without(name: str) -> tuple[ActionSpec, ...]:
    found = tuple(spec for spec in table.ACTIONS if spec.name != name)
    assert len(found) == len(table.ACTIONS) - 1
    return found


def places(on: Played) -> dict[str, str]:
    """What of ``crash replica`` is on the screen: buttons, and the key line where there are none."""
    buttons = " ".join(str(each.label) for each in on.app.query(Button))
    line = " ".join(f"{hint.name} {hint.words}" for hint in surfaces.hints(on.app.view_state))
    return {"key line": line, "buttons": buttons}


def test_an_action_is_in_every_place(play: Play) -> None:
    async def act(on: Played) -> None:
        found = places(on)
        assert "c crash" in found["key line"]
        assert "Crash replica" in found["buttons"]
        assert await on.press("c")
        await on.press("question_mark")
        assert isinstance(on.app.screen, Help)
        assert ("c", "crash replica") in [each[:2] for each in on.app.screen.page.keys]
        await on.press("escape", "x")
        assert isinstance(on.app.screen, Menu)
        assert "crash" in [item.id for item in on.app.screen.list.items]
        assert await on.press("c")
        await on.press("colon")
        await on.type("crash r1")
        assert await on.press("enter")
        assert "| `c` | `:crash` |" in surfaces.guide_rows()

    play(act)


def test_without_its_row_an_action_is_nowhere(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "ACTIONS", without("crash"))

    async def act(on: Played) -> None:
        found = places(on)
        assert "c crash" not in found["key line"]
        assert "r restart" in found["key line"]
        assert "Crash replica" not in found["buttons"]
        assert "Restart" in found["buttons"]
        assert await on.press("c") == []
        await on.press("question_mark")
        assert isinstance(on.app.screen, Help)
        assert "crash replica" not in [each.title for each in on.app.screen.page.keys]
        await on.press("escape", "x")
        assert isinstance(on.app.screen, Menu)
        assert "crash" not in [item.id for item in on.app.screen.list.items]
        await on.press("escape", "colon")
        await on.type("crash r1")
        assert await on.press("enter") == []
        assert "`:crash`" not in surfaces.guide_rows()

    play(act)


def test_a_key_of_one_pane_goes_with_its_row(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "ACTIONS", without("goto"))

    async def act(on: Played) -> None:
        assert isinstance(on.app.focused, LogPane)
        await on.press("g")
        assert len(on.app.screen_stack) == 1
        await on.press("slash")
        assert len(on.app.screen_stack) == 2

    play(act)


def test_commands_that_can_be_typed_are_those_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "ACTIONS", without("heal"))
    context = Context(Story(3).up().model, surfaces.verbs())
    assert "heal" not in [each.text for each in suggest("", context)]
    with pytest.raises(OperandError, match="'heal' is no command"):
        parse("heal", context)


def console_classes() -> Iterator[type[object]]:
    for found in pkgutil.walk_packages(paxtui.console.__path__, "paxtui.console."):
        for value in vars(importlib.import_module(found.name)).values():
            if inspect.isclass(value) and value.__module__ == found.name:
                yield value


def keys_of_the_table() -> set[str]:
    return {key for spec in table.ACTIONS for key in (*spec.keys.split(","), *spec.priority_keys.split(","))}


SHARED = {
    "LogPane": {"escape"},
    "ChatInput": {"escape"},
    "LinePrompt": {"escape"},
    "LinksPane": {"h", "l", "left", "right", "y"},
    "ReplicasPane": {"h", "l", "left", "right"},
    "QuestionDialog": {"escape", "left", "right"},
    "WipeDialog": {"escape", "left", "right"},
    "Menu": {"escape", "q"},
    "Detail": {"escape", "q"},
    "Help": {"escape", "f1"},
    "DetailPage": {"g", "space"},
    "Palette": {"escape", "ctrl+p"},
    "Words": {"tab"},
}
"""Keys of the table that move a cursor or a page in these, close these, edit a link or complete a word."""


def test_no_key_of_the_table_is_bound_anywhere_else() -> None:
    for each in console_classes():
        own = each.__dict__.get("BINDINGS", ()) if issubclass(each, Widget) else ()
        keys = {key for binding in own for key in binding.key.split(",")}
        assert keys & keys_of_the_table() <= SHARED.get(each.__name__, set()), each


def test_nobody_else_has_words_for_an_action() -> None:
    for each in console_classes():
        for binding in each.__dict__.get("BINDINGS", ()) if issubclass(each, Widget) else ():
            assert isinstance(binding, Binding)
            assert "perform" not in binding.action or binding.action == "app.perform('fault-menu')", each


def test_names_keys_and_places_are_unique() -> None:
    actions = table.ACTIONS
    assert len({spec.name for spec in actions}) == len(actions)
    for pane in ("", "lines", "log", "links"):
        keys = [binding.key for binding in surfaces.bindings(pane)]
        assert len(set(keys)) == len(keys)
    for field in ("menu", "link_menu"):
        keys = [getattr(spec, field) for spec in actions if getattr(spec, field)]
        assert len(set(keys)) == len(keys)
    story = Story(3).up()
    view_state = ViewState(story.model, Styles(), lambda: story.now)
    for view_state.armed in (True, False):
        assert len(surfaces.hints(view_state)) > 6


LOOKS_BESIDE = {"fault-menu", "chat"}
"""Actions on the cluster whose key only opens something to choose from or to write in."""

SHIFTED = dict(zip("1234567890-=;\\/,.'[]`", '!@#$%^&*()_+:|?<>"{}~', strict=True))
"""What shift makes of the keys that are no letters, on a keyboard of the United States."""


def breaking_and_looking_keys() -> tuple[set[str], set[str]]:
    """Keys that act on the cluster at once, anywhere, and keys that only look; what asks is neither."""
    names = {name: key for key, name in surfaces.KEY_NAMES.items()} | {"=": "equals_sign"}
    characters = {name: character for character, name in names.items()}
    breaking, looking = set[str](), set[str]()
    for spec in table.ACTIONS:
        keys = {characters.get(key, key) for key in spec.keys.split(",")}
        if not spec.armed or spec.name in LOOKS_BESIDE:
            looking |= keys
        elif not spec.title.endswith("..."):
            breaking |= keys
    for each in console_classes():
        if issubclass(each, Pane):
            looking |= {
                key for binding in each.__dict__.get("BINDINGS", ()) for key in binding.key.split(",")
            }
    return breaking, looking - {""}


def test_no_key_that_breaks_differs_by_shift_alone_from_one_that_looks() -> None:
    breaking, looking = breaking_and_looking_keys()
    assert {"c", "t", "W", "S"} <= breaking
    assert {"n", "h", "l", "K", "V", "?"} <= looking
    pairs = SHIFTED | {shifted: key for key, shifted in SHIFTED.items()}
    for key in breaking:
        assert pairs.get(key, key.swapcase() if len(key) == 1 else "") not in looking, key


def test_every_row_says_what_it_does_and_can_be_reached() -> None:
    for spec in table.ACTIONS:
        assert spec.title
        assert spec.help
        assert not spec.help.endswith(".")
        assert spec.keys or spec.priority_keys or spec.menu or spec.link_menu or spec.usage, spec.name
        assert bool(spec.usage) == (spec.meaning is not None), spec.name
        if spec.menu or spec.button or spec.priority_keys:
            assert spec.run is not None, spec.name
        if spec.keys:
            assert spec.run or spec.run_key or spec.own, spec.name
        if spec.toggle is not None:
            assert surfaces.named(spec.toggle.back)


def test_the_table_of_the_guide_is_markdown_with_one_row_an_action() -> None:
    lines = surfaces.guide_rows().splitlines()
    assert len(lines) == len(table.ACTIONS) + 2
    assert {line.replace("\\|", "").count("|") for line in lines} == {4}


def test_hints_of_an_empty_log_name_the_keys_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(3).up()
    view_state = ViewState(story.model, Styles(), lambda: story.now)
    assert len(hint_rows(view_state, surfaces.first_keys(), 80)) == 2 + len(TRIES)
    monkeypatch.setattr(table, "ACTIONS", without("skip"))
    shown = "\n".join(plain(row) for row in hint_rows(view_state, surfaces.first_keys(), 80))
    assert "skip a slot" not in shown
    assert "type a message" in shown
