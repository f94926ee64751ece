"""The log for people: ``replica-0.log``, one applied message a line, derived from the database.

A line is ``SLOT<tab>NAME<tab>TEXT``; control characters are shown, so a line is always one line. No-ops
and repetitions have none. At start the file is brought to the database's watermark: a torn or early end
is mended, lines beyond the watermark (their slots were applied but not yet on disk) are cut off.

The file may be rotated while the replica runs: copied and emptied, or renamed and then opened anew
(:meth:`MessageLog.reopen`). What was rotated away is not written again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import trio

from paxtui.core.output import Applied
from paxtui.core.values import Command, Entry
from paxtui.storage.errors import StorageFailed, StorageRefused
from paxtui.wire.text import client_name, visible

TAIL_BYTES = 64 * 1024
"""How much of the file's end is read at a time to find the last lines."""

FORGET_BYTES_MIN = 1024 * 1024
"""Less is not worth the copying."""

COPY_BYTES = 1024 * 1024

FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
"""Each write goes to the end that the file has at that moment, also after another program has emptied it."""


def line(slot: int, command: Command) -> str:
    """Return the line of one message."""
    return f"{slot}\t{client_name(command.client)}\t{visible(command.text)}\n"


class First:
    """The first slot of a rotated log, in a file beside it; there is none as long as no rotation was noticed.

    The log cannot tell by itself: one that was just emptied looks like one that was lost, and a replica that
    starts would write all its lines once more.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> int:
        """Return the slot; 0 without a file."""
        text = b""
        with suppress(OSError):
            text = self._path.read_bytes().strip()
        return int(text) if text.isdigit() else 0

    def write(self, slot: int) -> None:
        """Note a rotation. A disk that does not take it lets the lines be written twice, no more."""
        with suppress(OSError):
            self._path.write_text(f"{slot}\n")

    def remove(self) -> None:
        """Remove the note, as the log begins at its beginning again."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


