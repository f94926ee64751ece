"""Which panes are shown, where they stand, and which has the focus."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container
from textual.geometry import Offset, Region, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.screen import Screen
from textual.widget import Widget

from paxtui.console.geometry import Box, arrange
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.bars import NOTICE_LINES, HeaderBar, KeyLine, Strip, TabLine, TimeBar, TooSmall
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

LINES_AROUND = 3
"""Lines above and below the panes: the header, the views or the buttons, and the keys. A line of replicas is
one more, where their pane is not shown."""


def boxes(view_state: ViewState, width: int, height: int) -> dict[str, Box]:
    """Return where the panes stand that are wanted, in the room that is left for them."""
    wanted = () if view_state.maximised else view_state.panes
    return arrange(width, height, wanted, view_state.model.n, focus=view_state.pane)


class PaneLayout(Layout):
    """The layout of the panes, by :mod:`paxtui.console.geometry`. What the last line takes for a long notice,
    the lowest panes lose: nothing else moves for some seconds. Where there is less room than that, the panes
    are arranged anew."""

    name = "panes"

    def __init__(self, view_state: ViewState) -> None:
        self._view_state = view_state
        self.boxes: dict[str, Box] = {}
        """Where the panes stand that are shown."""

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        parent.pre_layout(self)
        room, found = Region(0, 0, size.width, size.height), self.boxes
        lowest = max((box.bottom for box in found.values()), default=0)
        if lowest - size.height >= NOTICE_LINES:
            found = boxes(self._view_state, size.width, size.height)
        placed = [(child, found[child.id]) for child in children if child.id in found]
        return [
            WidgetPlacement(Region(*box).intersection(room), Offset(), Spacing(), child)
            for child, box in placed
        ]


class Body(Container):
    """All panes."""

    def __init__(self, view_state: ViewState) -> None:
        super().__init__(id="body")
        self._view_state = view_state
        self._layout = PaneLayout(view_state)

    @property
    def layout(self) -> PaneLayout:
        return self._layout

    def compose(self) -> ComposeResult:
        view_state = self._view_state
        yield LogPane(view_state, id="log", classes="panel")
        yield ChatPane(view_state, id="chat", classes="panel")
        yield EventsPane(view_state, id="events", classes="panel")
        yield WhyPane(view_state, id="why", classes="panel")
        yield ReplicasPane(view_state, id="replicas", classes="panel")
        yield SafetyPane(view_state, id="safety", classes="panel")
        yield MetricsPane(view_state, id="metrics", classes="panel")
        yield LinksPane(view_state, id="links", classes="panel")
        yield FaultsPane(view_state, id="faults", classes="panel")


def panes(view_state: ViewState) -> ComposeResult:
    """Compose the lines at the top and at the bottom, and all panes between."""
    yield HeaderBar(view_state, id="header")
    yield Strip(view_state, id="strip")
    yield TabLine(view_state, id="tabs")
    yield Body(view_state)
    yield ScenarioPane(view_state, id="scenario", classes="panel")
    yield ButtonBar(view_state, id="buttons")
    yield TimeBar(view_state, id="timebar")
    yield KeyLine(view_state, id="keys")
    yield TooSmall(view_state, id="too-small")


def size_class(width: int, height: int) -> str:
    """Return the name of a size in cells; what is turned off is remembered for each."""
    if width < 40 or height < 10:
        return "tiny"
    if width < 80 or height < 24:
        return "small"
    if width >= 140 and height >= 40:
        return "dash"
    return "wide" if width >= 100 else "tabs"


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
    """The room and the focus of one screen's panes."""

    def __init__(self, screen: Screen[object], view_state: ViewState) -> None:
        self._screen = screen
        self._view_state = view_state

    @property
    def _view(self) -> str:
        return self._view_state.pane

    @property
    def focused_pane(self) -> str:
        """Return the name of the pane that has the focus; empty if none has."""
        focused = self._screen.focused
        near = focused.ancestors_with_self if focused is not None else []
        return next((each.id or "" for each in near if each.has_class("panel")), "")

    def set_classes(self, width: int, height: int) -> None:
        """Show and hide what the size has room for; sizes in cells."""
        size = size_class(width, height)
        self._view_state.size_class = size
        shown = "wide" if size == "dash" and self._view_state.maximised else size
        on = ["scenario-on"] if self._screen.has_class("scenario-on") else []
        self._screen.set_classes([f"size-{shown}", f"view-{self._view}", *on])
        found = {} if size == "tiny" else boxes(self._view_state, width, height - LINES_AROUND)
        if size != "tiny" and "replicas" not in found:
            found = boxes(self._view_state, width, height - LINES_AROUND - 1)
        for strip in self._screen.query(Strip):
            strip.display = size != "tiny" and "replicas" not in found
        for pane in self._screen.query(".panel"):
            if isinstance(pane, ScenarioPane):
                continue  # it stands below the others, while a scenario is on
            box = found.get(pane.id or "")
            pane.display = box is not None
            pane.set_class(box is not None and box.x > 0, "beside")
        for body in self._screen.query(Body):
            body.layout.boxes = found
            body.refresh(layout=True)

    def show_time_bar(self) -> None:
        """Show the tape, where a moment is shown that is over."""
        for bar in self._screen.query(TimeBar):
            bar.display = self._view_state.moment is not None

    def show_scenario(self, *, shown: bool) -> bool:
        """Show the pane of a scenario, or hide it; return whether that changes anything."""
        changed = self._screen.has_class("scenario-on") != shown
        if changed:
            self._screen.set_class(shown, "scenario-on")
        return changed

    def focus_view(self) -> None:
        """Focus the pane that is always shown; in the chat, the line to write in."""
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
