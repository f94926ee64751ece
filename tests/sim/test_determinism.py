"""One seed is one run: in this process, in another one, and whatever Python's hash seed is."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import msgspec
import pytest

from paxtui.sim.campaign.campaign import campaign, chunks, run_all, seeds_of
from paxtui.sim.campaign.determinism import NotRepeatable, Pair, Twins, hashed
from paxtui.sim.cluster.record import JsonLines
from paxtui.sim.cluster.simulation import Simulation
from paxtui.sim.plan.plan import Plan
from paxtui.sim.plan.plan_generator import ALL_PROFILES, generate_plan

SCRIPT = """
import hashlib, io, sys
from paxtui.sim.cluster.record import JsonLines
from paxtui.sim.cluster.simulation import Simulation
from paxtui.sim.plan.plan_generator import generate_plan
out = io.BytesIO()
for seed in range(3):
    plan = generate_plan(seed, "all")
    Simulation(plan, JsonLines(out, plan, messages=True)).run()
print(hashlib.sha256(out.getvalue()).hexdigest())
"""


def trace(plan: Plan) -> bytes:
    out = io.BytesIO()
    Simulation(plan, JsonLines(out, plan, messages=True)).run()
    return out.getvalue()


@pytest.mark.parametrize("profile", ALL_PROFILES)
def test_the_same_seed_is_the_same_run_to_the_byte(profile: str) -> None:
    first = trace(generate_plan(7, profile))
    assert len(first.splitlines()) > 300
    assert first == trace(generate_plan(7, profile))


@pytest.mark.processes
def test_a_run_is_the_same_in_other_processes_with_other_hash_seeds() -> None:
    digests = set()
    for hash_seed in ("0", "1", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
        )
        digests.add(done.stdout)
    assert len(digests) == 1


def test_a_recorder_changes_nothing() -> None:
    plan = generate_plan(11, "all")
    assert Simulation(plan, JsonLines(io.BytesIO(), plan)).run() == Simulation(plan).run()


@pytest.mark.parametrize("profile", ALL_PROFILES)
def test_a_plan_is_data_and_survives_json(profile: str) -> None:
    for seed in range(30):
        plan = generate_plan(seed, profile)
        again = msgspec.json.decode(msgspec.json.encode(plan), type=Plan)
        assert again == plan
    assert Simulation(again).run() == Simulation(plan).run()


def test_other_seeds_and_profiles_are_other_runs() -> None:
    traces = {trace(generate_plan(seed, profile)) for seed in (1, 2) for profile in ("all", "network")}
    assert len(traces) == 4


@pytest.mark.slow
def test_a_campaign_has_the_same_digest_on_one_process_and_on_two() -> None:
    alone = campaign("all", 100, 24)
    together = campaign("all", 100, 24, jobs=2)
    assert (alone.runs, alone.digest) == (together.runs, together.digest)
    assert alone.outcomes == {"ok": 24}


def test_running_twice_is_in_two_processes_with_other_hash_seeds() -> None:
    with Twins(1) as twins:
        hashes = [future.result() for future in twins.both(hash, "paxtui")]
        summary = run_all(chunks(seeds_of("churn", 5, 3)), pool=twins)
    assert hashes[0] != hashes[1]
    assert summary.outcomes == {"ok": 3}
    assert summary.digest == campaign("churn", 5, 3).digest


def test_two_runs_that_differ_are_not_repeatable() -> None:
    with Twins(1) as twins:
        pair = twins.submit(((5, "churn"),))
        other = twins.both(hashed, ((6, "churn"),))[1]
        with pytest.raises(NotRepeatable, match="seed 5, profile churn: it ends as"):
            Pair(twins, ((5, "churn"),), [pair.futures[0], other]).result()
