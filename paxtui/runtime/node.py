"""The host of one core: feeds it, and treats what comes out in the order that safety demands.

Nothing here waits. Readers and clients call :meth:`Node.receive` and :meth:`Node.propose`; the one task
:meth:`Node.pump` takes the output after all inputs of a scheduler tick, so what arrives together is
proposed, written and sent together.
"""

from __future__ import annotations

import contextlib
import heapq
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Protocol

import trio

from paxtui.config import Cluster
from paxtui.core.errors import InvariantViolated
from paxtui.core.events import Event, SlotSkipped
from paxtui.core.messages import PeerMessage
from paxtui.core.output import (
    EVERYONE,
    Appended,
    Envelope,
    Fetch,
    Output,
    PutEntries,
    PutVotes,
    ReadReady,
    ReadRefused,
    Refused,
    Reply,
    Write,
)
from paxtui.core.replica import Replica, Status
from paxtui.core.values import Command
from paxtui.runtime.chatlog import ChatLog
from paxtui.runtime.errors import StorageFailed
from paxtui.runtime.faultboard import FaultBoard
from paxtui.runtime.feed import Feed
from paxtui.runtime.hub import Hub
from paxtui.runtime.journal import Journal
from paxtui.runtime.process_faults import ProcessFaults
from paxtui.runtime.recorder import Recorder
from paxtui.runtime.sender import Sender
from paxtui.runtime.storage import Storage
from paxtui.runtime.telemetry import Telemetry, faulted, slot_view, wall_clock
from paxtui.runtime.writer import Writer
from paxtui.wire.codec import encode
from paxtui.wire.faults import describe
from paxtui.wire.requests import LinkView
from paxtui.wire.telemetry import FaultBegan, FaultEnded, MessageFaulted, SlotView, Snapshot

SNAPSHOT_SLOTS = 200
"""Slots below the watermark that a snapshot shows; older ones are asked for when somebody looks."""

SOON_TURNS = 5
"""Turns of the scheduler after which an answer that was ready is with the kernel."""

FETCHES_MAX = 4
"""Pages read from disk for others at once; whoever is refused asks again."""


class Port(Protocol):
    """Where the answers to a client's requests go."""

    def answer(self, reply: Appended | Refused) -> None:
        """A request of this client ended; it may be one that another port asked."""


class Outlet(Protocol):
    """A way out with something that leaves at the end of this turn."""

    def flush(self) -> None:
        """Let it leave."""


ReadAnswer = Callable[[ReadReady | ReadRefused], None]

INLINE_ROWS_MAX = 64
INLINE_COMMIT_S_MAX = 0.001
"""A small batch is committed in place when the writer is idle and the disk was quick lately: the hop to the
writer's thread and back costs as much as the sync itself. A disk that turns slow stalls one commit; after
that all go through the thread, so heartbeats never wait for a slow disk twice."""


