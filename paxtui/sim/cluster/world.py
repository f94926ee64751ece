"""The shared state of a simulated cluster: time, the event queue, the network, the checkers and coverage.

Replicas, clients and the fault injector are built on top of it by :mod:`simulation`; none of them knows the
others but through what is here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import count
from typing import Any, Protocol

from paxtui.checkers.full_observer import FullObserver, Look
from paxtui.core.durable_state import DurableState
from paxtui.core.events import Event
from paxtui.core.output import Appended, ReadReady, ReadRefused, Refused, Reply
from paxtui.sim.cluster.coverage import Coverage
from paxtui.sim.cluster.event_queue import EventQueue
from paxtui.sim.cluster.network import Network
from paxtui.sim.cluster.record import RunObserver
from paxtui.sim.plan.plan import Plan

Key = tuple[str, int] | int
"""The key of a waiting operation: the client and its request number, or the ticket of a read."""


class ReplyReceiver(Protocol):
    """A client that waits for replies."""

    def reply_left(self, operation: Any, reply: Reply) -> None:
        """Take the reply to ``operation`` as it leaves a replica."""


class Looks(dict[type[Event], tuple[Look, ...]]):
    """By the class of a trace event, all who look at it. Its keys are the classes that were seen."""

    def __init__(self, *tables: Mapping[type[Event], Look]) -> None:
        self._tables = tables

    def __missing__(self, kind: type[Event]) -> tuple[Look, ...]:
        looks = self[kind] = tuple(table[kind] for table in self._tables if kind in table)
        return looks


class World:
    """The shared state of one run."""

    network: Network
    """Set by the simulation as soon as the replicas exist at which messages arrive."""

    def __init__(self, plan: Plan, recorder: RunObserver | None = None) -> None:
        self.plan = plan
        self.now = 0.0
        """Virtual time, in seconds since the run began."""
        self.event_queue = EventQueue()
        self.push = self.event_queue.push
        self.checkers = FullObserver(plan.replicas, plan.settings)
        self.coverage = Coverage()
        self._recorder = recorder
        everyone = range(plan.replicas)
        self.peers = [tuple(j for j in everyone if j != i) for i in everyone]
        self.waiting: list[dict[Key, tuple[ReplyReceiver, Any]]] = [{} for _ in everyone]
        """By replica, the operations whose reply has not left it, and the clients that wait for them."""
        self._read_tickets = count(1)
        self.healed = False
        """The second phase has begun."""
        self.over = False
        self.recovery_s = 0.0
        self.elections = 0
        self.reads_asked = 0
        self.faults: Counter[str] = Counter()
        """Faults that took effect, by kind."""
        self.appends_acknowledged = 0
        self.reads_answered = 0
        self._crashes = 0
        self._looks = Looks(self.coverage.on_event, self.checkers.on_event)

    def reach_goal(self, name: str) -> None:
        """Count a goal of coverage as reached."""
        self.coverage.reached.add(name)

    def note(self, replica: int | None, what: str, *details: object) -> None:
        """Record something that was done to a replica."""
        if self._recorder is not None:
            self._recorder.note(self.now, replica, what, " ".join(map(str, details)))

    def replica_started(self, replica: int, saved: DurableState) -> None:
        """Record that a replica starts with what its disk holds."""
        if self._recorder is not None:
            self._recorder.life(self.now, replica, saved)

    def ended(self, replica: int, why: str) -> None:
        """Record that a replica runs no more, once all of its decisions are recorded."""
        if self._recorder is not None:
            self._recorder.ended(self.now, replica, why)

    def events(self, replica: int, events: tuple[Event, ...]) -> None:
        """Show trace events of a replica to the recorder and to everything that looks at them."""
        if self._recorder is not None:
            for event in events:
                self._recorder.event(self.now, replica, event)
        looks = self._looks
        for event in events:
            for look in looks[type(event)]:
                look(replica, event)

    def new_read_ticket(self) -> int:
        """Give a number for a read that was never used before."""
        self.reads_asked += 1
        return next(self._read_tickets)

    def reply(self, replica: int, reply: Reply) -> None:
        """Hand a reply that leaves a replica to the client that waits there, if it still does."""
        key: Key
        waiting = self.waiting[replica]
        if type(reply) is Refused:
            self.reach_goal(f"refused: {reply.reason}")
            key = reply.client, reply.request
        elif type(reply) is Appended:
            self.appends_acknowledged += 1
            key = reply.client, reply.request
            if key not in waiting:
                self.reach_goal("answer repeated")
        elif type(reply) is ReadReady:
            self.reads_answered += 1
            self.reach_goal("read answered")
            key = reply.ticket
        elif type(reply) is ReadRefused:
            key = reply.ticket
        else:
            raise TypeError(f"no such reply: {reply}")
        who = waiting.pop(key, None)
        if who is not None:
            client, operation = who
            client.reply_left(operation, reply)

    def connections_lost(self, replica: int) -> None:
        """Forget who waits at a replica that crashed."""
        self._crashes += not self.healed
        self.waiting[replica].clear()
