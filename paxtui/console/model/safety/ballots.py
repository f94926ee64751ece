"""What is known of each ballot: who promised it, what was proposed and voted for at it, what was chosen.

Reports of different replicas arrive in any order. All that is said here is either monotone (two values at
one ballot stay two values, whenever the second is heard of) or waits until the accounts that it rests on
have come past the point that matters. So a report that is late never makes anything look broken. Whatever
is not the same everywhere is put before :class:`~paxtui.checkers.observed_ghost_state.ObservedGhostState`,
the ghost record that judges recorded runs, slot by slot.
"""

from __future__ import annotations

from copy import copy
from typing import Final, NamedTuple

from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.checkers.observed_ghost_state import ObservedGhostState
from paxtui.console.model.safety.digests import Clash, Digests, pieces
from paxtui.console.model.state.runs import Runs
from paxtui.wire import events as e
from paxtui.wire.telemetry import DIGEST_CHARS, NOOP_DIGEST
from paxtui.wire.values import Ballot, majority

REIGNS_KEPT: Final = 256
"""Ballots that are remembered; ten elections a second fill this in half a minute."""

EVERY_SLOT: Final = 2**62

RUN_MAX: Final = 100_000
"""No real run is longer; whoever tells of one is not believed to the end."""

PROPOSALS_WAITING: Final = 256
"""Runs a ballot that wait for the promises that they must agree with."""


class Proposal(NamedTuple):
    """A run that a leader proposed."""

    first: int
    marks: str
    source: str


class BallotRecord:
    """One ballot."""

    def __init__(self, ballot: Ballot, replicas: int) -> None:
        self.ballot = ballot
        self.marks = Digests()
        self.proposed: Runs[bool] = Runs()
        self.votes: list[Runs[bool]] = [Runs() for _ in range(replicas)]
        """As the acceptors tell; what they forgot by dying is taken out."""
        self.counted: list[Runs[bool]] = [Runs() for _ in range(replicas)]
        """As the leader counts."""
        self.chosen: Runs[bool] = Runs()
        """What the leader saw chosen."""
        self.begun = False
        """Whether its leader told everything since it took the ballot."""
        self.whole = False
        """The same of a leader that was elected."""
        self.reported: set[int] = set()
        """Whose votes the leader was told in phase 1, whole promises or not."""
        self.elected: e.Elected | None = None
        self.promised = 0
        """Who told its promise, as bits."""
        self.dark: dict[int, int] = {}
        """Of who promised: its votes in slots below this one may be others than those that are known."""
        self.waiting: list[Proposal] = []
        self.final_end: int | None = None
        """The slot after the last with a vote at a lower ballot; known once all told their promise."""


