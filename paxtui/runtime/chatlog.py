"""The log for people: ``replica-0.log``, one applied message a line, derived from the database.

A line is ``SLOT<tab>NAME<tab>TEXT``; control characters are shown, so a line is always one line. No-ops
and repetitions have none. At start the file is brought to the database's watermark: a torn or early end
is mended, lines beyond the watermark (their slots were applied but not yet on disk) are cut off.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import trio

from paxtui.core.output import Applied
from paxtui.core.values import Command, Entry
from paxtui.runtime.errors import StorageFailed, StorageRefused
from paxtui.wire.text import client_name, visible

TAIL_BYTES = 64 * 1024
"""How much of the file's end is read at a time to find the last lines."""

FORGET_BYTES_MIN = 1024 * 1024
"""Less is not worth the copying."""

COPY_BYTES = 1024 * 1024


def line(slot: int, command: Command) -> str:
    """The line of one message."""
    return f"{slot}\t{client_name(command.client)}\t{visible(command.text)}\n"


class ChatLog:
    """Appends lines; never read by the replica but to repair its end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StorageRefused(
                f"{path}: cannot be written: {error.strerror}; name another --log-dir"
            ) from None

    def repair(self, watermark: int) -> int:
        """Cut the file to whole lines of slots below ``watermark``; the slot from which lines are missing."""
        try:
            return self._repair(watermark)
        except OSError as error:
            raise StorageRefused(
                f"{self.path}: cannot be mended: {error.strerror}; move it away or name another --log-dir"
            ) from None

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
                    os.lseek(self._fd, position, os.SEEK_SET)
                    return slot + 1
                position -= len(piece) + 1
            # Its line break stays with the first piece: with it the piece is the end of a whole line.
            end, tail = start, lines[0] + (b"\n" if len(lines) > 1 else b"")
        os.ftruncate(self._fd, 0)
        os.lseek(self._fd, 0, os.SEEK_SET)
        return 0

    def append(self, applied: Applied) -> None:
        """Add the messages of newly applied slots."""
        self.write(enumerate(applied.entries, applied.first), applied.suppressed)

    def write(self, entries: Iterable[tuple[int, Entry]], suppressed: Mapping[int, int]) -> None:
        """Add the lines of ``entries`` that are messages and took effect."""
        text = "".join(
            line(slot, entry.value)
            for slot, entry in entries
            if not entry.value.is_noop and slot not in suppressed
        )
        if not text:
            return
        waiting = memoryview(text.encode())
        try:
            while waiting:
                waiting = waiting[os.write(self._fd, waiting) :]
        except OSError as error:
            raise StorageFailed(f"{self.path}: {error.strerror}; the replica stops") from None

    async def forget(self, floor: int) -> None:
        """Drop the lines of slots below ``floor``, once they are most of the file.

        The file cannot lose its beginning, so the rest is copied, by a thread; what is appended meanwhile
        follows it. Raises ``StorageFailed``.
        """
        size = os.lseek(self._fd, 0, os.SEEK_END)
        start = self._find(floor, size)
        if start < max(size // 2, FORGET_BYTES_MIN):
            return
        fresh = self.path.with_name(self.path.name + ".new")
        try:
            fresh.unlink(missing_ok=True)
            await trio.to_thread.run_sync(self._copy, fresh, start, size)
            # What was appended meanwhile is little, and from here on nothing may come between.
            self._copy(fresh, size, os.lseek(self._fd, 0, os.SEEK_END))
            descriptor = os.open(fresh, os.O_RDWR | os.O_CLOEXEC)
            os.lseek(descriptor, 0, os.SEEK_END)
            fresh.rename(self.path)
        except OSError as error:
            raise StorageFailed(f"{self.path}: {error.strerror}; the replica stops") from None
        os.close(self._fd)
        self._fd = descriptor

    def _copy(self, fresh: Path, start: int, end: int) -> None:
        with open(fresh, "ab") as file:
            while start < end:
                part = os.pread(self._fd, min(COPY_BYTES, end - start), start)
                file.write(part)
                start += len(part)

    def _find(self, floor: int, size: int) -> int:
        """Where the first line of a slot at or above ``floor`` begins: slots only grow, so by halves."""
        low, high = 0, size
        while low < high:
            middle = (low + high) // 2
            begin, slot = self._line_after(middle, size)
            if slot is None or slot >= floor:
                high = middle
            else:
                low = begin + 1
        return self._line_after(low, size)[0]

    def _line_after(self, offset: int, size: int) -> tuple[int, int | None]:
        """The first line that begins at or after ``offset``, and its slot; the end, and ``None``."""
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
        os.close(self._fd)


def _slot(piece: bytes) -> int | None:
    head = piece.partition(b"\t")[0]
    return int(head) if head.isdigit() and len(head) < 17 else None
