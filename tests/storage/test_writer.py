"""The writer thread: order, group commit, failure and stop."""

from __future__ import annotations

import threading

from paxtui.core.ballot import Ballot
from paxtui.core.output import PutVotes, Write
from paxtui.core.values import Command
from paxtui.storage.writer import Writer


class GatedStorage:
    """Stands in for the disk: each commit waits until the test lets it through."""

    def __init__(self) -> None:
        self.commits: list[int] = []
        self.entered = threading.Semaphore(0)
        self.gate = threading.Semaphore(0)

    def commit(self, batches) -> None:
        self.entered.release()
        self.gate.acquire()
        self.commits.append(len(batches))


class Told:
    """Collects what the writer tells."""

    def __init__(self) -> None:
        self.durable: list[tuple[int, int]] = []
        self.failed: list[Exception] = []
        self.changed = threading.Condition()

    def on_durable(self, upto: int, seconds: float, batches: int) -> None:
        with self.changed:
            self.durable.append((upto, batches))
            self.changed.notify_all()

    def on_failed(self, error: Exception) -> None:
        with self.changed:
            self.failed.append(error)
            self.changed.notify_all()

    def wait_for(self, condition) -> None:
        with self.changed:
            if not self.changed.wait_for(condition, timeout=20):
                raise TimeoutError("the writer told nothing")


def vote(slot: int) -> tuple[Write, ...]:
    return (PutVotes(Ballot(1, 0), slot, (Command("ann", slot, "hi"),)),)


def test_what_gathers_during_a_commit_goes_into_the_next_one_as_a_whole():
    disk, told = GatedStorage(), Told()
    writer = Writer(disk, told.on_durable, told.on_failed)  # type: ignore[arg-type]
    writer.submit(1, ())
    disk.entered.acquire()
    for batch in range(2, 7):
        writer.submit(batch, ())
    assert writer.queued == 5
    disk.gate.release(2)
    told.wait_for(lambda: len(told.durable) == 2)
    writer.stop()
    assert told.durable == [(1, 1), (6, 5)]
    assert disk.commits == [1, 5]


def test_stop_commits_what_was_submitted_and_takes_no_more(open_storage):
    storage, told = open_storage(), Told()
    writer = Writer(storage, told.on_durable, told.on_failed)
    for batch in range(100):
        writer.submit(batch, vote(batch))
    writer.stop()
    writer.submit(100, vote(100))
    writer.stop()
    assert told.durable[-1][0] == 99
    assert sum(batches for _, batches in told.durable) == 100
    assert len(storage.saved().votes) == 100
    assert told.failed == []


def test_a_failure_is_told_once_and_nothing_more_is_committed(open_storage):
    storage, told = open_storage(), Told()
    writer = Writer(storage, told.on_durable, told.on_failed)
    writer.submit(1, vote(1))
    told.wait_for(lambda: told.durable)
    storage.faults.fail = "error"
    writer.submit(2, vote(2))
    told.wait_for(lambda: told.failed)
    writer.submit(3, vote(3))
    writer.stop()
    assert told.durable == [(1, 1)]
    assert len(told.failed) == 1
    assert "Input/output error" in str(told.failed[0])
    assert storage.commit_number == 1
