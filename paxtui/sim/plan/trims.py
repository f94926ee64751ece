"""Draw a log that is trimmed while a replica is behind, into a plan that is drawn otherwise."""

from __future__ import annotations

import random

from msgspec.structs import replace

from paxtui.sim.plan.fault_generators import LATER_TYPES, anyone, exponential
from paxtui.sim.plan.plan import LEADER, PROFILES, Plan, PlannedFault
from paxtui.sim.randomness import mixed

SHARES = {"network": 0.15, "crash": 0.15, "disk": 0.15, "churn": 0.15, "boost": 0.15, "all": 0.3}
"""The share of a profile's runs that trim their log."""


def trimmed(plan: Plan) -> Plan:
    """Give the plan with trims, or as it is. Draws from a generator of its own, so that all else stays as it
    was drawn."""
    rng = random.Random(mixed(plan.seed, PROFILES.index(plan.profile), 10))
    if rng.random() >= SHARES[plan.profile]:
        return plan
    settings = replace(plan.settings, snapshot_bytes=rng.choice((1, 1, 100, plan.settings.snapshot_bytes)))
    return with_trims(replace(plan, settings=settings), rng)


def with_trims(plan: Plan, rng: random.Random) -> Plan:
    """Add trims from early on, and somebody who misses a lot meanwhile."""
    faults = [*plan.faults]
    at, gap_s = rng.uniform(0.3, 1.0), exponential(rng, 0.03, 0.4)
    while at < plan.heal_at:
        faults.append(PlannedFault(at, "trim", (LEADER, rng.choice((0, 0, 1, 3, 10)))))
        at += rng.expovariate(1 / gap_s)
    for _ in range(rng.randint(1, 2) if plan.replicas > 1 else 0):
        faults += _left_behind(plan, rng)
    return replace(plan, faults=tuple(sorted(faults, key=lambda fault: fault.at)))


def _left_behind(plan: Plan, rng: random.Random) -> list[PlannedFault]:
    """Down, or cut off, for long enough; and what it is then told may be lost for a while."""
    at, seconds = plan.heal_at * rng.uniform(0.2, 0.7), rng.uniform(0.4, 2.0)
    victim = rng.randrange(plan.replicas)
    others = [peer for peer in range(plan.replicas) if peer != victim]
    faults: list[PlannedFault] = []
    match rng.randrange(3):
        case 0:
            faults.append(PlannedFault(at, "crash", (anyone(rng, plan.replicas), seconds)))
        case 1:
            faults += [PlannedFault(at, "cut", (seconds, peer, victim)) for peer in others]
        case _:
            pairs = [(peer, victim) for peer in others] + [(victim, peer) for peer in others]
            faults += [PlannedFault(at, "cut", (seconds, i, j)) for i, j in pairs]
    if rng.random() < 0.3:
        kind, lost_s = rng.choice(LATER_TYPES), rng.uniform(0.1, 1.0)
        faults += [PlannedFault(at + seconds, "filter", (lost_s, peer, victim, kind)) for peer in others]
    return faults
