"""One replica: acceptor, proposer and learner, and the order in which what they decide may leave.

"Each process plays the role of proposer, acceptor, and learner" in the implementation that Paxos Made Simple
describes (2.5), and here. One ballot counter, one log and one disk serve all three, so one transaction can
hold what all of them decided: the promise that an Accept raised, the vote, and the watermark that moved.

This class knows the order of effects and nothing of what messages mean (:mod:`paxtui.core.dispatch`). Its
inputs may come in any number between two outputs. What they decide together is written together, so that
under load one sync of the disk serves many messages, and without load none waits.
"""

from __future__ import annotations

import random
from collections import deque

from paxtui.core.acceptor import Acceptor
from paxtui.core.ballot import REPLICAS_MAX
from paxtui.core.dispatch import Dispatcher
from paxtui.core.durable_state import DurableState
from paxtui.core.events import BecameNonVoting, Restored
from paxtui.core.leader import INFINITY
from paxtui.core.leader_requests import LeaderRequests
from paxtui.core.learner import Learner
from paxtui.core.log_server import LogServer
from paxtui.core.messages import PeerMessage, Snapshot
from paxtui.core.outbox import Outbox
from paxtui.core.output import Output, PutNonVoting, PutState
from paxtui.core.proposer import Phase, Proposer
from paxtui.core.settings import Settings
from paxtui.core.status import Status
from paxtui.core.validation import MessageValidator, stranger
from paxtui.core.values import NOOP, Command, Entry


