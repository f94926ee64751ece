"""The last line: what can be done here, or what was just done."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from paxtui.console.rows.text import Row, columns, fit
from paxtui.console.view_state import ViewState

WRITING: Final = (
    ("enter", "sends"),
    ("esc", "leaves the line, then keys act"),
    ("up", "what was sent"),
    ("ctrl+p", "command"),
    ("ctrl+q", "quit"),
)
"""While a line is typed, the other keys are text."""


def keys(hints: Iterable[tuple[str, str]], width: int) -> Row:
    """Return as many keys and what they do as fit, from the first on."""
    parts: list[Row] = [[(" ", "")]]
    for key, what in hints:
        parts.append([(key, "key"), (f" {what}", "dim")])
    return columns(parts, width, "  ")


def hint_rows(view_state: ViewState, width: int) -> list[Row]:
    """Return what to try first, for the room of an empty log."""
    arrows = "h l" if view_state.styles.ascii else "←→"
    tries = [
        ("i", "type a message; it becomes the first slot"),
        (f"{arrows} c", "select a replica and kill it; r starts it again"),
        ("A i", "the leader (L) dies as it decides: what does the next one find?"),
        ("s i O", "skip a slot, type a message, find the hole; N fills it"),
        ("x", "everything else that breaks; u takes it back, H heals all"),
    ]
    head = fit([(f"  {view_state.model.n} replicas, one log, and nothing in it yet. Try:", "title")], width)
    return [[], head, *(fit([(f"  {key:>7}", "key"), (f"  {what}", "dim")], width) for key, what in tries)]
