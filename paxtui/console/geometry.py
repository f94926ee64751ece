"""Where each pane stands: a pure function of the room, the panes that are wanted, and the number of replicas.

Where there is room beside the log, everything that is wanted stands side by side: the log with what is said
and what happens below it, and up to three columns. Where there is none, one view is shown, and below it what
belongs to it. The log's column of values comes first when width is given out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

PANES: Final = ("log", "why", "safety", "replicas", "events", "chat", "faults", "metrics", "links")
"""All panes, the most important first: where not all fit, the last ones are left out."""

LAYOUTS: Final = {
    "all": ("every pane", PANES),
    "slots": ("the log, and why a slot is as it is", ("log", "why")),
    "proof": ("what is decided, and whether it is right", ("log", "why", "safety", "events")),
    "break": ("what breaks, and what comes of it", ("log", "why", "replicas", "faults", "links")),
    "load": ("how fast it goes", ("log", "safety", "replicas", "metrics")),
    "talk": ("the chat, and the replicas that keep it", ("log", "replicas", "chat")),
}
"""Sets of panes by name: what each is for, and the panes."""

MAIN: Final = ("log", "chat", "events")
"""What stands in the first column."""

SIDES: Final = {
    1: (("why", "replicas", "safety", "metrics", "links", "faults"),),
    2: (("why", "links", "faults"), ("replicas", "safety", "metrics")),
    3: (("why", "safety"), ("replicas", "links", "chat"), ("metrics", "faults")),
}
"""By the number of columns beside the first, their panes from top to bottom."""

COMPANIONS: Final = {
    "log": ("why", "chat"),
    "replicas": ("faults",),
    "links": ("faults", "replicas"),
    "metrics": ("safety",),
}
"""By view, what stands below it where one view is shown."""

SIDE_LEAST, SIDE_MOST = 44, 64
"""Cells of a column beside the log: less cuts its sentences off, more would leave it empty."""

ROW_LEAST: Final = 88
"""Cells for two panes side by side where otherwise one would stand."""

ROW_SHARES: Final = {"why": 3, "chat": 2, "events": 3}
"""How two panes share a row."""

COMPANIONS_SHARE: Final = 0.4
"""What companions take of the height at most, unless the view has no use for it."""


class Box(NamedTuple):
    """A pane's cells, with its title line and the line at its left."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """Return the column after the last."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """Return the line after the last."""
        return self.y + self.height


class Need(NamedTuple):
    """Lines of a pane or of a row of panes, titles included."""

    least: int
    """Below this it tells nothing."""
    wanted: int
    """What it usually fills."""
    share: int
    """Its part of what is left over."""
    most: int = 10_000
    """More would stay empty."""
    step: int = 1
    """Fewer more than this would stay empty, too: a line a replica."""


def need(pane: str, n: int) -> Need:
    """Return the lines that ``pane`` needs in a cluster of ``n`` replicas."""
    needs = {
        "log": Need(6, 16, 6),
        "why": Need(8, 11, 2, 40),
        "replicas": Need(n + 1, 2 * n + 1, 1, 5 * n + 1, n),
        "safety": Need(6, 11, 1, 30),
        "events": Need(4, 9, 3),
        "chat": Need(4, 8, 2),
        "faults": Need(2, 4, 1, 20),
        "metrics": Need(4, 10, 3),
        "links": Need(n + 2, n + 6, 0, n + 6) if n > 1 else Need(2, 2, 0, 2),
    }
    return needs[pane]


def log_width(n: int, *, wanted: bool) -> int:
    """Return cells of the log: with all that it has to say, or with what tells enough."""
    fixed, cell, votes, value = (20, 7, 6, 40) if wanted else (20, 5, 3, 22)
    return fixed + cell * n + votes + value


def arrange(width: int, height: int, panes: Collection[str], n: int, *, focus: str = "log") -> dict[str, Box]:
    """Return where the panes stand in a room of ``width`` x ``height`` cells, as far as they fit. The pane in
    focus always does."""
    if width <= 0 or height <= 0:
        return {}
    wanted = {*panes, focus}
    columns = side_columns(width, n, wanted)
    if not columns:
        return _one_view(width, height, wanted, n, focus)
    beside = SIDES[columns] if wanted.intersection(MAIN) else SIDES[min(columns, 2)]
    tables = [[pane for pane in column if pane in wanted] for column in beside]
    main = [pane for pane in MAIN if pane in wanted and not any(pane in column for column in tables)]
    tables = [column for column in tables if column]
    widths = _widths(width, n, main, len(tables))
    boxes: dict[str, Box] = _main(widths[0], height, main, n, focus) if main else {}
    x = widths[0] if main else 0
    for column, cells in zip(tables, widths[1:], strict=True):
        for pane, y, lines in _placed(column, height, n, focus):
            boxes[pane] = Box(x, y, cells, lines)
        x += cells
    return boxes


