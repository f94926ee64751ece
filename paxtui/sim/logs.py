"""Applied logs, disks and watermarks (invariants 5, 7, 8)."""

from __future__ import annotations

from paxtui.core.chain import link
from paxtui.core.events import AppliedTo, Restored
from paxtui.core.output import PutState
from paxtui.core.saved import CHAIN_START
from paxtui.core.values import Command, Entry
from paxtui.sim.broken import Invariant, InvariantBroken


class Logs:
    """The one log that all replicas must have a prefix of, with its hash chain."""

    def __init__(self, replicas: int, chosen: dict[int, Command]) -> None:
        self._chosen = chosen
        self.values: list[Command] = []
        """The longest applied prefix."""
        self._chain = [CHAIN_START]
        self.watermarks = [0] * replicas
        """Of each replica's memory."""
        self.durable = [0] * replicas
        """Of each replica's disk."""

    def applied_to(self, learner: int, event: AppliedTo) -> None:
        """A replica applied slots ``first`` to ``watermark - 1``."""
        if event.first != self.watermarks[learner] or event.watermark <= event.first:
            raise InvariantBroken(
                Invariant.ORDER,
                f"its watermark went from {self.watermarks[learner]} to {event.first}..{event.watermark}",
                learner,
            )
        values, chain = self.values, self._chain
        while len(values) < event.watermark:
            slot = len(values)
            value = self._chosen.get(slot)
            if value is None:
                raise InvariantBroken(
                    Invariant.LEARNED, f"it applied slot {slot}, which is not chosen", learner
                )
            values.append(value)
            chain.append(link(chain[slot], slot, value))
        if chain[event.watermark].hex() != event.chain:
            raise InvariantBroken(
                Invariant.ORDER,
                f"its log below slot {event.watermark} is another than the chosen one",
                learner,
            )
        self.watermarks[learner] = event.watermark

    def restored(self, learner: int, event: Restored) -> None:
        """A replica starts from its disk: its watermark may only fall to what is durable."""
        if event.watermark != self.durable[learner]:
            raise InvariantBroken(
                Invariant.ORDER,
                f"it starts at watermark {event.watermark}, its disk says {self.durable[learner]}",
                learner,
            )
        self.watermarks[learner] = event.watermark

    def put_state(self, learner: int, put: PutState, rows: dict[int, Entry]) -> None:
        """A watermark reached the disk: every slot below it has its row, and the chosen value in it."""
        before = self.durable[learner]
        if put.watermark < before:
            raise InvariantBroken(
                Invariant.ORDER, f"its watermark on disk fell from {before} to {put.watermark}", learner
            )
        chosen = self._chosen
        for slot in range(before, put.watermark):
            row = rows.get(slot)
            if row is None or row.value != chosen.get(slot):
                raise InvariantBroken(
                    Invariant.ACKNOWLEDGED,
                    f"slot {slot} is below the watermark on disk, its row is {row}, "
                    f"chosen is {chosen.get(slot)}",
                    learner,
                )
        if put.watermark < len(self._chain) and put.chain != self._chain[put.watermark]:
            raise InvariantBroken(
                Invariant.ORDER, f"the chain on disk at slot {put.watermark} is wrong", learner
            )
        self.durable[learner] = put.watermark

    def told(self, learner: int, learned: int) -> None:
        """A watermark that leaves is not above the replica's own (invariant 5)."""
        if learned > self.watermarks[learner]:
            raise InvariantBroken(
                Invariant.LEARNED,
                f"it says that it learned all below {learned}; it did below {self.watermarks[learner]}",
                learner,
            )

    def told_durable(self, learner: int, learned: int) -> None:
        """A promise leaves slots out because they are learned: that must survive a crash."""
        if learned > self.durable[learner]:
            raise InvariantBroken(
                Invariant.DURABLE,
                f"its promise builds on watermark {learned}; on disk is {self.durable[learner]}",
                learner,
            )

    def entries(self, learner: int, first: int, entries: tuple[Entry, ...]) -> None:
        """A page of the log that leaves is the log (invariant 5)."""
        for slot, entry in enumerate(entries, first):
            if slot >= self.watermarks[learner] or self.values[slot] != entry.value:
                raise InvariantBroken(
                    Invariant.LEARNED, f"it sends {entry.value} as the chosen value of slot {slot}", learner
                )
