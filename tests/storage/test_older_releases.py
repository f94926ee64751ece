"""What the program of commit 8e93c67 left on disk is read as it is, and brought up to date.

``older/format-3`` is the folder of replica 1 of three that kept 16 slots: its log begins at slot 41, two
states are kept, and it lost its disk once, so it may not vote. ``older/format-3.backup`` is a backup of
replica 0.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from paxtui.storage import backup, schema
from paxtui.storage.errors import StorageRefused
from paxtui.storage.offline import OfflineLog
from paxtui.storage.rows import StorageIdentity
from tests.storage.conftest import OpenStorage

OLDER = Path(__file__).parent / "older"
CHAIN = "9730aded2e3c8cac"
"""How the head of the hash chain begins, as the older program printed it."""


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """A copy of the folder, which may change."""
    return Path(shutil.copytree(OLDER / "format-3", tmp_path / "replica-1"))


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as db:
        return {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_a_folder_is_verified_and_read_without_a_change(left: Path) -> None:
    before = {file.name: file.read_bytes() for file in left.iterdir()}
    with OfflineLog.open(left) as log:
        found = log.verify()
        texts = [entry.value.text for _, entry, _ in log.entries(0, 100)]
    assert (found.ok, found.problem, found.slots, found.log_start) == (True, None, 64, 41)
    assert found.chain.hex().startswith(CHAIN)
    assert texts[:2] == ["50", "51"]
    assert {file.name: file.read_bytes() for file in left.iterdir()} == before


def test_a_folder_is_brought_up_to_date_and_nothing_is_forgotten(
    left: Path, open_storage: OpenStorage
) -> None:
    with OfflineLog.open(left) as log:
        identity = log.identity
    assert identity.version == 3
    storage = open_storage(left, cluster=identity.cluster, name="older", replica=1)
    saved = storage.saved()
    (note,) = storage.notes
    assert "has format 4 now; a copy of the old one is replica.db.format-3" in note
    assert (saved.watermark, saved.log_start) == (64, 41)
    assert [each.upto for each in saved.checkpoints] == [41, 63]
    assert saved.non_voting is not None
    assert saved.non_voting.startswith("replica 2 says: replica 1 comes back with another disk")
    assert {replica: peer.commits for replica, peer in storage.peers().items()} == {0: 19, 2: 17}
    assert storage.read_state(63, "", 1 << 20) is not None
    storage.close()
    assert tables(left / "replica.db") == tables_of_today()
    with OfflineLog.open(left) as log:
        assert log.verify().ok


def tables_of_today() -> set[str]:
    with closing(sqlite3.connect(":memory:")) as db:
        schema.make_tables(db, StorageIdentity(schema.FORMAT_VERSION, "", "", 0, "", ""))
        return {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_a_damaged_row_of_an_older_folder_is_found_before_anything_rests_on_it(
    left: Path, open_storage: OpenStorage
) -> None:
    with OfflineLog.open(left) as log:
        identity = log.identity
    with closing(sqlite3.connect(left / "replica.db")) as db, db:
        db.execute("UPDATE floor SET slot = 50")
    with pytest.raises(StorageRefused, match="damaged at table log_start"), OfflineLog.open(left):
        pass
    storage = open_storage(left, cluster=identity.cluster, name="older", replica=1)
    assert "damaged at table log_start" in str(storage.non_voting)


def test_a_backup_becomes_a_new_folder_of_today(tmp_path: Path, open_storage: OpenStorage) -> None:
    path = OLDER / "format-3.backup"
    checked = backup.check(path)
    assert (checked.found.ok, checked.identity.version, checked.found.log_start) == (True, 3, 41)
    folder = tmp_path / "replica-0"
    identity = StorageIdentity(schema.FORMAT_VERSION, "c" * 64, "newer", 0, "", "")
    backup.restore(checked, path, folder, identity)
    assert tables(folder / "replica.db") == tables_of_today()
    saved = open_storage(folder, cluster="c" * 64, name="newer", replica=0).saved()
    assert (saved.watermark, saved.log_start, saved.non_voting) == (64, 41, None)
