"""The host of one core: feeds it, and treats what comes out in the order that safety demands.

Nothing here waits. Readers and clients call :meth:`Host.receive` and :meth:`Host.propose`; the one task
:meth:`Host.pump` takes the output after all inputs of a scheduler tick, so what arrives together is
proposed, written and sent together.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence

import trio

from paxtui.config.cluster_file import Cluster
from paxtui.core.durability_gate import DurabilityGate
from paxtui.core.errors import InvariantViolated
from paxtui.core.events import Event, MessageDropped, SlotSkipped
from paxtui.core.messages import CatchUp, Entries, PeerMessage
from paxtui.core.messages import Snapshot as State
from paxtui.core.output import (
    Applied,
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
from paxtui.replica.event_log import EventLog
from paxtui.replica.faults.process_faults import ProcessFaults
from paxtui.replica.faults.registry import FaultRegistry
from paxtui.replica.log.applied_log import AppliedLog
from paxtui.replica.log.catch_up import CatchUpReader
from paxtui.replica.log.compaction import Compaction
from paxtui.replica.log.log_repair import LogRepair
from paxtui.replica.log.message_log import MessageLog
from paxtui.replica.observability.recorder import Recorder
from paxtui.replica.observability.telemetry import Telemetry, recent_slots, wall_clock
from paxtui.replica.pending_requests import PendingRequests, ReadAnswer
from paxtui.replica.transport.outbound import OutboundLinks
from paxtui.replica.transport.read_loop import ReadLoop
from paxtui.replica.voting_rights import KEEP_S, TELL_S, VotingRights
from paxtui.storage.errors import StorageFailed
from paxtui.storage.store import Store
from paxtui.storage.writer import Writer
from paxtui.wire.codec import encode
from paxtui.wire.faults import describe
from paxtui.wire.hello import DiskProgress
from paxtui.wire.telemetry import FaultBegan, FaultEnded, TelemetrySnapshot

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
        chat: MessageLog,
        journal: EventLog,
        rng: random.Random,
        fault_seed: int,
        *,
        faults_allowed: bool,
    ) -> None:
        self.me = me
        self.faults_allowed = faults_allowed
        self.standing = VotingRights(storage)
        self.cluster = cluster
        self.storage = storage
        self.journal = journal
        self.core: Replica | None = None
        self.counters: Counter[str] = Counter()
        self.refusals: dict[int, str] = {}
        """By peer, why it does not take this replica in."""
        self.process_faults = ProcessFaults(self)
        self.board = FaultRegistry(
            me, cluster.n, fault_seed, self.process_faults.begin, self.process_faults.end
        )
        self.out = OutboundLinks(me, cluster.n, self.board, self.counters)
        self.telemetry = Telemetry(self._snapshot)
        self.recorder: Recorder | None = None
        self.board.tell = self._tell_fault
        self._chat = chat
        self._rng = rng
        self.hub = ReadLoop(self._gather, self._gathered)
        self._gathering = False
        self._due = False
        self._kicked = trio.Event()
        self._clock = trio.CancelScope()
        self._token = trio.lowlevel.current_trio_token()
        self._writer = Writer(storage, self._hop_durable, self._hop_failed)
        self._failure: BaseException | None = None
        self._gate = DurabilityGate()
        self.desk = PendingRequests()
        self._nursery: trio.Nursery | None = None
        self.commits = 0
        self.commit_s = 0.0
        saved = storage.saved()
        self.saved = saved
        """What the disk held at the start."""
        self.mender = LogRepair(storage, journal, lambda: self.out.links, self._ask_for)
        self._fetching = CatchUpReader(storage, self.mender, journal, self._fetched, self._fetched_state)
        self.feed = AppliedLog(storage, saved.watermark, self.mender.mended)

    # Life

    def start_core(self) -> None:
        """Begin to take part. Before this the replica is only listening. Raises ``SlotDamaged`` if the disk
        lacks something that must be mended first."""
        self.core = Replica(
            self.me, self.cluster.n, self.cluster.settings, self._rng, self.saved, trio.current_time()
        )
        self.kick()

    async def pump(self) -> None:
        """Turn inputs into effects until cancelled or broken."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self.out.deliver_delayed)
            nursery.start_soon(self.out.deliver_patient)
            nursery.start_soon(self._keep_time)
            nursery.start_soon(self.hub.run)
            nursery.start_soon(self.mender.run)
            nursery.start_soon(self._watch_disk)
            nursery.start_soon(Compaction(self, self.cluster.keep, self._chat, self.journal).run)
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
            self.out.flush()
            return
        outputs: list[Output] = []
        try:
            if now >= self.core.deadline:
                self.core.wake(now)
            while True:
                output = self.core.take(now)
                outputs.append(output)
                self._let_out(output)
                self.out.flush()
                if not output.writes or not self._commit(output):
                    break
                self.out.flush()
                if not self.core.pending:
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
            if self.out.fates:
                self.telemetry.record(now, tuple(self.out.fates))
                self.out.fates.clear()

    def _commit(self, output: Output) -> bool:
        """Give the output's writes to the disk; whether they are durable already."""
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

    async def _watch_disk(self) -> None:
        """See whether the files are still there, also when nothing is written; tell the others how far this
        disk has come, and write down how far theirs have."""
        told = self.storage.decided
        keep_at = trio.current_time() + KEEP_S
        while True:
            await trio.sleep(TELL_S)
            self.storage.look()
            if told < self.storage.decided and self.non_voting is None:
                told = self.storage.decided
                self.out.say(encode(DiskProgress(told)))
            if trio.current_time() >= keep_at:
                keep_at = trio.current_time() + KEEP_S
                await self.standing.keep()

    def stop(self) -> None:
        """Make durable what is decided, and end the writer. It waits for the disk, so nothing else may
        have to run any more."""
        if self.core is not None and self._failure is None:
            self.core.write_watermark()
            output = self.core.take(trio.current_time())
            if output.writes:
                self._writer.submit(output.batch, output.writes)
            self._tell(output, trio.current_time())
        self._writer.stop()
        with contextlib.suppress(StorageFailed):  # why the replica stops, if so, is told already
            self.standing.keep_now()

    # Inputs

    def receive(self, sender: int, message: PeerMessage) -> None:
        """A message from another replica."""
        if isinstance(message, Entries) and self.mender.take(sender, message):
            return
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

    def checkpoint(self, stamp_s: int) -> str | None:
        """Have all replicas keep their state, to trim the log to it later; ``stamp_s`` is the checkpoint's
        stamp (:mod:`paxtui.replica.log.ages`). The reason, if that cannot be."""
        if self.core is None:
            return "it warms up"
        reason = self.core.checkpoint(stamp_s, trio.current_time())
        self.kick()
        return reason

    def trim(self, upto: int) -> str | None:
        """Have all replicas remove slots below the last such state at or below ``upto``."""
        if self.core is None:
            return "it warms up"
        reason = self.core.trim(upto, trio.current_time())
        self.kick()
        return reason

    @property
    def non_voting(self) -> str | None:
        """Why this replica is a learner without vote, if it is."""
        return self.storage.non_voting if self.core is None else self.core.non_voting

    def become_learner(self, reason: str) -> None:
        """Be a learner without vote from here on. Nothing that was decided before leaves any more, and the
        others hear of it with the next hello. Raises ``StorageFailed``."""
        if self.non_voting is not None or self._failure is not None:
            return
        self._gate.discard()
        self.out.renounce()
        if self.core is None:
            self.storage.become_learner(reason)
            self.saved = self.storage.saved()
        else:
            self.core.become_learner(reason, trio.current_time())
            self.kick()

    def lost_contact(self, peer: int) -> None:
        """The connection on which ``peer`` sent is gone."""
        if self.core is not None and self._failure is None:
            self.core.lost_contact(peer, trio.current_time())
            self.kick()

    def propose(self, client: str, first: int, texts: Sequence[str]) -> None:
        """A client's requests ``first``, ``first + 1``, ...; its ports get the answers."""
        core = self.core
        now = trio.current_time()
        if core is None:
            for request in range(first, first + len(texts)):
                self.desk.answer(Refused(client, request, "warming-up", None))
        else:
            for request, text in enumerate(texts, first):
                core.propose(Command(client, request, text), now)
        self.kick()

    def read(self, answer: ReadAnswer) -> None:
        """A linearizable read; ``answer`` is called when it may be served, or not."""
        ticket = self.desk.ticket(answer)
        if self.core is None:
            self.desk.answer(ReadRefused(ticket, "warming-up", None))
        else:
            self.core.read(ticket, trio.current_time())
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
        self.commits += 1
        self.commit_s += (seconds - self.commit_s) / min(self.commits, 10)
        if sends := self._gate.durable(upto):
            self.out.send(sends, watched=self.telemetry.watched)
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
            if isinstance(applied, Installed):
                self.feed.install(applied.upto)
            else:
                self.feed.append(applied)
        for reply in output.replies:
            self.desk.answer(reply)
        if sends := self._gate.admit(output):
            self.out.send(sends, watched=self.telemetry.watched)
        for fetch in output.fetches:
            self._fetching.start(fetch, self._nursery)

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
            if isinstance(applied, Applied):
                self._chat.append(applied)
        if output.events:
            for event in output.events:
                self.journal.event(event)
                if isinstance(event, SlotSkipped):
                    self.board.skipped(event.slot)
                elif isinstance(event, MessageDropped):
                    self.counters[f"dropped: {event.reason}"] += 1
            self.telemetry.record(now, output.events)
            if self.recorder is not None:
                self.recorder.take(now, output.events)

    def _fetched(self, peer: int, first: int, entries: tuple[Entry, ...]) -> None:
        if self.core is not None:
            self.core.fetched(peer, first, entries, trio.current_time())
            self.kick()

    def _fetched_state(self, peer: int, page: State) -> None:
        if self.core is not None:
            self.core.fetched_state(peer, page, trio.current_time())
            self.kick()

    def _ask_for(self, peer: int, slot: int) -> None:
        self.out.send((Envelope(peer, CatchUp(slot)),), watched=self.telemetry.watched)
        self.out.flush()

    # Views

    @property
    def status(self) -> Status | None:
        """The core's belief, or ``None`` during warm-up."""
        return self.core.status if self.core is not None else None

    def _snapshot(self, ask: int, number: int) -> TelemetrySnapshot:
        now = trio.current_time()
        return TelemetrySnapshot(
            id=ask,
            number=number,
            at_s=round(now, 4),
            wall=wall_clock(),
            status=self.status,
            slots=recent_slots(self.core),
            faults=self.board.list(now),
        )


def _rows(write: Write) -> int:
    """About how many rows a write makes."""
    match write:
        case PutVotes(values=values):
            return len(values)
        case PutEntries(entries=entries):
            return len(entries)
        case _:
            return 1
