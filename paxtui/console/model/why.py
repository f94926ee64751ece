"""Why a slot is chosen or not; why nobody leads; why nothing moves. From facts alone.

Every answer has a verdict, the evidence for it, and what must happen next.
"""

from __future__ import annotations

from typing import NamedTuple

from paxtui.console.model.ages import ages
from paxtui.console.model.cluster import ClusterModel
from paxtui.console.model.replica import ReplicaView
from paxtui.console.model.slots import Cell, SlotFacts, slot_facts
from paxtui.wire.text import visible
from paxtui.wire.values import Ballot


class Why(NamedTuple):
    """An answer. ``verdict`` is one sentence; the others are sentences each."""

    subject: str
    verdict: str
    tone: str
    """A style: ``good``, ``warn``, ``bad`` or ``text``."""
    evidence: tuple[str, ...]
    next: tuple[str, ...]


def names(replicas: object) -> str:
    """``r0 r1``."""
    return " ".join(f"r{replica}" for replica in replicas) or "nobody"  # type: ignore[attr-defined]


def why_slot(model: ClusterModel, slot: int, now: float) -> Why:
    """Why ``slot`` is in the state that it is in."""
    facts = slot_facts(model, slot, now)
    subject = f"slot {slot}"
    match facts.state:
        case "CONFLICT":
            return Why(
                subject,
                "CONFLICT: two different values were seen to be chosen here. The log is not safe.",
                "bad",
                tuple(model.judge.problems[-3:]),
                ("Keep the records of all replicas: `paxtui check` on them shows the step that broke it.",),
            )
        case "applied" | "no-op" | "chosen":
            return _chosen(model, facts, now)
        case "blocked":
            return _blocked(model, facts, now)
        case "HOLE":
            return _hole(model, facts, now)
        case "empty":
            return Why(subject, "Nothing yet: no leader has proposed a value here.", "text", (), ())
        case _:
            return _open(model, facts, now)


def _voters(facts: SlotFacts, ballot: Ballot | None) -> list[int]:
    return [id for id, cell in enumerate(facts.cells) if cell.ballot is not None and cell.ballot == ballot]


def _chosen(model: ClusterModel, facts: SlotFacts, now: float) -> Why:
    ballot = facts.ballot
    at = f" at {ballot}" if ballot is not None and ballot.round else ""
    voters = [r.id for r in model.replicas if ballot is not None and r.vote(facts.slot) == ballot]
    what = "CHOSEN" if facts.state != "no-op" else "CHOSEN, a no-op"
    evidence: list[str] = []
    if len(voters) >= model.quorum:
        evidence.append(
            f"{names(voters)} accepted it{at}: {len(voters)} of {model.n}, {model.quorum} needed."
        )
    else:
        evidence.append(
            f"{names(facts.learners)} report it as learned{at}; the votes were cast before we looked."
        )
    others = sorted({v for r in model.replicas if (v := r.vote(facts.slot)) is not None and v != ballot})
    if others:
        told = "; ".join(
            f"{names(r.id for r in model.replicas if r.vote(facts.slot) == each)} at {each}"
            for each in others
        )
        evidence.append(f"Votes at other ballots: {told}. Votes are counted by ballot, never added up.")
    source = model.sources.get(facts.slot)
    if source == "adopted":
        evidence.append("Its leader found this value in the promises of phase 1 and had to propose it again.")
    told_only = [id for id in facts.learners if model.replicas[id].vote(facts.slot) is None]
    if told_only and len(voters) >= model.quorum:
        evidence.append(f"{names(told_only)} learned it from the others; no vote of theirs was seen.")
    ignorant = [r.id for r in model.replicas if r.id not in facts.learners]
    if ignorant:
        evidence.append(f"{names(ignorant)} {'has' if len(ignorant) == 1 else 'have'} not learned it yet.")
    following = "Any later leader must hear one of these voters in its phase 1, so only this value can win."
    return Why(f"slot {facts.slot}", f"{what}{at}.", "good", tuple(evidence), (following,))


def _blocked(model: ClusterModel, facts: SlotFacts, now: float) -> Why:
    gap = facts.waits_for if facts.waits_for is not None else 0
    chosen = _chosen(model, facts, now)
    cause = why_slot(model, gap, now)
    return Why(
        f"slot {facts.slot}",
        f"BLOCKED: chosen, but it cannot be applied before slot {gap}.",
        "warn",
        (*chosen.evidence[:1], f"Slot {gap}: {cause.verdict}"),
        cause.next,
    )


def _hole(model: ClusterModel, facts: SlotFacts, now: float) -> Why:
    skipped = model.skipped.get(facts.slot)
    evidence: list[str] = []
    if skipped is not None:
        evidence.append(f"r{skipped.replica} left it empty on purpose (skip slot).")
    above = model.end - facts.slot - 1
    evidence.append(f"{above} slot{'s' if above != 1 else ''} above it cannot be applied before this one.")
    leader = model.leader
    following = [
        f"N: r{leader[0]} proposes a no-op here at {leader[1]} now; it does so by itself after "
        f"{model.cluster.settings.hole_timeout_s:g} s."
        if leader is not None
        else "A new leader finds the gap in its phase 1 and proposes a no-op."
    ]
    return Why(
        f"slot {facts.slot}",
        "HOLE: no acceptor has accepted anything here, so no value can have been chosen.",
        "warn",
        tuple(evidence),
        tuple(following),
    )


