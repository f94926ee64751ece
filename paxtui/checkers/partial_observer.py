"""A judge who sees nothing but what replicas tell of themselves, and perhaps not all of that.

It is for records and live views of real clusters. Disks, messages and clients are not seen, so of the
invariants it knows 1 to 5 and 8 whole, and of 7 and 9 what promises, votes and logs show. What is told is
judged as it is in the simulator; what contradicts it is broken for certain, whatever is missing. What would
need something that is missing is *undecided*: it is counted, and nothing is said.

Facts must come in an order in which no effect stands before its cause. Values may be marks, as in
:mod:`paxtui.checkers.ghost_state`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.checkers.gaps import EVERY_SLOT
from paxtui.checkers.ghost_state import Value
from paxtui.checkers.partial_observer_state import PartialObserverState
from paxtui.core.ballot import Ballot


class PartialObserver(PartialObserverState):
    """The account of ``replicas`` replicas, and every rule about it. A life begins with :meth:`begins`."""

    # Acceptors

    def promised(self, replica: int, ballot: Ballot, first: int, votes: int, last_page: bool) -> None:
        """Check a page of a promise: it binds, and it reports every vote (invariants 2, 3)."""
        self.bound(replica, ballot)
        dark = self.gaps.dark[replica]
        watermark = self.logs.watermarks[replica]
        start = max(first, watermark)
        if self._whole[replica] and start >= max(dark, self.ghost.forgotten):
            self.judged[Invariant.CHOOSABLE] += 1
            held = len({slot for slot, _ in self.ghost.votes_of(replica, start)})
            if votes > held or (last_page and votes < held):
                raise InvariantBroken(
                    Invariant.CHOOSABLE,
                    f"its promise of {ballot} reports {votes} votes from slot {start} on, it cast {held}",
                    replica,
                )
        self._reported_promises.setdefault((replica, ballot), (watermark, dark))
        if last_page:
            self.ghost.promise_known(replica, ballot)

    def bound(self, replica: int, ballot: Ballot) -> None:
        """Note that its promise is ``ballot`` from here on (invariant 2)."""
        self.judged[Invariant.PROMISES] += 1
        self._owned(replica, ballot)
        self.ghost.bind(replica, ballot)
        self._binds(replica, ballot)

    def _binds(self, replica: int, ballot: Ballot) -> None:
        self.gaps.bound(replica, ballot, self._top if self.gaps.all_led() else EVERY_SLOT)
        if replica != ballot.replica:
            self._heard[ballot.replica] = max(self._heard[ballot.replica], ballot.round)

    def _owned(self, replica: int, ballot: Ballot) -> None:
        if ballot.round > self._taken[ballot.replica] and not self.gaps.may_have_led(ballot):
            raise InvariantBroken(
                Invariant.PROMISES,
                f"it is bound by {ballot}, which replica {ballot.replica} never took",
                replica,
            )

    def voted(self, replica: int, ballot: Ballot, first: int, values: Sequence[Value]) -> None:
        """Check that votes are for what the leader proposed, and obey promises (invariants 1, 2, 3, 4, 6)."""
        for rule in (Invariant.ONE_VALUE, Invariant.PROMISES, Invariant.AGREEMENT, Invariant.VALIDITY):
            self.judged[rule] += len(values)
        self.ghost.vote_cast(replica, ballot)
        self._binds(replica, ballot)
        for slot, value in enumerate(values, first):
            if slot >= self.ghost.forgotten and not self._claim(slot, ballot).proposed:
                self._voted_unproposed(replica, slot, ballot, value)
        self.ghost.put_votes(replica, ballot, first, values)

    def _voted_unproposed(self, replica: int, slot: int, ballot: Ballot, value: Value) -> None:
        if not self.gaps.may_have_led(ballot):
            raise InvariantBroken(
                Invariant.VALIDITY,
                f"it votes in slot {slot} for {value}, which the leader of {ballot} did not propose",
                replica,
            )
        self._propose(ballot.replica, ballot, slot, (value,))

    # Proposers

    def round_taken(self, proposer: int, ballot: Ballot) -> None:
        """Check that nobody has answered this ballot before (invariants 1, 3)."""
        self.judged[Invariant.ONE_VALUE] += 1
        if ballot.replica != proposer or ballot.round <= self._heard[proposer]:
            raise InvariantBroken(
                Invariant.ONE_VALUE,
                f"it takes {ballot} after others answered its round {self._heard[proposer]}",
                proposer,
            )
        self.gaps.led(proposer, ballot.round - 1)
        self._taken[proposer] = max(self._taken[proposer], ballot.round)

    def promise_received(self, proposer: int, ballot: Ballot, sender: int, last_page: bool) -> None:
        """Check that a page that is counted was sent (invariant 11)."""
        if (sender, ballot) not in self._reported_promises:
            if not self.gaps.may_have_promised(sender, ballot):
                raise InvariantBroken(
                    Invariant.DURABLE,
                    f"it counts a promise of {ballot} by replica {sender}, which did not give it",
                    proposer,
                )
            self._reported_promises[sender, ballot] = (0, EVERY_SLOT)
        if last_page:
            self._tallies[ballot] = self._tallies.get(ballot, 0) | 1 << sender
        self._counted[sender] = max(self._counted[sender], ballot)

    def elected(self, proposer: int, ballot: Ballot, first: int, quorum: Iterable[int]) -> None:
        """Check that a leader has promises of a majority, and begins above what they have learned (invariant
        3)."""
        members = tuple(quorum)
        self.judged[Invariant.CHOOSABLE] += 1
        if self._whole[proposer] and ballot != Ballot(self._taken[proposer], proposer):
            raise InvariantBroken(
                Invariant.CHOOSABLE,
                f"it leads at {ballot}, and took round {self._taken[proposer]} last",
                proposer,
            )
        for member in members:
            if not self.ghost.has_promised(member, ballot) and self.gaps.may_have_promised(member, ballot):
                self.ghost.promise_known(member, ballot)
                self._reported_promises.setdefault((member, ballot), (0, EVERY_SLOT))
            watermark, _ = self._reported_promises.get((member, ballot), (0, EVERY_SLOT))
            if first < watermark:
                raise InvariantBroken(
                    Invariant.CHOOSABLE,
                    f"it leads at {ballot} from slot {first} on; replica {member} had told {watermark}",
                    proposer,
                )
            if self._whole[proposer] and not self._tallies.get(ballot, 0) >> member & 1:
                raise InvariantBroken(
                    Invariant.CHOOSABLE,
                    f"it leads at {ballot} by a promise of replica {member} that it did not count",
                    proposer,
                )
        self.gaps.led(proposer, ballot.round)
        self.ghost.elected(proposer, ballot, first, members)

    def proposed(self, proposer: int, ballot: Ballot, first: int, values: Sequence[Value]) -> None:
        """Check the values that a leader gives to slots (invariants 1, 3)."""
        self.gaps.led(proposer, ballot.round)
        self._propose(proposer, ballot, first, values)

    def _propose(self, proposer: int, ballot: Ballot, first: int, values: Sequence[Value]) -> None:
        self.judged[Invariant.ONE_VALUE] += len(values)
        self.judged[Invariant.CHOOSABLE] += len(values)
        quorum = self.ghost.quorum_of(ballot)
        sure = EVERY_SLOT
        if quorum is not None:
            sure = max(
                self._reported_promises.get((member, ballot), (0, EVERY_SLOT))[1]
                for member in range(len(self._starts))
                if quorum >> member & 1
            )
        elif not self.gaps.may_have_led(ballot):
            sure = first  # whoever has no promises is told so
        unsure = min(max(sure - first, 0), len(values))
        for slot, value in enumerate(values[:unsure], first):
            self._propose_unsure(proposer, ballot, slot, value)
        if unsure < len(values):
            self._propose_sure(proposer, ballot, first + unsure, values[unsure:], quorum)
        for slot in range(max(first, self.ghost.forgotten), first + len(values)):
            self._claim(slot, ballot).proposed = True
        self._top = max(self._top, first + len(values))

    def _propose_sure(
        self, proposer: int, ballot: Ballot, first: int, values: Sequence[Value], quorum: int | None
    ) -> None:
        """Check proposals where all votes of the quorum are known. If one breaks the rule by them, a replica
        outside of the quorum may have reported a higher vote, so its votes must be known as well."""
        unheard = 0 if self._whole[proposer] else EVERY_SLOT
        outside = [r for r in range(len(self._starts)) if not (quorum or 0) >> r & 1]
        if quorum is None or all(
            self._reported_promises.get((r, ballot), (0, unheard))[1] <= first for r in outside
        ):
            self.ghost.proposed(proposer, ballot, first, values)
            return
        self.ghost.proposed(proposer, ballot, first, ())
        for slot, value in enumerate(values, first):
            try:
                self.ghost.proposed(proposer, ballot, slot, (value,))
            except InvariantBroken as broken:
                if broken.invariant is not Invariant.CHOOSABLE:
                    raise
                self._propose_unsure(proposer, ballot, slot, value)

    def _propose_unsure(self, proposer: int, ballot: Ballot, slot: int, value: Value) -> None:
        """Check proposals where not all votes of the quorum are known. What is chosen must be kept anyway,
        and where nobody is known to have proposed anything else, nothing else can have been reported."""
        lower = [(b, cell) for b, cell in self.ghost.slots.get(slot, {}).items() if b < ballot]
        for at, cell in lower:
            if cell.voters.bit_count() >= self._quorum and cell.value != value:
                raise InvariantBroken(
                    Invariant.CHOOSABLE,
                    f"slot {slot} at {ballot}: it proposes {value}, {cell.value} was chosen at {at}",
                    proposer,
                )
        if any(cell.value != value for _, cell in lower) or self.gaps.may_hide(ballot):
            self.undecided[f"whether the leader of {ballot} was free to propose what it did"] += 1
        self.ghost.propose_told(proposer, slot, ballot, value)

    def accepted_received(self, proposer: int, ballot: Ballot, sender: int, first: int, count: int) -> None:
        """Check that votes that are counted were cast (invariant 11)."""
        bit = 1 << sender
        self.judged[Invariant.DURABLE] += count
        for slot in range(max(first, self.ghost.forgotten), first + count):
            if not self.ghost.voters(slot, ballot) & bit:
                self._vote_unseen(proposer, ballot, sender, slot)
            self._claim(slot, ballot).counted |= bit
        if count:
            self._counted[sender] = max(self._counted[sender], ballot)

    def _vote_unseen(self, proposer: int, ballot: Ballot, sender: int, slot: int) -> None:
        if not self._may_have_voted(sender, slot, ballot) and sender not in self.non_voting:
            raise InvariantBroken(
                Invariant.DURABLE,
                f"it counts a vote of replica {sender} in slot {slot} at {ballot}, which was not cast",
                proposer,
            )
        value = self.ghost.value_at(slot, ballot)
        if value is not None:
            self.ghost.vote_told(sender, slot, ballot, value)

    def chosen_seen(self, proposer: int, ballot: Ballot, first: int, count: int) -> None:
        """Check that a tally is true (invariant 5)."""
        self.judged[Invariant.LEARNED] += count
        for slot in range(max(first, self.ghost.forgotten), first + count):
            counted = self._claim(slot, ballot).counted
            if self._whole[proposer] and counted.bit_count() < self._quorum:
                raise InvariantBroken(
                    Invariant.LEARNED,
                    f"it calls slot {slot} chosen at {ballot}, and counted votes of no majority",
                    proposer,
                )
            known = self.ghost.voters(slot, ballot).bit_count() >= self._quorum
            if known or not self._perhaps_chosen(slot, ballot):
                self.ghost.chosen_seen(proposer, ballot, slot, 1)

    # Learners

    def learned(self, learner: int, first: int, entries: Sequence[tuple[Ballot, Value]]) -> None:
        """Check that what is learned is chosen (invariants 4, 5)."""
        self.judged[Invariant.LEARNED] += len(entries)
        for slot, (ballot, value) in enumerate(entries, first):
            if slot < self.ghost.forgotten:
                continue
            if slot not in self.ghost.chosen and self._perhaps_any(slot, ballot, value):
                self.ghost.chosen[slot] = value
                self.unproven[slot] = learner
            self.ghost.learned(learner, slot, (value,))
            self._learned.add(slot)

    def suppressed(self, learner: int, slot: int, repeats: int) -> None:
        """Note that a slot that is being applied has no effect."""
        self._suppressed[learner][slot] = repeats

    def marked(self, upto: int) -> None:
        """Note that the state at a slot is kept."""
        self._marks.add(upto)

    def trimmed(self, learner: int, floor: int) -> None:
        """Check that what is removed is covered by a state that is kept (invariant 8)."""
        self.judged[Invariant.ORDER] += 1
        if floor in self._marks or floor <= max(self.base, self.ghost.forgotten):
            return
        if self._gaps:
            self.undecided[f"whether a state was kept where replica {learner} trims its log to"] += 1
        else:
            raise InvariantBroken(
                Invariant.ORDER,
                f"it removes the slots below {floor}, where no replica ever kept a state",
                learner,
            )

    def snapshot_taken(self, learner: int, first: int, upto: int, head: str) -> None:
        """Check that another replica's state, from which this one goes on, is one that this log leads to
        (invariant 8)."""
        logs = self.logs
        self.judged[Invariant.ORDER] += 1
        self._suppressed[learner].clear()
        if not self._whole[learner]:
            logs.watermarks[learner] = first
        if upto > logs.upto and self._may_be_applied(learner, upto):
            logs.head_told(learner, upto, bytes.fromhex(head))
            logs.skip_to(upto)
        logs.snapshot_taken(learner, first, upto, head)

    def _may_be_applied(self, learner: int, upto: int) -> bool:
        """Tell whether a replica has applied every slot below ``upto``, or may have done so unseen."""
        if upto <= self._begun:
            return True
        if self._gaps or None in self._starts:
            self.undecided[f"whether another replica had the state that replica {learner} took"] += 1
            return True
        return False

    def applied_to(self, learner: int, first: int, watermark: int, head: str) -> None:
        """Check that slots are applied in order, each once, and the same on all replicas (invariants 8,
        9)."""
        logs, chosen = self.logs, self.ghost.chosen
        self.judged[Invariant.ORDER] += watermark - first
        suppressed, self._suppressed[learner] = self._suppressed[learner], {}
        whole = self._whole[learner]
        if not whole:
            logs.watermarks[learner] = first
        missing = [slot for slot in range(logs.upto, watermark) if slot not in chosen]
        if whole and missing and missing[-1] >= first:
            raise InvariantBroken(
                Invariant.LEARNED, f"it applied slot {missing[-1]}, which is not chosen", learner
            )
        if missing and missing[-1] < first and logs.knows_head(first):
            logs.skip_to(first)
        elif missing:
            logs.head_told(learner, watermark, bytes.fromhex(head))
            logs.skip_to(watermark)
        logs.applied_to(learner, first, watermark, head)
        if whole and not any(slot not in chosen for slot in range(max(first, self.effects.upto), watermark)):
            new = self.effects.applied(learner, first, watermark, suppressed, chosen)
            self.judged[Invariant.ONCE] += new
