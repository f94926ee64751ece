"""A load generator on bare connections: one thread, one epoll loop, no task and no object a message.

The generator shares the machine with the replicas: what its requests cost, they do not have. With 256
connections of one request each the client library takes half a core, which says little about the cluster;
etcd is measured with a generator in C for the same reason. What is said on the wire is the same.
"""

from __future__ import annotations

import select
import time
from itertools import cycle
from typing import Final

import trio
from msgspec import Struct

from paxtui.bench.drivers import Schedule
from paxtui.bench.generator import DRAIN_S
from paxtui.bench.load import Load
from paxtui.bench.raw_session import RawSession
from paxtui.bench.tally import NEVER, Tally
from paxtui.client.errors import Failed
from paxtui.config.cluster_file import Cluster
from paxtui.wire import WireError
from paxtui.wire.requests import AppendedReply, RefusedReply

READ, WRITE = select.EPOLLIN, select.EPOLLOUT

LOOK_S: Final = 0.05
"""How often the loop looks whether it is to stop, and at what waits for another try."""

PATIENCE_S: Final = 1.5
"""A connection that owes answers and is silent for so long is given up for another."""


class RawGenerator:
    """The work of :class:`paxtui.bench.generator.Generator`, for appends alone."""

    def __init__(self, cluster: Cluster, load: Load, tally: Tally) -> None:
        self._load = load
        self._tally = tally
        self._to_trio_s = trio.current_time() - time.perf_counter()
        self._lines = [RawSession(cluster, "x" * load.size) for _ in range(load.connections)]
        self._by_file: dict[int, RawSession] = {}
        self._poll = select.epoll()
        self._leader = 0
        self._schedule: Schedule | None = None
        self._turn = cycle(self._lines)
        self._go = trio.Event()
        self._give_up_at = NEVER
        self._look_at = 0.0
        self._full = False
        """Whether something is due for which no connection has room."""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the load, started as soon as all are connected; ends after :meth:`stop`."""
        try:
            await trio.to_thread.run_sync(self._connect_all)
            task_status.started()
            await self._go.wait()
            # Not abandoned when it is cancelled: whoever cancels has called stop().
            await trio.to_thread.run_sync(self._drive)
        finally:
            for line in self._lines:
                line.close()
            self._poll.close()

    def start_due(self) -> None:
        """Begin."""
        if self._load.rate is not None:
            self._schedule = Schedule(trio.current_time(), 1 / self._load.rate)
        self._go.set()

    def stop(self) -> None:
        """Begin no more requests; those under way have :data:`DRAIN_S` for their answers."""
        self._give_up_at = min(self._give_up_at, trio.current_time() + DRAIN_S)
        self._tally.stopping = True
        self._go.set()

    def _now(self) -> float:
        return time.perf_counter() + self._to_trio_s

    def _connect_all(self) -> None:
        for line in self._lines:
            self._connect(line)

    def _connect(self, line: RawSession) -> None:
        self._by_file.pop(line.socket.fileno(), None)
        self._leader = line.connect(self._leader)
        self._by_file[line.socket.fileno()] = line
        self._poll.register(line.socket, READ)
        self._watch(line)

    def _watch(self, line: RawSession) -> None:
        """Wake up when the socket takes more, if there is more."""
        if line.sending != line.watched:
            line.watched = line.sending
            self._poll.modify(line.socket, READ | WRITE if line.sending else READ)

    def _drive(self) -> None:
        tally = self._tally
        if self._schedule is None and not tally.stopping:
            for line in self._lines:
                self._begin(line, [self._now()] * self._load.in_flight)
        while not self._over():
            for file, events in self._poll.poll(self._patience_s()):
                ready = self._by_file.get(file)
                if ready is not None:
                    self._serve(ready, events)
            if self._schedule is not None:
                self._begin_due(self._schedule)
            self._look_after()
        if self._schedule is not None:
            self._count_overdue(self._schedule)

    def _over(self) -> bool:
        if not self._tally.stopping:
            return False
        late = self._schedule is not None and self._schedule.due < self._tally.ends
        waits = late or any(line.open for line in self._lines)
        return self._now() >= self._give_up_at or not waits

    def _patience_s(self) -> float:
        if self._schedule is None or self._tally.stopping or self._full:
            return LOOK_S  # or until an answer comes
        return min(LOOK_S, max(0.0, self._schedule.due - self._now()))

    def _serve(self, line: RawSession, events: int) -> None:
        """Take what came; in a closed loop, begin as many as were answered."""
        try:
            if events & WRITE:
                line.flush()
                self._watch(line)
            ended = self._now()
            answered = 0
            for message in line.receive():
                if type(message) is AppendedReply:
                    answered += self._answered(line, message, ended)
                else:
                    self._refused(line, message)
            if answered and self._schedule is None and not self._tally.stopping:
                self._begin(line, [self._now()] * answered)
        except (OSError, WireError):
            self._connect(line)

    def _begin(self, line: RawSession, starts: list[float]) -> None:
        try:
            line.begin(starts)
            self._watch(line)
        except OSError:
            self._connect(line)

    def _answered(self, line: RawSession, message: AppendedReply, ended: float) -> int:
        tally, open_loop = self._tally, self._schedule is not None
        starts = line.answered(message)
        for since in starts:
            tally.count_answer(ended, since, tally.appends, by_due=open_loop)
        return len(starts)

    def _refused(self, line: RawSession, message: Struct) -> None:
        if not isinstance(message, RefusedReply):
            raise WireError(f"an answer to nothing: {message}")
        if message.reason == "busy":
            line.busy.append(message.request)
        elif message.reason in ("not-leader", "warming-up"):
            raise ConnectionError(message.reason)
        else:
            line.open.pop(message.request, None)
            self._tally.failed(Failed(f"the replica refused it: {message.reason}"))

    def _begin_due(self, schedule: Schedule) -> None:
        """Begin what is due, each on the next connection that has room."""
        now, most = self._now(), self._load.in_flight
        begun: dict[RawSession, list[float]] = {}
        full = 0
        self._full = False
        while schedule.due <= now and schedule.due < self._tally.ends:
            line = next(self._turn)
            if len(line.open) + len(begun.get(line, ())) >= most:
                full += 1
                self._full = full == len(self._lines)
                if self._full:
                    break
                continue
            full = 0
            begun.setdefault(line, []).append(schedule.due)
            schedule.next()
        for line, dues in begun.items():
            self._begin(line, dues)

    def _look_after(self) -> None:
        """Now and then: send again what was refused for want of room, and leave connections that are mute."""
        now = time.perf_counter()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_S
        for line in self._lines:
            if line.busy:
                line.send_busy()
            if line.open and now - line.heard > PATIENCE_S:
                self._connect(line)

    def _count_overdue(self, schedule: Schedule) -> None:
        now = self._now()
        for line in self._lines:
            for due in line.open.values():
                self._tally.given_up(due, now)
        for due, count in schedule.rest(min(now, self._tally.ends)):
            self._tally.given_up(due, now, count=count)
