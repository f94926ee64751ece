"""Curves of several rows, with axes: a unit, a scale from 0, and ten minutes.

A column is a fixed piece of time, so a curve moves on once in so many seconds, not with each frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from paxtui.console.model.state.rates import SECONDS_KEPT
from paxtui.console.rows.text import Row, fit, pad, width_of

SPAN_S: Final = SECONDS_KEPT - 1

LABELS: Final = 6
"""Cells of the scale, at the left of a curve."""

CURVE_LINES_MIN: Final = 4
"""A line for the name, two of the curve, one for the time."""

CURVE_LINES_MAX: Final = 12
"""More is no easier to read."""

CURVE_WIDTH_MIN: Final = 40

Values = Sequence[float | None]


def short(value: float | None, missing: str = "?") -> str:
    """Return ``0``, ``4.2``, ``98``, ``1.2k``, ``34k``, ``5.6M``; ``missing`` for what is not known."""
    if value is None:
        return missing
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size * 0.9995:
            return f"{value / size:.1f}{unit}" if value < 9.95 * size else f"{value / size:.0f}{unit}"
    return f"{value:.1f}" if 0 < value < 9.95 and value != int(value) else f"{value:.0f}"


class Curve(NamedTuple):
    """What one curve shows."""

    label: str
    """What, and its unit."""
    values: Values
    """By whole seconds, oldest first; ``None`` where nothing was measured."""
    now: float | None
    of_column: Callable[[Sequence[float]], float]
    """What stands for the seconds of a column: their mean, or the worst of them."""
    missing: str = "?"
    """What stands for no value now."""
    scale: str = ""
    """Curves of one scale have one top."""


def mean(values: Sequence[float]) -> float:
    """Return the mean of some values."""
    return sum(values) / len(values)


def columns_of_time(width: int) -> tuple[int, int]:
    """Return how many columns show the span in at most ``width``, and the seconds of each."""
    step = -(-SPAN_S // max(1, width))
    return SPAN_S // step, step


def in_columns(curve: Curve, now: float, count: int, step: int) -> list[float | None]:
    """Return a value a column: whole pieces of ``step`` seconds, the last one at the right."""
    second, end = int(now), int(now) // step
    first = second - len(curve.values)
    found: list[float | None] = []
    for piece in range(end - count, end):
        begin = max(0, piece * step - first)
        known = [
            each for each in curve.values[begin : max(0, (piece + 1) * step - first)] if each is not None
        ]
        found.append(curve.of_column(known) if known else None)
    return found


def drawn(values: Values, lines: int, top: float, heights: str) -> list[str]:
    """Return the curve in so many lines, the upper ones first. What is known to be nothing has the lowest
    height; what is not known is blank."""
    last = len(heights)
    full = [
        None if value is None else max(1, round(value / top * lines * last)) if top else 1 for value in values
    ]
    rows = []
    for line in range(lines - 1, -1, -1):
        levels = [None if level is None else min(last, level - line * last) for level in full]
        rows.append("".join(" " if level is None or level <= 0 else heights[level - 1] for level in levels))
    return rows


def curve_rows(
    curve: Curve, now: float, width: int, height: int, heights: str, top: float | None = None
) -> list[Row]:
    """Return a curve with its axes in exactly ``height`` lines of ``width`` cells; ``top`` is the top of the
    scale, by default its own maximum."""
    count, step = columns_of_time(width - LABELS - 1)
    values = in_columns(curve, now, count, step)
    own = max((value for value in values if value is not None), default=None)
    scale = own if top is None else top
    head: Row = [(curve.label, "title")]
    tail: Row = [("now ", "dim"), (short(curve.now, curve.missing), "text")]
    tail += [("  max ", "dim"), (short(own, curve.missing), "text")]
    gap = max(1, LABELS + count - width_of(head) - width_of(tail))
    rows = [fit([*head, (" " * gap, ""), *tail], width)]
    lines = drawn(values, height - 2, scale or 0.0, heights)
    for at, line in enumerate(lines):
        label = short(scale, "") if at == 0 else "0" if at == len(lines) - 1 and scale is not None else ""
        rows.append(fit([(pad(label, LABELS - 1, right=True), "dim"), (" ", ""), (line, "spark")], width))
    return [*rows, _time_axis(count, step, width)]


def _time_axis(count: int, step: int, width: int) -> Row:
    """Return how long ago the ends and the middle of a curve are."""

    def ago(columns: int) -> str:
        return f"-{columns * step / 60:.2g} min"

    left, middle, right = ago(count), ago(count // 2), "now"
    line = [" "] * count
    for text, at in ((left, 0), (middle, count - count // 2), (right, count - len(right))):
        line[at : at + len(text)] = text
    return fit([(" " * LABELS + "".join(line[:count]), "dim")], width)
