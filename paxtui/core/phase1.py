"""Phase 1 of one ballot: gather the promises of a majority, page by page.

"If the proposer receives a response to its prepare requests (numbered n) from a majority of acceptors,
then it sends an accept request ... with a value v, where v is the value of the highest-numbered proposal
among the responses, or is any value if the responses reported no proposals" (Paxos Made Simple, 2.2).

Why that is enough (P2c): if a value is chosen in a slot at some ballot, a majority has accepted it there. Any
majority of promises shares a member with that one, and the member reports the vote, or a later one, which by
induction has the same value. Each of the three conditions is needed: a *majority*, of promises for *this*
ballot, with *all* votes in it. A promise whose first page alone is counted breaks the third one.

The rule works slot by slot, although one promise covers all of them: the highest ballot of each slot counts
for that slot alone. In Raft the candidate's log wins as a whole, so only a replica whose log is as up to date
as a majority's may lead (dissertation, 3.6.1); here any may, at the price of this exchange.
"""

from __future__ import annotations

from paxtui.core.ballot import Ballot, majority
from paxtui.core.messages import Promise
from paxtui.core.values import Command


class Phase1:
    """The tally of one ballot's promises. It is thrown away with the ballot, never carried over."""

    def __init__(self, ballot: Ballot, first: int, replicas: int, forced: bool) -> None:
        self.ballot = ballot
        self.first = first
        self.forced = forced
        self._replicas = replicas
        self.cursors = dict.fromkeys(range(replicas), first)
        """Where each replica's next page starts; a replica leaves when its last page is in."""
        self.complete: set[int] = set()
        self.loyal: set[int] = set()
        """Replicas that refused for the sake of a live leader. They may still promise when it dies."""
        self.reported: dict[int, tuple[Ballot, Command]] = {}
        """Per slot the vote of the highest ballot that any page told, also a page of a promise that is not
        complete: a vote too many only proposes again what somebody once proposed."""
        self.learned = first
        """The highest learned watermark told: below it everything is chosen, and must be learned. Votes
        there may be missing from other pages, for their senders left out what they had learned."""

    def add(self, sender: int, page: Promise) -> bool:
        """Count a page; return ``False`` if it is not the one that is due from this sender (late or
        repeated). Between two pages an acceptor may learn slots and leave their votes out of the second; then
        the watermark that it states has risen past them."""
        if sender in self.complete or self.cursors.get(sender) != page.first:
            return False
        for vote in page.votes:
            best = self.reported.get(vote.slot)
            if best is None or vote.ballot > best[0]:
                self.reported[vote.slot] = (vote.ballot, vote.value)
        self.learned = max(self.learned, page.learned)
        if page.next is None:
            del self.cursors[sender]
            self.complete.add(sender)
        else:
            self.cursors[sender] = page.next
        return True

    @property
    def won(self) -> bool:
        """Tell whether a majority of distinct replicas promised this very ballot, in full."""
        return len(self.complete) >= majority(self._replicas)

    @property
    def hopeless(self) -> bool:
        """Tell whether so many stay with a live leader that no majority is left."""
        return len(self.loyal) > self._replicas - majority(self._replicas)

    def adopted(self) -> dict[int, Command]:
        """Return what must be proposed again: per slot at or above ``learned`` the value of the highest
        ballot. Below it a reported vote may have lost; the replica that told ``learned`` knows what won."""
        return {slot: value for slot, (_, value) in self.reported.items() if slot >= self.learned}
