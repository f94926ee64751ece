"""The copy that is kept of a database before it gets a newer format."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from paxtui.storage import schema
from paxtui.storage.rows import StorageIdentity, seal
from tests.storage.conftest import OpenStorage


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        (number,) = db.execute("SELECT version FROM identity").fetchone()
    return int(number)


def make_format_2(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for table in ("log_start", "checkpoints", "checkpoint_sessions"):
            db.execute(f"DROP TABLE {table}")
        db.execute("ALTER TABLE non_voting RENAME TO held")
        db.execute("ALTER TABLE peers RENAME COLUMN non_voting TO held")
        row = StorageIdentity(*db.execute("SELECT * FROM identity").fetchone()[:6])._replace(version=2).row()
        db.execute("UPDATE identity SET version = 2, checksum = ?", (seal("identity", *row),))


def test_the_copy_and_its_name_are_on_disk_before_the_database_changes(
    open_storage: OpenStorage, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_storage().close()
    make_format_2(folder / "replica.db")
    synced: list[tuple[str, int]] = []
    fsync = os.fsync

    def recorded(descriptor: int) -> None:
        name = os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}"))
        synced.append((name, version(folder / "replica.db")))
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", recorded)
        with closing(schema.connect_reader(folder / "replica.db")) as db:
            identity = schema.read_identity(db, folder / "replica.db")
        copy = schema.migrate(folder / "replica.db", identity)
    assert synced == [(copy.name, 2), (folder.name, 2)]
    assert version(folder / "replica.db") == schema.FORMAT_VERSION
