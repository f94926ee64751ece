"""What a replica remembers: one SQLite database in a data folder, synchronous.

One thread commits (``writer.py``); any thread may read what is committed. Every rule here serves one
sentence: what was reported durable is there after any crash, and what cannot be trusted is refused.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import TypeVar

from paxtui.core.ballot import Ballot
from paxtui.core.output import Write
from paxtui.core.saved import Saved
from paxtui.core.values import Entry
from paxtui.runtime import rows, schema
from paxtui.runtime.disk_faults import DiskFaults
from paxtui.runtime.errors import StorageFailed, StorageRefused
from paxtui.runtime.gathered import Gathered
from paxtui.runtime.lock import FolderLock, make_folder, unusable
from paxtui.runtime.mark import MARK_FILE, Mark, MarkFile, read_mark
from paxtui.runtime.rows import Damaged, Identity, StateRow, seal

WAL_PAGES_MAX = 4000
"""About how many pages of 4 KiB the write-ahead log takes before it is moved into the database. SQLite's
own choice is 1000; a log grows at its end, so a later checkpoint writes each of its last pages once
instead of once a batch. 16 MiB more to read after a crash are some hundredths of a second."""

WAL_PAGES_A_COMMIT = 4
"""Pages that a commit writes beside those that its rows fill: the state's, and the edge of each tree."""

REPLAY_SLOTS = 512
"""Rows read at a time at start: a snapshot that is held for long would keep the write-ahead log."""

REPLAY_CHARS = 4 * 1024 * 1024
"""The same limit for long texts."""

CLOSE_BUSY_S = 0.5
"""How long stopping waits for others who still read the database."""

T = TypeVar("T")


