"""Make a failing plan small: the same rule stays broken, everything else goes if it can.

Greedy, in the manner of delta debugging (Zeller and Hildebrandt, 2002): leave out faults and requests by
halves, then by smaller parts, then one by one; then make clients, limits and weather as plain as possible;
and again from the start, until a whole round changes nothing. Chance is a hash of numbers that a smaller plan
may not reach any more, so a candidate is another run rather than a part of the old one; that is why each is
simply tried, and some of them with other seeds as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from paxtui.core.settings import Settings
from paxtui.sim.cluster.clients import asks_of
from paxtui.sim.cluster.simulation import RunResult, simulate
from paxtui.sim.plan.plan import Plan, PlannedFault, PlannedRequest, touched

RUNS_MAX = 1500
"""Candidates that are tried: about a minute's work."""

LUCK_SEEDS = 12
"""Seeds tried per candidate when it drops clients or replicas."""

LUCK_SMALL = 10
"""Seeds tried per candidate when it drops a request: few, since there are many requests."""

PLAIN_COMMIT_S = 0.001


class Shrunk(Struct, frozen=True):
    """The rest of a plan, and how it fails."""

    plan: Plan
    result: RunResult
    runs: int


class Shrinker:
    """One plan that breaks one rule, and what is left of it."""

    def __init__(self, plan: Plan, result: RunResult, *, runs_max: int = RUNS_MAX) -> None:
        self.plan = plan
        self.result = result
        self.runs = 0
        self._runs_max = runs_max

    def shrink(self) -> Shrunk:
        """Make the plan smaller until nothing can go any more, or the budget is used up."""
        self._listed()
        self._after_the_end()
        changed = True
        while changed and self.runs < self._runs_max:
            changed = any(
                [
                    self._fewer_faults(),
                    self._fewer_requests(luck=1),
                    self._fewer_replicas(),
                    self._plainer(),
                    self._fewer_clients(),
                    self._fewer_requests(luck=LUCK_SMALL),
                ]
            )
        any(self._still_fails(candidate) for candidate in _rounder(self.plan))
        return Shrunk(self.plan, self.result, self.runs)

    def _still_fails(self, candidate: Plan) -> bool:
        """Try it; if the same rule breaks, it is the plan from now on."""
        if candidate == self.plan or self.runs >= self._runs_max:
            return False
        self.runs += 1
        result = simulate(candidate)
        if result.invariant != self.result.invariant:
            return False
        self.plan, self.result = candidate, result
        return True

    def _with_luck(self, candidate: Plan, luck: int = LUCK_SEEDS) -> bool:
        """Try a step that moves much in time with several seeds: other chances may bring the failure back."""
        if candidate == self.plan:
            return False
        seed = self.plan.seed
        return any(self._still_fails(replace(candidate, seed=seed + number)) for number in range(luck))

    def _listed(self) -> None:
        """Give the same plan with its requests as a list, the first one first."""
        asks = tuple(sorted(asks_of(self.plan), key=lambda ask: ask.at))
        self.plan = _asking(self.plan, asks)

    def _after_the_end(self) -> None:
        """Drop what comes after the failure, since it cannot have caused it."""
        end = self.result.at
        faults = tuple(fault for fault in self.plan.faults if fault.at <= end)
        self._still_fails(replace(self.plan, faults=faults))
        self._still_fails(_asking(self.plan, tuple(ask for ask in asks_of(self.plan) if ask.at <= end)))

    def _fewer_faults(self) -> bool:
        return self._fewer(
            lambda plan: plan.faults, lambda plan, faults: replace(plan, faults=faults), luck=1
        )

    def _fewer_requests(self, luck: int) -> bool:
        return self._fewer(asks_of, _asking, luck)

    def _fewer(
        self,
        parts_of: Callable[[Plan], tuple[Any, ...]],
        with_parts: Callable[[Plan, tuple[Any, ...]], Plan],
        luck: int,
    ) -> bool:
        """Leave out parts, by halves, then by fewer, then one by one; whether any went."""
        before = len(parts_of(self.plan))
        size = max(before // 2, 1)
        while True:
            at = 0
            while at < len(parts_of(self.plan)):
                parts = parts_of(self.plan)
                if not self._with_luck(with_parts(self.plan, parts[:at] + parts[at + size :]), luck):
                    at += size
            if size == 1:
                return len(parts_of(self.plan)) < before
            size //= 2

    def _fewer_replicas(self) -> bool:
        return any(self._with_luck(candidate) for candidate in _fewer_replicas(self.plan))

    def _plainer(self) -> bool:
        changed = False
        for change in _plainer(self.plan):
            changed |= self._still_fails(change(self.plan))
        return changed

    def _fewer_clients(self) -> bool:
        """Drop clients that ask nothing; then let one client ask for all, or for one other."""
        changed = self._still_fails(_renumbered(self.plan))
        for clients in range(1, self.plan.workload.clients):
            if self._with_luck(_among(self.plan, clients)):
                return True
        return changed


def _asking(plan: Plan, asks: tuple[PlannedRequest, ...]) -> Plan:
    return replace(plan, workload=replace(plan.workload, asks=asks))


def _renumbered(plan: Plan) -> Plan:
    """Return the plan without the clients who ask nothing. Nobody at all cannot be: one asks in the end."""
    asks = asks_of(plan)
    number = {client: index for index, client in enumerate(sorted({ask.client for ask in asks}))}
    asks = tuple(PlannedRequest(ask.at, number[ask.client]) for ask in asks)
    return replace(plan, workload=replace(plan.workload, clients=max(len(number), 1), asks=asks))


def _among(plan: Plan, clients: int) -> Plan:
    """Spread the same requests over fewer clients."""
    asks = tuple(PlannedRequest(ask.at, ask.client % clients) for ask in asks_of(plan))
    return replace(plan, workload=replace(plan.workload, clients=clients, asks=asks))


def _fewer_replicas(plan: Plan) -> Iterator[Plan]:
    """Yield clusters without the last replicas, and without the faults that name them."""
    for replicas in range(1, plan.replicas, 2):
        yield replace(
            plan,
            replicas=replicas,
            commit_s=plan.commit_s[:replicas],
            broken=tuple(broken for broken in plan.broken if broken.replica < replicas)[: replicas // 2],
            faults=tuple(fault for fault in plan.faults if max(touched(fault), default=-1) < replicas),
        )


def _plainer(plan: Plan) -> Iterator[Callable[[Plan], Plan]]:
    """Yield plans in which one thing each is usual, off, or less."""
    yield from (_without_broken(index) for index in reversed(range(len(plan.broken))))
    for name, less in (
        ("reads", 0.0),
        ("twins", 0.0),
        ("invented", 0.0),
        ("late", 0.0),
        ("reopen", 0.0),
        ("answers_lost", 0.0),
        ("text_chars", 0),
        ("burst", 1),
        ("pipeline", 1),
        ("operations", 0),
        ("last", 0),
    ):
        yield _less_work(name, less)
    for name in ("loss", "duplicate", "tail"):
        yield _weather(name, 0.0)
    yield _weather("fifo", False)
    yield lambda plan: replace(plan, commit_s=(PLAIN_COMMIT_S,) * plan.replicas)
    yield lambda plan: replace(plan, gather_s=0.0)
    yield lambda plan: replace(plan, notice_s=None)
    yield lambda plan: replace(plan, codec=False)
    yield lambda plan: replace(plan, settings=Settings())
    for name in Settings.__struct_fields__:
        yield _usual(name)


def _without_broken(index: int) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, broken=plan.broken[:index] + plan.broken[index + 1 :])


def _less_work(name: str, less: Any) -> Callable[[Plan], Plan]:
    def change(plan: Plan) -> Plan:
        if less >= getattr(plan.workload, name):
            return plan
        return replace(plan, workload=replace(plan.workload, **{name: less}))

    return change


def _weather(name: str, value: Any) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, weather=replace(plan.weather, **{name: value}))


def _usual(name: str) -> Callable[[Plan], Plan]:
    usual = getattr(Settings(), name)
    return lambda plan: replace(plan, settings=replace(plan.settings, **{name: usual}))


def _rounder(plan: Plan) -> Iterator[Plan]:
    """Give the same plan with fewer digits."""
    for digits in (2, 3, 4):
        yield replace(
            plan,
            heal_at=round(plan.heal_at, digits),
            commit_s=tuple(round(seconds, max(digits, 4)) for seconds in plan.commit_s),
            weather=replace(
                plan.weather,
                delay_s=round(plan.weather.delay_s, max(digits, 4)),
                spread_s=round(plan.weather.spread_s, max(digits, 4)),
            ),
            workload=replace(
                plan.workload,
                patience_s=round(plan.workload.patience_s, digits),
                asks=tuple(PlannedRequest(round(ask.at, digits), ask.client) for ask in asks_of(plan)),
            ),
            faults=tuple(
                PlannedFault(
                    round(fault.at, digits),
                    fault.kind,
                    tuple(round(a, digits) if isinstance(a, float) else a for a in fault.args),
                )
                for fault in plan.faults
            ),
        )
