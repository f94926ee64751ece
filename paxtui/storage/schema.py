"""The database of a replica: its tables, how it is created, and how it is opened."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from paxtui.core.durable_state import CHAIN_START
from paxtui.storage import migrations, rows, snapshots
from paxtui.storage.errors import DiskRefused, StorageRefused
from paxtui.storage.folder_lock import sync_folder
from paxtui.storage.rows import DamagedRow, Peer, StateRow, StorageIdentity, seal

DATABASE_FILE = "replica.db"
WAL_FILE = DATABASE_FILE + "-wal"

FORMAT_VERSION = 4
"""2: peers have the number of their last commit, and a disk may be without vote. 3: old slots may be removed.
4: the words of today (log start, checkpoints, non-voting) name the tables."""

ORIGIN_MARK = "+"
"""Between a membership's digest and the id of the backup that a database was restored from."""

BUSY_S = 5.0
"""How long a lock of a program that looks into the database (the ``sqlite3`` shell) is waited for."""

QUICK_CHECK_BYTES_MAX = 8 * 1024 * 1024
"""Up to this size, opening also checks the structure of the whole database: it takes a few hundredths of
a second. A larger one would make the replica start slowly for a check that each row's checksum, when the
row is read, makes again."""

_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100

_TABLES = """
CREATE TABLE identity (
    version INTEGER NOT NULL, cluster TEXT NOT NULL, name TEXT NOT NULL, replica INTEGER NOT NULL,
    storage_id TEXT NOT NULL, created TEXT NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE state (
    promised_round INTEGER NOT NULL, promised_replica INTEGER NOT NULL, round INTEGER NOT NULL,
    watermark INTEGER NOT NULL, chain BLOB NOT NULL, commit_number INTEGER NOT NULL,
    warmed INTEGER NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE log (
    slot INTEGER PRIMARY KEY, round INTEGER NOT NULL, replica INTEGER NOT NULL, client TEXT NOT NULL,
    request INTEGER NOT NULL, text TEXT NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE suppressed (
    slot INTEGER PRIMARY KEY, first INTEGER NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE sessions (
    client TEXT PRIMARY KEY, last_slot INTEGER NOT NULL, top INTEGER NOT NULL, answers BLOB NOT NULL,
    checksum INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE session_state (
    upto INTEGER NOT NULL, horizon INTEGER NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE peers (
    replica INTEGER PRIMARY KEY, storage_id TEXT NOT NULL, commits INTEGER NOT NULL, non_voting TEXT NOT NULL,
    checksum INTEGER NOT NULL);
CREATE TABLE non_voting (
    reason TEXT NOT NULL, checksum INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Expected:
    """The identity that the caller expects: ``cluster`` is the digest of the membership."""

    cluster: str
    name: str
    replica: int


def create(
    folder: Path, identity: StorageIdentity, non_voting: str = "", peers: dict[int, Peer] | None = None
) -> None:
    """Create the database under another name, sync it, and only then give it its own.

    So a ``replica.db`` that is empty or cut is always damage, never a first start that was killed. One that
    is there is replaced. ``non_voting`` says why this disk may not vote, ``peers`` what is known of others'.
    Raises ``sqlite3.Error`` or ``OSError``.
    """
    draft = folder / (DATABASE_FILE + ".new")
    for leftover in folder.glob(draft.name + "*"):
        leftover.unlink()
    db = sqlite3.connect(draft, isolation_level=None)
    try:
        db.execute("PRAGMA synchronous=FULL")
        db.execute("BEGIN IMMEDIATE")
        make_tables(db, identity, non_voting)
        for replica, peer in (peers or {}).items():
            rows.put_peer(db, replica, peer)
        db.execute("COMMIT")
        require_wal(db, draft)
    finally:
        db.close()
    sync_file(draft)
    draft.rename(folder / DATABASE_FILE)
    sync_folder(folder)


def make_tables(db: sqlite3.Connection, identity: StorageIdentity, non_voting: str = "") -> None:
    """Make all tables, with the rows that a replica has before it has done anything."""
    for statement in _TABLES.split(";"):
        db.execute(statement)
    row = identity.row()
    db.execute("INSERT INTO identity VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, seal("identity", *row)))
    empty = StateRow(0, 0, 0, 0, CHAIN_START, 0, 0).row()
    db.execute("INSERT INTO state VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*empty, seal("state", *empty)))
    db.execute("INSERT INTO session_state VALUES (?, ?, ?)", (0, -1, seal("session_state", 0, -1)))
    db.execute("INSERT INTO non_voting VALUES (?, ?)", (non_voting, seal(rows.NON_VOTING_SEAL, non_voting)))
    snapshots.begin(db)


def sync_file(path: Path) -> None:
    """Make the contents of a file durable, whoever wrote them."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def migrate(path: Path, identity: StorageIdentity) -> Path:
    """Bring an older format up to date, in one transaction, and return where the copy of the older one is.

    An older program refuses the result, as it must: it would let a disk vote that must not. Raises
    ``sqlite3.Error``, ``DamagedRow`` or ``OSError``; the database is then as it was.
    """
    backup = path.with_name(f"{path.name}.format-{identity.version}")
    backup.unlink(missing_ok=True)  # of a start that was killed here
    db = sqlite3.connect(path, isolation_level=None)
    db.text_factory = bytes
    try:
        db.execute("PRAGMA synchronous=FULL")
        db.execute("VACUUM INTO ?", (str(backup),))
        sync_file(backup)
        sync_folder(path.parent)
        db.execute("BEGIN IMMEDIATE")
        migrations.to_today(db, identity.version)
        row = identity._replace(version=FORMAT_VERSION).row()
        db.execute("UPDATE identity SET version = ?, checksum = ?", (row[0], seal("identity", *row)))
        db.execute("COMMIT")
    finally:
        db.close()
    return backup


