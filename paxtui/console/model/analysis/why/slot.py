"""Why a slot is chosen or not."""

from __future__ import annotations

from paxtui.console.model.analysis.slots import SlotFacts, slot_facts
from paxtui.console.model.analysis.why.answer import Why, names, plural
from paxtui.console.model.analysis.why.leader import why_no_leader
from paxtui.console.model.analysis.why.missing import missing
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.durations import ages
from paxtui.console.model.liveness.clocks import FOR_EVER, NEVER, stretch_at
from paxtui.console.model.state.replica import ReplicaView
from paxtui.wire.values import Ballot


def why_slot(model: ClusterModel, slot: int, now: float) -> Why:
    """Return why ``slot`` is in the state that it is in."""
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
        case "removed":
            return why_removed(model, slot)
        case "applied" | "no-op" | "checkpoint" | "trim" | "chosen":
            return _chosen(model, facts, now)
        case "blocked":
            return _blocked(model, facts, now)
        case "HOLE":
            return _hole(model, facts, now)
        case "empty":
            return Why(subject, "Nothing yet: no proposal of a value is known here.", "text", (), ())
        case _:
            return _open(model, facts, now)


def why_run(model: ClusterModel, first: int, end: int, now: float) -> Why:
    """Explain slots that are shown as one line."""
    if end <= model.log_start:
        return why_removed(model, end - 1)._replace(subject=f"slots {first}-{end - 1}")
    alike = all(_in_all_or_none(replica, first, end) for replica in model.replicas)
    ballot = slot_facts(model, first, now).ballot
    at = f" at {ballot}, with the same votes" if alike and ballot is not None and ballot.round else ""
    applied = [replica.id for replica in model.replicas if replica.applied >= end]
    return Why(
        f"slots {first}-{end - 1}",
        f"APPLIED: {plural(end - first, 'slot')}, all chosen{at}.",
        "good",
        (f"Applied on {names(applied)}.",),
        ("enter shows them one by one; z shows or folds all such runs.",),
    )


def _in_all_or_none(replica: ReplicaView, first: int, end: int) -> bool:
    """Return whether its votes in these slots are all at one ballot, or there is none."""
    runs = [(begin, stop) for begin, stop, _ in replica.accepted.within(first, end)]
    return not runs or runs == [(first, end)]


# What a leader found


def _found(model: ClusterModel, slot: int, ballot: Ballot | None) -> list[str]:
    """Return which votes made the leader of ``ballot`` propose this value again."""
    source = model.sources.get(slot)
    if ballot is None or source != "adopted" or model.proposed.get(slot) != ballot:
        return []
    leader = f"r{ballot.replica}"
    told = model.phase1.finding_at(ballot, slot)
    if told is None or told.highest is None:
        return [f"{leader} found this value in the promises of phase 1 and had to propose it again."]
    before = told.highest
    text = (
        f"{leader}'s phase 1 asked {names(told.quorum)}: {names(told.voters)} had voted at {before}, "
        f"so it had to propose that value again at {ballot}."
    )
    others = [r.id for r in model.replicas if r.vote(slot) == before and r.id not in told.voters]
    if len(told.voters) >= model.quorum:
        text += f" They were a majority: it was chosen at {before} already."
    elif len(told.voters) + len(others) >= model.quorum:
        text += f" With {names(others)} that was a majority: it was chosen at {before} already."
    return [text]


def _filled(model: ClusterModel, slot: int) -> list[str]:
    """Return who put a no-op here, and why."""
    skip, fill = model.holes.skipped.get(slot), model.holes.filled.get(slot)
    evidence: list[str] = []
    if skip is not None:
        evidence.append(f"r{skip.replica} left it empty on purpose{_by_fault(skip.fault)}.")
    if fill is None:
        return evidence
    match fill.how:
        case "timeout":
            why = f"after {model.holes.timeout_s or 0:g} s, the hole timeout"
        case "operator":
            why = "because an operator told it to"
        case "new leader":
            told = model.phase1.finding_at(fill.ballot, slot)
            asked = f" of {names(told.quorum)}" if told is not None else ""
            why = f"as its phase 1 found no vote{asked} here"
        case _:
            why = "as nothing had been accepted here"
    evidence.append(f"r{fill.replica} filled it at {fill.ballot}, {why}.")
    return evidence


def _own(facts: SlotFacts) -> str:
    """Return what is chosen, if it is no client's."""
    value = facts.value
    return f", a {value.words}" if value is not None and value.is_noop else ""


def _obeyed(facts: SlotFacts) -> list[str]:
    """Return what a checkpoint or a trim has every replica do."""
    value = facts.value
    match value.word if value is not None and value.is_noop else "":
        case "checkpoint":
            return [
                "A checkpoint: every replica keeps its state after this slot; the log may be trimmed to it."
            ]
        case "trim" if value is not None:
            text = "A trim: every replica removes the slots below the last checkpoint not above "
            text += f"{value.request}, "
            return [text + "and keeps the state there in their place."]
    return []


