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

    def __init__(self, bridge: ClusterDriver, look: Styles, kept: preferences.Preferences) -> None:
        super().__init__(ansi_color=True if look.theme in textual_themes.ANSI_NAMES else None)
        self.bridge = bridge
        self.kept = kept
        textual_themes.register(self, look.theme)
        self.scene = ViewState(bridge.model, look, lambda: bridge.now)
        self.scene.armed = bridge.launch.armed
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
        return [*filters, self._ascii] if self.scene.look.ascii else filters

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """For themes that are not ours."""
        return {"rule": "#3d4650"}

    def compose(self) -> ComposeResult:
        """All panes; the stylesheet shows those that the view and the size have room for."""
        scene = self.scene
        yield HeaderBar(scene, id="header")
        yield Strip(scene, id="strip")
        yield TabLine(scene, id="tabs")
        with Container(id="body"):
            with Container(id="left"):
                yield LogPane(scene, id="log", classes="panel")
            with Container(id="mid"):
                yield WhyPane(scene, id="why", classes="panel")
                yield LinksPane(scene, id="links", classes="panel")
            with Container(id="right"):
                yield ReplicasPane(scene, id="replicas", classes="panel")
                yield MetricsPane(scene, id="metrics", classes="panel")
                yield SafetyPane(scene, id="safety", classes="panel")
                yield FaultsPane(scene, id="faults", classes="panel")
        with Container(id="bottom"):
            yield ChatPane(scene, id="chat", classes="panel")
            yield EventsPane(scene, id="events", classes="panel")
        yield ButtonBar(scene, id="buttons")
        yield KeyLine(scene, id="keys")
        yield TooSmall(scene, id="too-small")

    def on_mount(self) -> None:
        """Begin to look."""
        self.set_interval(1 / self.bridge.launch.fps, self.tick)
        self.arrange(self.size.width, self.size.height)
        self.query_one(LogPane).focus()

    # Looking

    def tick(self) -> None:
        """Repaint what changed. Nothing is drawn for what nobody sees, or where nothing happened."""
        bridge, now = self.bridge, self.bridge.now
        bridge.look(now)
        self._follow_play()
        self.take_found()
        if len(bridge.model.judge.problems) > self._rung:
            self.bell()
        self._rung = len(bridge.model.judge.problems)
        while bridge.notices:
            self.notice = bridge.notices.popleft()
            self._notice_until = now + max(NOTICE_S, len(self.notice.text) / READ_CHARS_S)
            self._drawn_version = -1
        if self.notice is not None and now > self._notice_until:
            self.notice = None
            self._drawn_version = -1
        # Ages on screen go on although nothing happens.
        if bridge.model.version != self._drawn_version or now - self._drawn_at > AGES_S:
            frame_s = 1 / bridge.launch.fps
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
        self._drawn_version, self._drawn_at = self.bridge.model.version, self.bridge.now
        for pane in panes:
            pane.look_again()

    def _follow_play(self) -> None:
        """Show the scenario's cluster while one is on, and one's own again after it."""
        scene, model = self.scene, self.bridge.model
        if scene.frozen_at is None and scene.model is not model:
            scene.model = model
            scene.selected = min(scene.selected, model.n - 1)
            scene.slot, scene.viewer, scene.link = None, None, (0, min(1, model.n - 1))
            self.log_pane.follow()
            self._drawn_version = -1
        scene.scenario = self.bridge.scene_words()
        scene.scenario_end = self.bridge.play.verdict if self.bridge.play is not None else None

    def select_replica(self, replica: int) -> None:
        """Keys act on this one from now on."""
        self.scene.selected = replica
        self.look_again()
