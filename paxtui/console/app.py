"""The app: panes, views by size, and a timer that looks at what has changed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from textual.app import ComposeResult
from textual.containers import Container
from textual.filter import LineFilter

from paxtui.console import preferences
from paxtui.console.actions.arranging import VIEWS, PaneActions
from paxtui.console.actions.dialogs import DialogActions
from paxtui.console.driver import ClusterDriver, Notice
from paxtui.console.theme import textual_themes
from paxtui.console.theme.ascii_filter import Ascii
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.bars import HeaderBar, KeyLine, Strip, TabLine, TooSmall
from paxtui.console.widgets.buttons import ButtonBar
from paxtui.console.widgets.chat import ChatPane
from paxtui.console.widgets.events import EventsPane
from paxtui.console.widgets.links import LinksPane
from paxtui.console.widgets.log import LogPane, WhyPane
from paxtui.console.widgets.metrics import MetricsPane
from paxtui.console.widgets.pane import Pane
from paxtui.console.widgets.replicas import FaultsPane, ReplicasPane
from paxtui.console.widgets.safety import SafetyPane

NOTICE_S = 4.0
READ_CHARS_S = 30.0
"""How long the last line tells what was just done, and how much of a long text is read in a second."""

AGES_S = 1.0
"""How often what only grows older is drawn anew."""


class ConsoleApp(DialogActions, PaneActions):
    """The full-screen console."""

    CSS = resources.files("paxtui.console").joinpath("console.tcss").read_text("utf-8")
    TITLE = "paxtui"
    ENABLE_COMMAND_PALETTE = False
    ESCAPE_TO_MINIMIZE = False

    def __init__(self, driver: ClusterDriver, look: Styles, kept: preferences.Preferences) -> None:
        super().__init__(ansi_color=True if look.theme in textual_themes.ANSI_NAMES else None)
        self.driver = driver
        self.kept = kept
        textual_themes.register(self, look.theme)
        self.view_state = ViewState(driver.model, look, lambda: driver.now)
        self.view_state.armed = driver.options.armed
        self.view = kept.view if 1 <= kept.view <= len(VIEWS) else 1
        self.maximised = kept.maximised
        self.notice: Notice | None = None
        self.interrupted_at = float("-inf")
        self._notice_until = 0.0
        self._rung = 0
        self._ascii = Ascii()
        self._drawn_version = -1
        self._drawn_at = 0.0

    def get_line_filters(self) -> Sequence[LineFilter]:
        """The last steps before the terminal."""
        filters = super().get_line_filters()
        return [*filters, self._ascii] if self.view_state.styles.ascii else filters

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """For themes that are not ours."""
        return {"rule": "#3d4650"}

    def compose(self) -> ComposeResult:
        """All panes; the stylesheet shows those that the view and the size have room for."""
        view_state = self.view_state
        yield HeaderBar(view_state, id="header")
        yield Strip(view_state, id="strip")
        yield TabLine(view_state, id="tabs")
        with Container(id="body"):
            with Container(id="left"):
                yield LogPane(view_state, id="log", classes="panel")
            with Container(id="mid"):
                yield WhyPane(view_state, id="why", classes="panel")
                yield LinksPane(view_state, id="links", classes="panel")
            with Container(id="right"):
                yield ReplicasPane(view_state, id="replicas", classes="panel")
                yield MetricsPane(view_state, id="metrics", classes="panel")
                yield SafetyPane(view_state, id="safety", classes="panel")
                yield FaultsPane(view_state, id="faults", classes="panel")
        with Container(id="bottom"):
            yield ChatPane(view_state, id="chat", classes="panel")
            yield EventsPane(view_state, id="events", classes="panel")
        yield ButtonBar(view_state, id="buttons")
        yield KeyLine(view_state, id="keys")
        yield TooSmall(view_state, id="too-small")

    def on_mount(self) -> None:
        """Begin to look."""
        self.set_interval(1 / self.driver.options.fps, self.tick)
        self.arrange(self.size.width, self.size.height)
        self.query_one(LogPane).focus()

    # Looking

    def tick(self) -> None:
        """Repaint what changed. Nothing is drawn for what nobody sees, or where nothing happened."""
        driver, now = self.driver, self.driver.now
        driver.look(now)
        self._follow_play()
        self.take_found()
        if len(driver.model.judge.problems) > self._rung:
            self.bell()
        self._rung = len(driver.model.judge.problems)
        while driver.notices:
            self.notice = driver.notices.popleft()
            self._notice_until = now + max(NOTICE_S, len(self.notice.text) / READ_CHARS_S)
            self._drawn_version = -1
        if self.notice is not None and now > self._notice_until:
            self.notice = None
            self._drawn_version = -1
        # Ages on screen go on although nothing happens.
        if driver.model.version != self._drawn_version or now - self._drawn_at > AGES_S:
            frame_s = 1 / driver.options.fps
            panes = self._panes()
            due = [pane for pane in panes if pane.due(now, frame_s)]
            self._look(due)
            if len(due) < len(panes):
                self._drawn_version = -1  # the others are looked at with the next frames

    def look_again(self) -> None:
        """Let every pane on screen look at the model."""
        self._look(self._panes())

    def _panes(self) -> list[Pane]:
        # A last tick may come when the program is about to end and its screens are gone.
        return [pane for screen in self.screen_stack[:1] for pane in screen.query(Pane) if pane.is_on_screen]

    def _look(self, panes: list[Pane]) -> None:
        self._drawn_version, self._drawn_at = self.driver.model.version, self.driver.now
        for pane in panes:
            pane.look_again()

    def _follow_play(self) -> None:
        """Show the scenario's cluster while one is on, and one's own again after it."""
        view_state, model = self.view_state, self.driver.model
        if view_state.frozen_at is None and view_state.model is not model:
            view_state.model = model
            view_state.selected = min(view_state.selected, model.n - 1)
            view_state.slot, view_state.viewer, view_state.link = None, None, (0, min(1, model.n - 1))
            self.log_pane.follow()
            self._drawn_version = -1
        view_state.scenario = self.driver.scenario_line()
        view_state.scenario_end = self.driver.play.verdict if self.driver.play is not None else None

    def select_replica(self, replica: int) -> None:
        """Keys act on this one from now on."""
        self.view_state.selected = replica
        self.look_again()
