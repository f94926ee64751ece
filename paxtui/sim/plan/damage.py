"""Draw disks that cannot be trusted any more, into a plan that is drawn otherwise.

Whoever notices is down for ever, or a learner without vote. So there is at most one such disk for each
replica that the cluster can spare, and fewer replicas are broken in other ways where that is needed.
"""

from __future__ import annotations

import random

from msgspec.structs import replace

from paxtui.sim.plan.fault_generators import anyone, exponential
from paxtui.sim.plan.plan import PROFILES, Plan, PlannedFault
from paxtui.sim.randomness import mixed

SHARES = {"disk": 0.5, "churn": 0.15, "all": 0.3}
"""The share of a profile's runs that have damage, among those that can spare a replica."""

ROWS = ("state", "vote", "vote", "learned", "learned", "session")


def damaged(plan: Plan) -> Plan:
    """Give the plan with damage, or as it is. Draws from a generator of its own, so that all else stays as it
    was drawn."""
    rng = random.Random(mixed(plan.seed, PROFILES.index(plan.profile), 9))
    spare = (plan.replicas - 1) // 2
    if not spare or rng.random() >= SHARES.get(plan.profile, 0.0):
        return plan
    count = rng.choice((1, 1, spare))
    faults = [_one(rng, plan) for _ in range(count)]
    return replace(
        plan,
        faults=tuple(sorted((*plan.faults, *faults), key=lambda fault: fault.at)),
        broken=plan.broken[: spare - count],
    )


def _one(rng: random.Random, plan: Plan) -> PlannedFault:
    at = plan.heal_at * rng.uniform(0.35, 0.95)
    replica, down_s = anyone(rng, plan.replicas), exponential(rng, 0.01, 1.0)
    if rng.random() < 0.5:
        commits = int(exponential(rng, 1.0, 300.0))
        # By the fault's own moment, so that all other draws stay as they were.
        match int(at * 1e6) % 6:
            case 0:
                return PlannedFault(at, "disk-copied", (replica, commits, down_s))
            case 1:
                return PlannedFault(at, "disk-lost", (replica, down_s))
            case 2:
                return PlannedFault(at, "without-vote", (replica,))
            case _:
                return PlannedFault(at, "disk-back", (replica, commits, down_s))
    row, place = rng.choice(ROWS), rng.random()
    if row == "learned":
        # The last ones are read again at a start, or when somebody who is behind asks for them.
        place = 1.0 - exponential(rng, 0.003, 1.0)
        down_s = rng.choice((down_s, -1.0))
    return PlannedFault(at, "disk-flip", (replica, row, place, down_s))
