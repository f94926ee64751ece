"""Real replicas that a golden script of the core is played on: real disks and real sockets, and no time.

Clocks stand and every message is held from the first moment on, so nothing happens but what the script
says: a message is delivered by ``release``, time passes by ``tick``, elections, holes and faults come from an
operator's connection. :class:`SteppedCluster` has the methods of :class:`tests.core.cluster.Cluster` that
scripts use. They are called in a thread beside Trio, as a script is read in one go.

A replica that is killed dies as a machine does that loses its power: its core and what its disk has not got
are gone, while no connection says so and what it had sent is still on the way. When it comes back, its new
connections take the place of the old ones, and what was on the way in those is lost.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

import trio
from msgspec import structs

from paxtui.client.connection import Connection, answers, dial
from paxtui.config import cluster_file
from paxtui.core.settings import Settings
from paxtui.replica.event_log import EventLog
from paxtui.replica.host import Host
from paxtui.replica.log.message_log import MessageLog
from paxtui.replica.process import build_host
from paxtui.replica.sessions.peer_link import PeerLink
from paxtui.replica.sessions.server import Server
from paxtui.replica.warmup import WarmUp
from paxtui.storage.store import Store
from paxtui.storage.writer import Writer
from paxtui.wire import faults as f
from paxtui.wire.requests import (
    DoneReply,
    ElectRequest,
    FailedReply,
    FillHoleRequest,
    InjectRequest,
    ListStagedRequest,
    ReleasedReply,
    ReleaseRequest,
    StagedList,
    TickedReply,
    TickRequest,
    UndoRequest,
)
from tests.ports import free_ports

T = TypeVar("T")

LONG_S: Final = 600.0
STEPS_MAX: Final = 20_000
PATIENCE_S: Final = 30.0
POLL_S: Final = 0.0005
START_S: Final = 100.0
"""The time at which the clusters of scripts begin."""


class SteppedWriter(Writer):
    """A writer that commits one batch at a time, and only when it is told to, once it is stepped."""

    stepped = False
    grants = 0
    discarded = False

    def step(self, *, stepped: bool, grants: int = 0) -> None:
        """Commit only so many more batches from now on; or all of them, as they come."""
        with self._wanted:
            self.stepped, self.grants = stepped, grants
            self._wanted.notify()

    def discard(self) -> None:
        """End without what is not committed yet."""
        with self._wanted:
            self.discarded = True
            self._queue.clear()
        self.stop()

    def _take_queued(self) -> list[Any]:
        with self._wanted:
            while not (self._queue and (not self.stepped or self.grants > 0)):
                if self._stopping and (self.discarded or not self._queue or self.stepped):
                    return []
                self._wanted.wait()
            self.grants -= 1
            return [self._queue.pop(0)]

    @property
    def stands(self) -> bool:
        """Whether nothing is committed before it is told to go on."""
        return self.stepped and self.grants <= 0


class StagedLetter:
    """One message on its way, in the hand of its sender."""

    __slots__ = ("kind", "node", "number", "sender", "to")

    message: Any = None

    def __init__(self, sender: SteppedNode, number: int, to: int, kind: str) -> None:
        self.node = sender
        self.number = number
        self.sender = sender.me
        self.to = to
        self.kind = kind


class SteppedNode:
    """One life of one replica: its host, server, links, and the operator's connection to it."""

    def __init__(self, cluster: SteppedCluster, me: int, life: int, *, stepped: bool) -> None:
        self.me = me
        self.up = False
        self.replies: list[Any] = []
        self.operator: Connection[Any]
        self.offset_s = 0.0
        """What its clock lacks to the script's time."""
        self.received = 0
        """Messages that were delivered to it."""
        self.faults: dict[Any, int] = {}
        self._cluster = cluster
        self.everything = trio.CancelScope()
        self._core_scope = trio.CancelScope()
        config = cluster.config
        self.storage = self.open_storage()
        self.message_log = MessageLog(cluster.folders[me] / "message.log")
        self.event_log = EventLog(me, "error", as_json=False, file=cluster.lines)
        rng = random.Random(f"1/{me}/{life}")
        self.host: Host = build_host(
            me, config, self.storage, self.message_log, self.event_log, rng, 1, faults_allowed=True
        )
        self.host._writer.stop()
        self.writer = SteppedWriter(self.storage, self.host._hop_durable, self.host._hop_failed)
        self.writer.step(stepped=stepped)
        self.host._writer = self.writer
        now = trio.current_time()
        for fault in (f.Clock(0), f.Hold(-1), f.SlowDisk(1e-6)):  # no commit in place: the writer does all
            number, reason = self.host.fault_registry.inject(fault, now, LONG_S, None)
            assert reason is None
            self.faults[type(fault)] = number

    def open_storage(self) -> Store:
        """Open its disk, once nobody else has it."""
        config = self._cluster.config
        folder = self._cluster.folders[self.me]
        return Store.open(folder, cluster=config.digest, name=config.name, replica=self.me)

    @property
    def core(self) -> Any:
        return self.host.core if self.up else None

    @property
    def status(self) -> Any:
        return self.host.status

    @property
    def now(self) -> float:
        """Its clock, in the script's time."""
        return self.host.protocol_clock.now() + self.offset_s

    @property
    def idle(self) -> bool:
        """Whether nothing happens here until something arrives, or the clock or the disk is moved."""
        host = self.host
        if not self.up:
            return True
        heard = host.counters["received messages"] + host.counters["dropped messages of non-voting replicas"]
        if heard < self.received or host.core is None or host._kicked.is_set() or host._due:
            return False
        return not host._catch_up._peers and (self.writer.stands or host._gate.batch == host.core._batch)

    async def serve(self, links: Iterable[int], task_status: trio.TaskStatus[None]) -> None:
        """Run until :attr:`everything` is cancelled."""
        warm_up = WarmUp(self.me, self._cluster.config.n, "none", first_start=True)
        server = Server(self.host, warm_up, self.event_log, None, "loopback")
        address = self._cluster.config.address(self.me)
        listeners = await trio.open_tcp_listeners(address.port, host=address.host)
        with self.everything:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._pump)
                self._listening = trio.CancelScope()
                nursery.start_soon(self._listen, server, listeners, nursery)
                for peer in links:
                    link = PeerLink(self.host, peer, self.event_log, random.Random(peer), None, warm_up)
                    nursery.start_soon(link.run)
                async with dial(address, "operator", answers, name="script") as self.operator:
                    self.host.start_core()
                    self.offset_s = self._cluster.now - self.host.protocol_clock.now()
                    self.up = True
                    task_status.started()
                    await trio.sleep_forever()

    async def _pump(self) -> None:
        with self._core_scope:
            await self.host.pump()

    async def _listen(
        self, server: Server, listeners: list[trio.SocketListener], connections: trio.Nursery
    ) -> None:
        with self._listening:
            await trio.serve_listeners(server.serve_connection, listeners, handler_nursery=connections)

    async def ask(self, request: Any) -> Any:
        if not self.up:  # nobody reads there any more, and what it sent is on the way all the same
            assert isinstance(request, ReleaseRequest)
            return self.host.step_control.release(request)
        await self.operator.send(request)
        with trio.fail_after(PATIENCE_S):
            (answer,) = await self.operator.receive()
        return answer

    def crash(self) -> None:
        """Lose the core, and what is not on disk."""
        self.up = False
        self._core_scope.cancel()
        self.writer.discard()
        self.storage.close()
        self.message_log.close()


