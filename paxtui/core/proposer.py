"""The proposer: when to try to lead, phase 1, and what a leader does as time passes.

A replica that hears no leader for a random time first *asks for pre-votes*: it asks whether a majority
would help, which changes nothing anywhere. Only then does it take a new round, make it durable, and send
Prepare. So a replica that is deaf, or cut off, or just back, uses up no ballots and deposes nobody (Raft
dissertation, 9.6; etcd's ``PreVote``).

Nothing in this file is needed for safety but the rule that a round is durable before it is used. "Safety is
ensured regardless of the success or failure of the election" (Paxos Made Simple, 2.4): two replicas may both
believe to lead, and the acceptors refuse one of them. What is here decides only whether the cluster makes
progress, which no algorithm can guarantee without timing (Fischer, Lynch and Paterson, 1985). So the waits
are random, grow with failures, and are renewed by every sign that an attempt gets on.
"""

from __future__ import annotations

import enum
import random

from paxtui.core.acceptor import Acceptor
from paxtui.core.ballot import Ballot, majority
from paxtui.core.errors import InvariantViolated
from paxtui.core.events import (
    Elected,
    ElectionTimeout,
    MessageDropped,
    NackReceived,
    PrepareSent,
    PreVoteAsked,
    PromiseReceived,
    ProposerCrashed,
    ProposerRestored,
    RoundTaken,
    SteppedDown,
)
from paxtui.core.leader import INFINITY, Leader
from paxtui.core.learner import Learner
from paxtui.core.messages import Nack, PeerMessage, Prepare, PreVote, PreVoteReply, Promise
from paxtui.core.outbox import Outbox
from paxtui.core.output import EVERYONE
from paxtui.core.phase1 import Phase1
from paxtui.core.settings import Settings


class Phase(enum.Enum):
    """The phase of a proposer: what it is doing now."""

    FOLLOWING = "following"
    """Another replica leads, or will; the election timer runs."""
    PRE_VOTING = "pre-voting"
    """The others are asked whether they would help. No ballot is taken."""
    PREPARING = "preparing"
    """Phase 1: a ballot is taken, and promises come in."""
    LEADING = "leading"
    """Phase 2, for as many slots as clients ask for, until a higher ballot or silence ends it."""
    CRASHED = "crashed"
    """An operator has stopped the proposer; acceptor and learner go on, so the cluster loses no vote."""
    NON_VOTING = "non-voting"
    """The disk may have forgotten promises or votes. A proposer counts its own acceptor's, so it stops."""


LEGAL: dict[Phase, frozenset[Phase]] = {
    Phase.FOLLOWING: frozenset({Phase.PRE_VOTING, Phase.PREPARING, Phase.CRASHED, Phase.NON_VOTING}),
    Phase.PRE_VOTING: frozenset({Phase.FOLLOWING, Phase.PREPARING, Phase.CRASHED, Phase.NON_VOTING}),
    Phase.PREPARING: frozenset({Phase.FOLLOWING, Phase.LEADING, Phase.CRASHED, Phase.NON_VOTING}),
    Phase.LEADING: frozenset({Phase.FOLLOWING, Phase.CRASHED, Phase.NON_VOTING}),
    Phase.CRASHED: frozenset({Phase.FOLLOWING, Phase.NON_VOTING}),
    Phase.NON_VOTING: frozenset(),
}
"""Every change of phase that can happen. A forced election goes through FOLLOWING first; a leader's phase is
reached from PREPARING alone, so no way around phase 1 exists; nothing leads out of NON_VOTING, because
nothing brings back what a disk has forgotten. A table can be read, drawn and tested; changes of phase that
are spread over handlers are how half a proposer comes to survive its ballot."""


