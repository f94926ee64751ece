"""One simulated process: a replica, its clock, its disk and its host loop."""

from __future__ import annotations

import random
from functools import partial
from heapq import heappush
from typing import TYPE_CHECKING, Any

from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.core.ballot import Ballot
from paxtui.core.durability_gate import DurabilityGate
from paxtui.core.messages import Snapshot
from paxtui.core.output import Applied, Fetch, FetchState, Output
from paxtui.core.proposer import Phase
from paxtui.core.replica import Replica
from paxtui.core.values import Command, Entry
from paxtui.sim.cluster.clock import Clock
from paxtui.sim.cluster.disk import DiskUntrusted, SimulatedDisk
from paxtui.sim.cluster.network import Parcel
from paxtui.sim.cluster.randomness import fractions, mixed
from paxtui.sim.cluster.triggers import Triggers

if TYPE_CHECKING:
    from paxtui.sim.cluster.simulation import Simulation

INFINITY = float("inf")

FETCH_S = 0.0005
"""How long the host takes to read a page from disk."""

SPIN_MAX = 100
"""Wake-ups in a row after which a deadline that does not move is called a busy loop."""


class SimulatedReplica:
    """Everything of one replica that is not the core. It survives crashes; ``replica`` does not."""

    def __init__(self, cluster: Simulation, me: int, commit_s: float) -> None:
        self._cluster = cluster
        self.me = me
        self.replica: Replica | None = None
        self.life = 0
        """Counts starts; what belongs to an older life is void."""
        self._checkers = cluster.checkers
        self.disk = SimulatedDisk(partial(cluster.checkers.committed, me))
        self._gather_s = cluster.plan.gather_s
        self.commit_s = commit_s
        self.slow_until = 0.0
        self.slow_s = 0.0
        self.fail_down_s: float | None = None
        """The next commit fails, and the replica stays down for so long."""
        self.gate = DurabilityGate()
        self.paused_until = 0.0
        self._inbox: list[tuple[Any, ...]] = []
        self.clock = Clock()
        self._timer = INFINITY
        self._drawn = fractions(mixed(cluster.plan.seed, 5, me), 1)
        """For how long commits take."""
        self._spins = 0
        self._pumping = False
        self.traps = Triggers(cluster, self)
        self.refused = False
        """It did not trust its disk, and is down for ever."""
        self._known = self.disk.told
        """What the others know of its disk. They are taken to have heard of every commit that was reported;
        a real replica tells its number about once a second."""
        self._denied: str | None = None
        """Why the others let it in only as a learner, once they have said so."""

    # The clock

    def set_clock(self, rate: float, jump_s: float) -> None:
        """Change the clock's rate, let it leap forward, or both."""
        now = self._cluster.now
        self.clock.set(now, rate, jump_s)
        self._timer = INFINITY
        if self.replica is not None:
            self._arm(now, self.replica.deadline)

    def _arm(self, now: float, deadline: float) -> None:
        """Wake the replica at its ``deadline``, as its own clock shows it, if nothing does so before."""
        if deadline < self._timer:
            self._timer = deadline
            at = self.clock.when(deadline) + 1e-9
            self._cluster.push(at if at > now else now, self._timer_due, (self.life, deadline))

    def _timer_due(self, event: tuple[int, float]) -> None:
        life, deadline = event
        replica = self.replica
        if life != self.life or deadline != self._timer or replica is None:
            return
        self._timer = INFINITY
        now = self._cluster.now
        if now < self.paused_until:
            return
        local = self.clock.at(now)
        due = replica.deadline
        if due > local:
            self._arm(now, due)
            return
        replica.wake(local)
        due = self._pump(replica, now, local)
        self._spins = self._spins + 1 if due <= local else 0
        if self._spins > SPIN_MAX:
            raise InvariantBroken(Invariant.SURPRISE, "its deadline does not move", self.me)

    # Life and death

    def start(self) -> None:
        """Start from the disk, or refuse to."""
        cluster = self._cluster
        self.life += 1
        self.gate = DurabilityGate()
        self._timer = INFINITY
        self.paused_until = 0.0
        rng = random.Random(mixed(cluster.plan.seed, 3, self.me, self.life))
        clock_s = self.clock.at(cluster.now)
        try:
            self._ask_the_others()
            saved = self.disk.open()
            replica = Replica(self.me, cluster.plan.replicas, cluster.plan.settings, rng, saved, clock_s)
        except DiskUntrusted as untrusted:
            self._refuse(untrusted)
            return
        cluster.began(self.me, saved)
        self.replica = replica
        self.pump()

    def _ask_the_others(self) -> None:
        """They let it in, perhaps only as a learner. A real replica hears that a little later, and whatever
        it has said by then is dropped where it arrives; so it might as well not have been said."""
        self._denied = self._denied or self.disk.objection(self._known)
        if self._denied is not None and self.disk.held is None:
            self._cluster.note(self.me, "without vote", self._denied)
            self._checkers.lost(self.me)
            self.disk.hold(self._denied)

    def hold(self, reason: str) -> bool:
        """The others tell it, in the middle of everything, that it has no vote any more; whether it hears."""
        replica, now = self.replica, self._cluster.now
        if replica is None or now < self.paused_until or self._denied is not None:
            return False
        self._cluster.note(self.me, "without vote", reason, "while it leads" if self.leads else "")
        self._denied = reason
        self._checkers.held(self.me)
        self.gate.discard()
        replica.become_learner(reason, self.clock.at(now))
        self.poke()
        return True

    def _refuse(self, untrusted: DiskUntrusted) -> None:
        """Whoever does not trust its disk stays down until somebody has seen to it: for ever, here."""
        cluster = self._cluster
        cluster.note(self.me, "refused", untrusted)
        cluster.faults["refused for ever"] += 1
        cluster.goal(untrusted.goal)
        self.refused = True

    def crash(self, down_s: float | None, why: str) -> None:
        """Everything that is not on disk is lost. ``down_s`` is ``None`` if nobody restarts it."""
        if self.replica is None:
            return
        cluster = self._cluster
        cluster.note(self.me, "crash", why)
        cluster.ended(self.me, "crash")
        survives = bool(mixed(cluster.plan.seed, 4, self.me, self.life) & 1)
        self.replica = None
        self.life += 1
        self.gate.discard()
        self._inbox.clear()
        self._pumping = False
        self.traps.crash = None
        if self._denied is None:
            self._known = self.disk.told
        in_flight = bool(self.disk.running)
        if self.disk.crash(survives):
            cluster.goal("commit in flight at a crash survives")
        elif in_flight:
            cluster.goal("commit in flight at a crash is lost")
        cluster.clients_lost(self.me)
        if down_s is not None:
            cluster.push(cluster.now + down_s, self._restart, self.life)

    def stop(self, why: str) -> None:
        """Crash, and void any restart that is due."""
        self.crash(None, why)
        self.life += 1

    def heal(self, rate: float) -> None:
        """No fault of the disk, the clock or the process any more; a damaged disk stays damaged."""
        cluster = self._cluster
        self.slow_until = 0.0
        self.fail_down_s = None
        self.traps.clear()
        self.set_clock(rate, 0.0)
        if self.replica is not None:
            self.replica.proposer.skips.clear()  # each would be a hole to come
        if self.paused_until > cluster.now:
            self.paused_until = cluster.now
            cluster.push(cluster.now, self.resume, self.life)

    def _restart(self, life: int) -> None:
        if life == self.life and self.replica is None:
            self._cluster.note(self.me, "restart")
            self._cluster.goal("restart")
            self.start()

    def pause(self, seconds: float) -> None:
        """Stop the process for a while; its input queues up."""
        now = self._cluster.now
        self.paused_until = max(self.paused_until, now + seconds)
        self._cluster.push(self.paused_until, self.resume, self.life)

    def resume(self, life: int) -> None:
        """Go on after a pause, unless a longer one began meanwhile."""
        if life != self.life or self._cluster.now < self.paused_until:
            return
        inbox, self._inbox = self._inbox, []
        if inbox:
            self._cluster.goal("input queued during a pause")
        self._timer = INFINITY
        self._pumping = True
        for item in inbox:
            if self.replica is not None and life == self.life:
                item[0](*item[1:])
        self._pumping = False
        if self.replica is not None and life == self.life:
            local = self.clock.at(self._cluster.now)
            if self.replica.deadline <= local:
                self.replica.wake(local)
            self.pump()

    # Inputs

    def message(self, parcel: Parcel) -> None:
        """A message arrives."""
        replica = self.replica
        if replica is None:
            return
        now = self._cluster.now
        if now < self.paused_until:
            self._inbox.append((self.message, parcel))
            return
        sender, message = parcel
        clock = self.clock
        local = now * clock.rate + clock.offset_s  # Clock.at, without the call
        replica.receive(sender, message, local)
        if not self._pumping:
            if self._gather_s:
                self._gather(now)
            else:
                self._pump(replica, now, local)

    def propose(self, command: Command) -> None:
        """A client's append arrives."""
        replica = self.replica
        if replica is None:
            return
        now = self._cluster.now
        if now < self.paused_until:
            self._inbox.append((self.propose, command))
            return
        local = self.clock.at(now)
        replica.propose(command, local)
        self._turn(replica, now, local)

    def read(self, ticket: int) -> None:
        """A client's linearizable read arrives."""
        replica = self.replica
        if replica is None:
            return
        now = self._cluster.now
        if now < self.paused_until:
            self._inbox.append((self.read, ticket))
            return
        self._checkers.read_started(self.me, ticket)
        local = self.clock.at(now)
        replica.read(ticket, local)
        self._turn(replica, now, local)

    def operate(self, verb: str, *args: Any) -> None:
        """An operator's verb: a method of the replica that takes ``args`` and ``now``."""
        if self.replica is None or self._cluster.now < self.paused_until:
            return
        getattr(self.replica, verb)(*args, self.clock.at(self._cluster.now))
        self.poke()

    @property
    def leads(self) -> bool:
        """Whether it believes to lead."""
        return self.replica is not None and self.replica.proposer.phase is Phase.LEADING

    @property
    def ballot(self) -> Ballot:
        """The ballot it leads at; ``ZERO`` if it does not."""
        reign = self.replica.proposer.leader if self.replica is not None else None
        return Ballot.ZERO if reign is None else reign.ballot

    @property
    def follows(self) -> Ballot:
        """The leader it heard last and holds for one; ``ZERO`` if there is none, or if it is down."""
        return Ballot.ZERO if self.replica is None else self.replica.acceptor.leader

    @property
    def watermark(self) -> int:
        """Its learned watermark; -1 if it is down."""
        return -1 if self.replica is None else self.replica.learner.watermark

    # Output

    def poke(self) -> None:
        """Take the output now, or once more input has gathered."""
        if self.replica is not None:
            now = self._cluster.now
            self._turn(self.replica, now, self.clock.at(now))

    def _turn(self, replica: Replica, now: float, local: float) -> None:
        if not self._pumping:
            if self._gather_s:
                self._gather(now)
            else:
                self._pump(replica, now, local)

    def _gather(self, now: float) -> None:
        self._pumping = True
        agenda = self._cluster.agenda
        heappush(agenda.heap, (now + self._gather_s, next(agenda.numbers), self._gathered, self.life))

    def _gathered(self, life: int) -> None:
        replica = self.replica
        if life != self.life or replica is None:
            return
        self._pumping = False
        now = self._cluster.now
        if now < self.paused_until:
            self._inbox.append((self.poke,))
            return
        self._pump(replica, now, self.clock.at(now))

    def pump(self) -> None:
        """One turn of the host loop: take the output and treat it."""
        now = self._cluster.now
        if self.replica is not None:
            self._pump(self.replica, now, self.clock.at(now))

    def _pump(self, replica: Replica, now: float, local: float) -> float:
        """The same, of the replica that runs, at ``local`` by its own clock; its deadline afterwards."""
        deadline = replica.deadline
        if local >= deadline or replica.pending:
            output = replica.take(local)
            if output.events:
                self._cluster.events(self.me, output.events)
                traps = self.traps
                if (traps.crash is not None or traps.silence is not None) and traps.spring(output):
                    return replica.deadline
            self.treat(output)
            deadline = replica.deadline
        if deadline < self._timer:
            self._arm(now, deadline)
        return deadline

    def treat(self, output: Output) -> None:
        """Everything that comes of an output, in the order that the core asks for."""
        cluster, me = self._cluster, self.me
        if output.applied:
            for applied in output.applied:
                if type(applied) is Applied:
                    self._checkers.applied(me, applied)
            cluster.probe(self)
        if sends := self.gate.admit(output):
            cluster.network.send(cluster.now, me, sends)
        if output.replies:
            for reply in output.replies:
                self._checkers.replied(me, reply)
                cluster.reply(me, reply)
        for fetch in output.fetches:
            cluster.push(cluster.now + FETCH_S, self._fetched, (self.life, fetch))
        if output.writes and self.disk.submit(output.batch, output.writes):
            self._commit()

    # The disk

    def _commit(self) -> None:
        if not self.disk.start():
            return
        cluster = self._cluster
        drawn = next(self._drawn)
        commit_s = self.slow_s if cluster.now < self.slow_until else self.commit_s
        cluster.push(cluster.now + commit_s * (0.5 + drawn), self._committed, self.life)

    def _committed(self, life: int) -> None:
        if life != self.life:
            return
        if self.fail_down_s is not None:
            down_s, self.fail_down_s = self.fail_down_s, None
            self._cluster.goal("failing commit")
            self.crash(down_s, "commit failed")
            return
        if len(self.disk.running) > 1:
            self._cluster.goal("group commit")
        batch = self.disk.finish()
        self._commit()
        self._told_durable(batch)

    def _told_durable(self, batch: int) -> None:
        replica = self.replica
        if replica is None:
            return
        now = self._cluster.now
        if now < self.paused_until:
            self._inbox.append((self._told_durable, batch))
            return
        if sends := self.gate.durable(batch):
            self._cluster.network.send(now, self.me, sends)
        local = self.clock.at(now)
        replica.durable(batch, local)
        self._turn(replica, now, local)

    def _fetched(self, event: tuple[int, Fetch | FetchState]) -> None:
        life, fetch = event
        if life != self.life or self.replica is None:
            return
        if isinstance(fetch, FetchState):
            page = self.disk.read_state(fetch.upto, fetch.after, fetch.bytes_max)
            if page is not None:
                if not page.last:
                    self._cluster.goal("snapshot in pages")
                self._hand_state(fetch, page)
            return
        self._cluster.goal("entries read from disk")
        try:
            entries = self.disk.read(fetch.first, fetch.slots_max, fetch.chars_max)
        except DiskUntrusted as untrusted:
            self.stop("storage error")
            self._refuse(untrusted)
            return
        self._hand_over(fetch, entries)

    def _hand_state(self, fetch: FetchState, page: Snapshot) -> None:
        if self.replica is None:
            return
        now = self._cluster.now
        if now < self.paused_until:
            self._inbox.append((self._hand_state, fetch, page))
            return
        self.replica.fetched_state(fetch.peer, page, self.clock.at(now))
        self.poke()

    def _hand_over(self, fetch: Fetch, entries: tuple[Entry, ...]) -> None:
        if self.replica is None:
            return
        now = self._cluster.now
        if now < self.paused_until:
            self._inbox.append((self._hand_over, fetch, entries))
            return
        self.replica.fetched(fetch.peer, fetch.first, entries, self.clock.at(now))
        self.poke()
