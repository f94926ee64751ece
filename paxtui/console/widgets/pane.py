"""The base of all panes: rows in, and only the lines that changed repainted."""

from __future__ import annotations

from typing import ClassVar, Protocol, cast

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.events import Click
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from paxtui.console.actions import surfaces
from paxtui.console.actions.controllers import Controllers
from paxtui.console.driver import Notice
from paxtui.console.preferences import Preferences
from paxtui.console.rows.text import Row, fit
from paxtui.console.view_state import ViewState

FLOOD_ROWS_MIN = 4
FLOOD_SHARE = 0.4
FLOOD_FRAMES = 3
"""A pane in which so much is new with each frame is drawn only with every so many."""


class Console(Protocol):
    """The app, as panes know it."""

    controllers: Controllers
    preferences: Preferences

    @property
    def notice(self) -> Notice | None:
        """What the last line tells for some seconds."""

    def notify_line(self, text: str, *, failed: bool = False) -> None:
        """Show a line at the bottom, for some seconds."""

    def redraw(self) -> None:
        """Let every pane on screen look at the model."""


class Pane(Widget):
    """A widget that shows rows. Subclasses make them in :meth:`rows`; nobody draws but :meth:`redraw`."""

    HELP = ""
    """What the pane shows and which keys it has, for ``?``."""

    PANES: ClassVar[tuple[str, ...]] = ()
    """The names by which the table of actions knows it: it has the keys of these."""

    def __init__(self, view_state: ViewState, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.view_state = view_state
        for pane in self.PANES:
            for binding in surfaces.bindings(pane):
                self._bindings.bind(binding.key, binding.action, binding.description, show=False)
        self._rows: list[Row] = []
        self.flooded = False
        """Whether nearly everything was new when it was last drawn."""
        self._drawn_at = float("-inf")

    @property
    def own_keys(self) -> surfaces.PaneKeys:
        """Return the keys that act in this pane alone."""
        return surfaces.pane_keys((each for each in self.BINDINGS if isinstance(each, Binding)), self.PANES)

    @property
    def keys_now(self) -> surfaces.PaneKeys:
        """Return those of its own keys that do something now."""
        found = self.own_keys
        return found._replace(own=tuple(each for each in found.own if each.action not in self.idle))

    @property
    def idle(self) -> frozenset[str]:
        """Return its own actions that do nothing now."""
        return frozenset()

    @property
    def console(self) -> Console:
        """Return the app, as panes know it."""
        return cast(Console, self.app)

    def rows(self, width: int, height: int) -> list[Row]:
        """Return at most ``height`` rows, each ``width`` cells wide."""
        raise NotImplementedError

    def due(self, now: float, frame_s: float) -> bool:
        """Return whether the next frame should draw it: nobody reads what is new from end to end with each
        frame, so then every third one does."""
        return not self.flooded or now - self._drawn_at > (FLOOD_FRAMES - 0.5) * frame_s

    def redraw(self) -> None:
        """Make the rows anew and repaint those that differ. Does nothing while it is not on screen."""
        width, height = self.size
        if width <= 0 or height <= 0 or not self.display:
            return
        rows = self.rows(width, height)[:height]
        old, self._rows = self._rows, rows
        changed = [
            y
            for y in range(height)
            if (rows[y] if y < len(rows) else None) != (old[y] if y < len(old) else None)
        ]
        self.flooded = height > FLOOD_ROWS_MIN and len(changed) > FLOOD_SHARE * height
        self._drawn_at = self.view_state.clock()
        if len(changed) > height // 2:
            self.refresh()
        elif changed:
            self.refresh(*[Region(0, y, width, 1) for y in changed])

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        styles, base = self.view_state.styles, self.rich_style
        spans = [(text, base + styles.style(name)) for text, name in fit(self._rows[y], width)]
        return Strip([Segment(text, style) for text, style in _joined(spans)], width)

    def on_resize(self) -> None:
        self.redraw()

    def on_show(self) -> None:
        self.redraw()


def _joined(spans: list[tuple[str, Style]]) -> list[tuple[str, Style]]:
    """Join spaces to what is before them, where the difference cannot be seen: each change of style costs up
    to forty bytes on the way to the terminal."""
    joined: list[tuple[str, Style]] = []
    for text, style in spans:
        if joined:
            before, last = joined[-1]
            blank = text.isspace() and not (
                style.reverse or style.underline or last.reverse or last.underline
            )
            if style == last or (blank and style.bgcolor == last.bgcolor):
                joined[-1] = (before + text, last)
                continue
        joined.append((text, style))
    return joined


class Lines(Pane, can_focus=True):
    """A pane of many lines with a cursor: followed at its end, or scrolled. A reader is never scrolled."""

    BINDINGS = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home", "start", "the first", show=False),
        Binding("end", "follow", "follow", show=False),
    ]

    PANES: ClassVar[tuple[str, ...]] = ("lines",)

    def __init__(self, view_state: ViewState, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(view_state, id=id, classes=classes)
        self.top = 0
        self.cursor = 0
        self.following = True

    head = 0
    """Rows above the lines, such as names of columns."""

    @property
    def first(self) -> int:
        """Return the number of the first line."""
        return 0

    def count(self) -> int:
        """Return the number after that of the last line."""
        raise NotImplementedError

    def line(self, index: int, width: int, *, chosen: bool) -> Row:
        """Return one line; ``chosen`` if the cursor is on it."""
        raise NotImplementedError

    def heading(self, width: int) -> list[Row]:
        """Return the ``head`` rows above the lines."""
        del width
        return []

    @property
    def room(self) -> int:
        """Return how many lines fit."""
        return max(1, self.size.height - self.head)

    def rows(self, width: int, height: int) -> list[Row]:
        count, room = self.count(), max(1, height - self.head)
        if self.following and not self.frozen:
            self._follow(count, room)
        self.cursor = max(0, min(self.cursor, count - 1))
        self.top = max(0, min(self.top, max(0, count - 1)))
        lines = [
            self.line(index, width, chosen=index == self.cursor and not self.following)
            for index in range(self.top, min(count, self.top + room))
        ]
        return [*self.heading(width), *lines]

    @property
    def frozen(self) -> bool:
        """Return whether the view stands still."""
        return self.view_state.stands_still

    def _follow(self, count: int, room: int) -> None:
        """Show the end, by half pages: line by line would repaint everything for each line. Where lines went
        away, because they were folded or removed, no more than half of the pane stays empty."""
        self.cursor = count - 1
        if count > self.top + room or (self.top > 0 and count - self.top < room // 2):
            self.top = max(0, count - room + room // 2 - 1) if count > room else 0

    def go_to_line(self, index: int) -> None:
        """Put the cursor on a line and show it."""
        count = self.count()
        at_end = index >= count
        self.cursor = max(0, min(index, count - 1))
        self.following = at_end and index > count
        if self.cursor < self.top:
            self.top = self.cursor
        elif self.cursor >= self.top + self.room:
            self.top = self.cursor - self.room + 1
        self.moved()
        self.redraw()

    def moved(self) -> None:
        """Act on another place of the cursor."""

    def follow(self) -> None:
        """Show the end and what comes."""
        self.following = True
        self.moved()
        self.redraw()

    def on_resize(self) -> None:
        # What was off the screen at the old size, or before it was shown at all, may fit now.
        if not self.following or self.frozen:
            self.top = max(0, min(self.top, self.count() - self.room))
            if self.cursor >= self.top + self.room:
                self.top = self.cursor - self.room + 1
        super().on_resize()

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-3)

    def on_mouse_scroll_down(self) -> None:
        self.action_move(3)

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None or offset.y < self.head:
            return
        index = self.top + offset.y - self.head
        if index < self.count():
            self.following = False
            self.go_to_line(index)

    # Actions

    def action_move(self, lines: int) -> None:
        # The first step up selects the last line: that is what one has been looking at.
        first = self.following and lines == -1
        _stop_following(self)
        self.go_to_line(self.cursor + (0 if first else lines))

    def action_page(self, pages: int) -> None:
        _stop_following(self)
        self.go_to_line(self.cursor + pages * (self.room - 1))

    def action_start(self) -> None:
        self.following = False
        self.go_to_line(self.first)

    def action_follow(self) -> None:
        self.follow()


def _stop_following(pane: Lines) -> None:
    """Leave the cursor on the last line: a reader who moves does not follow any more."""
    if pane.following:
        pane.following = False
        pane.cursor = max(0, pane.count() - 1)
