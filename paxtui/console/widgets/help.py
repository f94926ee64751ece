"""The page of help."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.geometry import Size

from paxtui.console.rows.help import help_rows
from paxtui.console.rows.text import Row, fit
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.dialog import Dialog
from paxtui.console.widgets.pane import Lines


class ScrolledText(Lines):
    """Lines to scroll."""

    BINDINGS = [
        Binding("up,k", "scroll(-1)", "up", show=False),
        Binding("down,j,enter", "scroll(1)", "down", show=False),
        Binding("pageup", "scroll(-10)", "page up", show=False),
        Binding("pagedown,space", "scroll(10)", "page down", show=False),
        Binding("home,g", "scroll(-9999)", "start", show=False),
        Binding("end,G", "scroll(9999)", "end", show=False),
    ]

    def __init__(self, view_state: ViewState, text: str, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__(view_state)
        self._text = text
        self._keys = keys
        self.following = False

    def _lines(self, width: int) -> list[Row]:
        return help_rows(self._text, self._keys, width)

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


class Help(Dialog[None]):
    """The page of help. It closes with escape, ``q`` or ``?``."""

    BINDINGS = [Binding("escape,q,question_mark,f1", "dismiss(None)", show=False)]

    def __init__(self, view_state: ViewState, title: str, text: str, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__(classes="dialog")
        self._title = title
        self.page = ScrolledText(view_state, text, keys)

    def compose(self) -> ComposeResult:
        with Vertical(classes="box help") as box:
            box.border_title = self._title
            box.border_subtitle = "arrows scroll, esc closes"
            yield self.page

    def on_mount(self) -> None:
        self.page.focus()
        self.page.redraw()