def _by_fault(number: int | None) -> str:
    return f" (skip slot, fault #{number})" if number is not None else " (skip slot)"


# States


def _chosen(model: ClusterModel, facts: SlotFacts, now: float) -> Why:
    ballot = facts.ballot
    at = f" at {ballot}" if ballot is not None and ballot.round else ""
    voters = [r.id for r in model.replicas if ballot is not None and r.vote(facts.slot) == ballot]
    verdict = f"CHOSEN{_own(facts)}{at}"
    evidence: list[str] = []
    if len(voters) >= model.quorum:
        verdict += f": {names(voters)} accepted it ({len(voters)} of {model.n}, {model.quorum} needed)."
    else:
        verdict += "."
        evidence.append(
            f"{names(facts.learners)} report it as learned{at}; their votes were not all seen here."
        )
    # Also where the leader's new ballot has too few votes yet, and the old one is why it is chosen.
    evidence += _found(model, facts.slot, model.proposed.get(facts.slot))
    evidence += _filled(model, facts.slot)
    evidence += _obeyed(facts)
    without = [r.id for r in model.replicas if facts.slot < r.log_start]
    if without:
        evidence.append(f"{names(without)} {'has' if len(without) == 1 else 'have'} removed it since.")
    others = sorted({v for r in model.replicas if (v := r.vote(facts.slot)) is not None and v != ballot})
    if others:
        told = "; ".join(
            f"{names(r.id for r in model.replicas if r.vote(facts.slot) == each)} at {each}"
            for each in others
        )
        evidence.append(f"Votes at other ballots: {told}. Votes are counted by ballot, never added up.")
    told_only = [id for id in facts.learners if model.replicas[id].vote(facts.slot) is None]
    if told_only and len(voters) >= model.quorum:
        evidence.append(f"{names(told_only)} learned it from the others; no vote of theirs was seen.")
    unlearned = [r for r in model.replicas if r.id not in facts.learners]
    ignorant = [r.id for r in unlearned if r.fresh(now) and r.observed]
    silent = [r.id for r in unlearned if r.id not in ignorant]
    if ignorant:
        evidence.append(f"{names(ignorant)} {'has' if len(ignorant) == 1 else 'have'} not learned it yet.")
    if silent:
        evidence.append(f"{names(silent)}: not heard, so it is not known here whether it is learned there.")
    following = "Any later leader hears one of them in its phase 1, so only this value can win."
    return Why(f"slot {facts.slot}", verdict, "good", tuple(evidence), (following,))


def why_removed(model: ClusterModel, slot: int) -> Why:
    """Return a slot, and those below it, that nobody keeps any more."""
    log_start = model.log_start
    first = min((each for each in model.trims.log_starts if each > slot), default=None)
    evidence = []
    if first is not None:
        trim = model.trims.slot_of(first)
        evidence.append(f"The trim in slot {trim} had every replica remove slots below {first}.")
    running = [replica for replica in model.replicas if replica.process != "down"] or model.replicas
    log_starts = sorted({replica.log_start for replica in running})
    kept = "; ".join(
        f"{names(replica.id for replica in running if replica.log_start == each)} from slot {each}"
        for each in log_starts
    )
    absent = [r.id for r in model.replicas if r not in running and r.log_start < log_start]
    evidence += [
        f"Logs are kept: {kept}.",
        f"It was chosen and applied before: its effect is in the state that is kept at slot {log_start}.",
    ]
    if absent:
        evidence.append(f"{names(absent)}: down; what its disk still has goes when it catches up.")
    following = (
        f"The log goes on from slot {log_start}. [keep] in the cluster's file says how much is kept; "
        "what is removed is only in backups made before."
    )
    verdict = f"REMOVED: slots below {log_start} are not kept any more."
    return Why(f"slot {slot}", verdict, "text", tuple(evidence), (following,))


def _blocked(model: ClusterModel, facts: SlotFacts, now: float) -> Why:
    gap = facts.waits_for if facts.waits_for is not None else 0
    chosen = _chosen(model, facts, now)
    cause = why_slot(model, gap, now)
    return Why(
        f"slot {facts.slot}",
        f"BLOCKED: chosen, but it cannot be applied before slot {gap}.",
        "warn",
        (chosen.verdict, f"Slot {gap}: {cause.verdict}", *cause.evidence[:1]),
        cause.next,
    )


