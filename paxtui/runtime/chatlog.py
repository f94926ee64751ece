"""The log for people: ``replica-0.log``, one applied message a line, derived from the database.

A line is ``SLOT<tab>NAME<tab>TEXT``; control characters are shown, so a line is always one line. No-ops
and repetitions have none. At start the file is brought to the database's watermark: a torn or early end
is mended, lines beyond the watermark (their slots were applied but not yet on disk) are cut off.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from paxtui.core.output import Applied
from paxtui.core.values import Command, Entry
from paxtui.runtime.errors import StorageFailed, StorageRefused
from paxtui.wire.text import client_name, visible

TAIL_BYTES = 64 * 1024
"""How much of the file's end is read at a time to find the last lines."""


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

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


def _slot(piece: bytes) -> int | None:
    head = piece.partition(b"\t")[0]
    return int(head) if head.isdigit() and len(head) < 17 else None
