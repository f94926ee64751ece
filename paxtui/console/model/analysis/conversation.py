"""The log as a conversation: which line shows which slot or which of our messages, and how far each is."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final, Literal, NamedTuple

from paxtui.console.model.analysis.slots import slot_facts
from paxtui.console.model.analysis.why import message_waits, slot_waits
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.state.sent_messages import SentMessage
from paxtui.console.model.state.values import Value

Mark = Literal[
    "queued", "proposed", "chosen", "applied", "repeated", "problem", "no-op", "nothing", "removed"
]
"""A glyph by name; the word for it is in the help."""


LATE_SLOTS: Final = 200
"""Who is further behind does not know of what the others have decided."""


class Conversation:
    """Lines in log order. Each slot is one; ours that have no slot stand between them, or wait at the end."""

    def __init__(self, model: ClusterModel) -> None:
        end = model.end
        waiting = [mine for mine in model.chat.mine if _is_loose(model, mine)]
        ended = [(min(mine.after, end), mine) for mine in waiting if mine.after is not None]
        open_ = [(end, mine) for mine in waiting if mine.after is None]
        ended.sort(key=lambda pair: pair[0])
        self._mine = [mine for _, mine in (*ended, *open_)]
        self._lines = [at + rank for rank, (at, _) in enumerate((*ended, *open_))]
        self.count = end + len(self._mine)
        kept_from = model.log_start
        hidden = sum(at < kept_from for at, _ in (*ended, *open_))
        self.first = kept_from + hidden - 1 if kept_from else 0
        """The first line; where slots are removed, it stands for all of them."""

    def get(self, line: int) -> int | SentMessage:
        """Return the slot, or the message of ours without one, in ``line``."""
        before = bisect_right(self._lines, line)
        if before and self._lines[before - 1] == line:
            return self._mine[before - 1]
        return line - before


def _is_loose(model: ClusterModel, mine: SentMessage) -> bool:
    """Return whether it stands in no slot: it got none, or another value has taken it."""
    if mine.slot is None:
        return True
    if mine.fate == "chosen":
        return False
    value = model.values.get(mine.slot)
    return value is not None and (value.client, value.request) != (mine.client, mine.request)


class ConversationLine(NamedTuple):
    """One line of the conversation."""

    slot: int | None
    mark: Mark
    name: str
    text: str
    """As it was sent: not yet safe to show."""
    note: str
    """What keeps it from going on, or became of it."""
    mine: bool


def saying(
    model: ClusterModel, what: int | SentMessage, viewer: int, name: str, now: float
) -> ConversationLine:
    """Return a line as replica ``viewer`` sees it; ``name`` is our own."""
    if isinstance(what, SentMessage):
        return _without_slot(model, what, name, now)
    if what < model.log_start:
        text = f"slots 0 to {what} are removed"
        return ConversationLine(None, "removed", "", text, f"kept from slot {model.log_start} on", mine=False)
    value = model.values.get(what)
    mark, note = _state(model, what, value, viewer, now)
    if value is None:
        if what < model.applied and not model.keepers(what):
            return ConversationLine(what, "removed", "", "", "removed", mine=False)
        if what < model.applied:
            model.values.want(what)
            return ConversationLine(what, mark, "", "...", note, mine=False)
        return ConversationLine(what, mark, "", "", note, mine=False)
    if value.is_noop:
        words = value.words if mark == "applied" else f"{value.words}, {note or mark}"
        return ConversationLine(what, "no-op", "", "", words, mine=False)
    mine = model.chat.message_at(what, value.client, value.request)
    if mine is not None and mine.fate in ("failed", "unknown") and mark in ("proposed", "queued"):
        mark, note = "problem", mine.problem
    return ConversationLine(what, mark, value.name, mine.text if mine else value.text, note, mine is not None)


def _without_slot(model: ClusterModel, mine: SentMessage, name: str, now: float) -> ConversationLine:
    match mine.fate:
        case "failed":
            return ConversationLine(None, "problem", name, mine.text, f"failed: {mine.problem}", mine=True)
        case "unknown":
            return ConversationLine(
                None, "problem", name, mine.text, f"outcome unknown: {mine.problem}", mine=True
            )
        case _:
            waits = now - mine.sent_at
            since = f" {waits:.0f} s" if waits >= 2 else " here"
            lost = "its slot went to another value; " if mine.slot is not None else ""
            why = message_waits(model, mine, now)
            note = f"{lost}queued{since}" + (f": {why}" if why else "")
            return ConversationLine(None, "queued", name, mine.text, note, mine=True)


def _state(model: ClusterModel, slot: int, value: Value | None, viewer: int, now: float) -> tuple[Mark, str]:
    """Return how far a slot is, as the viewed replica sees it."""
    replica = model.replicas[viewer]
    if slot in model.judge.conflicts:
        return "problem", "CONFLICT: two values"
    if slot < replica.applied:
        if value is not None and value.repeats is not None:
            what = f"repeats {value.repeats}" if value.repeats >= 0 else "its session had expired"
            return "repeated", f"{what}, no effect"
        return "applied", ""
    if slot in replica.learned:
        gap = replica.learned.first_missing(replica.applied)
        return "chosen", _blocked(model, gap, now) if gap < slot else ""
    facts = slot_facts(model, slot, now)
    if facts.state in ("applied", "chosen", "blocked", "no-op"):
        # Reports of different replicas are milliseconds apart: nothing is said of what is about to come.
        behind = model.applied - replica.applied > LATE_SLOTS
        late = behind or not replica.fresh(now) or model.isolated(viewer)
        return "proposed", f"chosen; {replica.name} has not heard of it" if late else ""
    if facts.state == "HOLE":
        return "nothing", "HOLE: nothing accepted"
    why = slot_waits(model, slot, now)
    return "proposed", f"{facts.votes}/{facts.quorum} accepted" + (f": {why}" if why else "")


def _blocked(model: ClusterModel, gap: int, now: float) -> str:
    """Return what a chosen slot waits for, and why that one is not there."""
    why = slot_waits(model, gap, now)
    return f"waits for {gap}" + (f", {why}" if why else "")
