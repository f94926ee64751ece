"""The ghost record where disks are not seen: a vote is taken for durable when it is cast.

A crash shows what was not. What a replica then holds is told by itself, and whatever somebody has counted
must be there: it had left, so it was on the disk.
"""

from __future__ import annotations

from collections.abc import Iterator

from paxtui.checkers.ghost_state import GhostState, Value
from paxtui.core.ballot import Ballot


class ObservedGhostState(GhostState):
    """:class:`GhostState` from what replicas tell of themselves."""

    def bind(self, acceptor: int, ballot: Ballot) -> None:
        """It promised ``ballot``, or raised its promise to it (invariant 2)."""
        self.promise_made(acceptor, ballot)
        self.promised[acceptor] = max(self.promised[acceptor], ballot)

    def starts_with(self, acceptor: int, promised: Ballot) -> None:
        """It starts, bound by ``promised`` and by nothing else that it decided before."""
        self.promised[acceptor] = self._spoken[acceptor] = promised
        for ballot in [b for b in self._promises if b > promised]:
            self._promises[ballot] &= ~(1 << acceptor)

    def spoken(self, acceptor: int) -> Ballot:
        """The highest ballot to which it is known to be bound."""
        return self._spoken[acceptor]

    def has_promised(self, acceptor: int, ballot: Ballot) -> bool:
        """Whether its whole promise of ``ballot`` is known."""
        return bool(self._promises.get(ballot, 0) >> acceptor & 1)

    def promise_known(self, acceptor: int, ballot: Ballot) -> None:
        """It told all pages of its promise."""
        self._promises[ballot] = self._promises.get(ballot, 0) | 1 << acceptor

    def quorum_of(self, ballot: Ballot) -> int | None:
        """Who elected the leader of ``ballot``, as bits; ``None`` if nobody is known to lead at it."""
        reign = self._reigns.get(ballot)
        return None if reign is None else reign[1]

    def value_at(self, slot: int, ballot: Ballot) -> Value | None:
        """The value of a ballot in a slot, if it is known."""
        cell = self.slots.get(slot, {}).get(ballot)
        return None if cell is None else cell.value

    def voters(self, slot: int, ballot: Ballot) -> int:
        """Who is known to have voted there, as bits."""
        cell = self.slots.get(slot, {}).get(ballot)
        return 0 if cell is None else cell.voters

    def propose_told(self, proposer: int, slot: int, ballot: Ballot, value: Value) -> None:
        """A value belongs to a ballot, whether or not it may (invariant 1)."""
        if slot >= self._forgotten:
            self._cell(proposer, slot, ballot, value)

    def vote_told(self, acceptor: int, slot: int, ballot: Ballot, value: Value) -> None:
        """A vote that was cast unseen is known after all (invariants 1, 4)."""
        if slot < self._forgotten:
            return
        cell = self._cell(acceptor, slot, ballot, value)
        cell.voters |= 1 << acceptor
        if cell.voters.bit_count() >= self._quorum:
            self._choose(acceptor, slot, ballot, value)
        self._high[acceptor] = max(self._high[acceptor], slot + 1)

    def votes_of(self, acceptor: int, first: int) -> Iterator[tuple[int, Ballot]]:
        """All of its votes in slots from ``first`` on, also those that later ones replaced."""
        bit = 1 << acceptor
        for slot in range(max(first, self._forgotten), self._high[acceptor]):
            for ballot, cell in self.slots.get(slot, {}).items():
                if cell.voters & bit:
                    yield slot, ballot

    def take_back(self, acceptor: int, slot: int, ballot: Ballot) -> bool:
        """A vote never reached its disk; whether its value is chosen nevertheless, if it seemed so."""
        cell = self.slots[slot][ballot]
        cell.voters &= ~(1 << acceptor)
        if self.chosen.get(slot) != cell.value:
            return True
        return any(
            other.value == cell.value and other.voters.bit_count() >= self._quorum
            for other in self.slots[slot].values()
        )

    @property
    def forgotten(self) -> int:
        """Nothing is known of the slots below it any more."""
        return self._forgotten
