"""Which slots are removed, and the states that are kept to go on without them: tables and queries.

A state is the session table after some slot, with the head of the hash chain. It is copied within the
database at its checkpoint, so that what others are sent does not move while they fetch it. Rows of removed
slots go in small portions: to delete a million of them in one commit would stop the replica for seconds.
"""

from __future__ import annotations

import sqlite3

from paxtui.core.messages import Snapshot
from paxtui.core.output import Checkpoint, PutCheckpoint, PutSnapshot
from paxtui.core.values import SessionRow
from paxtui.storage.rows import DamagedRow, checked, seal

TABLES = """
CREATE TABLE log_start (
    slot INTEGER NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE checkpoints (
    upto INTEGER PRIMARY KEY, wall_s INTEGER NOT NULL, chain BLOB NOT NULL, horizon INTEGER NOT NULL,
    sessions INTEGER NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE checkpoint_sessions (
    upto INTEGER NOT NULL, client TEXT NOT NULL, last_slot INTEGER NOT NULL, top INTEGER NOT NULL,
    answers BLOB NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY (upto, client)) WITHOUT ROWID;
"""

LOG_START_SEAL = "floor"
CHECKPOINTS_SEAL = "marks"
"""What the checksums of these tables begin with: their names before format 4. Checksums outlive a
renaming."""

STATE_BYTES = 1024 * 1024
"""What is read of a state at a time, where it is only checked."""

SESSION_BYTES = 64
"""What a session takes in a message beside its name and its answers, and more."""

SWEEP_SLOTS = 2048
"""Rows that one commit removes: some milliseconds."""


def begin(db: sqlite3.Connection) -> None:
    """Make the tables, in which nothing is removed."""
    for statement in TABLES.split(";"):
        db.execute(statement)
    db.execute("INSERT INTO log_start VALUES (?, ?)", (0, seal(LOG_START_SEAL, 0)))


def read_log_start(db: sqlite3.Connection) -> int:
    """Read the slot below which all are removed. Raises ``DamagedRow`` or ``sqlite3.Error``, as all of these
    do."""
    (slot,) = checked(
        "log_start", db.execute("SELECT slot, checksum FROM log_start").fetchone(), LOG_START_SEAL
    )
    return int(slot)


def read_checkpoints(db: sqlite3.Connection) -> tuple[Checkpoint, ...]:
    """Read the states that are kept, in order."""
    found = db.execute(
        "SELECT upto, wall_s, chain, horizon, sessions, checksum FROM checkpoints ORDER BY upto"
    )
    return tuple(Checkpoint(*checked("checkpoints", row, CHECKPOINTS_SEAL)[:2]) for row in found)


def chain_at(db: sqlite3.Connection, log_start: int) -> bytes:
    """Read the head of the hash chain at the log start."""
    return bytes(_checkpoint(db, log_start)[2])


def _checkpoint(db: sqlite3.Connection, upto: int) -> tuple[int, int, bytes, int, int]:
    row = db.execute(
        "SELECT upto, wall_s, chain, horizon, sessions, checksum FROM checkpoints WHERE upto = ?", (upto,)
    ).fetchone()
    upto, wall_s, chain, horizon, sessions = checked("checkpoints", row, CHECKPOINTS_SEAL)
    return upto, wall_s, chain, horizon, sessions


def put_checkpoint(db: sqlite3.Connection, put: PutCheckpoint) -> None:
    """Keep a copy of the session table as it is now."""
    upto = put.checkpoint.upto
    db.execute("DELETE FROM checkpoint_sessions WHERE upto = ?", (upto,))
    copied = db.execute(
        "INSERT INTO checkpoint_sessions SELECT ?, client, last_slot, top, answers, checksum FROM sessions",
        (upto,),
    )
    row = (upto, put.checkpoint.wall_s, put.chain, put.horizon, copied.rowcount)
    db.execute(
        "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?, ?)", (*row, seal(CHECKPOINTS_SEAL, *row))
    )


def put_log_start(db: sqlite3.Connection, log_start: int) -> None:
    """Set the log start: from now on slots below are removed, and so are the states below."""
    row = (log_start, seal(LOG_START_SEAL, log_start))
    if db.execute("UPDATE log_start SET slot = ?, checksum = ?", row).rowcount != 1:
        raise DamagedRow("table log_start", "its row is missing")
    db.execute("DELETE FROM checkpoints WHERE upto < ?", (log_start,))
    db.execute("DELETE FROM checkpoint_sessions WHERE upto < ?", (log_start,))


