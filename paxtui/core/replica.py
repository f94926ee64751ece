"""One replica: acceptor, proposer and learner, and the order in which what they decide may leave."""

from __future__ import annotations

import random
from collections import deque
from typing import assert_never

from paxtui.core.acceptor import Acceptor
from paxtui.core.ballot import REPLICAS_MAX, Ballot
from paxtui.core.durable_state import DurableState
from paxtui.core.events import BecameNonVoting, MessageDropped, Restored
from paxtui.core.leader import INFINITY
from paxtui.core.learner import Learner, Unasked
from paxtui.core.messages import (
    Accept,
    Accepted,
    CatchUp,
    Chosen,
    Entries,
    Heartbeat,
    HeartbeatAck,
    Nack,
    PeerMessage,
    Prepare,
    PreVote,
    PreVoteReply,
    Promise,
    Snapshot,
    SnapshotAsk,
)
from paxtui.core.outbox import Outbox
from paxtui.core.output import Output, PutNonVoting, PutState
from paxtui.core.proposer import Phase, Proposer
from paxtui.core.settings import Settings
from paxtui.core.status import Status
from paxtui.core.validation import MessageValidator, stranger
from paxtui.core.values import NOOP, Command, Entry


class Replica:
    """Inputs are methods that take ``now`` (monotonic seconds); effects come out of :meth:`take`.

    Nothing here does I/O, reads a clock or draws randomness but from ``rng``; two replicas that are given
    the same inputs do the same.
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
        self.proposer = Proposer(
            self._out, settings, replicas, self.acceptor, self.learner, rng, saved.round, now
        )
        self._bounds = MessageValidator(replicas, settings, (self.acceptor, self.learner, self.proposer), now)
        self._batch = 0
        self._durable = 0
        self._unsynced: deque[tuple[int, tuple[PeerMessage, ...]]] = deque()
        self._written_watermark = saved.watermark
        self._flush_at = INFINITY
        restored = Restored(saved.promised, saved.round, saved.watermark, len(self.acceptor.votes))
        self._out.event(restored)
        self.non_voting: str | None = None
        """Why this replica is a learner without vote; ``None`` if it has one."""
        if saved.non_voting is not None:
            self._stop_voting(saved.non_voting)

    # Inputs

    def receive(self, sender: int, message: PeerMessage, now: float) -> None:
        """A message from another replica. Whatever it says, in whatever phase, has a defined answer."""
        reason = (
            self._objection(sender, message)
            or self._bounds.objection(sender, message, now)
            or self._bounds.contradiction(message)
        )
        if reason is not None:
            self._drop(sender, message, reason)
            return
        round_seen = self.proposer.round_seen
        if self.non_voting is None:
            self._dispatch(sender, message, now)
        else:
            self._follow(sender, message, now)
        if (rounds := self.proposer.round_seen - round_seen) > 0:
            self._bounds.spend_rounds(rounds, now)
        self._settle(now)

    def propose(self, command: Command, now: float) -> None:
        """A client's request; one :class:`Appended` or :class:`Refused` will answer it."""
        del now
        if command.is_noop:
            raise ValueError("a client cannot propose a no-op")
        self.proposer.append(command)

    def read(self, ticket: int, now: float) -> None:
        """A linearizable read; one ReadReady or ReadRefused with ``ticket`` will answer it."""
        del now
        self.proposer.read(ticket)

    def wake(self, now: float) -> None:
        """Time has passed; see :attr:`deadline`."""
        self.proposer.wake(now)
        if now >= self.learner.ask_again_at:
            self.learner.seek(now)
        self._settle(now)

    def durable(self, batch: int, now: float) -> None:
        """Everything up to output ``batch`` is on disk: own promises and votes count from here on."""
        self._durable = max(self._durable, batch)
        while self._unsynced and self._unsynced[0][0] <= self._durable:
            self._out.local.extend(self._unsynced.popleft()[1])
        self._settle(now)

    def fetched(self, peer: int, first: int, entries: tuple[Entry, ...], now: float) -> None:
        """What the host read from disk for a :class:`Fetch`."""
        del now
        self.learner.send_entries(peer, first, entries)

    def fetched_state(self, peer: int, page: Snapshot, now: float) -> None:
        """What the host read from disk for a :class:`FetchState`; its ``learned`` does not matter."""
        del now
        self.learner.send_state(peer, page)

    def lost_contact(self, peer: int, now: float) -> None:
        """The host's connection from ``peer`` broke. Only a hint: it ends loyalty and shortens a wait."""
        if self.acceptor.leader.replica == peer and self.acceptor.leader.round:
            self.acceptor.forget_leader(self.acceptor.leader)
            self.proposer.lost_leader(now)

    def elect(self, now: float) -> str | None:
        """Force an election here; the reason if that is impossible. The same for all operator verbs."""
        if self.non_voting is not None:
            return self._without_vote
        reason = self.proposer.elect(now)
        self._settle(now)
        return reason

    def skip_slot(self, slot: int | None, now: float) -> str | None:
        """Leave ``slot`` (``None``: the next one) empty when this replica leads."""
        del now
        if self.non_voting is not None:
            return self._without_vote
        return self.proposer.skip(slot)

    def fill_hole(self, slot: int, now: float) -> str | None:
        """Fill a hole of this leader with a no-op at once."""
        if self.non_voting is not None:
            return self._without_vote
        reason = self.proposer.fill_hole(slot, now)
        self._settle(now)
        return reason

    def checkpoint(self, wall_s: int, now: float) -> str | None:
        """Have every replica keep its state at the next slot, so that the log may be trimmed to there later.
        ``wall_s`` is the checkpoint's stamp: what the age of messages is measured by."""
        del now
        return self.proposer.checkpoint(wall_s)

    def trim(self, upto: int, now: float) -> str | None:
        """Have every replica remove the slots below the last checkpoint that is not above ``upto``."""
        del now
        return self.proposer.trim(upto)

    def crash_proposer(self, now: float) -> None:
        """Stop the proposer role only."""
        del now
        self.proposer.crash()

    def restore_proposer(self, now: float) -> None:
        """Let it work again."""
        self.proposer.restore(now)

    def become_learner(self, reason: str, now: float) -> None:
        """This replica's disk may have forgotten promises or votes: be a learner without vote from here on,
        also after restarts.

        All of safety rests on what acceptors remember. "An acceptor needs to remember this information
        even if it fails and is then restarted" (Paxos Made Simple, 2.2); one that has forgotten its answer
        to a Prepare may accept what P1a forbids, and a value that its lost vote had chosen may be missing
        from what phase 1 is told, which breaks P2c. A replica that answers nothing is one that has failed,
        and Paxos bears a minority of those; as a learner it can do no harm, because a value that somebody
        learned is chosen, whoever votes.
        """
        del now
        if self.non_voting is None:
            self._out.writes.append(PutNonVoting(reason))
            self._stop_voting(reason)

    def _stop_voting(self, reason: str) -> None:
        self.non_voting = reason
        self.proposer.become_learner()
        self.acceptor.discard_votes()
        self._out.discard_promises()
        self._unsynced.clear()
        self._out.event(BecameNonVoting(reason))

    @property
    def _without_vote(self) -> str:
        return f"it is held as a learner without vote: {self.non_voting}"

    def settle(self) -> None:
        """The host is about to stop: let the next output write the watermark, if it has moved."""
        if self.learner.watermark > self._written_watermark:
            self._out.urgent = True

    # Dispatch

    def _objection(self, sender: int, message: PeerMessage) -> str | None:
        """Why a message cannot come from its sender."""
        return stranger(self.me, self.replicas, sender, message)

    def _drop(self, sender: int, message: PeerMessage, reason: str) -> None:
        self._out.event(MessageDropped(str(type(message).__struct_config__.tag), sender, reason))

    def _dispatch(self, sender: int, message: PeerMessage, now: float) -> None:
        acceptor, learner, proposer = self.acceptor, self.learner, self.proposer
        learned = learner.watermark
        match message:
            case Accept():
                acceptor.on_accept(sender, message, now, learned, learner.known)
                if acceptor.promised == message.ballot:
                    proposer.heard_leader(message.ballot, now)
            case Accepted():
                self._on_accepted(sender, message, now)
            case Chosen():
                learner.on_chosen(message)
            case Heartbeat():
                if acceptor.on_heartbeat(sender, message, now, learned):
                    proposer.heard_leader(message.ballot, now)
                    learner.on_watermark(message)
                    self._advance()
                    self._heard(sender, message.learned, now)
            case HeartbeatAck():
                if self._answers_reign(sender, message.ballot, message, now):
                    self._heard(sender, message.learned, now)
                    if proposer.leader is not None:
                        proposer.leader.on_ack(sender, message, learner.watermark)
            case Prepare():
                acceptor.on_prepare(sender, message, now, learned)
                if acceptor.promised == message.ballot:
                    proposer.promised_to(message.ballot, now)
            case Promise():
                proposer.on_promise(sender, message, now)
                self._heard(sender, message.learned, now)
            case Nack():
                proposer.round_seen = max(proposer.round_seen, message.promised.round)
                proposer.on_nack(sender, message, now)
                self._heard(sender, message.learned, now)
            case PreVote():
                acceptor.on_pre_vote(sender, message, now, learned)
            case PreVoteReply():
                proposer.round_seen = max(proposer.round_seen, message.promised.round)
                proposer.on_pre_vote_reply(sender, message, now)
                self._heard(sender, message.learned, now)
            case CatchUp():
                learner.on_catch_up(sender, message)
            case Entries():
                self._on_entries(sender, message, now)
            case SnapshotAsk():
                learner.on_snapshot_ask(sender, message)
            case Snapshot():
                self._on_snapshot(sender, message, now)
            case _:
                assert_never(message)
        if isinstance(message, Prepare | Accept | Heartbeat):
            proposer.saw_round(message.ballot, now)

    def _follow(self, sender: int, message: PeerMessage, now: float) -> None:
        """What a learner without vote takes of a message: who leads, how far others are, what they learned.
        It answers nothing that could count: no Promise, no Accepted, and no Nack or acknowledgement, which
        would keep a leader in office or stop one."""
        match message:
            case Heartbeat():
                self.acceptor.hear(message.ballot, now)
                self._heard(sender, message.learned, now)
            case Accept():
                self.acceptor.hear(message.ballot, now)
            case CatchUp():
                self.learner.on_catch_up(sender, message)
            case Entries():
                self._on_entries(sender, message, now)
            case SnapshotAsk():
                self.learner.on_snapshot_ask(sender, message)
            case Snapshot():
                self._on_snapshot(sender, message, now)
            case Chosen():
                pass  # it tells only those who voted
            case Prepare() | PreVote() | Promise() | Accepted() | Nack() | HeartbeatAck() | PreVoteReply():
                self._drop(sender, message, "a learner without vote answers nothing")
            case _:
                assert_never(message)

    def _answers_reign(self, sender: int, ballot: Ballot, message: PeerMessage, now: float) -> bool:
        reign = self.proposer.leader
        if reign is None or reign.ballot != ballot:
            self._drop(sender, message, "answers nothing that is asked now")
            return False
        reign.heard[sender] = now
        return True

    def _on_accepted(self, sender: int, message: Accepted, now: float) -> None:
        reign = self.proposer.leader
        if not self._answers_reign(sender, message.ballot, message, now) or reign is None:
            return
        for first, entries in reign.on_accepted(sender, message):
            self.learner.learn(first, entries)
        self._heard(sender, message.learned, now)

    def _on_entries(self, sender: int, message: Entries, now: float) -> None:
        if not self.learner.on_entries(sender, message, now):
            self._drop(sender, message, "answers nothing that is asked now")
            return
        reign = self.proposer.leader
        if reign is not None:
            lost = reign.first_conflict(message.first, message.entries)
            if lost is None:
                reign.drop_slots(message.first, len(message.entries))
            else:
                # Before the next heartbeat: its watermark would call the lost votes chosen.
                self.proposer.step_down(f"slot {lost} was chosen at a higher ballot", now)
        self._advance()
        self.learner.seek(now)

    def _on_snapshot(self, sender: int, message: Snapshot, now: float) -> None:
        try:
            page = self.learner.on_snapshot(sender, message, now)
        except Unasked:
            self._drop(sender, message, "answers nothing that is asked now")
            return
        if page is None:
            return
        reign = self.proposer.leader
        if reign is not None and reign.unsettled_below(page.upto):
            # The state does not tell what was chosen where this leader proposed. Its next watermark would
            # call its own proposals there chosen.
            self.proposer.step_down(f"slots below {page.upto} were settled by others", now)
        self.learner.install(page)
        if self.proposer.leader is not None:
            self.proposer.leader.on_installed(page.upto)
        self.learner.seek(now)

    def _heard(self, sender: int, learned: int, now: float) -> None:
        if sender != self.me:
            self.learner.heard(sender, learned, now)

    def _advance(self) -> None:
        applied = self.learner.advance()
        if applied is not None and self.proposer.leader is not None:
            self.proposer.leader.on_applied(applied)

    def _settle(self, now: float) -> None:
        """Deliver messages to oneself through the same handlers, then apply what is learned."""
        local, learner = self._out.local, self.learner
        while True:
            while local:
                self._dispatch(self.me, local.popleft(), now)
            if learner.known:
                self._advance()
            if not local:
                break
        if learner.watermark > self._written_watermark and self._flush_at == INFINITY:
            self._flush_at = now + self._settings.flush_s

    # Output

    def take(self, now: float) -> Output:
        """Everything decided since the last call, in the order in which the host must treat it."""
        out = self._out
        self._bounds.reset_page_budget()
        self.proposer.flush(now)
        self._settle(now)
        if now >= self._flush_at:
            out.urgent = True
        self._close_batch()
        if self._durable == self._batch:
            # Nothing is on its way to the disk, so what waited for it is free now.
            while out.local_durable:
                out.local.extend(out.local_durable)
                out.local_durable.clear()
                self._settle(now)
                self.proposer.flush(now)
                self._settle(now)
                if self._close_batch():
                    break
        if out.local_durable:
            self._unsynced.append((self._batch, tuple(out.local_durable)))
            out.local_durable.clear()
        return self._collect()

    def _close_batch(self) -> bool:
        """End the batch with the small state, if there is anything to write; whether there was."""
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
        """Whether :meth:`take` has anything to give now; if not, calling it is harmless."""
        reign = self.proposer.leader
        return self._out.pending or (reign is not None and reign.has_work)

    @property
    def deadline(self) -> float:
        """When :meth:`wake` or :meth:`take` has something to do that only time brings; ``inf`` if never."""
        return min(self.proposer.deadline, self.learner.ask_again_at, self._flush_at)

    @property
    def status(self) -> Status:
        """A picture for people; nothing in the protocol depends on it."""
        proposer, learner, reign = self.proposer, self.learner, self.proposer.leader
        leading = proposer.phase is Phase.LEADING
        hint = proposer.leader_hint
        return Status(
            replica=self.me,
            replicas=self.replicas,
            role="leader" if leading else proposer.phase.value,
            promised=self.acceptor.promised,
            ballot=reign.ballot if reign is not None else self.acceptor.leader,
            leader=hint,
            watermark=learner.watermark,
            learned_high=max(learner.known, default=learner.watermark - 1) + 1,
            accepted_high=max(self.acceptor.high, learner.watermark),
            lag=learner.lag,
            in_flight=reign.in_flight if reign is not None else 0,
            queued=reign.queued if reign is not None else 0,
            holes=tuple(sorted(reign.holes)) if reign is not None else (),
            sessions=len(learner.sessions),
            chain=learner.chain.hex(),
            log_start=learner.log_start,
            peers={str(peer): upto for peer, upto in sorted(learner.peers.items())},
            non_voting=self.non_voting,
        )


__all__ = ["NOOP", "Replica", "Status"]
