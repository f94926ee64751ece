"""Looking into a data folder without its replica: read-only, without the lock, also while it runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from paxtui.core.durable_state import CHAIN_START
from paxtui.core.hash_chain import link
from paxtui.core.values import Entry
from paxtui.storage import migrations, rows, schema, snapshots
from paxtui.storage.errors import StorageRefused
from paxtui.storage.rollback_guard import MARK_FILE, read_commit_mark
from paxtui.storage.rows import DamagedRow, StateRow, StorageIdentity

TRIMS_SINCE = 3
"""The first format in which slots may be removed."""

PAGE_SLOTS = 256
"""Rows read in one go. Each page is a snapshot of its own: one that lasted for a whole log would keep a
running replica from ever shortening its write-ahead log."""

PAGE_CHARS = 4 * 1024 * 1024
"""The same limit for long texts."""


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """The result of a verification: ``problem`` is None if all is sound; ``bad_slot`` is set where known."""

    slots: int
    """Up to which slot all is sound, from :attr:`log_start` on."""
    watermark: int
    chain: bytes
    """The head that was recomputed over those slots."""
    bad_slot: int | None = None
    problem: str | None = None
    log_start: int = 0
    """Slots below it are removed."""

    @property
    def ok(self) -> bool:
        """Return whether every row and the chain are what was stored."""
        return self.problem is None


class OfflineLog:
    """The log in a data folder, as of the last commit when it was opened or refreshed."""

    def __init__(
        self, folder: Path, db: sqlite3.Connection, identity: StorageIdentity, state: StateRow
    ) -> None:
        """Use :meth:`open`."""
        self.folder = folder
        self.path = folder / schema.DATABASE_FILE
        self.identity = identity
        self._db = db
        self._state = state
        self.log_start = self._read_log_start()
        """Slots below it are removed."""

    def _read_log_start(self) -> int:
        return snapshots.read_log_start(self._db) if self.identity.version >= TRIMS_SINCE else 0

    @classmethod
    def open(cls, folder: Path) -> OfflineLog:
        """Open the database of a folder. Raises ``StorageRefused`` if there is no database, or none that can
        be read."""
        path = folder / schema.DATABASE_FILE
        if not path.is_file():
            raise StorageRefused(f"{path}: there is no such file; name the data folder of a replica")
        return cls.open_file(path)

    @classmethod
    def open_file(cls, path: Path) -> OfflineLog:
        """Open a database of any name, as :meth:`open` does."""
        folder = path.parent
        if not path.is_file():
            raise StorageRefused(f"{path}: there is no such file")
        if path.stat().st_size == 0:
            raise schema.unreadable(path, "it is empty (0 bytes)")
        try:
            db = _connect(path)
        except (sqlite3.Error, OSError) as error:
            if not isinstance(error, sqlite3.OperationalError | OSError):
                raise schema.unreadable(path, error) from error
            raise StorageRefused(
                f"{path}: cannot be read: {error}; check the folder's owner and mode"
            ) from error
        try:
            identity = schema.read_identity(db, path)
            migrations.show_as_today(db, identity.version)
            log = cls(folder, db, identity, rows.read_state(db))
            log.path = path
            return log
        except BaseException as error:
            db.close()
            if isinstance(error, sqlite3.Error | DamagedRow):
                raise schema.unreadable(path, error) from error
            raise

    def __enter__(self) -> OfflineLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def watermark(self) -> int:
        """Return the first slot that was not learned."""
        return self._state.watermark

    @property
    def chain(self) -> bytes:
        """Return the stored head of the hash chain at :attr:`watermark`."""
        return self._state.chain

    @property
    def commit_number(self) -> int:
        """Return the number of the last commit."""
        return self._state.commit_number

    def refresh(self) -> None:
        """Take the state of the last commit of a replica that runs. Raises ``StorageRefused``."""
        try:
            self._state = rows.read_state(self._db)
            self.log_start = self._read_log_start()
        except (sqlite3.Error, DamagedRow) as error:
            raise schema.unreadable(self.path, error) from error

    def entries(self, first: int, upto: int) -> Iterator[tuple[int, Entry, int | None]]:
        """Yield ``(slot, entry, suppressed_first)`` for learned slots from ``first`` to ``upto - 1``.

        ``suppressed_first`` is None for a slot that took effect. Removed slots are passed over. Ends at the
        watermark. Raises ``StorageRefused`` that names the first bad slot.
        """
        try:
            yield from self._entries(max(first, self.log_start), min(upto, self.watermark))
        except (sqlite3.Error, DamagedRow) as error:
            raise schema.unreadable(self.path, error) from error

    def _entries(self, first: int, upto: int) -> Iterator[tuple[int, Entry, int | None]]:
        while first < upto:
            try:
                page = rows.read_entries(self._db, first, upto, PAGE_SLOTS, PAGE_CHARS)
            except DamagedRow:
                if first >= (log_start := self._read_log_start()):
                    raise
                first = self.log_start = log_start  # removed since
                continue
            suppressed = rows.read_suppressed(self._db, first, first + len(page))
            for slot, entry in enumerate(page, first):
                yield slot, entry, suppressed.get(slot)
            first += len(page)

    def verify(self) -> VerifyResult:
        """Recompute the hash chain over every learned slot, and check every row's checksum. Where old slots
        are removed, it begins with the chain's head that is kept there."""
        while True:
            self.refresh()
            log_start = self.log_start
            found = self._verify(log_start)
            if found.ok or self._read_log_start() == log_start:
                return found

    def _verify(self, log_start: int) -> VerifyResult:
        slots, head = log_start, CHAIN_START
        try:
            # The commit mark first: it follows each commit, so a state that is read later is not behind it.
            commit_mark = read_commit_mark(self.folder) if self.path.name == schema.DATABASE_FILE else None
            self._state = rows.read_state(self._db)
            if log_start:
                head = snapshots.chain_at(self._db, log_start)
            for slot, entry, _ in self._entries(log_start, self.watermark):
                head = link(head, slot, entry.value)
                slots = slot + 1
            for _ in rows.read_votes(self._db, self.watermark):
                pass
            for _ in rows.read_sessions(self._db):
                pass
            rows.read_session_state(self._db)
            if self.identity.version >= TRIMS_SINCE:
                snapshots.check_states(self._db)
        except DamagedRow as error:
            return VerifyResult(slots, self.watermark, head, error.slot, str(error), log_start)
        except (sqlite3.Error, OSError) as error:
            return VerifyResult(
                slots, self.watermark, head, None, f"after slot {slots - 1}: {error}", log_start
            )
        problem = None
        if head != self.chain:
            problem = f"the chain over all slots ends in {head.hex()[:12]}, stored is {self.chain.hex()[:12]}"
        elif commit_mark is not None and commit_mark.commit_number > self.commit_number:
            problem = (
                f"the database went back in time: it is at commit {self.commit_number}, "
                f"and {MARK_FILE} saw commit {commit_mark.commit_number}"
            )
        return VerifyResult(slots, self.watermark, head, None, problem, log_start)

    def close(self) -> None:
        """Close the database."""
        self._db.close()


def _connect(path: Path) -> sqlite3.Connection:
    db = schema.connect_reader(path)
    try:
        db.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        # A folder that cannot be written has no place for SQLite's shared memory. Without a write-ahead
        # log no replica is writing, and the one file is all there is.
        db.close()
        if path.with_name(schema.WAL_FILE).exists():
            raise
        return schema.connect_reader(path, immutable=True)
    except BaseException:
        db.close()
        raise
    return db
