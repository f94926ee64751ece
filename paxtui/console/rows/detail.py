"""All that is known of one slot, one event or one message: pages for the key ``enter``."""

from __future__ import annotations

from msgspec import Struct

from paxtui.console.model.analysis.describe import describe
from paxtui.console.model.analysis.slots import CellKind, slot_facts
from paxtui.console.model.analysis.why import Why, why_message, why_slot
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.state.seen import NO_NUMBER, NO_REPLICA, Seen
from paxtui.console.model.state.sent_messages import SentMessage
from paxtui.console.model.state.values import Value
from paxtui.console.rows.events import clock, tone
from paxtui.console.rows.text import Row, fill, fit, pad, wrap
from paxtui.console.view_state import ViewState
from paxtui.wire import events as e
from paxtui.wire.text import visible

HISTORY_MAX = 200
"""Events of one slot that are listed, the newest."""

CELL_WORDS: dict[CellKind, str] = {
    "nothing": "no vote",
    "in-flight": "an Accept is on its way",
    "accepted": "accepted",
    "learned": "voted, and knows that it is chosen",
    "told": "knows that it is chosen; its own vote was not seen",
    "older": "accepted at an older ballot",
    "no-op": "knows that it is chosen: no client's value",
    "lost": "the Accept was lost",
    "refused": "refuses: it promised more",
    "unknown": "not heard",
    "removed": "has removed it",
}


def history(model: ClusterModel, slot: int) -> list[Seen]:
    """Return what happened in a slot, as far as it is kept, in the order in which it became known. That a
    leader began counts as well, if its phase 1 covered the slot."""
    found = [seen for seen in model.journal.all if _concerns(seen.event, slot)]
    return found[-HISTORY_MAX:]


def _concerns(event: Struct, slot: int) -> bool:
    if isinstance(event, e.Elected):
        return event.first <= slot < event.end
    if isinstance(event, e.AppliedTo):
        return event.first <= slot < event.watermark
    if isinstance(event, e.SnapshotTaken):
        return event.first <= slot < event.upto
    if isinstance(event, e.Checkpointed):
        return slot == event.upto - 1
    if isinstance(event, e.Trimmed):
        return slot < event.log_start
    at: int | None = getattr(event, "slot", None)
    if at is not None:
        return at == slot
    first, count = getattr(event, "first", None), getattr(event, "count", None)
    return first is not None and count is not None and first <= slot < first + count


def slot_page(view_state: ViewState, slot: int, past: list[Seen], width: int) -> list[Row]:
    """Return the state and why, the votes, the value to its end, and what happened in the slot."""
    model = view_state.model
    facts = slot_facts(model, slot, view_state.now)
    rows = _answer(view_state, why_slot(model, slot, view_state.now), width)
    rows += [[], fit([("Votes", "title")], width)]
    for replica, cell in zip(model.replicas, facts.cells, strict=True):
        glyph = view_state.styles.cell(cell.kind)
        ballot = str(cell.ballot) if cell.ballot is not None else ""
        words = CELL_WORDS[cell.kind] + ("" if cell.fresh else ", as far as it was heard")
        rows.append(
            fit(
                [
                    (f"{replica.name} ", "title"),
                    (f"{glyph} ", cell.kind),
                    (pad(ballot, 6), "text"),
                    (words, "dim"),
                ],
                width,
            )
        )
    rows += [[], fit([("Value", "title")], width), *_value(model, slot, facts.value, width)]
    rows += [[], fit([("What happened here", "title")], width)]
    rows += [row for seen in past for row in _event(seen, width)]
    if not past:
        rows.append(fit([("nothing that is still kept", "dim")], width))
    return rows


def _value(model: ClusterModel, slot: int, value: Value | None, width: int) -> list[Row]:
    if slot < model.log_start:
        return [fit([("removed", "dim")], width)]
    if value is None:
        gone = slot < model.applied and not model.keepers(slot)
        return [fit([("removed" if gone else "not known here", "dim")], width)]
    if value.is_noop and value.word != "no-op":
        return [fit([(value.words, "no-op")], width)]
    if value.is_noop:
        return [fit([(f"a no-op: {model.holes.fill_words(slot)[0]}", "no-op")], width)]
    whole = model.values.whole(slot)
    rows = fill(f"{value.name}: {visible(whole if whole is not None else value.text)}", width, "text")
    if whole is None:
        why = "the rest is asked for" if slot < model.applied else "the rest is known once it is applied"
        rows.append(fit([(f"only the beginning; {why}", "dim")], width))
    return rows


def _answer(view_state: ViewState, why: Why, width: int) -> list[Row]:
    arrow = view_state.styles.glyph("arrow")
    rows = wrap(visible(why.verdict), width, why.tone)
    rows += [row for text in why.evidence for row in wrap(visible(text), width, "text", "  ")]
    return rows + [row for text in why.next for row in wrap(f"{arrow} {visible(text)}", width, "self", "  ")]


def _event(seen: Seen, width: int) -> list[Row]:
    head = f"{clock(seen.wall)}  {seen.teller:<3} "
    lines = wrap(describe(seen), max(20, width - len(head)), tone(seen))
    return [
        fit([(head if not number else " " * len(head), "dim"), *line], width)
        for number, line in enumerate(lines)
    ]


def event_page(view_state: ViewState, seen: Seen, width: int) -> list[Row]:
    """Return an event to its end, and the slot that it is about."""
    where = "" if seen.number == NO_NUMBER or seen.replica in NO_REPLICA else f", its event {seen.number:,}"
    rows = [fit([(f"{clock(seen.wall)}  {seen.teller}{where}", "title")], width), []]
    rows += wrap(describe(seen, whole=True), width, tone(seen))
    slot = seen.slot
    if slot is not None and slot < view_state.model.end:
        rows += [[], *_answer(view_state, why_slot(view_state.model, slot, view_state.now), width)]
    return rows


def message_page(view_state: ViewState, mine: SentMessage, width: int) -> list[Row]:
    """Return a message of ours to its end, and what keeps it."""
    rows = _answer(view_state, why_message(view_state.model, mine, view_state.now), width)
    return [*rows, [], *fill(visible(mine.text), width, "text")]
