"""What was done here, kept so that it can be taken back: each command with everything that it changed."""

from __future__ import annotations

import trio
from msgspec import Struct

from paxtui.console import commands as c
from paxtui.wire import faults as f

SHOWN_MAX = 3
"""So many faults are named; of more, only the number."""


class TrackedFault(Struct, eq=False):
    """One fault. A replica forgets its faults when it dies; the console does not."""

    replica: int
    fault: f.AnyFault
    number: int | None = None
    """``None`` while it waits for its replica to be back."""
    when: f.Trigger | None = None
    ends_at: float | None = None
    """On the console's clock; ``None`` if it ends only when somebody says so."""
    since: float = 0.0
    """When it first began, on the console's clock: of what acts on one link the latest word counts."""
    leased: bool = False
    """Whether it ends by itself soon after this console is gone: it is renewed as long as that lives."""

    @property
    def words(self) -> str:
        """Return ``loss r0>r1 20 %``."""
        return f.describe(self.replica, self.fault)

    @property
    def is_of_network(self) -> bool:
        """Return whether it comes back with a replica that died: what acts on links, and slow motion."""
        return isinstance(self.fault, f.LinkFault) or self.leased

    def renew(self, now: float) -> None:
        """Let it act for its whole time again, if it is leased."""
        if self.leased:
            self.ends_at = now + f.CLOCK_LEASE_S

    def left_s(self, now: float) -> float | None:
        """Return how long it still has; ``None`` if nothing limits it."""
        return None if self.ends_at is None else self.ends_at - now


class Change:
    """The changes by one command. Taking it back ends what began, begins what ended, and does ``back``."""

    def __init__(self, words: str) -> None:
        self.words = words
        self.begun: list[TrackedFault] = []
        self.ended: list[TrackedFault] = []
        self.back: list[c.ConsoleCommand] = []
        self.final = ""
        """Why there is no way back, where there is none."""
        self.over = trio.Event()
        """Whoever takes the command back waits until it has changed all that it changes."""

    def include(self, part: Change) -> None:
        """Count what a part changed as changed by the whole."""
        self.begun += part.begun
        self.ended += part.ended
        self.back += part.back
        self.final = self.final or part.final

    @property
    def empty(self) -> bool:
        """Return whether there is nothing to take back."""
        return not (self.begun or self.ended or self.back or self.final)


def named(tracked_faults: list[TrackedFault]) -> str:
    """Return the first few in words."""
    words = [each.words for each in tracked_faults[:SHOWN_MAX]]
    more = len(tracked_faults) - SHOWN_MAX
    return "; ".join(words) + (f" and {more} more" if more > 0 else "")


def begun(name: str, tracked_faults: list[TrackedFault]) -> str:
    """Return a command with the numbers of the faults that it began, and whom others of them wait for."""
    numbers = [f"#{each.number}" for each in tracked_faults if each.number is not None]
    shown = f"{numbers[0]} to {numbers[-1]}, {len(numbers)} in all" if len(numbers) > 6 else " ".join(numbers)
    said = f"{name}  {shown}".rstrip()
    later = sorted({each.replica for each in tracked_faults if each.number is None})
    if later:
        said += "; the rest acts" if numbers else ": it acts"
        names = " ".join(f"r{replica}" for replica in later)
        said += f" as soon as {names} {'is' if len(later) == 1 else 'are'} back"
    return said