def side_columns(width: int, n: int, wanted: Collection[str]) -> int:
    """Return how many columns have room beside the first; 0 where one view is shown at a time."""
    count = sum(pane not in MAIN for pane in wanted)
    most = min(3, count, 1 if count <= 2 else 2 if count <= 4 else 3)
    if not any(pane in MAIN for pane in wanted):
        return max(1, min(most, width // SIDE_LEAST)) if width >= SIDE_LEAST * 2 else 0
    for is_wanted in (True, False):
        found = (width - log_width(n, wanted=is_wanted)) // SIDE_LEAST
        if found > 0:
            return min(found, most)
    return 0


def _widths(width: int, n: int, main: Sequence[str], columns: int) -> list[int]:
    """Return cells of the first column and of those beside it: what the log does not need is shared."""
    if not main:
        return [0, *_split(width, [1] * columns)]
    if not columns:
        return [width]
    extra = width - SIDE_LEAST * columns - log_width(n, wanted=True)
    if "log" not in main:  # what is said and what happens takes half
        side = max(SIDE_LEAST, width // 2 // columns)
    else:
        side = min(SIDE_MOST, SIDE_LEAST + max(0, extra) // 2 // columns)
    return [width - side * columns, *[side] * columns]


def _main(width: int, height: int, panes: Sequence[str], n: int, focus: str) -> dict[str, Box]:
    """Return the first column: the log, and below it what is said and what happens, side by side where
    there is room."""
    below = [pane for pane in panes if pane != "log"]
    if len(below) < 2 or width < ROW_LEAST:
        return {pane: Box(0, y, width, lines) for pane, y, lines in _placed(panes, height, n, focus)}
    row = _row_need(below, n)
    log = need("log", n)
    if "log" not in panes:
        return _row(0, 0, width, height, below)
    if log.least + row.least > height:
        kept = below if focus in below else ["log"]
        return _row(0, 0, width, height, kept)
    first, second = _shared(height, [log, row], [0, 1])
    return {"log": Box(0, 0, width, first), **_row(0, first, width, second, below)}


def _one_view(width: int, height: int, wanted: Collection[str], n: int, focus: str) -> dict[str, Box]:
    """Return one view on the whole width, and below it what belongs to it."""
    view = need(focus, n)
    room = min(height - view.least, max(int(height * COMPANIONS_SHARE), height - view.most))
    found = [pane for pane in COMPANIONS.get(focus, ()) if pane in wanted]
    if width >= ROW_LEAST and len(found) == 2:
        row = _row_need(found, n)
        if row.least > room:
            found = found[:1]
        else:
            lines = _companion_lines(height, room, view, [row])[0]
            top = height - lines
            return {focus: Box(0, 0, width, top), **_row(0, top, width, lines, found)}
    while found and sum(need(pane, n).least for pane in found) > room:
        found.pop()
    lines_of = _companion_lines(height, room, view, [need(pane, n) for pane in found])
    y = height - sum(lines_of)
    boxes = {focus: Box(0, 0, width, y)}
    for pane, lines in zip(found, lines_of, strict=True):
        boxes[pane] = Box(0, y, width, lines)
        y += lines
    return boxes


def _companion_lines(height: int, room: int, view: Need, needs: list[Need]) -> list[int]:
    """Return lines of each companion: no more than the view leaves, and than each wants, unless the view has
    no use for the rest."""
    if not needs:
        return []
    wanted = min(room, max(sum(each.wanted for each in needs), height - view.most))
    return _shared(wanted, needs, range(len(needs)))


def _placed(panes: Sequence[str], height: int, n: int, focus: str) -> list[tuple[str, int, int]]:
    """Return panes below each other, each with its first line and its lines; those that do not fit are left
    out, the least important first."""
    ranked = sorted(panes, key=lambda pane: (pane != focus, PANES.index(pane)))
    while len(ranked) > 1 and sum(need(pane, n).least for pane in ranked) > height:
        ranked.pop()
    kept = [pane for pane in panes if pane in ranked]
    order = [kept.index(pane) for pane in sorted(kept, key=PANES.index)]
    placed, y = [], 0
    for pane, lines in zip(kept, _shared(height, [need(pane, n) for pane in kept], order), strict=True):
        placed.append((pane, y, lines))
        y += lines
    return placed


def _shared(height: int, needs: Sequence[Need], order: Iterable[int]) -> list[int]:
    """Share lines out: to each what it needs, then what it wants, in ``order``, then what is left by shares.
    Nothing stays empty."""
    lines = [each.least for each in needs]
    left = height - sum(lines)
    if left < 0:  # one alone that does not fit
        return _split(height, lines)
    for at in order:
        more = min(left, needs[at].wanted - needs[at].least)
        more -= more % needs[at].step
        lines[at] += more
        left -= more
    while left:
        growing = [at for at, each in enumerate(needs) if lines[at] < each.most and each.share]
        parts = _split(left, [needs[at].share for at in growing])
        before = left
        for at, part in zip(growing, parts, strict=True):
            more = min(part, needs[at].most - lines[at])
            more -= more % needs[at].step
            lines[at] += more
            left -= more
        if left == before:
            any_number = [at for at in growing if needs[at].step == 1] or growing or [-1]
            lines[any_number[-1]] += left
            break
    return lines


def _row_need(panes: Sequence[str], n: int) -> Need:
    needs = [need(pane, n) for pane in panes]
    return Need(max(each.least for each in needs), max(each.wanted for each in needs), 2)


def _row(x: int, y: int, width: int, height: int, panes: Sequence[str]) -> dict[str, Box]:
    """Return panes side by side."""
    boxes: dict[str, Box] = {}
    for pane, cells in zip(panes, _split(width, [ROW_SHARES.get(pane, 2) for pane in panes]), strict=True):
        boxes[pane] = Box(x, y, cells, height)
        x += cells
    return boxes


def _split(whole: int, shares: Sequence[int]) -> list[int]:
    """Split a whole number by shares, to the last cell."""
    total, parts, given, sum_of = sum(shares), [], 0, 0
    for share in shares:
        sum_of += share
        end = whole * sum_of // total
        parts.append(end - given)
        given = end
    return parts
