"""Disks that went back in time or have a flipped bit: who notices stops for ever, the others go on."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from paxtui.core.settings import Settings
from paxtui.sim.cluster.record import LastLines
from paxtui.sim.cluster.simulation import RunResult, Simulation
from paxtui.sim.plan.damage import SHARES
from paxtui.sim.plan.plan import PROFILES, PermanentFailure, Plan, PlannedFault
from paxtui.sim.plan.plan_generator import generate_plan

BACK, FLIP = "a database that went back in time was refused", "a flipped bit was noticed"
DAMAGES = ("disk-back", "disk-flip", "disk-copied", "disk-lost", "without-vote")


def plan(*faults: PlannedFault, replicas: int = 3, broken: tuple[PermanentFailure, ...] = ()) -> Plan:
    """Work enough, nothing else that disturbs, tables that are small."""
    drawn = generate_plan(6, "calm")
    return replace(
        drawn,
        replicas=replicas,
        commit_s=(0.0005,) * replicas,
        settings=Settings(checkpoint_slots=5),
        workload=replace(drawn.workload, clients=4, pipeline=4, operations=60),
        faults=faults,
        broken=broken,
        heal_at=3.0,
    )


def told(drawn: Plan) -> tuple[RunResult, list[str]]:
    tail = LastLines(1_000_000)
    return Simulation(drawn, tail).run(), list(tail.lines)


def refusals(lines: list[str]) -> list[str]:
    return [line for line in lines if "*** refused" in line]


def test_a_database_that_went_back_is_refused_with_one_line_and_the_rest_goes_on() -> None:
    result, lines = told(plan(PlannedFault(1.0, "disk-back", (1, 5, 0.1))))
    assert (result.outcome, result.detail) == ("ok", "")
    assert BACK in result.goals
    assert result.faults == {"disk-back": 1, "refused for ever": 1}
    (refusal,) = refusals(lines)
    assert "replica 1" in refusal
    assert "the database went back in time: it is at commit" in refusal
    after = lines[lines.index(refusal) + 1 :]
    assert len(after) > 100
    assert not [line for line in after if line.split()[1:3] == ["replica", "1"]]
    assert result.slots > 10


@pytest.mark.parametrize("row", ["state", "vote", "learned", "session"])
def test_a_bit_that_flips_while_the_process_is_down_is_noticed_as_it_starts(row: str) -> None:
    """In a leader that nobody hears votes are left over. Learned slots are read from the last checkpoint of
    the sessions on."""
    mute = [PlannedFault(0.9, "silence-at", (i, "proposed", 0.3)) for i in range(3)]
    struck = plan(*mute, PlannedFault(1.15, "disk-flip", (-1, row, 1.0, 0.1)))
    if row == "learned":
        struck = replace(struck, settings=Settings())
    result, lines = told(struck)
    assert result.outcome == "ok"
    assert result.faults["disk-flip"] == result.faults["refused for ever"] == 1
    (refusal,) = refusals(lines)
    assert "its checksum does not fit" in refusal
    assert FLIP in result.goals


def test_a_replica_that_reads_a_flipped_bit_as_it_runs_stops_at_once() -> None:
    for seed in range(20):
        result, lines = told(generate_plan(seed, "damage"))
        assert result.outcome == "ok"
        stops = [line for line in lines if "*** crash storage error" in line]
        if stops:
            assert lines[lines.index(stops[0]) + 1] == refusals(lines)[0]
            assert FLIP in result.goals
            return
    raise AssertionError("nobody was asked for a slot with a flipped bit")


@pytest.mark.parametrize(
    ("replicas", "broken", "struck"),
    [
        (1, (), 0),
        (3, (), 1),
        (5, (), 2),
        (3, (PermanentFailure(2, "deaf"),), 0),
        (5, (PermanentFailure(2, "down"),), 1),
    ],
)
def test_a_majority_keeps_its_disks_whatever_a_plan_says(
    replicas: int, broken: tuple[PermanentFailure, ...], struck: int
) -> None:
    faults = [PlannedFault(0.5 + 0.1 * i, "disk-back", (i % replicas, 3, 0.05)) for i in range(2 * replicas)]
    result, lines = told(plan(*faults, replicas=replicas, broken=broken))
    assert result.outcome == "ok"
    # A broken replica may be struck as well: it is lost already.
    assert len(refusals(lines)) == struck + len(broken)


def test_damage_that_nobody_reads_is_no_harm() -> None:
    result, lines = told(plan(PlannedFault(1.0, "disk-flip", (1, "state", 0.0, -1.0))))
    assert (result.outcome, refusals(lines)) == ("ok", [])


@pytest.mark.parametrize("profile", PROFILES)
def test_a_drawn_plan_damages_no_more_disks_than_the_cluster_can_spare(profile: str) -> None:
    damaged = 0
    for seed in range(300):
        drawn = generate_plan(seed, profile)
        count = sum(fault.kind in DAMAGES for fault in drawn.faults)
        assert count + len(drawn.broken) <= (drawn.replicas - 1) // 2
        damaged += count > 0
    share = SHARES.get(profile, 0.0)
    assert share == damaged == 0 or 0.7 * share < damaged / 300 < 1.2 * share


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (PlannedFault(1.0, "disk-lost", (1, 0.1)), "it comes back with another disk"),
        (PlannedFault(1.0, "disk-copied", (1, 5, 0.1)), "its disk went back in time"),
        (PlannedFault(1.0, "disk-lost", (-1, 0.1)), "it comes back with another disk"),
        (PlannedFault(1.0, "without-vote", (-1,)), "the others say so while it leads"),
    ],
)
def test_whoever_forgot_something_is_a_learner_to_the_end_and_comes_as_far_as_the_others(
    fault: PlannedFault, words: str
) -> None:
    result, lines = told(plan(fault, replicas=3))
    assert (result.outcome, result.detail) == ("ok", "")
    assert any(f"*** without vote {words}" in line for line in lines)
    assert sum("  became-non-voting  " in line for line in lines) == 1
    assert refusals(lines) == []
    _, again = told(plan(fault, PlannedFault(1.5, "crash-all", (0.05,)), replicas=3))
    assert sum("  became-non-voting  " in line for line in again) == 2
