"""The conversation, a line a message."""

from __future__ import annotations

from rich.cells import cell_len

from paxtui.console.model.analysis.conversation import ConversationLine, Mark, saying
from paxtui.console.model.state.sent_messages import SentMessage
from paxtui.console.rows.text import Row, cut, fit, pad
from paxtui.console.view_state import ViewState
from paxtui.wire.text import visible

MARK_STYLES: dict[Mark, str] = {
    "queued": "warn",
    "proposed": "in-flight",
    "chosen": "learned",
    "applied": "good",
    "repeated": "no-op",
    "problem": "bad",
    "no-op": "no-op",
    "nothing": "nothing",
    "removed": "dim",
}

SHOWN_CHARS = 400
"""More of a text fits no line."""


def line(view_state: ViewState, what: int | SentMessage, name: str, width: int, *, chosen: bool) -> Row:
    """Return a slot, or a message of ours that has none; ``name`` is what others see us as."""
    said = saying(view_state.model, what, view_state.seen_by, name, view_state.now)
    pointer = view_state.styles.glyph("pointer") if chosen else " "
    digits = max(4, len(str(view_state.model.end)))
    slot = "-" if said.slot is None else str(said.slot)
    row: Row = [
        (pointer, "key" if chosen else ""),
        (pad(slot, digits, right=True), "dim"),
        (" ", ""),
        (pad(view_state.styles.glyph(said.mark), 3), MARK_STYLES[said.mark]),
    ]
    row += _words(said, width - digits - 5)
    row = fit(row, width)
    return [(text, f"{style} cursor".strip()) for text, style in row] if chosen else row


def _words(said: ConversationLine, width: int) -> Row:
    """Name, text, and at the end what became of it: the note is never what is cut off."""
    quiet = said.mark in ("no-op", "nothing", "removed")
    note = visible(said.note, 80)
    style = "dim" if quiet or said.mark in ("proposed", "repeated") else MARK_STYLES[said.mark]
    row: Row = []
    if said.name:
        columns = min(10, max(4, width // 8))
        shown = visible(said.name, 64)
        row += [
            (pad(shown, max(columns, min(cell_len(shown), 2 * columns))), "self" if said.mine else "title")
        ]
        row.append((" ", ""))
    used = sum(cell_len(text) for text, _ in row)
    text = visible(said.text, SHOWN_CHARS)
    rest = max(0, width - used - 2)
    note = cut(note, min(cell_len(note), rest, max(16, width // 2, rest - cell_len(text))))
    room = max(0, width - used - (cell_len(note) + 2 if note else 0))
    row.append((cut(text, room) if cell_len(text) > room else text, "dim" if not said.name else "text"))
    if note:
        row += [("  " if text else "", ""), (note, style)]
    return row


def title(view_state: ViewState, following: bool, below: int, width: int, *, writing: bool = False) -> str:
    """Return through whom one looks, whether one may write, and where there is room what the marks mean."""
    styles, model = view_state.styles, view_state.model
    replica = model.replicas[view_state.seen_by]
    who = replica.name
    leads = model.leader is not None and model.leader[0] == replica.id
    trouble = model.trouble(replica.id, view_state.now)
    about = [*(["leads"] if leads and view_state.viewer is None else []), *([trouble] if trouble else [])]
    who += f" ({', '.join(about)})" if about else ""
    parts = [f"5 chat as seen by {who}"]
    if not following:
        parts.append(f"+{below} below (f)" if below else "f follows")
    hint = "esc leaves" if writing else "i writes"
    if view_state.moment is not None:
        parts.append("as it was then")
    else:
        parts.append(hint if view_state.armed else "READ-ONLY before :arm")
    parts.append("v another view")
    parts.append(
        "  ".join(f"{styles.glyph(mark)} {mark}" for mark in ("queued", "proposed", "chosen", "applied"))
    )
    while len(parts) > 2 and len("  ".join(parts)) > width - 4:
        parts.pop(2 if len(parts) == 3 else -1)
    return "  ".join(parts)