class BallotRecords:
    """All ballots, and the log that is known to be chosen."""

    def __init__(self, replicas: int) -> None:
        self.replicas = replicas
        self.quorum = majority(replicas)
        self.all: dict[Ballot, BallotRecord] = {}
        self.newest = Ballot.ZERO
        """The highest ballot that anybody told of."""
        self.log = Digests()
        """What was learned or seen chosen, as it was told first."""
        self.dark = [0] * replicas
        """By acceptor, as :attr:`Reign.dark`, now."""
        self.floor = 0
        """Nothing is known of the slots below it any more."""

    def still(self) -> BallotRecords:
        """Which ballots there are now."""
        other = copy(self)
        other.all = self.all.copy()
        return other

    def at(self, ballot: Ballot) -> BallotRecord:
        """What is known of a ballot."""
        reign = self.all.get(ballot)
        if reign is None:
            reign = self.all[ballot] = BallotRecord(ballot, self.replicas)
            self.newest = max(self.newest, ballot)
            if len(self.all) > REIGNS_KEPT:
                del self.all[min(self.all)]
        return reign

    def led(self, replica: int, since: Ballot) -> bool:
        """Whether a replica is known to have taken a ballot that is not below ``since``."""
        return any(ballot.replica == replica and ballot >= since for ballot in self.all)

    def unsettled(self, members: set[int]) -> bool:
        """Whether a leader was elected by promises of ``members`` which they have not told themselves: what
        it had to propose is not known."""
        return any(
            reign.elected is not None and reign.whole and reign.final_end is None and reign.reported & members
            for reign in self.all.values()
        )

    # Telling

    def take_round(self, ballot: Ballot) -> None:
        """A proposer takes a ballot."""
        self.at(ballot).begun = True

    def report(self, ballot: Ballot, sender: int) -> None:
        """A proposer is told votes."""
        self.at(ballot).reported.add(sender)

    def elect(self, event: e.Elected) -> None:
        """A leader begins."""
        reign = self.at(event.ballot)
        if reign.elected is not None:
            raise InvariantBroken(
                Invariant.ONE_VALUE, f"ballot {event.ballot} is used twice", event.ballot.replica
            )
        reign.elected, reign.whole = event, reign.begun
        reign.reported.update(event.quorum)
        if len(set(event.quorum)) < self.quorum:
            raise InvariantBroken(
                Invariant.CHOOSABLE,
                f"it leads at {event.ballot} by {len(set(event.quorum))} promises",
                event.ballot.replica,
            )
        self._settle(reign)

    def promise(self, acceptor: int, ballot: Ballot) -> None:
        """An acceptor promised: what it voted for at lower ballots is final."""
        reign = self.at(ballot)
        bit = 1 << acceptor
        if not reign.promised & bit:
            reign.promised |= bit
            reign.dark[acceptor] = self.dark[acceptor]
            self._settle(reign)

    def report_own(self, acceptor: int, event: e.Promised, first: int) -> None:
        """An acceptor tells how many votes it has from slot ``first`` on, on this page and later ones. If as
        many are known, it is these; if more are known, it hides some (invariant 3)."""
        held: Runs[bool] = Runs()
        for reign in self.all.values():
            for begin, end, _ in list(reign.votes[acceptor].within(first, EVERY_SLOT)):
                held.assign(begin, end, value=True)
        count = sum(end - begin for begin, end, _ in held.within(first, EVERY_SLOT))
        if self.dark[acceptor] > first:
            if event.votes == count:
                self.dark[acceptor] = first
        elif event.votes < count and first >= self.floor:
            raise InvariantBroken(
                Invariant.CHOOSABLE,
                f"its promise of {event.ballot} tells {event.votes} votes from slot {first} on of {count}",
                acceptor,
            )

    def propose(self, ballot: Ballot, first: int, marks: str, source: str) -> None:
        """A leader gave values to slots."""
        reign = self.at(ballot)
        reign.proposed.assign(first, first + len(marks) // DIGEST_CHARS, value=True)
        self._judge_source(reign, first, marks, source)
        self._put(reign, first, marks)
        self._keep(reign, first, marks)
        proposal = Proposal(first, marks, source)
        if reign.final_end is None:
            if len(reign.waiting) < PROPOSALS_WAITING:
                reign.waiting.append(proposal)
        elif first < reign.final_end:
            self._judge_choice(reign, proposal)

    def vote(self, acceptor: int, ballot: Ballot, first: int, marks: str) -> None:
        """An acceptor voted."""
        reign = self.at(ballot)
        reign.votes[acceptor].assign(first, first + len(marks) // DIGEST_CHARS, value=True)
        self._put(reign, first, marks)

    def count(self, ballot: Ballot, sender: int, first: int, count: int) -> None:
        """The leader counted votes."""
        self.at(ballot).counted[sender].assign(first, first + count, value=True)

    def choose(self, ballot: Ballot, first: int, count: int) -> list[tuple[int, str]]:
        """The leader saw a majority; the runs of values that are chosen thereby, as far as they are known."""
        reign = self.at(ballot)
        end = first + count
        if reign.whole:
            self._judge_tally(reign, first, end)
        reign.chosen.assign(first, end, value=True)
        runs = list(reign.marks.within(first, end))
        for slot, marks in runs:
            for other in self.all.values():
                if other.marks.end > slot and other.ballot > ballot:
                    self._preserved(ballot, other, other.marks.clashes(slot, marks))
        return runs

    def know(self, ballot: Ballot, first: int, marks: str) -> None:
        """Somebody knows the values of a ballot."""
        self._put(self.at(ballot), first, marks)

    def learn(self, learner: int, first: int, marks: str) -> list[tuple[int, str]]:
        """A replica knows a run to be chosen; what of it is new in the log."""
        clashes = self.log.put(first, marks)
        for clash in clashes:
            facts = ObservedGhostState(self.replicas)
            facts.chosen[clash.slot] = clash.known
            try:
                facts.learned(learner, clash.slot, (clash.told,))
            except InvariantBroken as broken:
                raise Disagreement(broken, [each.slot for each in clashes]) from None
        return self.log.new

    def _put(self, reign: BallotRecord, first: int, marks: str) -> None:
        """Invariant 1: one value a slot and ballot."""
        if first < self.floor:
            first, marks = self.floor, marks[(self.floor - first) * DIGEST_CHARS :]
        for clash in reign.marks.put(first, marks):
            facts = ObservedGhostState(self.replicas)
            facts.propose_told(reign.ballot.replica, clash.slot, reign.ballot, clash.known)
            facts.propose_told(reign.ballot.replica, clash.slot, reign.ballot, clash.told)

    # Judging

    def _keep(self, reign: BallotRecord, first: int, marks: str) -> None:
        """What was chosen at a lower ballot is proposed again (Paxos Made Simple, P2b)."""
        if first >= self.log.end:
            return
        for lower in self.all.values():
            if lower.ballot < reign.ballot and lower.chosen.end > first:
                for clash in lower.marks.clashes(first, marks):
                    if clash.slot in lower.chosen:
                        self._preserved(lower.ballot, reign, (clash,))

    def _preserved(self, chosen_at: Ballot, reign: BallotRecord, clashes: tuple[Clash, ...]) -> None:
        for clash in clashes:
            raise InvariantBroken(
                Invariant.AGREEMENT,
                f"slot {clash.slot}: one value was chosen at {chosen_at}, another proposed at {reign.ballot}",
                reign.ballot.replica,
            )

    def _judge_source(self, reign: BallotRecord, first: int, marks: str, source: str) -> None:
        if source == "client":
            wrong = NOOP_DIGEST in marks and NOOP_DIGEST in pieces(marks)
        else:
            wrong = source == "no-op" and marks != NOOP_DIGEST * (len(marks) // DIGEST_CHARS)
        if wrong:
            raise InvariantBroken(
                Invariant.VALIDITY,
                f"what it proposes in slot {first} at {reign.ballot} is no {source}'s value",
                reign.ballot.replica,
            )

    def _judge_tally(self, reign: BallotRecord, first: int, end: int) -> None:
        """Invariants 5 and 6: what is seen chosen was proposed, and a majority's votes were counted."""
        if first < self.floor:
            return
        if reign.proposed.first_missing(first) < end:
            raise InvariantBroken(
                Invariant.VALIDITY,
                f"slot {reign.proposed.first_missing(first)} is chosen at {reign.ballot}, "
                "and its leader never proposed anything there",
                reign.ballot.replica,
            )
        if sum(runs.first_missing(first) >= end for runs in reign.counted) >= self.quorum:
            return
        for slot in range(first, min(end, first + RUN_MAX)):
            if sum(slot in runs for runs in reign.counted) < self.quorum:
                raise InvariantBroken(
                    Invariant.LEARNED,
                    f"slot {slot} is not chosen at {reign.ballot}, but the leader counts it",
                    reign.ballot.replica,
                )

    def _settle(self, reign: BallotRecord) -> None:
        """Once everybody whose votes the leader was told has told its promise, these votes are final."""
        elected = reign.elected
        if elected is None or reign.final_end is not None or not reign.whole:
            return
        if any(not reign.promised >> member & 1 for member in reign.reported):
            return
        lower = [other for other in self.all.values() if other.ballot < reign.ballot]
        ends = [other.votes[member].end for other in lower for member in reign.reported]
        reign.final_end = max([elected.end, *ends])
        waiting, reign.waiting = reign.waiting, []
        for proposal in waiting:
            if proposal.first < reign.final_end:
                self._judge_choice(reign, proposal)

    def _judge_choice(self, reign: BallotRecord, proposal: Proposal) -> None:
        """P2c of Paxos Made Simple: what is proposed is what the quorum's votes at the highest ballot were
        for. Nothing is said of slots in which one of the quorum may have votes that are not known."""
        elected = reign.elected
        assert elected is not None
        sure = max(self.floor, elected.first, *(reign.dark.get(each, EVERY_SLOT) for each in reign.reported))
        first, marks, source = proposal
        end = first + len(marks) // DIGEST_CHARS
        if sure > first:
            first, marks = sure, marks[(sure - first) * DIGEST_CHARS :]
        lower = [
            other for other in self.all.values() if other.marks.end > first and other.ballot < reign.ballot
        ]
        if first >= end or _agree(lower, first, end, marks, source):
            return
        for slot, mark in enumerate(pieces(marks), first):
            facts = self._facts(reign, elected, lower, slot)
            voted = [cell.value for cell in facts.slots.get(slot, {}).values()]
            if source == "adopted" and mark not in voted:
                raise InvariantBroken(
                    Invariant.VALIDITY,
                    f"it proposes in slot {slot} at {reign.ballot} as adopted what nobody voted for",
                    reign.ballot.replica,
                )
            facts.proposed(reign.ballot.replica, reign.ballot, slot, (mark,))

    def _facts(
        self, reign: BallotRecord, elected: e.Elected, lower: list[BallotRecord], slot: int
    ) -> ObservedGhostState:
        """The ghost record of one slot as the quorum's promises found it."""
        facts = ObservedGhostState(self.replicas)
        for other in lower:
            mark = other.marks.get(slot)
            if mark is None:
                continue
            for acceptor, runs in enumerate(other.votes):
                if slot in runs:
                    facts.vote_told(acceptor, slot, other.ballot, mark)
        for member in elected.quorum:
            facts.promise_known(member, reign.ballot)
        facts.elected(reign.ballot.replica, reign.ballot, elected.first, elected.quorum)
        return facts

    # Lives

    def begins(self, acceptor: int, *, dark: int) -> None:
        """A life begins, or is told of again: what was told of its votes may never have got to its disk."""
        self.dark[acceptor] = dark
        for reign in self.all.values():
            reign.votes[acceptor].clear(0)
            if acceptor in reign.dark:
                reign.dark[acceptor] = EVERY_SLOT  # what it told then is not remembered

    def unseen(self, leader: int) -> None:
        """Something that a proposer did is missing."""
        for reign in self.all.values():
            if reign.ballot.replica == leader:
                reign.begun = reign.whole = False

    def forget_below(self, slot: int) -> None:
        """Drop what is known of old slots."""
        self.floor = max(self.floor, slot)
        self.log.forget_below(slot)
        newest = max(self.all, default=Ballot.ZERO)
        for ballot, reign in list(self.all.items()):
            reign.marks.forget_below(slot)
            if reign.marks.end <= slot and ballot != newest:
                del self.all[ballot]
                continue
            for runs in (reign.proposed, reign.chosen, *reign.votes, *reign.counted):
                runs.clear(0, slot)


def _agree(lower: list[BallotRecord], first: int, end: int, marks: str, source: str) -> bool:
    """Whether a run is at first sight what was voted for: nobody told anything else."""
    if any(other.marks.clashes(first, marks) for other in lower):
        return False
    return source != "adopted" or any(
        votes.first_missing(first) >= end for other in lower for votes in other.votes
    )


class Disagreement(Exception):
    """Two values were seen to be chosen in slots."""

    def __init__(self, broken: InvariantBroken, slots: list[int]) -> None:
        super().__init__(str(broken))
        self.broken = broken
        self.slots = slots
