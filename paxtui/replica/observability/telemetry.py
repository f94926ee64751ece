"""Telemetry: what happened here, for observers and the record file, at most 20 times a second.

It is bounded and never slows the replica: nothing is kept without an observer; runs are joined; values
beyond a flush's budget are left out; events beyond the buffer are dropped, counted, and made up for by a
new snapshot.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

import msgspec
import trio

from paxtui.core import events as e
from paxtui.core.replica import Replica
from paxtui.wire.codec import encode
from paxtui.wire.faults import ActiveFault
from paxtui.wire.telemetry import TelemetryDelta, TelemetrySnapshot
from paxtui.wire.views import Told, recent_slots, views

FLUSHES_A_SECOND: Final = 20
BUSY_EVENTS: Final = 100
BUSY_FLUSHES_A_SECOND: Final = 10
"""After a flush with so many events the next one waits longer: each costs the same whatever is in it."""

BUFFER_EVENTS: Final = 8192
"""Events that may wait for a flush. A healthy replica makes some hundreds in that time."""

OBSERVER_BYTES_MAX: Final = 2 * 1024 * 1024
"""What may wait for a slow observer before it gets a snapshot in place of deltas."""

DELTA_BYTES_MAX: Final = 384 * 1024
"""About the most in one delta. A single event has at most 400 values of 1,400 bytes, so whatever comes on
top of this still fits a frame."""

PAIR_BYTES: Final = 24
"""An event's time, brackets and commas."""

SnapshotMaker = Callable[[int, int], TelemetrySnapshot]
Pair = tuple[float, msgspec.Raw]
_encode = msgspec.json.Encoder().encode


def snapshot(
    core: Replica | None, active_faults: Callable[[float], tuple[ActiveFault, ...]], ask: int, number: int
) -> TelemetrySnapshot:
    """Return a replica as it is now, for the request ``ask``; ``number`` is that of the next event."""
    now = trio.current_time()
    return TelemetrySnapshot(
        id=ask,
        number=number,
        at_s=round(now, 4),
        wall=wall_clock(),
        status=None if core is None else core.status,
        slots=() if core is None else recent_slots(core),
        faults=active_faults(now),
    )


class FrameSink(Protocol):
    """The way out to an observer."""

    @property
    def waiting_bytes(self) -> int:
        """Return the bytes that were pushed and have not left yet."""

    def push(self, frame: bytes) -> bool:
        """Queue a frame; ``False`` if it was not taken."""

    def flush(self) -> None:
        """Send what is queued, as far as that needs no waiting."""


class Watcher:
    """One observer connection, or the record file."""

    def __init__(
        self,
        ask: int,
        push: Callable[[bytes], bool],
        waiting: Callable[[], int],
        bytes_max: int = OBSERVER_BYTES_MAX,
    ) -> None:
        self.bytes_max = bytes_max
        self.ask = ask
        self.push = push
        self.waiting = waiting
        self.behind = True
        """It needs a snapshot before the next delta."""
        self.next_number: int | None = None
        """The number of the first event that it was not told; ``None`` before its first snapshot."""


class Telemetry:
    """The events that observers are told, collected while there are any, and sent in flushes."""

    def __init__(self, make_snapshot: SnapshotMaker, untold: Callable[[], bool] = lambda: False) -> None:
        self._make_snapshot = make_snapshot
        self._untold = untold
        """Whether the replica is ahead of the events that were recorded. A snapshot of then would show what
        the deltas after it tell once more: a watermark that seems to go back."""
        self._watchers: list[Watcher] = []
        self._buffer: deque[tuple[float, Told]] = deque()
        self._number = 0
        self._overflow = 0
        self._wanted = trio.Event()

    @property
    def watched(self) -> bool:
        """Return whether anybody wants events."""
        return bool(self._watchers)

    @property
    def number(self) -> int:
        """Return the number of the next event."""
        return self._number + len(self._buffer) + self._overflow

    def add_observer(self, ask: int, sink: FrameSink, bytes_max: int = OBSERVER_BYTES_MAX) -> Watcher:
        """Add an observer; it gets a snapshot with the next flush."""

        def push(frame: bytes) -> bool:
            taken = sink.push(frame)
            sink.flush()
            return taken

        return self.add_watcher(Watcher(ask, push, lambda: sink.waiting_bytes, bytes_max))

    def add_watcher(self, watcher: Watcher) -> Watcher:
        """Add any watcher."""
        self._watchers.append(watcher)
        self._wanted.set()
        return watcher

    def remove_watcher(self, watcher: Watcher) -> None:
        """Remove a watcher."""
        self._watchers.remove(watcher)

    def record(self, at_s: float, events: tuple[Told, ...]) -> None:
        """Take the events of one output, or what the host has to tell."""
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
            events = self.flush()
            await trio.sleep(1 / (FLUSHES_A_SECOND if events < BUSY_EVENTS else BUSY_FLUSHES_A_SECOND))

    def flush(self) -> int:
        """Send one delta, encoded once, to all who keep up, and a snapshot to those who do not; how many
        events there were."""
        events = tuple(self._buffer)
        self._buffer.clear()
        first, self._number = self._number, self._number + len(events) + self._overflow
        overflow, self._overflow = self._overflow, 0
        if overflow:
            for watcher in self._watchers:
                watcher.behind = True
        pages = self._pages(events, first) if any(not watcher.behind for watcher in self._watchers) else []
        for watcher in self._watchers:
            self._update(watcher, pages)
        return len(events)

    def _update(self, watcher: Watcher, pages: list[tuple[int, list[Pair]]]) -> None:
        if watcher.waiting() > watcher.bytes_max:
            watcher.behind = True
            self._wanted.set()
        elif watcher.behind and self._untold():
            self._wanted.set()  # its snapshot comes with the next flush
        elif watcher.behind:
            missed = 0 if watcher.next_number is None else self._number - watcher.next_number
            if missed:
                watcher.push(
                    encode(
                        TelemetryDelta(id=watcher.ask, first=self._number, at_s=0, events=(), dropped=missed)
                    )
                )
            watcher.push(encode(self._make_snapshot(watcher.ask, self._number)))
            watcher.behind, watcher.next_number = False, self._number
        else:
            for first, pairs in pages:
                at_s = pairs[-1][0]
                delta = TelemetryDelta(id=watcher.ask, first=first, at_s=at_s, events=tuple(pairs), dropped=0)
                watcher.push(encode(delta))
            watcher.next_number = self._number

    def _pages(self, events: tuple[tuple[float, Told], ...], first: int) -> list[tuple[int, list[Pair]]]:
        """Return the events as they are told, in runs that fit a frame, each with its first number."""
        pages: list[tuple[int, list[Pair]]] = []
        size = DELTA_BYTES_MAX
        for number, (at_s, view) in enumerate(views(events), first):
            if size >= DELTA_BYTES_MAX:
                pages.append((number, []))
                size = 0
            raw = _encode(view)
            size += len(raw) + PAIR_BYTES
            pages[-1][1].append((at_s, msgspec.Raw(raw)))
        return pages


def wall_clock() -> float:
    """Return the seconds since the epoch, for people; nothing in the protocol reads it."""
    return round(time.time(), 3)
