"""A page about one thing: what does not fit its line."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.geometry import Size

from paxtui.console.rows.text import Row, fit
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.dialog import Dialog
from paxtui.console.widgets.pane import Lines

LOOK_S = 0.5
"""How often it is made anew: what it tells of goes on."""


class DetailPage(Lines):
    """Lines to scroll, made anew as time goes on."""

    BINDINGS = [
        Binding("up,k", "scroll(-1)", "up", show=False),
        Binding("down,j", "scroll(1)", "down", show=False),
        Binding("pageup", "scroll(-10)", "page up", show=False),
        Binding("pagedown,space", "scroll(10)", "page down", show=False),
        Binding("home,g", "scroll(-9999)", "start", show=False),
        Binding("end,G", "scroll(9999)", "end", show=False),
    ]

    def __init__(self, view_state: ViewState, make: Callable[[int], list[Row]]) -> None:
        super().__init__(view_state)
        self.following = False
        self._make = make
        self._made: list[Row] = []
        self._made_for = -1

    def _lines(self, width: int) -> list[Row]:
        if width != self._made_for:
            self._made, self._made_for = self._make(width), width
        return self._made

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def count(self) -> int:
        return len(self._lines(self.size.width))

    def line(self, index: int, width: int, *, chosen: bool) -> Row:
        return fit(self._lines(width)[index], width)

    def action_scroll(self, lines: int) -> None:
        self.top = max(0, min(self.top + lines, self.count() - self.size.height))
        self.cursor = self.top
        self.redraw()

    def on_mouse_scroll_up(self) -> None:
        self.action_scroll(-3)

    def on_mouse_scroll_down(self) -> None:
        self.action_scroll(3)

    def again(self) -> None:
        """Make it anew."""
        before = len(self._made)
        self._made_for = -1
        if len(self._lines(self.size.width)) != before:
            self.refresh(layout=True)
        self.redraw()


class Detail(Dialog[bool]):
    """A page about one thing. It closes with escape or ``q``; ``enter`` goes to the slot that it is about, if
    there is one."""

    BINDINGS = [
        Binding("escape,q", "dismiss(False)", show=False),
        Binding("enter", "go", show=False, priority=True),
    ]

    def __init__(
        self, view_state: ViewState, title: str, make: Callable[[int], list[Row]], goes: str = ""
    ) -> None:
        super().__init__(classes="dialog")
        self._title = title
        self._goes = goes
        """What ``enter`` does; empty if it only closes."""
        self.page = DetailPage(view_state, make)

    def compose(self) -> ComposeResult:
        with Vertical(classes="box help") as box:
            box.border_title = self._title
            box.border_subtitle = f"arrows scroll, {f'enter {self._goes}, ' if self._goes else ''}esc closes"
            yield self.page

    def on_mount(self) -> None:
        self.page.focus()
        self.page.redraw()
        self.set_interval(LOOK_S, self.page.again)

    def action_go(self) -> None:
        self.dismiss(bool(self._goes))
