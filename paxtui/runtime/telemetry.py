"""Telemetry: what happened here, for observers and the record file, at most 20 times a second.

It is bounded and never slows the replica: nothing is kept while nobody watches; runs are joined; values
beyond a flush's budget are left out; events beyond the buffer are dropped, counted, and made up for by a
new snapshot.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec
import trio
from msgspec import Struct

from paxtui.core import events as e
from paxtui.core.values import Command
from paxtui.runtime.sender import Sender
from paxtui.wire.codec import encode
from paxtui.wire.telemetry import Delta, LearnedView, ProposedView, Snapshot, ValueView, VotedView

FLUSHES_A_SECOND: Final = 20
BUFFER_EVENTS: Final = 8192
"""Events that may wait for a flush. A healthy replica makes some hundreds in that time."""

FLUSH_VALUES: Final = 400
"""Values told in one flush: 8,000 a second are more than anybody reads, and cost little."""

VALUE_CHARS: Final = 120
OBSERVER_BYTES_MAX: Final = 2 * 1024 * 1024
"""What may wait for a slow observer before it gets a snapshot in place of deltas."""

SnapshotMaker = Callable[[int, int], Snapshot]
_encode = msgspec.json.Encoder().encode


def view_of(value: Command) -> ValueView:
    """A value, cut for the eye."""
    return ValueView(value.client, value.request, value.text[:VALUE_CHARS])


class Watcher:
    """One observer connection, or the record file."""

    def __init__(self, ask: int, push: Callable[[bytes], bool], waiting: Callable[[], int]) -> None:
        self.ask = ask
        self.push = push
        self.waiting = waiting
        self.dropped = 0
        self.behind = True
        """It needs a snapshot before the next delta."""


class Telemetry:
    """Collects events while somebody watches and hands them out in flushes."""

    def __init__(self, make_snapshot: SnapshotMaker) -> None:
        self._make_snapshot = make_snapshot
        self._watchers: list[Watcher] = []
        self._buffer: deque[tuple[float, e.Event]] = deque()
        self._number = 0
        self._overflow = 0
        self._wanted = trio.Event()

    @property
    def watched(self) -> bool:
        """Whether anybody wants events."""
        return bool(self._watchers)

    def watch(self, ask: int, sender: Sender) -> Watcher:
        """Add an observer; it gets a snapshot with the next flush."""

        def push(frame: bytes) -> bool:
            taken = sender.push(frame)
            sender.flush()
            return taken

        return self.add(Watcher(ask, push, lambda: sender.waiting_bytes))

    def add(self, watcher: Watcher) -> Watcher:
        """Add any watcher."""
        self._watchers.append(watcher)
        self._wanted.set()
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """Remove a watcher."""
        self._watchers.remove(watcher)

    def record(self, at_s: float, events: tuple[e.Event, ...]) -> None:
        """Take the events of one output."""
        if not self._watchers:
            self._number += len(events)
            return
        for event in events:
            if len(self._buffer) >= BUFFER_EVENTS:
                self._overflow += 1
            elif not isinstance(event, e.AcceptedReceived) or not self._joined(at_s, event):
                self._buffer.append((at_s, event))
        self._wanted.set()

    def _joined(self, at_s: float, event: e.AcceptedReceived) -> bool:
        """Join a run with the one before it: acks of consecutive runs come in quick succession."""
        if not self._buffer:
            return False
        last = self._buffer[-1][1]
        if (
            isinstance(last, e.AcceptedReceived)
            and last.sender == event.sender
            and last.ballot == event.ballot
            and last.first + last.count == event.first
        ):
            joined = e.AcceptedReceived(event.ballot, event.sender, last.first, last.count + event.count)
            self._buffer[-1] = (at_s, joined)
            return True
        return False

    async def run(self) -> None:
        """Flush while there is something to flush; sleep otherwise."""
        while True:
            await self._wanted.wait()
            self._wanted = trio.Event()
            self.flush()
            await trio.sleep(1 / FLUSHES_A_SECOND)

    def flush(self) -> None:
        """Send one delta, encoded once, to all who keep up, and a snapshot to those who do not."""
        events = tuple(self._buffer)
        self._buffer.clear()
        first, self._number = self._number, self._number + len(events) + self._overflow
        overflow, self._overflow = self._overflow, 0
        if overflow:
            for watcher in self._watchers:
                watcher.dropped += overflow
                watcher.behind = True
        pairs = self._views(events) if any(not watcher.behind for watcher in self._watchers) else ()
        for watcher in self._watchers:
            self._serve(watcher, first, len(events), pairs)

    def _serve(
        self, watcher: Watcher, first: int, count: int, pairs: tuple[tuple[float, msgspec.Raw], ...]
    ) -> None:
        if watcher.waiting() > OBSERVER_BYTES_MAX:
            watcher.behind = True
            watcher.dropped += count
            self._wanted.set()
        elif watcher.behind:
            if watcher.dropped:
                watcher.push(
                    encode(Delta(id=watcher.ask, first=first, at_s=0, events=(), dropped=watcher.dropped))
                )
            watcher.push(encode(self._make_snapshot(watcher.ask, self._number)))
            watcher.behind, watcher.dropped = False, 0
        elif pairs:
            at_s = pairs[-1][0]
            watcher.push(encode(Delta(id=watcher.ask, first=first, at_s=at_s, events=pairs, dropped=0)))

    def _views(self, events: tuple[tuple[float, e.Event], ...]) -> tuple[tuple[float, msgspec.Raw], ...]:
        budget = FLUSH_VALUES
        pairs: list[tuple[float, msgspec.Raw]] = []
        for at_s, event in events:
            view: Struct = event
            match event:
                case e.Voted(ballot, first, values):
                    view = VotedView(ballot, first, len(values))
                case e.Proposed(ballot, first, values, source):
                    shown = tuple(map(view_of, values)) if len(values) <= budget else None
                    budget -= len(values) if shown is not None else 0
                    view = ProposedView(ballot, first, len(values), source, shown)
                case e.Learned(first, entries):
                    shown = tuple(view_of(x.value) for x in entries) if len(entries) <= budget else None
                    budget -= len(entries) if shown is not None else 0
                    view = LearnedView(entries[0].ballot, first, len(entries), shown)
            pairs.append((round(at_s, 4), msgspec.Raw(_encode(view))))
        return tuple(pairs)


def wall_clock() -> float:
    """Seconds since the epoch, for people; nothing in the protocol reads it."""
    return round(time.time(), 3)
