"""A backup holds what is learned, and no vote; and what is made of it is a new cluster."""

from __future__ import annotations

import sqlite3
import threading
from array import array
from contextlib import closing
from pathlib import Path

import pytest

from paxtui.core.ballot import Ballot
from paxtui.core.output import (
    Checkpoint,
    PutCheckpoint,
    PutLogStart,
    PutSessions,
    PutState,
    PutSuppressed,
    PutVotes,
)
from paxtui.core.values import SessionRow
from paxtui.storage import backup as backups
from paxtui.storage.errors import StorageRefused
from paxtui.storage.offline import OfflineLog
from paxtui.storage.rows import StorageIdentity
from paxtui.storage.store import Store
from tests.storage.conftest import chain_head, command

SESSION = SessionRow("ann-1", 9, 9, array("q", [-1, 9]).tobytes())
NEW = StorageIdentity(0, "d" * 16, "fresh", 2, "", "")


@pytest.fixture
def running(open_storage, learned) -> Store:
    """Ten slots are learned, of which slot 7 took no effect; two votes lie above them."""
    storage = open_storage()
    storage.commit(
        [
            (PutSessions(10, 3, (SESSION,), ()), PutSuppressed(7, 2), *learned(0, 10)),
            (PutVotes(Ballot(4, 2), 10, (command(10), command(11))),),
            (PutState(Ballot(5, 1), 2, 10, chain_head(10)),),
        ]
    )
    return storage


def take(storage: Store, target: Path) -> backups.Backup:
    return backups.take(storage.folder, target, 1024, 2)


def texts(folder: Path) -> list[tuple[int, str, int | None]]:
    with OfflineLog.open(folder) as log:
        return [(slot, entry.value.text, repeats) for slot, entry, repeats in log.entries(0, 100)]


def test_a_backup_is_what_is_learned_without_votes_and_is_found_whole(running, tmp_path):
    made = take(running, tmp_path / "log.backup")
    assert made == backups.check(tmp_path / "log.backup")
    assert (made.found.ok, made.found.slots, made.found.log_start) == (True, 10, 0)
    assert made.found.chain == chain_head(10)
    assert (made.identity.replica, made.identity.name, made.about.session_window) == (0, "demo", 2)
    with closing(sqlite3.connect(tmp_path / "log.backup")) as db:
        assert db.execute("SELECT max(slot) FROM log").fetchone() == (9,)
        assert db.execute("SELECT count(*) FROM peers").fetchone() == (0,)
    assert not list(tmp_path.glob("*.new"))


def test_a_restored_replica_goes_on_from_the_log_with_rounds_above_the_old_ones(running, tmp_path):
    made = take(running, tmp_path / "log.backup")
    folder = tmp_path / "fresh" / "replica-2"
    backups.restore(made, tmp_path / "log.backup", folder, NEW)
    assert texts(folder) == texts(running.folder)[:10]
    assert texts(folder)[7][2] == 2
    storage = Store.open(folder, cluster=NEW.cluster, name="fresh", replica=2)
    saved = storage.saved()
    assert (saved.watermark, saved.chain, saved.votes) == (10, chain_head(10), ())
    assert (saved.promised, saved.round) == (
        Ballot(5, 0),
        5,
    )  # the new cluster need not have the old one's replica
    assert (saved.sessions, saved.sessions_upto, saved.horizon) == ((SESSION,), 10, 3)
    assert (storage.warmed, storage.non_voting, storage.peers()) == (False, None, {})
    assert storage.identity.origin == made.about.id
    assert storage.storage_id not in (made.about.id, running.storage_id)
    storage.close()
    with pytest.raises(StorageRefused, match="belongs to another cluster"):
        Store.open(folder, cluster="other", name="other", replica=2)


def test_two_replicas_of_one_backup_have_one_origin_and_disks_of_their_own(running, tmp_path):
    made = take(running, tmp_path / "log.backup")
    found = []
    for replica in (0, 1):
        folder = tmp_path / f"new-{replica}"
        backups.restore(made, tmp_path / "log.backup", folder, NEW._replace(replica=replica))
        with OfflineLog.open(folder) as log:
            found.append(log.identity)
    assert found[0].origin == found[1].origin == made.about.id
    assert found[0].storage_id != found[1].storage_id


