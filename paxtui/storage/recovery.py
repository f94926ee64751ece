"""What is in a data folder when a replica starts, and whether it can be trusted.

What an operator can mend (another cluster's folder, an older copy put back) is refused, with the way out.
What cannot be mended (the small state is damaged) makes the replica a learner without vote.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from paxtui.storage import quarantine, rows, schema, snapshots
from paxtui.storage.errors import DiskRefused
from paxtui.storage.rollback_guard import MARK_FILE, CommitMark, read_commit_mark
from paxtui.storage.rows import DamagedRow, StateRow, StorageIdentity


class Recovery:
    """The folder as it was found, with a connection that reads. ``close`` it where nothing comes of it."""

    def __init__(self, folder: Path, expected: schema.Expected) -> None:
        """``folder`` is locked. Raises ``StorageRefused``, ``DamagedRow``, ``sqlite3.Error`` or
        ``OSError``."""
        self.folder = folder
        self.path = folder / schema.DATABASE_FILE
        self.notes: list[str] = []
        """What a person should know about how the folder was found, one line each."""
        if not self.path.exists():
            self._create(expected)
        schema.check_header(self.path)
        self._connect()
        try:
            schema.check_identity(self.identity, expected, self.path)
            schema.check_purpose(self.reader, self.path)
            schema.check_structure(self.reader, self.path)
            if self.identity.version < schema.FORMAT_VERSION:
                self._migrate()
            try:
                self._read_state()
            except DamagedRow as damage:
                self._start_anew(damage)
            if self.non_voting is None:  # who has no vote promises nothing, so there is nothing to forget
                self._check_commit_mark(self.state)
        except BaseException:
            self.reader.close()
            raise

    def _connect(self) -> None:
        self.reader = schema.connect_reader(self.path)
        try:
            self.identity = schema.read_identity(self.reader, self.path)
        except BaseException:
            self.reader.close()
            raise

    def _read_state(self) -> None:
        self.state = rows.read_state(self.reader)
        self.non_voting = rows.read_non_voting(self.reader)
        self.log_start = snapshots.read_log_start(self.reader)

    def _create(self, expected: schema.Expected) -> None:
        for name in (MARK_FILE, schema.WAL_FILE):
            if (self.folder / name).exists():
                raise DiskRefused(
                    f"{self.path}: is gone, but {self.folder / name} is there; put the database back, or "
                    f"{schema.way_out(self.folder)}"
                )
        schema.create(self.folder, _new_identity(expected.cluster, expected.name, expected.replica))

    def _migrate(self) -> None:
        self._check_commit_mark(rows.read_state(self.reader))
        self.reader.close()
        backup = schema.migrate(self.path, self.identity)
        self.notes.append(
            f"{self.path}: was written by an older paxtui and has format {schema.FORMAT_VERSION} now; "
            f"a copy of the old one is {backup.name}"
        )
        self._connect()

    def _start_anew(self, damage: DamagedRow) -> None:
        """Begin with an empty disk without vote, as what this one promised is not known any more."""
        self.reader.close()
        was = self.identity
        reason = f"its database was damaged at {damage}, so what it had promised is not known any more"
        kept = quarantine.start_anew(self.folder, _new_identity(was.cluster, was.name, was.replica), reason)
        self.notes.append(f"{self.path}: damaged at {damage}; it is kept as {kept.name}")
        self._connect()
        self._read_state()

    def _check_commit_mark(self, state: StateRow) -> None:
        path = self.folder / MARK_FILE
        commit_mark = read_commit_mark(self.folder)
        if commit_mark is None:
            if state.commit_number > 0:
                self.notes.append(
                    f"{path}: missing or torn; whether the database went back in time cannot be checked"
                )
            return
        way_out = f"put the newest {self.path.name} back, or {schema.way_out(self.folder)}"
        if commit_mark.storage_id != self.identity.storage_id:
            raise DiskRefused(f"{self.path}: is not the database that {path} was written for; {way_out}")
        if commit_mark.commit_number > state.commit_number:
            raise DiskRefused(
                f"{self.path}: the database went back in time: it is at commit {state.commit_number}, and "
                f"{path} saw commit {commit_mark.commit_number}; {way_out}"
            )
        if commit_mark.commit_number == state.commit_number and commit_mark != commit_mark_of(
            self.identity, state
        ):
            raise DiskRefused(
                f"{self.path}: commit {state.commit_number} is another than {path} saw "
                f"(watermark {state.watermark} and {commit_mark.watermark}); {way_out}"
            )


def commit_mark_of(identity: StorageIdentity, state: StateRow) -> CommitMark:
    """Return the commit mark that belongs to a state."""
    return CommitMark(identity.storage_id, state.commit_number, state.watermark, state.chain)


def _new_identity(cluster: str, name: str, replica: int) -> StorageIdentity:
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return StorageIdentity(schema.FORMAT_VERSION, cluster, name, replica, token_hex(16), created)


def is_about_files(error: BaseException) -> bool:
    """Return whether SQLite complains about the files, and not about what is in them."""
    return isinstance(error, sqlite3.OperationalError) and "no such" not in str(error)
