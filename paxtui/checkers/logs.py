"""Applied logs, disks and watermarks (invariants 5, 7, 8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.checkers.ghost_state import Value
from paxtui.core import hash_chain
from paxtui.core.durable_state import CHAIN_START
from paxtui.core.values import Entry

Link = Callable[[bytes, int, Any], bytes]
"""The head of the hash chain after a value is applied in a slot."""


class Logs:
    """The one log that all replicas must have a prefix of, with its hash chain.

    ``link`` is ``None`` where values are only known by their marks: then the heads that replicas tell are
    compared where they tell of the same watermark.
    """

    def __init__(self, replicas: int, chosen: dict[int, Value], link: Link | None = hash_chain.link) -> None:
        self._chosen = chosen
        self._link = link
        self.upto = 0
        """Below it every slot was applied by somebody."""
        self._heads = {0: CHAIN_START}
        """By watermark: computed up to :attr:`upto`, told above it."""
        self._forgotten = 0
        self.watermarks = [0] * replicas
        """The watermark in each replica's memory."""
        self._lost: set[int] = set()
        self.durable = [0] * replicas
        """The watermark on each replica's disk."""
        self.floors = [0] * replicas
        """Below it each replica's disk holds nothing."""

    def applied_to(self, learner: int, first: int, watermark: int, head: str) -> None:
        """Take slots ``first`` to ``watermark - 1`` as applied; ``head`` is the chain's, in hex."""
        if first != self.watermarks[learner] or watermark <= first:
            raise InvariantBroken(
                Invariant.ORDER,
                f"its watermark went from {self.watermarks[learner]} to {first}..{watermark}",
                learner,
            )
        while self.upto < watermark:
            self._extend(learner)
        self.head_told(learner, watermark, bytes.fromhex(head))
        self.watermarks[learner] = watermark

    def snapshot_taken(self, learner: int, first: int, upto: int, head: str) -> None:
        """Check that another replica's state, from which this one goes on, is the one that this log leads
        to."""
        if first != self.watermarks[learner] or not first < upto <= self.upto:
            raise InvariantBroken(
                Invariant.ORDER,
                f"it takes a state at slot {upto} after watermark {self.watermarks[learner]}; "
                f"slots below {self.upto} were applied by another replica",
                learner,
            )
        self.head_told(learner, upto, bytes.fromhex(head))
        self.watermarks[learner] = upto

    def put_snapshot(self, learner: int, upto: int, emptied: int, rows: dict[int, Entry]) -> None:
        """Such a state reached the disk, and with it no vote below it is taken for something learned."""
        stale = [slot for slot in rows if emptied <= slot < upto]
        if stale:
            raise InvariantBroken(
                Invariant.LEARNED, f"a vote in slot {stale[0]} stays on its disk as if it was chosen", learner
            )
        self.durable[learner] = upto
        self.put_floor(learner, upto, rows)

    def put_floor(self, learner: int, floor: int, rows: dict[int, Entry]) -> None:
        """Old slots were removed from a disk, and no others; nobody keeps less than some replica's state."""
        if floor < self.floors[learner] or floor > self.watermarks[learner]:
            raise InvariantBroken(
                Invariant.ORDER,
                f"its floor went from {self.floors[learner]} to {floor}, its watermark is "
                f"{self.watermarks[learner]}",
                learner,
            )
        self.floors[learner] = floor

    def _extend(self, learner: int) -> None:
        slot = self.upto
        value = self._chosen.get(slot)
        if value is None:
            raise InvariantBroken(Invariant.LEARNED, f"it applied slot {slot}, which is not chosen", learner)
        self.upto = slot + 1
        if self._link is not None:
            head = self._link(self._heads[slot], slot, value)
            told = self._heads.setdefault(self.upto, head)
            self._same(learner, self.upto, told, head)

    def head_told(self, learner: int, watermark: int, head: bytes) -> None:
        """Check the chain's head that a replica reports at a watermark (invariant 8)."""
        if watermark >= self._forgotten:
            self._same(learner, watermark, self._heads.setdefault(watermark, head), head)

    def _same(self, learner: int, watermark: int, known: bytes, head: bytes) -> None:
        if known != head:
            raise InvariantBroken(
                Invariant.ORDER,
                f"its log below slot {watermark} is another than the chosen one",
                learner,
            )

    def knows_head(self, watermark: int) -> bool:
        """Tell whether the chain's head there is known."""
        return watermark in self._heads

    def skip_to(self, watermark: int) -> None:
        """Go on from a head that was told: what is below is not known well enough to compute it."""
        self.upto = max(self.upto, watermark)

    def restored(self, learner: int, watermark: int) -> None:
        """Check the watermark with which a replica starts: it may only fall to what is durable."""
        if learner in self._lost:
            self._lost.remove(learner)
            self.durable[learner] = watermark
            self.floors[learner] = 0
        if watermark != self.durable[learner]:
            raise InvariantBroken(
                Invariant.ORDER,
                f"it starts at watermark {watermark}, its disk says {self.durable[learner]}",
                learner,
            )
        self.watermarks[learner] = watermark

    def lost(self, learner: int) -> None:
        """Note that its disk has forgotten something: it starts from an earlier watermark, once."""
        self._lost.add(learner)

    def put_state(self, learner: int, watermark: int, head: bytes, rows: dict[int, Entry]) -> None:
        """Check a watermark that reached the disk: every slot below it has its row with the chosen value."""
        before = self.durable[learner]
        if watermark < before:
            raise InvariantBroken(
                Invariant.ORDER, f"its watermark on disk fell from {before} to {watermark}", learner
            )
        chosen = self._chosen
        first = max(before, self._forgotten, self.floors[learner])
        for slot in range(first, watermark) if watermark > before else ():
            row = rows.get(slot)
            if row is None or row.value != chosen.get(slot):
                raise InvariantBroken(
                    Invariant.ACKNOWLEDGED,
                    f"slot {slot} is below the watermark on disk, its row is {row}, "
                    f"chosen is {chosen.get(slot)}",
                    learner,
                )
        if self._forgotten <= watermark <= self.upto and head != self._heads[watermark]:
            raise InvariantBroken(Invariant.ORDER, f"the chain on disk at slot {watermark} is wrong", learner)
        self.durable[learner] = watermark

    def check_reported(self, learner: int, learned: int) -> None:
        """Check that a watermark that leaves is not above the replica's own (invariant 5)."""
        if learned > self.watermarks[learner]:
            raise InvariantBroken(
                Invariant.LEARNED,
                f"it says that it learned all below {learned}; it did below {self.watermarks[learner]}",
                learner,
            )

    def check_reported_durable(self, learner: int, learned: int) -> None:
        """Check that the watermark of a promise, which leaves learned slots out, survives a crash."""
        if learned > self.durable[learner]:
            raise InvariantBroken(
                Invariant.DURABLE,
                f"its promise builds on watermark {learned}; on disk is {self.durable[learner]}",
                learner,
            )

    def entries(self, learner: int, first: int, entries: tuple[Entry, ...]) -> None:
        """Check that a page of the log that leaves is the log (invariant 5)."""
        for slot, entry in enumerate(entries, first):
            if slot < self._forgotten:
                continue
            if slot >= self.watermarks[learner] or self._chosen[slot] != entry.value:
                raise InvariantBroken(
                    Invariant.LEARNED, f"it sends {entry.value} as the chosen value of slot {slot}", learner
                )

    def forget_below(self, slot: int) -> None:
        """Drop the heads below ``slot``, which must not be above :attr:`upto`."""
        for old in range(self._forgotten, slot):
            self._heads.pop(old, None)
        self._forgotten = max(self._forgotten, slot)
