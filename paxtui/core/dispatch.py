"""Which role sees which message, and what one role's answer means for the others.

The three roles know little of each other: a proposer asks its acceptor for the promise and its learner for
the watermark, a learner takes votes from its acceptor. What one message means for two of them is said here
and nowhere else, so that the order in which they hear of it is on one page.

Messages to oneself go through the same handlers as all others. A leader that counted its own vote by another
road would need every rule of the acceptor twice; that is where hand-written Paxos goes wrong most often.

The handlers are a ``match`` over all classes of messages, which mypy checks to be complete. Whatever a
message says, in whatever phase the replica is, has a defined outcome: an effect, an answer, or a
:class:`~paxtui.core.events.MessageDropped` with its reason.
"""

from __future__ import annotations

from typing import Final, assert_never

from paxtui.core.acceptor import Acceptor
from paxtui.core.ballot import Ballot
from paxtui.core.events import MessageDropped
from paxtui.core.learner import Learner, Unasked
from paxtui.core.log_server import LogServer
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
from paxtui.core.proposer import Proposer

LATE: Final = "answers nothing that is asked now"
"""The reason under which late and repeated answers are dropped. Both are normal: networks do that."""


class Dispatcher:
    """The meeting place of one replica's roles. It has no state of its own."""

    def __init__(
        self, out: Outbox, acceptor: Acceptor, learner: Learner, server: LogServer, proposer: Proposer
    ) -> None:
        self._out = out
        self._me = out.me
        self._acceptor = acceptor
        self._learner = learner
        self._server = server
        self._proposer = proposer

    def drop(self, sender: int, message: PeerMessage, reason: str) -> None:
        self._out.event(MessageDropped(str(type(message).__struct_config__.tag), sender, reason))

    def deliver(self, sender: int, message: PeerMessage, now: float) -> None:
        """Hand a message that has passed all bounds to the roles.

        The acceptor comes first, because it alone may refuse; what it has accepted then tells the proposer
        whom to follow. How far the sender has learned is heard after that, as a rule: it may lead to a
        question, and by then the message itself may have answered it.
        """
        acceptor, learner, proposer = self._acceptor, self._learner, self._proposer
        learned = learner.watermark
        match message:
            case Accept():
                acceptor.on_accept(sender, message, now, learned, learner.known)
                # Equal only if it was not refused. An Accept is a sign of life like a heartbeat.
                if acceptor.promised == message.ballot:
                    proposer.heard_leader(message.ballot, now)
            case Accepted():
                self._on_accepted(sender, message, now)
            case Chosen():
                # Whatever is promised here by now: that a majority voted at a ballot stays true.
                learner.on_chosen(message)
            case Heartbeat():
                # A heartbeat at a ballot that was outbid here is answered by a Nack, and its watermark is
                # not used: a deposed leader may have learned a slot from others against its own proposal.
                if acceptor.on_heartbeat(sender, message, now, learned):
                    proposer.heard_leader(message.ballot, now)
                    learner.on_watermark(message)
                    self.advance()
                    self._note_watermark(sender, message.learned, now)
            case HeartbeatAck():
                if self._answers_leader(sender, message.ballot, message, now):
                    self._note_watermark(sender, message.learned, now)
                    if proposer.leader is not None:
                        proposer.leader.on_ack(sender, message, learner.watermark)
            case Prepare():
                acceptor.on_prepare(sender, message, now, learned)
                if acceptor.promised == message.ballot:
                    proposer.promised_to(message.ballot, now)
            case Promise():
                proposer.on_promise(sender, message, now)
                self._note_watermark(sender, message.learned, now)
            case Nack():
                # Before the ballot is looked at: also a Nack that comes too late tells how high to go next.
                proposer.round_seen = max(proposer.round_seen, message.promised.round)
                proposer.on_nack(sender, message, now)
                self._note_watermark(sender, message.learned, now)
            case PreVote():
                # Neither the round nor the sender is noted: a question must leave no trace.
                acceptor.on_pre_vote(sender, message, now, learned)
            case PreVoteReply():
                proposer.round_seen = max(proposer.round_seen, message.promised.round)
                proposer.on_pre_vote_reply(sender, message, now)
                self._note_watermark(sender, message.learned, now)
            # The learners' own business: no ballot is involved, and no role but this one.
            case CatchUp():
                self._server.on_catch_up(sender, message)
            case Entries():
                self._on_entries(sender, message, now)
            case SnapshotAsk():
                self._server.on_snapshot_ask(sender, message)
            case Snapshot():
                self._on_snapshot(sender, message, now)
            case _:
                assert_never(message)
        # Last: if the acceptor has just promised a ballot above the own one, the own attempt is over. Refused
        # or not, the round was seen, and the next own ballot goes above it.
        if isinstance(message, Prepare | Accept | Heartbeat):
            proposer.saw_round(message.ballot, now)

    def follow(self, sender: int, message: PeerMessage, now: float) -> None:
        """Take of a message what a learner without vote may: who leads, and what others have learned.

        It answers nothing that could count: no Promise, no Accepted, and no Nack or acknowledgement, which
        would keep a leader in office or stop one. To leave out the vote alone would not be enough: an
        acknowledgement confirms reads, and says that no higher ballot is promised here, which a disk that
        has forgotten cannot say.
        """
        match message:
            case Heartbeat():
                self._acceptor.hear(message.ballot, now)
                self._note_watermark(sender, message.learned, now)
            case Accept():
                self._acceptor.hear(message.ballot, now)
            case CatchUp():
                self._server.on_catch_up(sender, message)
            case Entries():
                self._on_entries(sender, message, now)
            case SnapshotAsk():
                self._server.on_snapshot_ask(sender, message)
            case Snapshot():
                self._on_snapshot(sender, message, now)
            case Chosen():
                pass  # it tells only those who voted, and the votes are gone
            case Prepare() | PreVote() | Promise() | Accepted() | Nack() | HeartbeatAck() | PreVoteReply():
                self.drop(sender, message, "a learner without vote answers nothing")
            case _:
                assert_never(message)

    def _answers_leader(self, sender: int, ballot: Ballot, message: PeerMessage, now: float) -> bool:
        """Tell whether a message answers the leader's own ballot, and note its sender as alive if so.

        Votes and acknowledgements name their ballot, so that one of an earlier lead of this same replica is
        not taken for one of this ("tagged with the corresponding proposal number", Paxos Made Simple, 2.5).
        """
        leader = self._proposer.leader
        if leader is None or leader.ballot != ballot:
            self.drop(sender, message, LATE)
            return False
        leader.heard[sender] = now
        return True

    def _on_accepted(self, sender: int, message: Accepted, now: float) -> None:
        leader = self._proposer.leader
        if not self._answers_leader(sender, message.ballot, message, now) or leader is None:
            return
        # Counted first, learned second; applied when all messages of the turn are through.
        for first, entries in leader.on_accepted(sender, message):
            self._learner.learn(first, entries)
        self._note_watermark(sender, message.learned, now)

    def _on_entries(self, sender: int, message: Entries, now: float) -> None:
        """Learn a page. A leader learns like everybody, but must not learn past a proposal of its own that
        lost: it steps down before its watermark can pass the slot."""
        if not self._learner.on_entries(sender, message, now):
            self.drop(sender, message, LATE)
            return
        leader = self._proposer.leader
        if leader is not None:
            lost = leader.first_conflict(message.first, message.entries)
            if lost is None:
                leader.drop_slots(message.first, len(message.entries))
            else:
                # Before the next heartbeat: its watermark would call the lost votes chosen.
                self._proposer.step_down(f"slot {lost} was chosen at a higher ballot", now)
        self.advance()
        self._learner.ask_for_missing(now)

    def _on_snapshot(self, sender: int, message: Snapshot, now: float) -> None:
        """Take a page of a state; go on from the state when the last page is there."""
        try:
            page = self._learner.on_snapshot(sender, message, now)
        except Unasked:
            self.drop(sender, message, LATE)
            return
        if page is None:
            return  # more pages follow, and are asked for
        leader = self._proposer.leader
        if leader is not None and leader.unsettled_below(page.upto):
            # The state does not tell what was chosen where this leader proposed. Its next watermark would
            # call its own proposals there chosen.
            self._proposer.step_down(f"slots below {page.upto} were settled by others", now)
        self._learner.install(page)
        self._server.on_installed()
        if self._proposer.leader is not None:
            self._proposer.leader.on_installed(page.upto)
        self._learner.ask_for_missing(now)

    def _note_watermark(self, sender: int, learned: int, now: float) -> None:
        """Note another replica's watermark. Every answer carries one, so that whoever is behind hears of it
        by whatever is said next, and no message of its own is needed to find gaps."""
        if sender != self._me:
            self._learner.note_watermark(sender, learned, now)

    def advance(self) -> None:
        """Apply what is learned without a gap, and answer the clients that wait for it."""
        applied = self._learner.advance()
        if applied is not None and self._proposer.leader is not None:
            self._proposer.leader.on_applied(applied)
