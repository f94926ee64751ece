"""Simulated runs as a console sees them: telemetry that is late, in any order between replicas, and lossy."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any
from unittest.mock import patch

from paxtui.checkers.broken import InvariantBroken
from paxtui.checkers.full_observer import FullObserver
from paxtui.console.model.safety.safety import SafetyJudge
from paxtui.core import events as core
from paxtui.core.durable_state import DurableState
from paxtui.core.events import Event
from paxtui.core.messages import PeerMessage
from paxtui.core.settings import Settings
from paxtui.core.values import Command
from paxtui.sim.cluster.simulation import RunResult, Simulation
from paxtui.sim.plan.plan import Plan
from paxtui.wire.telemetry import (
    LearnedView,
    ProposedView,
    SlotView,
    TelemetrySnapshot,
    VotedView,
    digest,
)

marked = lru_cache(maxsize=100_000)(digest)


def marks(values: tuple[Command, ...]) -> str:
    """The marks of a run."""
    return "".join(map(marked, values))


def view(event: Event) -> Any:
    """An event as telemetry tells it."""
    match event:
        case core.Voted(ballot, first, values):
            return VotedView(ballot, first, len(values), marks(values))
        case core.Proposed(ballot, first, values, source):
            return ProposedView(ballot, first, len(values), source, marks(values), None)
        case core.Learned(first, entries):
            ballots = tuple((entry.ballot, 1) for entry in entries)
            values = tuple(entry.value for entry in entries)
            return LearnedView(first, len(entries), ballots, marks(values), None)
    return event


def snapshot(cluster: Simulation, id: int, number: int, slots_max: int) -> TelemetrySnapshot:
    """What a replica would tell to somebody who connects now."""
    replica = cluster.replicas[id].core
    assert replica is not None
    views: list[SlotView] = []

    def add(slot: int, ballot: Any, value: Command, state: str) -> None:
        views.append(SlotView(slot, ballot, value.client, value.request, "", state, marked(value)))

    for slot, entry in replica.learner.recent(slots_max):
        add(slot, entry.ballot, entry.value, "applied")
    known, votes = replica.learner.known, replica.acceptor.votes
    for slot in sorted(known.keys() | votes.keys())[:slots_max]:
        if slot in known:
            add(slot, known[slot].ballot, known[slot].value, "learned")
        else:
            add(slot, *votes[slot], "voted")
    return TelemetrySnapshot(
        id=0, number=number, at_s=0.0, wall=0.0, status=replica.status, slots=tuple(views), faults=()
    )


def booting(number: int = 0) -> TelemetrySnapshot:
    """What a process tells whose replica has not started yet."""
    return TelemetrySnapshot(id=0, number=number, at_s=0.0, wall=0.0, status=None, slots=(), faults=())


Call = Callable[[SafetyJudge], None]


class Wire:
    """The simulator's recorder: turns what happens into calls of a judge, in an order in which they might
    arrive. Each replica's own reports keep their order; a connection is made after its predecessor's end."""

    def __init__(self, seed: int, *, lossy: bool) -> None:
        self._rng = random.Random(seed)
        self._lag_s = self._rng.choice([0.0, 0.003, 0.05, 0.5])
        self._lossy = lossy
        self._slots_max = self._rng.choice([3, 20, 200])
        self.cluster: Simulation | None = None
        self._queue: list[tuple[float, int, Call]] = []
        self._last: dict[int, float] = {}
        self._numbers: dict[int, int] = {}
        self._blind: dict[int, bool] = {}
        """Who is not heard now, and whether its connection is lost meanwhile."""

    def calls(self) -> list[Call]:
        """All of them, in the order of their arrival."""
        return [call for _, _, call in sorted(self._queue, key=lambda each: each[:2])]

    def _arrives(self, at: float, replica: int, call: Call, *, lag: bool = True) -> None:
        late = self._rng.expovariate(1 / self._lag_s) if lag and self._lag_s else 0.0
        at = max(self._last.get(replica, 0.0), at + late) if lag else at
        self._last[replica] = at
        self._queue.append((at, len(self._queue), call))

    def _end_connection(self, at: float, replica: int) -> None:
        """What is on its way arrives before that, or never: the next connection is made later."""
        if self._last.get(replica, 0.0) > at:
            self._queue = [
                (min(when, at) if getattr(call, "replica", None) == replica else when, rank, call)
                for when, rank, call in self._queue
            ]
        self._last[replica] = at

    # The simulator's recorder

    def life(self, at: float, replica: int, saved: DurableState) -> None:
        """A process starts, and is heard before its replica decides anything."""
        self._numbers[replica] = 0
        self._blind.pop(replica, None)
        self._arrives(
            at, replica, _call(replica, lambda judge: judge.snapshot(replica, booting())), lag=False
        )

    def ended(self, at: float, replica: int, why: str) -> None:
        """A process dies."""
        self._end_connection(at, replica)
        self._arrives(at, replica, _call(replica, lambda judge: judge.gap(replica, at)), lag=False)
        self._arrives(at, replica, _call(replica, lambda judge: judge.down(replica, at)), lag=False)

    def event(self, at: float, replica: int, event: Event) -> None:
        """Something to tell."""
        self._numbers[replica] += 1
        told = view(event)
        if replica in self._blind:
            return
        self._arrives(at, replica, _call(replica, lambda judge: judge.event(replica, told)))
        if isinstance(told, core.Restored):
            self._reports(at, replica)
        if self._lossy and self._rng.random() < 0.003:
            lost = self._rng.random() < 0.5
            self._blind[replica] = lost
            if lost:
                self._end_connection(at, replica)
                self._arrives(at, replica, _call(replica, lambda judge: judge.gap(replica, at)), lag=False)
            assert self.cluster is not None
            life = self.cluster.replicas[replica].life
            self.cluster.push(at + self._rng.choice([0.0, 0.05, 1.0]), self._come_back, (replica, life))

    def _come_back(self, who: tuple[int, int]) -> None:
        """Between two steps of a replica, as its own snapshots are made."""
        replica, life = who
        assert self.cluster is not None
        node, at = self.cluster.replicas[replica], self.cluster.now
        if node.life != life or node.core is None:
            return
        if node.core._out.events:  # in the middle of a step: telemetry is flushed between them
            self.cluster.push(at + 0.0005, self._come_back, who)
            return
        lost = self._blind.pop(replica)
        now = snapshot(self.cluster, replica, self._numbers[replica], self._slots_max)
        if not lost:
            self._arrives(at, replica, _call(replica, lambda judge: judge.gap(replica, at, dropped=True)))
        self._arrives(at, replica, _call(replica, lambda judge: judge.snapshot(replica, now)))
        self._reports(at, replica)

    def _reports(self, at: float, replica: int) -> None:
        """Its status tells that its disk is the one that it had."""
        self._arrives(at, replica, _call(replica, lambda judge: judge.storage(replica, "its disk")))

    def note(self, at: float, replica: int | None, what: str, detail: str) -> None:
        """Nothing that telemetry tells."""

    def message(self, at: float, sender: int, to: int, message: PeerMessage) -> None:
        """Nothing that telemetry tells."""


def _call(replica: int, call: Call) -> Call:
    call.replica = replica  # type: ignore[attr-defined]
    return call


def _quiet(check: Callable[..., Any]) -> Callable[..., Any]:
    def checked(*told: Any) -> Any:
        with suppress(InvariantBroken, KeyError):
            return check(*told)

    return checked


class Blinded(FullObserver):
    """The simulator's own checkers, which say nothing, so that a run goes on to where a console sees it."""

    def __init__(self, replicas: int, settings: Settings) -> None:
        super().__init__(replicas, settings)
        for looks in (self.on_event, self.on_message):
            looks.update({kind: _quiet(look) for kind, look in looks.items()})  # type: ignore[misc]
        for owner in (self, self.limits):
            for name in dir(owner):
                if not name.startswith("_") and callable(getattr(owner, name)):
                    setattr(owner, name, _quiet(getattr(owner, name)))


def observed(
    plan: Plan, *, seed: int = 0, lossy: bool = False, blind: bool = False
) -> tuple[SafetyJudge, RunResult]:
    """Run a plan, and let a judge watch; ``blind``: the simulator itself does not."""
    wire = Wire(seed, lossy=lossy)
    with patch("paxtui.sim.cluster.world.FullObserver", Blinded if blind else FullObserver):
        cluster = wire.cluster = Simulation(plan, wire)
    result = cluster.run()
    judge = SafetyJudge(plan.replicas)
    for call in wire.calls():
        call(judge)
    return judge, result
