"""The log: slot by replica."""

from __future__ import annotations

from typing import Final, NamedTuple

from rich.cells import cell_len

from paxtui.console.model.analysis.folding import Fold
from paxtui.console.model.analysis.slots import AcceptorCell, SlotFacts, slot_facts
from paxtui.console.model.analysis.slowness import slow_disks
from paxtui.console.model.state.replica import ReplicaView
from paxtui.console.rows.text import Row, Span, fit, pad, width_of
from paxtui.console.view_state import ViewState
from paxtui.wire.values import Ballot

STATE_STYLES = {
    "empty": "dim",
    "open": "text",
    "maybe": "unknown",
    "chosen": "learned",
    "blocked": "warn",
    "applied": "text",
    "no-op": "no-op",
    "checkpoint": "no-op",
    "trim": "no-op",
    "removed": "dim",
    "HOLE": "hole",
    "CONFLICT": "alarm",
}

LOUD = ("hole", "alarm")
"""Styles with a ground of their own, which the cursor's must not cover."""

STATE_WIDTH: Final = 10
VALUE_MIN: Final = 12
VALUE_WANTED: Final = 32
"""Cells that a value gets before ballots get more than they need as a rule."""

VALUE_KEPT: Final = 8
"""Cells that a value keeps beside what is said of it."""

VOTES: Final = (("votes", 6, 28), ("q", 3, 14))
"""The column of counts: its name, its width, and how many cells it must leave to the value."""


class Columns(NamedTuple):
    """The widths of columns."""

    slot: int
    cell: int
    votes: str
    """The name of the column of counts; empty where there is no room for it."""
    votes_width: int


def columns_of(width: int, n: int, end: int) -> Columns:
    """Return cells of a replica's column: glyph and ballot if the value keeps what it wants, else a shorter
    ballot if it keeps some, else the glyph. What is left over may hold the count of votes."""
    digits = max(5, len(str(end)))
    room = width - 2 - digits - 2 - STATE_WIDTH - 1
    size = next((size for size, value in ((7, VALUE_WANTED), (5, VALUE_MIN)) if size * n + value <= room), 2)
    for name, cells, value_min in VOTES:
        if room - size * n - cells >= value_min:
            return Columns(digits, size, name, cells)
    return Columns(digits, size, "", 0)


def heading(view_state: ViewState, width: int) -> Row:
    """Return names of the columns; a replica's has its role or what is wrong with it."""
    model = view_state.model
    columns = columns_of(width, model.n, model.end)
    size = columns.cell
    row: Row = [
        ("  ", ""),
        (pad("slot", columns.slot, right=True), "title"),
        ("  ", ""),
        (pad("state", STATE_WIDTH + 1), "title"),
    ]
    for replica in model.replicas:
        mark = column_mark(view_state, replica)
        text = f"{replica.name} {mark}" if size >= 5 else replica.name[1:]
        style = "leader" if mark == "L" else "dim" if mark.strip() else "title"
        if replica.id == view_state.selected:
            style = "selected"
        row.append((pad(text, size - 1), style))
        row.append((" ", ""))
    if columns.votes:
        row.append((pad(columns.votes, columns.votes_width), "title"))
    row.append(("value", "title"))
    return fit(row, width)


def column_mark(view_state: ViewState, replica: ReplicaView) -> str:
    """Return ``L`` leads, ``x`` down, ``/`` cut off, ``=`` paused, ``~`` slow, ``?`` not heard."""
    model = view_state.model
    leader = model.leader
    if replica.process == "down":
        return "x"
    if replica.process == "paused":
        return "="
    if model.isolated(replica.id):
        return "/"
    if not replica.fresh(view_state.now):
        return "?"
    if leader is not None and leader[0] == replica.id:
        return "L"
    if replica.slow_disk_ms or replica.id in slow_disks(model, view_state.now):
        return "~"
    return " "


def line(view_state: ViewState, slot: int, width: int, *, chosen: bool) -> Row:
    """Return one slot."""
    model = view_state.model
    facts = slot_facts(model, slot, view_state.now)
    columns = columns_of(width, model.n, model.end)
    pointer = view_state.styles.glyph("pointer") if chosen else " "
    row: Row = [
        (f"{pointer} ", "key" if chosen else ""),
        (pad(str(slot), columns.slot, right=True), "strong" if chosen else "dim"),
        ("  ", ""),
        (pad(facts.word, STATE_WIDTH), STATE_STYLES[facts.state]),
        (" ", ""),
    ]
    leader = model.leader
    leads_at = leader[1] if leader is not None else None
    for cell in facts.cells:
        row += _cell(view_state, cell, columns.cell, leads_at)
    if columns.votes:
        row.append((pad(_votes(facts), columns.votes_width), _votes_style(facts)))
    row += _value(view_state, facts, width - width_of(row))
    if facts.value is None and model.keepers(slot):
        model.values.want(slot)
    row = fit(row, width)
    return _under_cursor(row) if chosen else row


def _under_cursor(row: Row) -> Row:
    return [(text, style if style in LOUD else f"{style} cursor".strip()) for text, style in row]