class MessageLog:
    """The file of lines; the replica reads it only to repair its end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._moving = trio.Lock()
        """Held while another file takes the place of the present one."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            exists = path.exists()
            self._fd = os.open(path, FLAGS, 0o644)
        except OSError as error:
            raise StorageRefused(
                f"{path}: cannot be written: {error.strerror}; name another --log-dir"
            ) from None
        self._first = First(path.with_name(path.name + ".first"))
        if not exists:  # a log that was deleted is written anew
            self._first.remove()
        self._end = 0
        """How long the file was after the last write."""
        self._next = 0
        """The slot from which lines are not written yet."""

    def repair(self, watermark: int) -> int:
        """Cut the file to whole lines of slots below ``watermark``; the slot from which lines are missing."""
        try:
            slot = self._next = self._repair(watermark)
            self._end = os.lseek(self._fd, 0, os.SEEK_END)
        except OSError as error:
            raise StorageRefused(
                f"{self.path}: cannot be mended: {error.strerror}; move it away or name another --log-dir"
            ) from None
        return slot

    def _repair(self, watermark: int) -> int:
        end = os.lseek(self._fd, 0, os.SEEK_END)
        tail = b""
        while end > 0:
            start = max(0, end - TAIL_BYTES)
            tail = os.pread(self._fd, end - start, start) + tail
            lines = tail.split(b"\n")
            # The first piece may be the end of an earlier line; the last is what no line break ended.
            keep = 0 if start == 0 else 1
            position = start + sum(len(piece) + 1 for piece in lines[:-1])
            for piece in reversed(lines[keep:-1]):
                slot = _slot(piece)
                if slot is not None and slot < watermark:
                    os.ftruncate(self._fd, position)
                    return slot + 1
                position -= len(piece) + 1
            # Its line break stays with the first piece: with it the piece is the end of a whole line.
            end, tail = start, lines[0] + (b"\n" if len(lines) > 1 else b"")
        os.ftruncate(self._fd, 0)
        first = self._first.read()
        if first > watermark:  # that was another database's log
            self._first.remove()
            return 0
        return first

    def append(self, applied: Applied) -> None:
        """Add the messages of newly applied slots."""
        self.write_entries(enumerate(applied.entries, applied.first), applied.suppressed)

    def write_entries(self, entries: Iterable[tuple[int, Entry]], suppressed: Mapping[int, int]) -> None:
        """Add the lines of ``entries`` that are messages and took effect."""
        told = [
            (slot, entry.value)
            for slot, entry in entries
            if not entry.value.is_noop and slot not in suppressed
        ]
        if not told:
            return
        data = "".join(line(slot, command) for slot, command in told).encode()
        waiting = memoryview(data)
        try:
            while waiting:
                waiting = waiting[os.write(self._fd, waiting) :]
        except OSError as error:
            raise StorageFailed(f"{self.path}: {error.strerror}; the replica stops") from None
        end = os.lseek(self._fd, 0, os.SEEK_CUR)
        if end < self._end + len(data):  # it was emptied before this write
            self._first.write(told[0][0])
        self._end, self._next = end, told[-1][0] + 1

    async def reopen(self) -> None:
        """Go on in the file that has the log's name now; it is created if there is none. Raises ``OSError``,
        and then goes on in the present one."""
        async with self._moving:
            self._note_rotation()
            descriptor = os.open(self.path, FLAGS, 0o644)
            os.close(self._fd)
            self._fd = descriptor
            self._end = os.lseek(descriptor, 0, os.SEEK_END)

    def _note_rotation(self) -> None:
        if self._is_rotated(self._end):
            self._first.write(self._next)

    async def drop_below(self, log_start: int) -> None:
        """Drop the lines of slots below ``log_start``, once they are most of the file.

        The file cannot lose its beginning, so the rest is copied, by a thread; what is appended meanwhile
        follows it. A file that is rotated meanwhile is left alone. Raises ``StorageFailed``.
        """
        async with self._moving:
            size = os.lseek(self._fd, 0, os.SEEK_END)
            start = self._find(log_start, size)
            if start < max(size // 2, FORGET_BYTES_MIN):
                return
            fresh = self.path.with_name(self.path.name + ".new")
            try:
                fresh.unlink(missing_ok=True)
                await trio.to_thread.run_sync(self._copy, fresh, start, size)
                # What was appended meanwhile is little, and from here on nothing may come between.
                self._copy(fresh, size, os.lseek(self._fd, 0, os.SEEK_END))
                if self._is_rotated(size):
                    fresh.unlink()
                    return
                descriptor = os.open(fresh, FLAGS)
                fresh.rename(self.path)
            except OSError as error:
                raise StorageFailed(f"{self.path}: {error.strerror}; the replica stops") from None
            os.close(self._fd)
            self._fd = descriptor
            self._end = os.lseek(descriptor, 0, os.SEEK_END)

    def _is_rotated(self, size: int) -> bool:
        """Return whether the file, once ``size`` bytes long, was emptied, or no longer has the log's name."""
        present = os.fstat(self._fd)
        try:
            named = os.stat(self.path)
        except FileNotFoundError:
            return True
        return present.st_size < size or not os.path.samestat(present, named)

    def _copy(self, fresh: Path, start: int, end: int) -> None:
        with open(fresh, "ab") as file:
            while start < end and (part := os.pread(self._fd, min(COPY_BYTES, end - start), start)):
                file.write(part)
                start += len(part)

    def _find(self, log_start: int, size: int) -> int:
        """Find where the first line of a slot at or above ``log_start`` begins: slots only grow, so by
        halves."""
        low, high = 0, size
        while low < high:
            middle = (low + high) // 2
            begin, slot = self._line_after(middle, size)
            if slot is None or slot >= log_start:
                high = middle
            else:
                low = begin + 1
        return self._line_after(low, size)[0]

    def _line_after(self, offset: int, size: int) -> tuple[int, int | None]:
        """Find the first line that begins at or after ``offset``, and its slot; the end, and ``None``."""
        begin = offset
        if offset > 0:
            begin = offset - 1
            while (found := (part := os.pread(self._fd, TAIL_BYTES, begin)).find(b"\n")) < 0:
                if not part:
                    return size, None
                begin += len(part)
            begin += found + 1
        if begin >= size:
            return size, None
        return begin, _slot(os.pread(self._fd, 32, begin).partition(b"\n")[0])

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):
            self._note_rotation()
        os.close(self._fd)


def _slot(piece: bytes) -> int | None:
    head = piece.partition(b"\t")[0]
    return int(head) if head.isdigit() and len(head) < 17 else None
