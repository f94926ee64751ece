"""The ghost state: what was promised, voted for and chosen, remembered outside of the replicas.

A crash does not erase it, so a replica that forgets a promise, or tells one story before a restart and
another after it, is caught although its own memory is consistent. Invariants 1 to 5 and the half of 11
that says "durable before sent" live here; ``vote(a, s, b, v)`` means that acceptor a's disk held it.

Values are only compared, so whoever does not have them may tell *marks* in their place: digests, or anything
else that is equal where the values are and hashable.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.core.ballot import Ballot, majority
from paxtui.core.messages import Accept, Accepted, HeartbeatAck, Prepare, Promise

Value = Hashable
"""A command, or its mark."""


class BallotVotes:
    """The value of one (slot, ballot) and the set of acceptors that voted for it, as bits."""

    __slots__ = ("value", "voters")

    def __init__(self, value: Value) -> None:
        self.value = value
        self.voters = 0


class GhostState:
    """The ghost state of votes and promises of ``replicas`` acceptors."""

    def __init__(self, replicas: int) -> None:
        self._quorum = majority(replicas)
        self.slots: dict[int, dict[Ballot, BallotVotes]] = {}
        self.chosen: dict[int, Value] = {}
        self.promised = [Ballot.ZERO] * replicas
        """The highest ballot that each acceptor's disk is bound to."""
        self._spoken = [Ballot.ZERO] * replicas
        """The same of the acceptor's memory, since its last restart."""
        self._rounds = [0] * replicas
        """The round on each proposer's disk."""
        self._prepared: set[Ballot] = set()
        """Ballots for which a Prepare has left."""
        self._promises: dict[Ballot, int] = {}
        """By ballot, who promised exactly that one, as bits."""
        self._elections: dict[Ballot, tuple[int, int]] = {}
        """By ballot of a leader: the slot from which it proposes, and its quorum as bits."""
        self._high = [0] * replicas
        self._lost: set[int] = set()
        """Acceptors whose disks have forgotten something. What they said binds them all the same."""
        self._forgotten = 0
        """Nothing is known of the slots below it any more, and nothing is said about them."""
        self.contested = 0
        """Slots in which a quorum had voted for several values, so that the highest ballot decided."""

    # The disk

    def put_votes(self, acceptor: int, ballot: Ballot, first: int, values: Sequence[Value]) -> None:
        """Note that votes in ``first``, ``first + 1``, ... reached the disk (invariants 1, 2, 4)."""
        if ballot < self.promised[acceptor]:
            raise InvariantBroken(
                Invariant.PROMISES,
                f"a vote at {ballot} after a promise of {self.promised[acceptor]}",
                acceptor,
            )
        self.promised[acceptor] = ballot
        if first < self._forgotten:
            first, values = self._forgotten, values[self._forgotten - first :]
        slots, bit = self.slots, 1 << acceptor
        slot = first
        for value in values:
            ballots = slots.get(slot)
            cell = ballots.get(ballot) if ballots is not None else None
            if cell is None or cell.value is not value:
                cell = self._cell(acceptor, slot, ballot, value)
            if not cell.voters & bit:
                cell.voters |= bit
                if cell.voters.bit_count() == self._quorum:
                    self._choose(acceptor, slot, ballot, value)
            slot += 1
        if slot > self._high[acceptor]:
            self._high[acceptor] = slot

    def _cell(self, acceptor: int, slot: int, ballot: Ballot, value: Value) -> BallotVotes:
        ballots = self.slots.get(slot)
        if ballots is None:
            ballots = self.slots[slot] = {}
        cell = ballots.get(ballot)
        if cell is None:
            cell = ballots[ballot] = BallotVotes(value)
        elif cell.value is not value and cell.value != value:
            raise InvariantBroken(
                Invariant.ONE_VALUE,
                f"slot {slot} at {ballot} is {cell.value} and {value}",
                acceptor,
            )
        return cell

    def _choose(self, acceptor: int, slot: int, ballot: Ballot, value: Value) -> None:
        if self.chosen.setdefault(slot, value) != value:
            raise InvariantBroken(
                Invariant.AGREEMENT,
                f"slot {slot}: {self.chosen[slot]} is chosen, and now {value} at {ballot}",
                acceptor,
            )

    def put_state(self, acceptor: int, promised: Ballot, round_: int) -> None:
        """Check the promise and the round that reached the disk (invariant 2)."""
        if promised < self.promised[acceptor]:
            if acceptor in self._lost:
                return
            raise InvariantBroken(
                Invariant.PROMISES,
                f"its promise on disk fell from {self.promised[acceptor]} to {promised}",
                acceptor,
            )
        self.promised[acceptor] = promised
        if round_ > self._rounds[acceptor]:
            self._rounds[acceptor] = round_

    def restored(self, acceptor: int, promised: Ballot) -> None:
        """Check the promise with which an acceptor starts from its disk."""
        if acceptor in self._lost:
            return
        if promised != self.promised[acceptor]:
            raise InvariantBroken(
                Invariant.PROMISES,
                f"it starts with promise {promised}; its disk, or its word, says {self.promised[acceptor]}",
                acceptor,
            )
        self._spoken[acceptor] = promised

    def lost(self, acceptor: int) -> None:
        """Note that its disk has forgotten something: it starts from less than it said."""
        self._lost.add(acceptor)

    # Trace events

    def promise_made(self, acceptor: int, ballot: Ballot) -> None:
        """Memory moves ahead of the disk; it never moves back (invariant 2)."""
        if ballot < self._spoken[acceptor]:
            raise InvariantBroken(
                Invariant.PROMISES,
                f"it promised {ballot} after {self._spoken[acceptor]}",
                acceptor,
            )
        self._spoken[acceptor] = ballot

    def vote_cast(self, acceptor: int, ballot: Ballot) -> None:
        """Check that a vote obeys the promises made so far, durable or not (invariant 2)."""
        if ballot < self._spoken[acceptor]:
            raise InvariantBroken(
                Invariant.PROMISES,
                f"it votes at {ballot} after promising {self._spoken[acceptor]}",
                acceptor,
            )
        self._spoken[acceptor] = ballot

    def round_taken(self, proposer: int, ballot: Ballot) -> None:
        """Check that a ballot under which something was said before is never taken again (invariants 1,
        3)."""
        if ballot in self._prepared:
            raise InvariantBroken(Invariant.ONE_VALUE, f"it takes {ballot} a second time", proposer)

    def elected(self, proposer: int, ballot: Ballot, first: int, members: Iterable[int]) -> None:
        """Check that a leader has exact promises of a majority, each sent, its own durable (invariant 3)."""
        promises = self._promises.get(ballot, 0)
        if self.promised[proposer] >= ballot:
            promises |= 1 << proposer
        quorum = 0
        for acceptor in members:
            quorum |= 1 << acceptor
        if quorum.bit_count() < self._quorum or quorum & ~promises:
            raise InvariantBroken(
                Invariant.CHOOSABLE,
                f"it leads at {ballot} by promises of {members}, which are no majority that promised",
                proposer,
            )
        if ballot in self._elections:
            raise InvariantBroken(Invariant.ONE_VALUE, f"ballot {ballot} is used twice", proposer)
        self._elections[ballot] = (first, quorum)

    def proposed(self, proposer: int, ballot: Ballot, first: int, values: Sequence[Value]) -> None:
        """P2c of Paxos Made Simple (invariant 3).

        The quorum's votes below the ballot are final, because each member promised it. The value must be
        that of the highest of them, or of a still higher ballot that somebody outside of the quorum
        reported as well; if there is none, any value will do.
        """
        base, quorum = self._elections.get(ballot, (0, 0))
        if not quorum or first < base:
            raise InvariantBroken(
                Invariant.CHOOSABLE,
                f"it proposes in slot {first} at {ballot} without promises",
                proposer,
            )
        if first < self._forgotten:
            first, values = self._forgotten, values[self._forgotten - first :]
        for slot, value in enumerate(values, first):
            ballots = self.slots.get(slot)
            if ballots:
                self._choosable(proposer, slot, ballot, value, ballots, quorum)
            self._cell(proposer, slot, ballot, value)

    def _choosable(
        self,
        proposer: int,
        slot: int,
        ballot: Ballot,
        value: Value,
        ballots: dict[Ballot, BallotVotes],
        quorum: int,
    ) -> None:
        told = [b for b, cell in ballots.items() if b < ballot and cell.voters & quorum]
        if not told:
            return
        highest = max(told)
        if len({ballots[b].value for b in told}) > 1:
            self.contested += 1
        if ballots[highest].value == value:
            return
        if any(highest < b < ballot and cell.voters and cell.value == value for b, cell in ballots.items()):
            return
        raise InvariantBroken(
            Invariant.CHOOSABLE,
            f"slot {slot} at {ballot}: it proposes {value}, its quorum voted for "
            f"{ballots[highest].value} at {highest}",
            proposer,
        )

    def chosen_seen(self, proposer: int, ballot: Ballot, first: int, count: int) -> None:
        """Check a tally: a majority's disks must hold the votes at this very ballot (invariant 5)."""
        slots = self.slots
        for slot in range(max(first, self._forgotten), first + count):
            ballots = slots.get(slot)
            cell = ballots.get(ballot) if ballots is not None else None
            if cell is None or cell.voters.bit_count() < self._quorum:
                raise InvariantBroken(
                    Invariant.LEARNED,
                    f"slot {slot} is not chosen at {ballot}, but the leader counts it",
                    proposer,
                )

    def learned(self, learner: int, first: int, values: Sequence[Value]) -> None:
        """Check that what is learned is chosen by now (invariant 5)."""
        if first < self._forgotten:
            first, values = self._forgotten, values[self._forgotten - first :]
        chosen = self.chosen
        slot = first
        for told in values:
            value = chosen.get(slot)
            if value is not told and value != told:
                known = "nothing yet" if value is None else value
                raise InvariantBroken(
                    Invariant.LEARNED, f"it learned {told} in slot {slot}; chosen is {known}", learner
                )
            slot += 1

    # Messages, as they are sent

    def prepare_sent(self, proposer: int, message: Prepare) -> None:
        """Check that a round is on disk before anybody hears of it (invariant 11)."""
        if message.ballot.round > self._rounds[proposer]:
            raise InvariantBroken(
                Invariant.DURABLE,
                f"its Prepare of {message.ballot} left before the round was on disk",
                proposer,
            )
        self._prepared.add(message.ballot)

    def promise_sent(self, acceptor: int, message: Promise) -> None:
        """Check that a promise that leaves is on disk, and reports every vote below its ballot (2, 3, 11)."""
        ballot = message.ballot
        if self.promised[acceptor] < ballot:
            raise InvariantBroken(
                Invariant.DURABLE, f"its promise of {ballot} left before it was on disk", acceptor
            )
        reported = {vote.slot: vote for vote in message.votes}
        bit = 1 << acceptor
        for vote in message.votes:
            if vote.slot < self._forgotten:
                continue
            cell = self.slots.get(vote.slot, {}).get(vote.ballot)
            if cell is None or not cell.voters & bit or cell.value != vote.value:
                raise InvariantBroken(
                    Invariant.DURABLE, f"it reports a vote it does not have: {vote}", acceptor
                )
        upto = self._high[acceptor] if message.next is None else min(message.next, self._high[acceptor])
        for slot in range(max(message.first, message.learned, self._forgotten), upto):
            votes = [b for b, cell in self.slots.get(slot, {}).items() if b < ballot and cell.voters & bit]
            told = reported.get(slot)
            if votes and (told is None or told.ballot < max(votes)):
                raise InvariantBroken(
                    Invariant.CHOOSABLE,
                    f"its promise of {ballot} hides its vote in slot {slot} at {max(votes)}",
                    acceptor,
                )
        if message.next is None:
            self._promises[ballot] = self._promises.get(ballot, 0) | bit

    def accepted_sent(self, acceptor: int, message: Accepted) -> None:
        """Check that every vote that an Accepted stands for is on disk (invariant 11)."""
        slots, ballot, bit = self.slots, message.ballot, 1 << acceptor
        for slot in range(max(message.first, self._forgotten), message.first + message.count):
            ballots = slots.get(slot)
            cell = ballots.get(ballot) if ballots is not None else None
            if cell is None or not cell.voters & bit:
                raise InvariantBroken(
                    Invariant.DURABLE,
                    f"its vote in slot {slot} at {ballot} left before it was on disk",
                    acceptor,
                )

    def accept_sent(self, proposer: int, message: Accept) -> None:
        """Check that an Accept asks for what was proposed (invariant 1)."""
        slots, ballot, slot = self.slots, message.ballot, message.first
        for value in message.values:
            ballots = slots.get(slot)
            cell = ballots.get(ballot) if ballots is not None else None
            if (cell is None or cell.value is not value) and slot >= self._forgotten:
                self._cell(proposer, slot, ballot, value)
            slot += 1

    def ack_sent(self, acceptor: int, message: HeartbeatAck) -> None:
        """Check that a replica that confirms a leader is bound to nobody above it: reads depend on that (2,
        10)."""
        if self.promised[acceptor] > message.ballot:
            raise InvariantBroken(
                Invariant.PROMISES,
                f"it confirms {message.ballot} after a promise of {self.promised[acceptor]}",
                acceptor,
            )

    # Memory

    def forget_below(self, slot: int) -> None:
        """Drop what is known of the slots below, and of ballots that can do nothing any more. Events that
        are about them are still taken, and nothing is said of them."""
        for old in range(self._forgotten, slot):
            self.slots.pop(old, None)
            self.chosen.pop(old, None)
        self._forgotten = max(self._forgotten, slot)
        # A majority promised at least the bar, so nobody is elected below it any more. Who was, and has not
        # noticed, is at the newest ballot of its replica.
        bar = sorted(self.promised)[len(self.promised) - self._quorum]
        newest: dict[int, Ballot] = {}
        for ballot in [*self._prepared, *self._promises, *self._elections]:
            newest[ballot.replica] = max(ballot, newest.get(ballot.replica, ballot))
        kept = set(newest.values())
        self._prepared = {b for b in self._prepared if b >= bar or b in kept}
        self._promises = {b: bits for b, bits in self._promises.items() if b >= bar or b in kept}
        self._elections = {b: election for b, election in self._elections.items() if b >= bar or b in kept}

    def last_words(self, slots: Sequence[int]) -> str:
        """Say what is known of some slots, for a person."""
        lines = []
        for slot in slots:
            for ballot, cell in sorted(self.slots.get(slot, {}).items()):
                voters = [str(i) for i in range(len(self.promised)) if cell.voters >> i & 1]
                lines.append(f"slot {slot} at {ballot}: {cell.value} by {', '.join(voters) or 'no acceptor'}")
        return "\n".join(lines)
