"""The last line: what can be done here, or what was just done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from rich.cells import cell_len

from paxtui.console.rows.text import Row, fit
from paxtui.console.view_state import ViewState


class KeyHint(NamedTuple):
    """A key by the name that people call it, what it does, and Textual's name of it; no such name for what is
    typed."""

    name: str
    words: str
    key: str


WRITING: Final = (
    KeyHint("enter", "sends", "enter"),
    KeyHint("esc", "leaves the line, then keys act", "escape"),
    KeyHint("up", "what was sent", "up"),
    KeyHint("ctrl+p", "command", "ctrl+p"),
    KeyHint("ctrl+q", "quit", "ctrl+q"),
)
"""While a line is typed, the other keys are text."""

GAP: Final = "  "


def keys(hints: Iterable[KeyHint], width: int) -> Row:
    """Return as many keys and what they do as fit, from the first on."""
    row: Row = [(" ", "")]
    for hint, _, _ in placed(hints, width):
        row += [(GAP, "") if len(row) > 1 else ("", ""), (hint.name, "key"), (f" {hint.words}", "dim")]
    return fit(row, width)


def placed(hints: Iterable[KeyHint], width: int) -> list[tuple[KeyHint, int, int]]:
    """Return the hints that fit, each with its first cell and the one after its last. One that is too long is
    left out, and a shorter one after it may have room."""
    found: list[tuple[KeyHint, int, int]] = []
    at = 1
    for hint in hints:
        start = at + (len(GAP) if found else 0)
        end = start + cell_len(hint.name) + 1 + cell_len(hint.words)
        if end <= width:
            found.append((hint, start, end))
            at = end
    return found


TRIES: Final = (
    ("{chat}", "type a message; it becomes the first slot"),
    ("{arrows} {crash}", "select a replica and kill it; {restart} starts it again"),
    ("{crash-deciding} {chat}", "the leader (L) dies as it decides: what does the next one find?"),
    ("{skip} {chat} O", "skip a slot, type a message, find the hole; {noop} fills it"),
    ("{fault-menu}", "everything else that breaks; {undo} undoes it, {heal} heals all"),
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
