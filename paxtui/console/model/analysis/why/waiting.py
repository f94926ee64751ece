"""Why something waits, in a few words: what stands beside a message that does not go on."""

from __future__ import annotations

from paxtui.console.model.analysis.slots import slot_facts
from paxtui.console.model.analysis.why.answer import names
from paxtui.console.model.analysis.why.leader import obstacle
from paxtui.console.model.analysis.why.missing import missing
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.liveness.liveness import able_proposers
from paxtui.console.model.state.sent_messages import SentMessage
from paxtui.wire.values import Ballot

PATIENCE_S = 1.0
"""What takes less long needs no reason: elections and lost messages are mended by then."""


def _no_leader(model: ClusterModel, now: float) -> str:
    """Return why no leader can do anything; empty if one can."""
    hindered = obstacle(model)
    leader = model.leader
    if leader is None and not hindered and (silent := model.unheard(now)):
        return f"no leader is known: {names(silent)} not heard"
    if leader is None:
        return f"no leader: {hindered}" if hindered else "no leader yet: an election is on"
    trouble = model.trouble(leader[0], now)
    if trouble:
        return f"leader r{leader[0]} {trouble}" + (f"; {hindered}" if hindered else "")
    if leader[0] not in able_proposers(model):
        return f"r{leader[0]} leads, but reaches no majority"
    return ""


def message_waits(model: ClusterModel, mine: SentMessage, now: float) -> str:
    """Return why a message of ours has no slot yet; empty while there is no reason to ask."""
    if now - mine.sent_at < PATIENCE_S:
        return ""
    if mine.via is not None and (trouble := model.trouble(mine.via, now)):
        return f"it goes through r{mine.via}: {trouble}"
    leading = _no_leader(model, now)
    if leading:
        return leading
    assert model.leader is not None
    id, _ = model.leader
    report = model.replicas[id].report
    status = report.status if report is not None else None
    if status is not None and status.queued:
        return f"r{id} has {status.in_flight:,} in flight, and {status.queued:,} wait before it"
    return f"r{id} has not proposed it"


def slot_waits(model: ClusterModel, slot: int, now: float) -> str:
    """Return why a slot that has a proposal, or is a hole, is not chosen; empty while that is as usual."""
    open_s = model.open_for(slot, now)
    if open_s is not None and open_s < PATIENCE_S:
        return ""
    facts = slot_facts(model, slot, now)
    if facts.state == "HOLE":
        return "a HOLE: nothing accepted"
    if facts.state not in ("open", "maybe"):
        return ""
    leading = _no_leader(model, now)
    if leading:
        return leading
    assert model.leader is not None
    id, leads_at = model.leader
    ballot = facts.ballot or Ballot.ZERO
    if leads_at > ballot:
        return f"r{id}, the new leader, has to propose it again at {leads_at}"
    parts: dict[str, list[int]] = {}
    for replica in model.replicas:
        if model.replicas[replica.id].vote(slot) != leads_at:
            found = missing(model, replica, facts.cells[replica.id], leads_at, now)
            parts.setdefault(found.short, []).append(replica.id)
    return ", ".join(f"{names(who)} {why}" for why, who in parts.items())