def _hole(model: ClusterModel, facts: SlotFacts, now: float) -> Why:
    skip = model.holes.skipped.get(facts.slot)
    evidence: list[str] = []
    waits_s = model.holes.timeout_s
    slower = 1.0 if model.leader is None else stretch_at(model.replicas[model.leader[0]])
    by_itself = f"after {waits_s:g} s" if waits_s is not None else "after its hole timeout, not known here"
    if skip is not None:
        since = max(0.0, now - skip.at)
        evidence.append(
            f"r{skip.replica} left it empty on purpose{_by_fault(skip.fault)}, {ages(since)} ago."
        )
        if waits_s is not None and slower == 1:
            by_itself = f"in {ages(max(0.0, waits_s - since))}"
    if slower > 1:
        slowly = (
            f"after {waits_s:g} s of its slow clock" if waits_s is not None else "later: its clock is slow"
        )
        by_itself = slowly if slower < FOR_EVER else NEVER
    above = model.end - facts.slot - 1
    evidence.append(f"{plural(above, 'slot')} above it cannot be applied before this one.")
    leader = model.leader
    following = "A new leader finds the gap in its phase 1 and proposes a no-op."
    if leader is not None and not model.trouble(leader[0], now):
        following = (
            f"S: r{leader[0]} proposes a no-op here at {leader[1]} now; by itself it does so {by_itself}."
        )
    silent = [id for id, cell in enumerate(facts.cells) if cell.kind == "unknown"]
    heard = (
        f" that is heard has accepted anything here ({names(silent)} not)"
        if silent
        else (" has accepted anything here")
    )
    return Why(
        f"slot {facts.slot}",
        f"HOLE: no acceptor{heard}, so no value can have been chosen.",
        "warn",
        tuple(evidence),
        (following,),
    )


def _open(model: ClusterModel, facts: SlotFacts, now: float) -> Why:
    slot, ballot = facts.slot, facts.ballot
    proposed = model.proposed.get(slot)
    newest = proposed if proposed is not None and (ballot is None or proposed > ballot) else ballot
    voters = [r.id for r in model.replicas if newest is not None and r.vote(slot) == newest]
    evidence = [
        f"{names(voters)} accepted it at {newest}: {len(voters)} of {model.n}, {model.quorum} needed."
    ]
    evidence += _found(model, slot, newest)
    older = sorted({v for r in model.replicas if (v := r.vote(slot)) is not None and v != newest})
    for each in older:
        who = names(r.id for r in model.replicas if r.vote(slot) == each)
        evidence.append(f"{who} voted at {each}, which does not count for {newest}.")
    absent = [r for r in model.replicas if r.id not in voters]
    if newest is not None:
        evidence += [
            missing(model, replica, facts.cells[replica.id], newest, now).sentence for replica in absent
        ]
    unknown = [r.id for r in absent if facts.cells[r.id].kind == "unknown"]
    if facts.state == "maybe":
        lacks = model.quorum - len(voters)
        needed = "one" if lacks <= 1 else str(lacks)
        return Why(
            f"slot {slot}",
            f"MAYBE chosen: {plural(len(voters), 'known vote')} at {newest}, "
            f"and nothing is known of {names(unknown)}.",
            "warn",
            tuple(evidence),
            (f"A new leader must ask: if {needed} of them voted as well, the value is chosen already.",),
        )
    return Why(
        f"slot {slot}",
        f"NOT chosen: {facts.votes} of {model.quorum} votes at one ballot.",
        "text",
        tuple(evidence),
        _what_then(model, newest, len(voters), [r.id for r in absent], now),
    )


def _what_then(
    model: ClusterModel, ballot: Ballot | None, votes: int, absent: list[int], now: float
) -> tuple[str, ...]:
    """Return what must happen for the slot to be decided."""
    leader = model.leader
    trouble = model.trouble(leader[0], now) if leader is not None else ""
    if leader is None or trouble in ("paused", "cut off"):
        return (
            why_no_leader(model, now).verdict,
            "A new leader asks a majority and proposes what it is told.",
        )
    id, leads_at = leader
    if ballot is not None and leads_at != ballot:
        words = "it must propose the vote of the highest ballot that its phase 1 found, or a no-op"
        return (f"r{id} leads at {leads_at} now: {words}.",)
    able = [
        each
        for each in absent
        if model.connected(id, each)
        and model.voteless(each) is None
        and model.replicas[each].promised <= (ballot or Ballot.ZERO)
    ]
    needed = model.quorum - votes
    if len(able) >= needed:
        return (f"{needed} more of {names(able)} must accept; r{id} sends again until they do.",)
    rest = [each for each in absent if each not in able and model.voteless(each) is None]
    reached = f"only {names(able)} can be reached" if able else "no other replica can be reached"
    verdict = f"It cannot be chosen at {ballot} as things are: {needed} more needed, and {reached}."
    return (f"{verdict} Restart or heal {names(rest)}." if rest else verdict,)
