"""The key line, which shows and takes what can be done now, and the page of help, which runs keys."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from paxtui.console import commands as c
from paxtui.console.actions import surfaces
from paxtui.console.rows.legend import legend
from paxtui.console.rows.text import plain
from paxtui.console.theme.styles import GLYPHS, Styles
from paxtui.console.widgets.detail import Detail
from paxtui.console.widgets.help import Help
from paxtui.console.widgets.palette import Palette
from paxtui.wire import faults as f
from tests.console.pilot import Played

Play = Callable[..., None]

pytestmark = pytest.mark.slow


async def click_hint(on: Played, words: str) -> list[c.ConsoleCommand]:
    shown = on.text("keys")
    assert words in shown, shown
    return await on.click("#keys", (shown.index(words), 0))


def test_the_key_line_shows_the_keys_of_the_pane_in_focus(play: Play) -> None:
    async def act(on: Played) -> None:
        assert "o next open" in on.text("keys")
        assert "V level" not in on.text("keys")
        assert "n next match" not in on.text("keys")
        on.app.controllers.navigation.find("message")
        await on.look()
        on.app._shown_notice.notice = None
        on.app.redraw()
        assert "n next match" in on.text("keys")
        await on.press("6")
        await on.look()
        assert "V level" in on.text("keys")
        assert "o next open" not in on.text("keys")
        await on.press("3")
        await on.look()
        assert "l type its loss" in on.text("keys")

    play(act, size=(200, 45))


def test_the_key_line_shows_only_what_does_something_now(play: Play) -> None:
    async def act(on: Played) -> None:
        shown = on.text("keys")
        assert "u undo" not in shown
        assert "U redo" not in shown
        assert "W heal" not in shown
        assert "c crash" in shown
        on.story.fault(0, f.Loss(-1, 20))
        on.app.view_state.next_undo, on.app.view_state.next_redo = "loss r0>* 20 %", "crash r1"
        on.app.redraw()
        shown = on.text("keys")
        assert "u undo loss r0>* 20 %" in shown
        assert "U redo crash r1" in shown
        assert "W heal" in shown
        on.story.model.process(0, "down", on.story.now)
        await on.press("space")
        await on.look()
        shown = on.text("keys")
        assert "c crash" not in shown
        assert "r start it again" in shown
        assert "spc go on" in shown

    play(act, size=(240, 39))  # where buttons say their keys, the line does not


def test_a_read_only_key_line_has_no_key_that_acts(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("3")
        await on.look()
        shown = on.text("keys")
        assert "l type its loss" not in shown
        assert "x fault" not in shown
        assert ":arm lets keys act" in shown
        await click_hint(on, ":arm")
        assert on.app.view_state.armed

    play(act, size=(200, 45), armed=False)


def test_a_hint_can_be_clicked(play: Play) -> None:
    async def act(on: Played) -> None:
        assert await click_hint(on, "c crash") == [c.CrashCommand(0)]
        await click_hint(on, ": command")
        assert isinstance(on.app.screen, Palette)
        await on.press("escape")
        await click_hint(on, "? help")
        assert isinstance(on.app.screen, Help)

    play(act, size=(160, 39))


def test_the_palette_counts_groups_and_says_when_nothing_matches(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("colon")
        palette = on.app.screen
        assert isinstance(palette, Palette)
        every = len(surfaces.verbs())

        def shown() -> str:
            rows = [*palette.offers._rows, *palette.meaning._rows]
            return "\n".join(plain(row) for row in rows)

        assert f"{every} commands" in shown()
        assert "cluster" in shown()
        await on.type("partition")
        await on.pilot.pause()
        assert "cut r0>r2" in shown()
        assert f"2 of {every} commands" in shown()
        await on.type("xyz")
        await on.pilot.pause()
        assert f"no command is about 'partitionxyz'; there are {every}" in shown()

    play(act, size=(100, 30))


def shown_help(on: Played) -> str:
    assert isinstance(on.app.screen, Help)
    page = on.app.screen.page
    return "\n".join(plain(page.line(at, page.size.width, chosen=False)) for at in range(page.count()))


def test_help_is_filtered_by_what_is_typed_and_enter_runs_the_key(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("question_mark")
        whole = shown_help(on)
        for group in ("In this pane", "Cluster", "Log", "View", "Console"):
            assert group in whole
        await on.type("kill process")
        found = shown_help(on)
        assert "crash replica" in found
        assert "maximise" not in found
        assert await on.press("enter") == [c.CrashCommand(0)]
        assert len(on.app.screen_stack) == 1
        await on.press("question_mark")
        await on.type("next open")
        await on.press("enter")
        assert "is open or maybe" in on.said
        await on.press("question_mark")
        await on.type("nothing of the kind")
        assert "nothing here matches" in shown_help(on)
        assert await on.press("enter") == []
        await on.press("question_mark")
        assert len(on.app.screen_stack) == 1

    play(act)


@pytest.mark.parametrize("size", [(160, 45), (80, 24), (60, 15)])
def test_arrows_point_at_keys_in_help(play: Play, size: tuple[int, int]) -> None:
    async def act(on: Played) -> None:
        await on.press("question_mark")
        screen = on.app.screen
        assert isinstance(screen, Help)
        assert await on.press("enter") == []
        assert len(on.app.screen_stack) == 2
        for _ in range(40):
            screen.page.step(1)
        assert screen.page.pointed is not None
        key = screen.page.pointed.title
        await on.press("up", "down")
        assert screen.page.pointed.title == key
        index = next(at for at, (_, each) in enumerate(screen.page._made) if each is screen.page.pointed)
        assert screen.page.top <= index < screen.page.top + screen.page.size.height

    play(act, size=size)


def test_the_signs_are_one_key_away(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("f3")
        assert isinstance(on.app.screen, Detail)
        await on.press("escape", "6", "f3")
        assert isinstance(on.app.screen, Detail)

    play(act, size=(80, 24))


@pytest.mark.parametrize("ascii", [False, True])
def test_the_signs_are_those_of_the_theme(*, ascii: bool) -> None:
    text = "\n".join(plain(row) for row in legend(Styles(ascii=ascii), 80))
    for name in ("learned", "accepted", "older", "no-op", "lost", "queued", "applied"):
        assert f"  {GLYPHS[name][ascii]} " in text


def test_the_keys_of_a_pane_in_help_are_its_own(play: Play) -> None:
    async def act(on: Played) -> None:
        assert [each.key for each in surfaces.help_keys(on.app.log_pane.own_keys)][:3] == ["enter", "o", "O"]

    play(act)
