"""Why nobody leads, or why a leader is of no use."""

from __future__ import annotations

from typing import Final

from paxtui.console.model.analysis.why.answer import Why
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.durations import ages
from paxtui.console.model.liveness.liveness import able_proposers, connected_majority
from paxtui.console.model.liveness.tolerance import runs, voters
from paxtui.console.model.state.replica import ReplicaView
from paxtui.wire.faults import Cut, LinkFault, describe

FAULTS_MAX: Final = 4
"""Faults on links that are told by name."""


def obstacle(model: ClusterModel) -> str:
    """Return what keeps every replica from leading, in few words; empty if somebody can."""
    running, voting = sum(map(runs, model.replicas)), len(voters(model))
    if voting < model.quorum and any(replica.process == "unknown" for replica in model.replicas):
        return f"{running} of {model.n} are heard, {model.quorum} needed"
    if voting < model.quorum:
        vote = "" if voting == running else f", {voting} with a vote"
        return f"{running} of {model.n} run{vote}, {model.quorum} needed"
    if connected_majority(model) is None and not able_proposers(model):
        return "no majority is connected"
    if all(replica.proposer_crashed for replica in model.replicas if replica.process == "up"):
        return "every proposer is crashed"
    return "" if able_proposers(model) else "no proposer that works reaches a majority"


def _state(model: ClusterModel, replica: ReplicaView, now: float) -> str:
    """Return what a replica does instead of leading."""
    if replica.process in ("down", "paused"):
        return f"{replica.name} is {replica.process}."
    if model.voteless(replica.id) is not None:
        return f"{replica.name} is a learner without vote."
    if replica.process == "unknown":
        return f"{replica.name} was never heard."
    if replica.process == "starting" or replica.role == "warm-up":
        return f"{replica.name} {'starts' if replica.process == 'starting' else 'warms up'}."
    if replica.proposer_crashed:
        return f"{replica.name}: its proposer is crashed; it votes, but does not try to lead."
    if replica.role == "preparing":
        return f"{replica.name} asks for promises (phase 1)."
    if replica.role == "pre-voting":
        return f"{replica.name} asks the others whether they would help it to lead."
    if model.isolated(replica.id):
        return f"{replica.name} is cut off from all others."
    silent = replica.silent_s(now)
    if silent is not None and not replica.fresh(now):
        return f"{replica.name} is not heard for {ages(silent)}."
    return f"{replica.name} waits for its election timeout."


def on_links(model: ClusterModel) -> list[str]:
    """Return what faults do to links, on one line. Of who is cut off from all others that is said already."""
    cut_off = [replica.id for replica in model.replicas if model.isolated(replica.id)]
    told = [
        f"{describe(active.replica, active.fault)} (#{active.number})"
        for replica in model.replicas
        for active in (replica.report.active if replica.report is not None else ())
        if isinstance(active.fault, LinkFault)
        and active.when is None
        and not (isinstance(active.fault, Cut) and {replica.id, active.fault.to} & {*cut_off})
    ]
    if not told:
        return []
    more = f" and {len(told) - FAULTS_MAX} more" if len(told) > FAULTS_MAX else ""
    return [f"On links: {', '.join(told[:FAULTS_MAX])}{more}."]


def why_no_leader(model: ClusterModel, now: float) -> Why:
    """Return why nobody leads, or nobody who can."""
    leader = model.leader
    evidence: list[str] = []
    begins = "NO LEADER"
    if leader is not None:
        trouble = model.trouble(leader[0], now) or "of no use"
        begins = f"NO LEADER THAT WORKS (r{leader[0]}: {trouble})"
        evidence.append(
            f"No other replica is known to lead; r{leader[0]} was promised {leader[1]} by a majority."
        )
    evidence += [_state(model, replica, now) for replica in model.replicas]
    evidence += on_links(model)
    verdict, following = no_majority(model)
    if verdict:
        pass
    elif model.unheard(now):
        begins = begins.replace("NO LEADER", "NO LEADER IS KNOWN", 1) if leader is None else begins
        verdict = f"{' '.join(f'r{each}' for each in model.unheard(now))} may lead, but are not heard."
        following = "Look at what runs them, and at the network between them and here."
    else:
        verdict = "an election is on." if leader is None else "the others elect another one soon."
        following = "A replica that hears no leader for its random timeout asks a majority for promises."
        begins = f"{begins} yet" if leader is None else begins
    return Why("leader", f"{begins}: {verdict}", "warn", tuple(evidence), (following,))


def no_majority(model: ClusterModel) -> tuple[str, str]:
    """Return why nobody can lead, for certain, and what would end that; empty if somebody can, or perhaps
    can."""
    if able_proposers(model, unheard=True):
        return "", ""
    left = sum(model.voteless(replica.id) is None and not replica.wiped for replica in model.replicas)
    if left < model.quorum and model.n > 1:
        return (
            f"only {left} of {model.n} replicas still have a vote, so no majority is possible any more.",
            "No restart brings votes back: `paxtui backup` and `restore` make a new cluster of the log.",
        )
    if sum(map(runs, model.replicas)) < model.quorum:
        return (
            f"fewer than {model.quorum} of {model.n} replicas run, so no replica can get a majority.",
            "Restart or continue replicas until a majority runs.",
        )
    if len(voters(model)) < model.quorum:
        return (
            f"fewer than {model.quorum} of {model.n} replicas run and have a vote.",
            "Restart or continue replicas that have one.",
        )
    if connected_majority(model) is None:
        return "no majority of replicas reaches each other.", "Heal links until a majority is connected."
    if all(model.replicas[id].proposer_crashed for id in voters(model)):
        return "every proposer is crashed.", "Undo a proposer crash (u, or W for all)."
    return (
        "no proposer that works reaches a majority.",
        "Undo a proposer crash (u, or W for all), or heal links until one does.",
    )
