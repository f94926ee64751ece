"""What was done here, kept so that it can be undone: each command with everything that it changed."""

from __future__ import annotations

from collections.abc import Iterable

import trio
from msgspec import Struct

from paxtui.console import commands as c
from paxtui.console.rows.faults import TOGETHER, parted
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
            self.ends_at = now + f.LEASE_S

    def left_s(self, now: float) -> float | None:
        """Return how long it still has; ``None`` if nothing limits it."""
        return None if self.ends_at is None else self.ends_at - now


class Change:
    """The changes by one command. Undoing it ends what began, begins what ended, and does ``back``."""

    def __init__(self, words: str) -> None:
        self.words = words
        self.begun: list[TrackedFault] = []
        self.ended: list[TrackedFault] = []
        self.back: list[c.ConsoleCommand] = []
        self.rescue: list[c.ConsoleCommand] = []
        """As ``back``, for what a fault that began here did to its replica: it does that again by itself."""
        self.final = ""
        """Why there is no way back, where there is none."""
        self.over = trio.Event()
        """An undo waits until the command has changed all that it changes."""
        self.undone: Change | None = None
        """What its undo found to undo, and so what is to be done again."""

    def include(self, part: Change) -> None:
        """Count what a part changed as changed by the whole."""
        self.begun += part.begun
        self.ended += part.ended
        self.back += part.back
        self.rescue += part.rescue
        self.final = self.final or part.final

    @property
    def empty(self) -> bool:
        """Return whether there is nothing to undo."""
        return not (self.begun or self.ended or self.back or self.rescue or self.final)


def named(tracked_faults: list[TrackedFault]) -> str:
    """Return the first few in words."""
    words = [each.words for each in tracked_faults[:SHOWN_MAX]]
    more = len(tracked_faults) - SHOWN_MAX
    return "; ".join(words) + (f" and {more} more" if more > 0 else "")


def listed_numbers(
    tracked_faults: list[TrackedFault], acting: Iterable[TrackedFault], known: Iterable[int]
) -> list[int]:
    """Return the numbers under which the list of faults shows some faults, of all that act. Cuts that part
    the cluster into sides, or that are many of one sender, are one there, under the first number."""
    cuts: dict[c.Link, int] = {}
    for each in acting:
        plain = isinstance(each.fault, f.Cut) and each.fault.to >= 0 and each.ends_at is None
        if isinstance(each.fault, f.Cut) and plain and each.number is not None:
            cuts[each.replica, each.fault.to] = each.number
    shown_as: dict[int, int] = {}

    def show_as_one(links: list[c.Link]) -> None:
        first = min((cuts[link] for link in links), default=0)
        shown_as.update((cuts.pop(link), first) for link in links)

    show_as_one(parted(known, cuts)[1])
    for sender in {one for one, _ in cuts}:
        links = [link for link in cuts if link[0] == sender]
        if len(links) >= TOGETHER:
            show_as_one(links)
    numbers = (each.number for each in tracked_faults if each.number is not None)
    return sorted({shown_as.get(number, number) for number in numbers})


def ended(name: str, tracked_faults: list[TrackedFault]) -> str:
    """Return a command with how many faults it ended."""
    count = len(tracked_faults)
    return f"{name}: {count} fault{'s' if count > 1 else ''} ended" if count else f"{name}: nothing to end"


def begun(name: str, tracked_faults: list[TrackedFault], numbers: list[int]) -> str:
    """Return a command with the numbers of the faults that it began, and whom others of them wait for."""
    named = [f"#{number}" for number in numbers]
    shown = f"{named[0]} to {named[-1]}, {len(named)} in all" if len(named) > 6 else " ".join(named)
    said = f"{name}  {shown}".rstrip()
    later = sorted({each.replica for each in tracked_faults if each.number is None})
    if later:
        said += "; the rest acts" if named else ": it acts"
        names = " ".join(f"r{replica}" for replica in later)
        said += f" as soon as {names} {'is' if len(later) == 1 else 'are'} back"
    return said