def require_wal(db: sqlite3.Connection, path: Path) -> None:
    """Switch to a write-ahead log: one sync a commit, and others may read meanwhile."""
    (mode,) = db.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode not in ("wal", b"wal"):
        raise StorageRefused(
            f"{path}: this file system cannot hold a write-ahead log (SQLite fell back to {mode}); "
            "name a data folder on a local disk"
        )


def check_header(path: Path) -> None:
    """Refuse what is no whole SQLite file, before SQLite makes something new of it.

    Only the owner of the folder's lock may call this, with no connection open in this process: closing a
    file drops all POSIX locks that the process has on it, those of SQLite too.
    """
    with open(path, "rb") as file:
        header = file.read(_HEADER_BYTES)
        size = os.fstat(file.fileno()).st_size
    if not header:
        raise damaged(path, "it is empty (0 bytes)")
    if not header.startswith(_MAGIC) or len(header) < _HEADER_BYTES:
        raise damaged(path, "it is not a SQLite database")
    page_bytes = int.from_bytes(header[16:18], "big")
    page_bytes = 65536 if page_bytes == 1 else page_bytes
    needed = page_bytes * int.from_bytes(header[28:32], "big")
    wal = path.with_name(WAL_FILE)
    # A checkpoint that was killed may have written a header that counts pages which are still only in
    # the write-ahead log.
    spare = wal.stat().st_size if wal.exists() else 0
    if size + spare < needed:
        raise damaged(path, f"it is cut off: {size} bytes of {needed}")


def connect_reader(path: Path, *, immutable: bool = False) -> sqlite3.Connection:
    """Open a connection that cannot write, usable from any thread under the caller's lock.

    TEXT comes as bytes: a flipped bit may leave text that is not UTF-8, and then the checksum should say
    which row it is, not the decoder that there is one. Since it is read-only, closing it never moves the
    write-ahead log into the database, so a refused folder stays as it was found. ``immutable`` is for
    media that are never written.
    """
    options = "mode=ro&immutable=1" if immutable else "mode=ro"
    db = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?{options}",
        uri=True,
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,
    )
    db.text_factory = bytes
    return db


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open the one connection that writes: each COMMIT is synced before it returns."""
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        require_wal(db, path)
        db.execute("PRAGMA synchronous=FULL")
        # SQLite's own checkpoint, at the end of a COMMIT, swallows its errors; the storage makes it itself.
        db.execute("PRAGMA wal_autocheckpoint=0")
    except BaseException:
        db.close()
        raise
    return db


def read_identity(db: sqlite3.Connection, path: Path) -> StorageIdentity:
    """Read whose database it is; refuses a newer format before it trusts anything else.

    Raises ``StorageRefused``, ``DamagedRow`` or ``sqlite3.Error``.
    """
    (version,) = db.execute("SELECT version FROM identity").fetchone() or (None,)
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise StorageRefused(
            f"{path}: was written by a newer paxtui (format {version}, this one knows {FORMAT_VERSION}); "
            "run that version or name another data folder"
        )
    row = db.execute(
        "SELECT version, cluster, name, replica, storage_id, created, checksum FROM identity"
    ).fetchone()
    return StorageIdentity.opened(row)


def check_identity(found: StorageIdentity, expected: Expected, path: Path) -> None:
    """Refuse the database of another cluster or of another replica."""
    if found.membership != expected.cluster:
        raise StorageRefused(
            f"{path}: belongs to another cluster ({found.name}, digest {found.membership[:12]}; "
            f"this is {expected.name}, {expected.cluster[:12]}); "
            "use the configuration it was made with or name another data folder"
        )
    if found.replica != expected.replica:
        raise StorageRefused(
            f"{path}: belongs to replica {found.replica}, and this is replica {expected.replica}; "
            "give each replica its own data folder"
        )


def check_purpose(db: sqlite3.Connection, path: Path) -> None:
    """Refuse a backup that was put where a replica's own database should be: all replicas made from it would
    be one and the same, and those of the old cluster would talk to them."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'backup'").fetchone():
        raise StorageRefused(f"{path}: is a backup; `paxtui restore` makes databases from it")


def check_structure(db: sqlite3.Connection, path: Path) -> None:
    """Check a small database whole (see :data:`QUICK_CHECK_BYTES_MAX`)."""
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    (page_bytes,) = db.execute("PRAGMA page_size").fetchone()
    if pages * page_bytes > QUICK_CHECK_BYTES_MAX:
        return
    (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != b"ok":
        raise damaged(path, str(verdict, "utf-8", "replace").replace("\n", ": "))


def damaged(path: Path, what: str | Exception) -> DiskRefused:
    """Make the refusal for a database that cannot be trusted."""
    if isinstance(what, DamagedRow):
        what = f"damaged at {what}"
    return DiskRefused(f"{path}: {what}; {way_out(path.parent)}")


def unreadable(path: Path, what: str | Exception) -> StorageRefused:
    """Make the refusal for a program that only looks into a database. What to do about it is said by the
    replica whose disk it is: a copy or a backup needs other help."""
    if isinstance(what, DamagedRow):
        what = f"damaged at {what}"
    return StorageRefused(f"{path}: {what}; nothing was changed")


def is_database(path: Path) -> bool:
    """Return whether a file is a database that paxtui made."""
    with suppress(sqlite3.Error), closing(connect_reader(path)) as db:
        found = db.execute(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'identity'"
        ).fetchone()
        return found is not None
    return False


def way_out(folder: Path) -> str:
    """Return what an operator can do who has no better copy."""
    return (
        f"move the folder {folder} away and start with an empty one: the others let a replica that lost its "
        "disk come back as a learner without vote"
    )
