"""What a replica remembers: one SQLite database in a data folder, synchronous.

One thread commits (``writer.py``); any thread may read what is committed. Every rule here serves one
sentence: what was reported durable is there after any crash, and what cannot be trusted is refused.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from paxtui.core.ballot import Ballot
from paxtui.core.durable_state import DurableState
from paxtui.core.messages import Snapshot
from paxtui.core.output import Write
from paxtui.core.values import Entry, Vote
from paxtui.storage import rows, schema, snapshots
from paxtui.storage.batch import WriteBatch
from paxtui.storage.disk_faults import DiskFaults
from paxtui.storage.errors import DiskRefused, SlotDamaged, SlotRemoved, StorageFailed
from paxtui.storage.folder_lock import FolderLock, make_folder, sync_folder, unusable
from paxtui.storage.open_files import OpenFiles
from paxtui.storage.recovery import Recovery, commit_mark_of, is_about_files
from paxtui.storage.rollback_guard import RollbackGuard
from paxtui.storage.rows import DamagedRow, Peer, StateRow, StorageIdentity, seal

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


class Store:
    """The open data folder of one replica. ``Store.open`` makes it; it is never shared by processes."""

    def __init__(self, folder: Path, lock: FolderLock, expected: schema.Expected) -> None:
        """Use :meth:`open`. Takes what is in the locked folder, or raises."""
        self.folder = folder
        self.path = folder / schema.DATABASE_FILE
        self._wal = folder / schema.WAL_FILE
        self.faults = DiskFaults()
        self.failed_at_the_end: str | None = None
        """What the disk did not do when it was closed. What was reported durable is so all the same."""
        self._lock = lock
        self._failure: str | None = None
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._wal_pages = 0
        opening = Recovery(folder, expected)
        self.notes = opening.notes
        """What a person should know about how the folder was found, one line each."""
        self._reader = opening.reader
        self._identity, self._state, self._non_voting = opening.identity, opening.state, opening.non_voting
        self._log_is_named = False
        """Whether the write-ahead log's name in the folder is durable."""
        self._decided = self._state.commit_number
        self._log_start = opening.log_start
        try:
            self._writer = schema.connect_writer(self.path)
        except BaseException:
            self._reader.close()
            raise
        try:
            # After a crash, what is only in the write-ahead log moves to the database, synced.
            self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._guard = RollbackGuard(folder)
            self._guard.write(commit_mark_of(self._identity, self._state))
            self._files = OpenFiles((self.path, self._wal, self._guard.path))
        except BaseException:
            self._reader.close()
            self._writer.close()
            raise

    @classmethod
    def open(cls, folder: Path, *, cluster: str, name: str, replica: int) -> Store:
        """Lock ``folder``, created if needed, and open the database in it, created if needed.

        ``cluster`` is the digest of the membership, ``name`` the cluster's name for messages. Raises
        ``StorageRefused``; then the folder is unlocked and as it was.
        """
        make_folder(folder)
        lock = FolderLock.acquire(folder, f"replica {replica} of cluster {name}")
        path = folder / schema.DATABASE_FILE
        try:
            return cls(folder, lock, schema.Expected(cluster, name, replica))
        except BaseException as error:
            lock.release()
            match error:
                case DamagedRow() | sqlite3.DatabaseError() if not is_about_files(error):
                    raise schema.damaged(path, error) from error
                case sqlite3.Error():
                    raise DiskRefused(
                        f"{path}: cannot be opened: {error}; check the folder's owner, mode and free space"
                    ) from error
                case OSError():
                    raise unusable(path, error) from error
            raise

    # What is known without the disk.

    @property
    def storage_id(self) -> str:
        """Return 32 hex digits, drawn when the database was created."""
        return self._identity.storage_id

    @property
    def identity(self) -> StorageIdentity:
        """Return the replica and cluster to which the database belongs."""
        return self._identity

    @property
    def commit_number(self) -> int:
        """Return how many commits the database has seen; durable."""
        return self._state.commit_number

    @property
    def decided(self) -> int:
        """Return the number of the last commit in which the replica decided anything; later ones only
        remember what others told. Without the difference, replicas that tell each other their numbers would
        never rest."""
        return self._decided

    @property
    def non_voting(self) -> str | None:
        """Return the reason why this disk may not vote any more; ``None`` if it may."""
        return self._non_voting

    @property
    def committed_watermark(self) -> int:
        """Return the first slot that is not durably learned."""
        return self._state.watermark

    @property
    def log_start(self) -> int:
        """Return the slot below which all are removed; durable."""
        return self._log_start

    @property
    def warmed(self) -> bool:
        """Return whether the first start of this replica has been completed."""
        return bool(self._state.warmed)

    # Reading.

    def saved(self) -> DurableState:
        """Read the durable state. Raises ``StorageRefused`` for a damaged row, and ``SlotDamaged`` out of
        ``replay`` for one of the log. A damaged vote makes this a disk that may not vote.

        ``replay`` reads as it is iterated, once; the rest is in memory: votes are bounded by the window,
        sessions by the table's limit.
        """
        self._require_sound()
        votes = self._votes()
        with self._read_lock, _refusing(self.path):
            state = rows.read_state(self._reader)
            upto, horizon = rows.read_session_state(self._reader)
            sessions = tuple(rows.read_sessions(self._reader))
            checkpoints = snapshots.read_checkpoints(self._reader)
            if self._log_start and self._log_start not in [kept.upto for kept in checkpoints]:
                raise DamagedRow("table checkpoints", f"the state at slot {self._log_start} is missing")
            if upto > state.watermark:
                raise DamagedRow(
                    "table session_state", f"it is ahead of the log ({upto} > {state.watermark})"
                )
        return DurableState(
            promised=Ballot(state.promised_round, state.promised_replica),
            round=state.round,
            watermark=state.watermark,
            chain=state.chain,
            sessions_upto=upto,
            horizon=horizon,
            sessions=sessions,
            replay=self._replay(upto, state.watermark),
            votes=votes,
            non_voting=self._non_voting,
            log_start=self._log_start,
            checkpoints=checkpoints,
        )

    def _votes(self) -> tuple[Vote, ...]:
        if self._non_voting is not None:
            return ()
        try:
            with self._read_lock:
                return tuple(rows.read_votes(self._reader, self._state.watermark))
        except DamagedRow as damage:
            self.become_learner(f"its vote in {damage}, so how it voted there is not known any more")
            return ()
        except sqlite3.Error as error:
            raise schema.damaged(self.path, error) from error

    def _replay(self, first: int, upto: int) -> Iterator[Entry]:
        while first < upto:
            self._require_sound()
            with self._read_lock, _refusing(self.path), _repairable(self.path):
                entries = rows.read_entries(self._reader, first, upto, REPLAY_SLOTS, REPLAY_CHARS)
            yield from entries
            first += len(entries)

    def read(self, first: int, slots_max: int, chars_max: int) -> tuple[list[Entry], dict[int, int]]:
        """Read committed learned slots from ``first``, and those of them without effect (see ``Applied``).

        Both limits hold, but one row comes if there is one, however long. A damaged row ends them before it.
        Any thread may call this, also while another commits. Raises ``SlotDamaged`` if ``first`` is damaged,
        ``SlotRemoved`` if it is below the log start, and ``StorageFailed``.
        """

        def query() -> tuple[list[Entry], dict[int, int]]:
            upto = self.committed_watermark
            if first >= upto:
                return [], {}
            try:
                with _repairable(self.path):
                    entries = rows.read_entries(self._reader, first, upto, slots_max, chars_max)
                return entries, rows.read_suppressed(self._reader, first, first + len(entries))
            finally:
                # Rows are swept only after the log start is known, so what was missing above is below it now.
                if first < self._log_start:
                    raise SlotRemoved(self._log_start)

        return self._read(query)

    def read_state(self, upto: int, after: str, bytes_max: int) -> Snapshot | None:
        """Read a page of the state that is kept at ``upto``, if it still is.

        Raises ``SlotDamaged`` if it is damaged: it is a copy for others, and not what this replica stands on.
        Raises ``StorageFailed``.
        """

        def query() -> Snapshot | None:
            try:
                return snapshots.read_state(self._reader, upto, after, bytes_max)
            except DamagedRow as damage:
                raise SlotDamaged(upto - 1, f"{self.path}: damaged at {damage}") from damage

        return self._read(query)

    def bytes_between(self, first: int, upto: int) -> int:
        """Estimate how many bytes these messages take. Raises ``StorageFailed``."""
        return self._read(lambda: snapshots.bytes_between(self._reader, first, upto))

    def peers(self) -> dict[int, Peer]:
        """Read what is remembered of the other replicas' disks. Raises ``StorageFailed``."""
        return self._read(lambda: rows.read_peers(self._reader))

    def _read(self, query: Callable[[], T]) -> T:
        """Read all that a query asks for at one moment: others commit meanwhile, and may remove rows."""
        with self._read_lock:
            self._require_sound()
            try:
                self._reader.execute("BEGIN")
                try:
                    return query()
                finally:
                    self._reader.execute("ROLLBACK")
            except (sqlite3.Error, OSError, DamagedRow) as error:
                raise self._failed("read", error) from error

    # Writing.

    def commit(self, batches: Sequence[Sequence[Write]]) -> None:
        """Make all writes of all batches durable, in order, in one transaction.

        Raises ``StorageFailed``; the outcome is then unknown, and every later call raises as well. It is
        never retried: after a failed fsync the kernel may have dropped the pages, and the next one says ok.
        """
        changes = WriteBatch()
        try:
            for batch in batches:
                for write in batch:
                    changes.add(write)
        except Exception as error:  # a lone surrogate, for one, has no UTF-8
            raise self._failed("commit", error) from error
        with self._write_lock:
            self._transact(self._state.after(changes.state), changes.store, changes.pages())
            self._decided = self._state.commit_number
            self._non_voting = self._non_voting or changes.non_voting
            self._log_start = self._log_start if changes.log_start is None else changes.log_start

    def become_learner(self, reason: str) -> None:
        """Take the vote from this disk, durably. Raises ``StorageFailed``."""
        with self._write_lock:
            self._transact(self._state.after(None), lambda db: rows.put_non_voting(db, reason), 1)
            self._non_voting = reason

    def repair_rows(self, mended: Mapping[int, Entry]) -> None:
        """Put learned slots, as others told them, in the place of damaged rows. Raises ``StorageFailed``."""
        log = [rows.log_row(slot, entry.ballot, entry.value) for slot, entry in mended.items()]
        watermark = self.committed_watermark
        if any(slot >= watermark for slot in mended):
            raise ValueError("only what is learned can be mended")

        def store(db: sqlite3.Connection) -> None:
            db.executemany("INSERT OR REPLACE INTO log VALUES (?, ?, ?, ?, ?, ?, ?)", log)

        with self._write_lock:
            self._transact(self._state.after(None), store, len(log))

    def sweep(self) -> bool:
        """Delete some rows of removed slots; return whether there are more. Raises ``StorageFailed``."""
        lowest = self._read(lambda: snapshots.lowest(self._reader))
        if lowest is None or lowest >= self._log_start:
            return False
        upto = min(lowest + snapshots.SWEEP_SLOTS, self._log_start)
        with self._write_lock:
            state = self._state.after(None)
            self._transact(state, lambda db: snapshots.sweep(db, upto), (upto - lowest) // 16)
        return upto < self._log_start

    def set_warmed(self) -> None:
        """Remember, durably, that all replicas have once been ready. Raises ``StorageFailed``."""
        with self._write_lock:
            self._transact(self._state.after(None)._replace(warmed=1), lambda db: None, 0)

    def remember_peers(self, peers: Mapping[int, Peer]) -> None:
        """Remember, durably, what is known of some replicas' disks. Raises ``StorageFailed``."""

        def store(db: sqlite3.Connection) -> None:
            for replica, peer in peers.items():
                rows.put_peer(db, replica, peer)

        with self._write_lock:
            self._transact(self._state.after(None), store, 1)

    def _transact(self, state: StateRow, store: Callable[[sqlite3.Connection], None], pages: int) -> None:
        self._require_sound()
        db = self._writer
        try:
            self.faults.apply(self.path)
            db.execute("BEGIN IMMEDIATE")
            store(db)
            columns = state.row()
            changed = db.execute(
                "UPDATE state SET promised_round = ?, promised_replica = ?, round = ?, watermark = ?, "
                "chain = ?, commit_number = ?, warmed = ?, checksum = ?",
                (*columns, seal("state", *columns)),
            )
            if changed.rowcount != 1:
                raise DamagedRow("table state", f"{changed.rowcount} rows instead of one")
            db.execute("COMMIT")
            if not self._log_is_named:
                # SQLite makes the write-ahead log now. It syncs the folder, too, but passes over a failure.
                sync_folder(self.folder)
                self._log_is_named = True
            self._files.check_there()
            self._guard.write(commit_mark_of(self._identity, state))
            self._checkpoint_if_due(pages)
        except Exception as error:
            # Not only errors of the disk: whatever went wrong between BEGIN and COMMIT, what is stored now
            # is not what the caller believes.
            raise self._failed("commit", error) from error
        self._state = state

    def require_files(self) -> None:
        """Find out whether the files are still there, while nothing is written. Raises ``StorageFailed``."""
        self._require_sound()
        try:
            self._files.check_there()
        except OSError as error:
            raise self._failed("commit", error) from error

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
            path = error.filename if isinstance(error, OSError) and error.filename else self.path
            self._failure = f"{path}: {what} failed: {cause or type(error).__name__}"
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
                try:
                    _empty_wal(self._writer)
                except sqlite3.Error as error:
                    trouble = f"{self.path}: the write-ahead log stays: {error}"
                    if _is_busy(error):
                        self.notes.append(trouble)
                    else:
                        self.failed_at_the_end = trouble
            _close_quietly(self._writer)
            _close_quietly(self._reader)
            self._guard.close()
            self._lock.release()


def _close_quietly(db: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):  # the failure that came first is the one to tell
        db.close()


def _empty_wal(db: sqlite3.Connection) -> None:
    """Move the write-ahead log into the database, at the end. Raises ``sqlite3.Error``."""
    db.execute(f"PRAGMA busy_timeout={int(CLOSE_BUSY_S * 1000)}")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def _is_busy(error: sqlite3.Error) -> bool:
    """Return whether another connection still reads the database."""
    return getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


@contextmanager
def _repairable(path: Path) -> Iterator[None]:
    """Raise ``SlotDamaged`` for a damaged row of a slot: another replica has the same."""
    try:
        yield
    except DamagedRow as damage:
        if damage.slot is None:
            raise
        raise SlotDamaged(damage.slot, f"{path}: damaged at {damage}") from damage


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Raise ``StorageRefused`` for a damaged row, at the start."""
    try:
        yield
    except (DamagedRow, sqlite3.Error) as error:
        raise schema.damaged(path, error) from error
