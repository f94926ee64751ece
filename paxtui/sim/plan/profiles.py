"""Plans for one purpose each: see :data:`paxtui.sim.plan.plan.SPECIAL`.

What is scripted is the situation; who is who, the times and the rest of the cluster are drawn, so that a
campaign over such a profile is as honest as any other, and all invariants must hold in it, too.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from msgspec.structs import replace

from paxtui.core.settings import Settings
from paxtui.sim.plan.plan import LEADER, Plan, PlannedFault, Weather, touched
from paxtui.sim.plan.trims import with_trims

CANARY_SHARE = 0.01
"""The share of the seeds of profile ``canary`` that fail."""


def _links(
    at: float, seconds: float, pairs: list[tuple[int, int]], types: tuple[str, ...]
) -> list[PlannedFault]:
    return [PlannedFault(at, "filter", (seconds, i, j, kind)) for i, j in pairs for kind in types]


def _calm(delay_s: float) -> Weather:
    return Weather(
        delay_s=delay_s, spread_s=0.3 * delay_s, loss=0.0, duplicate=0.0, tail=0.0, tail_s=0.1, fifo=False
    )


def deposed(plan: Plan, rng: random.Random, types: tuple[str, ...]) -> Plan:
    """Let a leader that was behind when it was elected catch up, in small pages, with what a newer leader
    chose meanwhile. It hears nothing of the newer one but these pages; one follower hears only the old
    one."""
    old, loyal, new, *others = rng.sample(range(5), 5)
    delay_s = rng.uniform(0.004, 0.015)
    weather = _calm(delay_s)
    trip_s = 2 * (weather.delay_s + weather.spread_s)
    at = rng.uniform(1.0, 1.6)
    elected_at = at + trip_s + 0.01
    newer = [new, *others]
    stale = [(i, j) for i in newer for j in (old, loyal)]
    lost = [(old, i) for i in newer]
    faults = [
        *(PlannedFault(0.1, "cut", (at - 0.1 - trip_s, i, old)) for i in range(5) if i != old),
        PlannedFault(at, "elect", (old,)),
        *_links(elected_at, 1.5, stale, tuple(kind for kind in types if kind != "entries")),
        *_links(at + 0.6 * trip_s, 1.5, lost, ("accept", "chosen", "heartbeat")),
        PlannedFault(elected_at + rng.uniform(0.0, 0.1), "elect", (new,)),
    ]
    settings = Settings(
        run_slots=rng.choice((1, 2, 2, 3)), window_slots=rng.choice((16, 8192)), catch_up_pages=1
    )
    workload = replace(
        plan.workload,
        clients=4,
        pipeline=4,
        operations=max(plan.workload.operations, 40),
        burst=1,
        patience_s=0.1,
        give_up_s=100.0,
        reads=0.0,
        twins=0.5,
    )
    return replace(
        plan,
        replicas=5,
        settings=settings,
        weather=weather,
        commit_s=(0.0005,) * 5,
        gather_s=0.0,
        notice_s=None,
        workload=workload,
        faults=tuple(sorted(faults, key=lambda fault: fault.at)),
        heal_at=at + 1.5,
        broken=(),
    )


def overtaken(plan: Plan, rng: random.Random, types: tuple[str, ...]) -> Plan:
    """Do as :func:`deposed`, but what the newer leader chose is removed by the time the old one asks: it is
    given a state in which its own proposals are settled, one way or the other."""
    plan = deposed(plan, rng, types)
    elections = [fault for fault in plan.faults if fault.kind == "elect"]
    (new,) = elections[-1].args
    began = elections[-1].at
    trims = [PlannedFault(began + 0.02 * each, "trim", (new, 0)) for each in range(1, 60)]
    return replace(plan, faults=tuple(sorted((*plan.faults, *trims), key=lambda fault: fault.at)))


def reads(plan: Plan, rng: random.Random, types: tuple[str, ...]) -> Plan:
    """Many reads, and leaders that others overtake while they cannot know."""
    del types
    hurry = rng.choice((1.0, 0.5))
    settings = Settings(
        heartbeat_s=0.1 * hurry,
        election_s_min=0.4 * hurry,
        election_s_max=0.8 * hurry,
        resend_s=0.15 * hurry,
        resend_s_max=1.2 * hurry,
    )
    everyone = range(plan.replicas)
    faults: list[PlannedFault] = []
    at = rng.uniform(0.8, 1.2)
    while at < plan.heal_at - 1.0:
        seconds = hurry * rng.uniform(0.4, 0.8)
        overtaker = PlannedFault(at + rng.uniform(0.005, 0.05), "elect", (rng.randrange(plan.replicas),))
        drawn = rng.random()
        if drawn < 0.4:
            # It is cut off, and goes on for a while.
            faults += [PlannedFault(at, "cut", (seconds, LEADER, j)) for j in everyone]
            faults += [PlannedFault(at, "cut", (seconds, j, LEADER)) for j in everyone]
        elif drawn < 0.9:
            # It hears everything at once, later: first what was said when it still led.
            faults += [PlannedFault(at, "hold", (seconds, j, LEADER)) for j in everyone]
            faults += [PlannedFault(at + 0.001, "cut", (seconds, LEADER, j)) for j in everyone]
        else:
            faults.append(PlannedFault(at, "pause", (seconds, LEADER)))
        faults.append(overtaker)
        at += seconds + rng.uniform(0.2, 1.0)
    workload = replace(
        plan.workload,
        clients=5,
        pipeline=4,
        operations=60,
        patience_s=rng.choice((0.1, 0.3)),
        give_up_s=1.0,
        reads=rng.choice((0.4, 0.7)),
        text_chars=0,
    )
    return replace(
        plan,
        settings=settings,
        weather=_calm(rng.uniform(0.001, 0.006)),
        workload=workload,
        faults=tuple(sorted(faults, key=lambda fault: fault.at)),
        broken=(),
    )


def acks(plan: Plan, rng: random.Random, types: tuple[str, ...]) -> Plan:
    """Delay what confirms a leader so long that another one leads by the time it arrives. Heartbeats and
    reads are few, so that the last heartbeat before a read may well be older than the other leader."""
    del types
    settings = Settings(heartbeat_s=0.4, election_s_min=1.6, election_s_max=3.2, resend_s_max=1.2)
    heal_at = rng.uniform(6.0, 8.0)
    everyone = range(plan.replicas)
    faults: list[PlannedFault] = []
    at = rng.uniform(2.0, 2.4)
    while at < heal_at - 1.0:
        seconds = rng.uniform(0.3, 0.9)
        faults += [PlannedFault(at, "hold", (seconds, j, LEADER)) for j in everyone]
        faults.append(PlannedFault(at + rng.uniform(0.0, 0.1), "elect", (rng.randrange(plan.replicas),)))
        at += seconds + rng.uniform(0.5, 1.0)
    workload = replace(
        plan.workload,
        clients=5,
        pipeline=2,
        operations=int(12 * heal_at),
        burst=1,
        patience_s=0.2,
        give_up_s=1.0,
        reads=0.15,
        text_chars=0,
    )
    return replace(
        plan,
        settings=settings,
        weather=_calm(rng.uniform(0.001, 0.004)),
        commit_s=(0.0005,) * plan.replicas,
        workload=workload,
        faults=tuple(faults),
        heal_at=heal_at,
        broken=(),
    )


def rounds(plan: Plan, rng: random.Random, types: tuple[str, ...]) -> Plan:
    """Silence and crash each replica that has just taken a ballot, and let it take the next one after it is
    back."""
    del types
    faults: list[PlannedFault] = []
    at = rng.uniform(0.3, 0.5)
    while at < plan.heal_at:
        one = rng.randrange(plan.replicas)
        faults.append(PlannedFault(at, "silence-at", (one, "round-taken", rng.uniform(0.02, 0.06))))
        faults.append(PlannedFault(at + 0.001, "elect", (one,)))
        at += rng.uniform(0.04, 0.08)
        down_s = rng.uniform(0.005, 0.05)
        faults.append(PlannedFault(at, "crash", (one, down_s)))
        at += down_s + rng.uniform(0.05, 0.2)
        faults.append(PlannedFault(at, "elect", (one,)))
        at += rng.uniform(0.2, 0.5)
    return replace(plan, notice_s=None, faults=tuple(faults), broken=())


def duels(plan: Plan, rng: random.Random, types: tuple[str, ...]) -> Plan:
    """Let two replicas take the same round at the same moment, again and again, while much is in flight."""
    del types
    replicas = 5
    delay_s = rng.uniform(0.005, 0.02)
    faults: list[PlannedFault] = []
    at = rng.uniform(0.8, 1.0)
    while at < plan.heal_at:
        low, high = sorted(rng.sample(range(replicas), 2))
        faults.append(PlannedFault(at, "elect", (low,)))
        faults.append(PlannedFault(at + rng.uniform(0.0, 2 * delay_s), "elect", (high,)))
        at += rng.uniform(0.1, 0.4)
    workload = replace(plan.workload, clients=5, pipeline=8, operations=40, patience_s=0.1, reads=0.0)
    return replace(
        plan,
        replicas=replicas,
        weather=replace(_calm(delay_s), spread_s=2 * delay_s),
        commit_s=(0.0005,) * replicas,
        workload=workload,
        faults=tuple(faults),
        broken=(),
    )


def canary(plan: Plan, rng: random.Random, types: tuple[str, ...]) -> Plan:
    """Fail one run in a hundred, in the middle of everything else."""
    del types
    at = rng.uniform(0.5, plan.heal_at)
    if rng.random() >= CANARY_SHARE:
        return plan
    return replace(
        plan, faults=tuple(sorted((*plan.faults, PlannedFault(at, "canary", ())), key=lambda fault: fault.at))
    )


def calm(plan: Plan, rng: random.Random, types: tuple[str, ...]) -> Plan:
    """Do nothing to the cluster, and let nothing wait for a timer: every message must have a reason."""
    del types
    settings = Settings(
        run_slots=rng.choice((1, 2, 8, 2048)),
        cache_slots=rng.choice((0, 4, 16384)),
        flush_s=rng.choice((0.0, 0.2, 1.0)),
        window_slots=rng.choice((16, 8192)),
    )
    workload = replace(
        plan.workload, patience_s=1.0, give_up_s=100.0, twins=0.0, late=0.0, reopen=0.0, answers_lost=0.0
    )
    return replace(
        plan,
        settings=settings,
        weather=_calm(rng.uniform(0.0005, 0.02)),
        commit_s=tuple(rng.uniform(0.0005, 0.02) for _ in range(plan.replicas)),
        workload=workload,
        faults=(),
        broken=(),
    )


def damage(plan: Plan, rng: random.Random, types: tuple[str, ...]) -> Plan:
    """Flip a bit where it matters: in a promise, in a vote that is reported soon after, or in a learned slot
    that is read from disk at once for a replica that is behind."""
    del types
    replicas = rng.choice((3, 5))
    at = rng.uniform(1.0, 1.6)
    behind = rng.randrange(replicas)
    what = rng.choice(("state", "vote", "learned"))
    down_s = rng.uniform(0.01, 0.1)
    if what == "state":
        faults = [PlannedFault(at, "disk-flip", (behind, what, 0.0, down_s))]
    elif what == "vote":
        # Nobody hears what a leader proposes. It votes alone, comes back, and tells the next one.
        faults = [
            *(PlannedFault(at, "silence-at", (i, "proposed", 0.3)) for i in range(replicas)),
            PlannedFault(at + 0.15, "disk-flip", (LEADER, what, rng.random(), down_s)),
            PlannedFault(at + 0.35, "elect", (behind,)),
        ]
    else:
        seconds = rng.uniform(0.3, 0.8)
        others = [i for i in range(replicas) if i != behind]
        faults = [
            *(PlannedFault(at, "cut", (seconds, i, behind)) for i in others),
            PlannedFault(at + seconds - 0.05, "disk-flip", (LEADER, what, rng.uniform(0.9, 1.0), -1.0)),
        ]
    workload = replace(
        plan.workload,
        clients=4,
        pipeline=4,
        operations=40,
        burst=1,
        patience_s=0.1,
        give_up_s=100.0,
        reads=0.1,
    )
    return replace(
        plan,
        replicas=replicas,
        settings=Settings(cache_slots=rng.choice((0, 1, 4)), window_slots=rng.choice((16, 8192))),
        weather=_calm(rng.uniform(0.001, 0.006)),
        commit_s=(0.0005,) * replicas,
        gather_s=0.0,
        workload=workload,
        faults=tuple(faults),
        heal_at=at + rng.uniform(1.0, 2.0),
        broken=(),
    )


def lost(plan: Plan, rng: random.Random, types: tuple[str, ...]) -> Plan:
    """Add disks that are lost or copied back, and replicas that are told in mid-run that they have no vote:
    as many as the cluster can spare, the leader among them, while messages and processes are lost as well."""
    del types
    replicas = rng.choice((3, 5))
    faults = [fault for fault in plan.faults if fault.kind in ("crash", "crash-at", "cut", "loss", "hold")]
    forgetful = rng.sample(range(replicas), (replicas - 1) // 2)
    for replica in forgetful:
        at, down_s = plan.heal_at * rng.uniform(0.3, 0.8), rng.uniform(0.01, 0.3)
        who = rng.choice((replica, LEADER))
        faults.append(
            rng.choice(
                (
                    PlannedFault(at, "disk-lost", (who, down_s)),
                    PlannedFault(at, "disk-copied", (who, int(rng.expovariate(0.1)) + 1, down_s)),
                    PlannedFault(at, "without-vote", (who,)),
                )
            )
        )
        faults.append(PlannedFault(at + down_s + rng.uniform(0.01, 0.5), "elect", (replica,)))
    named = [fault for fault in faults if all(each < replicas for each in touched(fault))]
    return replace(
        plan,
        replicas=replicas,
        commit_s=tuple(rng.uniform(0.0005, 0.01) for _ in range(replicas)),
        workload=replace(plan.workload, clients=4, pipeline=4, operations=40, burst=1),
        faults=tuple(sorted(named, key=lambda fault: fault.at)),
        broken=(),
    )


def trims(plan: Plan, rng: random.Random, types: tuple[str, ...]) -> Plan:
    """Trim the log again and again; let replicas fall behind, crash while they take another one's state, and
    lead soon after; with small pages and small tables."""
    del types
    replicas = rng.choice((3, 3, 5))
    kinds = ("crash", "crash-at", "cut", "loss", "elect", "disk-fail", "pause")
    usual = [fault for fault in plan.faults if fault.kind in kinds]
    named = [fault for fault in usual if all(each < replicas for each in touched(fault))]
    events = ("snapshot-taken", "snapshot-asked", "snapshot-sent", "checkpointed", "trimmed")
    for _ in range(rng.randint(0, 4)):
        at, down_s = plan.heal_at * rng.uniform(0.3, 0.9), rng.uniform(0.01, 0.3)
        named.append(PlannedFault(at, "crash-at", (rng.randrange(replicas), rng.choice(events), down_s, 2)))
        named.append(PlannedFault(at + rng.uniform(0.0, 0.8), "elect", (rng.randrange(replicas),)))
    settings = replace(
        plan.settings,
        sessions_max=rng.choice((2, 4, 8)),
        session_window=rng.choice((4, 8)),
        cache_slots=rng.choice((0, 2, 16384)),
        snapshot_bytes=rng.choice((1, 100, 256 * 1024)),
    )
    workload = replace(plan.workload, clients=4, pipeline=4, operations=40, burst=1, reopen=0.1)
    plan = replace(
        plan,
        replicas=replicas,
        settings=settings,
        commit_s=tuple(rng.uniform(0.0005, 0.01) for _ in range(replicas)),
        workload=workload,
        faults=tuple(named),
        broken=tuple(each for each in plan.broken if each.replica < replicas)[: (replicas - 1) // 2],
    )
    return with_trims(plan, rng)


def clocks(plan: Plan, rng: random.Random, types: tuple[str, ...]) -> Plan:
    """Let the clocks of all run at one rate, as in slow motion, or that of one stand or run fast while others
    do not; leaders change, crash and are cut off meanwhile, and clients read from those that led."""
    del types
    kinds = ("crash", "crash-at", "cut", "loss", "hold", "elect", "proposer-crash")
    faults = [fault for fault in plan.faults if fault.kind in kinds]
    everyone = range(plan.replicas)
    at = rng.uniform(0.5, 1.0)
    while at < plan.heal_at - 0.5:
        seconds, drawn = rng.uniform(0.2, 2.0), rng.random()
        if drawn < 0.4:
            rate = rng.choice((0.02, 0.1, 0.5))
            faults += [
                PlannedFault(at + rng.uniform(0.0, 0.02), "clock", (seconds, i, rate)) for i in everyone
            ]
        elif drawn < 0.7:
            # Its heartbeats stop, and by its own clock no time goes by while another one leads.
            faults.append(PlannedFault(at, "clock", (seconds, LEADER, rng.choice((0.0, 0.0, 0.1)))))
            faults += [PlannedFault(at, "cut", (seconds, LEADER, j)) for j in everyone]
            faults += [PlannedFault(at, "cut", (seconds, j, LEADER)) for j in everyone]
        else:
            rate = rng.choice((0.0, 0.1, 4.0))
            faults.append(PlannedFault(at, "clock", (seconds, rng.randrange(plan.replicas), rate)))
        if rng.random() < 0.6:
            after_s = rng.uniform(0.01, seconds / 2)
            faults.append(PlannedFault(at + after_s, "elect", (rng.randrange(plan.replicas),)))
        at += seconds + rng.uniform(-0.2, 0.5)
    workload = replace(
        plan.workload, clients=5, pipeline=4, operations=60, patience_s=0.3, reads=rng.choice((0.4, 0.7))
    )
    return replace(plan, workload=workload, faults=tuple(sorted(faults, key=lambda fault: fault.at)))


def steps(plan: Plan, rng: random.Random, types: tuple[str, ...]) -> Plan:
    """Let a person step through the cluster: all clocks stand, all messages are held, and links are released
    one after the other, in any order, while elections are forced and replicas crash."""
    del types
    everyone = range(plan.replicas)
    links = [(i, j) for i in everyone for j in everyone if i != j]
    faults = [fault for fault in plan.faults if fault.kind in ("crash", "crash-at", "loss", "duplicate")]
    at = rng.uniform(0.3, 0.8)
    while at < plan.heal_at - 0.5:
        seconds = rng.uniform(0.1, 1.5)
        faults += [PlannedFault(at, "clock", (seconds, i, 0.0)) for i in everyone]
        faults += [PlannedFault(at, "hold", (rng.uniform(0.0, 1.5 * seconds), *link)) for link in links]
        for _ in range(rng.randrange(4)):
            elected = PlannedFault(at + rng.uniform(0.0, seconds), "elect", (rng.randrange(plan.replicas),))
            faults.append(elected)
        at += seconds + rng.uniform(0.0, 0.5)
    workload = replace(plan.workload, clients=4, pipeline=4, operations=60, reads=rng.choice((0.2, 0.5)))
    return replace(plan, workload=workload, faults=tuple(sorted(faults, key=lambda fault: fault.at)))


PROFILE_CHANGES: dict[str, Callable[[Plan, random.Random, tuple[str, ...]], Plan]] = {
    "deposed": deposed,
    "reads": reads,
    "acks": acks,
    "rounds": rounds,
    "duels": duels,
    "canary": canary,
    "calm": calm,
    "damage": damage,
    "lost": lost,
    "trims": trims,
    "overtaken": overtaken,
    "clocks": clocks,
    "steps": steps,
}
"""One for each special profile; it is given an ordinary plan and the types of messages."""
