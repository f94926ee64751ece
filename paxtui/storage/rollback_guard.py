"""The commit mark: what the last commit was, kept beside the database.

SQLite does not notice when it goes back in time: an old copy put back, or a write-ahead log that was
deleted or has one flipped bit (every later commit is then silently dropped), opens without a word. An
acceptor that went back has forgotten promises, and may vote against them. So each commit is followed by
overwriting this small file, and a database that is behind its commit mark is refused.

It is written after COMMIT and never synced. That is right because it may be late but must never be early:
COMMIT returned, so the commit was on disk before the first byte of the mark was written, and no order in
which the kernel writes pages back can put the mark ahead. A mark that a power cut left behind or tore costs
only evidence, not safety, and a second fsync a commit would halve the speed of the replica.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

MARK_FILE = "mark"

_MAGIC = "paxtui-mark-1"
_NUMBER_DIGITS = 20


@dataclass(frozen=True, slots=True)
class CommitMark:
    """The last commit: of which storage, its number, and the watermark and chain head that it left."""

    storage_id: str
    commit_number: int
    watermark: int
    chain: bytes

    def encode(self) -> bytes:
        """Encode the mark as one line of text of a fixed size, so that each overwrite covers the whole of the
        last one."""
        body = (
            f"{_MAGIC} storage={self.storage_id} commit={self.commit_number:0{_NUMBER_DIGITS}d} "
            f"watermark={self.watermark:0{_NUMBER_DIGITS}d} chain={self.chain.hex()}"
        ).encode()
        return body + b" crc=%08x\n" % crc32(body)

    @classmethod
    def decode(cls, record: bytes) -> CommitMark | None:
        """Return the commit mark in ``record``, or None if it is torn, empty or something else.

        Only the first line counts: behind it may be the rest of something longer that was overwritten.
        """
        body, _, seal = record.partition(b"\n")[0].partition(b" crc=")
        if seal != b"%08x" % crc32(body):
            return None
        try:
            magic, *fields = body.decode().split(" ")
            named = dict(field.split("=", 1) for field in fields)
            if magic != _MAGIC:
                return None
            return cls(
                storage_id=named["storage"],
                commit_number=int(named["commit"]),
                watermark=int(named["watermark"]),
                chain=bytes.fromhex(named["chain"]),
            )
        except (ValueError, KeyError):
            return None


def read_commit_mark(folder: Path) -> CommitMark | None:
    """Read the commit mark in ``folder``; None if there is none or it is torn. Raises ``OSError``."""
    try:
        with open(folder / MARK_FILE, "rb") as file:
            return CommitMark.decode(file.read(512))
    except FileNotFoundError:
        return None


class RollbackGuard:
    """The file of the commit mark, open for overwriting in place."""

    def __init__(self, folder: Path) -> None:
        """Create the file if it is not there. Raises ``OSError``."""
        self.path = folder / MARK_FILE
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def write(self, commit_mark: CommitMark) -> None:
        """Overwrite the record; one system call, no sync (see the module). Raises ``OSError``."""
        record = commit_mark.encode()
        try:
            written = os.pwrite(self._descriptor, record, 0)
        except OSError as error:
            error.filename = str(self.path)
            raise
        if written != len(record):
            raise OSError(errno.EIO, "short write", str(self.path))

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
