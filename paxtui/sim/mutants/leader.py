"""Mistakes of a leader: which votes count, what is proposed, who is told what."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from paxtui.checkers.broken import Invariant
from paxtui.core.ballot import Ballot
from paxtui.core.dispatch import Dispatcher
from paxtui.core.leader import Leader
from paxtui.core.messages import Accepted, PeerMessage
from paxtui.core.output import Appended
from paxtui.core.replica import Replica
from paxtui.core.values import NOOP, Command
from paxtui.sim.mutants.mutant import Patch, mutant

CHOSEN = "Paxos Made Simple, 2.2: chosen when a majority has accepted it"


@mutant(
    "minority-of-votes",
    rule=CHOSEN,
    profile="network",
    caught_by=Invariant.LEARNED,
    seeds=3,
)
def minority_of_votes(patch: Patch) -> None:
    """Half of the replicas, rounded down, are taken for a majority in phase 2."""
    original = Leader.on_accepted

    def on_accepted(self: Leader, sender: int, message: Accepted) -> Any:
        quorum, self._quorum = self._quorum, max(1, self._replicas // 2)
        runs = original(self, sender, message)
        self._quorum = quorum
        return runs

    patch.replace(Leader, "on_accepted", on_accepted)


@mutant(
    "vote-counted-twice",
    rule=f"{CHOSEN}: a set of acceptors",
    profile="boost",
    caught_by=Invariant.LEARNED,
    seeds=8,
)
def vote_counted_twice(patch: Patch) -> None:
    """Votes are counted, not their senders: a repeated one counts again."""
    original = Leader.on_accepted

    def on_accepted(self: Leader, sender: int, message: Accepted) -> Any:
        for slot in range(message.first, message.first + message.count):
            votes = self._tally.get(slot, 0)
            if votes >> sender & 1:
                self._tally[slot] = votes | (votes + 1)  # the lowest bit that is not set yet
        return original(self, sender, message)

    patch.replace(Leader, "on_accepted", on_accepted)


@mutant(
    "votes-counted-across-ballots",
    rule="Paxos Made Simple, 2.2: votes for one numbered proposal (the ancestor counts by value)",
    profile="boost",
    caught_by=(Invariant.LEARNED, Invariant.AGREEMENT),
    seeds=100,
    first=65,
)
def votes_counted_across_ballots(patch: Patch) -> None:
    """An Accepted counts for its slot, whatever ballot it names."""
    answers, objection = Dispatcher._answers_leader, Replica._objection

    def any_ballot(self: Dispatcher, sender: int, ballot: Ballot, message: PeerMessage, now: float) -> bool:
        leader = self._proposer.leader
        counts = isinstance(message, Accepted) and leader is not None
        return answers(self, sender, leader.ballot if counts and leader else ballot, message, now)

    def no_objection(self: Replica, sender: int, message: PeerMessage) -> str | None:
        return None if isinstance(message, Accepted) else objection(self, sender, message)

    patch.replace(Dispatcher, "_answers_leader", any_ballot)
    patch.replace(Replica, "_objection", no_objection)


@mutant(
    "acknowledged-before-the-quorum",
    rule=f"{CHOSEN}, and only then may a client be told",
    profile="all",
    caught_by=Invariant.ACKNOWLEDGED,
    seeds=3,
)
def acknowledged_before_the_quorum(patch: Patch) -> None:
    """A client is answered when its request is proposed."""
    original = Leader._propose

    def propose(self: Leader, now: float, first: int, values: tuple[Command, ...], source: str) -> None:
        original(self, now, first, values, source)
        for slot, value in enumerate(values, first):
            if (value.client, value.request) in self._waiting:
                self._waiting.remove((value.client, value.request))
                self._out.replies.append(Appended(value.client, value.request, slot, self.ballot))

    patch.replace(Leader, "_propose", propose)


@mutant(
    "no-op-over-a-slow-slot",
    rule="one value a ballot: a leader that proposed in a slot may only send that again",
    profile="network",
    caught_by=Invariant.ONE_VALUE,
    seeds=4,
)
def no_op_over_a_slow_slot(patch: Patch) -> None:
    """Slots that are still without a majority when they are due again are sent again as no-ops."""
    original = Leader._send_again

    def send_again(self: Leader, first: int, run: tuple[Command, ...], votes: int, chars: Any) -> None:
        original(self, first, (NOOP,) * len(run), votes, chars)

    patch.replace(Leader, "_send_again", send_again)


@mutant(
    "text-cut-on-the-way",
    rule="validity: a chosen value is what a client asked for",
    profile="all",
    caught_by=Invariant.VALIDITY,
    seeds=9,
)
def text_cut_on_the_way(patch: Patch) -> None:
    """A leader cuts long texts before it proposes them."""
    original = Leader.append

    def append(self: Leader, command: Command) -> None:
        original(self, replace(command, text=command.text[:16]))

    patch.replace(Leader, "append", append)


@mutant(
    "late-vote-unexpected",
    rule="every message in every role and phase has a defined answer",
    profile="all",
    caught_by=Invariant.SURPRISE,
    seeds=3,
)
def late_vote_unexpected(patch: Patch) -> None:
    """A vote for a slot that is decided already is looked up in the tally like any other."""
    original = Leader.on_accepted

    def on_accepted(self: Leader, sender: int, message: Accepted) -> Any:
        for slot in range(message.first, message.first + message.count):
            self._tally[slot] |= 1 << sender
        return original(self, sender, message)

    patch.replace(Leader, "on_accepted", on_accepted)


@mutant(
    "deposed-leader-catches-up-and-stays",
    rule="Paxos Made Simple, P2c read backwards: another value chosen here means that a higher ballot exists",
    profile="deposed",
    caught_by=Invariant.LEARNED,
    seeds=9,
)
def deposed_leader_catches_up_and_stays(patch: Patch) -> None:
    """A leader that learns another value than the one it proposed carries on; the watermark in its next
    heartbeat then tells its voters that their votes were chosen."""
    patch.replace(Leader, "first_conflict", lambda self, first, entries: None)
