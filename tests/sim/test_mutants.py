"""Each mistake in :mod:`paxtui.sim.mutants` is caught, by the right checker, within its usual budget."""

from __future__ import annotations

import pytest

from paxtui.checkers.broken import Invariant
from paxtui.core.leader import Leader
from paxtui.core.replica import Replica
from paxtui.sim.campaign.mutant_hunt import CI_FACTOR, hunt, hunt_all
from paxtui.sim.mutants import MUTANTS
from paxtui.sim.mutants.mutant import Mutant, Patch, mutant
from paxtui.sim.plan.plan_generator import ALL_PROFILES

pytestmark = pytest.mark.slow

IMPLIED = {Invariant.AGREEMENT, Invariant.CANARY}
"""Agreement follows from invariants 1 to 3, which are looked at first; test_checkers.py breaks it."""


@pytest.mark.parametrize("name", MUTANTS)
def test_a_checker_catches(name: str) -> None:
    caught = hunt(name)
    assert caught.checker, f"{MUTANTS[name].mistake} survived {caught.needed} seeds"


def test_there_are_enough_of_them_and_each_tells_its_mistake_and_its_rule() -> None:
    assert len(MUTANTS) >= 36
    for each in MUTANTS.values():
        assert each.mistake.endswith(".")
        assert each.rule
        assert each.profile in ALL_PROFILES
        assert each.seeds >= 2
    assert len({each.mistake for each in MUTANTS.values()}) == len(MUTANTS)


def test_every_invariant_has_a_mutant() -> None:
    caught_by = {invariant for each in MUTANTS.values() for invariant in each.caught_by}
    assert set(Invariant) - caught_by == IMPLIED - caught_by


def test_a_mutant_is_gone_afterwards_even_after_an_exception() -> None:
    class Interrupted(Exception):
        pass

    def interrupt(each: Mutant) -> None:
        with each.installed():
            assert any(dict(vars(owner)) != before[owner] for owner in classes)
            raise Interrupted

    classes = {owner for each in MUTANTS.values() for owner in _owners(each.install)}
    assert {Leader, Replica} <= classes
    before = {owner: dict(vars(owner)) for owner in classes}
    for each in MUTANTS.values():
        with pytest.raises(Interrupted):
            interrupt(each)
        assert all(dict(vars(owner)) == before[owner] for owner in classes)


def _owners(install: object) -> set[type]:
    class Noting(Patch):
        def replace(self, owner: type, name: str, new: object) -> None:
            owners.add(owner)
            super().replace(owner, name, new)

    owners: set[type] = set()
    patch = Noting()
    install(patch)  # type: ignore[operator]
    patch.undo()
    return owners


def test_a_mutant_that_nobody_sees_is_reported() -> None:
    @mutant("harmless", rule="none", profile="all", caught_by=Invariant.ORDER, seeds=2)
    def harmless(patch: Patch) -> None:
        """Nothing at all."""

    try:
        ended = hunt("harmless", CI_FACTOR)
    finally:
        del MUTANTS["harmless"]
    assert (ended.checker, ended.needed, ended.budget) == ("", 6, 6)


def test_two_processes_catch_the_same_as_one() -> None:
    names = ["vote-does-not-bind", "minority-of-votes", "row-not-written"]
    together = [(each.mutant, each.checker, each.needed) for each in hunt_all(names, jobs=2)]
    assert together == [(each.mutant, each.checker, each.needed) for each in hunt_all(names)]
