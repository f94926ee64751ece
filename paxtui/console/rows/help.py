"""The page of help: what the pane in focus shows, then its keys, then those that act everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len

from paxtui.console.rows.text import Row, fit, pad, plain
from paxtui.wire.text import visible

GUIDE = "paxtui guide console"
"""The command that shows the page of the guide about the screen."""


class HelpKey(NamedTuple):
    """A key by the name that people call it, what it does in short and in a line, its group, and Textual's
    name of it."""

    name: str
    title: str
    help: str = ""
    group: str = ""
    key: str = ""

    def matches(self, typed: str) -> bool:
        """Return whether each of the words that were typed is in what is said about it."""
        said = f"{self.name} {self.title} {self.help} {self.group}".lower()
        return all(word in said for word in typed.lower().split())


HelpLine = tuple[Row, HelpKey | None]
"""A row, and the key that it is about."""

NAME_CELLS = 10
TITLE_CELLS = 26


def help_lines(pane_help: str, keys: Sequence[HelpKey], width: int, typed: str = "") -> list[HelpLine]:
    """Return the page: what the pane shows, then the keys by group. Where something is typed, only what
    matches it. Texts that are wider than the screen are broken at words."""
    prose: list[HelpLine] = [
        (fit([(part, "text")], width), None)
        for line in _joined(pane_help.splitlines())
        for part in broken(line, width)
    ]
    words = typed.lower().split()
    if words:
        prose = [line for line in prose if all(word in plain(line[0]).lower() for word in words)]
    found = [each for each in keys if each.matches(typed)]
    lines: list[HelpLine] = []
    group = ""
    for each in found:
        if each.group != group:
            group = each.group
            lines += [([], None), (fit([(group.capitalize(), "title")], width), None)]
        lines.append((_key_row(each, width), each))
    if words and not found and not prose:
        nothing = f"nothing here matches {visible(typed.strip(), 40)!r}; there are {len(keys)} keys"
        return [(fit([(nothing, "dim")], width), None)]
    if words:
        return [*lines[1:], *([([], None)] if lines and prose else []), *prose]
    more: Row = [("In a shell: ", "text"), (GUIDE, "key"), (" has more about this screen", "text")]
    return [*prose, *lines, ([], None), (fit(more, width), None)]


def help_rows(pane_help: str, keys: Sequence[HelpKey], width: int) -> list[Row]:
    """Return the rows of the whole page."""
    return [row for row, _ in help_lines(pane_help, keys, width)]


def _key_row(each: HelpKey, width: int) -> Row:
    row: Row = [(" ", ""), (pad(each.name, NAME_CELLS), "key"), (" ", "")]
    if not each.help:
        return fit([*row, (each.title, "text")], width)
    return fit([*row, (pad(each.title, TITLE_CELLS), "text"), (" ", ""), (each.help, "dim")], width)


GAP = 3
"""So many spaces stand between a key and its meaning; more of them between one such pair and the next."""


def _joined(lines: Sequence[str]) -> list[str]:
    """Return lines of one paragraph as one line; those of a table, which have gaps, stay as they are."""
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
    """Return a line in parts that fit, broken between pairs of keys and meanings if there are any; spaces
    within it stay as they are."""
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
