"""The page of help: the pane in focus, then the keys that work everywhere."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from paxtui.console.rows.text import Row, fit, pad

NAMES = {
    "question_mark": "?",
    "colon": ":",
    "minus": "-",
    "plus": "+",
    "equals_sign": "=",
    "slash": "/",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "comma": ",",
    "full_stop": ".",
}

COLUMN = 38


def key_name(keys: str) -> str:
    """``question_mark,f1`` as people say it: ``? f1``."""
    return " ".join(NAMES.get(key, key) for key in keys.split(",") if key != "equals_sign")


def help_rows(pane_help: str, keys: Sequence[tuple[str, str]], width: int) -> list[Row]:
    """Texts that are wider than the screen are broken at words."""
    rows: list[Row] = []
    for line in pane_help.splitlines():
        rows += [fit([(part, "text")], width) for part in broken(line, width)]
    rows += [[], fit([("Everywhere", "title")], width)]
    per_row = max(1, width // COLUMN)
    size = width // per_row
    lines = -(-len(keys) // per_row)
    for number in range(lines):
        row: Row = []
        for key, what in keys[number::lines]:
            row += fit([(pad(key, 9), "key"), (" ", ""), (what, "text")], size)
        rows.append(fit(row, width))
    return rows


def broken(line: str, width: int) -> list[str]:
    """A line in parts that fit; spaces within it stay as they are."""
    if cell_len(line) <= width:
        return [line]
    parts: list[str] = []
    while cell_len(line) > width:
        at = line.rfind(" ", 0, width)
        at = at if at > 0 else width
        parts.append(line[:at].rstrip())
        line = "  " + line[at:].lstrip()
        if at <= 2:
            break
    return [*parts, line]
