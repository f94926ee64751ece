"""What is going on in the whole cluster: the start, and whether the log moves."""

from __future__ import annotations

from paxtui.console.model.analysis.why.answer import Why, names, plural
from paxtui.console.model.analysis.why.leader import no_majority, on_links, why_no_leader
from paxtui.console.model.analysis.why.slot import why_slot
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.liveness.clocks import clock_words
from paxtui.console.model.liveness.tolerance import tolerance
from paxtui.console.model.state.phase1 import SlotFinding
from paxtui.wire.text import visible
from paxtui.wire.values import Ballot

FOUND_MAX = 3
"""Slots of a new leader's phase 1 that are told one by one; the log has them all."""


def _refusals(model: ClusterModel) -> list[str]:
    """Return replicas that others do not take in, and why: each reason once."""
    found: list[str] = []
    for replica in model.replicas:
        for reason in dict.fromkeys(replica.refused_by.values()):
            who = names(peer for peer, why in replica.refused_by.items() if why == reason)
            found.append(f"{who} refuse {replica.name}: {visible(reason, 200)}")
        no_vote = model.voteless(replica.id)
        if no_vote is not None:
            found.append(f"{replica.name} is a learner without vote: {visible(no_vote, 300)}")
            found.append(f"Nothing gives {replica.name} its vote back in this cluster: no undo, no restart.")
    return found


def why_starting(model: ClusterModel) -> Why:
    """Return how far the start is, and who holds it up."""
    evidence: list[str] = []
    waited: set[int] = set()
    dead: list[int] = []
    for replica in model.replicas:
        report = replica.report
        if replica.process == "down":
            dead.append(replica.id)
            evidence.append(
                f"{replica.name} is not running: {replica.last_words or 'the reason is not known'}."
            )
        elif report is None:
            heard = "starts" if replica.process == "starting" else "was not heard yet"
            evidence.append(f"{replica.name} {heard}.")
        elif report.status is None and report.waiting_for:
            waited.update(report.waiting_for)
            evidence.append(f"{replica.name} listens, and waits for {names(report.waiting_for)}.")
        elif report.status is None:
            evidence.append(f"{replica.name} warms up.")
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
    if all(replica.process == "unknown" for replica in model.replicas):
        verdict = "NOT HEARD: no replica was heard yet, so nothing is known of the cluster."
        return Why("the start", verdict, "warn", tuple(evidence), ())
    verdict = f"STARTING: waiting for {names(sorted(waited))}." if waited else "STARTING."
    return Why("the start", verdict, "text", tuple(evidence), ())


def found_by(model: ClusterModel, id: int, ballot: Ballot, now: float) -> list[str]:
    """Return what the phase 1 of a leader found, and what it did with it."""
    elected = model.phase1.elected(ballot)
    leads = f"r{id} leads at {ballot}"
    if not model.replicas[id].fresh(now):
        leads = f"r{id} led at {ballot} when it was last heard"
    if elected is None:
        return [f"{leads}: a majority promised it that ballot."]
    begins = f"{leads}: {names(elected.quorum)} promised it"
    if elected.end <= elected.first:
        return [f"{begins}; they had no votes in open slots."]
    told = [
        (slot, model.phase1.finding_at(ballot, slot))
        for slot in range(elected.first, elected.end)[:FOUND_MAX]
    ]
    evidence = [f"{begins}; what they had voted for had to be proposed again:"]
    evidence += [_found(slot, each) for slot, each in told if each is not None]
    more = elected.end - elected.first - FOUND_MAX
    if more > 0:
        evidence.append(f"And {plural(more, 'slot')} more, to {elected.end - 1}.")
    return evidence


def _found(slot: int, told: SlotFinding) -> str:
    if told.highest is None:
        return f"Slot {slot}: no votes were told, so it gets a no-op."
    return f"Slot {slot}: {names(told.voters)} had voted at {told.highest}."


