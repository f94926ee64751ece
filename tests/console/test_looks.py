"""Themes: everything can be told from its ground, with colours and without."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from rich.style import Style

from paxtui.console.theme.styles import PALETTES, Styles
from paxtui.console.theme.textual_themes import ANSI_NAMES, GROUNDS
from paxtui.console.widgets.menu import Menu
from paxtui.wire.telemetry import VotedView
from tests.console.pilot import Played

Play = Callable[..., None]
Colour = tuple[int, int, int]

WORDS = ("text", "dim", "strong", "title", "key", "good", "warn", "bad", "leader", "self")
"""Styles of what is read, not only looked at."""


def luminance(colour: Colour) -> float:
    """As WCAG 2 defines it."""
    parts = [each / 255 for each in colour]
    linear = [each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Colour, other: Colour) -> float:
    """From 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def of_hex(colour: str) -> Colour:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue


def colours(style: Style) -> tuple[Colour | None, Colour | None]:
    """Foreground and background, where they are set."""
    return (
        tuple(style.color.get_truecolor()) if style.color is not None else None,  # type: ignore[return-value]
        tuple(style.bgcolor.get_truecolor()) if style.bgcolor is not None else None,
    )


@pytest.mark.parametrize("theme", sorted(GROUNDS))
def test_everything_can_be_told_from_its_ground(theme: str) -> None:
    ground, _, _, panel, _ = GROUNDS[theme]
    _, cursor = colours(Style.parse(PALETTES[theme]["cursor"]))
    assert cursor is not None
    for name, text in PALETTES[theme].items():
        front, back = colours(Style.parse(text)) if text else (None, None)
        if front is None or name == "rule":
            continue
        grounds = [back] if back is not None else [of_hex(ground), of_hex(panel), cursor]
        worst = min(contrast(front, each) for each in grounds)
        assert worst >= 2.9, (name, worst)
        if name in WORDS:
            assert contrast(front, grounds[0]) >= 4.5, name


@pytest.mark.parametrize("theme", sorted(PALETTES))
def test_a_broken_rule_can_be_read_in_the_header_of_every_theme(play: Play, theme: str) -> None:
    async def act(on: Played) -> None:
        slots = on.story.propose(["this"])
        on.story.vote(1, slots)
        on.story.tell(2, VotedView(on.story.ballot, slots[0], 1, "f" * 16))
        await on.look()
        strip = on.app.query_one("#header").render_line(0)
        seen = 0
        for text, style, _ in strip:
            if style is None or not text.strip():
                continue
            front, back = style.color, style.bgcolor
            if style.reverse:
                front, back = back, front
            assert front is not None
            assert front != back or front.is_default, (text, style)
            assert style.bold
            seen += 1
        assert seen
        assert "VIOLATED" in strip.text

    play(act, styles=Styles(theme))


@pytest.mark.parametrize("theme", ANSI_NAMES)
def test_what_is_below_a_dialog_stays_on_screen_where_colours_cannot_be_mixed(play: Play, theme: str) -> None:
    async def act(on: Played) -> None:
        await on.press("x")
        assert isinstance(on.app.screen, Menu)
        drawn = on.app.screen._compositor.render_strips()
        text = "\n".join(strip.text for strip in drawn)
        assert "crash replica" in text
        assert "message 9" in on.app.export_screenshot().replace("&#160;", " ")

    play(act, styles=Styles(theme))


def test_a_theme_brings_its_own_ground_also_if_another_one_was_taken_first(play: Play) -> None:
    """Light text on the ground of a terminal that is white could not be read."""

    async def act(on: Played) -> None:
        for theme in ("dark", "ansi", "light", "no-color", "dark"):
            on.app.controllers.view.use_theme(theme)
            await on.pilot.pause()
            assert on.app.native_ansi_color == (theme in ANSI_NAMES)
            ground = on.app.screen.styles.background
            assert (ground.ansi is not None) == (theme in ANSI_NAMES), theme

    play(act, styles=Styles("ansi"))


@pytest.mark.parametrize(
    ("styles", "brackets"),
    [
        (Styles(), False),
        (Styles("light"), False),
        (Styles(few_colours=True), True),
        (Styles("ansi"), True),
        (Styles("no-color"), True),
    ],
)
def test_what_is_pressed_or_typed_into_has_brackets_where_its_ground_is_lost(
    play: Play, styles: Styles, brackets: bool
) -> None:
    async def act(on: Played) -> None:
        assert ("[c Crash replica]" in drawn(on)) == brackets
        assert "c Crash replica" in drawn(on)
        assert bool(re.search(r"\[ ?write here +\]", drawn(on))) == brackets
        await on.press("colon")
        assert bool(re.search(r": +\[ +\]", drawn(on))) == brackets
        await on.press("escape", "w")
        assert ("[▶ Cancel]" in drawn(on) or "[  Cancel]" in drawn(on)) == brackets
        assert bool(re.search(r"allow it: +\[ +\]", drawn(on))) == brackets

    play(act, styles=styles)


def test_brackets_come_and_go_with_the_theme(play: Play) -> None:
    async def act(on: Played) -> None:
        on.app.controllers.view.use_theme("ansi")
        await on.pilot.pause()
        await on.look()
        assert "[c Crash replica]" in drawn(on)
        on.app.controllers.view.use_theme("dark")
        await on.pilot.pause()
        await on.look()
        assert "[c Crash replica]" not in drawn(on)

    play(act)


def test_what_a_button_does_is_not_told_a_second_time_by_the_key_line(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.look()
        keys = on.text("keys")
        for words in ("c crash", "r restart", "p pause", "t cut", "W heal", "C crash proposer"):
            assert words not in keys
        assert "spc freeze" in keys
        await on.pilot.resize_terminal(100, 30)
        await on.look()
        assert "c crash" in on.text("keys")

    play(act)


def drawn(on: Played) -> str:
    return "\n".join(strip.text for strip in on.app.screen._compositor.render_strips())