def _open(model: ClusterModel, facts: SlotFacts, now: float) -> Why:
    slot, ballot = facts.slot, facts.ballot
    proposed = model.proposed.get(slot)
    newest = proposed if proposed is not None and (ballot is None or proposed > ballot) else ballot
    voters = [r.id for r in model.replicas if newest is not None and r.vote(slot) == newest]
    evidence = [
        f"{names(voters)} accepted it at {newest}: {len(voters)} of {model.n}, {model.quorum} needed."
    ]
    older = sorted({v for r in model.replicas if (v := r.vote(slot)) is not None and v != newest})
    for each in older:
        who = names(r.id for r in model.replicas if r.vote(slot) == each)
        evidence.append(f"{who} voted at {each}, which does not count for {newest}.")
    missing = [r for r in model.replicas if r.id not in voters]
    if newest is not None:
        evidence += [_missing(model, replica, facts.cells[replica.id], newest, now) for replica in missing]
    unknown = [r.id for r in missing if facts.cells[r.id].kind == "unknown"]
    if facts.state == "maybe":
        return Why(
            f"slot {slot}",
            f"MAYBE chosen: {len(voters)} known votes at {newest}, and nothing is known of {names(unknown)}.",
            "warn",
            tuple(evidence),
            ("A new leader must ask: if one of them voted as well, the value is chosen already.",),
        )
    return Why(
        f"slot {slot}",
        f"NOT chosen: {facts.votes} of {model.quorum} votes at one ballot.",
        "text",
        tuple(evidence),
        _what_then(model, newest, len(voters), [r.id for r in missing], now),
    )


def _missing(model: ClusterModel, replica: ReplicaView, cell: Cell, ballot: Ballot, now: float) -> str:
    """Why an acceptor has not voted at ``ballot``."""
    leader = ballot.replica
    silent = replica.silent_s(now)
    since = f" for {ages(now - replica.since)}" if replica.since else ""
    if replica.id == leader:
        return f"r{leader} proposed it; its own vote is not on its disk yet."
    if replica.process == "down":
        return f"{replica.name} is down{since}: no vote of it is known."
    if replica.process == "paused":
        return f"{replica.name} is paused{since}: it neither hears nor speaks."
    if cell.kind == "unknown":
        return f"{replica.name}: nothing heard" + (f" for {ages(silent)}" if silent is not None else "") + "."
    if replica.promised > ballot:
        return f"{replica.name} promised {replica.promised}, so it refuses {ballot}."
    if not model.crosses(leader, replica.id):
        return f"{replica.name} is cut off: nothing crosses r{leader}>{replica.name}."
    loss = model.replicas[leader].loss_to(replica.id)
    if cell.kind == "lost":
        again = model.cluster.settings
        return (
            f"{replica.name}: the Accept was lost ({loss:g} % loss r{leader}>{replica.name}); "
            f"it is sent again after {again.resend_s * 1000:.0f} ms, then less often."
        )
    delay, _ = model.replicas[leader].delay_to(replica.id)
    if cell.kind == "in-flight":
        slow = f" ({delay:g} ms of delay)" if delay else f" ({loss:g} % loss)" if loss else ""
        return f"{replica.name}: an Accept is on its way{slow}."
    return f"{replica.name} has no vote here."


def _what_then(
    model: ClusterModel, ballot: Ballot | None, votes: int, missing: list[int], now: float
) -> tuple[str, ...]:
    """What must happen for the slot to be decided."""
    leader = model.leader
    if leader is None:
        return (
            why_no_leader(model, now).verdict,
            "A new leader asks a majority and proposes what it is told.",
        )
    id, leads_at = leader
    if ballot is not None and leads_at != ballot:
        return (
            (
                f"r{id} leads at {leads_at} now: it must propose the vote of the highest ballot that its "
                "phase 1 found, or a no-op."
            ),
        )
    able = [
        each
        for each in missing
        if model.connected(id, each) and model.replicas[each].promised <= (ballot or Ballot.ZERO)
    ]
    needed = model.quorum - votes
    if len(able) >= needed:
        return (f"{needed} more of {names(able)} must accept; r{id} sends again until they do.",)
    rest = [each for each in missing if each not in able]
    return (
        (
            f"It cannot be chosen at {ballot} as things are: {needed} more needed, "
            f"and only {names(able)} can be reached. Restart or heal {names(rest)}."
        ),
    )


