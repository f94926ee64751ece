"""The dialogs that controllers ask for, opened above the app's panes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from textual.app import App

from paxtui.console.actions import surfaces
from paxtui.console.actions.ports import Answered
from paxtui.console.command_line import Context
from paxtui.console.rows.legend import legend
from paxtui.console.rows.panes import pane_items
from paxtui.console.rows.text import Row
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.ask import LinePrompt, QuestionDialog
from paxtui.console.widgets.detail import Detail
from paxtui.console.widgets.faultmenu import FaultMenu
from paxtui.console.widgets.help import Help
from paxtui.console.widgets.menu import Menu
from paxtui.console.widgets.palette import Palette
from paxtui.console.widgets.pane import Pane
from paxtui.console.widgets.presets import PresetMenu
from paxtui.console.widgets.wipe import WipeDialog

BAR_LINES_MIN = 24
"""Lines of a screen on which the fault menu has room for the buttons."""

GENERAL_HELP = """\
Select a replica with left and right, then break it: {crash} crashes it, {cut} cuts it off.
{next-pane} goes from pane to pane, 1 to 6 show a view, {help} in a pane explains that pane."""


class ScreenDialogs:
    """The dialogs of an app, as :class:`paxtui.console.actions.ports.Dialogs` has them."""

    def __init__(self, app: App[int], view_state: ViewState) -> None:
        self._app = app
        self._view_state = view_state

    def ask_line(self, prompt: str, answered: Answered, *, text: str = "", hint: str = "") -> None:
        self._app.push_screen(LinePrompt(prompt, text, hint=hint), answered)

    def ask_question(self, question: str, buttons: Sequence[tuple[str, str]], answered: Answered) -> None:
        self._app.push_screen(QuestionDialog(question, buttons), answered)

    def ask_wipe(self, name: str, words: str, answered: Callable[[bool | None], None]) -> None:
        self._app.push_screen(WipeDialog(name, words), answered)

    def open_fault_menu(self) -> None:
        async def chosen(action: str | None) -> None:
            if action is not None:
                await self._app.run_action(f"perform('{action}')")

        bar = not self._app.screen_stack[0].has_class("size-dash") and self._app.size.height >= BAR_LINES_MIN
        self._app.push_screen(FaultMenu(self._view_state, bar=bar), chosen)

    def open_link_menu(self, name: str, answered: Answered) -> None:
        self._app.push_screen(Menu(self._view_state, f"link {name}", surfaces.link_items()), answered)

    def open_presets(self, answered: Answered) -> None:
        self._app.push_screen(PresetMenu(self._view_state), answered)

    def open_panes(self, answered: Answered) -> None:
        self._app.push_screen(Menu(self._view_state, "panes", pane_items(self._view_state)), answered)

    def open_palette(self, context: Context, history: list[str], answered: Answered) -> None:
        self._app.push_screen(Palette(self._view_state, context, history), answered)

    def open_help(self) -> None:
        focused = self._app.screen_stack[0].focused
        near: list[Any] = list(focused.ancestors_with_self) if focused is not None else []
        pane = next((each for each in near if getattr(each, "HELP", "")), None)
        text = pane.HELP if pane is not None else GENERAL_HELP.format_map(surfaces.first_keys())
        title = f"help: {pane.id.removesuffix('-lines')}" if pane is not None and pane.id else "help"
        keys = surfaces.help_keys(focused.own_keys if isinstance(focused, Pane) else None)

        def chosen(key: str | None) -> None:
            if key is not None:
                self._app.simulate_key(key)

        self._app.push_screen(Help(self._view_state, title, text, keys), chosen)

    def open_legend(self) -> None:
        self.open_page("signs", lambda width: legend(self._view_state.styles, width))

    def open_page(
        self,
        title: str,
        make: Callable[[int], list[Row]],
        *,
        goes: str = "",
        left: Callable[[bool | None], None] | None = None,
    ) -> None:
        self._app.push_screen(Detail(self._view_state, title, make, goes), left)
