"""The acceptor: promises and votes. All of safety rests on what it refuses.

Its two rules are those of Paxos Made Simple, 2.2:

- P1a, "An acceptor can accept a proposal numbered n iff it has not responded to a prepare request having
  a number greater than n";
- phase 1b, on a prepare request with a number greater than that of any it has answered, it responds
  "with a promise not to accept any more proposals numbered less than n and with the highest-numbered
  proposal (if any) that it has accepted".

One promise covers all slots (section 3): a leader then needs phase 1 once, not once a slot. Paxos Made
Moderately Complex keeps its acceptors the same way, with one ballot number and a set of accepted values.

Promise and votes reach the disk before the answer leaves ("an acceptor records its intended response in
stable storage before actually sending the response", 2.5). Everything else may be lost: an acceptor that
answers late, twice or never is a slow one, which Paxos bears; one that forgets an answer is a liar, which it
does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from paxtui.core.ballot import Ballot
from paxtui.core.errors import InvariantViolated
from paxtui.core.events import Bound, LeaderHeard, NackSent, PreVoteAnswered, Promised, Voted
from paxtui.core.messages import (
    Accept,
    Accepted,
    Heartbeat,
    HeartbeatAck,
    Nack,
    Prepare,
    PreVote,
    PreVoteReply,
    Promise,
)
from paxtui.core.outbox import Outbox
from paxtui.core.output import PutVotes
from paxtui.core.settings import Settings
from paxtui.core.values import Command, Entry, Vote, weight


class Acceptor:
    """The acceptor of one replica. ``votes`` has only slots that are not applied yet: an applied slot's
    value is the learner's, and its row stays on disk.

    Memory is thus bounded by what is not applied, while an acceptor by the book keeps its votes for ever.
    Paxos Made Moderately Complex calls that garbage collection, and waits for f+1 replicas to have learned a
    slot before it is forgotten; here nothing is forgotten, because whoever asks is told the watermark and can
    learn the rest.
    """

    def __init__(self, out: Outbox, settings: Settings, promised: Ballot, votes: Iterable[Vote]) -> None:
        self._out = out
        self._settings = settings
        self.promised = promised
        self.votes: dict[int, tuple[Ballot, Command]] = {v.slot: (v.ballot, v.value) for v in votes}
        self._chars = sum(weight(value) for _, value in self.votes.values())
        self.leader = Ballot.ZERO
        """The leader that was heard last and is not known to be deposed; ``ZERO`` if none. It may have been
        deposed all the same: this is what the replica believes, and tells clients as a hint."""
        self._heard_at = float("-inf")
        self.high = max(self.votes, default=-1) + 1
        """One above the highest slot with a vote."""

    def live_leader(self, now: float) -> Ballot | None:
        """Return the leader heard within the shortest election timeout, to whom this acceptor stays loyal.

        Loyalty is no safety rule; it keeps a replica that comes back, or that hears nobody, from deposing
        a leader that works (Ongaro's dissertation, 4.2.3 and 9.6, gives the same rule for Raft). It ends by
        itself, by silence alone, so a leader that dies holds nobody up for longer than ``election_s_min``.
        """
        if self.leader != Ballot.ZERO and now - self._heard_at < self._settings.election_s_min:
            return self.leader
        return None

    def on_pre_vote(self, sender: int, message: PreVote, now: float, learned: int) -> None:
        """Answer whether a Prepare of the sender would be helped. It binds nobody: nothing is promised,
        nothing is written, and a Prepare that follows is judged anew."""
        leader = self.live_leader(now)
        granted = leader is None or leader.replica == sender
        self._out.event(PreVoteAnswered(message.ballot, sender, granted))
        self._out.send(sender, PreVoteReply(message.ballot, granted, self.promised, learned))

    def on_prepare(self, sender: int, message: Prepare, now: float, learned: int) -> None:
        """Promise, and report one page of votes; or refuse.

        An equal ballot is promised again: Prepare is repeated for lost answers and for further pages, and
        it is the same proposer's, because no two share a ballot. A refusal is a courtesy that no safety
        needs ("it should probably inform the proposer", 2.2); without it the proposer would wait for its
        timeout, and then try again with a round that is still too low.

        The leader that was heard so far is forgotten: this acceptor will refuse it from here on.
        """
        ballot = message.ballot
        leader = None if message.forced else self.live_leader(now)
        if ballot < self.promised:
            self._refuse(sender, ballot, None, learned)
        elif ballot > self.promised and leader is not None and leader.replica != sender:
            self._refuse(sender, ballot, leader, learned)
        else:
            if ballot > self.promised:
                self._raise_promise(ballot)
                self.leader = Ballot.ZERO
            # Also a repeated promise states the watermark, which must be on disk before others build on it.
            self._out.urgent = True
            self._out.send_durable(sender, self._page(message, learned))

    def _page(self, message: Prepare, learned: int) -> Promise:
        """Make a page of the votes from the asked slot on, as many as one message may carry.

        No vote may be left out but those below ``learned``, and that border is stated. A new leader takes a
        slot without a reported vote for free; if its value was chosen, P2c is broken. What lies below the
        border is chosen, so its votes are not needed, but the leader must learn it before it counts itself
        up to date (:mod:`paxtui.core.phase1`).
        """
        first = message.first
        start = max(first, learned)
        votes: list[Vote] = []
        chars = 0
        following: int | None = None
        for slot in sorted(slot for slot in self.votes if slot >= start):
            ballot, value = self.votes[slot]
            chars += weight(value)
            if votes and (len(votes) == self._settings.run_slots or chars > self._settings.run_chars):
                following = slot
                break
            votes.append(Vote(slot, ballot, value))
        self._out.event(Promised(message.ballot, first, len(votes), following is None))
        return Promise(message.ballot, first, following, learned, tuple(votes))

    def on_accept(
        self, sender: int, message: Accept, now: float, learned: int, known: Mapping[int, Entry]
    ) -> None:
        """Vote for the run, but for slots that are applied here (they need no vote; the answer's
        ``learned`` says so) or too far ahead. A repeated Accept gets the same answer again.

        Loyalty plays no part: an Accept is sent by who has a majority of promises, so the question of who
        leads is settled. The answer goes to the leader alone, who counts; told to everybody, votes would be
        a square of messages for what one ``Chosen`` says.
        """
        ballot = message.ballot
        if ballot < self.promised:
            self._refuse(sender, ballot, None, learned)
            return
        raised = ballot > self.promised
        if raised:
            # A vote at b binds like a promise of b (Paxos Made Simple, P1a; Paxos Made Moderately
            # Complex, invariant A2: an acceptor accepts only its current ballot).
            self._raise_promise(ballot)
        self.hear(ballot, now)
        first, values = message.first, message.values
        if first < learned:
            values = values[learned - first :]
            first = min(learned, message.first + len(message.values))
        voted = self._vote(ballot, first, values, learned, known)
        if raised and not voted:
            self._out.event(Bound(ballot))
        self._out.send_durable(sender, Accepted(ballot, first, voted, learned))

    def _vote(
        self,
        ballot: Ballot,
        first: int,
        values: tuple[Command, ...],
        learned: int,
        known: Mapping[int, Entry],
    ) -> int:
        """Store votes for as much of the run as the limits allow; return how many slots now hold one.

        A newer vote replaces an older one, and only the last is kept: phase 1b asks for "the
        highest-numbered proposal (if any) that it has accepted" (2.2). The limits count memory. An acceptor
        far behind that voted on would hold values that it cannot apply, for a leader that has its majority
        from others; it catches up first.
        """
        votes = self.votes
        slot = first
        fresh = -1
        limit = learned + self._settings.ahead_slots
        for value in values:
            # The slot at the watermark always has room: were all of it taken by votes above a hole, the hole
            # could never be filled, and nothing above it ever applied.
            if slot >= limit or (slot > learned and self._chars > self._settings.ahead_chars):
                break
            old = votes.get(slot)
            if old is not None and old[0] == ballot:
                # An Accept that is sent again. One leader gives a slot one value at its ballot, and no two
                # leaders share a ballot, so it is the same value, or a rule is broken.
                if old[1] != value:
                    raise InvariantViolated(f"two values in slot {slot} at ballot {ballot}")
                if fresh >= 0:
                    self._store(ballot, fresh, values[fresh - first : slot - first])
                    fresh = -1
            else:
                # P2b: above the ballot of a chosen value every proposal has that value.
                if known and slot in known and known[slot].value != value:
                    raise InvariantViolated(f"ballot {ballot} proposes another value in chosen slot {slot}")
                if old is not None:
                    self._chars -= weight(old[1])
                if fresh < 0:
                    fresh = slot
                votes[slot] = (ballot, value)
                self._chars += weight(value)
            slot += 1
        if fresh >= 0:
            self._store(ballot, fresh, values[fresh - first : slot - first])
        return slot - first

    def _store(self, ballot: Ballot, first: int, values: tuple[Command, ...]) -> None:
        self._out.writes.append(PutVotes(ballot, first, values))
        self._out.event(Voted(ballot, first, values))
        self.high = max(self.high, first + len(values))

    def on_heartbeat(self, sender: int, message: Heartbeat, now: float, learned: int) -> bool:
        """Answer a leader; return whether it is one that this acceptor has not outbid.

        The acknowledgement is what confirms reads, so it must not be given at a ballot below the promise:
        a newer leader may exist, and the read of the older one would miss what that one has chosen. It does
        not wait for the disk, because it promises nothing.
        """
        if message.ballot < self.promised:
            self._refuse(sender, message.ballot, None, learned)
            return False
        self.hear(message.ballot, now)
        self._out.send(sender, HeartbeatAck(message.ballot, message.number, learned))
        return True

    def hear(self, ballot: Ballot, now: float) -> None:
        """Note that a leader at a ballot that is not outbid gave a sign of life."""
        if ballot < self.leader and self.live_leader(now) is not None:
            return  # a deposed leader that has not noticed yet; the newer one lives
        if ballot != self.leader:
            self.leader = ballot
            self._out.event(LeaderHeard(ballot))
        self._heard_at = now

    def forget_leader(self, ballot: Ballot) -> None:
        """Be loyal no more to the leader of ``ballot``: it said, or showed, that it leads no more."""
        if self.leader == ballot:
            self.leader = Ballot.ZERO

    def remove_vote(self, slot: int) -> tuple[Ballot, Command] | None:
        """Hand over the vote of a slot that is being applied. The promise stays, whatever is
        removed (scylladb#6149)."""
        vote = self.votes.pop(slot, None)
        if vote is not None:
            self._chars -= weight(vote[1])
        return vote

    def discard_votes(self) -> None:
        """Drop all votes, for good: a replica that may have forgotten some cannot report any, and what it
        learns from now on it is told as learned."""
        self.votes.clear()
        self._chars = self.high = 0

    def _raise_promise(self, ballot: Ballot) -> None:
        """Bind this acceptor to ``ballot`` and above. Everything that is decided in this batch is written
        with the new promise, so a vote can never be on disk without it."""
        if ballot < self.promised:
            raise InvariantViolated(f"the promise would fall from {self.promised} to {ballot}")
        self.promised = ballot
        self._out.urgent = True

    def _refuse(self, sender: int, ballot: Ballot, leader: Ballot | None, learned: int) -> None:
        # Leaves at once: what it tells, a promise or a leader, is no news that anybody may build on.
        self._out.event(NackSent(ballot, sender, self.promised, leader))
        self._out.send(sender, Nack(ballot, self.promised, leader, learned))
