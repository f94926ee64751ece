"""Run mutants until a checker catches them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from msgspec import Struct

from paxtui.sim.campaign.workers import ProcessWorkers, ended_in_time
from paxtui.sim.cluster.simulation import simulate
from paxtui.sim.mutants import MUTANTS
from paxtui.sim.plan.plan_generator import generate_plan

CI_FACTOR = 3
"""The command gives every mutant so many times its usual budget: a change of the core may move its luck."""


class Hunt(Struct, frozen=True, kw_only=True):
    """The end of the hunt for one mutant."""

    mutant: str
    profile: str
    checker: str
    """The invariant that caught it; empty if it survived."""
    needed: int
    """Seeds until it was caught, or all that were tried."""
    budget: int
    others: int
    """Runs before that failed in another way than expected, such as by the core's own check."""
    seconds: float


def hunt(name: str, factor: int = 1) -> Hunt:
    """Try seeds of the mutant's profile from its first on, as many as ``factor`` budgets allow."""
    mutant = MUTANTS[name]
    expected = {str(invariant) for invariant in mutant.caught_by}
    started = time.monotonic()
    budget = factor * mutant.seeds
    needed = others = 0
    checker = ""
    with mutant.installed():
        while not checker and needed < budget:
            result = simulate(generate_plan(mutant.first + needed, mutant.profile))
            needed += 1
            if result.invariant in expected:
                checker = result.invariant
            elif result.outcome != "ok":
                others += 1
    return Hunt(
        mutant=name,
        profile=mutant.profile,
        checker=checker,
        needed=needed,
        budget=budget,
        others=others,
        seconds=time.monotonic() - started,
    )


def hunt_all(names: Sequence[str], *, jobs: int = 1, factor: int = CI_FACTOR) -> Iterator[Hunt]:
    """Hunt all of these mutants, in their order."""
    if jobs == 1:
        yield from (hunt(name, factor) for name in names)
        return
    workers = ProcessWorkers(jobs)
    with ended_in_time(workers):
        for ending in [workers.submit(hunt, name, factor) for name in names]:
            yield ending.result()
