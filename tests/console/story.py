"""A cluster that never ran: telemetry made by hand, folded into the model that the console shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Raw, Struct

from paxtui.config.cluster_file import Address, Cluster
from paxtui.console import commands as c
from paxtui.console.driver import ClusterDriver
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.options import ConsoleOptions
from paxtui.core.durable_state import CHAIN_START
from paxtui.core.hash_chain import link
from paxtui.core.values import Command
from paxtui.wire import events as e
from paxtui.wire.faults import ActiveFault, AnyFault, Trigger
from paxtui.wire.requests import LinkView, StatusReport
from paxtui.wire.telemetry import (
    LearnedView,
    ProposedView,
    TelemetryDelta,
    TelemetrySnapshot,
    ValueView,
    VotedView,
    brief,
    digest,
)
from paxtui.wire.values import REPLICAS_MAX, Ballot, Status

WALL = 1_700_000_000.0


def cluster(n: int, name: str = "demo") -> Cluster:
    """Also of a size that no real cluster has."""
    return Cluster(name=name, replicas=tuple(Address(id, "127.0.0.1", 7400 + id) for id in range(n)))


class Story:
    """Tells a model what replicas would. ``now`` is the console's clock, and moves only by :meth:`later`."""

    def __init__(self, n: int = 3, model: ClusterModel | None = None) -> None:
        self.model = model or ClusterModel(cluster(n))
        self.n = self.model.n
        self.now = 1000.0
        self.numbers = [0] * self.n
        self.active: list[list[ActiveFault]] = [[] for _ in range(self.n)]
        self.ballot = Ballot(1, 0)
        self.roles = ["follower"] * self.n
        self.chosen = 0
        self.values: dict[int, Command] = {}
        self.counts: dict[tuple[int, int], int] = {}

    def later(self, seconds: float) -> None:
        """Time goes on."""
        self.now += seconds

    # What replicas send

    def status(self, id: int, **changes: Any) -> Status:
        """A replica's belief; by default that of one that has applied everything."""
        leads = self.roles[id] == "leader"
        told: dict[str, Any] = {
            "replica": id,
            "replicas": self.n,
            "role": self.roles[id],
            "promised": self.ballot,
            "ballot": self.ballot if leads else Ballot.ZERO,
            "leader": self.ballot.replica,
            "watermark": self.chosen,
            "learned_high": self.chosen,
            "accepted_high": self.chosen,
            "lag": 0,
            "in_flight": 0,
            "queued": 0,
            "holes": (),
            "sessions": 1,
            "chain": self.chain(self.chosen),
            "peers": {},
        }
        return Status(**(told | changes))

    def snapshot(self, id: int, **changes: Any) -> None:
        """The replica begins to tell."""
        told = TelemetrySnapshot(
            id=0,
            number=self.numbers[id],
            at_s=self.now,
            wall=WALL + self.now,
            status=self.status(id, **changes),
            slots=(),
            faults=tuple(self.active[id]),
        )
        self.model.fold(id, told, self.now)

    def tell(self, id: int, *events: Struct, dropped: int = 0) -> None:
        """Events of a replica."""
        pairs = tuple((self.now, Raw(msgspec.json.encode(event))) for event in events)
        delta = TelemetryDelta(id=0, first=self.numbers[id], at_s=self.now, events=pairs, dropped=dropped)
        self.model.fold(id, delta, self.now)
        self.numbers[id] += len(events)

    def report(self, id: int, *, status: dict[str, Any] | None = None, **changes: Any) -> None:
        """The replica's answer to get-status."""
        others = [peer for peer in range(self.n) if peer != id]
        told: dict[str, Any] = {
            "id": 0,
            "status": self.status(id, **(status or {})),
            "waiting_for": (),
            "connected": tuple(others),
            "pid": 4000 + id,
            "uptime_s": self.now,
            "faults": len(self.active[id]),
            "faults_allowed": True,
            "storage": "sqlite",
            "commits": 10,
            "fsync_ms": 0.4,
            "counters": {},
            "clients": 1,
            "links": tuple(LinkView(peer, True, self.counts.get((id, peer), 0), 0, 0) for peer in others),
            "active": tuple(self.active[id]),
        }
        self.model.report(id, StatusReport(**(told | changes)), "", self.now)

    def lost(self, id: int, problem: str = "cannot be reached: connection refused") -> None:
        """The connection to a replica broke."""
        self.model.fold(id, None, self.now)
        self.model.report(id, None, problem, self.now)

    # What happens

    def up(self, leader: int | None = 0) -> Story:
        """All serve, one leads."""
        if leader is not None:
            self.roles = ["leader" if id == leader else "follower" for id in range(self.n)]
            self.ballot = Ballot(self.ballot.round, leader)
        for id in range(self.n):
            self.snapshot(id)
            self.report(id)
        return self

    def elect(
        self, id: int, round: int, *, quorum: tuple[int, ...] | None = None, end: int | None = None
    ) -> None:
        """Another leader. If a ``quorum`` is named, its acceptors tell that they promised; slots below
        ``end`` have to be proposed again."""
        self.roles = ["leader" if each == id else "follower" for each in range(self.n)]
        self.ballot = Ballot(round, id)
        self.tell(id, e.RoundTaken(self.ballot, False))
        for each in quorum or ():
            votes = sum(
                self.model.replicas[each].vote(slot) is not None for slot in range(self.chosen, end or 0)
            )
            self.tell(each, e.Promised(self.ballot, self.chosen, votes, True))
        promised = quorum if quorum is not None else tuple(range(self.n // 2 + 1))
        self.tell(id, e.Elected(self.ballot, self.chosen, end or self.chosen, promised))

    def propose(self, texts: Iterable[str], *, client: str = "ada~s1@0", source: str = "client") -> range:
        """The leader proposes values in the next slots; nobody has voted yet."""
        values = [Command(client, len(self.values) + number, text) for number, text in enumerate(texts)]
        leader, first = self.ballot.replica, self.model.end
        self.values |= dict(enumerate(values, first))
        slots = range(first, first + len(values))
        views = tuple(ValueView(each.client, each.request, brief(each.text)) for each in values)
        self.tell(
            leader,
            ProposedView(self.ballot, first, len(values), source, self.marks(slots), views),
            e.AcceptSent(self.ballot, first, len(values), -1, False),
        )
        return slots

    def marks(self, slots: range) -> str:
        """The marks of the values, as replicas tell them."""
        return "".join(digest(self.values[slot]) for slot in slots)

    def chain(self, end: int) -> str:
        """The head of the hash chain over everything below ``end``."""
        head = CHAIN_START
        for slot in range(end):
            head = link(head, slot, self.values[slot])
        return head.hex()

    def vote(self, id: int, slots: range) -> None:
        """An acceptor votes at the leader's ballot, and the leader hears it."""
        self.tell(id, VotedView(self.ballot, slots[0], len(slots), self.marks(slots)))
        self.tell(self.ballot.replica, e.AcceptedReceived(self.ballot, id, slots[0], len(slots)))

    def choose(self, texts: Iterable[str], *, client: str = "ada~s1@0") -> range:
        """Proposed, voted for, learned and applied by all."""
        slots = self.propose(texts, client=client)
        first, end, count = slots[0], slots[-1] + 1, len(slots)
        for id in range(self.n):
            self.vote(id, slots)
        self.chosen = end
        self.tell(self.ballot.replica, e.ChosenSeen(self.ballot, first, count))
        for id in range(self.n):
            learned = LearnedView(first, count, ((self.ballot, count),), self.marks(slots), None)
            self.tell(id, learned, e.AppliedTo(first, end, self.chain(end)))
            self.report(id)
        return slots

    def fault(
        self, id: int, fault: AnyFault, *, left_s: float | None = None, when: Trigger | None = None
    ) -> int:
        """A fault begins; its number."""
        number = sum(len(faults) for faults in self.active) * REPLICAS_MAX + id + 1
        self.active[id].append(ActiveFault(number, id, fault, 3.0, left_s, when))
        self.report(id)
        return number

    def down(self, id: int, words: str = "killed") -> None:
        """Its process ends."""
        self.model.process(id, "down", self.now, words=words)

    def paused(self, id: int) -> None:
        """Its process stands still."""
        self.model.process(id, "paused", self.now)


class FakeDriver(ClusterDriver):
    """Takes commands down in place of carrying them out. Its clock is the story's, which mostly stands."""

    hold_s = 0.0

    def __init__(self, n: int = 3, options: ConsoleOptions | None = None) -> None:
        super().__init__(options or ConsoleOptions(cluster=cluster(n), ours=tuple(range(n))))
        self.story = Story(n, self.own)
        self.orders: list[c.ConsoleCommand] = []
        """Everything that was ordered, without what is only looked up."""

    def enqueue(self, command: c.ConsoleCommand) -> None:
        if not isinstance(command, c.FetchPageCommand | c.LookAroundCommand):
            self.orders.append(command)

    @property
    def now(self) -> float:
        return self.story.now

    def taken(self) -> list[c.ConsoleCommand]:
        """The orders since the last call."""
        orders, self.orders = self.orders, []
        return orders
