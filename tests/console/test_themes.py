"""A change of theme leaves nothing of the theme before it on the screen."""

from __future__ import annotations

import asyncio

import pytest

from paxtui.console.theme.styles import PALETTES, Styles
from tests.console.pilot import Played, played


def drawn(on: Played) -> list[list[tuple[str, str]]]:
    """The screen, as text and style."""
    strips = on.app.screen._compositor.render_strips()
    return [[(text, str(style)) for text, style, _ in strip.simplify()] for strip in strips]


async def shown(on: Played) -> list[list[tuple[str, str]]]:
    """The screen without its last line, in which the change is told."""
    await on.look()
    await on.pilot.pause()
    return drawn(on)[:-1]


@pytest.mark.slow
def test_a_theme_looks_the_same_whatever_was_there_before() -> None:
    async def main() -> None:
        expected = {}
        for name in PALETTES:
            async with played(look=Styles(name)) as on:
                expected[name] = await shown(on)
        async with played(look=Styles("dark")) as on:
            await shown(on)
            for name in (*list(PALETTES)[1:], "ansi", "dark", "no-color", "dark"):
                on.app.set_theme(name)
                await on.pilot.pause()
                # No pane is asked to look again: what nothing happens in is drawn anew, too.
                assert drawn(on)[:-1] == expected[name], name

    asyncio.run(main())
