"""When everything heals, nothing that was done before may go on."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from paxtui.core.settings import Settings
from paxtui.sim.cluster.simulation import Simulation
from paxtui.sim.plan.plan import PlannedFault
from paxtui.sim.plan.plan_generator import generate_plan


@pytest.mark.parametrize("replicas", [1, 3])
def test_slots_that_wait_to_be_skipped_are_skipped_no_more(replicas: int) -> None:
    """With room for one slot each would be a hole for three seconds, one after the other: thirty of them
    are longer than a healed cluster may take."""
    drawn = generate_plan(6, "calm")
    plan = replace(
        drawn,
        replicas=replicas,
        commit_s=(0.0005,) * replicas,
        settings=Settings(window_slots=1, hole_timeout_s=3.0),
        workload=replace(drawn.workload, clients=3, pipeline=1, operations=20, last=12),
        faults=tuple(PlannedFault(2.9 + 0.001 * n, "skip", (-1, -1)) for n in range(30)),
        heal_at=3.0,
    )
    result = Simulation(plan).run()
    assert (result.outcome, result.detail) == ("ok", "")
    assert result.faults["skip"] == 30
    assert result.recovery_s < 5
