"""Why a message of ours is not in the log yet."""

from __future__ import annotations

from paxtui.console.model.analysis.why.answer import Why
from paxtui.console.model.analysis.why.leader import why_no_leader
from paxtui.console.model.analysis.why.slot import why_slot
from paxtui.console.model.analysis.why.waiting import message_waits
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.durations import ages
from paxtui.console.model.state.sent_messages import SentMessage


def why_message(model: ClusterModel, mine: SentMessage, now: float) -> Why:
    """Return what keeps a message, or became of it."""
    age = ages(max(0.0, now - mine.sent_at))
    match mine.fate:
        case "failed":
            return Why("your message", f"FAILED: {mine.problem}.", "bad", ("It will never take effect.",), ())
        case "unknown":
            return Why(
                "your message",
                f"OUTCOME UNKNOWN: {mine.problem}.",
                "bad",
                ("It left, and no answer came: it may be chosen, or may yet be.",),
                ("If it is chosen, it stands in the log; to say it again would be another message.",),
            )
        case "chosen" if mine.slot is not None:
            return why_slot(model, mine.slot, now)
        case "proposed" if mine.slot is not None:
            value = model.values.get(mine.slot)
            if value is None or (value.client, value.request) == (mine.client, mine.request):
                return why_slot(model, mine.slot, now)
    return _queued(model, mine, age, now)


def _queued(model: ClusterModel, mine: SentMessage, age: str, now: float) -> Why:
    reason = message_waits(model, mine, now) or "it was sent just now"
    leader = model.leader
    evidence: list[str] = []
    following: tuple[str, ...] = (
        "The client asks again, with the same number, until a leader takes it: it takes effect once.",
    )
    if mine.slot is not None:
        evidence.append(f"Slot {mine.slot}, where it was proposed first, went to another value.")
    if leader is None or model.trouble(leader[0], now):
        cause = why_no_leader(model, now)
        evidence += [cause.verdict, *cause.evidence]
        following = (*cause.next, *following)
    return Why("your message", f"QUEUED for {age}: {reason}.", "warn", tuple(evidence), following)
