"""The record file: what this replica decides, whole, as JSON lines (see :mod:`paxtui.records`)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import BinaryIO, Final

import trio

from paxtui.core.durable_state import DurableState
from paxtui.core.events import Event, Learned, Proposed, Voted
from paxtui.records import lines
from paxtui.storage.errors import StorageFailed, StorageRefused

WAITING_CHARS_MAX: Final = 32 * 1024 * 1024
"""What may wait for the file: some seconds of full load. What comes on top is dropped, and counted."""

EVENT_CHARS: Final = 200
VALUE_CHARS: Final = 100
"""About what an event and a value weigh beside their texts."""

PAUSE_S: Final = 0.01
"""Between two writes: so little is lost with a process that is killed, and hardly more is spent than on
the lines themselves."""


class Recorder:
    """The writer of a record file. A thread encodes and writes, so it never slows the replica."""

    def __init__(self, path: Path, replica: int) -> None:
        self._path = path
        self._replica = replica
        self._file: BinaryIO | None = None
        self._queue: list[tuple[float, int, tuple[Event, ...]] | bytes] = []
        self._waiting = 0
        self._writing = 0
        self._number = 0
        self._dropped = 0
        self._dropped_at = 0.0
        self._wanted = trio.Event()

    def open_file(self, cluster: str, replicas: int, saved: DurableState) -> None:
        """Open the file and write what the life begins with."""
        try:
            self._file = self._path.open("ab", buffering=0)
            if _torn(self._path):
                self._write([b""])
        except OSError as error:
            raise self._failed(error) from None
        now = trio.current_time()
        self._write(list(lines.life(cluster, self._replica, replicas, now, time.time(), saved)))

    def take_events(self, at: float, events: tuple[Event, ...]) -> None:
        """Take the events of one output; they are written a little later, or dropped and counted."""
        chars = sum([_chars(event) for event in events])
        if self._waiting + self._writing + chars > WAITING_CHARS_MAX:
            self._dropped += len(events)
            self._dropped_at = at
            return
        self._tell_dropped()
        self._queue.append((at, self._number, events))
        self._number += len(events)
        self._waiting += chars
        self._wanted.set()

    def take_fault(self, at: float, what: str, detail: str) -> None:
        """Take a line about what is done to this replica, for people."""
        if self._waiting + self._writing <= WAITING_CHARS_MAX:
            self._queue.append(lines.fault(at, self._replica, what, detail))
            self._waiting += EVENT_CHARS
            self._wanted.set()

    def _tell_dropped(self) -> None:
        if self._dropped:
            self._queue.append(lines.dropped(self._dropped_at, self._replica, self._number, self._dropped))
            self._number += self._dropped
            self._dropped = 0

    async def run(self) -> None:
        """Write until cancelled. :meth:`close_file` writes what is queued then."""
        while True:
            await self._wanted.wait()
            self._wanted = trio.Event()
            queue, self._queue = self._queue, []
            self._writing, self._waiting = self._waiting, 0
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(self._write_all, queue)
            self._writing = 0
            await trio.sleep(PAUSE_S)

    def close_file(self, why: str | None) -> None:
        """Write what is left and close the file. ``why`` says that nothing is missing."""
        self._tell_dropped()
        self._write_all(self._queue)
        if self._file is not None:
            if why is not None:
                self._write([lines.ended(trio.current_time(), self._replica, self._number, why)])
            self._file.close()

    def _write_all(self, queue: list[tuple[float, int, tuple[Event, ...]] | bytes]) -> None:
        text = []
        for item in queue:
            if isinstance(item, bytes):
                text.append(item)
            else:
                at, first, events = item
                for number, event in enumerate(events, first):
                    text.append(lines.event(at, self._replica, number, event))
        self._write(text)

    def _write(self, text: list[bytes]) -> None:
        if not text or self._file is None:
            return
        waiting = memoryview(b"\n".join(text) + b"\n")
        try:
            while waiting:
                waiting = waiting[self._file.write(waiting) :]
        except OSError as error:
            self._file.close()
            self._file = None
            raise self._failed(error) from None

    def _failed(self, error: OSError) -> StorageFailed:
        return StorageFailed(f"{self._path}: {error.strerror}; the replica stops")


def _chars(event: Event) -> int:
    if isinstance(event, Voted | Proposed):
        return EVENT_CHARS + sum([VALUE_CHARS + len(value.text) for value in event.values])
    if isinstance(event, Learned):
        return EVENT_CHARS + sum([VALUE_CHARS + len(entry.value.text) for entry in event.entries])
    return EVENT_CHARS


def _torn(path: Path) -> bool:
    """Return whether a process was killed in the middle of a line."""
    if not path.is_file() or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) != b"\n"


def check_record(path: Path) -> None:
    """Refuse a file that cannot be written before the replica touches anything else."""
    try:
        path.open("ab").close()
    except OSError as error:
        raise StorageRefused(f"{path}: cannot be written: {error.strerror}; name another --record") from None