class Storage:
    """The open data folder of one replica. ``Storage.open`` makes it; it is never shared by processes."""

    def __init__(self, folder: Path, lock: FolderLock, expected: schema.Expected) -> None:
        """Use :meth:`open`. Takes what is in the locked folder, or raises."""
        self.folder = folder
        self.path = folder / schema.DATABASE_FILE
        self.faults = DiskFaults()
        self.notes: list[str] = []
        """What a person should know about how the folder was found, one line each."""
        self._lock = lock
        self._failure: str | None = None
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._wal_pages = 0
        if not self.path.exists():
            self._create(expected)
        schema.check_header(self.path)
        self._reader = schema.connect_reader(self.path)
        try:
            self._identity = schema.read_identity(self._reader, self.path)
            schema.check_identity(self._identity, expected, self.path)
            schema.check_structure(self._reader, self.path)
            self._state = rows.read_state(self._reader)
            self._check_mark()
            self._writer = schema.connect_writer(self.path)
        except BaseException:
            self._reader.close()
            raise
        try:
            # After a crash, what is only in the write-ahead log moves to the database, synced.
            self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._mark = MarkFile(folder)
            self._mark.write(self._mark_of(self._state))
        except BaseException:
            self._reader.close()
            self._writer.close()
            raise

    @classmethod
    def open(cls, folder: Path, *, cluster: str, name: str, replica: int) -> Storage:
        """Lock ``folder``, created if needed, and open the database in it, created if needed.

        ``cluster`` is the digest of the membership, ``name`` the cluster's name for messages. Raises
        ``StorageRefused``; then the folder is unlocked and as it was.
        """
        make_folder(folder)
        lock = FolderLock.take(folder, f"replica {replica} of cluster {name}")
        path = folder / schema.DATABASE_FILE
        try:
            return cls(folder, lock, schema.Expected(cluster, name, replica))
        except BaseException as error:
            lock.release()
            match error:
                case Damaged() | sqlite3.DatabaseError() if not _is_about_files(error):
                    raise schema.damaged(path, error) from error
                case sqlite3.Error():
                    raise StorageRefused(
                        f"{path}: cannot be opened: {error}; check the folder's owner, mode and free space"
                    ) from error
                case OSError():
                    raise unusable(path, error) from error
            raise

    def _create(self, expected: schema.Expected) -> None:
        for name in (MARK_FILE, schema.WAL_FILE):
            if (self.folder / name).exists():
                raise StorageRefused(
                    f"{self.path}: is gone, but {self.folder / name} is there; put the database back, or "
                    f"move the folder {self.folder} away to start as a replica that lost its disk"
                )
        created = datetime.now(UTC).isoformat(timespec="seconds")
        schema.create(
            self.folder,
            Identity(
                schema.FORMAT_VERSION,
                expected.cluster,
                expected.name,
                expected.replica,
                token_hex(16),
                created,
            ),
        )

    def _check_mark(self) -> None:
        state = self._state
        path = self.folder / MARK_FILE
        mark = read_mark(self.folder)
        if mark is None:
            if state.commit_number > 0:
                self.notes.append(
                    f"{path}: missing or torn; whether the database went back in time cannot be checked"
                )
            return
        way_out = (
            f"put the newest {self.path.name} back, or move the folder {self.folder} away to start as a "
            "replica that lost its disk"
        )
        if mark.storage_id != self.storage_id:
            raise StorageRefused(f"{self.path}: is not the database that {path} was written for; {way_out}")
        if mark.commit_number > state.commit_number:
            raise StorageRefused(
                f"{self.path}: the database went back in time: it is at commit {state.commit_number}, and "
                f"{path} saw commit {mark.commit_number}; {way_out}"
            )
        if mark.commit_number == state.commit_number and mark != self._mark_of(state):
            raise StorageRefused(
                f"{self.path}: commit {state.commit_number} is another than {path} saw "
                f"(watermark {state.watermark} and {mark.watermark}); {way_out}"
            )

    def _mark_of(self, state: StateRow) -> Mark:
        return Mark(self.storage_id, state.commit_number, state.watermark, state.chain)

    # What is known without the disk.

    @property
    def storage_id(self) -> str:
        """32 hex digits, drawn when the database was created."""
        return self._identity.storage_id

    @property
    def identity(self) -> Identity:
        """Whose database it is."""
        return self._identity

    @property
    def commit_number(self) -> int:
        """How many commits the database has seen; durable."""
        return self._state.commit_number

    @property
    def committed_watermark(self) -> int:
        """The first slot that is not durably learned."""
        return self._state.watermark

    @property
    def warmed(self) -> bool:
        """Whether the first start of this replica has been completed."""
        return bool(self._state.warmed)

    def bytes_on_disk(self) -> int:
        """The size of all files in the data folder."""
        total = 0
        with os.scandir(self.folder) as files:
            for file in files:
                try:
                    total += file.stat().st_size
                except FileNotFoundError:  # SQLite removes its own files
                    continue
        return total

    # Reading.

    def saved(self) -> Saved:
        """The durable state. Raises ``StorageRefused`` for a damaged row, also out of ``replay``.

        ``replay`` reads as it is iterated, once; the rest is in memory: votes are bounded by the window,
        sessions by the table's limit.
        """
        self._require_sound()
        with self._read_lock, self._refusing():
            state = rows.read_state(self._reader)
            upto, horizon = rows.read_session_state(self._reader)
            sessions = tuple(rows.read_sessions(self._reader))
            votes = tuple(rows.read_votes(self._reader, state.watermark))
            if upto > state.watermark:
                raise Damaged("table session_state", f"it is ahead of the log ({upto} > {state.watermark})")
        return Saved(
            promised=Ballot(state.promised_round, state.promised_replica),
            round=state.round,
            watermark=state.watermark,
            chain=state.chain,
            sessions_upto=upto,
            horizon=horizon,
            sessions=sessions,
            replay=self._replay(upto, state.watermark),
            votes=votes,
        )

    def _replay(self, first: int, upto: int) -> Iterator[Entry]:
        while first < upto:
            self._require_sound()
            with self._read_lock, self._refusing():
                entries = rows.read_entries(self._reader, first, upto, REPLAY_SLOTS, REPLAY_CHARS)
            yield from entries
            first += len(entries)

    def read(self, first: int, slots_max: int, chars_max: int) -> tuple[list[Entry], dict[int, int]]:
        """Committed learned slots from ``first``, and those of them without effect (see ``Applied``).

        Both limits hold, but one row comes if there is one, however long. Any thread may call this, also
        while another commits. Raises ``StorageFailed``.
        """

        def query() -> tuple[list[Entry], dict[int, int]]:
            upto = self.committed_watermark
            if first >= upto:
                return [], {}
            entries = rows.read_entries(self._reader, first, upto, slots_max, chars_max)
            return entries, rows.read_suppressed(self._reader, first, first + len(entries))

        return self._read(query)

    def peers(self) -> dict[int, str]:
        """The storage ids under which other replicas have been seen. Raises ``StorageFailed``."""
        return self._read(lambda: rows.read_peers(self._reader))

    def _read(self, query: Callable[[], T]) -> T:
        with self._read_lock:
            self._require_sound()
            try:
                return query()
            except (sqlite3.Error, OSError, Damaged) as error:
                raise self._failed("read", error) from error

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except (Damaged, sqlite3.Error) as error:
            raise schema.damaged(self.path, error) from error

    # Writing.

    def commit(self, batches: Sequence[Sequence[Write]]) -> None:
        """Make all writes of all batches durable, in order, in one transaction.

        Raises ``StorageFailed``; the outcome is then unknown, and every later call raises as well. It is
        never retried: after a failed fsync the kernel may have dropped the pages, and the next one says ok.
        """
        gathered = Gathered()
        try:
            for batch in batches:
                for write in batch:
                    gathered.add(write)
        except Exception as error:  # a lone surrogate, for one, has no UTF-8
            raise self._failed("commit", error) from error
        with self._write_lock:
            self._transact(self._state.after(gathered.state), gathered.store, gathered.pages())

    def set_warmed(self) -> None:
        """Remember, durably, that all replicas have once been ready. Raises ``StorageFailed``."""
        with self._write_lock:
            self._transact(self._state.after(None)._replace(warmed=1), lambda db: None, 0)

    def remember_peer(self, replica: int, storage_id: str) -> None:
        """Remember, durably, which storage ``replica`` has. Raises ``StorageFailed``."""
        row = (replica, storage_id, seal("peers", replica, storage_id))

        def store(db: sqlite3.Connection) -> None:
            db.execute("INSERT OR REPLACE INTO peers VALUES (?, ?, ?)", row)

        with self._write_lock:
            self._transact(self._state.after(None), store, 1)

    def _transact(self, state: StateRow, store: Callable[[sqlite3.Connection], None], pages: int) -> None:
        self._require_sound()
        db = self._writer
        try:
            self.faults.strike(self.path)
            db.execute("BEGIN IMMEDIATE")
            store(db)
            columns = state.row()
            changed = db.execute(
                "UPDATE state SET promised_round = ?, promised_replica = ?, round = ?, watermark = ?, "
                "chain = ?, commit_number = ?, warmed = ?, checksum = ?",
                (*columns, seal("state", *columns)),
            )
            if changed.rowcount != 1:
                raise Damaged("table state", f"{changed.rowcount} rows instead of one")
            db.execute("COMMIT")
            self._mark.write(self._mark_of(state))
            self._checkpoint_if_due(pages)
        except Exception as error:
            # Not only errors of the disk: whatever went wrong between BEGIN and COMMIT, what is stored now
            # is not what the caller believes.
            raise self._failed("commit", error) from error
        self._state = state

    def _checkpoint_if_due(self, pages: int) -> None:
        """Move the write-ahead log into the database once it is long.

        SQLite would do it by itself, inside a COMMIT, and ignore a failure: an fsync of the database that
        failed there would succeed the next time, with pages lost. Asked for, it reports.
        """
        self._wal_pages += WAL_PAGES_A_COMMIT + pages
        if self._wal_pages >= WAL_PAGES_MAX:
            self._wal_pages = 0
            self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    # Ending.

    def _require_sound(self) -> None:
        if self._failure is not None:
            raise StorageFailed(self._failure)

    def _failed(self, what: str, error: Exception) -> StorageFailed:
        if self._failure is None:
            cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self._failure = f"{self.path}: {what} failed: {cause or type(error).__name__}"
        return StorageFailed(self._failure)

    def close(self) -> None:
        """Close and unlock; in good order, the database is then one file. A second call does nothing.

        After a failure nothing more is written: the connection that writes goes first, so the last one to
        close is the one that may not move the write-ahead log. Never raises.
        """
        with self._write_lock, self._read_lock:
            sound = self._failure is None
            if sound:
                self._failure = f"{self.path}: is closed"
                self._reader.close()
                self._tidy()
            _close_quietly(self._writer)
            _close_quietly(self._reader)
            self._mark.close()
            self._lock.release()

    def _tidy(self) -> None:
        try:
            self._writer.execute(f"PRAGMA busy_timeout={int(CLOSE_BUSY_S * 1000)}")
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            self.notes.append(f"{self.path}: the write-ahead log stays: {error}")


def _is_about_files(error: BaseException) -> bool:
    return isinstance(error, sqlite3.OperationalError) and "no such" not in str(error)


def _close_quietly(db: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):  # the failure that came first is the one to tell
        db.close()
