"""What happened, a line each: when, where, what."""

from __future__ import annotations

from datetime import datetime

from paxtui.console.model.analysis.describe import describe
from paxtui.console.model.state.journal import Filter
from paxtui.console.model.state.seen import NO_REPLICA, Divider, Note, Seen
from paxtui.console.rows.text import Row, fit
from paxtui.console.view_state import ViewState
from paxtui.wire import events as e
from paxtui.wire.telemetry import LearnedView, MessageFaulted

STYLES: dict[type, str] = {
    e.Elected: "leader",
    e.ChosenSeen: "learned",
    LearnedView: "learned",
    e.SteppedDown: "warn",
    e.SlotSkipped: "warn",
    e.NackReceived: "warn",
    e.NackSent: "warn",
    e.ProposerCrashed: "warn",
    e.BecameNonVoting: "alarm",
    MessageFaulted: "lost",
    e.MessageDropped: "dim",
    e.Suppressed: "no-op",
}
"""What stands out; the kind of the event has the style of its column otherwise."""

TIME_WIDTH = 12
WHO_WIDTH = 3


def clock(wall: float) -> str:
    """Return ``12:04:07.120``, local time; a time of no year that there is has no words."""
    try:
        at = datetime.fromtimestamp(wall)
    except (OverflowError, ValueError, OSError):
        return "??:??:??.???"
    return f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}"


def tone(seen: Seen) -> str:
    """Return the style of an event's text."""
    if isinstance(seen.event, Note):
        return "bad" if seen.event.failed else "self" if seen.replica in NO_REPLICA else "warn"
    return STYLES.get(type(seen.event), "warn" if seen.kind == "faults" else "text")


def of_day_s(wall: float) -> float | None:
    """Return the time of the day in seconds, local time; ``None`` for a time of no year that there is."""
    try:
        at = datetime.fromtimestamp(wall)
    except (OverflowError, ValueError, OSError):
        return None
    return at.hour * 3600 + at.minute * 60 + at.second


def line(
    view_state: ViewState, seen: Seen | None, width: int, *, chosen: bool, words: str | None = None
) -> Row:
    """Return one event, with ``words`` in place of what it says alone; ``None`` for one that is not kept any
    more."""
    pointer = view_state.styles.glyph("pointer") if chosen else " "
    if seen is None:
        return fit([(f"{pointer} ", "key"), ("older events are not kept", "dim")], width)
    if isinstance(seen.event, Divider):
        rule = view_state.styles.glyph("rule")
        text = f" {describe(seen)} "
        return fit([(pointer, "key" if chosen else ""), (2 * rule + text + width * rule, "dim")], width)
    style = tone(seen)
    at = clock(seen.wall)
    row: Row = [
        (pointer, "key" if chosen else ""),
        (at if width >= 70 else at[3:], "dim"),
        ("~ " if seen.corrected else "  ", "warn"),
        (f"{seen.teller:<{WHO_WIDTH}}", "self" if seen.replica in NO_REPLICA else "title"),
        (" ", ""),
        (describe(seen) if words is None else words, style),
    ]
    row = fit(row, width)
    if seen.remembered:
        row = [(text, name if name == "key" else "dim") for text, name in row]
    return [(text, f"{name} cursor".strip()) for text, name in row] if chosen else row


def title(wanted: Filter, following: bool, below: int, follow: str) -> str:
    """Return what is shown, and how to change it."""
    level = "all" if wanted.everything else "notable"
    kind = wanted.kind or "any"
    by = "all" if wanted.replica is None else NO_REPLICA.get(wanted.replica) or f"r{wanted.replica}"
    state = f"following {follow}" if following else f"+{below} below (f)" if below else "f follows"
    return f"6 events  V level: {level}  K kind: {kind}  B by: {by}   {state}"
