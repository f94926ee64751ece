"""The log: slot by replica."""

from __future__ import annotations

from rich.cells import cell_len

from paxtui.console.model.replica import ReplicaView
from paxtui.console.model.slots import Cell, SlotFacts, slot_facts
from paxtui.console.rows.text import Row, fit, pad
from paxtui.console.scene import Scene

STATE_STYLES = {
    "empty": "dim",
    "open": "text",
    "maybe": "unknown",
    "chosen": "learned",
    "blocked": "warn",
    "applied": "text",
    "no-op": "no-op",
    "HOLE": "hole",
    "CONFLICT": "alarm",
}

LOUD = ("hole", "alarm")
"""Styles with a ground of their own, which the cursor's must not cover."""

STATE_WIDTH = 9
VALUE_MIN = 12


def cell_width(width: int, n: int, slot_width: int) -> int:
    """Cells of a replica's column: glyph and ballot if they fit, else a shorter ballot, else the glyph."""
    room = width - 2 - slot_width - 2 - STATE_WIDTH - 1 - VALUE_MIN
    for size in (7, 5, 2):
        if size * n <= room:
            return size
    return 2


def slot_width(end: int) -> int:
    """Digits of the column of slots."""
    return max(5, len(str(end)))


def heading(scene: Scene, width: int) -> Row:
    """Names of the columns; a replica's has its role or what is wrong with it."""
    model = scene.model
    digits = slot_width(model.end)
    size = cell_width(width, model.n, digits)
    row: Row = [
        ("  ", ""),
        (pad("slot", digits, right=True), "title"),
        ("  ", ""),
        (pad("state", STATE_WIDTH + 1), "title"),
    ]
    for replica in model.replicas:
        mark = column_mark(scene, replica)
        text = f"{replica.name} {mark}" if size >= 5 else replica.name[1:]
        style = "leader" if mark == "L" else "dim" if mark.strip() else "title"
        if replica.id == scene.selected:
            style = "selected"
        row.append((pad(text, size - 1), style))
        row.append((" ", ""))
    row.append(("value", "title"))
    return fit(row, width)


def column_mark(scene: Scene, replica: ReplicaView) -> str:
    """``L`` leads, ``x`` down, ``/`` cut off, ``=`` paused, ``~`` slow, ``?`` not heard."""
    model = scene.model
    leader = model.leader
    if replica.process == "down":
        return "x"
    if replica.process == "paused":
        return "="
    if model.isolated(replica.id):
        return "/"
    if not replica.fresh(scene.now):
        return "?"
    if leader is not None and leader[0] == replica.id:
        return "L"
    if replica.slow_disk_ms:
        return "~"
    return " "


def line(scene: Scene, slot: int, width: int, *, chosen: bool) -> Row:
    """One slot."""
    model = scene.model
    facts = slot_facts(model, slot, scene.now)
    digits = slot_width(model.end)
    size = cell_width(width, model.n, digits)
    pointer = scene.look.glyph("pointer") if chosen else " "
    row: Row = [
        (f"{pointer} ", "key" if chosen else ""),
        (pad(str(slot), digits, right=True), "strong" if chosen else "dim"),
        ("  ", ""),
        (pad(facts.word, STATE_WIDTH), STATE_STYLES[facts.state]),
        (" ", ""),
    ]
    for cell in facts.cells:
        row += _cell(scene, facts, cell, size)
    row += _value(scene, facts)
    if facts.value is None and slot < model.applied:
        model.values.want(slot)
    row = fit(row, width)
    if not chosen:
        return row
    return [(text, style if style in LOUD else f"{style} cursor".strip()) for text, style in row]


def _cell(scene: Scene, facts: SlotFacts, cell: Cell, size: int) -> Row:
    glyph = scene.look.cell(cell.kind)
    style: str = cell.kind
    if not cell.fresh and cell.kind != "unknown":
        style = "dim"
    if cell.ballot is None or size < 5 or cell.kind in ("nothing", "unknown"):
        return [(pad(glyph, size), style)]
    ballot = str(cell.ballot)
    hue = scene.ballot_hue(cell.ballot.round, cell.ballot.replica) if cell.fresh else "dim"
    if cell_len(ballot) > size - 2:
        ballot = ballot[-(size - 2) :]
    leader = scene.model.leader
    if leader is not None and leader[1] == cell.ballot and cell.fresh:
        hue = f"{hue} bold"
    del facts
    return [(glyph, style), (pad(ballot, size - 1), hue)]


def _value(scene: Scene, facts: SlotFacts) -> Row:
    """The value, or why there is none, and what a blocked slot waits for."""
    value = facts.value
    row: Row = []
    if facts.state == "HOLE":
        skipped = scene.model.skipped.get(facts.slot)
        row.append((f"skipped by r{skipped.replica}" if skipped is not None else "nothing accepted", "warn"))
    elif value is None:
        row.append(("" if facts.state == "empty" else "...", "dim"))
    elif value.is_noop:
        row.append(("fills a hole", "no-op"))
    else:
        row.append((f"{value.name}: ", "self"))
        row.append((value.shown[len(value.name) + 2 :], "text"))
        if value.repeats is not None:
            what = f"repeats {value.repeats}" if value.repeats >= 0 else "its session had expired"
            row.append((f"  = {what}, no effect", "dim"))
    if facts.waits_for is not None:
        row.append((f"  waits for {facts.waits_for}", "warn"))
    return row
