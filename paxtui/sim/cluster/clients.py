"""Simulated clients: they pipeline, retry the same request elsewhere, give up, and come back late."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappush
from itertools import count, islice

from paxtui.core.output import ReadRefused, Refused, Reply
from paxtui.core.values import Command
from paxtui.sim.cluster.simulated_replica import SimulatedReplica
from paxtui.sim.cluster.world import World
from paxtui.sim.plan.plan import Plan, PlannedRequest
from paxtui.sim.randomness import fractions, mix, mixed

TRIP_S = 0.0004
"""Travel time of a request or a reply, on average."""

WAIT_S = 0.06
"""Time that a client waits after it was refused or found no replica, on average."""

START_S = 0.2
"""Time of the first requests: most clusters have a leader soon after."""

AHEAD = (1, 2, 5, 30, 10**6)
"""Slots beyond the highest learned one at which an invented session claims to be born."""


def asks_of(plan: Plan) -> tuple[PlannedRequest, ...]:
    """List the requests of the first phase: which client asks, and when."""
    if plan.workload.asks is not None:
        return plan.workload.asks
    return tuple(
        PlannedRequest(at, client) for client in range(plan.workload.clients) for at in _times(plan, client)
    )


def _times(plan: Plan, client: int) -> list[float]:
    """Draw when a client asks in the first phase."""
    work = plan.workload
    if work.asks is not None:
        return [ask.at for ask in work.asks if ask.client == client]
    operations, burst, span_s = work.operations, work.burst, plan.heal_at - START_S
    drawn = enumerate(islice(fractions(_seed(plan, client), 1), operations))
    return [START_S + span_s * (number - number % burst + share) / operations for number, share in drawn]


def _seed(plan: Plan, client: int) -> int:
    return mix(mixed(plan.seed, 6, client))


class ClientOperation:
    """One append (``command``) or linearizable read, over all its attempts."""

    __slots__ = ("attempt", "command", "done", "started_at", "target", "ticket")

    def __init__(self, command: Command | None, started_at: float, target: int) -> None:
        self.command = command
        self.started_at = started_at
        self.target = target
        self.attempt = 0
        self.ticket = 0
        self.done = False


class SimulatedClient:
    """One client program: a session, some requests in flight, and a guess who leads."""

    def __init__(self, world: World, replicas: Sequence[SimulatedReplica], index: int) -> None:
        self._world = world
        self._replicas = replicas
        self._work = world.plan.workload
        first = self._work.operations + 1  # those before drew the times
        self._drawn = zip(count(first), fractions(_seed(world.plan, index), first), strict=False)
        """Random numbers of this client, each with its index."""
        self._inventive = fractions(mix(mixed(world.plan.seed, 7, index)), 0)
        """Random numbers for invented sessions, so that all else is as without them."""
        self._name = f"c{index}"
        self._sessions = 0
        self._session: str | None = None
        self._request = 0
        self._guess = index % world.plan.replicas
        self._backlog = 0
        self.in_flight: list[ClientOperation] = []
        limit = world.plan.settings.session_window
        self._pipeline = min(self._work.pipeline, limit)
        world.event_queue.plan(self._due, ((at, 1) for at in _times(world.plan, index)))
        world.push(world.plan.heal_at, self._due, self._work.last)

    def _draw(self) -> float:
        return next(self._drawn)[1]

    @property
    def pending(self) -> int:
        """Count the operations that this client waits for or still wants to start."""
        return len(self.in_flight) + self._backlog

    def _due(self, operations: int) -> None:
        if self._world.healed:
            self._backlog = 0
        self._backlog += operations
        self._start_due()

    def _start_due(self) -> None:
        while self._backlog and len(self.in_flight) < self._pipeline:
            if self._session is None or next(self._drawn)[1] < self._work.reopen:
                self._open_session()
                if self._session is None:
                    self._world.push(self._world.now + WAIT_S, self._try_again, None)
                    return
            self._backlog -= 1
            self._start_operation(self._session)

    def _try_again(self, _: None) -> None:
        self._start_due()

    def _open_session(self) -> None:
        """Ask some replica for a session id: its watermark is the birth."""
        replicas = [host for host in self._replicas if host.core is not None]
        if not replicas:
            return
        birth = replicas[int(self._draw() * len(replicas))].watermark
        if self._sessions:
            self._world.reach_goal("session opened anew")
        self._sessions += 1
        self._session = f"{self._name}.{self._sessions}@{birth}"
        self._request = 0

    def _start_operation(self, session: str) -> None:
        command, work = None, self._work
        if next(self._drawn)[1] >= work.reads:
            self._request += 1
            number, drawn = next(self._drawn)
            padding = "." * int(work.text_chars * drawn)
            command = Command(session, self._request, f"{self._name}:{number}{padding}")
            self._world.checkers.asked(command)
        operation = ClientOperation(command, self._world.now, self._guess)
        self.in_flight.append(operation)
        self._ask(operation)
        if command is not None and next(self._drawn)[1] < work.twins:
            other = int(self._draw() * self._world.plan.replicas)
            self._world.push(self._world.now + TRIP_S, self._stray, (other, command))
        if command is not None and work.invented and next(self._inventive) < work.invented:
            self._invent()

    def _invent(self) -> None:
        """Append in a session that claims to be born in the future, three times, to anybody. It is one more
        client to the table of sessions; once that has forgotten it, a repetition must not take effect."""
        world, drawn = self._world, self._inventive
        world.reach_goal("session invented")
        birth = max(host.watermark for host in self._replicas) + AHEAD[int(next(drawn) * len(AHEAD))]
        command = Command(f"{self._name}.x@{birth}", 1, f"{self._name}: invented")
        world.checkers.asked(command)
        for wait_s in (TRIP_S, next(drawn), 3 * next(drawn)):
            target = int(next(drawn) * world.plan.replicas)
            world.push(world.now + wait_s, self._stray, (target, command))

    def _ask(self, operation: ClientOperation) -> None:
        operation.attempt += 1
        world = self._world
        if operation.attempt > 1:
            world.reach_goal("read retried" if operation.command is None else "append retried")
        drawn, now, event_queue = self._drawn, world.now, world.event_queue
        at = now + TRIP_S * (0.5 + next(drawn)[1])
        heappush(event_queue.heap, (at, next(event_queue.numbers), self._arrive, operation))
        patience_s = self._work.patience_s * (1 + 0.2 * next(drawn)[1])
        event = operation, operation.attempt
        heappush(event_queue.heap, (now + patience_s, next(event_queue.numbers), self._impatient, event))

    def _arrive(self, operation: ClientOperation) -> None:
        if operation.done:
            return
        world = self._world
        host = self._replicas[operation.target]
        if host.core is None:
            self._retry_elsewhere(operation, None)
            return
        command = operation.command
        if command is None:
            operation.ticket = world.new_read_ticket()
            world.waiting[operation.target][operation.ticket] = (self, operation)
            host.read(operation.ticket)
        else:
            world.waiting[operation.target][command.client, command.request] = (self, operation)
            host.propose(command)

    def _stray(self, event: tuple[int, Command]) -> None:
        """Deliver the same request to another replica, or long after; nobody waits for the reply."""
        target, command = event
        self._replicas[target].propose(command)

    def reply_left(self, operation: ClientOperation, reply: Reply) -> None:
        """Carry a reply from a replica to the client, or lose it."""
        drawn, event_queue = self._drawn, self._world.event_queue
        if next(drawn)[1] >= self._work.answers_lost:
            at = self._world.now + TRIP_S * (0.5 + next(drawn)[1])
            event = operation, operation.attempt, reply
            heappush(event_queue.heap, (at, next(event_queue.numbers), self._answered, event))

    def _answered(self, event: tuple[ClientOperation, int, Reply]) -> None:
        operation, attempt, reply = event
        if operation.done:
            return
        if type(reply) is Refused or type(reply) is ReadRefused:
            self._refused(operation, attempt, reply)
        else:
            self._guess = operation.target
            self._finish(operation)

    def _refused(self, operation: ClientOperation, attempt: int, reply: Refused | ReadRefused) -> None:
        if reply.reason == "expired":
            # It may have taken effect; nobody can know. What follows needs a new session.
            if operation.command is not None and operation.command.client == self._session:
                self._session = None
            self._finish(operation)
        elif attempt == operation.attempt:
            if reply.reason == "busy":
                self._retry_later(operation, WAIT_S)
            else:
                self._retry_elsewhere(operation, reply.leader)

    def _retry_elsewhere(self, operation: ClientOperation, leader: int | None) -> None:
        replicas = self._world.plan.replicas
        if leader is not None and leader != operation.target:
            operation.target = self._guess = leader
            self._retry_later(operation, TRIP_S)
        else:
            step = 1 + int(self._draw() * (replicas - 1)) if replicas > 1 else 0
            operation.target = self._guess = (operation.target + step) % replicas
            self._retry_later(operation, WAIT_S)

    def _retry_later(self, operation: ClientOperation, wait_s: float) -> None:
        operation.attempt += 1
        wait_s *= 0.5 + self._draw()
        event_queue = self._world.event_queue
        event = operation, operation.attempt
        heappush(event_queue.heap, (self._world.now + wait_s, next(event_queue.numbers), self._retry, event))

    def _retry(self, event: tuple[ClientOperation, int]) -> None:
        operation, attempt = event
        if not operation.done and attempt == operation.attempt and not self._gives_up(operation):
            self._ask(operation)

    def _impatient(self, event: tuple[ClientOperation, int]) -> None:
        operation, attempt = event
        if operation.done or attempt != operation.attempt or self._gives_up(operation):
            return
        self._retry_elsewhere(operation, None)

    def _gives_up(self, operation: ClientOperation) -> bool:
        world = self._world
        if world.healed or world.now - operation.started_at < self._work.give_up_s:
            return False
        world.reach_goal("client gave up")
        self._finish(operation)
        return True

    def _finish(self, operation: ClientOperation) -> None:
        operation.done = True
        self.in_flight.remove(operation)
        command = operation.command
        if command is not None and self._draw() < self._work.late:
            target = int(self._draw() * self._world.plan.replicas)
            self._world.push(self._world.now + 3 * self._draw(), self._stray, (target, command))
        self._start_due()
