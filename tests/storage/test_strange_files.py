"""What is no backup is said to be none, and nobody is told to throw a replica's disk away for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from paxtui.storage import backup
from paxtui.storage.errors import StorageRefused
from paxtui.storage.offline import OfflineLog

STRANGE = {
    "empty": b"",
    "text": b"hello\n" * 100,
    "half a header": b"SQLite format 3\0" + bytes(20),
    "a header alone": b"SQLite format 3\0" + bytes(84),
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_file_that_is_no_database_is_no_backup(tmp_path: Path, name: str) -> None:
    path = tmp_path / "log.backup"
    path.write_bytes(STRANGE[name])
    with pytest.raises(StorageRefused) as refused:
        backup.check(path)
    assert str(refused.value) == f"{path}: is no backup; `paxtui backup FILE --from N` makes one"
    assert path.read_bytes() == STRANGE[name]


@pytest.mark.parametrize("name", STRANGE)
def test_who_only_looks_into_a_folder_is_not_told_to_move_it_away(tmp_path: Path, name: str) -> None:
    (tmp_path / "replica.db").write_bytes(STRANGE[name])
    with pytest.raises(StorageRefused) as refused:
        OfflineLog.open(tmp_path)
    assert "nothing was changed" in str(refused.value)
    assert "move the folder" not in str(refused.value)
