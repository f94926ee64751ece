"""One simulated process: a replica, its clock, its disk and its host loop."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.core.ballot import Ballot
from paxtui.core.messages import PeerMessage
from paxtui.core.output import EVERYONE, Envelope, Fetch, Output
from paxtui.core.proposer import Phase
from paxtui.core.replica import Replica
from paxtui.core.values import Command, Entry
from paxtui.sim.clock import Clock
from paxtui.sim.disk import Disk, Untrusted
from paxtui.sim.hashing import fraction, mix, mixed
from paxtui.sim.traps import Traps

if TYPE_CHECKING:
    from paxtui.sim.cluster import Cluster

INFINITY = float("inf")

FETCH_S = 0.0005
"""How long the host takes to read a page from disk."""

SPIN_MAX = 100
"""Wake-ups in a row after which a deadline that does not move is called a busy loop."""


class Node:
    """Everything of one replica that is not the core. It survives crashes; ``replica`` does not."""

    def __init__(self, cluster: Cluster, me: int, commit_s: float) -> None:
        self._cluster = cluster
        self.me = me
        self.replica: Replica | None = None
        self.life = 0
        """Counts starts; what belongs to an older life is void."""
        self.disk = Disk(lambda write, rows: cluster.checkers.committed(me, write, rows))
        self.commit_s = commit_s
        self.slow_until = 0.0
        self.slow_s = 0.0
        self.fail_down_s: float | None = None
        """The next commit fails, and the replica stays down for so long."""
        self._commits = 0
        self._durable = 0
        self._held: list[tuple[int, tuple[Envelope, ...]]] = []
        self.paused_until = 0.0
        self._inbox: list[tuple[Any, ...]] = []
        self.clock = Clock()
        self._timer = INFINITY
        self._commit_seed = mixed(cluster.plan.seed, 5, me)
        self._spins = 0
        self._pumping = False
        self.traps = Traps(cluster, self)
        self.refused = False
        """It did not trust its disk, and is down for ever."""

    # The clock

    def set_clock(self, rate: float, jump_s: float) -> None:
        """Change the clock's rate, let it leap forward, or both."""
        now = self._cluster.now
        self.clock.set(now, rate, jump_s)
        self._timer = INFINITY
        self._set_timer(now)

    def _set_timer(self, now: float) -> None:
        if self.replica is None:
            return
        deadline = self.replica.deadline
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
        if replica.deadline > local:
            self._set_timer(now)
            return
        replica.wake(local)
        self.pump()
        self._spins = self._spins + 1 if replica.deadline <= local else 0
        if self._spins > SPIN_MAX:
            raise InvariantBroken(Invariant.SURPRISE, "its deadline does not move", self.me)

    # Life and death

    def start(self) -> None:
        """Start from the disk, or refuse to."""
        cluster = self._cluster
        self.life += 1
        self._durable = 0
        self._timer = INFINITY
        self.paused_until = 0.0
        rng = random.Random(mixed(cluster.plan.seed, 3, self.me, self.life))
        clock_s = self.clock.at(cluster.now)
        try:
            saved = self.disk.open()
            replica = Replica(self.me, cluster.plan.replicas, cluster.plan.settings, rng, saved, clock_s)
        except Untrusted as untrusted:
            self._refuse(untrusted)
            return
        cluster.began(self.me, saved)
        self.replica = replica
        self.pump()

    def _refuse(self, untrusted: Untrusted) -> None:
        """Whoever does not trust its disk stays down until somebody has seen to it: for ever, here."""
        cluster = self._cluster
        cluster.note(self.me, "refused", str(untrusted))
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
        self._held.clear()
        self._inbox.clear()
        self._pumping = False
        self.traps.crash = None
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
            self._cluster.note(self.me, "restart", "")
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

    def message(self, sender: int, message: PeerMessage) -> None:
        """A message arrives."""
        replica = self.replica
        if replica is None:
            return
        now = self._cluster.now
        if now < self.paused_until:
            self._inbox.append((self.message, sender, message))
            return
        replica.receive(sender, message, self.clock.at(now))
        self.poke()

    def propose(self, command: Command) -> None:
        """A client's append arrives."""
        if self.replica is None:
            return
        now = self._cluster.now
        if now < self.paused_until:
            self._inbox.append((self.propose, command))
            return
        self.replica.propose(command, self.clock.at(now))
        self.poke()

    def read(self, ticket: int) -> None:
        """A client's linearizable read arrives."""
        if self.replica is None:
            return
        now = self._cluster.now
        if now < self.paused_until:
            self._inbox.append((self.read, ticket))
            return
        self._cluster.checkers.read_started(self.me, ticket)
        self.replica.read(ticket, self.clock.at(now))
        self.poke()

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
        reign = self.replica.proposer.reign if self.replica is not None else None
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
        if self._pumping:
            return
        gather_s = self._cluster.plan.gather_s
        if gather_s == 0.0:
            self.pump()
            return
        self._pumping = True
        self._cluster.push(self._cluster.now + gather_s, self._gathered, self.life)

    def _gathered(self, life: int) -> None:
        if life != self.life or self.replica is None:
            return
        self._pumping = False
        if self._cluster.now < self.paused_until:
            self._inbox.append((self.poke,))
            return
        self.pump()

    def pump(self) -> None:
        """One turn of the host loop: take the output and treat it."""
        replica, cluster = self.replica, self._cluster
        if replica is None:
            return
        now = cluster.now
        output = replica.take(self.clock.at(now))
        if output.events:
            cluster.events(self.me, output.events)
            if self.traps.spring(output):
                return
        self.treat(output)
        if self.replica is not None:
            self._set_timer(now)

    def treat(self, output: Output) -> None:
        """Everything that comes of an output, in the order that the core asks for."""
        cluster = self._cluster
        checkers = cluster.checkers
        if output.applied:
            for applied in output.applied:
                checkers.applied(self.me, applied)
            cluster.probe(self)
        if output.sends:
            self.send(output.sends)
        if output.sends_durable:
            if output.batch <= self._durable:
                self.send(output.sends_durable)
            else:
                self._held.append((output.batch, output.sends_durable))
        for reply in output.replies:
            checkers.replied(self.me, reply)
            cluster.reply(self.me, reply)
        for fetch in output.fetches:
            cluster.push(cluster.now + FETCH_S, self._fetched, (self.life, fetch))
        if output.writes and self.disk.submit(output.batch, output.writes):
            self._commit()

    def send(self, envelopes: tuple[Envelope, ...]) -> None:
        """Messages leave."""
        cluster, me = self._cluster, self.me
        now = cluster.now
        check, send = cluster.checkers.sent, cluster.network.send
        for envelope in envelopes:
            message = envelope.message
            check(me, message)
            to = envelope.to
            if to == EVERYONE:
                for peer in cluster.peers[me]:
                    send(now, me, peer, message)
            else:
                send(now, me, to, message)

    # The disk

    def _commit(self) -> None:
        if not self.disk.start():
            return
        cluster = self._cluster
        self._commits += 1
        drawn = fraction(mix(self._commit_seed ^ self._commits))
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
        if self.replica is None:
            return
        now = self._cluster.now
        if now < self.paused_until:
            self._inbox.append((self._told_durable, batch))
            return
        self._durable = batch
        held = self._held
        while held and held[0][0] <= batch:
            self.send(held.pop(0)[1])
        self.replica.durable(batch, self.clock.at(now))
        self.poke()

    def _fetched(self, event: tuple[int, Fetch]) -> None:
        life, fetch = event
        if life != self.life or self.replica is None:
            return
        self._cluster.goal("entries read from disk")
        try:
            entries = self.disk.read(fetch.first, fetch.slots_max, fetch.chars_max)
        except Untrusted as untrusted:
            self.stop("storage error")
            self._refuse(untrusted)
            return
        self._hand_over(fetch, entries)

    def _hand_over(self, fetch: Fetch, entries: tuple[Entry, ...]) -> None:
        if self.replica is None:
            return
        now = self._cluster.now
        if now < self.paused_until:
            self._inbox.append((self._hand_over, fetch, entries))
            return
        self.replica.fetched(fetch.peer, fetch.first, entries, self.clock.at(now))
        self.poke()
