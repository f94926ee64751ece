"""Lists to choose from: a key, what it does, and a word about it."""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len

from paxtui.console.rows.text import Row, fit, pad
from paxtui.console.view_state import ViewState


class Item(NamedTuple):
    """One line of a menu. ``id`` is what choosing it gives."""

    key: str
    label: str
    what: str
    id: str


def item_line(
    view_state: ViewState,
    item: Item,
    width: int,
    label_width: int,
    *,
    chosen: bool,
    key_width: int = 3,
    key_style: str = "key",
) -> Row:
    """Return one line of a menu; the chosen one has a pointer and stands in reverse."""
    pointer = view_state.styles.glyph("pointer") if chosen else " "
    row = fit(
        [
            (f"{pointer} ", "key"),
            (pad(item.key, key_width), key_style),
            (pad(item.label, label_width), "strong" if chosen else "text"),
            ("  ", ""),
            (item.what, "dim"),
        ],
        width,
    )
    return [(text, f"cursor {style}".strip()) for text, style in row] if chosen else row


def label_width(items: list[Item]) -> int:
    """Return the widest label, within reason."""
    return min(34, max((cell_len(item.label) for item in items), default=0))