class Proposer:
    """One replica's proposer. It owns the round counter and the election timer."""

    def __init__(
        self,
        out: Outbox,
        settings: Settings,
        replicas: int,
        acceptor: Acceptor,
        learner: Learner,
        rng: random.Random,
        last_round: int,
        now: float,
    ) -> None:
        self._out = out
        self._me = out.me
        self._settings = settings
        self._replicas = replicas
        self._acceptor = acceptor
        self._learner = learner
        self._rng = rng
        self.phase = Phase.FOLLOWING
        self.round = last_round
        """The last round that this replica used for itself; durable before it leaves."""
        # The next own ballot goes above every round seen, or its Prepare would be refused at once. Nacks and
        # pre-vote replies tell of rounds that this replica's acceptor never promised.
        self.round_seen = max(last_round, acceptor.promised.round)
        self.attempt = 0
        """Failures in a row; they stretch the wait for the next attempt."""
        self.skips: set[int] = set()
        """Slots that an operator wants left empty when their turn comes."""
        self.leader: Leader | None = None
        """The lead, while this replica leads. It belongs to one ballot and ends with it."""
        self._phase1: Phase1 | None = None
        self._pre_vote: Ballot = Ballot.ZERO
        """The ballot that others are asked about. It is not taken yet, and may never be."""
        self._granted: set[int] = set()
        # A replica that starts finds the leader, or learns that there is none, by asking at once: a pre-vote
        # disturbs nobody. A short random wait keeps replicas that start together from asking together.
        self.election_at = now + rng.uniform(0.05, 0.5) * settings.election_s_min
        self._prepare_again_at = INFINITY

    # Phases

    def _enter(self, phase: Phase) -> None:
        """Change the phase. A change that the table does not have is a bug, and the replica stops."""
        if phase not in LEGAL[self.phase]:
            raise InvariantViolated(f"the proposer went from {self.phase.value} to {phase.value}")
        self.phase = phase

    def _wait(self, now: float) -> None:
        """Draw the next election timeout; failures in a row stretch it.

        "Two proposers each keep issuing a sequence of proposals with increasing numbers, none of which are
        ever chosen" (Paxos Made Simple, 2.4). Randomness ends such duels, as in Raft (dissertation, 3.4);
        the factor helps where the round trip is longer than somebody's configuration believed.
        """
        factor = min(2**self.attempt, self._settings.backoff_factor_max)
        settings = self._settings
        self.election_at = now + factor * self._rng.uniform(settings.election_s_min, settings.election_s_max)

    def step_down(self, reason: str, now: float) -> None:
        """Give up the current attempt, or the lead. Safe at any time: a later leader finds the outcome of
        the ballot, if it has one, in the votes."""
        if self.phase in (Phase.FOLLOWING, Phase.CRASHED, Phase.NON_VOTING):
            return
        if self._current is not None:
            self._acceptor.forget_leader(self._current)
            self._out.event(SteppedDown(self._current, reason))
        self._enter(Phase.FOLLOWING)
        self._drop()
        self._wait(now)

    def _drop(self) -> None:
        """Throw away everything that belongs to the ballot: promises, proposals, tally, queue, reads. A
        promise of one ballot that is counted for the next is one that no acceptor gave."""
        leader, self.leader, self._phase1 = self.leader, None, None
        self._granted.clear()
        self._prepare_again_at = INFINITY
        if leader is not None:
            leader.close(self.leader_hint)

    @property
    def leader_hint(self) -> int | None:
        """Return the replica that is believed to lead: a client should ask it. Nothing but a hint; who is
        asked in error says so, and costs the client one round trip."""
        if self.phase is Phase.LEADING:
            return self._me
        leader = self._acceptor.leader
        return None if leader in (Ballot.ZERO, self._own_ballot) else leader.replica

    @property
    def _own_ballot(self) -> Ballot:
        return Ballot(self.round, self._me)

    @property
    def _current(self) -> Ballot | None:
        """Return the ballot that is being prepared or led at."""
        if self.leader is not None:
            return self.leader.ballot
        return self._phase1.ballot if self._phase1 is not None else None

    def promised_to(self, ballot: Ballot, now: float) -> None:
        """Give the proposer of ``ballot``, which this replica's acceptor promised, the time to win. To
        compete with it at once would only invalidate a promise that was just made."""
        if ballot.replica != self._me and self.phase in (Phase.FOLLOWING, Phase.PRE_VOTING):
            self.step_down(f"{ballot} was promised", now)
            self._wait(now)

    def heard_leader(self, ballot: Ballot, now: float) -> None:
        """Follow another replica that leads at ``ballot``, which this replica's acceptor has not outbid."""
        if ballot.replica == self._me:
            return
        if self.phase is not Phase.CRASHED:
            self.step_down(f"{ballot} leads", now)
            self.attempt = 0
            self._wait(now)

    def lost_leader(self, now: float) -> None:
        """Ask for pre-votes early: the connection to the leader broke, as it does when a process dies. It is
        no proof, so nothing more follows: if the leader lives, the others are loyal to it and refuse."""
        if self.phase is Phase.FOLLOWING:
            soon = self._rng.uniform(0.05, 0.35) * self._settings.election_s_min
            self.election_at = min(self.election_at, now + soon)

    def saw_round(self, ballot: Ballot, now: float) -> None:
        """Note a ballot that was seen anywhere. An own promise to a higher one ends the attempt or the lead.

        A leader whose own acceptor is bound to another ballot could still be supported by all the others.
        It steps down all the same: another proposer is at work, and the sooner one gives way, the better
        ("abandoning a proposal", Paxos Made Simple, 2.4).
        """
        self.round_seen = max(self.round_seen, ballot.round)
        # The acceptor is asked, not the message: a ballot that it has refused ends nothing.
        current = self._current
        if current is not None and self._acceptor.promised > current:
            self.attempt += 1
            self.step_down(f"pre-empted by {self._acceptor.promised}", now)

    # Pre-vote

    def wake(self, now: float) -> None:
        """Do what is due by time alone."""
        if self.phase is Phase.LEADING:
            self._lead_on(now)
        elif self.phase not in (Phase.CRASHED, Phase.NON_VOTING):
            if now >= self.election_at:
                self._start_pre_vote(now)
            elif now >= self._prepare_again_at:
                self._prepare_again(now)

    def _start_pre_vote(self, now: float) -> None:
        """Ask for pre-votes: no leader for a whole timeout, or the last attempt led nowhere.

        The ballot that is asked about is not taken: it names the question, so that late answers to an older
        one are not counted. A round that no Prepare carries need not be durable.
        """
        if self.phase in (Phase.PRE_VOTING, Phase.PREPARING):
            self.attempt += 1
            self.step_down("no majority answered", now)
        self._out.event(ElectionTimeout(self.attempt))
        self._enter(Phase.PRE_VOTING)
        self._wait(now)
        # Its own acceptor would promise, or it would not be here: nobody leads, as far as this replica hears.
        self._pre_vote = Ballot(self.round_seen + 1, self._me)
        self._granted = {self._me}
        self._out.event(PreVoteAsked(self._pre_vote))
        if len(self._granted) >= majority(self._replicas):
            self._prepare(now, forced=False)
        else:
            self._out.send(EVERYONE, PreVote(self._pre_vote))

    def on_pre_vote_reply(self, sender: int, message: PreVoteReply, now: float) -> None:
        """Count those that would help; prepare when they are a majority. A refusal is not counted: more may
        grant later, and the timeout ends the attempt anyway."""
        if self.phase is not Phase.PRE_VOTING or message.ballot != self._pre_vote:
            self._late(sender, message)
            return
        if message.granted:
            self._granted.add(sender)
            if len(self._granted) >= majority(self._replicas):
                self._prepare(now, forced=False)

    # Phase 1

    def elect(self, now: float) -> str | None:
        """Start an election on the operator's word, whoever leads; return the reason if it cannot. The flag
        ``forced`` keeps loyalty out of the way; acceptors' promises it does not touch."""
        if self.phase is Phase.CRASHED:
            return "its proposer is crashed"
        if self.phase is Phase.LEADING:
            return "it leads already"
        self.step_down("the operator forces an election", now)
        self._prepare(now, forced=True)
        return None

    def _prepare(self, now: float, *, forced: bool) -> None:
        """Take a ballot above every one seen and ask for promises. The round is written in the same
        batch as this replica's own promise, and Prepare leaves after it (Paxos Made Simple, 2.5).

        "Each proposer remembers (in stable storage) the highest-numbered proposal it has tried to issue":
        after a crash a round that only memory knew would be used again, and two phases 1 of one ballot can
        lead to two values at that ballot (phxpaxos#145).

        One Prepare covers all slots from the watermark on (3): a new leader needs one round trip, not one a
        slot. Below the watermark everything is learned here and nothing will be proposed.
        """
        self.round = self.round_seen = self.round_seen + 1
        self._enter(Phase.PREPARING)
        self._wait(now)
        ballot = self._own_ballot
        self._phase1 = Phase1(ballot, self._learner.watermark, self._replicas, forced)
        self._out.urgent = True
        self._out.event(RoundTaken(ballot, forced))
        self._out.event(PrepareSent(ballot, self._phase1.first, EVERYONE))
        message = Prepare(ballot, self._phase1.first, forced)
        self._out.send_durable(EVERYONE, message)
        self._out.send(self._me, message)
        self._prepare_again_at = now + self._settings.resend_s

    def _prepare_again(self, now: float) -> None:
        """Ask again those whose promise is not complete, each for the page that is due from it."""
        phase1 = self._phase1
        self._prepare_again_at = now + self._settings.resend_s
        if phase1 is None:
            self._prepare_again_at = INFINITY
            return
        for peer, cursor in phase1.cursors.items():
            self._ask_page(phase1, peer, cursor)

    def _ask_page(self, phase1: Phase1, peer: int, cursor: int) -> None:
        """Ask for one page, again or for the first time. It waits for the disk like the first Prepare did:
        that one's batch may not be durable yet."""
        self._out.event(PrepareSent(phase1.ballot, cursor, peer))
        self._out.send_durable(peer, Prepare(phase1.ballot, cursor, phase1.forced))

    def on_promise(self, sender: int, message: Promise, now: float) -> None:
        """Count a page of a promise for the very ballot that is being prepared."""
        phase1 = self._phase1
        if phase1 is None or message.ballot != phase1.ballot or not phase1.add(sender, message):
            self._late(sender, message)
            return
        self._out.event(
            PromiseReceived(message.ballot, sender, message.first, len(message.votes), message.next is None)
        )
        # Pages cost a round trip and a commit each: while they come, the attempt is not over, or a long
        # backlog could never be recovered.
        self._wait(now)
        if message.next is not None:
            self._ask_page(phase1, sender, message.next)
        if phase1.won:
            self._lead(phase1, now)

    def _lead(self, phase1: Phase1, now: float) -> None:
        """Lead: a majority has promised in full. What this replica learned while promises came may be more
        than any of them told, hence the higher of the two borders."""
        self._enter(Phase.LEADING)
        self._phase1 = None
        self.attempt = 0
        base = max(phase1.learned, self._learner.watermark)
        adopted = phase1.adopted()
        self.leader = Leader(self._out, self._settings, self._replicas, phase1.ballot, base, adopted, now)
        quorum = tuple(sorted(phase1.complete))
        self._out.event(Elected(phase1.ballot, base, self.leader.end, quorum))

    def on_nack(self, sender: int, message: Nack, now: float) -> None:
        """Heed a refusal of the ballot in use: a higher promise ends it, loyalty to a leader may.

        One acceptor with a higher promise does not stop a majority of others. But its promise belongs to
        another proposer, and to go on would be the duel of Paxos Made Simple, 2.4. A loyal acceptor may
        still promise when its leader dies, so only loyalty that leaves no majority ends the attempt, and
        that does not count as a failure: there is a leader, and nothing to back off from.
        """
        if message.ballot != self._current:
            self._late(sender, message)
            return
        self._out.event(NackReceived(message.ballot, sender, message.promised, message.leader))
        if message.promised > message.ballot:
            self.attempt += 1
            self.step_down(f"replica {sender} promised {message.promised}", now)
        elif self._phase1 is not None and message.leader is not None:
            self._phase1.loyal.add(sender)
            if self._phase1.hopeless:
                self.step_down(f"a majority stays with {message.leader}", now)

    def _late(self, sender: int, message: PeerMessage) -> None:
        """Drop an answer to what is not asked any more. It may be true, but of another ballot."""
        kind = type(message).__struct_config__.tag
        self._out.event(MessageDropped(str(kind), sender, "answers nothing that is asked now"))

    # Leading

    def _lead_on(self, now: float) -> None:
        """Do what time asks of a leader: prove that it lives, see whether it still has a majority, repeat
        what stays unanswered, fill holes."""
        leader, watermark = self.leader, self._learner.watermark
        if leader is None:
            raise InvariantViolated("it leads, but at no ballot")
        if now >= leader.heartbeat_at:
            if leader.lost_majority(now):
                self.step_down(f"no majority answered for {self._settings.election_s_max} s", now)
                return
            if leader.stuck_below_base(now, watermark):
                self.step_down(f"no replica can tell what was chosen below slot {leader.base}", now)
                self.election_at = now
                return
            # Only here, not with the heartbeats that reads ask for: a steady stream of reads would put off
            # the two questions above for ever, and a leader without a majority would never step down.
            leader.heartbeat_at = now + self._settings.heartbeat_s
            leader.send_heartbeat(watermark)
        if now >= leader.resend_at:
            leader.resend(now)
        leader.fill_due(now)

    def propose_waiting(self, now: float) -> None:
        """Propose what is queued, as far as the window allows."""
        if self.leader is not None:
            self.leader.propose_waiting(now, self._learner.watermark, self._learner.known, self.skips)

    def crash(self) -> None:
        """Stop the proposer role. What it knew is gone; acceptor and learner go on. The three roles of Paxos
        fail independently, though most systems, this one too, put them into one process."""
        if self.phase not in (Phase.CRASHED, Phase.NON_VOTING):
            self._enter(Phase.CRASHED)
            self._drop()
            self._acceptor.forget_leader(self._own_ballot)
            self.election_at = INFINITY
            self._out.event(ProposerCrashed())

    def restore(self, now: float) -> None:
        """Let a crashed proposer work again, knowing nothing but its durable round."""
        if self.phase is Phase.CRASHED:
            self._enter(Phase.FOLLOWING)
            self.attempt = 0
            self._wait(now)
            self._out.event(ProposerRestored())

    def become_learner(self) -> None:
        """Give up whatever is going on, for good: a proposer counts its own acceptor's promise and vote,
        and there are none any more."""
        current = self._current
        self._enter(Phase.NON_VOTING)
        self._drop()
        self.skips.clear()
        self._acceptor.forget_leader(self._own_ballot)
        self.election_at = INFINITY
        if current is not None:
            self._out.event(SteppedDown(current, "it is a learner without vote"))

    @property
    def deadline(self) -> float:
        """Return when :meth:`wake` has something to do."""
        if self.leader is not None:
            return self.leader.deadline
        return min(self.election_at, self._prepare_again_at)

    @property
    def timers(self) -> dict[str, float]:
        """Return by name what :attr:`deadline` is the earliest of."""
        if self.leader is not None:
            return self.leader.timers
        return {"election": self.election_at, "resend": self._prepare_again_at}