class SteppedCluster:
    """The replicas of one script. All methods but :meth:`open` and :meth:`close` are called in a thread."""

    def __init__(self, folder: Path, n: int, settings: Settings, lines: Any, nursery: trio.Nursery) -> None:
        self.config = structs.replace(cluster_file.local(n, free_ports(n), name="golden"), settings=settings)
        self.lines = lines
        self.now = START_S
        self.flight: list[StagedLetter] = []
        self.cuts: set[tuple[int, int]] = set()
        self.listener: object = None
        self.folders = {me: folder / f"r{me}-1" for me in range(n)}
        self.nodes: list[SteppedNode] = []
        self.unsent: list[str] = []
        """Messages that a script delivers, and that nothing could carry."""
        self._nursery = nursery
        self._folder = folder
        self._lives = dict.fromkeys(range(n), 0)
        self._seen: dict[int, int] = defaultdict(lambda: -1)
        self._requests: dict[str, int] = defaultdict(int)
        self._cut_numbers: dict[tuple[int, int], int] = {}

    # Life

    async def open(self) -> None:
        """Start all replicas, and wait until they hear each other."""
        for me in range(self.config.n):
            self.nodes.append(await self._started(me, stepped=False))
        await self._until(self._all_connected, "all are connected")
        await self._settle()

    async def _started(self, me: int, *, stepped: bool) -> SteppedNode:
        self._lives[me] += 1
        node = SteppedNode(self, me, self._lives[me], stepped=stepped)
        await self._nursery.start(node.serve, [peer for peer in range(self.config.n) if peer != me])
        return node

    def _all_connected(self) -> bool:
        up = {node.me for node in self.nodes if node.up}
        return all(up - {node.me} <= node.host.outbound.links.keys() for node in self.nodes if node.up)

    async def close(self) -> None:
        for node in self.nodes:
            if node.up:
                node.crash()
            node.everything.cancel()

    def __getitem__(self, me: int) -> SteppedNode:
        return self.nodes[me]

    @property
    def alive(self) -> list[SteppedNode]:
        return [node for node in self.nodes if node.up]

    def crash(self, me: int) -> None:
        self._do(self._crash, me)

    async def _crash(self, me: int) -> None:
        self.nodes[me].crash()
        self.nodes[me]._listening.cancel()

    def restart(self, me: int) -> None:
        self._do(self._restart, me)

    async def _restart(self, me: int) -> None:
        old = self.nodes[me]
        if old.up:
            await self._crash(me)
        await trio.sleep(POLL_S)
        node = await self._started(me, stepped=old.writer.stepped)
        self.nodes[me] = node
        others = [each for each in self.alive if each is not node]
        up = {each.me for each in others}
        await self._until(lambda: up <= node.host.outbound.links.keys(), "it has dialled the others")
        before = {each.me: each.host.outbound.links.get(me) for each in others}
        old.everything.cancel()
        await self._until(
            lambda: all(each.host.outbound.links.get(me) not in (None, before[each.me]) for each in others),
            "the others have dialled it",
        )
        self.flight = [letter for letter in self.flight if letter.node is not old]
        await self._settle()

    def lose_disk(self, me: int, reason: str) -> None:
        self.crash(me)
        self.folders[me] = self._folder / f"r{me}-{self._lives[me] + 1}"
        digest, name = self.config.digest, self.config.name
        storage = Store.open(self.folders[me], cluster=digest, name=name, replica=me)
        storage.become_learner(reason)
        storage.close()
        self.restart(me)

    def deny(self, me: int, reason: str) -> None:
        self._do(self._deny, me, reason)

    async def _deny(self, me: int, reason: str) -> None:
        before = [letter for letter in self.flight if letter.node is not self.nodes[me]]
        self.nodes[me].host.become_learner(reason)
        self.flight = before
        await self._until(lambda: not self.nodes[me].host.outbound.links, "it has hung up")
        await self._until(self._all_connected, "all are connected again")
        await self._settle()

    # The disk

    def hold(self, *who: int) -> None:
        for me in who:
            self.nodes[me].writer.step(stepped=True)

    def release(self, *who: int) -> None:
        for me in who or range(self.config.n):
            if self.nodes[me].up:
                self.nodes[me].writer.step(stepped=False)
        self._do(self._settle)

    def persist(self, me: int, batches: int | None = None) -> None:
        self._do(self._persist, me, batches)

    async def _persist(self, me: int, batches: int | None) -> None:
        node = self.nodes[me]
        before = node.host._gate.batch
        assert node.host.core is not None
        waiting = node.host.core._batch - before
        count = waiting if batches is None else min(batches, waiting)
        if count:
            node.writer.step(stepped=True, grants=count)
            await self._until(lambda: node.host._gate.batch >= before + count, "it is on the disk")
        await self._settle()

    # Inputs

    def say(self, me: int, client: str, text: str, request: int | None = None) -> None:
        if request is None:
            request = self._requests[client] + 1
        self._requests[client] = max(request, self._requests[client])
        session = f"{client}@0" if "@" not in client else client
        self._act(self.nodes[me].host.propose, session, request, [text])

    def read(self, me: int, ticket: int) -> None:
        self._act(self.nodes[me].host.read, lambda answer: None)

    def elect(self, me: int) -> str | None:
        return self._ordered(me, ElectRequest(1))

    def fill(self, me: int, slot: int) -> str | None:
        return self._ordered(me, FillHoleRequest(1, slot))

    def skip(self, me: int, slot: int | None = None) -> str | None:
        return self._ordered(me, InjectRequest(id=1, fault=f.SkipSlot(slot)))

    def crash_proposer(self, me: int) -> None:
        assert self._ordered(me, InjectRequest(id=1, fault=f.CrashProposer())) is None

    def restore_proposer(self, me: int) -> None:
        number = self.nodes[me].faults.pop(f.CrashProposer)
        assert self._ordered(me, UndoRequest(1, number)) is None

    def checkpoint(self, me: int, wall_s: int) -> str | None:
        return self._act(self.nodes[me].host.control.checkpoint, wall_s)

    def trim(self, me: int, upto: int) -> str | None:
        return self._act(self.nodes[me].host.control.trim, upto)

    def _act(self, act: Callable[..., T], *arguments: Any) -> T:
        async def run() -> T:
            await self._catch_up_clocks()
            result = act(*arguments)
            await self._settle()
            return result

        return self._do(run)

    def _ordered(self, me: int, request: Any) -> str | None:
        async def run() -> str | None:
            await self._catch_up_clocks()
            answer = await self.nodes[me].ask(request)
            await self._settle()
            if isinstance(answer, FailedReply):
                return answer.reason
            assert isinstance(answer, DoneReply)
            if isinstance(request, InjectRequest) and answer.number is not None:
                self.nodes[me].faults[type(request.fault)] = answer.number
            return None

        return self._do(run)

    # The network

    def flying(
        self, kind: str | None = None, sender: int | None = None, to: int | None = None
    ) -> list[StagedLetter]:
        return [
            letter
            for letter in self.flight
            if kind in (None, letter.kind) and sender in (None, letter.sender) and to in (None, letter.to)
        ]

    def put_in(self, letters: Iterable[StagedLetter]) -> None:
        """Deliver these; twice, if another copy is in flight."""
        for letter in letters:
            self._do(self._deliver, letter)

    async def _deliver(self, letter: StagedLetter) -> None:
        receiver = self.nodes[letter.to]
        twice = letter in self.flight
        if twice:
            self.flight.remove(letter)
        lost = not receiver.up or (letter.sender, letter.to) in self.cuts
        if not lost:
            await self._catch_up_clocks()
        staged = [held for held in letter.node.host.outbound.staged if held.number == letter.number]
        how: Any = "drop" if lost else "double" if twice else "deliver"
        answer = await letter.node.ask(ReleaseRequest(id=1, numbers=(letter.number,), how=how))
        assert isinstance(answer, ReleasedReply), answer
        if not lost and answer.unsent:
            self.unsent.append(f"{letter.sender}>{letter.to} {letter.kind}")
        elif not lost:
            receiver.received += staged[0].copies * (2 if twice else 1)
            await self._settle()

    def drop(self, kind: str | None = None, sender: int | None = None, to: int | None = None) -> int:
        letters = self.flying(kind, sender, to)
        self._do(self._drop, letters)
        return len(letters)

    async def _drop(self, letters: list[StagedLetter]) -> None:
        for letter in dict.fromkeys(letters):
            await letter.node.ask(ReleaseRequest(id=1, numbers=(letter.number,), how="drop"))
        self.flight = [letter for letter in self.flight if letter not in letters]

    def stabilize(self) -> None:
        self._do(self._stabilize)

    async def _stabilize(self) -> None:
        for _ in range(STEPS_MAX):
            if self.flight:
                await self._deliver(self.flight.pop(0))
                continue
            behind = [n for n in self.alive if n.writer.stands and n.host._gate.batch < n.host.core._batch]  # type: ignore[union-attr]
            if not behind:
                return
            for node in behind:
                await self._persist(node.me, None)
        raise AssertionError("the cluster never comes to rest")

    def cut(self, *links: tuple[int, int]) -> None:
        self._do(self._cut, links)

    async def _cut(self, links: Iterable[tuple[int, int]]) -> None:
        self.cuts.update(links)
        await self._drop([letter for letter in self.flight if (letter.sender, letter.to) in self.cuts])

    def isolate(self, *group: int) -> None:
        others = set(range(self.config.n)) - set(group)
        self.cut(*((a, b) for a in group for b in others), *((b, a) for a in group for b in others))

    def heal(self) -> None:
        self.cuts.clear()

    # Time

    async def _catch_up_clocks(self) -> None:
        """Move the clocks that are behind to the script's time, as far as no timer is on the way."""
        for node in self.alive:
            assert node.host.core is not None
            left_s = min(self.now, node.host.core.deadline + node.offset_s) - node.now
            if left_s > 1e-9 and self.now < node.host.core.deadline + node.offset_s:
                await self._tick(node, left_s * 1000)

    async def _tick(self, node: SteppedNode, ms: float | None) -> TickedReply:
        answer = await node.ask(TickRequest(1, ms))
        assert isinstance(answer, TickedReply), answer
        return answer

    def pre_vote(self, me: int) -> None:
        """Its election timeout passes."""

        async def run() -> None:
            fired = None
            for _ in range(STEPS_MAX):
                fired = (await self._tick(self.nodes[me], None)).fired
                await self._settle()
                if fired == "election":
                    break
            self.now = max(self.now, self.nodes[me].now)

        self._do(run)

    def tick(self, seconds: float, *, deliver: bool = False) -> None:
        self._do(self._pass, seconds, deliver)

    def run(self, seconds: float) -> None:
        self.tick(seconds, deliver=True)

    async def _pass(self, seconds: float, deliver: bool) -> None:
        end = self.now + seconds
        if deliver:
            await self._stabilize()
        for _ in range(STEPS_MAX):
            due = min((node.host.core.deadline + node.offset_s for node in self.alive), default=end)  # type: ignore[union-attr]
            if due > end:
                self.now = end
                await self._catch_up_clocks()
                return
            self.now = max(self.now, due)
            for node in self.alive:
                if node.host.core.deadline + node.offset_s <= self.now + 1e-9:  # type: ignore[union-attr]
                    await self._tick(node, None)
                    await self._settle()
            if deliver:
                await self._stabilize()
        raise AssertionError("time does not pass")

    def lead(self, me: int) -> None:
        assert self.elect(me) is None
        self.stabilize()
        # Its first heartbeat was due at once, and is among what was delivered.
        assert self.nodes[me].status.role == "leader"

    # Rest

    async def _settle(self) -> None:
        """Wait until nothing moves; take what was sent meanwhile into flight, and lose what is cut."""
        await self._until(lambda: all(node.idle for node in self.nodes), "all are at rest")
        lost: list[StagedLetter] = []
        for node in self.alive:
            key = id(node)
            if len(node.host.outbound.staged) == 0:
                continue
            listed = await node.ask(ListStagedRequest(1, self._seen[key] + 1))
            assert isinstance(listed, StagedList)
            for each in listed.messages:
                self._seen[key] = each.number
                letter = StagedLetter(node, each.number, each.to, each.kind)
                (lost if (node.me, each.to) in self.cuts else self.flight).append(letter)
        await self._drop(lost)

    async def _until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = trio.current_time() + PATIENCE_S
        while not condition():
            assert trio.current_time() < deadline, f"after {PATIENCE_S:g} s still not: {what}"
            await trio.sleep(POLL_S)

    def _do(self, act: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        return trio.from_thread.run(act, *arguments)
