"""The page of help: filtered by what is typed, and its keys can be run from it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.events import Click
from textual.geometry import Size
from textual.widgets import Input, Static

from paxtui.console.rows.help import HelpKey, HelpLine, help_lines
from paxtui.console.rows.text import Row, fit
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.dialog import DialogLine, LineDialog
from paxtui.console.widgets.pane import Lines

PAGE_LINES = 10
HINT = "type to filter, enter runs the key, esc closes"


class HelpPage(Lines):
    """What the pane shows, and keys: one of them may be pointed at."""

    can_focus = False

    def __init__(self, view_state: ViewState, text: str, keys: Sequence[HelpKey]) -> None:
        super().__init__(view_state)
        self.keys = list(keys)
        self.following = False
        self.pointed: HelpKey | None = None
        self._text = text
        self.typed = ""
        self._made: list[HelpLine] = []
        self._made_for: tuple[int, str] = (-1, "")

    def _lines(self, width: int) -> list[HelpLine]:
        if self._made_for != (width, self.typed):
            self._made = help_lines(self._text, self.keys, width, self.typed)
            self._made_for = (width, self.typed)
        return self._made

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def count(self) -> int:
        return len(self._lines(self.size.width))

    def line(self, index: int, width: int, *, chosen: bool) -> Row:
        row, key = self._lines(width)[index]
        if key is None or key is not self.pointed:
            return fit(row, width)
        pointer = (self.view_state.styles.glyph("pointer"), "key")
        return [(text, f"{style} cursor".strip()) for text, style in fit([pointer, *row[1:]], width)]

    def show(self, typed: str) -> None:
        """Show what matches; the first key of it is pointed at."""
        self.typed = typed
        found = [key for _, key in self._lines(self.size.width) if key is not None]
        self.pointed = found[0] if typed.strip() and found else None
        self.top = self.cursor = 0
        self.refresh(layout=True)
        self.redraw()

    def step(self, lines: int) -> None:
        """Point at another key; where none is near, scroll."""
        found = self._lines(self.size.width)
        places = [index for index, (_, key) in enumerate(found) if key is not None]
        here = next((index for index in places if found[index][1] is self.pointed), None)
        start = here if here is not None else self.top - 1 if lines > 0 else self.top + self.room
        beyond = [index for index in places if (index > start if lines > 0 else index < start)]
        place = (beyond[0] if lines > 0 else beyond[-1]) if beyond else None
        if place is None or not self.top - PAGE_LINES < place < self.top + self.room + 1:
            self.scroll_lines(lines)
            return
        self.pointed = found[place][1]
        self.top = min(place, max(self.top, place - self.room + 1))
        self.redraw()

    def scroll_lines(self, lines: int) -> None:
        """Scroll; the key that was pointed at may go out of sight."""
        self.top = max(0, min(self.top + lines, self.count() - self.size.height))
        self.cursor = self.top
        self.redraw()

    def on_mouse_scroll_up(self) -> None:
        self.scroll_lines(-3)

    def on_mouse_scroll_down(self) -> None:
        self.scroll_lines(3)

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        found = self._lines(self.size.width)
        if offset is not None and self.top + offset.y < len(found) and isinstance(self.screen, Help):
            self.pointed = found[self.top + offset.y][1] or self.pointed
            self.redraw()


class HelpWords(DialogLine):
    """The line that filters."""

    BINDINGS = [
        Binding("up", "screen.step(-1)", "previous key", show=False),
        Binding("down", "screen.step(1)", "next key", show=False),
        Binding("home", "screen.page(-9999)", "start", show=False),
        Binding("end", "screen.page(9999)", "end", show=False),
        Binding("pageup", f"screen.page(-{PAGE_LINES})", "page up", show=False),
        Binding("pagedown", f"screen.page({PAGE_LINES})", "page down", show=False),
    ]


class Help(LineDialog[str | None]):
    """The page of help. Its result is Textual's name of a key to press; ``None`` for escape or ``?``."""

    BINDINGS = [
        Binding("escape,f1", "dismiss(None)", show=False),
    ]

    def __init__(self, view_state: ViewState, title: str, text: str, keys: Sequence[HelpKey]) -> None:
        super().__init__(classes="dialog")
        self._title = title
        self.page = HelpPage(view_state, text, keys)

    def compose(self) -> ComposeResult:
        with Vertical(classes="box help") as box:
            box.border_title = self._title
            box.border_subtitle = HINT
            yield self.page
            with Horizontal(classes="row"):
                yield Static(" / ", classes="prompt")
                yield HelpWords(compact=True, max_length=60)

    def on_mount(self) -> None:
        self.page.redraw()

    def on_input_changed(self, event: Input.Changed) -> None:
        if "?" in event.value:  # no key and no text is looked for by it: it closes what it opened
            self.dismiss(None)
        elif event.value == self.query_one(HelpWords).value:
            self.page.show(event.value)

    def submitted(self, text: str) -> None:
        if self.page.pointed is None or text != self.page.typed:  # enter came before the filter
            self.page.show(text)
        if self.page.pointed is not None:
            self.dismiss(self.page.pointed.key)

    def action_step(self, lines: int) -> None:
        self.page.step(lines)

    def action_page(self, lines: int) -> None:
        self.page.scroll_lines(lines)
