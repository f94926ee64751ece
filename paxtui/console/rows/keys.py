"""The last line: what can be done here, or what was just done."""

from __future__ import annotations

from paxtui.console.rows.text import Row, columns, fit
from paxtui.console.view_state import ViewState

ARMED = (
    "?:help  ::command  i:chat  x:fault  c:crash  r:restart  t:cut  u:undo  spc:freeze  q:quit  "
    "f:follow  H:heal  C:crash proposer  p:pause  s:skip  e:elect"
)
WRITING = "enter:sends  esc:leaves the line, then keys act  up:what was sent  ctrl+p:command  ctrl+q:quit"
"""While a line is typed, the other keys are text."""
READ_ONLY = "?:help  ::command  :arm:lets keys act  spc:freeze  f:follow  /:find  g:go  v:view as  q:quit"


def keys(view_state: ViewState, width: int, *, writing: bool = False) -> Row:
    """As many as fit, the most needed first."""
    hints = (WRITING if writing else ARMED if view_state.armed else READ_ONLY).split("  ")
    parts: list[Row] = [[(" ", "")]]
    for hint in hints:
        key, _, what = hint.rpartition(":")
        parts.append([(key, "key"), (f" {what}", "dim")])
    return columns(parts, width, "  ")


def hint_rows(view_state: ViewState, width: int) -> list[Row]:
    """What to try first, for the room of an empty log."""
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
