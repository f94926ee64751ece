"""The state of an observer that sees only what replicas report of themselves: ghost state, lives and gaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from msgspec import Struct

from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.checkers.effects import Effects
from paxtui.checkers.gaps import EVERY_SLOT, Gaps
from paxtui.checkers.ghost_state import Value
from paxtui.checkers.logs import Link, Logs
from paxtui.checkers.observed_ghost_state import ObservedGhostState
from paxtui.core import hash_chain
from paxtui.core.ballot import Ballot, majority


class LifeStart(Struct, frozen=True, kw_only=True):
    """The disk of a replica when a life begins; ``votes`` are (slot, ballot, value)."""

    promised: Ballot
    round: int
    watermark: int
    head: bytes | None
    votes: Sequence[tuple[int, Ballot, Hashable]]

    @property
    def state(self) -> tuple[Ballot, int, int]:
        """Promise, round and watermark."""
        return self.promised, self.round, self.watermark


class Claim:
    """The claims about one (slot, ballot)."""

    __slots__ = ("counted", "proposed")

    def __init__(self) -> None:
        self.proposed = False
        """Its leader proposed there, or must have."""
        self.counted = 0
        """The replicas whose votes the leader counted, as bits."""


class PartialObserverState:
    """The state of a partial observer of ``replicas`` replicas, with the rules about starts."""

    def __init__(self, replicas: int, link: Link | None = hash_chain.link) -> None:
        self._quorum = majority(replicas)
        self.ghost = ObservedGhostState(replicas)
        self.logs = Logs(replicas, self.ghost.chosen, link)
        self.effects = Effects()
        self.gaps = Gaps(replicas)
        self.judged: Counter[Invariant] = Counter()
        """Checks done, by rule."""
        self.undecided: Counter[str] = Counter()
        """Checks that were not possible, by reason."""
        self.unproven: dict[int, int] = {}
        """Slots that a replica learned although nobody is known to have chosen them, and who did."""
        self.base = 0
        """Slots below it were applied somewhere before its account began."""
        self.non_voting: set[int] = set()
        """Replicas that are non-voting in their present life. Their disks have forgotten: what they said
        is not denied by what is on them: an answer of an earlier life may still be on its way."""
        self._starts: list[LifeStart | None] = [None] * replicas
        self._whole = [False] * replicas
        """Nothing of its present life is missing."""
        self._taken = [0] * replicas
        """The last round that each is known to have taken."""
        self._heard = [0] * replicas
        """The highest round of each that others have answered."""
        self._counted = [Ballot.ZERO] * replicas
        """The highest promise or vote of each that a proposer has counted."""
        self._claims: dict[int, dict[Ballot, Claim]] = {}
        self._top = 0
        """Above every slot in which anybody is known to have proposed."""
        self._reported_promises: dict[tuple[int, Ballot], tuple[int, int]] = {}
        """By replica and ballot promised: its watermark then, and from which slot on its votes were known."""
        self._tallies: dict[Ballot, int] = {}
        """By ballot, whose promises its proposer counted in full, as bits."""
        self._learned: set[int] = set()
        self._suppressed: list[dict[int, int]] = [{} for _ in range(replicas)]
        self._marks: set[int] = set()
        """Slots at which a replica keeps the state, so that the log may be trimmed to there."""
        self._gaps = 0
        self._begun = 0
        """The highest watermark with which a life began: slots below it were applied by another replica."""

    # Lives and gaps

    def begins(self, replica: int, start: LifeStart) -> None:
        """Begin a life with what is on the disk (invariants 2, 7, 8)."""
        self.non_voting.discard(replica)
        known = not self.gaps.is_open(replica)
        first = self._starts[replica] is None
        if first:
            self.base = max(self.base, start.watermark)
        self._keeps_promises(replica, start, known)
        self._keeps_watermark(replica, start, known)
        self._begun = max(self._begun, start.watermark)
        self.gaps.begins(replica, start.promised, start.round, start.watermark, first=first)
        self._keeps_votes(replica, start, known)
        self.ghost.starts_with(replica, start.promised)
        self._reported_promises = {
            key: reported
            for key, reported in self._reported_promises.items()
            if key[0] != replica or key[1] <= start.promised
        }
        self.logs.watermarks[replica] = self.logs.durable[replica] = start.watermark
        if start.head is not None:
            self.logs.head_told(replica, start.watermark, start.head)
        self._starts[replica] = start
        self._whole[replica] = True
        self._taken[replica] = start.round
        self._suppressed[replica].clear()

    def begins_anew(self, replica: int, start: LifeStart) -> None:
        """Begin a life with less than there was: the disk is another, or an older one. What the replica had
        said stays said, and what it learns it learns again."""
        self.logs.watermarks[replica] = self.logs.durable[replica] = start.watermark
        self._starts[replica] = start
        self._whole[replica] = True
        self._suppressed[replica].clear()

    def _keeps_promises(self, replica: int, start: LifeStart, known: bool) -> None:
        before = self._starts[replica]
        bound = self._counted[replica] if before is None else max(self._counted[replica], before.promised)
        self.judged[Invariant.PROMISES] += 1
        if start.promised < bound or (known and start.promised > self.ghost.spoken(replica)):
            raise InvariantBroken(
                Invariant.PROMISES,
                f"it starts bound by {start.promised}; it was bound by {bound} when others counted on it, "
                f"and by {self.ghost.spoken(replica)} at the end",
                replica,
            )
        if start.round < self._heard[replica]:
            raise InvariantBroken(
                Invariant.DURABLE,
                f"it starts at round {start.round}, and others answered its round {self._heard[replica]}",
                replica,
            )

    def _keeps_watermark(self, replica: int, start: LifeStart, known: bool) -> None:
        durable, memory = self.logs.durable[replica], self.logs.watermarks[replica]
        self.judged[Invariant.ORDER] += 1
        if start.watermark < durable or (known and start.watermark > memory):
            raise InvariantBroken(
                Invariant.ORDER,
                f"it starts at watermark {start.watermark}, after {durable} on disk and {memory} in memory",
                replica,
            )

    def _keeps_votes(self, replica: int, start: LifeStart, known: bool) -> None:
        """Check the votes at a start: those that nobody counted may be gone, others may not, and none may
        come from nowhere."""
        held = {slot: ballot for slot, ballot, _ in start.votes}
        self.judged[Invariant.ACKNOWLEDGED] += len(held)
        bit = 1 << replica
        for slot, ballot in list(self.ghost.votes_of(replica, start.watermark)):
            if ballot <= held.get(slot, Ballot.ZERO):
                continue
            self._take_back(replica, slot, ballot)
            counted = self._claim(slot, ballot).counted & bit
            value = self.ghost.chosen.get(slot)
            if counted or (slot in self.unproven and not self._perhaps_any(slot, ballot, value)):
                raise InvariantBroken(
                    Invariant.ACKNOWLEDGED,
                    f"its vote in slot {slot} at {ballot} is gone, and others relied on it",
                    replica,
                )
        for slot, ballot, value in start.votes:
            if known and not self.ghost.voters(slot, ballot) & bit and slot >= self.ghost.forgotten:
                raise InvariantBroken(
                    Invariant.DURABLE,
                    f"its disk holds a vote in slot {slot} at {ballot} that it did not cast",
                    replica,
                )
            self.ghost.vote_told(replica, slot, ballot, value)
            self._top = max(self._top, slot + 1)

    def _take_back(self, replica: int, slot: int, ballot: Ballot) -> None:
        """Stop counting a vote that may not be on its disk."""
        if not self.ghost.take_back(replica, slot, ballot):
            if slot in self._learned:
                self.unproven[slot] = replica
            else:
                del self.ghost.chosen[slot]

    def restored(self, replica: int, promised: Ballot, round_: int, watermark: int, votes: int) -> None:
        """Check that the core starts with what the life began with."""
        start = self._starts[replica]
        if start is None or not self._whole[replica]:
            self.gaps.bound(replica, promised, EVERY_SLOT)
            self.ghost.starts_with(replica, promised)
            for slot, ballot in list(self.ghost.votes_of(replica, watermark)):
                self._take_back(replica, slot, ballot)  # which of them the disk holds is not told
            self.logs.watermarks[replica] = watermark
        elif (promised, round_, watermark, votes) != (*start.state, len(start.votes)):
            raise InvariantBroken(
                Invariant.ACKNOWLEDGED,
                f"it starts with promise {promised}, round {round_}, watermark {watermark}, {votes} votes; "
                f"its disk has {start.promised}, {start.round}, {start.watermark}, {len(start.votes)}",
                replica,
            )

    def gap(self, replica: int) -> None:
        """Note that something that it did is missing from here on."""
        self.gaps.open(replica, self._taken[replica])
        self._gaps += 1
        self._whole[replica] = False
        self._suppressed[replica].clear()

    # What may be missing

    def _claim(self, slot: int, ballot: Ballot) -> Claim:
        claims = self._claims.get(slot)
        if claims is None:
            claims = self._claims[slot] = {}
        claim = claims.get(ballot)
        if claim is None:
            claim = claims[ballot] = Claim()
        return claim

    def _may_have_voted(self, replica: int, slot: int, ballot: Ballot) -> bool:
        gaps = self.gaps
        if gaps.may_have_voted(replica, slot, ballot):
            return True
        # What the disk holds tells of the last vote in a slot, not of those that it replaced.
        return gaps.may_have_promised(replica, ballot) and any(
            at > ballot and cell.voters >> replica & 1 for at, cell in self.ghost.slots.get(slot, {}).items()
        )

    def _perhaps_chosen(self, slot: int, ballot: Ballot) -> bool:
        """Tell whether a majority may have voted for the ballot's value, as far as is known."""
        known = self.ghost.voters(slot, ballot)
        unseen = [
            replica
            for replica in range(len(self._starts))
            if not known >> replica & 1 and self._may_have_voted(replica, slot, ballot)
        ]
        return known.bit_count() + len(unseen) >= self._quorum

    def _perhaps_any(self, slot: int, ballot: Ballot, value: Value) -> bool:
        """Find a ballot at which the value may be chosen; an entry names one at which it was voted for."""
        ballots = {at for at, cell in self.ghost.slots.get(slot, {}).items() if cell.value == value}
        return any(self._perhaps_chosen(slot, at) for at in ballots | {ballot})

    # Memory

    def prove(self) -> None:
        """Drop from :attr:`unproven` what turned out to be chosen, or stands before all accounts."""
        for slot in list(self.unproven):
            value = self.ghost.chosen.get(slot)
            cells = self.ghost.slots.get(slot, {}).values()
            proven = any(c.value == value and c.voters.bit_count() >= self._quorum for c in cells)
            if proven or slot < self.base:
                del self.unproven[slot]

    def forget_below(self, slot: int) -> None:
        """Drop what is known of slots below ``slot``, as far as they are applied somewhere. Nothing is said
        any more of what is told about them."""
        slot = min(slot, self.logs.upto)
        for old in range(self.ghost.forgotten, slot):
            self._claims.pop(old, None)
            self._learned.discard(old)
        self.ghost.forget_below(slot)
        self.logs.forget_below(slot)
        self._marks = {mark for mark in self._marks if mark >= slot}
        low = min(self.ghost.promised)
        self._reported_promises = {
            key: reported for key, reported in self._reported_promises.items() if key[1] >= low
        }
        self._tallies = {ballot: bits for ballot, bits in self._tallies.items() if ballot >= low}
