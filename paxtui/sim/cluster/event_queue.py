"""The queue of future events, by virtual time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import heappush
from itertools import count
from typing import Any

Call = Callable[[Any], None]

Entry = tuple[float, int, Call, Any]
"""When, the how-manieth of all, and what to call with which argument."""


class EventQueue:
    """A heap. Equal times keep the order in which they were entered.

    Whoever enters something once a message does what :meth:`push` does in place, without the call.
    """

    __slots__ = ("heap", "numbers")

    def __init__(self) -> None:
        self.heap: list[Entry] = []
        self.numbers = count()

    def push(self, at: float, call: Call, argument: Any) -> None:
        """Call ``call(argument)`` at virtual time ``at``."""
        heappush(self.heap, (at, next(self.numbers), call, argument))

    def plan(self, call: Call, arguments: Iterable[tuple[float, Any]]) -> None:
        """Call ``call`` with each argument at its time. The heap holds only the next one of them: most of
        what is known from the start happens late, and every other event would have to pass it."""
        self._await(iter(sorted((at, next(self.numbers), call, argument) for at, argument in arguments)))

    def _await(self, rest: Iterator[Entry]) -> None:
        entry = next(rest, None)
        if entry is not None:
            at, number, call, argument = entry
            heappush(self.heap, (at, number, self._due, (call, argument, rest)))

    def _due(self, event: tuple[Call, Any, Iterator[Entry]]) -> None:
        call, argument, rest = event
        self._await(rest)
        call(argument)
