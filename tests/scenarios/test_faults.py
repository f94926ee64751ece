"""What a scenario has injected is remembered by number, and comes back where it must."""

from __future__ import annotations

from typing import cast

import pytest

from paxtui.client import Operator
from paxtui.scenarios.faults import InjectedFaults
from paxtui.wire import faults as f


class Desk:
    """An operator that writes down what it is asked."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.number = 0

    async def inject(
        self, replica: int, fault: f.AnyFault, *, for_s: float | None = None, when: f.Trigger | None = None
    ) -> int:
        self.number += 1
        limit = f" for {for_s:g} s" if for_s else ""
        self.done.append(f.describe(replica, fault) + limit + (f" when {when.event}" if when else ""))
        return self.number

    async def undo(self, number: int) -> None:
        self.done.append(f"undo {number}")

    def take(self) -> list[str]:
        done, self.done = self.done, []
        return sorted(done)


def desk(dead: set[int]) -> tuple[Desk, InjectedFaults]:
    found = Desk()
    return found, InjectedFaults(cast(Operator, found), lambda replica: replica not in dead)


@pytest.mark.trio
async def test_a_new_topology_changes_only_what_differs() -> None:
    operator, faults = desk(set())
    await faults.set_cuts(frozenset({(0, 1), (1, 0)}))
    assert operator.take() == ["cut r0>r1", "cut r1>r0"]
    await faults.set_cuts(frozenset({(0, 1), (2, 0)}))
    assert [each.split()[0] for each in operator.take()] == ["cut", "undo"]
    assert faults.cuts == {(0, 1), (2, 0)}


@pytest.mark.trio
async def test_healing_ends_everything_once() -> None:
    operator, faults = desk(set())
    await faults.add(0, f.CrashProposer(), f.Trigger("elected"))
    await faults.add(1, f.Loss(-1, 20))
    operator.take()
    assert await faults.heal() == 2
    assert operator.take() == ["undo 1", "undo 2"]
    assert await faults.heal() == 0


@pytest.mark.trio
async def test_what_acts_on_a_link_survives_the_process_and_the_rest_does_not() -> None:
    dead: set[int] = set()
    operator, faults = desk(dead)
    await faults.add(0, f.Cut(1))
    await faults.add(0, f.SlowDisk(5))
    dead.add(0)
    faults.ended(0)
    operator.take()
    dead.clear()
    await faults.restarted(0)
    assert operator.take() == ["cut r0>r1"]


@pytest.mark.trio
async def test_a_clock_acts_for_longer_than_any_scenario_takes() -> None:
    operator, faults = desk(set())
    await faults.add(0, f.Clock(10))
    assert operator.take() == ["clock r0 10 % for 3600 s"]


@pytest.mark.trio
async def test_a_dead_replica_is_not_asked() -> None:
    dead = {2}
    operator, faults = desk(dead)
    await faults.set_cuts(frozenset({(2, 0), (0, 2)}))
    assert operator.take() == ["cut r0>r2"]
    await faults.heal()
    assert operator.take() == ["undo 1"]
