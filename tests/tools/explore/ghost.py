"""What the explored cluster has done so far, and the invariants about it.

The rules are those of the simulator's checkers, stated anew and in the plainest way, so that neither is right
only because the other is. A ghost is a value: it is part of a state, and two states that differ in it alone
are two states. The number in a message of :class:`Broken` is that of the invariant in those checkers.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

from paxtui.core.ballot import Ballot, majority
from paxtui.core.values import NOOP, Command

MEMBERS = 3
QUORUMS = tuple(combinations(range(MEMBERS), majority(MEMBERS)))


class Broken(Exception):
    """An invariant does not hold."""


class Fact(NamedTuple):
    """Something that a replica did: ``kind`` names the method of :class:`Ghost` that judges it."""

    kind: str
    who: int
    slot: int = 0
    ballot: Ballot = Ballot.ZERO
    value: Command = NOOP
    repeats: int | None = None


class Ghost(NamedTuple):
    """Votes and promises that were ever on a disk, and what was proposed."""

    votes: frozenset[tuple[int, Ballot, Command, int]] = frozenset()
    """(slot, ballot, value, acceptor)."""
    bound: tuple[Ballot, ...] = (Ballot.ZERO,) * MEMBERS
    """The highest ballot that each acceptor's disk ever held: it is bound to refuse all below."""
    proposed: frozenset[tuple[int, Ballot, Command]] = frozenset()
    prepared: frozenset[Ballot] = frozenset()
    """Ballots whose Prepare has left."""

    def after(self, facts: tuple[Fact, ...]) -> Ghost:
        """The ghost when these facts have happened, or :class:`Broken`."""
        ghost = self
        for fact in facts:
            ghost = getattr(ghost, fact.kind)(fact)
        return ghost

    # What is true

    def chosen(self, slot: int) -> set[Command]:
        """The values for which a majority voted at one ballot: at most one, if all is well."""
        counted: dict[tuple[Ballot, Command], int] = {}
        for s, ballot, value, _ in self.votes:
            if s == slot:
                counted[ballot, value] = counted.get((ballot, value), 0) + 1
        return {value for (_, value), count in counted.items() if count >= majority(MEMBERS)}

    @property
    def decided(self) -> bool:
        """Whether any slot has a chosen value."""
        return any(self.chosen(slot) for slot in {slot for slot, *_ in self.votes})

    def safe(self, slot: int, ballot: Ballot, value: Command) -> bool:
        """P2c: a majority will never vote below ``ballot`` again, and its highest vote there, if any, is
        for ``value``."""
        for quorum in QUORUMS:
            if all(self.bound[a] >= ballot for a in quorum):
                below = [(b, v) for s, b, v, a in self.votes if s == slot and b < ballot and a in quorum]
                if not below or max(below, key=lambda vote: vote[0])[1] == value:
                    return True
        return False

    # Facts

    def vote(self, fact: Fact) -> Ghost:
        """A vote reached a disk (1, 2, 4)."""
        if fact.ballot < self.bound[fact.who]:
            raise Broken(f"(2) {fact.who} votes at {fact.ballot}, bound to {self.bound[fact.who]}")
        told = {v for s, b, v, _ in self.votes if (s, b) == (fact.slot, fact.ballot)}
        if told - {fact.value}:
            raise Broken(f"(1) slot {fact.slot} at {fact.ballot}: two values")
        ghost = self._replace(votes=self.votes | {(fact.slot, fact.ballot, fact.value, fact.who)})
        ghost = ghost._bind(fact.who, fact.ballot)
        if len(ghost.chosen(fact.slot)) > 1:
            raise Broken(f"(4) slot {fact.slot}: two values are chosen")
        return ghost

    def promise(self, fact: Fact) -> Ghost:
        """The small state reached a disk (2)."""
        if fact.ballot < self.bound[fact.who]:
            raise Broken(f"(2) the promise of {fact.who} falls from {self.bound[fact.who]} to {fact.ballot}")
        return self._bind(fact.who, fact.ballot)

    def _bind(self, who: int, ballot: Ballot) -> Ghost:
        bound = list(self.bound)
        bound[who] = ballot
        return self._replace(bound=tuple(bound))

    def prepare(self, fact: Fact) -> Ghost:
        """A Prepare left."""
        return self._replace(prepared=self.prepared | {fact.ballot})

    def take_round(self, fact: Fact) -> Ghost:
        """A ballot that somebody heard of is never taken again (1)."""
        if fact.ballot in self.prepared:
            raise Broken(f"(1) ballot {fact.ballot} is taken a second time")
        return self

    def propose(self, fact: Fact) -> Ghost:
        """A leader gave a slot its value, or an Accept left (1, 3)."""
        told = {v for s, b, v in self.proposed if (s, b) == (fact.slot, fact.ballot)}
        if told == {fact.value}:
            return self
        if told:
            raise Broken(f"(1) slot {fact.slot} at {fact.ballot}: two values are proposed")
        if not self.safe(fact.slot, fact.ballot, fact.value):
            raise Broken(f"(3) {fact.value} in slot {fact.slot} is not safe at {fact.ballot}")
        return self._replace(proposed=self.proposed | {(fact.slot, fact.ballot, fact.value)})

    def learn(self, fact: Fact) -> Ghost:
        """Somebody learned a value, told it to others, or to a client (5, 7)."""
        if fact.value not in self.chosen(fact.slot):
            raise Broken(f"(5) {fact.who} has {fact.value} in slot {fact.slot}, which is not chosen")
        return self

    def tally(self, fact: Fact) -> Ghost:
        """A leader says that its own proposal is chosen (5)."""
        voters = {a for s, b, _, a in self.votes if (s, b) == (fact.slot, fact.ballot)}
        if len(voters) < majority(MEMBERS):
            raise Broken(f"(5) {fact.who} counts slot {fact.slot} at {fact.ballot}, which has {voters}")
        return self

    def confirm(self, fact: Fact) -> Ghost:
        """An acceptor confirms a leader, who may answer reads by that (2, 10)."""
        if self.bound[fact.who] > fact.ballot:
            raise Broken(f"(2) {fact.who} confirms {fact.ballot}, bound to {self.bound[fact.who]}")
        return self

    def apply(self, fact: Fact) -> Ghost:
        """A slot took effect, or did not because it repeats an earlier one (9)."""
        key = fact.value.client, fact.value.request
        before = (s for s in range(fact.slot) for v in self.chosen(s) if (v.client, v.request) == key)
        if not fact.value.is_noop and fact.repeats != next(before, None):
            raise Broken(f"(9) {fact.who} applies slot {fact.slot} with repeats={fact.repeats}")
        return self.learn(fact)
