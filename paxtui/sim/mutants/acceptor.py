"""Mistakes about promises, votes and ballots."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from paxtui.checkers.broken import Invariant
from paxtui.core.acceptor import Acceptor
from paxtui.core.ballot import Ballot
from paxtui.core.messages import Accept, Heartbeat, PeerMessage, Prepare, Promise
from paxtui.core.proposer import Proposer
from paxtui.core.replica import Replica
from paxtui.sim.mutants.mutant import Patch, mutant

P1A = "Paxos Made Simple, 2.2, P1a"


@mutant(
    "ballots-compared-by-round",
    rule=f"{P1A}; 2.5: all numbers are different",
    profile="duels",
    caught_by=Invariant.PROMISES,
    seeds=20,
)
def ballots_compared_by_round(patch: Patch) -> None:
    """An Accept is refused if its round is lower; of equal rounds any replica's will do."""
    original = Acceptor.on_accept

    def on_accept(self: Acceptor, sender: int, message: Accept, *rest: Any) -> None:
        promised = self.promised
        if message.ballot < promised and message.ballot.round == promised.round:
            self.promised = message.ballot
        original(self, sender, message, *rest)
        self.promised = max(promised, self.promised)

    patch.replace(Acceptor, "on_accept", on_accept)


@mutant(
    "promise-to-anybody",
    rule="Paxos Made Simple, 2.2, phase 1b",
    profile="all",
    caught_by=Invariant.PROMISES,
    seeds=8,
)
def promise_to_anybody(patch: Patch) -> None:
    """A Prepare is promised without a look at what was promised before."""
    original = Acceptor.on_prepare

    def on_prepare(self: Acceptor, sender: int, message: Prepare, now: float, learned: int) -> None:
        if message.ballot < self.promised:
            self.promised = message.ballot
        original(self, sender, message, now, learned)

    patch.replace(Acceptor, "on_prepare", on_prepare)


@mutant(
    "vote-does-not-bind",
    rule=f"{P1A}; Paxos Made Moderately Complex, invariant A2",
    profile="boost",
    caught_by=Invariant.PROMISES,
    seeds=3,
)
def vote_does_not_bind(patch: Patch) -> None:
    """A vote at a ballot above the promise leaves the promise where it was."""
    original = Acceptor.on_accept

    def on_accept(self: Acceptor, *args: Any) -> None:
        promised = self.promised
        original(self, *args)
        self.promised = promised

    patch.replace(Acceptor, "on_accept", on_accept)


@mutant(
    "promise-hides-a-vote",
    rule="Paxos Made Simple, 2.2, phase 1b: with the highest-numbered proposal that it has accepted",
    profile="boost",
    caught_by=Invariant.CHOOSABLE,
    seeds=3,
)
def promise_hides_a_vote(patch: Patch) -> None:
    """A page of a promise leaves out its first vote."""
    original = Acceptor._page

    def page(self: Acceptor, message: Prepare, learned: int) -> Promise:
        promise = original(self, message, learned)
        return replace(promise, votes=promise.votes[1:])

    patch.replace(Acceptor, "_page", page)


@mutant(
    "promise-hides-learned-slots",
    rule="a promise is honest about every slot from its start (OCons#21, Paxi)",
    profile="all",
    caught_by=Invariant.CHOOSABLE,
    seeds=20,
)
def promise_hides_learned_slots(patch: Patch) -> None:
    """A promise lists the votes of open slots, and is silent about those that are applied and trimmed."""
    original = Acceptor._page

    def page(self: Acceptor, message: Prepare, learned: int) -> Promise:
        return replace(original(self, message, learned), learned=message.first)

    patch.replace(Acceptor, "_page", page)


@mutant(
    "ballot-without-replica",
    rule="Paxos Made Simple, 2.5: proposers choose their numbers from disjoint sets",
    profile="network",
    caught_by=Invariant.ONE_VALUE,
    seeds=10,
)
def ballot_without_replica(patch: Patch) -> None:
    """A ballot is a round and nothing else, and nobody looks whose it is."""
    objection = Replica._objection

    def indulgent(self: Replica, sender: int, message: PeerMessage) -> str | None:
        reason = objection(self, sender, message)
        whose = reason is not None and ("not its sender's" in reason or "another replica's" in reason)
        return None if whose else reason

    patch.replace(Replica, "_objection", indulgent)
    patch.replace(Proposer, "_own_ballot", property(lambda self: Ballot(self.round, 0)))


@mutant(
    "outbid-leader-confirmed",
    rule="who confirms a leader is bound to nobody above it; linearizable reads rest on that",
    profile="all",
    caught_by=Invariant.PROMISES,
    seeds=20,
)
def outbid_leader_confirmed(patch: Patch) -> None:
    """A heartbeat is answered whatever was promised meanwhile."""
    original = Acceptor.on_heartbeat

    def on_heartbeat(self: Acceptor, sender: int, message: Heartbeat, now: float, learned: int) -> bool:
        promised = self.promised
        self.promised = min(promised, message.ballot)
        heard = original(self, sender, message, now, learned)
        self.promised = promised
        return heard

    patch.replace(Acceptor, "on_heartbeat", on_heartbeat)


@mutant(
    "repeated-prepare-ignored",
    rule="losing any message is harmless: whoever waits for an answer asks again, and is answered again",
    profile="network",
    caught_by=Invariant.LIVENESS,
    seeds=40,
)
def repeated_prepare_ignored(patch: Patch) -> None:
    """A Prepare at the promised ballot gets no answer: it was answered before."""
    original = Acceptor.on_prepare

    def on_prepare(self: Acceptor, sender: int, message: Prepare, now: float, learned: int) -> None:
        if message.ballot != self.promised:
            original(self, sender, message, now, learned)

    patch.replace(Acceptor, "on_prepare", on_prepare)


@mutant(
    "repeated-accept-ignored",
    rule="Paxos Made Simple, 3: an Accept that is sent again gets the same vote again",
    profile="all",
    caught_by=Invariant.LIVENESS,
    seeds=60,
)
def repeated_accept_ignored(patch: Patch) -> None:
    """An Accept of a run that has votes at this ballot gets no answer: it was answered before."""
    original = Acceptor.on_accept

    def on_accept(self: Acceptor, sender: int, message: Accept, *rest: Any) -> None:
        vote = self.votes.get(message.first)
        if vote is None or vote[0] != message.ballot:
            original(self, sender, message, *rest)

    patch.replace(Acceptor, "on_accept", on_accept)


@mutant(
    "equal-ballot-refused",
    rule=f"{P1A}: greater than n, not equal",
    profile="all",
    caught_by=Invariant.LIVENESS,
    seeds=3,
)
def equal_ballot_refused(patch: Patch) -> None:
    """An Accept must be above the promise: <= where < is meant."""
    original = Acceptor.on_accept

    def on_accept(self: Acceptor, sender: int, message: Accept, now: float, learned: int, known: Any) -> None:
        if message.ballot == self.promised:
            self._refuse(sender, message.ballot, None, learned)
        else:
            original(self, sender, message, now, learned, known)

    patch.replace(Acceptor, "on_accept", on_accept)
