"""The whole app without a terminal and without replicas."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input

from paxtui.console import commands as c
from paxtui.console.app import ConsoleApp
from paxtui.console.driver.taping import Taping
from paxtui.console.preferences import Preferences
from paxtui.console.rows.text import plain
from paxtui.console.theme.styles import Styles
from paxtui.console.widgets.pane import Pane
from tests.console.story import FakeDriver, Story


class Played:
    """A running app, and the hand that presses its keys."""

    def __init__(self, app: ConsoleApp, driver: FakeDriver, pilot: Pilot[int]) -> None:
        self.app = app
        self.driver = driver
        self.pilot = pilot

    @property
    def story(self) -> Story:
        """What the replicas tell."""
        return self.driver.story

    async def press(self, *keys: str) -> list[c.ConsoleCommand]:
        """Press keys; what was ordered by it."""
        self.driver.taken()
        await self.pilot.press(*keys)
        await self.pilot.pause()
        return self.driver.taken()

    async def at_once(self, *keys: str) -> list[c.ConsoleCommand]:
        """Keys that come together, as from a fast hand or a busy machine; what was ordered by it."""
        self.driver.taken()
        driver = self.app._driver
        assert driver is not None
        for key in keys:
            event = Key(key, key if len(key) == 1 else {"space": " ", "colon": ":"}.get(key))
            event.set_sender(self.app)
            driver.send_message(event)
        await self.pilot.pause()
        await self.pilot.pause()
        return self.driver.taken()

    async def type(self, text: str) -> None:
        """Type into the line that has the focus. Each key takes Textual's pilot 60 ms, so only the last is
        pressed."""
        line = self.app.focused
        assert isinstance(line, Input)
        line.insert_text_at_cursor(text[:-1])
        await self.pilot.press({" ": "space"}.get(text[-1], text[-1]))

    async def click(self, selector: Any, offset: tuple[int, int] = (0, 0)) -> list[c.ConsoleCommand]:
        """Click into a widget; what was ordered by it."""
        self.driver.taken()
        await self.pilot.click(selector, offset=offset)
        await self.pilot.pause()
        return self.driver.taken()

    async def look(self) -> None:
        """Let the app look at what the story told."""
        self.app.redraw()
        await self.pilot.pause()

    def text(self, id: str) -> str:
        """What a pane shows."""
        pane = self.app.screen_stack[0].query_one(f"#{id}", Pane)
        return "\n".join(plain(pane._rows[y]) for y in range(len(pane._rows)))

    @property
    def said(self) -> str:
        """The last notice."""
        self.app.tick()
        return self.app.notice.text if self.app.notice is not None else ""


@asynccontextmanager
async def played(
    n: int = 3,
    size: tuple[int, int] = (160, 45),
    *,
    messages: int = 10,
    armed: bool = True,
    styles: Styles | None = None,
    preferences: Preferences | None = None,
    taped: bool = False,
) -> AsyncIterator[Played]:
    """All replicas serve, r0 leads, and ``messages`` slots are applied."""
    driver = FakeDriver(n)
    driver.taping = Taping(driver.own) if taped else None
    driver.story.up()
    if messages:
        driver.story.choose(f"message {number}" for number in range(messages))
    app = ConsoleApp(driver, styles or Styles(), preferences or Preferences())
    app.view_state.armed = armed
    try:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            yield Played(app, driver, pilot)
    finally:
        if driver.taping is not None:
            driver.taping.close()
