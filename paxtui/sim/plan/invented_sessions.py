"""Draw clients that invent sessions, into a plan that is drawn otherwise."""

from __future__ import annotations

import random

from msgspec.structs import replace

from paxtui.sim.plan.plan import PROFILES, Plan
from paxtui.sim.randomness import mixed

SHARE = 0.25
"""The share of a profile's runs that have invented sessions."""


def with_inventions(plan: Plan) -> Plan:
    """Give the plan with invented sessions, or as it is. Draws from a generator of its own, so that all else
    stays as it was drawn."""
    rng = random.Random(mixed(plan.seed, PROFILES.index(plan.profile), 11))
    if rng.random() >= SHARE:
        return plan
    return replace(plan, workload=replace(plan.workload, invented=rng.choice((0.05, 0.2))))
