"""The tape as one line: how much happened when, what is marked, and where one is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from paxtui.console.model.durations import ages
from paxtui.console.rows.events import clock
from paxtui.console.rows.text import Row, fit, pad
from paxtui.console.view_state import Moment, ViewState
from paxtui.tape.reader import TapeReader
from paxtui.tape.schema import Mark
from paxtui.wire.text import visible

MARK_STYLES: Final = {
    "alarm": ("tape-alarm", "alarm"),
    "mark": ("tape-mark", "self"),
    "process": ("tape-process", "warn"),
    "fault": ("tape-fault", "warn"),
    "election": ("tape-election", "leader"),
}
"""By kind of mark its sign and its style; the most important first."""

EDGE: Final = 10
"""Cells of the times at both ends."""


def time_bar(view_state: ViewState, width: int) -> Row:
    """Return the tape from its first step to its last one."""
    moment, tape = view_state.moment, view_state.tape
    if moment is None or tape is None or not tape.blocks:
        return fit([], width)
    cells = max(1, width - 2 * EDGE - 2)
    begin = min(block.begins for block in tape.blocks)
    end = max(begin + 0.001, *(block.ends for block in tape.blocks))

    def column(wall: float) -> int:
        return max(0, min(cells - 1, int((wall - begin) / (end - begin) * cells)))

    heights = view_state.styles.spark
    counts = _counts(tape, begin, end, cells)
    top = max(counts)
    line: list[tuple[str, str]] = [
        (heights[max(1, round(count / top * len(heights))) - 1] if count else " ", "spark")
        for count in counts
    ]
    ranks = list(MARK_STYLES)
    for mark in sorted(tape.marks, key=lambda each: -ranks.index(each.kind) if each.kind in ranks else -9):
        glyph, style = MARK_STYLES.get(mark.kind, MARK_STYLES["mark"])
        line[column(mark.wall)] = view_state.styles.glyph(glyph), style
    line[column(moment.wall)] = view_state.styles.glyph("tape-here"), "selected"
    ends = (f" {clock(begin)[:8]} ", f" {clock(end)[:8]} ")
    return fit([(ends[0], "dim"), *line, (ends[1], "dim")], width)


def _counts(tape: TapeReader, begin: float, end: float, cells: int) -> list[float]:
    """Return how many steps there are a column: a block's are taken to be spread over its time."""
    counts = [0.0] * cells
    scale = cells / (end - begin)
    for block in tape.blocks:
        first = min(cells - 1, int((block.begins - begin) * scale))
        last = min(cells - 1, int((block.ends - begin) * scale))
        for at in range(first, last + 1):
            counts[at] += block.count / (last - first + 1)
    return counts


def moment_words(view_state: ViewState, moment: Moment) -> Row:
    """Return which moment is shown, and how far it is behind."""
    tape = view_state.tape
    last = (
        max((block.ends for block in tape.blocks), default=moment.wall) if tape is not None else moment.wall
    )
    behind = max(0.0, last - moment.wall)
    return [
        (f" PAST {clock(moment.wall)} ", "frozen"),
        (f" -{ages(behind)}  #{moment.position:,} of {moment.end:,}", "dim"),
    ]


def mark_rows(view_state: ViewState, marks: Sequence[Mark], width: int) -> list[Row]:
    """Return all marks, the newest last."""
    if not marks:
        return [
            fit([("nothing is marked yet: elections, faults and alarms are, and :mark NAME", "dim")], width)
        ]
    rows: list[Row] = []
    for mark in marks:
        glyph, style = MARK_STYLES.get(mark.kind, MARK_STYLES["mark"])
        row: Row = [
            (f"{view_state.styles.glyph(glyph)} ", style),
            (f"{clock(mark.wall)}  ", "dim"),
            (pad(f"#{mark.position + 1}", 10), "key"),
            (visible(mark.words, 200), "text"),
        ]
        rows.append(fit(row, width))
    return rows
