"""Mistakes about which promises count, and whose value a new leader must propose."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from paxtui.checkers.broken import Invariant
from paxtui.core.ballot import majority
from paxtui.core.messages import Promise
from paxtui.core.phase1 import Phase1
from paxtui.core.proposer import Proposer
from paxtui.core.values import NOOP, Command
from paxtui.sim.mutants.mutant import Patch, mutant

P2C = "Paxos Made Simple, 2.2, P2c"


@mutant(
    "minority-of-promises",
    rule=f"{P2C}: a majority of acceptors",
    profile="network",
    caught_by=Invariant.CHOOSABLE,
    seeds=3,
)
def minority_of_promises(patch: Patch) -> None:
    """Half of the replicas, rounded down, are taken for a majority in phase 1."""
    patch.replace(Phase1, "won", property(lambda self: len(self.complete) >= max(1, self._replicas // 2)))


@mutant(
    "promise-counted-twice",
    rule=f"{P2C}: a set of acceptors",
    profile="boost",
    caught_by=Invariant.CHOOSABLE,
    seeds=30,
)
def promise_counted_twice(patch: Patch) -> None:
    """Promises are counted, not their senders: a repeated one counts again."""
    original = Phase1.add

    def add(self: Any, sender: int, page: Promise) -> bool:
        repeated = sender in self.complete and page.next is None
        self.again = getattr(self, "again", 0) + repeated
        return original(self, sender, page) or repeated

    patch.replace(Phase1, "add", add)
    patch.replace(
        Phase1,
        "won",
        property(lambda self: len(self.complete) + getattr(self, "again", 0) >= majority(self._replicas)),
    )


@mutant(
    "promises-kept-for-the-next-ballot",
    rule="promises count for the exact ballot; paxosmmc's state reduction, a counter that is never reset",
    profile="all",
    caught_by=Invariant.CHOOSABLE,
    seeds=20,
)
def promises_kept_for_the_next_ballot(patch: Patch) -> None:
    """The set of those who promised is not emptied when a new ballot begins."""
    original = Proposer._prepare

    def prepare(self: Any, now: float, *, forced: bool) -> None:
        kept: set[int] = getattr(self, "kept", set())
        original(self, now, forced=forced)
        phase1 = self._phase1
        if phase1 is not None:
            phase1.complete |= kept
            self.kept = phase1.complete

    patch.replace(Proposer, "_prepare", prepare)


@mutant(
    "first-page-is-enough",
    rule=f"{P2C}: a promise reports all votes",
    profile="boost",
    caught_by=Invariant.CHOOSABLE,
    seeds=20,
)
def first_page_is_enough(patch: Patch) -> None:
    """A promise of several pages counts as soon as its first page is in."""
    original = Phase1.add

    def add(self: Phase1, sender: int, page: Promise) -> bool:
        return original(self, sender, replace(page, next=None))

    patch.replace(Phase1, "add", add)


@mutant(
    "lowest-ballot-wins",
    rule=f"{P2C}: the value of the highest-numbered proposal",
    profile="crash",
    caught_by=Invariant.CHOOSABLE,
    seeds=30,
)
def lowest_ballot_wins(patch: Patch) -> None:
    """Of the values reported for a slot, that of the lowest ballot is proposed again."""
    original = Phase1.add

    def add(self: Phase1, sender: int, page: Promise) -> bool:
        kept = dict(self.reported)
        counted = original(self, sender, page)
        for slot, (ballot, _) in self.reported.items():
            if slot in kept and kept[slot][0] < ballot:
                self.reported[slot] = kept[slot]
        return counted

    patch.replace(Phase1, "add", add)


@mutant(
    "last-answer-wins",
    rule=f"{P2C}: the value of the highest-numbered proposal",
    profile="all",
    caught_by=Invariant.CHOOSABLE,
    seeds=40,
)
def last_answer_wins(patch: Patch) -> None:
    """Of the values reported for a slot, that of the last promise to arrive is proposed again."""
    original = Phase1.add

    def add(self: Phase1, sender: int, page: Promise) -> bool:
        counted = original(self, sender, page)
        if counted:
            self.reported.update({vote.slot: (vote.ballot, vote.value) for vote in page.votes})
        return counted

    patch.replace(Phase1, "add", add)


@mutant(
    "no-op-over-a-reported-value",
    rule=f"{P2C}; section 3: a no-op is for slots of which nothing was reported",
    profile="boost",
    caught_by=Invariant.CHOOSABLE,
    seeds=3,
)
def no_op_over_a_reported_value(patch: Patch) -> None:
    """Slots with a reported value are filled with the no-op, too."""
    original = Phase1.adopted
    patch.replace(Phase1, "adopted", lambda self: dict.fromkeys(original(self), NOOP))


@mutant(
    "own-value-over-a-reported-one",
    rule=P2C,
    profile="boost",
    caught_by=Invariant.CHOOSABLE,
    seeds=3,
)
def own_value_over_a_reported_one(patch: Patch) -> None:
    """A new leader forgets what was reported, and gives the slots to its own clients."""
    patch.replace(Phase1, "adopted", lambda self: {})


@mutant(
    "learned-slots-used-again",
    rule="below the watermark of a promise the proposer learns first (Paxi uses such slots again)",
    profile="boost",
    caught_by=Invariant.CHOOSABLE,
    seeds=50,
    first=30,
)
def learned_slots_used_again(patch: Patch) -> None:
    """A new leader does not look at the watermarks in the promises, and starts from its own."""
    original = Phase1.add

    def add(self: Phase1, sender: int, page: Promise) -> bool:
        learned = self.learned
        counted = original(self, sender, page)
        self.learned = learned
        return counted

    patch.replace(Phase1, "add", add)


@mutant(
    "proposals-outlive-the-lead",
    rule="Paxos Made Moderately Complex, 2.4: proposals belong to one ballot",
    profile="crash",
    caught_by=Invariant.CHOOSABLE,
    seeds=30,
)
def proposals_outlive_the_lead(patch: Patch) -> None:
    """What a leader had proposed when it lost the lead is what it proposes when it leads again."""
    drop, lead = Proposer._drop, Proposer._lead

    def dropping(self: Any) -> None:
        if self.leader is not None:
            self.kept = dict(self.leader._proposals)
        drop(self)

    def leading(self: Any, phase1: Phase1, now: float) -> None:
        lead(self, phase1, now)
        kept: dict[int, Command] = getattr(self, "kept", {})
        leader = self.leader
        leader._adopted.update({slot: value for slot, value in kept.items() if slot >= leader.base})
        leader.end = max(leader.end, max(leader._adopted, default=-1) + 1)

    patch.replace(Proposer, "_drop", dropping)
    patch.replace(Proposer, "_lead", leading)
