"""Spans, rows, and cutting them to a width in cells: a CJK character takes two, a combining mark none."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len, set_cell_size

Span = tuple[str, str]
"""Text, and the name of its style."""

Row = list[Span]


def width_of(row: Row) -> int:
    """Return the width in cells."""
    return sum(cell_len(text) for text, _ in row)


def fit(row: Iterable[Span], width: int, style: str = "") -> Row:
    """Return the row cut or filled to exactly ``width`` cells; what is cut off ends in ``…``."""
    fitted: Row = []
    room = max(0, width)
    for text, name in row:
        if not text:
            continue
        size = cell_len(text)
        if size > room:
            fitted.append((cut(text, room), name))
            return fitted
        fitted.append((text, name))
        room -= size
    if room:
        fitted.append((" " * room, style))
    return fitted


def cut(text: str, width: int) -> str:
    """Return ``text`` in exactly ``width`` cells, with ``…`` where something is missing."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, width - 1) + "…" if width > 0 else ""


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return a column of exactly ``width`` cells."""
    if right and cell_len(text) < width:
        return " " * (width - cell_len(text)) + text
    return cut(text, width)


def plain(row: Row) -> str:
    """Return the text without styles."""
    return "".join(text for text, _ in row)


def wrap(text: str, width: int, style: str = "", indent: str = "") -> list[Row]:
    """Return words in lines of at most ``width`` cells; lines after the first begin with ``indent``."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line.strip() else f"{line}{word}"
        if cell_len(longer) <= width or not line.strip():
            line = longer
        else:
            lines.append(line)
            line = indent + word
    if line or not lines:
        lines.append(line)
    return [fit([(each, style)], width) for each in lines]


def fill(text: str, width: int, style: str = "") -> list[Row]:
    """Return text in lines of ``width`` cells, broken wherever a line ends: nothing of it is left out."""
    lines: list[str] = []
    line, used = "", 0
    for character in text:
        size = cell_len(character)
        if used + size > width and line:
            lines.append(line)
            line, used = "", 0
        line, used = line + character, used + size
    return [fit([(each, style)], width) for each in [*lines, line]]


def left_out(lines: int, width: int) -> Row:
    """Return the line that stands in place of those for which there is no room."""
    return fit([(f"… {lines} more lines; m shows the pane in focus alone", "dim")], width)


def columns(parts: Iterable[Row], width: int, gap: str = "  ") -> Row:
    """Return parts side by side, as many as fit; the first ones matter most."""
    row: Row = []
    for part in parts:
        needed = width_of(part) + (len(gap) if row else 0)
        if row and width_of(row) + needed > width:
            break
        row += [(gap, "")] if row else []
        row += part
    return fit(row, width)


def runs(spans: Iterable[Span]) -> Row:
    """Return neighbours of one style joined."""
    row: Row = []
    for text, style in spans:
        if row and row[-1][1] == style:
            row[-1] = (row[-1][0] + text, style)
        else:
            row.append((text, style))
    return row


__all__ = [
    "Row",
    "Span",
    "columns",
    "cut",
    "fill",
    "fit",
    "left_out",
    "pad",
    "plain",
    "runs",
    "width_of",
    "wrap",
]
