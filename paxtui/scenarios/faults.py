"""The faults that a scenario has injected: remembered by number, so that each can be undone alone.

What acts on a link belongs to the network: it stays when the process at its sender is killed, and is
injected again after its restart. What acts in a process ends with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import trio

from paxtui.client import Operator
from paxtui.wire import faults as f
from paxtui.wire.faults import AnyFault, Trigger
from paxtui.wire.links import Cuts

CLOCK_S = 3600.0
"""A clock always ends by itself; no scenario takes so long."""


class Injected:
    """One fault at one replica; ``number`` is ``None`` while no process is there to have it."""

    __slots__ = ("fault", "number", "replica")

    def __init__(self, replica: int, fault: AnyFault, number: int | None) -> None:
        self.replica = replica
        self.fault = fault
        self.number = number


class InjectedFaults:
    """The faults that a scenario has injected. ``alive`` tells which replicas can be asked."""

    def __init__(self, operator: Operator, alive: Callable[[int], bool]) -> None:
        self._operator = operator
        self._alive = alive
        self._all: list[Injected] = []

    async def add(self, replica: int, fault: AnyFault, when: Trigger | None = None) -> None:
        """Begin a fault, or arm it."""
        injected = Injected(replica, fault, None)
        if self._alive(replica):
            for_s = CLOCK_S if isinstance(fault, f.Clock) else None
            injected.number = await self._operator.inject(replica, fault, for_s=for_s, when=when)
        self._all.append(injected)

    async def add_all(self, wanted: Iterable[tuple[int, AnyFault]]) -> None:
        """Begin several at the same time."""
        async with trio.open_nursery() as nursery:
            for replica, fault in wanted:
                nursery.start_soon(self.add, replica, fault)

    async def remove(self, which: Callable[[Injected], bool]) -> int:
        """End those faults; how many they were."""
        ended = [each for each in self._all if which(each)]
        self._all = [each for each in self._all if not which(each)]
        async with trio.open_nursery() as nursery:
            for each in ended:
                if each.number is not None and self._alive(each.replica):
                    nursery.start_soon(self._operator.undo, each.number)
        return len(ended)

    async def heal(self) -> int:
        """End all."""
        return await self.remove(lambda each: True)

    @property
    def cuts(self) -> Cuts:
        """List the links that are cut now."""
        return frozenset((each.replica, each.fault.to) for each in self._all if isinstance(each.fault, f.Cut))

    async def set_cuts(self, cuts: Cuts) -> None:
        """Cut these links and no others. New cuts first: nothing is connected on the way that was not."""
        before = self.cuts
        await self.add_all((a, f.Cut(b)) for a, b in sorted(cuts - before))
        gone = before - cuts
        await self.remove(
            lambda each: isinstance(each.fault, f.Cut) and (each.replica, each.fault.to) in gone
        )

    def ended(self, replica: int) -> None:
        """Forget the faults that acted in a process that is gone."""
        self._all = [
            each for each in self._all if each.replica != replica or isinstance(each.fault, f.LinkFault)
        ]
        for each in self._all:
            if each.replica == replica:
                each.number = None

    async def restarted(self, replica: int) -> None:
        """Put the faults on the links of a replica that is there again back in force."""
        for each in self._all:
            if each.replica == replica and each.number is None:
                each.number = await self._operator.inject(replica, each.fault)
