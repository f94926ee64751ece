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

GUIDE = "paxtui guide console"
"""The command that shows the page of the guide about the screen."""


def key_name(keys: str) -> str:
    """``question_mark,f1`` as people say it: ``? f1``."""
    return " ".join(NAMES.get(key, key) for key in keys.split(",") if key != "equals_sign")


def help_rows(pane_help: str, keys: Sequence[tuple[str, str]], width: int) -> list[Row]:
    """Texts that are wider than the screen are broken at words."""
    rows: list[Row] = []
    for line in _joined(pane_help.splitlines()):
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
    rows += [
        [],
        fit([("In a shell: ", "text"), (GUIDE, "key"), (" has more about this screen", "text")], width),
    ]
    return rows


GAP = 3
"""So many spaces stand between a key and its meaning; more of them between one such pair and the next."""


def _joined(lines: Sequence[str]) -> list[str]:
    """Lines of one paragraph as one line; those of a table, which have gaps, stay as they are."""
    found: list[str] = []
    prose = False
    for line in lines:
        flows = bool(line) and " " * GAP not in line
        if flows and prose:
            found[-1] += f" {line}"
        else:
            found.append(line)
        prose = flows
    return found


def broken(line: str, width: int) -> list[str]:
    """A line in parts that fit, broken between pairs of keys and meanings if there are any; spaces within it
    stay as they are."""
    table = " " * GAP in line
    parts: list[str] = []
    while cell_len(line) > width:
        between = " " * (GAP + 2 if " " * (GAP + 2) in line else GAP if table else 1)
        at = line.rfind(between, 0, width)
        if at <= width // 4:
            at = line.rfind(" ", 0, width)
        at = at if at > 0 else width
        parts.append(line[:at].rstrip())
        inside = table and not line[at:].startswith(" " * GAP)
        line = ("  " if inside else "") + line[at:].lstrip()
        if at <= 2:
            break
    return [*parts, line]
