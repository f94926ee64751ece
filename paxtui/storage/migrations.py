"""Databases of older formats: how they become today's, and how they are read as they are.

Format 4 gave tables the words of today. Their checksums still begin with the first names, so a table is
renamed and no row is sealed anew.
"""

from __future__ import annotations

import sqlite3

from paxtui.storage import snapshots
from paxtui.storage.rows import NON_VOTING_SEAL, checked, seal

RENAMED = {
    "floor": "log_start",
    "marks": "checkpoints",
    "mark_sessions": "checkpoint_sessions",
    "held": "non_voting",
}
"""Tables, by their names before format 4."""

_WITHOUT_VOTE = """
CREATE TABLE peers (
    replica INTEGER PRIMARY KEY, storage_id TEXT NOT NULL, commits INTEGER NOT NULL, non_voting TEXT NOT NULL,
    checksum INTEGER NOT NULL);
CREATE TABLE non_voting (
    reason TEXT NOT NULL, checksum INTEGER NOT NULL);
"""


def to_today(db: sqlite3.Connection, version: int) -> None:
    """Change the tables of format ``version``, inside the caller's transaction.

    Raises ``DamagedRow`` or ``sqlite3.Error``.
    """
    if version < 2:
        _add_voting_rights(db)
    if version < 3:
        snapshots.begin(db)
    for old, new in RENAMED.items():
        if _has(db, old):
            db.execute(f"ALTER TABLE {old} RENAME TO {new}")
    if version in (2, 3):
        db.execute("ALTER TABLE peers RENAME COLUMN held TO non_voting")


def show_as_today(db: sqlite3.Connection, version: int) -> None:
    """Let a reader of a database before format 4 find its tables under today's names.

    The views live in the connection; the file stays as it is, also where it may not be written.
    """
    if version < 4:
        for old, new in RENAMED.items():
            if _has(db, old):
                db.execute(f"CREATE TEMP VIEW {new} AS SELECT * FROM main.{old}")


def _has(db: sqlite3.Connection, table: str) -> bool:
    found = db.execute("SELECT 1 FROM main.sqlite_master WHERE type = 'table' AND name = ?", (table,))
    return found.fetchone() is not None


def _add_voting_rights(db: sqlite3.Connection) -> None:
    """Format 2 added how many commits a peer's disk has seen, and which disks may not vote."""
    old = db.execute("SELECT replica, storage_id, checksum FROM peers").fetchall()
    known = [checked("peers", row) for row in old]
    db.execute("DROP TABLE peers")
    for statement in _WITHOUT_VOTE.split(";"):
        db.execute(statement)
    for replica, storage_id in known:
        row = (replica, storage_id.decode(), 0, "")
        db.execute("INSERT INTO peers VALUES (?, ?, ?, ?, ?)", (*row, seal("peers", *row)))
    db.execute("INSERT INTO non_voting VALUES (?, ?)", ("", seal(NON_VOTING_SEAL, "")))
