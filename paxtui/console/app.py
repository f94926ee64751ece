"""The app: what is composed, a timer that looks at what has changed, and the way from keys to actions."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from textual.app import ComposeResult
from textual.driver import Driver
from textual.events import Resize
from textual.filter import LineFilter

from paxtui.console.actions import surfaces
from paxtui.console.actions.controllers import Controllers
from paxtui.console.driver import ClusterDriver, Notice
from paxtui.console.preferences import Preferences
from paxtui.console.terminal.driver import TerminalDriver
from paxtui.console.terminal.key_order import InOrder
from paxtui.console.theme import textual_themes
from paxtui.console.theme.ascii_filter import Ascii
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import VIEWS, ViewState
from paxtui.console.widgets.arrangement import Arrangement, panes
from paxtui.console.widgets.dialogs import ScreenDialogs
from paxtui.console.widgets.log import LogPane
from paxtui.console.widgets.pane import Pane
from paxtui.console.widgets.shown_notice import ShownNotice

AGES_S = 1.0
"""Seconds after which what only grows older is drawn anew."""


class ConsoleApp(InOrder, inherit_bindings=False):
    """The full-screen console. Its keys are those of the table of actions."""

    CSS = resources.files("paxtui.console").joinpath("console.tcss").read_text("utf-8")
    TITLE = "paxtui"
    ENABLE_COMMAND_PALETTE = False
    ESCAPE_TO_MINIMIZE = False

    def __init__(self, driver: ClusterDriver, styles: Styles, preferences: Preferences) -> None:
        super().__init__(ansi_color=True if styles.theme in textual_themes.ANSI_NAMES else None)
        self.driver = driver
        self.preferences = preferences
        textual_themes.register(self, styles.theme)
        self.set_class(styles.brackets, "brackets")
        self.view_state = view_state = ViewState(driver.model, styles, lambda: driver.now)
        view_state.armed = driver.options.armed
        view_state.view = preferences.view if 1 <= preferences.view <= len(VIEWS) else 1
        view_state.maximised = preferences.maximised
        view_state.hidden = dict(preferences.hidden)
        dialogs = ScreenDialogs(self, view_state)
        self.controllers = Controllers(driver, view_state, preferences, self, dialogs, surfaces.verbs)
        for each in surfaces.bindings():
            self._bindings.bind(each.key, each.action, each.description, show=False, priority=each.priority)
        self._shown_notice = ShownNotice()
        self._problems_told = 0
        self._ascii = Ascii()
        self._drawn_version = -1
        self._drawn_at = 0.0

    def get_driver_class(self) -> type[Driver]:
        return TerminalDriver

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = super().get_line_filters()
        return [*filters, self._ascii] if self.view_state.styles.ascii else filters

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"rule": "#3d4650"}  # for themes that are not ours

    def compose(self) -> ComposeResult:
        yield from panes(self.view_state)

    def on_mount(self) -> None:
        self.set_interval(1 / self.driver.options.fps, self.tick)
        self._arrange(self.size.width, self.size.height)
        self.log_pane.focus()
        if self.driver.replays:
            self.call_after_refresh(self.controllers.time.go, self.driver.options.at)

    def on_resize(self, event: Resize) -> None:
        self.view_state.look_at(self.focused_pane)
        self._arrange(event.size.width, event.size.height)

    # Actions

    def action_perform(self, name: str, key: str = "") -> None:
        surfaces.perform(name, self.controllers, key)

    @property
    def notice(self) -> Notice | None:
        """Return what the last line tells for some seconds."""
        return self._shown_notice.notice

    def notify_line(self, text: str, *, failed: bool = False) -> None:
        self.driver.notices.append(Notice(text, failed=failed))

    # What controllers need of the screen

    @property
    def log_pane(self) -> LogPane:
        """Return the log, which is always there."""
        return self.screen_stack[0].query_one(LogPane)

    @property
    def focused_pane(self) -> str:
        """Return the name of the pane that has the focus; empty if none has."""
        return self._arrangement().focused_pane

    def _arrangement(self) -> Arrangement:
        return Arrangement(self.screen_stack[0], self.view_state)

    def _arrange(self, width: int, height: int) -> None:
        arrangement = self._arrangement()
        arrangement.set_classes(width, height)
        self.call_after_refresh(arrangement.keep_focus_on_screen)
        self.call_after_refresh(self.redraw)

    def arrange_view(self) -> None:
        """Show the chosen view, and focus its pane."""
        self._arrange(self.size.width, self.size.height)
        self._arrangement().focus_view()

    def focus_next_pane(self) -> None:
        """Focus what comes next."""
        self.screen.focus_next()

    def apply_theme(self, name: str) -> None:
        """Use the theme ``name`` for backgrounds and borders."""
        self.ansi_color = True if name in textual_themes.ANSI_NAMES else None
        self.theme = name
        self.set_class(self.view_state.styles.brackets, "brackets")
        self.redraw()
        self.call_after_refresh(self.repaint)  # when the stylesheet is applied

    def end_soon(self, delay_s: float = 0.0) -> None:
        """End with exit code 0."""
        if delay_s:
            self.set_timer(delay_s, lambda: self.exit(0))
        else:
            self.exit(0)

    def terminal_gone(self) -> None:
        self.controllers.lifecycle.onward = None
        self.exit()

    # Looking

    def tick(self) -> None:
        """Repaint what changed. Nothing is drawn for what is not on screen, or where nothing happened."""
        driver, now = self.driver, self.driver.now
        driver.poll(now)
        self._follow_scenario()
        self.controllers.lifecycle.attach_found()
        problems = len(driver.model.judge.problems)
        if problems > self._problems_told:
            self.bell()
        self._problems_told = problems
        if self._shown_notice.take_from(driver.notices, now):
            self._drawn_version = -1
        # Ages on screen go on although nothing happens.
        if driver.model.version != self._drawn_version or now - self._drawn_at > AGES_S:
            frame_s = 1 / driver.options.fps
            panes = self._panes()
            due = [pane for pane in panes if pane.due(now, frame_s)]
            self._redraw(due)
            if len(due) < len(panes):
                self._drawn_version = -1  # the others are looked at with the next frames

    def redraw(self) -> None:
        """Let every pane on screen look at the model."""
        if self.screen_stack:
            self._arrangement().show_time_bar()
        self._redraw(self._panes())

    def _panes(self) -> list[Pane]:
        # A last tick may come when the program is about to end and its screens are gone.
        return [pane for screen in self.screen_stack[:1] for pane in screen.query(Pane) if pane.is_on_screen]

    def _redraw(self, panes: list[Pane]) -> None:
        self._drawn_version, self._drawn_at = self.driver.model.version, self.driver.now
        for pane in panes:
            pane.redraw()

    def _follow_scenario(self) -> None:
        """Show the scenario's cluster while one is on, and one's own again after it."""
        view_state, model = self.view_state, self.driver.model
        if view_state.frozen_at is None and view_state.model is not model:
            view_state.show_model(model)
            self._arrange(self.size.width, self.size.height)  # another number of replicas
            self.log_pane.follow()
            self._drawn_version = -1
        view_state.next_undo, view_state.next_redo = self.driver.undo_and_redo
        view_state.scenario = self.driver.scenario_line()
        run = self.driver.scenario_run
        view_state.scenario_view = run.view if run is not None else None
        # A last tick may come when the program is about to end and its screens are gone.
        if self.screen_stack and self._arrangement().show_scenario(shown=run is not None):
            self._drawn_version = -1
        view_state.scenario_end = (
            self.driver.scenario_run.verdict if self.driver.scenario_run is not None else None
        )