def put_snapshot(db: sqlite3.Connection, put: PutSnapshot) -> None:
    """Put another replica's state in the place of what was learned here.

    Between the old watermark and the state's slot there may be votes: as learned slots they would be wrong.
    """
    db.execute("DELETE FROM log WHERE slot >= ? AND slot < ?", (put.emptied, put.checkpoint.upto))
    db.execute("DELETE FROM sessions")
    put_sessions(db, put.sessions)
    put_session_state(db, put.checkpoint.upto, put.horizon)
    db.execute("DELETE FROM checkpoints")
    db.execute("DELETE FROM checkpoint_sessions")
    put_checkpoint(db, PutCheckpoint(put.checkpoint, put.chain, put.horizon))
    put_log_start(db, put.checkpoint.upto)


def put_sessions(db: sqlite3.Connection, sessions: tuple[SessionRow, ...]) -> None:
    """Store rows of the session table."""
    db.executemany(
        "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?)",
        [
            (
                s.client,
                s.last_slot,
                s.top,
                s.answers,
                seal("sessions", s.client, s.last_slot, s.top, s.answers),
            )
            for s in sessions
        ],
    )


def put_session_state(db: sqlite3.Connection, upto: int, horizon: int) -> None:
    """Store how far the session table has come."""
    db.execute(
        "UPDATE session_state SET upto = ?, horizon = ?, checksum = ?",
        (upto, horizon, seal("session_state", upto, horizon)),
    )


def read_state(db: sqlite3.Connection, upto: int, after: str, bytes_max: int) -> Snapshot | None:
    """Read a page of the state that is kept at ``upto``, at least one session if there is any after client
    ``after``; ``None`` if that state is not kept any more."""
    if db.execute("SELECT 1 FROM checkpoints WHERE upto = ?", (upto,)).fetchone() is None:
        return None
    _, wall_s, chain, horizon, sessions = _checkpoint(db, upto)
    (found,) = db.execute("SELECT count(*) FROM checkpoint_sessions WHERE upto = ?", (upto,)).fetchone()
    if found != sessions:
        raise DamagedRow(f"state at slot {upto}", f"it has {found} sessions instead of {sessions}")
    page: list[SessionRow] = []
    size = 0
    last = True
    cursor = db.execute(
        "SELECT client, last_slot, top, answers, checksum FROM checkpoint_sessions "
        "WHERE upto = ? AND client > ? ORDER BY client",
        (upto, after),
    )
    try:
        for row in cursor:
            client, last_slot, top, answers = checked("sessions", row)
            size += len(answers) + len(client) + SESSION_BYTES
            if page and size > bytes_max:
                last = False
                break
            page.append(SessionRow(client.decode(), last_slot, top, answers))
    finally:
        cursor.close()
    return Snapshot(upto, wall_s, chain, horizon, after, tuple(page), last, upto)


def check_states(db: sqlite3.Connection) -> None:
    """Read all that is kept of every state. Raises ``DamagedRow``."""
    for checkpoint in read_checkpoints(db):
        after: str | None = ""
        while after is not None:
            page = read_state(db, checkpoint.upto, after, STATE_BYTES)
            after = None if page is None or page.last else page.sessions[-1].client


def lowest(db: sqlite3.Connection) -> int | None:
    """Find the lowest slot that has a row, removed or not; ``None`` if there is none."""
    (slot,) = db.execute("SELECT min(slot) FROM log").fetchone()
    return None if slot is None else int(slot)


def sweep(db: sqlite3.Connection, upto: int) -> None:
    """Delete the rows of removed slots below ``upto``."""
    db.execute("DELETE FROM log WHERE slot < ?", (upto,))
    db.execute("DELETE FROM suppressed WHERE slot < ?", (upto,))


def bytes_between(db: sqlite3.Connection, first: int, upto: int) -> int:
    """Estimate how many bytes the messages from ``first`` to ``upto`` - 1 take on disk."""
    (size, count) = db.execute(
        "SELECT total(length(text) + length(client)), count(*) FROM log WHERE slot >= ? AND slot < ?",
        (first, upto),
    ).fetchone()
    return int(size) + ROW_BYTES * int(count)


ROW_BYTES = 40
"""What a row takes beside its texts: numbers, lengths, and its share of the tree."""
