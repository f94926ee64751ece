"""The host of one core: feeds it, and treats what comes out in the order that safety demands.

Nothing here waits. Readers and clients call :meth:`Host.receive` and :meth:`Host.propose`; the one task
:meth:`Host.pump` takes the output after all inputs of a scheduler tick, so what arrives together is
proposed, written and sent together.
"""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence

import trio

from paxtui.config.cluster_file import Cluster
from paxtui.core.durability_gate import DurabilityGate
from paxtui.core.errors import InvariantViolated
from paxtui.core.messages import CatchUp, Entries, PeerMessage
from paxtui.core.messages import Snapshot as State
from paxtui.core.output import (
    Envelope,
    Installed,
    Output,
    PutEntries,
    PutVotes,
    ReadRefused,
    Refused,
    Write,
)
from paxtui.core.replica import Replica, Status
from paxtui.core.values import Command, Entry
from paxtui.replica.core_control import CoreControl
from paxtui.replica.disk_watch import DiskWatch
from paxtui.replica.event_log import EventLog
from paxtui.replica.faults.registry import FaultRegistry
from paxtui.replica.log.applied_log import AppliedLog
from paxtui.replica.log.catch_up import CatchUpReader
from paxtui.replica.log.log_repair import LogRepair
from paxtui.replica.log.message_log import MessageLog
from paxtui.replica.observability.history import EventHistory, Sample
from paxtui.replica.observability.telemetry import Telemetry, snapshot
from paxtui.replica.observability.trace_output import TraceOutput
from paxtui.replica.pending_requests import PendingRequests, ReadAnswer
from paxtui.replica.protocol_clock import ProtocolClock
from paxtui.replica.step_control import StepControl
from paxtui.replica.transport.outbound import OutboundLink, OutboundLinks
from paxtui.replica.transport.read_loop import ReadLoop
from paxtui.replica.voting_rights import VotingRights
from paxtui.storage.errors import StorageFailed
from paxtui.storage.store import Store
from paxtui.storage.writer import Writer
from paxtui.wire.requests import StatusReport

SOON_TURNS = 5
"""Turns of the scheduler after which an answer that was ready is with the kernel."""


INLINE_ROWS_MAX = 64
INLINE_COMMIT_S_MAX = 0.001
"""A small batch is committed in place when the writer is idle and the disk was quick lately: the hop to the
writer's thread and back costs as much as the sync itself. A disk that turns slow stalls one commit; after
that all go through the thread, so heartbeats never wait for a slow disk twice."""


