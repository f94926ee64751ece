"""The links view: who reaches whom."""

from __future__ import annotations

from collections.abc import Callable

from paxtui.console.model.analysis.link_status import LinkStatus, link_statuses
from paxtui.console.rows.text import Row, columns, fit, pad, wrap
from paxtui.console.view_state import ViewState
from paxtui.wire.links import Cuts

STYLES = {
    "ok": "good",
    "cut": "bad",
    "down": "dim",
    "paused": "dim",
    "closed": "warn",
    "faulty": "warn",
    "unknown": "unknown",
}

SIDE = 5
"""The column of senders."""

FULL = 18
"""A cell at its widest: its state and its rate."""

RATED = 13
"""From here on there is room for the rate."""

WORD = 6
"""A cell with its state in words; below that it has one letter."""

KEYS = (
    ("t", "cut"),
    ("l", "loss"),
    ("d", "delay"),
    ("y", "both ways"),
    ("P", "presets"),
    ("- +", "loss by 5"),
    ("enter", "more"),
)

Cell = Callable[[int, int, int], Row]
"""``(sender, receiver, width)``: the cell between them."""


def cell_width(width: int, n: int) -> int:
    """Return cells of a column, at most as much as it can use."""
    return max(2, min(FULL, (width - SIDE) // n))


def matrix(view_state: ViewState, width: int, cell: Cell, size: int) -> list[Row]:
    """Return a line of receivers, then one line a sender."""
    names = [f"r{each}" if size > 2 else str(each) for each in range(view_state.model.n)]
    arrow_to = view_state.styles.glyph("arrow")
    rows = [fit([(pad(f"from {arrow_to}"[:SIDE], SIDE), "dim"), *_names(view_state, names, size)], width)]
    for a, name in enumerate(names):
        line: Row = [(pad(f" {name}", SIDE), _tone(view_state, a))]
        for b in range(view_state.model.n):
            line += [(pad("-" if size < WORD else "─", size), "nothing")] if a == b else cell(a, b, size)
        rows.append(fit(line, width))
    return rows


def _names(view_state: ViewState, names: list[str], size: int) -> Row:
    return [(pad(name, size), _tone(view_state, id)) for id, name in enumerate(names)]


def _tone(view_state: ViewState, id: int) -> str:
    leader = view_state.model.leader
    return "leader" if leader is not None and leader[0] == id else "title"


def state_cell(view_state: ViewState, found: LinkStatus, size: int, style: str) -> Row:
    """Return the state, and the rate where there is room; below six cells one letter."""
    shape = "warn" if found.slow is not None and found.state == "ok" else STYLES[found.state]
    if size < WORD:
        letter = {"ok": "ok", "cut": "CUT", "down": "x", "paused": "=", "unknown": "?", "closed": "-"}
        text = letter.get(found.state, f"{found.loss:g}%" if found.loss else "+" if found.delay_ms else "~")
        if size < 4:
            text = {"ok": view_state.styles.glyph("learned"), "cut": "/", "faulty": "%"}.get(
                found.state, text
            )
        return [(pad(text[: size - 1], size - 1), f"{style} {shape}".strip()), (" ", "")]
    room = size - 1 if size < RATED else size - 7
    state = [(pad(found.short(room), room), f"{style} {shape}".strip())]
    if size < RATED:
        return [*state, (" ", "")]
    return [*state, (pad(rate(found.rate), 6, right=True), f"{style} dim".strip()), (" ", "")]


def rate(value: float | None) -> str:
    """Return ``12/s``; ``?`` where that is not known."""
    if value is None:
        return "?"
    return f"{value:,.0f}/s" if value >= 0.5 else "0/s"


def links(view_state: ViewState, width: int, height: int, *, both: bool, focused: bool) -> list[Row]:
    """Return the matrix, the arrow under the cursor in words, and the keys."""
    if view_state.model.n < 2:
        return wrap("One replica has no links.", width, "dim")
    found = link_statuses(view_state.model, view_state.now)
    size = cell_width(width, view_state.model.n)
    marked = {view_state.link, view_state.link[::-1]} if both else {view_state.link}

    def cell(a: int, b: int, size: int) -> Row:
        style = ("selected" if focused else "cursor") if (a, b) in marked else ""
        return state_cell(view_state, found[a, b], size, style)

    rows = matrix(view_state, width, cell, size)
    below = [*detail(view_state, width, found, both=both), keys(width)]
    if height - len(rows) > len(below):
        rows.append([])
    return [*rows, *below[: max(0, height - len(rows))]]


def detail(
    view_state: ViewState, width: int, found: dict[tuple[int, int], LinkStatus], *, both: bool
) -> list[Row]:
    """Return the arrow under the cursor, and with ``both`` the way back."""
    a, b = view_state.link
    back = found[b, a] if both else None
    rows = [_detail(view_state, found[a, b], width)]
    return [*rows, _detail(view_state, back, width)] if back is not None else rows


def _detail(view_state: ViewState, found: LinkStatus, width: int) -> Row:
    name = f"r{found.sender}{view_state.styles.glyph('arrow')}r{found.receiver}"
    parts: list[Row] = [
        [(name, "strong")],
        [(found.words, STYLES[found.state])],
        [(rate(found.rate), "text")],
    ]
    if found.slow is not None:
        parts.append([(f"~ slow: round trip {found.slow.words}", "warn")])
    elif found.round_trip_ms is not None:
        parts.append([(f"round trip {found.round_trip_ms:.2f} ms", "text")])
    if found.lost:
        parts.append([(f"{found.lost:,} lost", "dim")])
    if found.waiting_bytes:
        parts.append([(f"{found.waiting_bytes:,} B wait", "dim")])
    return columns(parts, width)


def keys(width: int) -> Row:
    """Return what can be done with the arrow."""
    return columns([[(key, "key"), (f" {what}", "dim")] for key, what in KEYS], width)


def preview(view_state: ViewState, cuts: Cuts, now_cut: Cuts, width: int) -> list[Row]:
    """Return what a preset would change, before it does."""
    size = max(4, min(8, (width - SIDE) // view_state.model.n))
    acting = link_statuses(view_state.model, view_state.now)

    def cell(a: int, b: int, size: int) -> Row:
        if (a, b) in cuts:
            return [(pad("CUT", size), "dim bad" if (a, b) in now_cut else "bad")]
        if (a, b) in now_cut:
            return [(pad("join"[: size - 1], size), "self")]
        if acting[a, b].state in ("faulty", "down", "paused", "unknown"):
            return state_cell(view_state, acting[a, b], size, "")  # what acts beside cuts stays
        return [(pad("ok", size), "good")]

    return matrix(view_state, width, cell, size)
