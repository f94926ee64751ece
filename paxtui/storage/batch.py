"""The writes of one transaction, sorted by table and turned into rows."""

from __future__ import annotations

import sqlite3

from paxtui.core.output import (
    PutCheckpoint,
    PutEntries,
    PutLogStart,
    PutNonVoting,
    PutSessions,
    PutSnapshot,
    PutState,
    PutSuppressed,
    PutVotes,
    Write,
)
from paxtui.storage import rows, snapshots
from paxtui.storage.rows import LogRow, seal

_PAGE_BYTES = 4096

_COPY_PAGES = 200
"""About how many pages a copy of the session table fills, if many clients are busy."""


class WriteBatch:
    """The writes of one transaction, by table: their order matters only within a table."""

    def __init__(self) -> None:
        self.state: PutState | None = None
        self.non_voting: str | None = None
        self._log: list[LogRow] = []
        self._suppressed: list[tuple[int, int, int]] = []
        self._sessions: list[PutSessions | PutCheckpoint | PutLogStart | PutSnapshot] = []
        """What concerns the session table and copies of it, in order."""
        self.log_start: int | None = None

    def add(self, write: Write) -> None:
        match write:
            case PutVotes(ballot=ballot, first=first, values=values):
                self._log += [rows.log_row(first + i, ballot, value) for i, value in enumerate(values)]
            case PutEntries(first=first, entries=entries):
                self._log += [rows.log_row(first + i, e.ballot, e.value) for i, e in enumerate(entries)]
            case PutSuppressed(slot=slot, first=first):
                self._suppressed.append((slot, first, seal("suppressed", slot, first)))
            case PutSessions() | PutCheckpoint():
                self._sessions.append(write)
            case PutLogStart(log_start=log_start):
                self._sessions.append(write)
                self.log_start = log_start
            case PutSnapshot():
                self._sessions.append(write)
                self.log_start = write.checkpoint.upto
            case PutState():
                self.state = write
            case PutNonVoting(reason=reason):
                self.non_voting = reason
            case _:
                raise TypeError(f"no such write: {type(write).__name__}")

    def store(self, db: sqlite3.Connection) -> None:
        if self._log:
            db.executemany("INSERT OR REPLACE INTO log VALUES (?, ?, ?, ?, ?, ?, ?)", self._log)
        if self._suppressed:
            db.executemany("INSERT OR REPLACE INTO suppressed VALUES (?, ?, ?)", self._suppressed)
        if self.non_voting is not None:
            rows.put_non_voting(db, self.non_voting)
        for put in self._sessions:
            match put:
                case PutSessions():
                    db.executemany("DELETE FROM sessions WHERE client = ?", [(name,) for name in put.evicted])
                    snapshots.put_sessions(db, put.changed)
                    snapshots.put_session_state(db, put.upto, put.horizon)
                case PutCheckpoint():
                    snapshots.put_checkpoint(db, put)
                case PutLogStart(log_start=log_start):
                    snapshots.put_log_start(db, log_start)
                case PutSnapshot():
                    snapshots.put_snapshot(db, put)

    def pages(self) -> int:
        """Estimate how many pages the rows fill."""
        chars = sum(32 + len(row[3]) + len(row[5]) for row in self._log)
        scattered = sum(
            len(put.changed) + len(put.evicted) if isinstance(put, PutSessions) else _COPY_PAGES
            for put in self._sessions
        )
        return chars // _PAGE_BYTES + scattered
