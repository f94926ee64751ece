"""What was done in one cluster, the way back, and the way forward again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

import trio

from paxtui.client.errors import ClientError, Failed
from paxtui.console import commands as c
from paxtui.console.driver.fault_tracker import FaultTracker
from paxtui.console.driver.undo import Change, TrackedFault, begun, named

UNDO_MAX: Final = 100
"""Commands that are remembered: more than a person remembers."""

NO_WAY_BACK: Final = ": no way back"


class Hand(Protocol):
    """The executor, as the history knows it."""

    async def carry_out(self, command: c.ConsoleCommand, change: Change) -> str: ...

    def is_so(self, command: c.ConsoleCommand) -> bool: ...


class UndoHistory:
    """The changes, the newest last, and those that were undone."""

    def __init__(self, fault_tracker: FaultTracker, hand: Hand) -> None:
        self._fault_tracker = fault_tracker
        self._hand = hand
        self._done: list[Change] = []
        self._undone: list[Change] = []
        self._turn = trio.Lock()
        """One way back or forward after the other: each begins where the one before it ended."""

    async def do(self, command: c.ConsoleCommand) -> str:
        """Carry a command out, and remember what it changed."""
        words = f"end of #{command.number}" if isinstance(command, c.UndoCommand) else c.words(command)
        change = Change(words)
        self._done.append(change)
        del self._done[:-UNDO_MAX]
        try:
            return await self._hand.carry_out(command, change)
        finally:
            change.over.set()
            if change.empty:
                self._done = [each for each in self._done if each is not change]
            else:
                self._undone.clear()

    # What comes next

    @property
    def next_undo(self) -> str:
        """Return in words what would be undone now; empty for nothing."""
        for change in reversed(self._done):
            if not change.over.is_set() or self._is_left(change):
                return change.words
            if change.final:
                return f"{change.words}{NO_WAY_BACK}"
        return ""

    @property
    def next_redo(self) -> str:
        """Return in words what would be done again now; empty for nothing."""
        return self._undone[-1].words if self._undone else ""

    def _is_left(self, change: Change) -> bool:
        now = time.monotonic()
        return (
            any(tracked in self._fault_tracker for tracked in change.begun)
            or any((left := tracked.left_s(now)) is None or left > 0 for tracked in change.ended)
            or any(not self._hand.is_so(command) for command in (*change.back, *change.rescue))
        )

    def forget(self, meant: Callable[[c.ConsoleCommand], bool]) -> None:
        """Forget ways back that are none any more."""
        for change in self._done:
            change.back = [command for command in change.back if not meant(command)]
            change.rescue = [command for command in change.rescue if not meant(command)]

    # Back, and forward again

    async def undo(self) -> str:
        """Undo the last command of which something is left."""
        async with self._turn:
            while self._done:
                change = self._done.pop()
                await change.over.wait()
                try:
                    said = await self._undo(change)
                except ClientError:
                    self._done.append(change)  # what is left of it can be tried again
                    raise
                if said:
                    self._undone.append(change)
                    return f"undo {change.words}: {said}"
                if change.final:
                    raise Failed(f"{change.words} cannot be undone: {change.final}")
        raise Failed("there is nothing to undo")

    async def redo(self) -> str:
        """Do again what was undone last. What comes after an undo, and changes something, makes an end of
        that."""
        async with self._turn:
            if not self._undone:
                raise Failed("there is nothing to do again: nothing was undone since the last act")
            change = self._undone.pop()
            try:
                said = await self._redo(change)
            finally:
                if not change.empty:
                    self._done.append(change)
            return f"redo {change.words}: {said or 'its time is over'}"

    async def _undo(self, change: Change) -> str:
        """Return what was undone; empty if nothing was left of the command."""
        found = change.undone = change.undone or Change(change.words)
        over: list[TrackedFault] = []
        while change.begun:
            tracked = change.begun[-1]
            if tracked in self._fault_tracker and await self._fault_tracker.end_fault(tracked, Change("")):
                over.append(tracked)
            found.begun.insert(0, change.begun.pop())
        again: list[TrackedFault] = []
        for tracked in sorted(change.ended, key=lambda each: each.since):
            if await self._fault_tracker.begin_again(tracked):
                again.append(tracked)
                found.ended.append(tracked)
            change.ended.remove(tracked)
        said = [f"ended {named(over[::-1])}"] if over else []
        said += [f"again {named(again)}"] if again else []
        for command in change.back:
            if not self._hand.is_so(command):
                said.append(await self._hand.carry_out(command, Change("")))
                found.back.append(command)
        for command in change.rescue:
            if not self._hand.is_so(command):
                said.append(await self._hand.carry_out(command, Change("")))
        found.rescue, change.back, change.rescue = change.rescue, [], []
        return ", ".join(said)

    async def _redo(self, change: Change) -> str:
        """Return what was done again; the change then holds what another undo undoes."""
        found, change.undone = change.undone, None
        assert found is not None
        over: list[TrackedFault] = []
        again: list[TrackedFault] = []
        change.rescue = found.rescue
        for tracked in found.begun:
            if await self._fault_tracker.begin_again(tracked):
                again.append(tracked)
                change.begun.append(tracked)
        for tracked in found.ended:
            if tracked in self._fault_tracker and await self._fault_tracker.end_fault(tracked, Change("")):
                over.append(tracked)
                change.ended.append(tracked)
        numbers = self._fault_tracker.listed_numbers(again)
        said = [begun(named(again), again, numbers)] if again else []
        said += [f"ended {named(over)}"] if over else []
        for command in found.back:
            said.append(await self._hand.carry_out(forward(command), Change("")))
            change.back.append(command)
        return ", ".join(said)


def forward(back: c.ConsoleCommand) -> c.ConsoleCommand:
    """Return the command of which ``back`` is the way back. Raises :class:`Failed`."""
    match back:
        case c.RestartCommand(replica):
            return c.CrashCommand(replica)
        case c.CrashCommand(replica):
            return c.RestartCommand(replica)
        case c.ContinueCommand(replica):
            return c.PauseCommand(replica)
        case c.PauseCommand(replica):
            return c.ContinueCommand(replica)
    raise Failed(f"{c.words(back)} has no other way")