def fold_line(view_state: ViewState, fold: Fold, width: int, *, chosen: bool) -> Row:
    """Return slots in which nothing happened but what always does, on one line."""
    if fold.removed:
        return _removed_line(view_state, fold, width, chosen=chosen)
    model = view_state.model
    columns = columns_of(width, model.n, model.end)
    pointer = view_state.styles.glyph("pointer") if chosen else " "
    applied = [replica for replica in model.replicas if replica.applied >= fold.end]
    where = "all" if len(applied) == model.n else " ".join(replica.name for replica in applied) or "none"
    row = fit(
        [
            (f"{pointer} ", "key" if chosen else ""),
            (pad(view_state.styles.glyph("fold"), columns.slot, right=True), "dim"),
            ("  ", ""),
            (f"{fold.first}-{fold.end - 1}", "title"),
            (f" folded: {fold.end - fold.first:,} applied on {where}", "dim"),
            ("  enter", "key"),
            (" opens", "dim"),
        ],
        width,
    )
    return _under_cursor(row) if chosen else row


def _removed_line(view_state: ViewState, fold: Fold, width: int, *, chosen: bool) -> Row:
    """Return the line at which the log begins: what was below is gone on all replicas."""
    columns = columns_of(width, view_state.model.n, view_state.model.end)
    pointer = view_state.styles.glyph("pointer") if chosen else " "
    row = fit(
        [
            (f"{pointer} ", "key" if chosen else ""),
            (pad(view_state.styles.cell("removed"), columns.slot, right=True), "removed"),
            ("  ", ""),
            (f"slots 0 to {fold.end - 1} are removed", "title"),
            (f"  the log is kept from slot {fold.end} on", "dim"),
        ],
        width,
    )
    return _under_cursor(row) if chosen else row


def _votes(facts: SlotFacts) -> str:
    """Return how many voted at one ballot, as far as it was seen."""
    seen = facts.votes >= facts.quorum or not facts.learners
    return str(facts.votes) if seen else "?"


def _votes_style(facts: SlotFacts) -> str:
    return "dim" if facts.votes >= facts.quorum or facts.learners else "warn"


def _cell(view_state: ViewState, cell: AcceptorCell, size: int, leads_at: Ballot | None) -> Row:
    glyph = view_state.styles.cell(cell.kind)
    style: str = cell.kind
    if not cell.fresh and cell.kind != "unknown":
        style = "dim"
    if cell.ballot is None or size < 5 or cell.kind in ("nothing", "unknown"):
        return [(pad(glyph, size), style)]
    ballot = str(cell.ballot)
    hue = view_state.ballot_hue(cell.ballot.round, cell.ballot.replica) if cell.fresh else "dim"
    if cell_len(ballot) > size - 2:
        ballot = "…" + ballot[-(size - 3) :]
    if leads_at == cell.ballot and cell.fresh:
        hue = f"{hue} bold"
    return [(glyph, style), (pad(ballot, size - 1), hue)]


def _value(view_state: ViewState, facts: SlotFacts, width: int) -> Row:
    """Return the value, or why there is none; then what there is to say of it, in full or in short, as far as
    the value keeps some room."""
    row = _said(view_state, facts, width)
    used = width_of(row)
    for notes in zip(*_notes(view_state, facts), strict=True):
        said = [note for note in notes if note[0]]
        size = width_of(said)
        if size and size + min(used, VALUE_KEPT) <= width:
            return [*(fit(row, width - size) if used + size > width else row), *said]
    return row


def _said(view_state: ViewState, facts: SlotFacts, width: int) -> Row:
    value, holes = facts.value, view_state.model.holes
    if facts.state == "HOLE":
        return [(_fitting(holes.hole_words(facts.slot), width), "warn")]
    if facts.state == "removed" or (
        value is None and facts.slot < view_state.model.applied and not view_state.model.keepers(facts.slot)
    ):
        return [("removed", "dim")]
    if value is None:
        return [("" if facts.state == "empty" else "...", "dim")]
    if value.word == "checkpoint" and value.is_noop:
        return [(_fitting(("checkpoint: every replica keeps its state here", "checkpoint"), width), "no-op")]
    if value.word == "trim" and value.is_noop:
        words = (f"{value.words}: slots below it are removed", value.words)
        return [(_fitting(words, width), "no-op")]
    if value.is_noop:
        return [(_fitting(holes.fill_words(facts.slot), width), "no-op")]
    return [(f"{value.name}: ", "self"), (value.shown[len(value.name) + 2 :], "text")]


def _notes(view_state: ViewState, facts: SlotFacts) -> list[tuple[Span, Span]]:
    """Return what stands beside the value: each in full, and in short."""
    value = facts.value if facts.state != "removed" else None
    notes: list[tuple[Span, Span]] = [(("", ""), ("", ""))]
    if value is not None and value.repeats is not None:
        what = f"repeats {value.repeats}" if value.repeats >= 0 else "its session had expired"
        notes.append(((f"  = {what}, no effect", "dim"), ("  =", "dim")))
    found = _found(view_state, facts.slot)
    if found:
        notes.append(((f"  {found}", "leader"), ("", "")))
    if facts.waits_for is not None:
        gap = facts.waits_for
        notes.append(((f"  waits for {gap}", "warn"), (f"  ({gap})", "warn")))
    return notes


def _fitting(texts: tuple[str, str], width: int) -> str:
    """Return it in full, or in short where that does not fit."""
    full, short = texts
    return full if cell_len(full) <= width else short


def _found(view_state: ViewState, slot: int) -> str:
    """Return who found a value that a new leader proposed again."""
    model = view_state.model
    if model.sources.get(slot) != "adopted":
        return ""
    ballot = model.proposed.get(slot)
    return f"found by r{ballot.replica}" if ballot is not None else ""
