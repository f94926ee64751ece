"""Slow motion: the clocks of all replicas and the delays of all links, stretched by one factor."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable

import trio

from paxtui.client.errors import ClientError, Failed
from paxtui.console.driver.fault_tracker import FaultTracker
from paxtui.console.driver.undo import Change, TrackedFault
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.liveness.clocks import BASE_DELAY_MS
from paxtui.wire import faults as f

DELAY_MS_MAX = 600_000.0
"""The longest delay that a link takes."""

TOGETHER_S = 2.0
"""Within so long the clock and the delays of one replica begin when a console begins slow motion."""


class SlowMotionFaults:
    """The faults of which slow motion consists. All are leased: they end soon after this console is gone."""

    def __init__(self, model: ClusterModel, fault_tracker: FaultTracker) -> None:
        self._model = model
        self._fault_tracker = fault_tracker
        self._mine: list[TrackedFault] = []
        self._replaced: list[TrackedFault] = []
        """What it ended when it began; delays come back in the end."""
        self._turn = trio.Lock()

    async def stretch(self, factor: float, change: Change) -> list[str]:
        """Stretch everything by ``factor``; 1 ends that. Return what went wrong at some replicas; raises
        :class:`Failed` if nothing changed at all."""
        async with self._turn:
            return await self._stretch(factor, change)

    async def _stretch(self, factor: float, change: Change) -> list[str]:
        if not any(each in self._fault_tracker for each in self._mine):
            self._mine, self._replaced = [], []
        if factor == 1 and not self._mine and not self._acting_clocks():
            raise Failed("no clock is slow")
        before = list(self._mine)
        foreign = [self._of_another_console(id) for id in range(self._model.n)]
        numbers = {each.number for faults in foreign for each in faults}
        wanted = {id: self._delays(id, factor) for id in range(self._model.n)}

        async def set_clock(id: int) -> None:
            if factor == 1:
                await self._fault_tracker.end_kind(id, f.Clock, change)
            else:
                await self._begin(id, f.Clock(100 / factor), change)

        async def set_links(id: int) -> None:
            for fault in wanted[id]:
                await self._begin(id, fault, change)
            for tracked in before:
                is_link = tracked.replica == id and isinstance(tracked.fault, f.Delay)
                if is_link and tracked in self._fault_tracker:
                    await self._fault_tracker.end_fault(tracked, change)
            for tracked in foreign[id]:
                if isinstance(tracked.fault, f.Delay):
                    await self._fault_tracker.end_fault(tracked, change)

        # Clocks are slow before links are, and links are quick before clocks are: no election fires between.
        slower = factor > max(map(self._factor, (before, *foreign)))
        problems: list[str] = []
        for stage in (set_clock, set_links) if slower else (set_links, set_clock):
            await self._at_each(stage, problems)
        self._replaced += [
            each
            for each in change.ended
            if not any(each is mine for mine in before) and each.number not in numbers
        ]
        if factor == 1:
            await self._bring_back(change)
        if change.empty:
            raise Failed("; ".join(dict.fromkeys(problems)) or "nothing changed")
        return list(dict.fromkeys(problems))

    async def _begin(self, id: int, fault: f.AnyFault, change: Change) -> None:
        tracked = TrackedFault(id, fault, leased=True)
        await self._fault_tracker.begin_fault(tracked, change)
        self._mine.append(tracked)

    async def _bring_back(self, change: Change) -> None:
        for tracked in sorted(self._replaced, key=lambda each: each.since):
            if isinstance(tracked.fault, f.Delay) and await self._fault_tracker.begin_again(tracked):
                change.begun.append(tracked)

    async def _at_each(self, stage: Callable[[int], Awaitable[None]], problems: list[str]) -> None:
        async def one(id: int) -> None:
            try:
                await stage(id)
            except ClientError as error:
                problems.append(str(error))

        async with trio.open_nursery() as nursery:
            for id in range(self._model.n):
                nursery.start_soon(one, id)

    def _factor(self, mine: list[TrackedFault]) -> float:
        clocks = [each.fault.percent for each in mine if isinstance(each.fault, f.Clock)]
        return 100 / clocks[-1] if clocks and clocks[-1] else 1.0

    def _acting_clocks(self) -> bool:
        return any(
            self._fault_tracker.acting(id, lambda fault: isinstance(fault, f.Clock))
            for id in range(self._model.n)
        )

    def _of_another_console(self, id: int) -> list[TrackedFault]:
        """Return the clock and the delays of slow motion that another console began at a replica: leased, the
        delays stretched by the clock's factor or as old as the clock."""
        now = time.monotonic()
        leased = [
            each
            for each in self._fault_tracker.acting(id, lambda fault: isinstance(fault, (f.Clock, f.Delay)))
            if each not in self._fault_tracker
            and each.when is None
            and (left := each.left_s(now)) is not None
            and left <= f.LEASE_S
        ]
        clocks = [each for each in leased if isinstance(each.fault, f.Clock) and 0 < each.fault.percent < 100]
        return clocks + [each for each in leased if any(_belongs(each, clock) for clock in clocks)]

    def _delays(self, id: int, factor: float) -> list[f.AnyFault]:
        """Return what stretches the delays of a replica's links: one fault for all of them, where nobody else
        delays one."""
        if factor == 1:
            return []
        acting = self._fault_tracker.acting(id, lambda fault: isinstance(fault, f.Delay))
        foreign = {each.number for each in self._of_another_console(id)}
        others = [
            each
            for each in acting
            if each.when is None
            and each.number not in foreign
            and not any(each is mine for mine in self._mine)
        ]
        others += [each for each in self._replaced if each.replica == id and isinstance(each.fault, f.Delay)]
        if not others:
            return [f.Delay(-1, _stretched(BASE_DELAY_MS, factor))]
        found: dict[int, tuple[float, float]] = {}
        for tracked in sorted(others, key=lambda each: each.since):  # of one link the latest word counts
            if isinstance(fault := tracked.fault, f.Delay):
                for to in range(self._model.n):
                    if to != id and fault.to in (-1, to):
                        found[to] = (fault.ms, fault.jitter_ms)
        return [
            f.Delay(to, _stretched(ms or BASE_DELAY_MS, factor), _stretched(jitter_ms, factor))
            for to in range(self._model.n)
            if to != id
            for ms, jitter_ms in (found.get(to, (0.0, 0.0)),)
        ]


def _belongs(tracked: TrackedFault, clock: TrackedFault) -> bool:
    """Return whether a delay is one of those that began with a slow clock."""
    if not isinstance(tracked.fault, f.Delay) or not isinstance(clock.fault, f.Clock):
        return False
    usual = _stretched(BASE_DELAY_MS, 100 / clock.fault.percent)
    is_usual = math.isclose(tracked.fault.ms, usual) and not tracked.fault.jitter_ms
    return is_usual or abs(tracked.since - clock.since) < TOGETHER_S


def _stretched(ms: float, factor: float) -> float:
    return min(DELAY_MS_MAX, ms * factor)