def _absent(model: ClusterModel) -> list[str]:
    """Return who takes no part, and why."""
    found: list[str] = []
    for replica in model.replicas:
        if replica.process == "down":
            words = f": {visible(replica.last_words, 200)}" if replica.last_words else ""
            found.append(f"{replica.name} is down{words}.")
            if replica.wiped and model.n > 1:
                found.append(f"{replica.name} lost its vote with its disk: it comes back as a learner only.")
        elif replica.process == "paused":
            found.append(f"{replica.name} is paused.")
        elif model.isolated(replica.id):
            found.append(f"{replica.name} is cut off from all others.")
    return found


def _clocks(model: ClusterModel, now: float) -> list[str]:
    """Return what clocks do that do not run as usual: only waits change."""
    words = clock_words(model, now)
    if not words:
        return []
    return [f"{words[0].upper()}{words[1:]}: heartbeats, re-sends and elections keep to these clocks."]


def failures(model: ClusterModel, now: float) -> str:
    """Return how many more failures the log survives, and why these are fewer than they could be."""
    found = tolerance(model, now)
    begins = f"{model.quorum} of {model.n} replicas are a quorum; "
    if found.spare >= found.most:
        return f"{begins}{found.spare} more may fail before the log stands still."
    because = "; ".join(found.reasons)
    if found.unknown:
        return f"{begins}how many more may fail is not known, at least {max(0, found.spare)}: {because}."
    if len(found.members) < model.quorum:
        begins = f"No {model.quorum} of {model.n} voters reach each other; "
    elif len(found.members) < model.n:
        begins += f"{names(found.members)} reach each other; "
    return f"{begins}{max(0, found.spare)} more may fail before the log stands still: {because}."


def _not_safe(model: ClusterModel) -> Why:
    """Explain what is broken: nothing else matters then."""
    problems = [visible(problem, 300) for problem in model.judge.problems]
    light = model.liveness.verdict.light
    return Why(
        "the cluster",
        f"NOT SAFE: {problems[0]}",
        "bad",
        (*problems[1:4], f"It is {light} all the same: two readers of the log may read different values."),
        ("Keep the records of all replicas: `paxtui check` on them shows the step that broke it.",),
    )


def why_moving(model: ClusterModel, now: float) -> Why:
    """Return what is going on, when no slot is selected."""
    verdict = model.liveness.verdict
    leader = model.leader
    if model.judge.problems:
        return _not_safe(model)
    if verdict.light == "starting":
        return why_starting(model)
    useless = leader is None or model.trouble(leader[0], now) in ("paused", "cut off")
    if verdict.light in ("stalled", "electing", "STUCK") and useless:
        return why_no_leader(model, now)
    evidence = found_by(model, *leader, now) if leader is not None else []
    others = sorted(set(model.leaders) - {leader[0] if leader is not None else -1})
    evidence += [
        f"r{id} {'still believes' if model.replicas[id].fresh(now) else 'believed when last heard'} "
        f"that it leads at {model.leaders[id]}; acceptors that promised more refuse it."
        for id in others
    ]
    evidence += [*_refusals(model), *_absent(model), *_clocks(model, now), *on_links(model)]
    following = [failures(model, now)] if verdict.light in ("idle", "moving", "waiting", "electing") else []
    if verdict.light == "stalled":
        following.append(
            no_majority(model)[1]
            or "Heal links, and continue or restart replicas, until a majority is connected."
        )
    if model.end > model.applied and verdict.light not in ("idle", "moving"):
        cause = why_slot(model, model.applied, now)
        evidence.append(f"Slot {model.applied}: {cause.verdict}")
        following += cause.next
    tone = {"idle": "good", "moving": "good", "STUCK": "bad"}.get(verdict.light, "warn")
    return Why(
        "the cluster", f"{verdict.light.upper()}: {verdict.words}.", tone, tuple(evidence), tuple(following)
    )
