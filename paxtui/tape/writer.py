"""Writing a tape: steps are collected, packed and written by a thread, which nobody waits for."""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from paxtui.tape.schema import APPLICATION_ID, TABLES, VERSION, Mark
from paxtui.tape.step import BLOCK_BYTES_MAX, BLOCK_STEPS_MAX, TapeStep, pack

TAPE_MB: Final = 256
"""The room of a tape unless somebody says otherwise: some ten million events."""

KEEP_S: Final = 30.0
"""So much before and after what matters is never dropped for want of room."""

WAITING_MAX: Final = 64
"""Blocks that may wait for the thread. Beyond them steps are left out: a slow disk slows no console."""

FLUSH_S: Final = 1.0

STEP_BYTES: Final = 80
"""About what a step weighs beside its body."""

BATCH_BYTES: Final = BLOCK_BYTES_MAX // 4


class _Batch:
    """Steps that become a block, and marks."""

    def __init__(self, first: int, steps: Sequence[TapeStep], marks: Sequence[Mark], *, kept: bool) -> None:
        self.first = first
        self.steps = steps
        self.marks = marks
        self.kept = kept


class TapeWriter:
    """The writer of one tape. Its methods are for one thread; the file is written by another one."""

    def __init__(self, path: Path, meta: Mapping[str, str], megabytes: int = TAPE_MB) -> None:
        self.path = path
        self.problem: str | None = None
        """Why nothing is written any more."""
        self.end = 0
        """The position of the next step."""
        self._bytes_max = megabytes * 1024 * 1024
        self._steps: list[TapeStep] = []
        self._marks: list[Mark] = []
        self._bytes = 0
        self._flushed_at = time.monotonic()
        self._keep_until = 0.0
        self._queue: queue.Queue[_Batch | threading.Event | float | None] = queue.Queue(WAITING_MAX)
        self._meta = dict(meta)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="paxtui-tape", daemon=True)
        self._thread.start()

    def add(self, step: TapeStep) -> None:
        """Write a step, a little later."""
        self._steps.append(step)
        self.end += 1
        self._bytes += STEP_BYTES + len(step.body)
        if self._bytes >= BATCH_BYTES or len(self._steps) >= BLOCK_STEPS_MAX:
            self._flush()

    def mark(self, kind: str, words: str, wall: float) -> None:
        """Mark the step that was added last."""
        self._marks.append(Mark(max(0, self.end - 1), wall, kind, words))

    def keep_around(self, wall: float) -> None:
        """Never drop what is around a time of day, for want of room."""
        self._keep_until = wall + KEEP_S
        self._put(wall - KEEP_S)

    def flush_old(self) -> None:
        """Hand over what has waited for long enough."""
        if self._steps and time.monotonic() - self._flushed_at >= FLUSH_S:
            self._flush()

    def sync(self) -> None:
        """Wait until all that was added can be read."""
        self._flush(wait=True)
        written = threading.Event()
        self._put_surely(written)
        while self._thread.is_alive() and not written.wait(0.05):
            pass

    def close(self) -> None:
        """Write the rest, and close the file."""
        self._flush(wait=True)
        self._put_surely(None)
        self._thread.join()

    def _flush(self, *, wait: bool = False) -> None:
        self._flushed_at = time.monotonic()
        if self._steps or self._marks:
            kept = bool(self._steps) and self._steps[0].wall <= self._keep_until
            batch = _Batch(self.end - len(self._steps), self._steps, self._marks, kept=kept)
            (self._put_surely if wait else self._put)(batch)
            self._steps, self._marks, self._bytes = [], [], 0

    def _put(self, item: _Batch | float) -> None:
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            pass  # positions go on, so whoever reads sees that steps are missing

    def _put_surely(self, item: _Batch | threading.Event | None) -> None:
        while self._thread.is_alive():
            try:
                self._queue.put(item, timeout=FLUSH_S)
            except queue.Full:
                continue
            return

    # The thread

    def _run(self) -> None:
        try:
            self._write()
        except sqlite3.Error as error:
            self.problem = f"{self.path}: {error}"
        except OSError as error:
            self.problem = f"{self.path}: {error.strerror}"

    def _write(self) -> None:
        database = sqlite3.connect(self.path, isolation_level=None)
        try:
            _create(database, self._meta)
            size = 0
            while (item := self._queue.get()) is not None:
                if isinstance(item, threading.Event):
                    item.set()
                elif isinstance(item, float):
                    database.execute("UPDATE blocks SET kept = 1 WHERE ends >= ?", (item,))
                else:
                    size += _insert(database, item)
                    size -= _drop(database, size - self._bytes_max, item.first)
            database.execute("PRAGMA journal_mode = DELETE")
        finally:
            database.close()


def _create(database: sqlite3.Connection, meta: Mapping[str, str]) -> None:
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = OFF")  # after a power cut a tape may miss its end
    database.execute("BEGIN")
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute(f"PRAGMA user_version = {VERSION}")
    for statement in TABLES.split(";"):
        database.execute(statement)
    database.executemany("INSERT INTO meta VALUES (?, ?)", list(meta.items()))
    database.execute("COMMIT")


def _insert(database: sqlite3.Connection, batch: _Batch) -> int:
    """Write a batch; return the bytes of its block."""
    data = b""
    database.execute("BEGIN")
    if batch.steps:
        data = pack(batch.steps)
        walls = [step.wall for step in batch.steps]
        row = (batch.first, len(batch.steps), min(walls), max(walls), int(batch.kept), data)
        database.execute("INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?)", row)
    database.executemany(
        "INSERT INTO marks VALUES (?, ?, ?, ?)",
        [(mark.position, mark.wall, mark.kind, mark.words) for mark in batch.marks],
    )
    database.execute("COMMIT")
    return len(data)


def _drop(database: sqlite3.Connection, over: int, newest: int) -> int:
    """Drop whole blocks until there is room again, the oldest first, but neither the first of all nor the
    newest, and none that is kept; return their bytes."""
    dropped = 0
    while dropped < over:
        row = database.execute(
            "SELECT first, length(data) FROM blocks WHERE kept = 0 AND first > 0 AND first < ? "
            "ORDER BY first LIMIT 1",
            (newest,),
        ).fetchone()
        if row is None:
            break
        database.execute("DELETE FROM blocks WHERE first = ?", (row[0],))
        dropped += row[1]
    return dropped
