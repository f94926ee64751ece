"""Which panes are shown and which has the focus: by the chosen view, and by the size of the screen."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container
from textual.screen import Screen
from textual.widget import Widget

from paxtui.console.view_state import VIEWS, ViewState
from paxtui.console.widgets.bars import HeaderBar, KeyLine, Strip, TabLine, TooSmall
from paxtui.console.widgets.buttons import ButtonBar
from paxtui.console.widgets.chat import ChatLines, ChatPane
from paxtui.console.widgets.events import EventsPane
from paxtui.console.widgets.links import LinksPane
from paxtui.console.widgets.log import LogPane, WhyPane
from paxtui.console.widgets.metrics import MetricsPane
from paxtui.console.widgets.pane import Lines
from paxtui.console.widgets.replicas import FaultsPane, ReplicasPane
from paxtui.console.widgets.safety import SafetyPane
from paxtui.console.widgets.scenario import ScenarioPane


def panes(view_state: ViewState) -> ComposeResult:
    """Compose all panes; the stylesheet shows those that the view and the size have room for."""
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
    yield ScenarioPane(view_state, id="scenario", classes="panel")
    yield ButtonBar(view_state, id="buttons")
    yield KeyLine(view_state, id="keys")
    yield TooSmall(view_state, id="too-small")


def keys_of_panes() -> dict[str, str]:
    """Return by key the pane that has it for itself."""
    found: dict[str, str] = {}
    for each in (Lines, LogPane, LinksPane, ReplicasPane, FaultsPane, ChatLines, EventsPane):
        for binding in each.__dict__.get("BINDINGS", ()):
            for key in binding.key.split(","):
                found.setdefault(
                    key, each.__name__.removesuffix("Pane").removesuffix("Lines").lower() or "log"
                )
    return found


class Arrangement:
    """The room and the focus of one screen's panes; the stylesheet knows what each class shows."""

    def __init__(self, screen: Screen[object], view_state: ViewState) -> None:
        self._screen = screen
        self._view_state = view_state

    @property
    def _view(self) -> str:
        return VIEWS[self._view_state.view - 1]

    def set_classes(self, width: int, height: int) -> None:
        """Set the classes by which the stylesheet shows and hides panes; sizes in cells."""
        if width < 40 or height < 10:
            size = "tiny"
        elif width < 80 or height < 24:
            size = "small"
        elif width >= 140 and height >= 40:
            size = "dash"
        else:
            size = "wide" if width >= 100 else "tabs"
        if size == "dash" and self._view_state.maximised:
            size = "wide"
        on = ["scenario-on"] if self._screen.has_class("scenario-on") else []
        self._screen.set_classes([f"size-{size}", f"view-{self._view}", *on])

    def show_scenario(self, *, shown: bool) -> bool:
        """Show the pane of a scenario, or hide it; return whether that changes anything."""
        changed = self._screen.has_class("scenario-on") != shown
        if changed:
            self._screen.set_class(shown, "scenario-on")
        return changed

    def focus_view(self) -> None:
        """Focus the pane of the chosen view; in the chat, the line to write in."""
        for widget in self._screen.query(f"#{self._view}"):
            self._focus(widget)

    def keep_focus_on_screen(self) -> None:
        """Take the focus from what is not shown in this arrangement; the chat's line does not get it so."""
        focused = self._screen.focused
        shown = focused is not None and all(each.display for each in focused.ancestors_with_self)
        if not shown and not self._screen.has_class("size-tiny"):
            for widget in self._screen.query(f"#{self._view}"):
                self._focus(widget.lines if isinstance(widget, ChatPane) else widget)

    def _focus(self, widget: Widget) -> None:
        if isinstance(widget, ChatPane):
            widget.write()
        elif widget.can_focus:
            self._screen.set_focus(widget, scroll_visible=False)
