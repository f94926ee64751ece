"""Folders and databases that must not be used: each is refused with a line that names file and way out."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import paxtui
from paxtui.core.ballot import Ballot
from paxtui.core.durable_state import CHAIN_START
from paxtui.core.output import PutVotes
from paxtui.core.values import Command
from paxtui.storage.errors import DiskRefused, StorageRefused
from tests.replica.processes import started


@pytest.fixture
def used(folder, open_storage, learned) -> Path:
    """A folder in which ten slots were learned and two more voted for, closed."""
    storage = open_storage()
    storage.commit([learned(0, 10)])
    votes = PutVotes(Ballot(1, 0), 10, (Command("bob", 1, "voted A"), Command("bob", 2, "voted B")))
    storage.commit([(votes,)])
    storage.close()
    return folder


@contextmanager
def refused(*words: str) -> Iterator[None]:
    with pytest.raises(StorageRefused) as caught:
        yield
    mine = ("belongs to", "newer paxtui", "in use", "Permission", "not a folder", "Not a directory")
    disks = not any(word in str(caught.value) for word in (*mine, "Is a directory"))
    assert isinstance(caught.value, DiskRefused) is disks  # the exit code is 4, not 2
    line = str(caught.value)
    assert "\n" not in line
    for word in words:
        assert word in line


def test_a_database_of_another_cluster_is_refused(used, open_storage):
    with refused("replica.db", "another cluster (demo, digest cccccccccccc", "name another data folder"):
        open_storage(cluster="d" * 64, name="prod")


def test_a_database_of_another_replica_is_refused(used, open_storage):
    with refused("replica.db", "belongs to replica 0, and this is replica 2"):
        open_storage(replica=2)


def test_a_newer_format_is_refused_before_anything_else_is_trusted(used, open_storage):
    db = sqlite3.connect(used / "replica.db")
    db.execute("UPDATE identity SET version = 7")
    db.commit()
    db.close()
    with refused("replica.db", "newer paxtui (format 7, this one knows 4)"):
        open_storage()


def test_an_empty_database_file_is_refused(used, open_storage):
    (used / "replica.db").write_bytes(b"")
    with refused("replica.db", "empty (0 bytes)", "lost its disk"):
        open_storage()
    assert (used / "replica.db").stat().st_size == 0


@pytest.mark.parametrize("content", [b"SQLite", b"hello world " * 1000, bytes(range(255, -1, -1)) * 32])
def test_garbage_in_place_of_the_database_is_refused(used, open_storage, content):
    (used / "replica.db").write_bytes(content)
    with refused("replica.db", "not a SQLite database"):
        open_storage()


def test_garbage_behind_a_good_header_is_refused(used, open_storage):
    content = (used / "replica.db").read_bytes()
    (used / "replica.db").write_bytes(content[:100] + os.urandom(len(content) - 100))
    with refused("replica.db", "lost its disk"):
        open_storage()


def test_a_database_cut_in_half_is_refused(used, open_storage):
    content = (used / "replica.db").read_bytes()
    (used / "replica.db").write_bytes(content[: len(content) // 2])
    with refused("replica.db", "cut off", f"of {len(content)}"):
        open_storage()


def test_a_large_database_cut_in_half_is_refused(folder, open_storage):
    storage = open_storage()
    values = tuple(Command("ann", i, "x" * 10_000) for i in range(1000))
    storage.commit([(PutVotes(Ballot(1, 0), 0, values),)])
    storage.close()
    content = (folder / "replica.db").read_bytes()
    (folder / "replica.db").write_bytes(content[: len(content) // 2])
    with refused("replica.db", "cut off"):
        open_storage()


def test_a_flipped_bit_in_the_identity_is_refused(used, open_storage, flip_bit):
    flip_bit(used / "replica.db", b"demo")
    with refused("replica.db", "table identity", "checksum"):
        open_storage()


def test_a_database_that_went_back_in_time_is_refused_with_both_numbers(
    used, open_storage, tmp_path, learned
):
    shutil.copy(used / "replica.db", tmp_path / "old.db")
    storage = open_storage()
    storage.commit([learned(10, 12)])
    storage.close()
    shutil.copy(tmp_path / "old.db", used / "replica.db")
    with refused("replica.db", "went back in time", "at commit 2", "saw commit 3", "newest replica.db"):
        open_storage()


@pytest.mark.parametrize("how", ["deleted", "flipped"])
def test_a_write_ahead_log_that_lost_commits_is_refused(used, open_storage, tmp_path, learned, how):
    storage = open_storage()
    storage.commit([learned(10, 12)])
    copy = tmp_path / "as-after-a-crash"
    shutil.copytree(used, copy)
    wal = copy / "replica.db-wal"
    if how == "deleted":
        wal.unlink()
    else:
        content = bytearray(wal.read_bytes())
        content[200] ^= 1
        wal.write_bytes(content)
    with refused("went back in time"):
        open_storage(copy)


def test_the_copy_after_a_crash_is_whole_when_nothing_is_flipped(used, open_storage, tmp_path, learned):
    storage = open_storage()
    storage.commit([learned(10, 12)])
    shutil.copytree(used, tmp_path / "as-after-a-crash")
    again = open_storage(tmp_path / "as-after-a-crash")
    assert (again.committed_watermark, again.commit_number, again.notes) == (12, 3, [])


def test_the_database_of_another_folder_is_not_taken_for_this_one(used, open_storage, tmp_path):
    other = open_storage(tmp_path / "other")
    for _ in range(5):
        other.commit([()])
    other.close()
    shutil.copy(tmp_path / "other" / "replica.db", used / "replica.db")
    with refused("is not the database that"):
        open_storage()


def test_a_database_that_is_gone_while_its_mark_is_there_is_refused(used, open_storage):
    (used / "replica.db").unlink()
    with refused("replica.db: is gone", "put the database back, or move", "as a learner without vote"):
        open_storage()


@pytest.mark.parametrize("content", [None, b"", b"paxtui-mark-1 torn", b"\0" * 200])
def test_a_missing_or_torn_mark_is_accepted_with_a_note_and_written_anew(used, open_storage, content):
    mark = used / "mark"
    mark.unlink()
    if content is not None:
        mark.write_bytes(content)
    storage = open_storage()
    assert len(storage.notes) == 1
    assert "mark: missing or torn" in storage.notes[0]
    storage.close()
    assert open_storage().notes == []


def test_a_mark_that_is_behind_is_what_a_crash_leaves_and_is_accepted(used, open_storage, learned):
    old = (used / "mark").read_bytes()
    storage = open_storage()
    storage.commit([learned(10, 12)])
    storage.close()
    (used / "mark").write_bytes(old)
    assert open_storage().notes == []


def test_a_start_that_was_killed_while_it_created_the_database_is_started_anew(folder, open_storage):
    folder.mkdir()
    (folder / "replica.db.new").write_bytes(b"")
    (folder / "replica.db.new-journal").write_bytes(b"half")
    open_storage().close()
    assert not list(folder.glob("*.new*"))


def test_a_file_in_place_of_the_folder_is_refused(folder, open_storage):
    folder.write_text("not a folder")
    with refused(str(folder), "is a file, not a folder"):
        open_storage()


def test_a_folder_below_a_file_is_refused(folder, open_storage):
    folder.write_text("not a folder")
    with refused("Not a directory"):
        open_storage(folder / "below")


def test_a_folder_in_place_of_the_database_is_refused(folder, open_storage):
    (folder / "replica.db").mkdir(parents=True)
    with refused("replica.db", "Is a directory"):
        open_storage()


def test_a_folder_that_cannot_be_written_is_refused(public_folder, as_nobody, open_storage):
    with as_nobody(), refused("lock", "Permission denied", "writable"):
        open_storage(public_folder)
    with as_nobody(), refused("Permission denied"):
        open_storage(public_folder / "below")


def test_a_refused_folder_is_unlocked_again(used, open_storage):
    for _ in range(3):
        with refused("another cluster"):
            open_storage(cluster="d" * 64)
    assert open_storage().commit_number == 2


def test_a_second_storage_in_the_same_process_is_refused(used, open_storage):
    open_storage()
    with refused("lock", f"in use by process {os.getpid()} (replica 0 of cluster demo)"):
        open_storage()


HOLD = """
import sys
from pathlib import Path
from paxtui.storage.store import Store
Store.open(Path(sys.argv[1]), cluster="c" * 64, name="demo", replica=0)
print("open", flush=True)
sys.stdin.read()
"""


@pytest.mark.processes
def test_a_folder_in_use_by_another_process_is_refused_with_its_pid(used, open_storage):
    package = str(Path(paxtui.__file__).parent.parent)
    with started(
        [sys.executable, "-c", HOLD, str(used)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": package},
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "open\n"
            with refused("lock", f"in use by process {holder.pid}", "stop that replica first"):
                open_storage()
        finally:
            holder.kill()
    assert open_storage().saved().chain != CHAIN_START
