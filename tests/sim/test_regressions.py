"""Old failures, and those of mutants: the files in ``regressions/``, and how they are made."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from paxtui.checkers.broken import Invariant
from paxtui.sim.campaign.regression import BadRegression, complaint, load, recorded, run, save
from paxtui.sim.campaign.shrink import Shrinker
from paxtui.sim.cluster.clients import asks_of
from paxtui.sim.cluster.simulation import Simulation
from paxtui.sim.mutants import MUTANTS
from paxtui.sim.plan.plan import PlannedFault, touched
from paxtui.sim.plan.plan_generator import generate_plan

FOLDER = Path(__file__).parent / "regressions"
FILES = sorted(FOLDER.glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_core_passes_and_the_mutant_does_not(path: Path) -> None:
    assert complaint(load(path)) is None


def test_there_is_one_for_a_leader_that_was_refuted() -> None:
    assert "deposed-leader-catches-up-and-stays" in {load(path).mutant for path in FILES}


def test_a_canary_shrinks_to_itself() -> None:
    """Nothing but one fault matters, so nothing else is left."""
    plan = next(
        plan for plan in (generate_plan(seed, "canary") for seed in range(999)) if _canaries(plan.faults)
    )
    small = Shrinker(plan, Simulation(plan).run()).shrink()
    assert [fault.kind for fault in small.plan.faults] == ["canary"]
    assert small.result.invariant == str(Invariant.CANARY)
    assert (small.plan.replicas, small.plan.broken) == (1, ())
    assert (small.plan.workload.clients, small.plan.workload.asks, small.plan.workload.last) == (1, (), 0)
    assert small.plan.weather.loss == 0.0


def test_requests_as_a_list_are_the_same_run() -> None:
    """So that one of them can be left out, and the rest stays."""
    for seed in range(3):
        plan = generate_plan(seed, "all")
        listed = replace(plan, workload=replace(plan.workload, asks=asks_of(plan)))
        assert Simulation(listed).run() == Simulation(plan).run()


def _canaries(faults: tuple[PlannedFault, ...]) -> bool:
    return any(fault.kind == "canary" for fault in faults)


def test_a_shrunk_failure_is_smaller_and_breaks_the_same_rule(tmp_path: Path) -> None:
    name, plan = "evicted-client-starts-anew", generate_plan(9, "all")
    with MUTANTS[name].installed():
        result = Simulation(plan).run()
        small = Shrinker(plan, result, runs_max=150).shrink()
    assert result.invariant == small.result.invariant == str(Invariant.ONCE)
    assert small.runs <= 150
    assert len(small.plan.faults) < len(plan.faults)
    assert len(asks_of(small.plan)) < len(asks_of(plan)) / 2
    assert small.result.events < result.events
    path = tmp_path / "small.json"
    save(path, recorded(small.plan, "a test", name))
    again = load(path)
    assert (again.plan, again.invariant, again.mutant) == (small.plan, result.invariant, name)
    assert again.trace
    assert complaint(again) is None


def test_a_file_that_its_mutant_passes_is_complained_of() -> None:
    calm = replace(generate_plan(3, "all"), faults=(), broken=())
    regression = recorded(calm, "nothing happens here", "round-used-again-after-a-restart")
    assert "ends in peace" in (complaint(replace(regression, invariant=str(Invariant.ONE_VALUE))) or "")


def test_a_core_that_fails_an_old_plan_is_complained_of() -> None:
    regression = recorded(generate_plan(3, "all"), "once broken")
    with MUTANTS["minority-of-promises"].installed():
        assert "the core breaks 3 (choosable)" in (complaint(regression) or "")


def test_a_mutant_is_named_and_known(tmp_path: Path) -> None:
    path = tmp_path / "unknown.json"
    save(path, replace(recorded(generate_plan(3, "all"), "about"), mutant="moonshine"))
    with pytest.raises(BadRegression, match="no mutant 'moonshine'"):
        load(path)


def test_a_plan_whose_numbers_do_not_fit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    regression = recorded(generate_plan(3, "all"), "about")
    for plan in (replace(regression.plan, replicas=4), replace(regression.plan, commit_s=())):
        save(path, replace(regression, plan=plan))
        with pytest.raises(BadRegression, match="replicas with"):
            load(path)


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[1]", b'{"about": 1}', b"\xff\xfe", b'{"about": "\xff"}', b"[" * 100_000]
)
def test_what_is_no_regression_is_refused_in_words(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(text)
    with pytest.raises(BadRegression, match=r"bad\.json"):
        load(path)


def test_a_fault_tells_whom_it_touches() -> None:
    assert touched(PlannedFault(1.0, "cut", (0.5, 2, 1))) == (2, 1)
    assert touched(PlannedFault(1.0, "filter", (0.5, -1, 4, "accept"))) == (-1, 4)
    assert touched(PlannedFault(1.0, "crash", (3, 0.1))) == (3,)
    assert touched(PlannedFault(1.0, "pause", (0.1, 3))) == (3,)
    assert touched(PlannedFault(1.0, "disconnect", (1, 2))) == (1, 2)
    assert touched(PlannedFault(1.0, "crash-all", (0.1,))) == ()
    for seed in range(200):
        plan = generate_plan(seed, "all")
        assert all(-1 <= replica < plan.replicas for fault in plan.faults for replica in touched(fault))


def test_a_run_with_a_mutant_leaves_the_core_as_it_was() -> None:
    plan = generate_plan(0, "network")
    assert run(plan, "minority-of-promises").outcome == "safety"
    assert run(plan).outcome == "ok"
