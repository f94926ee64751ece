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
        self.kept_from = 0
        """Nothing is known of the slots below it any more."""

    def still(self) -> BallotRecords:
        """Return which ballots there are now."""
        other = copy(self)
        other.all = self.all.copy()
        return other

    def at(self, ballot: Ballot) -> BallotRecord:
        """Return what is known of a ballot."""
        record = self.all.get(ballot)
        if record is None:
            record = self.all[ballot] = BallotRecord(ballot, self.replicas)
            self.newest = max(self.newest, ballot)
            if len(self.all) > REIGNS_KEPT:
                del self.all[min(self.all)]
        return record

    def led(self, replica: int, since: Ballot) -> bool:
        """Return whether a replica is known to have taken a ballot that is not below ``since``."""
        return any(ballot.replica == replica and ballot >= since for ballot in self.all)

    def unsettled(self, members: set[int]) -> bool:
        """Return whether a leader was elected by promises of ``members`` which they have not told themselves:
        what it had to propose is not known."""
        return any(
            record.elected is not None
            and record.whole
            and record.final_end is None
            and record.reported & members
            for record in self.all.values()
        )

    # Telling

    def take_round(self, ballot: Ballot) -> None:
        """Note that a proposer takes a ballot."""
        self.at(ballot).begun = True

    def report(self, ballot: Ballot, sender: int) -> None:
        """Note that a proposer is told votes."""
        self.at(ballot).reported.add(sender)

    def elect(self, event: e.Elected) -> None:
        """Note that a leader begins."""
        record = self.at(event.ballot)
        if record.elected is not None:
            raise InvariantBroken(
                Invariant.ONE_VALUE, f"ballot {event.ballot} is used twice", event.ballot.replica
            )
        record.elected, record.whole = event, record.begun
        record.reported.update(event.quorum)
        if len(set(event.quorum)) < self.quorum:
            raise InvariantBroken(
                Invariant.CHOOSABLE,
                f"it leads at {event.ballot} by {len(set(event.quorum))} promises",
                event.ballot.replica,
            )
        self._settle(record)

    def promise(self, acceptor: int, ballot: Ballot) -> None:
        """Note that an acceptor promised: what it voted for at lower ballots is final."""
        record = self.at(ballot)
        bit = 1 << acceptor
        if not record.promised & bit:
            record.promised |= bit
            record.dark[acceptor] = self.dark[acceptor]
            self._settle(record)

    def report_own(self, acceptor: int, event: e.Promised, first: int) -> None:
        """Take how many votes an acceptor tells it has from slot ``first`` on, on this page and later ones.
        If as many are known, it is these; if more are known, it hides some (invariant 3)."""
        held: Runs[bool] = Runs()
        for record in self.all.values():
            for begin, end, _ in list(record.votes[acceptor].within(first, EVERY_SLOT)):
                held.assign(begin, end, value=True)
        count = sum(end - begin for begin, end, _ in held.within(first, EVERY_SLOT))
        if self.dark[acceptor] > first:
            if event.votes == count:
                self.dark[acceptor] = first
        elif event.votes < count and first >= self.kept_from:
            raise InvariantBroken(
                Invariant.CHOOSABLE,
                f"its promise of {event.ballot} tells {event.votes} votes from slot {first} on of {count}",
                acceptor,
            )

    def propose(self, ballot: Ballot, first: int, marks: str, source: str) -> None:
        """Note that a leader gave values to slots."""
        record = self.at(ballot)
        record.proposed.assign(first, first + len(marks) // DIGEST_CHARS, value=True)
        self._judge_source(record, first, marks, source)
        self._put(record, first, marks)
        self._keep(record, first, marks)
        proposal = Proposal(first, marks, source)
        if record.final_end is None:
            if len(record.waiting) < PROPOSALS_WAITING:
                record.waiting.append(proposal)
        elif first < record.final_end:
            self._judge_choice(record, proposal)

    def vote(self, acceptor: int, ballot: Ballot, first: int, marks: str) -> None:
        """Note that an acceptor voted."""
        record = self.at(ballot)
        record.votes[acceptor].assign(first, first + len(marks) // DIGEST_CHARS, value=True)
        self._put(record, first, marks)

    def count(self, ballot: Ballot, sender: int, first: int, count: int) -> None:
        """Note that the leader counted votes."""
        self.at(ballot).counted[sender].assign(first, first + count, value=True)

    def choose(self, ballot: Ballot, first: int, count: int) -> list[tuple[int, str]]:
        """Return the leader saw a majority; the runs of values that are chosen thereby, as far as they are
        known."""
        record = self.at(ballot)
        end = first + count
        if record.whole:
            self._judge_tally(record, first, end)
        record.chosen.assign(first, end, value=True)
        runs = list(record.marks.within(first, end))
        for slot, marks in runs:
            for other in self.all.values():
                if other.marks.end > slot and other.ballot > ballot:
                    self._preserved(ballot, other, other.marks.clashes(slot, marks))
        return runs

    def know(self, ballot: Ballot, first: int, marks: str) -> None:
        """Note the values of a ballot, which a replica knows."""
        self._put(self.at(ballot), first, marks)

    def learn(self, learner: int, first: int, marks: str) -> list[tuple[int, str]]:
        """Return a replica knows a run to be chosen; what of it is new in the log."""
        clashes = self.log.put(first, marks)
        for clash in clashes:
            facts = ObservedGhostState(self.replicas)
            facts.chosen[clash.slot] = clash.known
            try:
                facts.learned(learner, clash.slot, (clash.told,))
            except InvariantBroken as broken:
                raise Disagreement(broken, [each.slot for each in clashes]) from None
        return self.log.new

    def _put(self, record: BallotRecord, first: int, marks: str) -> None:
        """Check invariant 1: one value a slot and ballot."""
        if first < self.kept_from:
            first, marks = self.kept_from, marks[(self.kept_from - first) * DIGEST_CHARS :]
        for clash in record.marks.put(first, marks):
            facts = ObservedGhostState(self.replicas)
            facts.propose_told(record.ballot.replica, clash.slot, record.ballot, clash.known)
            facts.propose_told(record.ballot.replica, clash.slot, record.ballot, clash.told)

    # Judging

    def _keep(self, record: BallotRecord, first: int, marks: str) -> None:
        """Check that what was chosen at a lower ballot is proposed again (Paxos Made Simple, P2b)."""
        if first >= self.log.end:
            return
        for lower in self.all.values():
            if lower.ballot < record.ballot and lower.chosen.end > first:
                for clash in lower.marks.clashes(first, marks):
                    if clash.slot in lower.chosen:
                        self._preserved(lower.ballot, record, (clash,))

    def _preserved(self, chosen_at: Ballot, record: BallotRecord, clashes: tuple[Clash, ...]) -> None:
        for clash in clashes:
            raise InvariantBroken(
                Invariant.AGREEMENT,
                f"slot {clash.slot}: one value was chosen at {chosen_at}, "
                f"another proposed at {record.ballot}",
                record.ballot.replica,
            )

    def _judge_source(self, record: BallotRecord, first: int, marks: str, source: str) -> None:
        if source == "client":
            wrong = NOOP_DIGEST in marks and NOOP_DIGEST in pieces(marks)
        else:
            wrong = source == "no-op" and marks != NOOP_DIGEST * (len(marks) // DIGEST_CHARS)
        if wrong:
            raise InvariantBroken(
                Invariant.VALIDITY,
                f"what it proposes in slot {first} at {record.ballot} is no {source}'s value",
                record.ballot.replica,
            )

    def _judge_tally(self, record: BallotRecord, first: int, end: int) -> None:
        """Check invariants 5 and 6: what is seen chosen was proposed, and a majority's votes were counted."""
        if first < self.kept_from:
            return
        if record.proposed.first_missing(first) < end:
            raise InvariantBroken(
                Invariant.VALIDITY,
                f"slot {record.proposed.first_missing(first)} is chosen at {record.ballot}, "
                "and its leader never proposed anything there",
                record.ballot.replica,
            )
        if sum(runs.first_missing(first) >= end for runs in record.counted) >= self.quorum:
            return
        for slot in range(first, min(end, first + RUN_MAX)):
            if sum(slot in runs for runs in record.counted) < self.quorum:
                raise InvariantBroken(
                    Invariant.LEARNED,
                    f"slot {slot} is not chosen at {record.ballot}, but the leader counts it",
                    record.ballot.replica,
                )

    def _settle(self, record: BallotRecord) -> None:
        """Make votes final that the leader was told, once each acceptor of them has told its promise."""
        elected = record.elected
        if elected is None or record.final_end is not None or not record.whole:
            return
        if any(not record.promised >> member & 1 for member in record.reported):
            return
        lower = [other for other in self.all.values() if other.ballot < record.ballot]
        ends = [other.votes[member].end for other in lower for member in record.reported]
        record.final_end = max([elected.end, *ends])
        waiting, record.waiting = record.waiting, []
        for proposal in waiting:
            if proposal.first < record.final_end:
                self._judge_choice(record, proposal)

    def _judge_choice(self, record: BallotRecord, proposal: Proposal) -> None:
        """Check P2c of Paxos Made Simple: what is proposed is what the quorum's votes at the highest ballot
        were for. Nothing is said of slots in which one of the quorum may have votes that are not known."""
        elected = record.elected
        assert elected is not None
        sure = max(
            self.kept_from, elected.first, *(record.dark.get(each, EVERY_SLOT) for each in record.reported)
        )
        first, marks, source = proposal
        end = first + len(marks) // DIGEST_CHARS
        if sure > first:
            first, marks = sure, marks[(sure - first) * DIGEST_CHARS :]
        lower = [
            other for other in self.all.values() if other.marks.end > first and other.ballot < record.ballot
        ]
        if first >= end or _agree(lower, first, end, marks, source):
            return
        for slot, mark in enumerate(pieces(marks), first):
            facts = self._facts(record, elected, lower, slot)
            voted = [cell.value for cell in facts.slots.get(slot, {}).values()]
            if source == "adopted" and mark not in voted:
                raise InvariantBroken(
                    Invariant.VALIDITY,
                    f"it proposes in slot {slot} at {record.ballot} as adopted what no replica voted for",
                    record.ballot.replica,
                )
            facts.proposed(record.ballot.replica, record.ballot, slot, (mark,))

    def _facts(
        self, record: BallotRecord, elected: e.Elected, lower: list[BallotRecord], slot: int
    ) -> ObservedGhostState:
        """Return the ghost record of one slot as the quorum's promises found it."""
        facts = ObservedGhostState(self.replicas)
        for other in lower:
            mark = other.marks.get(slot)
            if mark is None:
                continue
            for acceptor, runs in enumerate(other.votes):
                if slot in runs:
                    facts.vote_told(acceptor, slot, other.ballot, mark)
        for member in elected.quorum:
            facts.promise_known(member, record.ballot)
        facts.elected(record.ballot.replica, record.ballot, elected.first, elected.quorum)
        return facts

    # Lives

    def begins(self, acceptor: int, *, dark: int) -> None:
        """Begin a life of an acceptor, or take it again: what was told of its votes may never have got to its
        disk."""
        self.dark[acceptor] = dark
        for record in self.all.values():
            record.votes[acceptor].clear(0)
            if acceptor in record.dark:
                record.dark[acceptor] = EVERY_SLOT  # what it told then is not remembered

    def unseen(self, leader: int) -> None:
        """Note that something is missing that a proposer did."""
        for record in self.all.values():
            if record.ballot.replica == leader:
                record.begun = record.whole = False

    def forget_below(self, slot: int) -> None:
        """Drop what is known of old slots."""
        self.kept_from = max(self.kept_from, slot)
        self.log.forget_below(slot)
        newest = max(self.all, default=Ballot.ZERO)
        for ballot, record in list(self.all.items()):
            record.marks.forget_below(slot)
            if record.marks.end <= slot and ballot != newest:
                del self.all[ballot]
                continue
            for runs in (record.proposed, record.chosen, *record.votes, *record.counted):
                runs.clear(0, slot)


def _agree(lower: list[BallotRecord], first: int, end: int, marks: str, source: str) -> bool:
    """Return whether a run is at first sight what was voted for: nobody told anything else."""
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
