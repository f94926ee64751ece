"""Slots that a leader left empty on purpose: by which fault, and who filled them, and why then.

A leader fills a hole when its time is over, or when an operator says so; a new leader at once. Events tell
which it was: the slot lies in what the new leader's phase 1 found, or the no-op came before the hole's time
was over by the clock of the very leader that left it.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Literal, NamedTuple

from paxtui.console.model.state.runs import Runs
from paxtui.wire import events as e
from paxtui.wire.faults import SkipSlot
from paxtui.wire.telemetry import FaultEnded, ProposedView
from paxtui.wire.values import Ballot

SKIPS_KEPT: Final = 1_000
FILLS_KEPT: Final = 1_000

CLOCK_S: Final = 0.02
"""A leader looks at its clock once a turn, and times are rounded."""

How = Literal["timeout", "operator", "new leader"]


class Skip(NamedTuple):
    """A slot that was left empty."""

    replica: int
    ballot: Ballot
    at: float
    """By the console's clock."""
    fault: int | None = None
    """The number of the fault that asked for it, if that is known."""


class Fill(NamedTuple):
    """A no-op that was proposed where nothing had been accepted."""

    replica: int
    ballot: Ballot
    how: How | None
    """``None`` where that is not known: the console came later."""


class Holes:
    """Bounded: the newest of each."""

    def __init__(self, replicas: int, timeout_s: float | None) -> None:
        self.timeout_s = timeout_s
        """``None`` where nobody told it: replicas do not tell their settings."""
        self.skipped: dict[int, Skip] = {}
        """By slot, the skip of the highest ballot."""
        self._of_ballot: dict[tuple[int, Ballot], Skip] = {}
        self.filled: Runs[Fill] = Runs()
        self._ended: list[deque[int]] = [deque(maxlen=SKIPS_KEPT) for _ in range(replicas)]
        """By replica, the faults that are over because their slot was skipped; which one is told after."""

    def copy(self) -> Holes:
        """Return a copy as it is now."""
        other = Holes(0, self.timeout_s)
        other._ended = [ended.copy() for ended in self._ended]
        other.skipped, other.filled = self.skipped.copy(), self.filled.copy()
        other._of_ballot = self._of_ballot.copy()
        return other

    def fault_ended(self, replica: int, event: FaultEnded) -> None:
        """Note the end of a fault: one that is done because of a skipped slot is told just before that
        slot."""
        if isinstance(event.fault, SkipSlot) and event.how == "done":
            self._ended[replica].append(event.number)

    def skip(self, replica: int, event: e.SlotSkipped, at: float) -> None:
        """Note that a leader left a slot empty."""
        ended = self._ended[replica]
        skip = Skip(replica, event.ballot, at, ended.popleft() if ended else None)
        self._of_ballot[event.slot, event.ballot] = skip
        known = self.skipped.get(event.slot)
        if known is None or known.ballot <= event.ballot:
            self.skipped[event.slot] = skip
        for kept in (self.skipped, self._of_ballot):
            while len(kept) > SKIPS_KEPT:
                del kept[next(iter(kept))]  # type: ignore[arg-type]

    def fill(self, replica: int, event: ProposedView, at: float, found_end: int | None) -> None:
        """Note that a leader proposed no-ops; ``found_end`` is the slot after the last that its phase 1
        covered."""
        for slot in range(event.first, event.first + min(event.count, FILLS_KEPT)):
            known = self.filled.get(slot)
            if known is None or known.ballot <= event.ballot:
                how = self._how(event.ballot, slot, at, found_end)
                self.filled.assign(slot, slot + 1, Fill(replica, event.ballot, how))
        self.filled.forget_oldest(FILLS_KEPT)

    def _how(self, ballot: Ballot, slot: int, at: float, found_end: int | None) -> How | None:
        if found_end is not None and slot < found_end:
            return "new leader"
        skip = self._of_ballot.get((slot, ballot))
        if skip is None or self.timeout_s is None:
            return None
        return "timeout" if at - skip.at >= self.timeout_s - CLOCK_S else "operator"

    # Words, in full and in short

    def hole_words(self, slot: int) -> tuple[str, str]:
        """Return why a slot is empty: ``skipped by r0, fault #7``."""
        skip = self.skipped.get(slot)
        if skip is None:
            return "nothing accepted", "nothing accepted"
        if skip.fault is None:
            return f"skipped by r{skip.replica}", f"skipped by r{skip.replica}"
        return f"skipped by r{skip.replica}, fault #{skip.fault}", f"skipped, #{skip.fault}"

    def fill_words(self, slot: int) -> tuple[str, str]:
        """Return who filled it, and why: ``hole filled by r0 (timeout)``."""
        fill = self.filled.get(slot)
        if fill is None:
            return "fills a hole", "fills a hole"
        how = f" ({fill.how})" if fill.how is not None else ""
        return f"hole filled by r{fill.replica}{how}", f"by r{fill.replica}{how}"