class Node:
    """One replica's core with its disk, its links out, its clients and its observers."""

    def __init__(
        self,
        me: int,
        cluster: Cluster,
        storage: Storage,
        chat: ChatLog,
        journal: Journal,
        rng: random.Random,
        fault_seed: int,
        *,
        faults_allowed: bool,
    ) -> None:
        self.me = me
        self.faults_allowed = faults_allowed
        self.peer_storages = storage.peers()
        self.cluster = cluster
        self.storage = storage
        self.journal = journal
        self.core: Replica | None = None
        self.counters: Counter[str] = Counter()
        self.links: dict[int, Sender] = {}
        """For each connected replica, its way out."""
        self.refusals: dict[int, str] = {}
        """By peer, why it does not take this replica in."""
        self.unflushed: dict[Outlet, None] = {}
        """Ways out with frames that leave at the end of this turn, in the order of their first frame."""
        self.process_faults = ProcessFaults(self)
        self.board = FaultBoard(me, cluster.n, fault_seed, self.process_faults.begin, self.process_faults.end)
        self.telemetry = Telemetry(self._snapshot)
        self.recorder: Recorder | None = None
        self.board.tell = self._tell_fault
        self._chat = chat
        self._rng = rng
        self.hub = Hub(self._gather, self._gathered)
        self._gathering = False
        self._due = False
        self._kicked = trio.Event()
        self._clock = trio.CancelScope()
        self._token = trio.lowlevel.current_trio_token()
        self._writer = Writer(storage, self._hop_durable, self._hop_failed)
        self._failure: BaseException | None = None
        self._durable = 0
        self._held: deque[tuple[int, tuple[Envelope, ...]]] = deque()
        self._ports: dict[str, list[Port]] = {}
        """By client, the connections that wait for its answers: one, but for a moment when it comes anew."""
        self._reads: dict[int, ReadAnswer] = {}
        self._ticket = 0
        self._fetching: set[int] = set()
        self._nursery: trio.Nursery | None = None
        self._delayed: list[tuple[float, int, int, bytes]] = []
        self._delayed_count = 0
        self._sent_to = [0] * cluster.n
        self._fates: list[MessageFaulted] = []
        """What faults did to messages, to be told after the event of their sending."""
        self._delay_wanted = trio.Event()
        self.commits = 0
        self.commit_s = 0.0
        saved = storage.saved()
        self.saved = saved
        """What the disk held at the start."""
        self.feed = Feed(storage, saved.watermark)

    # Life

    def start_core(self) -> None:
        """Begin to take part. Before this the replica is only listening."""
        self.core = Replica(
            self.me, self.cluster.n, self.cluster.settings, self._rng, self.saved, trio.current_time()
        )
        self.kick()

    async def pump(self) -> None:
        """Turn inputs into effects until cancelled or broken."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._deliver_delayed)
            nursery.start_soon(self._keep_time)
            nursery.start_soon(self.hub.run)
            while True:
                await self._kicked.wait()
                self._kicked = trio.Event()
                self._turn(trio.current_time())

    def kick(self) -> None:
        """Something was put in: take the output soon."""
        if self._gathering:
            self._due = True
        else:
            self._kicked.set()

    def _gather(self) -> None:
        """Sockets are being read: what comes of all of them is one turn."""
        self._gathering = True

    def _gathered(self) -> None:
        self._gathering = False
        if self._due:
            self._due = False
            self._turn(trio.current_time())

    async def _keep_time(self) -> None:
        """Take the turns that time alone brings. A scope whose deadline moves is cheaper than one a turn."""
        while True:
            with trio.CancelScope(deadline=self._next_due) as self._clock:
                await trio.sleep_forever()
            if trio.current_time() >= self._next_due:
                self._turn(trio.current_time())

    @property
    def _next_due(self) -> float:
        core_due = self.core.deadline if self.core is not None else float("inf")
        return min(core_due, self.board.deadline)

    def soon(self, act: Callable[[], None]) -> None:
        """Do something after what is on its way out now."""

        async def later() -> None:
            for _ in range(SOON_TURNS):
                await trio.lowlevel.checkpoint()
            act()

        if self._nursery is not None:
            self._nursery.start_soon(later)

    def _turn(self, now: float) -> None:
        if self._failure is not None:
            raise self._failure
        if now >= self.board.deadline:
            for fault in self.board.expire(now):
                self.journal.info("fault", f"its time is over: {type(fault).__struct_config__.tag}")
        if self.core is None:
            self._clock.deadline = min(self._clock.deadline, self.board.deadline)
            self._flush()
            return
        outputs: list[Output] = []
        try:
            if now >= self.core.deadline:
                self.core.wake(now)
            while True:
                output = self.core.take(now)
                outputs.append(output)
                self._let_out(output)
                self._flush()
                if not output.writes or not self._commit(output):
                    break
        except (InvariantViolated, StorageFailed) as error:
            self._failure = error
            raise
        finally:
            due = self._next_due
            if due < self._clock.deadline:
                self._clock.deadline = due
            # What only tells of it comes when everybody who waits has been served.
            for output in outputs:
                self._tell(output, now)
            if self._fates:
                self.telemetry.record(now, tuple(self._fates))
                self._fates.clear()

    def _flush(self) -> None:
        for sender in self.unflushed:
            sender.flush()
        self.unflushed.clear()

    def _commit(self, output: Output) -> bool:
        """Give the output's writes to the disk; whether they are durable already."""
        if (
            output.batch == self._durable + 1  # the writer is idle
            and self.commit_s < INLINE_COMMIT_S_MAX
            and not self.storage.faults.slow_s
            and sum(map(_rows, output.writes)) <= INLINE_ROWS_MAX
        ):
            started = time.monotonic()
            self.storage.commit([output.writes])
            self._settle_durable(output.batch, time.monotonic() - started)
            return True
        self._writer.submit(output.batch, output.writes)
        return False

    async def remember_peer(self, peer: int, storage_id: str) -> None:
        """Keep, durably, which disk a peer has, the first time that it is seen."""
        if peer not in self.peer_storages:
            self.peer_storages[peer] = storage_id
            await trio.to_thread.run_sync(self.storage.remember_peer, peer, storage_id)

    def stop(self) -> None:
        """Make durable what is decided, and end the writer. It waits for the disk, so nothing else may
        have to run any more."""
        if self.core is not None and self._failure is None:
            self.core.settle()
            output = self.core.take(trio.current_time())
            if output.writes:
                self._writer.submit(output.batch, output.writes)
            self._tell(output, trio.current_time())
        self._writer.stop()

    # Inputs

    def receive(self, sender: int, message: PeerMessage) -> None:
        """A message from another replica."""
        if self.core is None or self._failure is not None:
            self.counters["early messages"] += 1
            return
        try:
            self.core.receive(sender, message, trio.current_time())
        except InvariantViolated as error:
            # Nothing may leave any more, also not from what was decided before.
            self._failure = error
        if self._failure is not None or self.core.pending:
            self.kick()

    def lost_contact(self, peer: int) -> None:
        """The connection on which ``peer`` sent is gone."""
        if self.core is not None and self._failure is None:
            self.core.lost_contact(peer, trio.current_time())
            self.kick()

    def join(self, client: str, port: Port) -> None:
        """A client's connection: from now on its port hears what becomes of the client's requests."""
        self._ports.setdefault(client, []).append(port)

    def leave(self, client: str, port: Port) -> None:
        """The connection is gone."""
        ports = self._ports[client]
        ports.remove(port)
        if not ports:
            del self._ports[client]

    def propose(self, client: str, first: int, texts: Sequence[str]) -> None:
        """A client's requests ``first``, ``first + 1``, ...; its ports get the answers."""
        core = self.core
        now = trio.current_time()
        if core is None:
            for request in range(first, first + len(texts)):
                self._answer(Refused(client, request, "warming-up", None))
        else:
            for request, text in enumerate(texts, first):
                core.propose(Command(client, request, text), now)
        self.kick()

    def read(self, answer: ReadAnswer) -> None:
        """A linearizable read; ``answer`` is called when it may be served, or not."""
        self._ticket += 1
        if self.core is None:
            answer(ReadRefused(self._ticket, "warming-up", None))
            self.kick()
            return
        self._reads[self._ticket] = answer
        self.core.read(self._ticket, trio.current_time())
        self.kick()

    # The disk

    def _hop_durable(self, upto: int, seconds: float, batches: int) -> None:
        del batches
        try:
            self._token.run_sync_soon(self._on_durable, upto, seconds)
        except trio.RunFinishedError:
            pass  # The replica has stopped; the disk remembers what it did.

    def _hop_failed(self, error: StorageFailed) -> None:
        with contextlib.suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._on_failed, error)

    def _on_durable(self, upto: int, seconds: float) -> None:
        if self._failure is None:
            try:
                self._settle_durable(upto, seconds)
            except InvariantViolated as error:
                self._failure = error
        self.kick()

    def _settle_durable(self, upto: int, seconds: float) -> None:
        """Everything up to this batch is on disk: let go what waited for it."""
        self._durable = upto
        self.commits += 1
        self.commit_s += (seconds - self.commit_s) / min(self.commits, 10)
        while self._held and self._held[0][0] <= upto:
            self._send(self._held.popleft()[1])
        if self.core is not None:
            self.core.durable(upto, trio.current_time())

    def _on_failed(self, error: StorageFailed) -> None:
        self._failure = error
        self.kick()

    # Effects

    def _let_out(self, output: Output) -> None:
        """Hand everything to where it leaves from, in the order that safety demands; answers come first,
        because somebody waits for them."""
        if self.board.watching:
            self._pull_triggers(output.events)
        for applied in output.applied:
            self.feed.append(applied)
        for reply in output.replies:
            self._answer(reply)
        if output.sends:
            self._send(output.sends)
        if output.sends_durable:
            if output.batch <= self._durable:
                self._send(output.sends_durable)
            else:
                self._held.append((output.batch, output.sends_durable))
        for fetch in output.fetches:
            self._start_fetch(fetch)

    def _tell_fault(self, told: FaultBegan | FaultEnded) -> None:
        self.telemetry.record(trio.current_time(), (told,))
        if self.recorder is not None:
            what = str(type(told).__struct_config__.tag)
            self.recorder.fault(trio.current_time(), what, describe(self.me, told.fault))

    def _pull_triggers(self, events: tuple[Event, ...]) -> None:
        """Begin the faults that wait for one of these, before anything of this turn leaves."""
        for event in events:
            for fault in self.board.on_event(event, trio.current_time()):
                tag = type(fault).__struct_config__.tag
                self.journal.warning("fault", f"{tag} began, as {type(event).__struct_config__.tag} happened")

    def _tell(self, output: Output, now: float) -> None:
        """The message log, the log for people, and those who watch."""
        for applied in output.applied:
            self._chat.append(applied)
        if output.events:
            for event in output.events:
                self.journal.event(event)
                if isinstance(event, SlotSkipped):
                    self.board.skipped(event.slot)
            self.telemetry.record(now, output.events)
            if self.recorder is not None:
                self.recorder.take(now, output.events)

    def _answer(self, reply: Reply) -> None:
        if isinstance(reply, Appended | Refused):
            for port in self._ports.get(reply.client, ()):
                port.answer(reply)
        else:
            answer = self._reads.pop(reply.ticket, None)
            if answer is not None:
                answer(reply)

    def _start_fetch(self, fetch: Fetch) -> None:
        if len(self._fetching) < FETCHES_MAX and fetch.peer not in self._fetching and self._nursery:
            self._fetching.add(fetch.peer)
            self._nursery.start_soon(self._fetch, fetch)

    async def _fetch(self, fetch: Fetch) -> None:
        try:
            entries, _ = await trio.to_thread.run_sync(
                self.storage.read, fetch.first, fetch.slots_max, fetch.chars_max
            )
        finally:
            self._fetching.discard(fetch.peer)
        if self.core is not None:
            self.core.fetched(fetch.peer, fetch.first, tuple(entries), trio.current_time())
            self.kick()

    # Links

    def _send(self, envelopes: tuple[Envelope, ...]) -> None:
        for envelope in envelopes:
            data = encode(envelope.message)
            if envelope.to == EVERYONE:
                for peer in range(self.cluster.n):
                    if peer != self.me:
                        self._cross(peer, envelope.message, data)
            else:
                self._cross(envelope.to, envelope.message, data)

    def _cross(self, to: int, message: PeerMessage, data: bytes) -> None:
        """Let a message cross the link, as the faults on it allow."""
        copies = self.board.fate(to)
        if copies is None:
            self._push(to, data)
            return
        if self.telemetry.watched and copies != (0.0,):
            self._fates.append(faulted(to, self.board.crossed(to) - 1, message, copies))
        for delay_s in copies:
            if delay_s <= 0:
                self._push(to, data)
            else:
                self._delayed_count += 1
                due = trio.current_time() + delay_s
                heapq.heappush(self._delayed, (due, self._delayed_count, to, data))
                self._delay_wanted.set()

    def _push(self, to: int, data: bytes) -> None:
        sender = self.links.get(to)
        if sender is None or not sender.push(data):
            self.counters["unsent messages"] += 1
        else:
            self.unflushed[sender] = None
            self.counters["sent messages"] += 1
            self._sent_to[to] += 1

    async def _deliver_delayed(self) -> None:
        while True:
            due = self._delayed[0][0] if self._delayed else float("inf")
            with trio.move_on_at(due):
                await self._delay_wanted.wait()
            self._delay_wanted = trio.Event()
            now = trio.current_time()
            while self._delayed and self._delayed[0][0] <= now:
                _, _, to, data = heapq.heappop(self._delayed)
                self._push(to, data)
            self._flush()

    # Views

    @property
    def status(self) -> Status | None:
        """The core's belief, or ``None`` during warm-up."""
        return self.core.status if self.core is not None else None

    def link_views(self) -> tuple[LinkView, ...]:
        """The links to all others."""
        views: list[LinkView] = []
        for to in range(self.cluster.n):
            if to != self.me:
                sender = self.links.get(to)
                waiting = sender.waiting_bytes if sender is not None else 0
                lost = self.board.lost_to[to]
                views.append(LinkView(to, sender is not None, self._sent_to[to], lost, waiting))
        return tuple(views)

    def _snapshot(self, ask: int, number: int) -> Snapshot:
        now = trio.current_time()
        return Snapshot(
            id=ask,
            number=number,
            at_s=round(now, 4),
            wall=wall_clock(),
            status=self.status,
            slots=self._slots(),
            faults=self.board.list(now),
        )

    def _slots(self) -> tuple[SlotView, ...]:
        if self.core is None:
            return ()
        views: list[SlotView] = []
        for slot, entry in self.core.learner.recent(SNAPSHOT_SLOTS):
            views.append(slot_view(slot, entry.ballot, entry.value, "applied"))
        known, votes = self.core.learner.known, self.core.acceptor.votes
        for slot in sorted(known.keys() | votes.keys())[:SNAPSHOT_SLOTS]:
            if slot in known:
                views.append(slot_view(slot, known[slot].ballot, known[slot].value, "learned"))
            else:
                views.append(slot_view(slot, *votes[slot], "voted"))
        return tuple(views)


def _rows(write: Write) -> int:
    """About how many rows a write makes."""
    match write:
        case PutVotes(values=values):
            return len(values)
        case PutEntries(entries=entries):
            return len(entries)
        case _:
            return 1
