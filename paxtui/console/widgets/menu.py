"""A list to choose from: by its keys, by arrows and enter, or with the mouse."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.events import Click, Key
from textual.geometry import Size

from paxtui.console.rows.menu import Item, item_line, label_width
from paxtui.console.rows.text import Row
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.dialog import Dialog
from paxtui.console.widgets.pane import Lines

HINT = "enter or a key chooses, esc closes"


class MenuList(Lines):
    """The items."""

    BINDINGS = [
        Binding("up", "move(-1)", "previous", show=False),
        Binding("down", "move(1)", "next", show=False),
        Binding("home,pageup", "move(-99)", "first", show=False),
        Binding("end,pagedown", "move(99)", "last", show=False),
        Binding("enter", "screen.choose", "choose", show=False),
    ]

    def __init__(self, view_state: ViewState, items: Sequence[Item]) -> None:
        super().__init__(view_state)
        self.items = list(items)
        self.following = False

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self.items)

    def count(self) -> int:
        return len(self.items)

    def line(self, index: int, width: int, *, chosen: bool) -> Row:
        return item_line(self.view_state, self.items[index], width, label_width(self.items), chosen=chosen)

    def redraw(self) -> None:
        super().redraw()
        if not self.is_attached:  # the menu was closed before it had opened
            return
        screen = self.screen
        if isinstance(screen, Menu) and self.size.height:
            above, below = self.top, self.count() - self.top - self.size.height
            arrows = ("^" if above > 0 else "") + ("v" if below > 0 else "")
            screen.tell_more(f"{arrows} {max(0, above) + max(0, below)} more, " if arrows else "")

    def moved(self) -> None:
        screen = self.screen
        if isinstance(screen, Menu):
            screen.pointed(self.items[self.cursor].id)

    def go_to_line(self, index: int) -> None:
        super().go_to_line(min(index, len(self.items) - 1))

    def action_move(self, lines: int) -> None:
        self.go_to_line(self.cursor + lines)

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        if offset is not None and self.top + offset.y < len(self.items):
            self.go_to_line(self.top + offset.y)
            assert isinstance(self.screen, Menu)
            self.screen.action_choose()


class Menu(Dialog[str | None]):
    """A list to choose from. Its result is the id of the item, ``None`` for none."""

    BINDINGS = [
        Binding("escape,q", "dismiss(None)", "close", show=False),
    ]

    def __init__(self, view_state: ViewState, title: str, items: Sequence[Item]) -> None:
        super().__init__(classes="dialog")
        self.view_state = view_state
        self._title = title
        self.list = MenuList(view_state, items)

    def compose(self) -> ComposeResult:
        with Vertical(classes="box menu") as box:
            box.border_title = self._title
            box.border_subtitle = HINT
            yield self.list
            yield from self.more()

    def more(self) -> ComposeResult:
        """Return what stands below the list."""
        yield from ()

    def on_mount(self) -> None:
        self.list.focus()
        self.list.redraw()

    def pointed(self, id: str) -> None:
        """Act on the item that the cursor is on now."""

    def tell_more(self, more: str) -> None:
        """Tell how many items there are that do not fit."""
        for box in self.query(".box"):
            if box.border_subtitle != f"{more}{HINT}":
                box.border_subtitle = f"{more}{HINT}"

    def action_choose(self) -> None:
        self.dismiss(self.list.items[self.list.cursor].id)

    def on_key(self, event: Key) -> None:
        for item in self.list.items:
            if event.character and event.character == item.key:
                event.stop()
                self.dismiss(item.id)
                return
