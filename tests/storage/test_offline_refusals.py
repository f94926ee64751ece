"""What a program that only looks into a database refuses, in one line."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from paxtui.storage.errors import StorageRefused
from paxtui.storage.offline import OfflineLog
from tests.storage.conftest import OpenStorage


def test_a_database_of_a_newer_format_is_refused(open_storage: OpenStorage, folder: Path) -> None:
    open_storage().close()
    with closing(sqlite3.connect(folder / "replica.db", isolation_level=None)) as db:
        db.execute("UPDATE identity SET version = 7")
    with pytest.raises(StorageRefused, match=r"replica\.db: was written by a newer paxtui \(format 7"):
        OfflineLog.open(folder)


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_a_name_without_a_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "copy.db"
    if kind == "folder":
        path.mkdir()
    with pytest.raises(StorageRefused, match=r"copy\.db: there is no such file$"):
        OfflineLog.open_file(path)
