"""Each request takes effect once, seen by the marks of values: a mark names client, request and text."""

from __future__ import annotations

from typing import Final

from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.console.model.safety.digests import pieces
from paxtui.wire.telemetry import OWN_PREFIX

GENERATION: Final = 20_000
"""Marks in each of the two tables that are kept: a repetition is noticed among the last so many at least."""

REPEATS_KEPT: Final = 10_000


class ExactlyOnce:
    """The requests that repeat in the log that is known, and who treated it as a repetition."""

    def __init__(self, replicas: int) -> None:
        self._young: dict[str, int] = {}
        self._old: dict[str, int] = {}
        """The slot of each mark that was seen lately."""
        self.repeats: dict[int, int] = {}
        """By slot that repeats a request: the slot of the same request before it."""
        self.suppressed: dict[int, int] = {}
        """By slot: which replicas told that it has no effect, as bits."""
        self.applied: list[tuple[int, int]] = [(0, 0)] * replicas
        """The run of slots that each replica was seen to apply, without a break."""

    def chosen(self, first: int, marks: str) -> None:
        """Take a run that is new in the log."""
        told = pieces(marks)
        young, old = self._young, self._old
        new = dict(zip(told, range(first, first + len(told)), strict=True))
        if OWN_PREFIX in marks:
            new = {mark: slot for mark, slot in new.items() if not mark.startswith(OWN_PREFIX)}
        if len(new) != len(told) or not young.keys().isdisjoint(new) or not old.keys().isdisjoint(new):
            self._repeated(first, told)
        else:
            young.update(new)
        if len(young) > GENERATION:
            self._young, self._old = {}, young

    def _repeated(self, first: int, told: list[str]) -> None:
        """Note what in a run is there twice and is a request."""
        for slot, mark in enumerate(told, first):
            if mark.startswith(OWN_PREFIX):
                continue
            other = self._young.get(mark, self._old.get(mark, slot))
            before, after = min(slot, other), max(slot, other)
            self._young[mark] = before
            if before < after:
                self.repeats[after] = before
                self._judge(after)
        while len(self.repeats) > REPEATS_KEPT:
            del self.repeats[next(iter(self.repeats))]

    def suppress(self, replica: int, slot: int) -> None:
        """Note that a replica is about to apply ``slot`` without effect."""
        self.suppressed[slot] = self.suppressed.get(slot, 0) | 1 << replica
        while len(self.suppressed) > REPEATS_KEPT:
            del self.suppressed[next(iter(self.suppressed))]

    def apply(self, replica: int, first: int, watermark: int) -> None:
        """Note that a replica applied a run; all that it told before has been heard."""
        begin, end = self.applied[replica]
        self.applied[replica] = (begin if end == first else first, watermark)
        for slots in (self.repeats, self.suppressed):
            if slots:
                near = (
                    [slot for slot in slots if first <= slot < watermark]
                    if len(slots) < watermark - first
                    else [slot for slot in range(first, watermark) if slot in slots]
                )
                for slot in near:
                    self._judge(slot)

    def begins(self, replica: int, watermark: int) -> None:
        """Begin a life of a replica: what it applied before was not seen."""
        self.applied[replica] = (watermark, watermark)

    def _judge(self, slot: int) -> None:
        """Check that all that applied the slot agree whether it has an effect, and that it has none if it
        repeats."""
        applied = sum(1 << id for id, (first, end) in enumerate(self.applied) if first <= slot < end)
        silent = self.suppressed.get(slot, 0)
        heedless = applied & ~silent
        if not heedless or (slot not in self.repeats and not silent & applied):
            return
        who = next(id for id in range(len(self.applied)) if heedless >> id & 1)
        before = self.repeats.get(slot)
        what = f"repeats slot {before}" if before is not None else "has no effect elsewhere"
        raise InvariantBroken(Invariant.ONCE, f"slot {slot} {what}, and took effect", who)

    def forget_below(self, slot: int) -> None:
        """Drop what is known of old slots."""
        for slots in (self.repeats, self.suppressed):
            for old in [each for each in slots if each < slot]:
                del slots[old]
