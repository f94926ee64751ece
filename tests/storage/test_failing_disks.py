"""A write that fails is never retried: one line, and every later call says the same."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
import subprocess

import pytest

from paxtui.core.ballot import Ballot
from paxtui.core.output import PutVotes
from paxtui.core.values import Command
from paxtui.storage.errors import StorageFailed
from paxtui.storage.rows import Peer

VOTE = (PutVotes(Ballot(1, 0), 0, (Command("ann", 1, "hello"),)),)


class FlakyConnection(sqlite3.Connection):
    """Fails where it is told to, before or after SQLite has done it."""

    fail_at = ""
    after = False
    calls = 0

    def execute(self, sql, *parameters):
        if self.fail_at and sql.startswith(self.fail_at):
            FlakyConnection.calls += 1
            if self.after:
                super().execute(sql, *parameters)
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(sql, *parameters)


@pytest.fixture
def flaky(monkeypatch):
    original = sqlite3.connect
    monkeypatch.setattr(
        sqlite3,
        "connect",
        lambda *args, **options: original(*args, **options, factory=FlakyConnection),
    )
    monkeypatch.setattr(FlakyConnection, "calls", 0)

    def fail(sql: str, *, after: bool = False) -> None:
        monkeypatch.setattr(FlakyConnection, "fail_at", sql)
        monkeypatch.setattr(FlakyConnection, "after", after)

    return fail


def expect_failed_for_good(storage, cause: str) -> None:
    with pytest.raises(StorageFailed) as first:
        storage.commit([VOTE])
    assert cause in str(first.value)
    assert str(storage.folder) in str(first.value)
    assert "\n" not in str(first.value)
    for call in (
        lambda: storage.commit([VOTE]),
        lambda: storage.read(0, 1, 1),
        storage.saved,
        storage.set_warmed,
        storage.peers,
        lambda: storage.remember_peers({1: Peer("x")}),
        lambda: storage.become_learner("why"),
        lambda: storage.repair_rows({}),
        storage.require_files,
    ):
        with pytest.raises(StorageFailed) as later:
            call()
        assert str(later.value) == str(first.value)


def test_a_write_ahead_log_whose_name_cannot_be_made_durable_stops_the_storage(
    open_storage, folder, monkeypatch
):
    """SQLite syncs the folder when it makes the log, and passes over a failure: the log could be gone after a
    power cut, with every commit in it."""
    storage = open_storage()
    fsync = os.fsync

    def fails_for_folders(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fails_for_folders)
    expect_failed_for_good(storage, "commit failed: Input/output error")


def test_the_folder_is_synced_once_and_not_at_every_commit(open_storage, monkeypatch):
    storage = open_storage()
    synced = []
    fsync = os.fsync

    def noted(descriptor):
        synced.append(os.fstat(descriptor))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    storage.commit([VOTE])
    storage.commit([VOTE])
    assert sum(stat.S_ISDIR(each.st_mode) for each in synced) == 1


@pytest.mark.parametrize("statement", ["BEGIN", "UPDATE state", "COMMIT"])
def test_a_failed_statement_stops_the_storage_and_is_not_tried_again(open_storage, flaky, statement):
    storage = open_storage()
    flaky(statement)
    expect_failed_for_good(storage, "commit failed: disk I/O error")
    assert FlakyConnection.calls == 1
    storage.close()
    flaky("")
    again = open_storage()
    assert (again.commit_number, again.saved().votes) == (0, ())


def test_a_commit_that_raised_may_be_there_after_reopening(open_storage, flaky):
    storage = open_storage()
    flaky("COMMIT", after=True)
    expect_failed_for_good(storage, "commit failed")
    assert storage.commit_number == 0
    storage.close()
    flaky("")
    again = open_storage()
    assert (again.commit_number, len(again.saved().votes)) == (1, 1)


def test_a_checkpoint_that_fails_stops_the_storage(open_storage, flaky, monkeypatch):
    storage = open_storage()
    monkeypatch.setattr("paxtui.storage.store.WAL_PAGES_MAX", 1)
    flaky("PRAGMA wal_checkpoint")
    expect_failed_for_good(storage, "disk I/O error")


def test_a_commit_mark_that_cannot_be_written_stops_the_storage(open_storage, monkeypatch):
    storage = open_storage()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    expect_failed_for_good(storage, "No space left on device")


def test_after_a_failure_closing_leaves_the_write_ahead_log_alone_and_unlocks(open_storage, folder):
    storage = open_storage()
    storage.commit([VOTE])
    before = (folder / "replica.db-wal").read_bytes()
    storage.faults.fail = "error"
    expect_failed_for_good(storage, "Input/output error (injected)")
    storage.close()
    assert before
    assert (folder / "replica.db-wal").read_bytes() == before
    assert open_storage().commit_number == 1


@pytest.mark.parametrize(("fault", "cause"), [("error", "Input/output error"), ("full", "No space left")])
def test_an_injected_fault_fails_as_a_real_disk_would(open_storage, fault, cause):
    storage = open_storage()
    storage.faults.fail = fault
    expect_failed_for_good(storage, cause)


def test_an_injected_slow_disk_is_slow_and_right(open_storage, monkeypatch):
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    storage = open_storage()
    storage.faults.slow_s = 0.25
    storage.commit([VOTE])
    assert slept == [0.25]
    assert storage.commit_number == 1


def test_a_text_that_has_no_utf8_fails_the_storage_before_it_is_stored(open_storage):
    storage = open_storage()
    with pytest.raises(StorageFailed, match="surrogates not allowed"):
        storage.commit([(PutVotes(Ballot(1, 0), 0, (Command("ann", 1, "\ud800"),)),)])


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small disk needs root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("a small disk cannot be mounted here")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


@pytest.mark.processes
def test_a_full_disk_fails_the_commit_and_loses_nothing_that_was_committed(open_storage, small_disk):
    storage = open_storage(small_disk / "replica")
    committed = 0

    def fill() -> None:
        nonlocal committed
        for slot in range(100):
            storage.commit([(PutVotes(Ballot(1, 0), slot, (Command("ann", slot, "x" * 60_000),)),)])
            committed = slot + 1

    with pytest.raises(StorageFailed, match=r"replica\.db: commit failed: .*(full|I/O)"):
        fill()
    assert committed > 3
    with pytest.raises(StorageFailed):
        storage.commit([()])
    storage.close()
    shutil.copytree(small_disk / "replica", small_disk.parent / "roomy")
    again = open_storage(small_disk.parent / "roomy")
    assert len(again.saved().votes) >= committed
    assert again.commit_number == len(again.saved().votes)