class Host:
    """One replica's core with its disk, its links out, its clients and its observers."""

    def __init__(
        self,
        me: int,
        cluster: Cluster,
        storage: Store,
        message_log: MessageLog,
        event_log: EventLog,
        fault_registry: FaultRegistry,
        rng: random.Random,
        *,
        faults_allowed: bool,
    ) -> None:
        self.me = me
        self.faults_allowed = faults_allowed
        self.voting_rights = VotingRights(storage)
        self.cluster = cluster
        self.storage = storage
        self.event_log = event_log
        self.core: Replica | None = None
        self.protocol_clock = ProtocolClock()
        """What the core is told of time; all else here is on real time."""
        self.counters: Counter[str] = Counter()
        self.fault_registry = fault_registry
        self.outbound = OutboundLinks(me, cluster.n, fault_registry, self.counters)
        self.control = CoreControl(self)
        faults = fault_registry.active_faults
        self.telemetry = Telemetry(
            lambda ask, number: snapshot(self.core, faults, ask, number),
            lambda: self.core is not None and self.core.untold,
        )
        self.history = EventHistory(me, self._sample)
        self.trace = TraceOutput(
            me, message_log, event_log, fault_registry, self.telemetry, self.history, self.counters
        )
        self.step_control = StepControl(self)
        self.protocol_clock.on_change = self.trace.record_clock
        self._rng = rng
        self.read_loop = ReadLoop(self._begin_read, self._end_read)
        self._gathering = False
        self._due = False
        self._kicked = trio.Event()
        self._clock = trio.CancelScope()
        self._token = trio.lowlevel.current_trio_token()
        self._writer = Writer(storage, self._hop_durable, self._hop_failed)
        self._failure: BaseException | None = None
        self._gate = DurabilityGate()
        self.pending_requests = PendingRequests()
        self._nursery: trio.Nursery | None = None
        self.commits = 0
        self.commit_s = 0.0
        saved = storage.saved()
        self.saved = saved
        """What the disk held at the start."""
        self.log_repair = LogRepair(storage, event_log, lambda: self.outbound.links, self._ask_for_slot)
        self._catch_up = CatchUpReader(
            storage, self.log_repair, event_log, self._on_page, self._on_state_page
        )
        self.applied_log = AppliedLog(storage, saved.watermark, self.log_repair.wait_until_mended)

    # Life

    def start_core(self) -> None:
        """Begin to take part. Before this the replica is only listening. Raises ``SlotDamaged`` if the disk
        lacks something that must be mended first."""
        now = self.protocol_clock.now()
        self.core = Replica(self.me, self.cluster.n, self.cluster.settings, self._rng, self.saved, now)
        self.kick()

    async def pump(self) -> None:
        """Turn inputs into effects until cancelled or broken."""
        disk_watch = DiskWatch(self.storage, self.outbound, self.voting_rights, lambda: self.non_voting)
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self.outbound.deliver_delayed)
            nursery.start_soon(self.outbound.deliver_patient)
            nursery.start_soon(self._take_timed_turns)
            nursery.start_soon(self.read_loop.run)
            nursery.start_soon(self.log_repair.run)
            nursery.start_soon(disk_watch.run)
            while True:
                await self._kicked.wait()
                self._kicked = trio.Event()
                self._turn(trio.current_time())

    def kick(self) -> None:
        """Take the core's output soon, as something was put in."""
        if self._gathering:
            self._due = True
        else:
            self._kicked.set()

    def _begin_read(self) -> None:
        """Hold the turn back while sockets are read: what comes of all of them is one turn."""
        self._gathering = True

    def _end_read(self) -> None:
        self._gathering = False
        if self._due:
            self._due = False
            self._turn(trio.current_time())

    async def _take_timed_turns(self) -> None:
        """Take the turns that time alone brings. A scope whose deadline moves is cheaper than one a turn."""
        while True:
            with trio.CancelScope(deadline=self._next_due) as self._clock:
                await trio.sleep_forever()
            if trio.current_time() >= self._next_due:
                self._turn(trio.current_time())

    @property
    def _next_due(self) -> float:
        core_due = self.protocol_clock.real(self.core.deadline) if self.core is not None else float("inf")
        return min(core_due, self.fault_registry.deadline)

    def run_soon(self, act: Callable[[], None]) -> None:
        """Do something after what is on its way out now."""

        async def later() -> None:
            for _ in range(SOON_TURNS):
                await trio.lowlevel.checkpoint()
            act()

        if self._nursery is not None:
            self._nursery.start_soon(later)

    def _turn(self, real: float) -> None:
        if self._failure is not None:
            raise self._failure
        if real >= self.fault_registry.deadline:
            for fault in self.fault_registry.expire(real):
                self.event_log.info("fault", f"its time is over: {type(fault).__struct_config__.tag}")
        if self.core is None:
            self._clock.deadline = min(self._clock.deadline, self.fault_registry.deadline)
            self.outbound.flush()
            return
        outputs: list[Output] = []
        now = self.protocol_clock.now()
        try:
            if now >= self.core.deadline:
                self.core.wake(now)
            while True:
                output = self.core.take(now)
                outputs.append(output)
                self._let_out(output)
                self.outbound.flush()
                if not output.writes or not self._commit(output):
                    break
                self.outbound.flush()
                if not self.core.pending:
                    break
        except (InvariantViolated, StorageFailed) as error:
            self._failure = error
            raise
        finally:
            due = self._next_due
            if due < self._clock.deadline:
                self._clock.deadline = due
            # Logs and telemetry come after the clients that wait have been served.
            for output in outputs:
                self.trace.publish(output, real)
            self.trace.publish_faulted(self.outbound.faulted, real)

    def _commit(self, output: Output) -> bool:
        """Give the output's writes to the disk; return whether they are durable already."""
        if (
            output.batch == self._gate.batch + 1  # the writer is idle
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

    def stop(self) -> None:
        """Make durable what is decided, and end the writer. It waits for the disk, so nothing else may
        have to run any more."""
        if self.core is not None and self._failure is None:
            self.core.write_watermark()
            output = self.core.take(self.protocol_clock.now())
            if output.writes:
                self._writer.submit(output.batch, output.writes)
            self.trace.publish(output, trio.current_time())
        self._writer.stop()
        with contextlib.suppress(StorageFailed):  # why the replica stops, if so, is told already
            self.voting_rights.save_now()

    # Inputs

    def receive(self, sender: int, message: PeerMessage) -> None:
        """Give a message from another replica to the core, or to the repair of the log."""
        if isinstance(message, Entries) and self.log_repair.take_entries(sender, message):
            return
        if self.core is None or self._failure is not None:
            self.counters["early messages"] += 1
            return
        try:
            self.core.receive(sender, message, self.protocol_clock.now())
        except InvariantViolated as error:
            # Nothing may leave any more, also not from what was decided before.
            self._failure = error
        if self._failure is not None or self.core.pending:
            self.kick()

    @property
    def failed(self) -> bool:
        """Return whether the disk has failed or a rule is broken, so that nothing may leave any more."""
        return self._failure is not None

    @property
    def non_voting(self) -> str | None:
        """Return the reason why this replica is a learner without vote, if it is."""
        return self.storage.non_voting if self.core is None else self.core.non_voting

    def become_learner(self, reason: str) -> None:
        """Be a learner without vote from here on. Nothing that was decided before leaves any more, and the
        others hear of it with the next hello. Raises ``StorageFailed``."""
        if self.non_voting is not None or self._failure is not None:
            return
        self._gate.discard()
        self.outbound.drop_all()
        if self.core is None:
            self.storage.become_learner(reason)
            self.saved = self.storage.saved()
        else:
            self.core.become_learner(reason, self.protocol_clock.now())
            self.kick()

    def lost_contact(self, peer: int) -> None:
        """Tell the core that the connection on which ``peer`` sent is gone."""
        if self.core is not None and self._failure is None:
            self.core.lost_contact(peer, self.protocol_clock.now())
            self.kick()

    def propose(self, client: str, first: int, texts: Sequence[str]) -> None:
        """Propose a client's requests ``first``, ``first + 1``, ...; its ports get the answers."""
        core = self.core
        now = self.protocol_clock.now()
        if core is None:
            for request in range(first, first + len(texts)):
                self.pending_requests.deliver(Refused(client, request, "warming-up", None))
        else:
            for request, text in enumerate(texts, first):
                core.propose(Command(client, request, text), now)
        self.kick()

    def read(self, answer: ReadAnswer) -> None:
        """Start a linearizable read; ``answer`` is called when it may be served, or not."""
        ticket = self.pending_requests.open_read(answer)
        if self.core is None:
            self.pending_requests.deliver(ReadRefused(ticket, "warming-up", None))
        else:
            self.core.read(ticket, self.protocol_clock.now())
        self.kick()

    def flush_later(self, link: OutboundLink) -> None:
        """Flush ``link`` at the end of this turn, after those that were named before it."""
        self.outbound.unflushed[link] = None

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
        """Let go what waited for this batch, which is on disk now."""
        self.commits += 1
        self.commit_s += (seconds - self.commit_s) / min(self.commits, 10)
        if sends := self._gate.durable(upto):
            self.outbound.send(sends, watched=self.telemetry.watched)
        if self.core is not None:
            self.core.durable(upto, self.protocol_clock.now())

    def _on_failed(self, error: StorageFailed) -> None:
        self._failure = error
        self.kick()

    # Effects

    def _let_out(self, output: Output) -> None:
        """Hand everything to where it leaves from, in the order that safety demands; answers come first,
        because clients wait for them."""
        self.trace.trigger_faults(output.events)
        for applied in output.applied:
            if isinstance(applied, Installed):
                self.applied_log.install(applied.upto)
            else:
                self.applied_log.append(applied)
        for reply in output.replies:
            self.pending_requests.deliver(reply)
        if sends := self._gate.admit(output):
            self.outbound.send(sends, watched=self.telemetry.watched)
        for fetch in output.fetches:
            self._catch_up.start(fetch, self._nursery)

    def _on_page(self, peer: int, first: int, entries: tuple[Entry, ...]) -> None:
        if self.core is not None:
            self.core.fetched(peer, first, entries, self.protocol_clock.now())
            self.kick()

    def _on_state_page(self, peer: int, page: State) -> None:
        if self.core is not None:
            self.core.fetched_state(peer, page, self.protocol_clock.now())
            self.kick()

    def _ask_for_slot(self, peer: int, slot: int) -> None:
        self.outbound.send((Envelope(peer, CatchUp(slot)),), watched=self.telemetry.watched)
        self.outbound.flush()

    # Views

    @property
    def status(self) -> Status | None:
        """Return the core's belief, or ``None`` during warm-up."""
        return self.core.status if self.core is not None else None

    def _sample(self) -> Sample:
        return Sample(self.counters["sent messages"], self.commits, round(self.commit_s * 1000, 3))

    def report(self, ask: int) -> StatusReport:
        """Return the status as far as the host knows it; the server adds who is connected."""
        active = self.fault_registry.active_faults(trio.current_time())
        return StatusReport(
            id=ask,
            status=self.status,
            waiting_for=(),
            connected=(),
            pid=os.getpid(),
            uptime_s=0.0,
            faults=len(self.fault_registry),
            faults_allowed=self.faults_allowed,
            storage=self.storage.storage_id,
            commits=self.commits,
            fsync_ms=round(self.commit_s * 1000, 3),
            counters=dict(sorted(self.counters.items())) | {"lost by faults": self.fault_registry.lost},
            clients=0,
            links=self.outbound.link_views(),
            active=active,
            refused_by=tuple(sorted(self.outbound.refused_by.items())),
            non_voting_peers=tuple(sorted(self.voting_rights.non_voting.items())),
            clock=self.protocol_clock.rate,
            staged=len(self.outbound.staged),
        )


def _rows(write: Write) -> int:
    """Return about how many rows a write makes."""
    match write:
        case PutVotes(values=values):
            return len(values)
        case PutEntries(entries=entries):
            return len(entries)
        case _:
            return 1
