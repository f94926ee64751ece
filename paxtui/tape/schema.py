"""The tables of a tape."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

APPLICATION_ID: Final = 0x70787470  # "pxtp"
VERSION: Final = 1

TABLES: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE blocks (
    first INTEGER PRIMARY KEY, -- position of the first step
    count INTEGER NOT NULL,
    begins REAL NOT NULL, -- time of day of the first and the last step
    ends REAL NOT NULL,
    kept INTEGER NOT NULL, -- 1 if it is not dropped for want of room
    data BLOB NOT NULL
);
CREATE TABLE marks (position INTEGER NOT NULL, wall REAL NOT NULL, kind TEXT NOT NULL, words TEXT NOT NULL);
"""


class Mark(Struct, frozen=True):
    """A place on a tape that a person may want to go to."""

    position: int
    wall: float
    kind: str
    """``election``, ``fault``, ``alarm``, ``process`` or ``mark``."""
    words: str


class Block(Struct, frozen=True, gc=False):
    """A block, without its steps."""

    first: int
    count: int
    begins: float
    ends: float

    @property
    def end(self) -> int:
        """Return the position after its last step."""
        return self.first + self.count
