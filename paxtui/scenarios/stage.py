"""Everything that a step can reach: processes, beliefs, clients, faults, and names of replicas."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

import trio

from paxtui.client.cluster import LocalCluster
from paxtui.core.ballot import majority
from paxtui.scenarios.beliefs import Beliefs
from paxtui.scenarios.condition_words import TIMEOUT_S, AnyCondition, LeaderCondition
from paxtui.scenarios.conditions import Check, ConditionResult, Observation, checker, leader_of, serving
from paxtui.scenarios.faults import InjectedFaults
from paxtui.scenarios.history import History
from paxtui.scenarios.load import AppendLoad
from paxtui.words.replicas import Replicas

NEED_A_LEADER = frozenset(
    {"leader", "follower", "followers", "leader-minority", "leader-majority", "follower-minority"}
)


class ScenarioFailed(Exception):
    """The scenario did not go as it must; the message says what was missing."""


class Stage:
    """The state of one run."""

    def __init__(
        self,
        cluster: LocalCluster,
        nursery: trio.Nursery,
        rng: random.Random,
        fail: Callable[[str], None],
    ) -> None:
        self.cluster = cluster
        self.n = cluster.cluster.n
        self.heartbeat_s = cluster.cluster.settings.heartbeat_s
        self.rng = rng
        self.beliefs = Beliefs(cluster.cluster)
        self.history = History()
        self.faults = InjectedFaults(cluster.operator, cluster.alive)
        self.loads: list[AppendLoad] = []
        self.clients = 0
        self.picked: dict[str, tuple[int, ...]] = {}
        self.paused: set[int] = set()
        self.condemned: set[int] = set()
        """Replicas whose process may end: a scenario that kills is no surprise."""
        self._leader = 0
        self._nursery = nursery
        self._fail = fail
        for replica in range(self.n):
            nursery.start_soon(self.beliefs.watch, replica)

    # Processes

    async def start(self, replicas: Iterable[int], timeout_s: float = TIMEOUT_S) -> ConditionResult:
        """Start processes, wait until they serve, and inject again what acts on their links."""
        started = tuple(replicas)
        since = trio.current_time()
        for replica in started:
            await self.cluster.start(replica)
            self.condemned.discard(replica)
            self._nursery.start_soon(self._guard, replica)
        found = await self.wait(lambda look: serving(look, started), timeout_s, "they serve", since)
        async with trio.open_nursery() as nursery:
            for replica in started:
                nursery.start_soon(self.faults.restarted, replica)
        return found

    async def _guard(self, replica: int) -> None:
        """End the run when a process ends unasked."""
        code = await self.cluster.ended(replica)
        self.faults.ended(replica)
        self.paused.discard(replica)
        if replica not in self.condemned:
            self._fail(
                f"r{replica} ended by itself with exit code {code}: {self.cluster.last_words(replica)}"
            )

    async def kill(self, replicas: Iterable[int]) -> None:
        """SIGKILL all of them at the same time."""
        async with trio.open_nursery() as nursery:
            for replica in replicas:
                self.condemned.add(replica)
                if self.cluster.alive(replica):
                    nursery.start_soon(self.cluster.kill, replica)

    def play(self, load: AppendLoad) -> None:
        """Start the clients of a load."""
        self.loads.append(load)
        self._nursery.start_soon(load.run)

    @property
    def live(self) -> tuple[int, ...]:
        """Return the replicas whose process runs and is not paused."""
        return tuple(r for r in range(self.n) if self.cluster.alive(r) and r not in self.paused)

    # Looking

    def look(self, since: float, base: int = 0) -> Observation:
        """Collect the beliefs that were asked for after ``since``."""
        fresh = (self.beliefs[replica] for replica in range(self.n))
        appends = self.history.appends
        waiting = self.history.waiting
        return Observation(
            at=trio.current_time(),
            statuses=tuple(each.status if each.asked_at >= since else None for each in fresh),
            live=frozenset(self.live),
            running=frozenset(r for r in range(self.n) if self.cluster.alive(r)),
            acknowledged=self.history.acknowledged - base,
            total=self.history.acknowledged,
            waiting=waiting,
            loads=sum(not load.done.is_set() and not load.endless for load in self.loads),
            failed=sum(each.outcome == "failed" for each in appends),
            unknown=sum(each.outcome == "unknown" for each in appends) - waiting,
            ballots=frozenset(each.ballot for each in appends if each.ballot is not None),
        )

    async def wait(
        self, check: Check, timeout_s: float, what: str, since: float | None = None
    ) -> ConditionResult:
        """Wait until ``check`` holds on fresh beliefs. Raises :class:`ScenarioFailed` if it does not."""
        since = trio.current_time() if since is None else since
        base = self.history.acknowledged
        found = ConditionResult(False, "")
        with trio.move_on_after(timeout_s):
            while True:
                found = check(self.look(since, base))
                if found.holds:
                    return found
                await self.beliefs.changed()
        raise ScenarioFailed(f"after {timeout_s:g} s still not: {what}; {found.words}")

    async def wait_for(self, condition: AnyCondition, timeout_s: float, what: str) -> ConditionResult:
        """Wait for a condition of the vocabulary."""
        return await self.wait(await self.checker(condition), timeout_s, what)

    async def expect(self, condition: AnyCondition, what: str) -> ConditionResult:
        """Look once, after every live replica was heard, and insist."""
        check = await self.checker(condition)
        since = trio.current_time()
        live = self.live
        await self.wait(lambda look: serving(look, live), TIMEOUT_S, "all live replicas answer", since)
        found = check(self.look(since))
        if not found.holds:
            raise ScenarioFailed(f"expected: {what}; but {found.words}")
        return found

    # Names

    async def checker(self, condition: AnyCondition) -> Check:
        """Make the check of a condition, with its symbols resolved now."""
        named = getattr(condition, "replica", getattr(condition, "replicas", "live"))
        await self._until_led(named)
        return checker(condition, self._resolve, self.heartbeat_s)

    async def resolve(self, who: Replicas) -> tuple[int, ...]:
        """Resolve words to replicas; wait for a leader if they depend on it."""
        await self._until_led(who)
        return self._resolve(who)

    async def resolve_one(self, who: Replicas) -> int:
        """Resolve words that must name one replica."""
        found = await self.resolve(who)
        if len(found) != 1:
            raise ScenarioFailed(f"{who} names {len(found)} replicas where one is needed")
        return found[0]

    async def _until_led(self, who: Replicas) -> None:
        words = who if isinstance(who, list) else [who]
        if any(word in NEED_A_LEADER for word in words):
            since = trio.current_time()
            await self.wait_for(LeaderCondition(), TIMEOUT_S, "a leader, to know who is meant")
            leader = leader_of(self.look(since))
            self._leader = leader if leader is not None else 0

    def _resolve(self, who: Replicas) -> tuple[int, ...]:
        if isinstance(who, list):
            return tuple(dict.fromkeys(replica for each in who for replica in self._resolve(each)))
        if isinstance(who, int):
            return (who,)
        if who in self.picked:
            return self.picked[who]
        f = self.n - majority(self.n)
        followers = tuple(replica for replica in self.live if replica != self._leader)
        roles = [status.role if status is not None else "" for status in self.look(float("-inf")).statuses]
        meanings: dict[str, Callable[[], tuple[int, ...]]] = {
            "leader": lambda: (self._leader,),
            "follower": lambda: followers[:1],
            "followers": lambda: followers,
            "all": lambda: tuple(range(self.n)),
            "live": lambda: self.live,
            "dead": lambda: tuple(r for r in range(self.n) if not self.cluster.alive(r)),
            "paused": lambda: tuple(sorted(self.paused)),
            "crashed": lambda: tuple(r for r, role in enumerate(roles) if role == "crashed"),
            "leader-minority": lambda: (self._leader, *followers)[:f],
            "leader-majority": lambda: (self._leader, *followers)[: f + 1],
            "follower-minority": lambda: followers[:f],
            "random-minority": lambda: tuple(sorted(self.rng.sample(range(self.n), f))),
        }
        return meanings[who]()
