"""The last line: what can be done here, or what was just done."""

from __future__ import annotations

from paxtui.console.rows.text import Row, columns
from paxtui.console.scene import Scene

ARMED = (
    "?:help  ::command  x:fault  c:crash  C:crash proposer  r:restart  t:cut  spc:freeze  f:follow  i:chat  "
    "u:undo  H:heal  p:pause  s:skip  e:elect  q:quit"
)
READ_ONLY = "?:help  ::command  spc:freeze  f:follow  /:find  g:go  i:chat  v:view as  q:quit"


def keys(scene: Scene, width: int) -> Row:
    """As many as fit."""
    hints = (ARMED if scene.armed else READ_ONLY).split("  ")
    parts: list[Row] = [[(" ", "")]]
    for hint in hints:
        key, _, what = hint.rpartition(":")
        parts.append([(key, "key"), (f" {what}", "dim")])
    return columns(parts, width, "  ")