def why_no_leader(model: ClusterModel, now: float) -> Why:
    """Why nobody leads."""
    evidence: list[str] = []
    for replica in model.replicas:
        if replica.process == "down":
            evidence.append(f"{replica.name} is down.")
        elif replica.process == "paused":
            evidence.append(f"{replica.name} is paused.")
        elif replica.proposer_crashed:
            evidence.append(f"{replica.name}: its proposer is crashed; it votes, but does not try to lead.")
        elif replica.role == "preparing":
            evidence.append(f"{replica.name} asks for promises (phase 1).")
        elif replica.role == "canvassing":
            evidence.append(f"{replica.name} asks the others whether they would help it to lead.")
        elif model.isolated(replica.id):
            evidence.append(f"{replica.name} is cut off from all others.")
        else:
            evidence.append(f"{replica.name} waits for its election timeout.")
    able = [r.id for r in model.replicas if r.process == "up" and not r.proposer_crashed]
    if len([r for r in model.replicas if r.process == "up"]) < model.quorum:
        verdict = (
            f"NO LEADER: fewer than {model.quorum} of {model.n} replicas run, so nobody can get a majority."
        )
        following = "Restart replicas until a majority runs."
    elif model.liveness.majority is None:
        verdict = "NO LEADER: no majority of replicas reaches each other."
        following = "Heal links until a majority is connected."
    elif not able:
        verdict = "NO LEADER: every proposer is crashed."
        following = "Undo a proposer crash (u, or H for all)."
    else:
        verdict = "NO LEADER yet: an election is on."
        following = "Whoever hears no leader for its random timeout asks a majority for promises."
    return Why("leader", verdict, "warn", tuple(evidence), (following,))


def _refusals(model: ClusterModel) -> list[str]:
    """Replicas that others do not take in, and why: each reason once."""
    found: list[str] = []
    for replica in model.replicas:
        for reason in dict.fromkeys(replica.refused_by.values()):
            who = names(peer for peer, why in replica.refused_by.items() if why == reason)
            found.append(f"{who} do not take {replica.name} in: {visible(reason, 200)}")
    return found


def why_starting(model: ClusterModel) -> Why:
    """How far the start is, and who holds it up."""
    evidence: list[str] = []
    waited: set[int] = set()
    dead: list[int] = []
    for replica in model.replicas:
        report = replica.report
        if replica.process == "down":
            dead.append(replica.id)
            evidence.append(f"{replica.name} is not running: {replica.last_words or 'nobody knows why'}.")
        elif report is None:
            evidence.append(f"{replica.name} starts.")
        elif report.status is None and report.waiting_for:
            waited.update(report.waiting_for)
            evidence.append(f"{replica.name} listens, and waits for {names(report.waiting_for)}.")
        else:
            evidence.append(f"{replica.name} is ready.")
    evidence += _refusals(model)
    if dead:
        verdict = f"STARTING, but {names(dead)} {'does' if len(dead) == 1 else 'do'} not run."
        return Why(
            "the start",
            verdict,
            "bad",
            tuple(evidence),
            ("Start what does not run; r does it for a replica that this console started.",),
        )
    verdict = f"STARTING: waiting for {names(sorted(waited))}." if waited else "STARTING."
    return Why("the start", verdict, "text", tuple(evidence), ())


def why_moving(model: ClusterModel, now: float) -> Why:
    """What is going on, when no slot is selected."""
    verdict = model.liveness.verdict
    leader = model.leader
    if verdict.light == "starting":
        return why_starting(model)
    if verdict.light in ("stalled", "electing", "STUCK") and leader is None:
        return why_no_leader(model, now)
    evidence: list[str] = []
    if leader is not None:
        evidence.append(f"r{leader[0]} leads at {leader[1]}: a majority promised it that ballot.")
    others = sorted(set(model.leaders) - {leader[0] if leader is not None else -1})
    evidence += [
        f"r{id} still believes that it leads at {model.leaders[id]}; acceptors that promised more refuse it."
        for id in others
    ]
    evidence += _refusals(model)
    for replica in model.replicas:
        if replica.process == "down":
            evidence.append(
                f"{replica.name} is down{': ' + replica.last_words if replica.last_words else ''}."
            )
        elif replica.process == "paused":
            evidence.append(f"{replica.name} is paused.")
        elif model.isolated(replica.id):
            evidence.append(f"{replica.name} is cut off from all others.")
    able = sum(r.process == "up" and not r.refused_by and not model.isolated(r.id) for r in model.replicas)
    spare = able - model.quorum
    following: list[str] = []
    if verdict.light in ("idle", "moving") and spare >= 0:
        following.append(
            f"{model.quorum} of {model.n} replicas are a quorum; "
            f"{spare} more may fail before the log stands still."
        )
    if verdict.light == "stalled":
        following.append("Heal links, and continue or restart replicas, until a majority is connected.")
    if model.end > model.applied and verdict.light not in ("idle", "moving"):
        cause = why_slot(model, model.applied, now)
        evidence.append(f"Slot {model.applied}: {cause.verdict}")
        following += cause.next
    tone = {"idle": "good", "moving": "good", "STUCK": "bad"}.get(verdict.light, "warn")
    return Why(
        "the cluster", f"{verdict.light.upper()}: {verdict.words}.", tone, tuple(evidence), tuple(following)
    )
