"""What each replica of a simulated run tells, as a stream of its own, and all that a model makes of them.

Streams of several replicas reach a console in any order. Each told thing keeps the time at which it arrived,
so that two orders differ in nothing but the order.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec import Raw

from paxtui.console.model.analysis.slots import slot_facts
from paxtui.console.model.analysis.why import why_slot
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.core import events as core
from paxtui.core.durable_state import DurableState
from paxtui.core.events import Event
from paxtui.core.messages import PeerMessage
from paxtui.sim.cluster.simulation import Simulation
from paxtui.sim.plan.plan import Plan
from paxtui.wire.telemetry import MessageFaulted, TelemetryDelta, TelemetrySnapshot
from paxtui.wire.views import Told, views
from tests.console.story import cluster

Tell = Callable[[ClusterModel], None]

WALL = 1_700_000_000.0


class Streams:
    """The simulator's recorder: keeps what each replica would tell, in that replica's own order."""

    def __init__(self, replicas: int, seed: int, skew_s: float = 0.0) -> None:
        self._rng = random.Random(seed)
        self._skews = [self._rng.uniform(-skew_s, skew_s) for _ in range(replicas)]
        self.told: list[list[tuple[float, Tell]]] = [[] for _ in range(replicas)]
        """By replica, when each thing arrived, and what."""
        self.end = 0.0
        self._numbers = [0] * replicas
        self._clocks = [self._rng.uniform(0, 50) for _ in range(replicas)]
        self._heard = [0.0] * replicas

    def _arrival(self, at: float, replica: int) -> float:
        self._heard[replica] = max(self._heard[replica], at + self._rng.uniform(0.001, 0.05))
        self.end = max(self.end, self._heard[replica])
        return self._heard[replica]

    # The simulator's recorder

    def life(self, at: float, replica: int, saved: DurableState) -> None:
        """A process starts, and is heard before its replica decides anything."""
        self._numbers[replica] = 0
        at_s, now = at + self._clocks[replica], self._arrival(at, replica)
        told = TelemetrySnapshot(
            id=0, number=0, at_s=at_s, wall=WALL + at + self._skews[replica], status=None, slots=(), faults=()
        )

        def tell(model: ClusterModel) -> None:
            model.process(replica, "up", now)
            model.fold(replica, told, now)

        self.told[replica].append((now, tell))

    def ended(self, at: float, replica: int, why: str) -> None:
        """A process dies."""
        now = self._arrival(at, replica)

        def tell(model: ClusterModel) -> None:
            model.fold(replica, None, now)
            model.process(replica, "down", now)

        self.told[replica].append((now, tell))

    def event(self, at: float, replica: int, event: Event) -> None:
        """Something to tell; now and then a fault swallows an Accept."""
        told: list[tuple[float, Told]] = [(at + self._clocks[replica], event)]
        if isinstance(event, core.AcceptSent) and self._rng.random() < 0.2:
            to = self._rng.randrange(len(self.told)) if event.to < 0 else event.to
            lost = MessageFaulted(to, 1, "accept", event.ballot, event.first, event.count, 0, ())
            told.append((at + self._clocks[replica], lost))
        pairs = tuple((when, Raw(msgspec.json.encode(view))) for when, view in views(told))
        first, now = self._numbers[replica], self._arrival(at, replica)
        self._numbers[replica] += len(pairs)
        delta = TelemetryDelta(id=0, first=first, at_s=told[-1][0], events=pairs, dropped=0)
        self.told[replica].append((now, lambda model: model.fold(replica, delta, now)))

    def note(self, at: float, replica: int | None, what: str, detail: str) -> None:
        """Nothing that telemetry tells."""

    def message(self, at: float, sender: int, to: int, message: PeerMessage) -> None:
        """Nothing that telemetry tells."""


def streams(plan: Plan, seed: int, skew_s: float = 0.0) -> Streams:
    """What the replicas of a run tell, whose wall clocks are wrong by up to ``skew_s``."""
    told = Streams(plan.replicas, seed, skew_s)
    result = Simulation(plan, told).run()
    assert result.outcome == "ok"
    return told


def interleaved(told: Streams, rng: random.Random) -> Iterator[Tell]:
    """All of it, in some order that keeps each replica's own; often one replica far ahead of the others."""
    places = [0] * len(told.told)
    while left := [each for each, at in enumerate(places) if at < len(told.told[each])]:
        replica = rng.choice(left)
        for _ in range(rng.choice([1, 1, 2, 10, 300])):
            if places[replica] < len(told.told[replica]):
                yield told.told[replica][places[replica]][1]
                places[replica] += 1


def folded(told: Streams, seed: int) -> ClusterModel:
    """A model that was told all, in the order of a seed."""
    model = ClusterModel(cluster(len(told.told)))
    for tell in interleaved(told, random.Random(seed)):
        tell(model)
    return model


def as_it_came(told: Streams, hold_s: float) -> ClusterModel:
    """A model that was told all as it arrived, and holds events for ``hold_s``."""
    model = ClusterModel(cluster(len(told.told)), hold_s=hold_s)
    for _, tell in sorted((each for replica in told.told for each in replica), key=lambda each: each[0]):
        tell(model)
    model.update_lights(told.end + 2 * hold_s)
    return model


def picture(model: ClusterModel, now: float) -> dict[str, Any]:
    """All that is drawn of slots and replicas.

    Left out: rates and the lights, which are about the last seconds as the console lived through them, and
    the list of events, whose order is a question of its own.
    """
    slots = range(model.end)
    ballots = {ballot for slot in slots if (ballot := model.proposed.get(slot)) is not None}
    return {
        "slots": [slot_facts(model, slot, now) for slot in slots],
        "why": [why_slot(model, slot, now) for slot in slots],
        "proposed": [(model.proposed.get(slot), model.sources.get(slot)) for slot in slots],
        "since": [model.open_for(slot, now) for slot in slots],
        "values": [[model.values.get(slot, ballot) for ballot in sorted(ballots)] for slot in slots],
        "sent": [[runs.get(slot) for slot in slots] for runs in model.sent],
        "lost": [[runs.get(slot) for slot in slots] for runs in model.lost],
        "holes": [(model.holes.hole_words(slot), model.holes.fill_words(slot)) for slot in slots],
        "found": [[model.phase1.finding_at(ballot, slot) for ballot in sorted(ballots)] for slot in slots],
        "trims": sorted((log_start, model.trims.slot_of(log_start)) for log_start in model.trims.log_starts),
        "leader": model.leader,
        "clock": model.wall_ahead,
        "latency": [model.latency.quantile(now, share) for share in (0.0, 0.5, 1.0)],
        "replicas": [
            {
                "told": (each.role, each.promised, each.follows, each.applied, each.log_start, each.chain),
                "heard": (each.process, each.offset, each.events, each.gaps),
                "slots": [(each.vote(slot), each.knows(slot)) for slot in slots],
            }
            for each in model.replicas
        ],
    }
