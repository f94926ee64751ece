"""The last line: what can be done here, or what was just done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


TRIES: Final = (
    ("{chat}", "type a message; it becomes the first slot"),
    ("{arrows} {crash}", "select a replica and kill it; {restart} starts it again"),
    ("{crash-deciding} {chat}", "the leader (L) dies as it decides: what does the next one find?"),
    ("{skip} {chat} O", "skip a slot, type a message, find the hole; {noop} fills it"),
    ("{fault-menu}", "everything else that breaks; {undo} takes it back, {heal} heals all"),
)
"""What to try first: keys by the names of their actions, and what they do."""


def hint_rows(view_state: ViewState, keys: Mapping[str, str], width: int) -> list[Row]:
    """Return what to try first, for the room of an empty log; ``keys`` has the key of each action."""
    known = {**keys, "arrows": "h l" if view_state.styles.ascii else "←→"}
    head = fit([(f"  {view_state.model.n} replicas, one log, and nothing in it yet. Try:", "title")], width)
    rows: list[Row] = [[], head]
    for key, what in TRIES:
        try:
            spans: Row = [(f"  {key.format_map(known):>7}", "key"), (f"  {what.format_map(known)}", "dim")]
        except KeyError:  # there is no such action
            continue
        rows.append(fit(spans, width))
    return rows
