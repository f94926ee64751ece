"""Disks that fail under a replica: it stops at once with one line, the others go on, nothing is lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.disks.conftest import stopped_with
from tests.replica.processes import Replicas

pytestmark = pytest.mark.processes

Mount = Callable[[Path, str], None]


def all_there(replicas: Replicas, texts: list[str]) -> None:
    """Every acknowledged text is in the log once, in order."""
    log = [entry.text for entry in replicas.until_equal() if entry.client and entry.repeats is None]
    assert [text for text in log if text in texts] == texts


def until_full(replicas: Replicas, replica: int) -> list[str]:
    """Append until a replica has stopped; what was acknowledged."""
    done: list[str] = []
    while replicas.alive(replica):
        text = f"{len(done)} " + "x" * 20_000
        replicas.append(text)
        done.append(text)
        assert len(done) < 1000
    return done


@pytest.mark.parametrize("victim", ["leader", "follower"])
def test_a_full_disk_stops_the_replica_and_more_room_lets_it_go_on(
    three: Replicas, small_disk: Mount, victim: str
) -> None:
    full = 2
    small_disk(three.data(full), "size=2m")
    three.start_all()
    if victim == "leader":
        three.make_leader(full)
    elif three.until_led() == full:
        three.make_leader(0)
    done = until_full(three, full)
    stopped_with(three, full, "replica.db", "full")
    three.append("two are enough")
    small_disk(three.data(full), "size=64m")
    three.start(full)
    all_there(three, [*done, "two are enough"])


def test_a_full_disk_for_the_message_log_stops_the_replica_with_that_files_name(
    three: Replicas, small_disk: Mount
) -> None:
    logs = three.folder / "small"
    small_disk(logs, "size=64k")
    three.start(0)
    three.start(1)
    three.start(2, "--log-dir", str(logs))
    three.until_led()
    done = until_full(three, 2)
    stopped_with(three, 2, "small/replica-2.log", "No space left on device")
    three.append("two are enough")
    three.start(2)
    all_there(three, [*done, "two are enough"])


def test_a_read_only_folder_is_refused_at_the_start_with_its_name(three: Replicas, small_disk: Mount) -> None:
    small_disk(three.data(2), "size=8m")
    three.start_all()
    three.until_led()
    three.append("before")
    three.until_equal()
    three.kill(2)
    small_disk(three.data(2), "ro")
    three.start(2)
    stopped_with(three, 2, "replica-2", "Read-only file system")
    three.append("without it")
    small_disk(three.data(2), "rw")
    three.start(2)
    all_there(three, ["before", "without it"])


def test_a_folder_without_room_is_refused_at_the_start(three: Replicas, small_disk: Mount) -> None:
    small_disk(three.data(2), "size=4k")
    three.start(0)
    three.start(1)
    three.start(2)
    stopped_with(three, 2, "replica-2")
    three.wait_for_two()
    three.append("two are enough")
    small_disk(three.data(2), "size=8m")
    three.start(2)
    all_there(three, ["two are enough"])


@pytest.mark.parametrize("name", ["replica.db", "replica.db-wal", "mark"])
def test_a_file_deleted_under_a_running_replica_stops_it_also_when_it_is_idle(
    three: Replicas, name: str
) -> None:
    three.start_all()
    three.until_led()
    three.append("before")
    three.until_equal()
    kept = three.folder / "kept"
    (three.data(2) / name).rename(kept)
    stopped_with(three, 2, name, "was deleted while the replica runs")
    three.append("two are enough")
    kept.rename(three.data(2) / name)
    three.start(2)
    all_there(three, ["before", "two are enough"])


def test_a_folder_deleted_under_a_running_replica_stops_it_and_it_comes_back_as_a_learner(
    three: Replicas,
) -> None:
    three.start_all()
    three.until_led()
    three.append("before")
    three.until_equal()
    shutil.rmtree(three.data(2))
    stopped_with(three, 2, "was deleted while the replica runs")
    three.append("two are enough")
    three.start(2)
    three.until_said(2, "this replica is a learner without vote")
    all_there(three, ["before", "two are enough"])


def test_a_database_without_its_write_ahead_log_is_refused_with_both_ways_out(three: Replicas) -> None:
    three.start_all()
    three.until_led()
    three.append("before")
    three.until_equal()
    three.kill(2)
    (three.data(2) / "replica.db-wal").unlink()
    three.start(2)
    stopped_with(three, 2, "went back in time", "put the newest replica.db back, or move the folder")
    three.append("two are enough")
    shutil.rmtree(three.data(2))
    three.start(2)
    three.until_said(2, "this replica is a learner without vote")
    all_there(three, ["before", "two are enough"])
