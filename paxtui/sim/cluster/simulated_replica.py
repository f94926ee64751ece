"""One simulated process: a replica, its clock, its disk and its host loop."""

from __future__ import annotations

import random
from functools import partial
from heapq import heappush
from typing import Any

from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.core.ballot import Ballot
from paxtui.core.durability_gate import DurabilityGate
from paxtui.core.messages import Snapshot
from paxtui.core.output import Applied, Fetch, FetchState, Output
from paxtui.core.proposer import Phase
from paxtui.core.replica import Replica
from paxtui.core.values import Command, Entry
from paxtui.sim.cluster.clock import SimulatedClock
from paxtui.sim.cluster.disk import DiskUntrusted, SimulatedDisk
from paxtui.sim.cluster.network import Parcel
from paxtui.sim.cluster.triggers import Triggers
from paxtui.sim.cluster.world import World
from paxtui.sim.randomness import fractions, mixed

INFINITY = float("inf")

FETCH_S = 0.0005
"""Time that the host takes to read a page from disk."""

SPIN_MAX = 100
"""Wake-ups in a row after which a deadline that does not move is called a busy loop."""


class SimulatedReplica:
    """The host of one replica: all but the core. It survives crashes; ``core`` does not."""

    def __init__(self, world: World, me: int, commit_s: float) -> None:
        self._world = world
        self.me = me
        self.core: Replica | None = None
        self.life = 0
        """Counts starts; what belongs to an older life is void."""
        self._checkers = world.checkers
        self.disk = SimulatedDisk(partial(world.checkers.committed, me))
        self._gather_s = world.plan.gather_s
        self.commit_s = commit_s
        self.slow_until = 0.0
        self.slow_s = 0.0
        self.fail_down_s: float | None = None
        """The next commit fails, and the replica stays down for so long."""
        self.gate = DurabilityGate()
        self.paused_until = 0.0
        self._inbox: list[tuple[Any, ...]] = []
        self.clock = SimulatedClock()
        self._timer = INFINITY
        self._drawn = fractions(mixed(world.plan.seed, 5, me), 1)
        """For how long commits take."""
        self._spins = 0
        self._pumping = False
        self.triggers = Triggers(world, self)
        self.refused = False
        """It did not trust its disk, and is down for ever."""
        self._known = self.disk.rollback_mark
        """The peers' knowledge of its disk. They are taken to have heard of every commit that was reported;
        a real replica tells its number about once a second."""
        self._denied: str | None = None
        """Why the others let it in only as a learner, once they have said so."""

    # The clock

    def set_clock(self, rate: float, jump_s: float) -> None:
        """Change the clock's rate, let it leap forward, or both."""
        now = self._world.now
        self.clock.set(now, rate, jump_s)
        self._timer = INFINITY
        if self.core is not None:
            self._arm(now, self.core.deadline)

    def _arm(self, now: float, deadline: float) -> None:
        """Wake the replica at its ``deadline``, as its own clock shows it, if nothing does so before."""
        if deadline < self._timer:
            at = self.clock.when(deadline) + 1e-9
            if at == INFINITY:  # the clock stands: the next change of its rate arms the timer
                return
            self._timer = deadline
            self._world.push(at if at > now else now, self._timer_due, (self.life, deadline))

    def _timer_due(self, event: tuple[int, float]) -> None:
        life, deadline = event
        core = self.core
        if life != self.life or deadline != self._timer or core is None:
            return
        self._timer = INFINITY
        now = self._world.now
        if now < self.paused_until:
            return
        local = self.clock.at(now)
        due = core.deadline
        if due > local:
            self._arm(now, due)
            return
        core.wake(local)
        due = self._pump(core, now, local)
        self._spins = self._spins + 1 if due <= local else 0
        if self._spins > SPIN_MAX:
            raise InvariantBroken(Invariant.SURPRISE, "its deadline does not move", self.me)

    # Life and death

    def start(self) -> None:
        """Start from the disk, or refuse to."""
        world = self._world
        self.life += 1
        self.gate = DurabilityGate()
        self._timer = INFINITY
        self.paused_until = 0.0
        rng = random.Random(mixed(world.plan.seed, 3, self.me, self.life))
        clock_s = self.clock.at(world.now)
        try:
            self._ask_the_others()
            saved = self.disk.open()
            core = Replica(self.me, world.plan.replicas, world.plan.settings, rng, saved, clock_s)
        except DiskUntrusted as untrusted:
            self._refuse(untrusted)
            return
        world.replica_started(self.me, saved)
        self.core = core
        self.pump()

    def _ask_the_others(self) -> None:
        """Ask the peers to let it in, perhaps only as a learner. A real replica hears their answer a little
        later, and its peers drop whatever it has said by then; so it might as well not have said it."""
        self._denied = self._denied or self.disk.objection(self._known)
        if self._denied is not None and self.disk.non_voting is None:
            self._world.note(self.me, "without vote", self._denied)
            self._checkers.lost(self.me)
            self.disk.hold(self._denied)

    def lose_vote(self, reason: str) -> bool:
        """Let the peers say, in the middle of a life, that it has no vote any more. True if it hears them."""
        core, now = self.core, self._world.now
        if core is None or now < self.paused_until or self._denied is not None:
            return False
        self._world.note(self.me, "without vote", reason, "while it leads" if self.leads else "")
        self._denied = reason
        self._checkers.became_non_voting(self.me)
        self.gate.discard()
        core.become_learner(reason, self.clock.at(now))
        self.poke()
        return True

    def _refuse(self, untrusted: DiskUntrusted) -> None:
        """Stay down for ever: a replica that does not trust its disk waits for a person."""
        world = self._world
        world.note(self.me, "refused", untrusted)
        world.faults["refused for ever"] += 1
        world.reach_goal(untrusted.goal)
        self.refused = True

    def crash(self, down_s: float | None, why: str) -> None:
        """Lose everything that is not on disk. ``down_s`` is ``None`` if nobody restarts the replica."""
        if self.core is None:
            return
        world = self._world
        world.note(self.me, "crash", why)
        world.ended(self.me, "crash")
        survives = bool(mixed(world.plan.seed, 4, self.me, self.life) & 1)
        self.core = None
        self.life += 1
        self.gate.discard()
        self._inbox.clear()
        self._pumping = False
        self.triggers.crash = None
        if self._denied is None:
            self._known = self.disk.rollback_mark
        in_flight = bool(self.disk.running)
        if self.disk.crash(survives):
            world.reach_goal("commit in flight at a crash survives")
        elif in_flight:
            world.reach_goal("commit in flight at a crash is lost")
        world.connections_lost(self.me)
        if down_s is not None:
            world.push(world.now + down_s, self._restart, self.life)

    def stop(self, why: str) -> None:
        """Crash, and void any restart that is due."""
        self.crash(None, why)
        self.life += 1

    def heal(self, rate: float) -> None:
        """End all faults of the disk, the clock and the process; a damaged disk stays damaged."""
        world = self._world
        self.slow_until = 0.0
        self.fail_down_s = None
        self.triggers.clear()
        self.set_clock(rate, 0.0)
        if self.core is not None:
            self.core.proposer.skips.clear()  # each would be a hole to come
        if self.paused_until > world.now:
            self.paused_until = world.now
            world.push(world.now, self.resume, self.life)

    def _restart(self, life: int) -> None:
        if life == self.life and self.core is None:
            self._world.note(self.me, "restart")
            self._world.reach_goal("restart")
            self.start()

    def pause(self, seconds: float) -> None:
        """Stop the process for a while; its input queues up."""
        now = self._world.now
        self.paused_until = max(self.paused_until, now + seconds)
        self._world.push(self.paused_until, self.resume, self.life)

    def resume(self, life: int) -> None:
        """Go on after a pause, unless a longer one began meanwhile."""
        if life != self.life or self._world.now < self.paused_until:
            return
        inbox, self._inbox = self._inbox, []
        if inbox:
            self._world.reach_goal("input queued during a pause")
        self._timer = INFINITY
        self._pumping = True
        for item in inbox:
            if self.core is not None and life == self.life:
                item[0](*item[1:])
        self._pumping = False
        if self.core is not None and life == self.life:
            local = self.clock.at(self._world.now)
            if self.core.deadline <= local:
                self.core.wake(local)
            self.pump()

    # Inputs

    def message(self, parcel: Parcel) -> None:
        """Receive a message."""
        core = self.core
        if core is None:
            return
        now = self._world.now
        if now < self.paused_until:
            self._inbox.append((self.message, parcel))
            return
        sender, message = parcel
        clock = self.clock
        local = now * clock.rate + clock.offset_s  # Clock.at, without the call
        core.receive(sender, message, local)
        if not self._pumping:
            if self._gather_s:
                self._gather(now)
            else:
                self._pump(core, now, local)

    def propose(self, command: Command) -> None:
        """Receive a client's append."""
        core = self.core
        if core is None:
            return
        now = self._world.now
        if now < self.paused_until:
            self._inbox.append((self.propose, command))
            return
        local = self.clock.at(now)
        core.propose(command, local)
        self._turn(core, now, local)

    def read(self, ticket: int) -> None:
        """Receive a client's linearizable read."""
        core = self.core
        if core is None:
            return
        now = self._world.now
        if now < self.paused_until:
            self._inbox.append((self.read, ticket))
            return
        self._checkers.read_started(self.me, ticket)
        local = self.clock.at(now)
        core.read(ticket, local)
        self._turn(core, now, local)

    def operate(self, verb: str, *args: Any) -> None:
        """Carry out an operator's verb: a method of the core that takes ``args`` and ``now``."""
        if self.core is None or self._world.now < self.paused_until:
            return
        getattr(self.core, verb)(*args, self.clock.at(self._world.now))
        self.poke()

    @property
    def leads(self) -> bool:
        """Tell whether it believes to lead."""
        return self.core is not None and self.core.proposer.phase is Phase.LEADING

    @property
    def ballot(self) -> Ballot:
        """Give the ballot it leads at; ``ZERO`` if it does not lead."""
        leader = self.core.proposer.leader if self.core is not None else None
        return Ballot.ZERO if leader is None else leader.ballot

    @property
    def follows(self) -> Ballot:
        """Give the ballot of the leader that it follows; ``ZERO`` if there is none, or if it is down."""
        return Ballot.ZERO if self.core is None else self.core.acceptor.leader

    @property
    def watermark(self) -> int:
        """Give its learned watermark; -1 if it is down."""
        return -1 if self.core is None else self.core.learner.watermark

    # Output

    def poke(self) -> None:
        """Take the output now, or once more input has gathered."""
        if self.core is not None:
            now = self._world.now
            self._turn(self.core, now, self.clock.at(now))

    def _turn(self, core: Replica, now: float, local: float) -> None:
        if not self._pumping:
            if self._gather_s:
                self._gather(now)
            else:
                self._pump(core, now, local)

    def _gather(self, now: float) -> None:
        self._pumping = True
        event_queue = self._world.event_queue
        heappush(
            event_queue.heap, (now + self._gather_s, next(event_queue.numbers), self._gathered, self.life)
        )

    def _gathered(self, life: int) -> None:
        core = self.core
        if life != self.life or core is None:
            return
        self._pumping = False
        now = self._world.now
        if now < self.paused_until:
            self._inbox.append((self.poke,))
            return
        self._pump(core, now, self.clock.at(now))

    def pump(self) -> None:
        """Run one turn of the host loop: take the output and treat it."""
        now = self._world.now
        if self.core is not None:
            self._pump(self.core, now, self.clock.at(now))

    def _pump(self, core: Replica, now: float, local: float) -> float:
        """Run one turn at ``local`` of the replica's own clock. Returns the deadline afterwards."""
        deadline = core.deadline
        if local >= deadline or core.pending:
            output = core.take(local)
            if output.events:
                self._world.events(self.me, output.events)
                triggers = self.triggers
                if (triggers.crash is not None or triggers.silence is not None) and triggers.fire(output):
                    return core.deadline
            self.treat(output)
            deadline = core.deadline
        if deadline < self._timer:
            self._arm(now, deadline)
        return deadline

    def treat(self, output: Output) -> None:
        """Carry out everything that an output asks for, in the order that the core requires."""
        world, me = self._world, self.me
        if output.applied:
            for applied in output.applied:
                if type(applied) is Applied:
                    self._checkers.applied(me, applied)
            self._check_limits()
        if sends := self.gate.admit(output):
            world.network.send(world.now, me, sends)
        if output.replies:
            for reply in output.replies:
                self._checkers.replied(me, reply)
                world.reply(me, reply)
        for fetch in output.fetches:
            world.push(world.now + FETCH_S, self._fetched, (self.life, fetch))
        if output.writes and self.disk.submit(output.batch, output.writes):
            self._commit()

    def _check_limits(self) -> None:
        """Let the checkers compare what the core keeps with its limits."""
        core = self.core
        if core is None:
            return
        leader = core.proposer.leader
        queued, in_flight = (0, 0) if leader is None else (leader.queued, leader.in_flight)
        self._checkers.limits.memory_kept(self.me, queued, len(core.learner.sessions), in_flight)

    # The disk

    def _commit(self) -> None:
        if not self.disk.start():
            return
        world = self._world
        drawn = next(self._drawn)
        commit_s = self.slow_s if world.now < self.slow_until else self.commit_s
        world.push(world.now + commit_s * (0.5 + drawn), self._committed, self.life)

    def _committed(self, life: int) -> None:
        if life != self.life:
            return
        if self.fail_down_s is not None:
            down_s, self.fail_down_s = self.fail_down_s, None
            self._world.reach_goal("failing commit")
            self.crash(down_s, "commit failed")
            return
        if len(self.disk.running) > 1:
            self._world.reach_goal("group commit")
        batch = self.disk.finish()
        self._commit()
        self._told_durable(batch)

    def _told_durable(self, batch: int) -> None:
        core = self.core
        if core is None:
            return
        now = self._world.now
        if now < self.paused_until:
            self._inbox.append((self._told_durable, batch))
            return
        if sends := self.gate.durable(batch):
            self._world.network.send(now, self.me, sends)
        local = self.clock.at(now)
        core.durable(batch, local)
        self._turn(core, now, local)

    def _fetched(self, event: tuple[int, Fetch | FetchState]) -> None:
        life, fetch = event
        if life != self.life or self.core is None:
            return
        if isinstance(fetch, FetchState):
            page = self.disk.read_state(fetch.upto, fetch.after, fetch.bytes_max)
            if page is not None:
                if not page.last:
                    self._world.reach_goal("snapshot in pages")
                self._hand_state(fetch, page)
            return
        self._world.reach_goal("entries read from disk")
        try:
            entries = self.disk.read(fetch.first, fetch.slots_max, fetch.chars_max)
        except DiskUntrusted as untrusted:
            self.stop("storage error")
            self._refuse(untrusted)
            return
        self._hand_over(fetch, entries)

    def _hand_state(self, fetch: FetchState, page: Snapshot) -> None:
        if self.core is None:
            return
        now = self._world.now
        if now < self.paused_until:
            self._inbox.append((self._hand_state, fetch, page))
            return
        self.core.fetched_state(fetch.peer, page, self.clock.at(now))
        self.poke()

    def _hand_over(self, fetch: Fetch, entries: tuple[Entry, ...]) -> None:
        if self.core is None:
            return
        now = self._world.now
        if now < self.paused_until:
            self._inbox.append((self._hand_over, fetch, entries))
            return
        self.core.fetched(fetch.peer, fetch.first, entries, self.clock.at(now))
        self.poke()
