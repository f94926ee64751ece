"""A copy of one replica's log in a file, made while the replica runs, and a new cluster made from it.

The file is a database with the tables of a replica (``schema.py``) and one more. It holds what is learned:
the log, the session table and the states that are kept. It holds no vote, because a replica that came back
with old ones would break what it had said since. So what is restored is a *new* cluster that goes on from the
log of the old one: its replicas carry the backup's id, and talk to no replica that does not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple
from urllib.parse import quote

from paxtui.storage import migrations, rows, schema, snapshots
from paxtui.storage.errors import StorageRefused
from paxtui.storage.file_names import rename_exclusively
from paxtui.storage.folder_lock import FolderLock, make_folder, sync_folder
from paxtui.storage.offline import OfflineLog, VerifyResult
from paxtui.storage.rows import DamagedRow, StorageIdentity, seal

TABLE = """
CREATE TABLE backup (
    id TEXT NOT NULL, taken TEXT NOT NULL, sessions_max INTEGER NOT NULL, session_window INTEGER NOT NULL,
    checksum INTEGER NOT NULL)"""

_COPIED = ("suppressed", "sessions", "session_state", "log_start", "checkpoints", "checkpoint_sessions")
"""Tables that are copied whole. Of ``log`` only what is learned and not removed is."""

_REPLACED = ("state", "session_state", "log_start")
"""Tables in which an empty database has a row."""


class About(NamedTuple):
    """The description in a backup. The session limits must be those of the cluster that goes on with it."""

    id: str
    taken: str
    sessions_max: int
    session_window: int


class Backup(NamedTuple):
    """A backup that was found whole."""

    about: About
    identity: StorageIdentity
    """Of the replica that it was taken from."""
    found: VerifyResult


def take(folder: Path, target: Path, sessions_max: int, session_window: int) -> Backup:
    """Copy the log in a replica's data folder to the new file ``target``, as it stands at this moment, and
    check the copy. The replica may be running. Raises ``StorageRefused``; then there is no such file.
    """
    if target.exists():
        raise StorageRefused(f"{target}: is there already; name a file that is not")
    if not target.parent.is_dir():
        raise StorageRefused(f"{target.parent}: there is no such folder")
    with OfflineLog.open(folder) as log:
        identity = log.identity
    if identity.version != schema.FORMAT_VERSION:
        raise StorageRefused(
            f"{folder / schema.DATABASE_FILE}: has format {identity.version}, and backups are made of format "
            f"{schema.FORMAT_VERSION}; start the replica once with this version of paxtui"
        )
    draft = target.with_name(target.name + ".new")
    about = About(token_hex(8), _now(), sessions_max, session_window)
    try:
        with _writing(draft):
            draft.unlink(missing_ok=True)
            _copy(folder / schema.DATABASE_FILE, draft, identity, about)
            schema.sync_file(draft)
        found = check(draft)
        if not found.found.ok:
            raise StorageRefused(f"{folder / schema.DATABASE_FILE}: {found.found.problem}; nothing was kept")
        with _writing(target):
            rename_exclusively(draft, target)
            sync_folder(target.parent)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return found


def _copy(source: Path, draft: Path, identity: StorageIdentity, about: About) -> None:
    with closing(sqlite3.connect(_uri(draft, "rwc"), uri=True, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous=OFF")  # it is synced once, as a whole
        db.execute("ATTACH ? AS source", (_uri(source, "ro"),))
        db.execute("BEGIN")
        schema.make_tables(db, identity._replace(storage_id=about.id))
        state = rows.read_state(db, "source.state")  # from here on, nothing of the source moves
        for table in _REPLACED:
            db.execute(f"DELETE FROM {table}")
        for table in _COPIED:
            db.execute(f"INSERT INTO {table} SELECT * FROM source.{table}")
        db.execute(
            "INSERT INTO log SELECT * FROM source.log WHERE slot >= ? AND slot < ?",
            (snapshots.read_log_start(db), state.watermark),
        )
        # Rounds go on above those of the old cluster, so that ballots in the log stay in order. Whose the
        # last one was says nothing any more, and the new cluster may have no replica of that number.
        state = state._replace(promised_replica=0, round=state.promised_round)
        kept = state._replace(commit_number=0, warmed=0).row()
        db.execute("INSERT INTO state VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*kept, seal("state", *kept)))
        db.execute(TABLE)
        db.execute("INSERT INTO backup VALUES (?, ?, ?, ?, ?)", (*about, seal("backup", *about)))
        db.execute("COMMIT")


def _uri(path: Path, mode: str) -> str:
    return f"file:{quote(str(path.absolute()))}?mode={mode}"


def check(path: Path) -> Backup:
    """Read all of a backup: every row's checksum, and the hash chain. Raises ``StorageRefused``."""
    if path.is_file() and not is_backup(path) and not schema.is_database(path):
        raise StorageRefused(f"{path}: is no backup; `paxtui backup FILE --from N` makes one")
    with OfflineLog.open_file(path) as log:
        about = _about(path)
        return Backup(about, log.identity, log.verify())