class Replica:
    """One replica. Inputs are methods that take ``now`` (monotonic seconds); effects come out of
    :meth:`take`.

    Nothing here does I/O, reads a clock or draws randomness but from ``rng``; two replicas that are given
    the same inputs do the same. That is what lets one seed repeat a failure of a whole cluster, and what
    lets a test explore all orders of messages (FoundationDB and TigerBeetle are built around the same idea).

    Sizes are odd: a fourth replica makes a majority larger without letting the cluster lose one more.
    """

    def __init__(
        self,
        me: int,
        replicas: int,
        settings: Settings,
        rng: random.Random,
        saved: DurableState,
        now: float,
    ) -> None:
        if replicas not in range(1, REPLICAS_MAX + 1, 2) or me not in range(replicas):
            raise ValueError(f"replica {me} of {replicas}: sizes are 1, 3, 5, 7, 9 and ids start at 0")
        self.me = me
        self.replicas = replicas
        self._settings = settings
        self._out = Outbox(me)
        self.acceptor = Acceptor(self._out, settings, saved.promised, saved.votes)
        self.learner = Learner(self._out, settings, self.acceptor, saved)
        self._log_server = LogServer(self._out, settings, self.learner)
        self.proposer = Proposer(
            self._out, settings, replicas, self.acceptor, self.learner, rng, saved.round, now
        )
        self._bounds = MessageValidator(replicas, settings, (self.acceptor, self.learner, self.proposer), now)
        self._requests = LeaderRequests(self._out, settings, self.learner, self.proposer)
        self._dispatcher = Dispatcher(self._out, self.acceptor, self.learner, self._log_server, self.proposer)
        self._batch = 0
        """The last batch that was closed."""
        self._durable = 0
        """The last batch that the host has reported."""
        self._unsynced: deque[tuple[int, tuple[PeerMessage, ...]]] = deque()
        """Messages to oneself that wait for a batch, as those to others wait at the host's gate."""
        self._written_watermark = saved.watermark
        self._flush_at = INFINITY
        """When a watermark that has moved is written without other company. It may lag behind: a restart
        learns again what it had learned, and nothing that was said rests on it (``Acceptor.on_prepare``)."""
        restored = Restored(saved.promised, saved.round, saved.watermark, len(self.acceptor.votes))
        self._out.event(restored)
        self.non_voting: str | None = None
        """Why this replica is a learner without vote; ``None`` if it has one."""
        if saved.non_voting is not None:
            self._stop_voting(saved.non_voting)

    # Inputs

    def receive(self, sender: int, message: PeerMessage, now: float) -> None:
        """Take a message from another replica. Whatever it says, in whatever phase, has a defined answer.

        Bounds come before any role sees it: a message is either dropped whole or taken whole. How far one
        message may raise the highest round seen is limited, or a single liar could use up all rounds.
        """
        reason = (
            self._objection(sender, message)
            or self._bounds.objection(sender, message, now)
            or self._bounds.contradiction(message)
        )
        if reason is not None:
            self._dispatcher.drop(sender, message, reason)
            return
        round_seen = self.proposer.round_seen
        if self.non_voting is None:
            self._dispatcher.deliver(sender, message, now)
        else:
            self._dispatcher.follow(sender, message, now)
        if (rounds := self.proposer.round_seen - round_seen) > 0:
            self._bounds.spend_rounds(rounds, now)
        self._deliver_local(now)

    def propose(self, command: Command, now: float) -> None:
        """Take a client's request; one :class:`Appended` or :class:`Refused` will answer it, unless the
        replica dies first. Then its client asks another one, under the same number."""
        del now
        if command.is_noop:
            raise ValueError("a client cannot propose a no-op")
        self._requests.append(command)

    def read(self, ticket: int, now: float) -> None:
        """Start a linearizable read; one ReadReady or ReadRefused with ``ticket`` will answer it."""
        del now
        self._requests.read(ticket)

    def wake(self, now: float) -> None:
        """Do what is due by time alone; see :attr:`deadline`. To be woken too early or twice is harmless."""
        self.proposer.wake(now)
        if now >= self.learner.ask_again_at:
            self.learner.ask_for_missing(now)
        self._deliver_local(now)

    def durable(self, batch: int, now: float) -> None:
        """Note that everything up to output ``batch`` is on disk: own promises and votes count from here on.

        A message to oneself that must be durable waits like one to others. If a leader counted its own vote
        while the disk still has it to write, a crash could take back a vote of a majority that was counted,
        and with it a value that is called chosen.
        """
        self._durable = max(self._durable, batch)
        while self._unsynced and self._unsynced[0][0] <= self._durable:
            self._out.local.extend(self._unsynced.popleft()[1])
        self._deliver_local(now)

    def fetched(self, peer: int, first: int, entries: tuple[Entry, ...], now: float) -> None:
        """Send what the host read from disk for a :class:`Fetch`. Learned slots do not change, so it does
        not matter how much later that is."""
        del now
        self._log_server.send_entries(peer, first, entries)

    def fetched_state(self, peer: int, page: Snapshot, now: float) -> None:
        """Send what the host read from disk for a :class:`FetchState`; its ``learned`` does not matter."""
        del now
        self._log_server.send_state(peer, page)

    def lost_contact(self, peer: int, now: float) -> None:
        """Heed that the host's connection from ``peer`` broke. Only a hint: it ends loyalty and shortens a
        wait. A process that dies closes its sockets, so its successor is elected in a fraction of the
        election timeout; a cut cable closes nothing, and the timeout decides."""
        if self.acceptor.leader.replica == peer and self.acceptor.leader.round:
            self.acceptor.forget_leader(self.acceptor.leader)
            self.proposer.lost_leader(now)

    def elect(self, now: float) -> str | None:
        """Force an election here; return the reason if that is impossible, like all operator verbs."""
        if self.non_voting is not None:
            return self._without_vote
        reason = self.proposer.elect(now)
        self._deliver_local(now)
        return reason

    def skip_slot(self, slot: int | None, now: float) -> str | None:
        """Leave ``slot`` (``None``: the next one) empty when this replica leads."""
        del now
        if self.non_voting is not None:
            return self._without_vote
        return self._requests.skip(slot)

    def fill_hole(self, slot: int, now: float) -> str | None:
        """Fill a hole of this leader with a no-op at once."""
        if self.non_voting is not None:
            return self._without_vote
        reason = self._requests.fill_hole(slot, now)
        self._deliver_local(now)
        return reason

    def checkpoint(self, wall_s: int, now: float) -> str | None:
        """Have every replica keep its state at the next slot, so that the log may be trimmed to there later.
        ``wall_s`` is the checkpoint's stamp: what the age of messages is measured by."""
        del now
        return self._requests.checkpoint(wall_s)

    def trim(self, upto: int, now: float) -> str | None:
        """Have every replica remove the slots below the last checkpoint that is not above ``upto``."""
        del now
        return self._requests.trim(upto)

    def crash_proposer(self, now: float) -> None:
        """Stop the proposer role only. Operators use it to see that acceptors alone keep all that is safe."""
        del now
        self.proposer.crash()

    def restore_proposer(self, now: float) -> None:
        """Let a crashed proposer work again."""
        self.proposer.restore(now)

    def become_learner(self, reason: str, now: float) -> None:
        """Be a learner without vote from here on, also after restarts: this replica's disk may have forgotten
        promises or votes.

        All of safety rests on what acceptors remember. "An acceptor needs to remember this information
        even if it fails and is then restarted" (Paxos Made Simple, 2.2); one that has forgotten its answer
        to a Prepare may accept what P1a forbids, and a value that its lost vote had chosen may be missing
        from what phase 1 is told, which breaks P2c. A replica that answers nothing is one that has failed,
        and Paxos bears a minority of those; as a learner it can do no harm, because a value that somebody
        learned is chosen, whoever votes.

        Chubby lets such a replica vote again once it has seen an instance of Paxos that began after its
        rebuilding did (Paxos Made Live, 5.1), and Viewstamped Replication Revisited lets it ask a majority
        what it may have said (4.3). Both need the others to answer for it at the right moment; to stay
        without a vote needs nothing of them.
        """
        del now
        if self.non_voting is None:
            self._out.writes.append(PutNonVoting(reason))
            self._stop_voting(reason)

    def _stop_voting(self, reason: str) -> None:
        """Drop every answer that has not left yet: from this moment on each of them could be a lie."""
        self.non_voting = reason
        self.proposer.become_learner()
        self.acceptor.discard_votes()
        self._out.discard_promises()
        self._unsynced.clear()
        self._out.event(BecameNonVoting(reason))

    @property
    def _without_vote(self) -> str:
        return f"it is a learner without vote: {self.non_voting}"

    def write_watermark(self) -> None:
        """Let the next output write the watermark, if it has moved: the host is about to stop, and what is
        written now need not be learned again at the next start."""
        if self.learner.watermark > self._written_watermark:
            self._out.urgent = True

    # Dispatch

    def _objection(self, sender: int, message: PeerMessage) -> str | None:
        """Return why a message cannot come from its sender, if so."""
        return stranger(self.me, self.replicas, sender, message)

    def _deliver_local(self, now: float) -> None:
        """Deliver messages to oneself through the same handlers, then apply what is learned; repeat while
        that leads to more. It ends: an answer to oneself is counted once, and a repeated one is dropped."""
        local, learner = self._out.local, self.learner
        while True:
            while local:
                self._dispatcher.deliver(self.me, local.popleft(), now)
            if learner.known:
                self._dispatcher.advance()
            if not local:
                break
        if learner.watermark > self._written_watermark and self._flush_at == INFINITY:
            self._flush_at = now + self._settings.flush_s

    # Output

    def take(self, now: float) -> Output:
        """Return everything decided since the last call, as the host must treat it (:mod:`paxtui.core`).

        Requests become proposals here, and not when they come, so that all of a turn share one Accept, one
        transaction and one round trip.
        """
        out = self._out
        self._bounds.reset_page_budget()
        self.proposer.propose_waiting(now)
        self._deliver_local(now)
        if now >= self._flush_at:
            out.urgent = True
        self._close_batch()
        if self._durable == self._batch:
            # Nothing is on its way to the disk, so what waited for it is free now: an answer that only
            # repeats what is durable. It may lead to more, and that to writes; then the batch decides.
            while out.local_durable:
                out.local.extend(out.local_durable)
                out.local_durable.clear()
                self._deliver_local(now)
                self.proposer.propose_waiting(now)
                self._deliver_local(now)
                if self._close_batch():
                    break
        if out.local_durable:
            self._unsynced.append((self._batch, tuple(out.local_durable)))
            out.local_durable.clear()
        return self._collect()

    def _close_batch(self) -> bool:
        """End the batch with the small state, if there is anything to write; return whether there was.

        Promise, round and watermark stand in the same transaction as the votes and entries that belong to
        them. A vote that is durable before the promise that it implies (or after it) is a state that no rule
        of Paxos allows for, and a crash between two transactions would make it real.
        """
        out = self._out
        if not out.urgent and (not out.writes or isinstance(out.writes[-1], PutState)):
            return False
        learner = self.learner
        if learner.watermark - learner.checkpointed >= self._settings.checkpoint_slots:
            learner.checkpointed = learner.watermark
            out.writes.append(learner.sessions.checkpoint(learner.watermark))
        promised = self.acceptor.promised
        out.writes.append(PutState(promised, self.proposer.round, learner.watermark, learner.chain))
        out.urgent = False
        self._written_watermark = learner.watermark
        self._flush_at = INFINITY
        self._batch += 1
        return True

    def _collect(self) -> Output:
        out = self._out
        sends, sends_durable, events = out.drain()
        output = Output(
            self._batch,
            tuple(out.writes),
            sends,
            sends_durable,
            tuple(out.replies),
            tuple(out.applied),
            tuple(out.fetches),
            events,
        )
        out.writes.clear()
        out.replies.clear()
        out.applied.clear()
        out.fetches.clear()
        return output

    @property
    def pending(self) -> bool:
        """Tell whether :meth:`take` has anything to give now; if not, calling it is harmless."""
        leader = self.proposer.leader
        return self._out.pending or (leader is not None and leader.has_work)

    @property
    def untold(self) -> bool:
        """Tell whether something has happened of which :meth:`take` has not given the events yet: then
        :attr:`status` is ahead of them."""
        return self._out.pending

    @property
    def deadline(self) -> float:
        """Return when :meth:`wake` or :meth:`take` has something to do that only time brings; ``inf`` if
        never. The core asks to be woken instead of having timers: so the simulator owns all time."""
        return min(self.proposer.deadline, self.learner.ask_again_at, self._flush_at)

    @property
    def timers(self) -> dict[str, float]:
        """Return by name what time alone brings, for people and for those who step through time; the earliest
        is :attr:`deadline`."""
        return {**self.proposer.timers, "catch-up": self.learner.ask_again_at, "watermark": self._flush_at}

    @property
    def status(self) -> Status:
        """Return a picture for people; nothing in the protocol depends on it."""
        proposer, learner, leader = self.proposer, self.learner, self.proposer.leader
        leading = proposer.phase is Phase.LEADING
        hint = proposer.leader_hint
        return Status(
            replica=self.me,
            replicas=self.replicas,
            role="leader" if leading else proposer.phase.value,
            promised=self.acceptor.promised,
            ballot=leader.ballot if leader is not None else self.acceptor.leader,
            leader=hint,
            watermark=learner.watermark,
            learned_high=max(learner.known, default=learner.watermark - 1) + 1,
            accepted_high=max(self.acceptor.high, learner.watermark),
            lag=learner.lag,
            in_flight=leader.in_flight if leader is not None else 0,
            queued=leader.queued if leader is not None else 0,
            holes=tuple(sorted(leader.holes)) if leader is not None else (),
            sessions=len(learner.sessions),
            chain=learner.chain.hex(),
            log_start=learner.log_start,
            peers={str(peer): upto for peer, upto in sorted(learner.peers.items())},
            non_voting=self.non_voting,
        )


__all__ = ["NOOP", "Replica", "Status"]