def test_removed_slots_stay_removed(running, tmp_path, learned):
    running.commit(
        [
            (PutCheckpoint(Checkpoint(10, 77), chain_head(10), 3), *learned(10, 14)),
            (PutLogStart(10), *learned(14, 15)),
        ]
    )
    made = take(running, tmp_path / "log.backup")
    assert (made.found.ok, made.found.log_start, made.found.slots) == (True, 10, 15)
    folder = tmp_path / "new"
    backups.restore(made, tmp_path / "log.backup", folder, NEW)
    assert [slot for slot, _, _ in texts(folder)] == [10, 11, 12, 13, 14]
    storage = Store.open(folder, cluster=NEW.cluster, name="fresh", replica=2)
    assert storage.saved().checkpoints == (Checkpoint(10, 77),)
    page = storage.read_state(10, "", 1000)
    assert page is not None
    assert page.sessions == (SESSION,)
    storage.close()


def test_it_is_taken_while_the_replica_writes_and_is_of_one_moment(running, learned, tmp_path):
    stop = threading.Event()
    upto = 10

    def write() -> None:
        nonlocal upto
        while not stop.is_set():
            running.commit([learned(upto, upto + 3)])
            upto += 3

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = [take(running, tmp_path / f"{number}.backup") for number in range(5)]
    finally:
        stop.set()
        writer.join()
    assert all(each.found.ok and each.found.slots % 3 == 1 for each in made)
    assert made[-1].found.chain == chain_head(made[-1].found.slots)
    assert made[0].found.slots < made[-1].found.slots <= upto


def test_what_is_damaged_is_not_kept(running, tmp_path, flip_bit):
    running.close()
    flip_bit(running.folder / "replica.db", b"message 000004")
    with pytest.raises(StorageRefused, match="slot 4: its checksum does not match; nothing was kept"):
        take(running, tmp_path / "log.backup")
    assert list(tmp_path.glob("log.backup*")) == []


def test_a_backup_with_a_flipped_bit_is_found_out(running, tmp_path, flip_bit):
    take(running, tmp_path / "log.backup")
    flip_bit(tmp_path / "log.backup", b"message 000004")
    found = backups.check(tmp_path / "log.backup").found
    assert (found.ok, found.bad_slot) == (False, 4)


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("DELETE FROM log WHERE slot = 4", "slot 4: its row is missing"),
        ("DELETE FROM log WHERE slot = 9", "slot 9: its row is missing"),
        ("UPDATE sessions SET top = 8", "table sessions: the checksum of a row does not match"),
        ("UPDATE state SET watermark = 9", "table state: the checksum of a row does not match"),
    ],
)
def test_a_backup_that_was_changed_is_found_out(running, tmp_path, statement, complaint):
    take(running, tmp_path / "log.backup")
    with closing(sqlite3.connect(tmp_path / "log.backup")) as db:
        db.execute(statement)
        db.commit()
    assert complaint in complaint_of(tmp_path / "log.backup")


def complaint_of(path: Path) -> str:
    try:
        return str(backups.check(path).found.problem)
    except StorageRefused as refused:
        return str(refused)


def test_nothing_is_ever_replaced(running, tmp_path):
    made = take(running, tmp_path / "log.backup")
    before = (tmp_path / "log.backup").read_bytes()
    with pytest.raises(StorageRefused, match="is there already"):
        take(running, tmp_path / "log.backup")
    assert (tmp_path / "log.backup").read_bytes() == before
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "mine.txt").write_text("x")
    with pytest.raises(StorageRefused, match=r"is not empty \(mine.txt\)"):
        backups.restore(made, tmp_path / "log.backup", folder, NEW)
    assert sorted(file.name for file in folder.iterdir() if file.name != "lock") == ["mine.txt"]


def test_a_backup_is_no_replicas_database_and_a_replicas_database_is_no_backup(
    running, tmp_path, open_storage
):
    take(running, tmp_path / "log.backup")
    folder = tmp_path / "copied"
    folder.mkdir()
    (folder / "replica.db").write_bytes((tmp_path / "log.backup").read_bytes())
    with pytest.raises(StorageRefused, match="is a backup; `paxtui restore` makes databases from it"):
        open_storage(folder)
    with pytest.raises(StorageRefused, match="is no backup"):
        backups.check(running.folder / "replica.db")


def test_where_it_cannot_be_written_it_says_so(running, tmp_path):
    with pytest.raises(StorageRefused, match="there is no such folder"):
        take(running, tmp_path / "nowhere" / "log.backup")
    with pytest.raises(StorageRefused, match="cannot be written"):
        take(running, Path("/proc/log.backup"))
