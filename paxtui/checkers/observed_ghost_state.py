"""The ghost state where disks are not seen: a vote is taken for durable when it is cast.

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
        """Note that it promised ``ballot``, or raised its promise to it (invariant 2)."""
        self.promise_made(acceptor, ballot)
        self.promised[acceptor] = max(self.promised[acceptor], ballot)

    def starts_with(self, acceptor: int, promised: Ballot) -> None:
        """Start it, bound by ``promised`` and by nothing else that it decided before."""
        self.promised[acceptor] = self._spoken[acceptor] = promised
        for ballot in [b for b in self._promises if b > promised]:
            self._promises[ballot] &= ~(1 << acceptor)

    def spoken(self, acceptor: int) -> Ballot:
        """Give the highest ballot to which it is known to be bound."""
        return self._spoken[acceptor]

    def has_promised(self, acceptor: int, ballot: Ballot) -> bool:
        """Tell whether its whole promise of ``ballot`` is known."""
        return bool(self._promises.get(ballot, 0) >> acceptor & 1)

    def promise_known(self, acceptor: int, ballot: Ballot) -> None:
        """Note that all pages of its promise were seen."""
        self._promises[ballot] = self._promises.get(ballot, 0) | 1 << acceptor

    def quorum_of(self, ballot: Ballot) -> int | None:
        """Give the quorum that elected the leader of ``ballot``, as bits; ``None`` if no leader is known."""
        election = self._elections.get(ballot)
        return None if election is None else election[1]

    def value_at(self, slot: int, ballot: Ballot) -> Value | None:
        """Give the value of a ballot in a slot, if it is known."""
        cell = self.slots.get(slot, {}).get(ballot)
        return None if cell is None else cell.value

    def voters(self, slot: int, ballot: Ballot) -> int:
        """Give the known voters of a ballot in a slot, as bits."""
        cell = self.slots.get(slot, {}).get(ballot)
        return 0 if cell is None else cell.voters

    def propose_told(self, proposer: int, slot: int, ballot: Ballot, value: Value) -> None:
        """Take a value as that of a ballot, whether or not it may be (invariant 1)."""
        if slot >= self._forgotten:
            self._cell(proposer, slot, ballot, value)

    def vote_told(self, acceptor: int, slot: int, ballot: Ballot, value: Value) -> None:
        """Count a vote that was cast unseen and is known after all (invariants 1, 4)."""
        if slot < self._forgotten:
            return
        cell = self._cell(acceptor, slot, ballot, value)
        cell.voters |= 1 << acceptor
        if cell.voters.bit_count() >= self._quorum:
            self._choose(acceptor, slot, ballot, value)
        self._high[acceptor] = max(self._high[acceptor], slot + 1)

    def votes_of(self, acceptor: int, first: int) -> Iterator[tuple[int, Ballot]]:
        """List all of its votes in slots from ``first`` on, also those that later ones replaced."""
        bit = 1 << acceptor
        for slot in range(max(first, self._forgotten), self._high[acceptor]):
            for ballot, cell in self.slots.get(slot, {}).items():
                if cell.voters & bit:
                    yield slot, ballot

    def take_back(self, acceptor: int, slot: int, ballot: Ballot) -> bool:
        """Remove a vote that never reached its disk. True if its value is chosen nevertheless, or never
        seemed so."""
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
        """Give the slot below which nothing is known any more."""
        return self._forgotten