def is_backup(path: Path) -> bool:
    """Return whether a file is a database with a backup's own table."""
    with suppress(sqlite3.Error), closing(schema.connect_reader(path)) as db:
        found = db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'backup'").fetchone()
        return found is not None
    return False


def _about(path: Path) -> About:
    if not is_backup(path):
        raise StorageRefused(f"{path}: is no backup; `paxtui backup FILE --from N` makes one")
    try:
        with closing(schema.connect_reader(path)) as db:
            row = db.execute(
                "SELECT id, taken, sessions_max, session_window, checksum FROM backup"
            ).fetchone()
            name, taken, sessions_max, session_window = rows.checked("backup", row)
    except (sqlite3.Error, DamagedRow) as error:
        raise StorageRefused(f"{path}: {error}; take another backup") from error
    return About(name.decode(), taken.decode(), sessions_max, session_window)


def restore(backup: Backup, path: Path, folder: Path, identity: StorageIdentity) -> None:
    """Make the data folder of one replica of the new cluster from the checked backup at ``path``.

    ``identity`` says whose it becomes; its storage id and the backup's id are filled in. Raises
    ``StorageRefused``; then the folder is as it was.
    """
    target = folder / schema.DATABASE_FILE
    make_folder(folder)
    lock = FolderLock.acquire(folder, f"restore of {path}")
    draft = folder / (schema.DATABASE_FILE + ".restored")
    try:
        present = sorted(file.name for file in folder.iterdir() if file.name != lock.path.name)
        if present:
            raise StorageRefused(
                f"{folder}: is not empty ({present[0]}); restore into folders that are new, or move it away"
            )
        with _writing(draft):
            _write_copy(path, draft)
            _become(draft, identity, backup)
            schema.sync_file(draft)
            draft.rename(target)
            sync_folder(folder)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        lock.release()


def _write_copy(path: Path, draft: Path) -> None:
    with (
        closing(schema.connect_reader(path)) as source,
        closing(sqlite3.connect(draft, isolation_level=None)) as db,
    ):
        source.backup(db)


def _become(draft: Path, identity: StorageIdentity, backup: Backup) -> None:
    row = identity._replace(
        version=schema.FORMAT_VERSION,
        cluster=f"{identity.cluster}{schema.ORIGIN_MARK}{backup.about.id}",
        storage_id=token_hex(16),
        created=_now(),
    ).row()
    with closing(sqlite3.connect(draft, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous=FULL")
        db.execute("BEGIN IMMEDIATE")
        migrations.to_today(db, backup.identity.version)
        db.execute("DROP TABLE backup")
        db.execute("DELETE FROM identity")
        db.execute("INSERT INTO identity VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, seal("identity", *row)))
        db.execute("COMMIT")
        schema.require_wal(db, draft)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Raise what goes wrong while a file is written as one line."""
    try:
        yield
    except sqlite3.Error as error:
        raise StorageRefused(f"{path}: cannot be written: {error}") from error
    except OSError as error:
        raise StorageRefused(f"{path}: cannot be written: {error.strerror or error}") from error
    except DamagedRow as error:
        raise StorageRefused(
            f"{path}: cannot be made: what it would be a copy of is damaged: {error}"
        ) from error
