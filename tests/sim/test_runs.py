"""Whole runs: they hold what they promise, and test what they are meant to."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from paxtui.sim.campaign.campaign import campaign
from paxtui.sim.cluster.coverage import GOALS
from paxtui.sim.cluster.simulation import Simulation
from paxtui.sim.plan.fault_generators import FAULT_GENERATORS
from paxtui.sim.plan.plan import LEADER, PROFILES, SPECIAL, PermanentFailure, PlannedFault
from paxtui.sim.plan.plan_generator import KINDS, generate_plan

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("profile", [profile for profile in (*PROFILES, *SPECIAL) if profile != "canary"])
def test_every_invariant_holds_under_every_profile(profile: str) -> None:
    """Other seeds than those of ``paxtui sim --ci``, which follows in the gate."""
    summary = campaign(profile, 1000, 6)
    assert summary.failures == []
    assert sum(summary.void.values()) <= 2
    assert summary.goals.keys() <= set(GOALS)


def test_a_healthy_cluster_elects_once_and_answers_everything() -> None:
    plan = generate_plan(1, "network")
    calm = replace(plan.weather, loss=0.0, duplicate=0.0, tail=0.0, delay_s=0.001, spread_s=0.001)
    workload = replace(plan.workload, give_up_s=100.0, reopen=0.0)
    result = Simulation(replace(plan, weather=calm, workload=workload, faults=(), broken=())).run()
    assert result.outcome == "ok"
    assert result.elections == 1
    assert result.void == "no fault"


def test_a_leader_whose_clock_stands_is_followed_by_another_and_its_clock_goes_on_in_the_end() -> None:
    plan = generate_plan(1, "network")
    calm = replace(plan.weather, loss=0.0, duplicate=0.0, tail=0.0, delay_s=0.001, spread_s=0.001)
    workload = replace(plan.workload, give_up_s=100.0, reopen=0.0)
    stands = PlannedFault(1.0, "clock", (1.0, LEADER, 0.0))
    result = Simulation(
        replace(plan, weather=calm, workload=workload, faults=(stands,), broken=(), heal_at=3.0)
    ).run()
    assert result.outcome == "ok"
    assert result.elections == 2
    assert result.faults["clock"] == 1


@pytest.mark.parametrize("how", ["down", "deaf", "mute", "isolated"])
def test_a_minority_that_is_broken_for_ever_stops_nobody(how: str) -> None:
    for seed in range(10):
        plan = generate_plan(seed, "network")
        if plan.replicas == 1:
            continue
        broken = tuple(PermanentFailure(replica, how) for replica in range(plan.replicas // 2))
        result = Simulation(replace(plan, broken=broken)).run()
        assert (seed, result.outcome, result.detail) == (seed, "ok", "")


def test_a_majority_that_is_broken_for_ever_is_seen() -> None:
    """The judge of the second phase can say no."""
    plan = replace(
        generate_plan(2, "network"),
        broken=(PermanentFailure(0, "down"), PermanentFailure(1, "down"), PermanentFailure(2, "down")),
    )
    result = Simulation(plan).run()
    assert result.outcome == "liveness"


def test_a_fault_that_nobody_knows_is_a_crash_of_the_run() -> None:
    plan = replace(generate_plan(2, "network"), faults=(PlannedFault(0.5, "moonshine", (0,)),))
    result = Simulation(plan).run()
    assert result.outcome == "crash"
    assert "moonshine" in result.detail


def test_leaving_out_a_fault_leaves_a_plan_that_runs() -> None:
    """So that a run can be shrunk."""
    plan = generate_plan(17, "all")
    assert len(plan.faults) > 2
    for skipped in range(min(len(plan.faults), 8)):
        faults = plan.faults[:skipped] + plan.faults[skipped + 1 :]
        assert Simulation(replace(plan, faults=faults)).run().outcome == "ok"


def test_every_drawer_is_used_and_every_kind_has_one() -> None:
    kinds = {kind for profile in KINDS.values() for kind in profile} | {"silence"}
    assert kinds == set(FAULT_GENERATORS)
