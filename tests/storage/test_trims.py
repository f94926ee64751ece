"""Old slots are removed from disk: marks, the floor, states that are kept, and rows that go in portions."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from paxtui.core.ballot import Ballot
from paxtui.core.output import (
    Checkpoint,
    PutCheckpoint,
    PutLogStart,
    PutSessions,
    PutSnapshot,
    PutState,
    PutSuppressed,
    PutVotes,
    Write,
)
from paxtui.core.values import NOOP, Command, SessionRow, Vote
from paxtui.storage import offline, rows, snapshots
from paxtui.storage.errors import SlotDamaged, SlotRemoved, StorageFailed, StorageRefused
from paxtui.storage.offline import OfflineLog
from paxtui.storage.store import Store
from tests.storage.conftest import chain_head, command

ANN, BOB, CY = (
    SessionRow(name, 4, 1, bytes([place]) * 16) for place, name in enumerate(("ann", "bob", "cy"))
)


def marked(upto: int, *changed: SessionRow, horizon: int = -1, wall_s: int = 1000) -> tuple[Write, ...]:
    """What a mark in slot ``upto`` - 1 has written."""
    chain = chain_head(upto)
    return PutSessions(upto, horizon, changed, ()), PutCheckpoint(Checkpoint(upto, wall_s), chain, horizon)


def numbers(db: Path, table: str) -> tuple[int, int | None]:
    """How many rows a table has, and the lowest slot."""
    connection = sqlite3.connect(db)
    try:
        column = "upto" if table.startswith("checkpoint") else "slot"
        count, lowest = connection.execute(f"SELECT count(*), min({column}) FROM {table}").fetchone()
        return count, lowest
    finally:
        connection.close()


@pytest.fixture
def trimmed(open_storage, learned) -> Store:
    """A hundred slots, of which those below 40 are removed and not yet swept; marks at 40 and 70."""
    storage = open_storage()
    storage.commit([(PutSuppressed(3, 1), PutSuppressed(50, 1), *learned(0, 100))])
    storage.commit([marked(20, ANN), marked(40, ANN, BOB, wall_s=1040), marked(70, CY, wall_s=1070)])
    storage.commit([(PutLogStart(40),)])
    return storage


def test_a_new_folder_has_removed_nothing(open_storage):
    storage = open_storage()
    assert (storage.log_start, storage.saved().log_start, storage.saved().checkpoints) == (0, 0, ())
    assert storage.sweep() is False


def test_the_floor_and_the_marks_at_and_above_it_are_there_after_a_reopening(trimmed, open_storage):
    trimmed.close()
    storage = open_storage()
    saved = storage.saved()
    assert (storage.log_start, saved.log_start) == (40, 40)
    assert saved.checkpoints == (Checkpoint(40, 1040), Checkpoint(70, 1070))
    assert (saved.watermark, saved.chain, saved.sessions_upto) == (100, chain_head(100), 70)
    assert len(list(saved.replay)) == 30


def test_what_is_below_the_floor_is_not_read_swept_or_not(trimmed):
    for _ in range(2):
        for first in (0, 39):
            with pytest.raises(SlotRemoved) as caught:
                trimmed.read(first, 10, 10_000)
            assert "40" in str(caught.value)
        entries, suppressed = trimmed.read(40, 100, 100_000)
        assert [entry.value for entry in entries] == [command(slot) for slot in range(40, 100)]
        assert suppressed == {50: 1}
        trimmed.sweep()


def test_the_table_at_a_mark_is_a_copy_that_later_checkpoints_do_not_change(trimmed):
    later = SessionRow("bob", 90, 7, b"\xff" * 16)
    trimmed.commit([(PutSessions(95, 4, (later,), ("ann",)),)])
    page = trimmed.read_state(40, "", 10_000)
    assert page is not None
    assert (page.upto, page.wall_s, page.chain, page.horizon) == (40, 1040, chain_head(40), -1)
    assert (page.after, page.sessions, page.last) == ("", (ANN, BOB), True)
    page = trimmed.read_state(70, "", 10_000)
    assert page is not None
    assert page.sessions == (ANN, BOB, CY)


def test_a_state_is_read_in_pages_of_at_least_one_session(trimmed):
    after, told = "", []
    while True:
        page = trimmed.read_state(70, after, 1)
        assert page is not None
        assert page.after == after
        told += page.sessions
        if page.last:
            break
        assert len(page.sessions) == 1
        after = page.sessions[-1].client
    assert told == [ANN, BOB, CY]
    page = trimmed.read_state(70, "", 2 * (16 + 3 + snapshots.SESSION_BYTES))
    assert page is not None
    assert (page.sessions, page.last) == ((ANN, BOB), False)
    page = trimmed.read_state(70, "cy", 1)
    assert page is not None
    assert (page.sessions, page.last) == ((), True)


@pytest.mark.parametrize("upto", [0, 20, 41, 100])
def test_a_state_that_is_not_kept_is_told_as_such(trimmed, upto):
    assert trimmed.read_state(upto, "", 10_000) is None


def test_a_state_goes_with_its_sessions_when_the_floor_is_above_it(trimmed, folder):
    assert numbers(folder / "replica.db", "checkpoint_sessions") == (5, 40)
    trimmed.commit([(PutLogStart(70),)])
    assert trimmed.read_state(40, "", 10_000) is None
    assert numbers(folder / "replica.db", "checkpoint_sessions") == (3, 70)
    assert numbers(folder / "replica.db", "checkpoints") == (1, 70)


# Sweeping


def test_rows_go_in_portions_and_the_rest_after_a_kill(trimmed, open_storage, folder, monkeypatch):
    monkeypatch.setattr(snapshots, "SWEEP_SLOTS", 15)
    path = folder / "replica.db"
    assert numbers(path, "log") == (100, 0)
    assert trimmed.sweep() is True
    assert numbers(path, "log") == (85, 15)
    assert numbers(path, "suppressed") == (1, 50)
    trimmed._failure = "it is killed here: nothing is tidied"
    trimmed.close()
    storage = open_storage()
    assert storage.log_start == 40
    assert storage.sweep() is True
    assert storage.sweep() is False
    assert numbers(path, "log") == (60, 40)
    before = storage.commit_number
    assert storage.sweep() is False
    assert storage.commit_number == before  # nothing left to do costs no commit
    assert len(storage.read(40, 100, 100_000)[0]) == 60
    assert storage.saved().watermark == 100


def test_a_sweep_is_no_decision(trimmed):
    """Others are not told of it: they would answer with commits of their own."""
    decided = trimmed.decided
    trimmed.sweep()
    assert trimmed.decided == decided < trimmed.commit_number


def test_nothing_is_swept_after_a_failure(trimmed):
    trimmed.faults.fail = "error"
    with pytest.raises(StorageFailed, match="injected"):
        trimmed.sweep()
    trimmed.faults.fail = None
    with pytest.raises(StorageFailed):
        trimmed.sweep()


# Another replica's state


def snapshot(emptied: int, upto: int = 70) -> tuple[Write, ...]:
    mark = PutSnapshot(Checkpoint(upto, 1070), chain_head(upto), 3, (BOB, CY), emptied)
    return mark, PutState(Ballot(2, 1), 4, upto, chain_head(upto))


def test_a_state_takes_the_place_of_all_that_was_learned(open_storage, learned):
    storage = open_storage()
    storage.commit([learned(0, 10), marked(5, ANN)])
    storage.commit([snapshot(10)])
    for _ in range(2):
        saved = storage.saved()
        assert (saved.watermark, saved.chain, saved.log_start) == (70, chain_head(70), 70)
        assert (saved.sessions_upto, saved.horizon, saved.sessions) == (70, 3, (BOB, CY))
        assert (saved.checkpoints, list(saved.replay), saved.votes) == ((Checkpoint(70, 1070),), [], ())
        page = storage.read_state(70, "", 10_000)
        assert page is not None
        assert (page.sessions, page.horizon, page.wall_s) == ((BOB, CY), 3, 1070)
        assert storage.read_state(5, "", 10_000) is None
        storage.close()
        storage = open_storage()


def test_votes_between_the_old_watermark_and_the_state_are_gone_and_those_above_stay(
    open_storage, learned, folder
):
    storage = open_storage()
    storage.commit([learned(0, 10)])
    votes = tuple(Command("bob", slot, f"voted {slot}") for slot in range(12, 75))
    storage.commit([(PutVotes(Ballot(2, 1), 12, votes), PutState(Ballot(2, 1), 4, 10, chain_head(10)))])
    storage.commit([snapshot(10)])
    storage.close()
    storage = open_storage()
    assert storage.saved().votes == tuple(Vote(s, Ballot(2, 1), votes[s - 12]) for s in range(70, 75))
    assert numbers(folder / "replica.db", "log") == (15, 0)
    assert storage.sweep() is False
    assert numbers(folder / "replica.db", "log") == (5, 70)


def test_votes_of_the_same_commit_that_are_below_the_state_are_gone_too(open_storage, learned):
    """A queue of batches becomes one transaction."""
    storage = open_storage()
    state = PutState(Ballot(2, 1), 4, 10, chain_head(10))
    storage.commit([learned(0, 10), (PutVotes(Ballot(2, 1), 60, (NOOP,) * 20), state), snapshot(10)])
    storage.close()
    assert [vote.slot for vote in open_storage().saved().votes] == list(range(70, 80))


def test_what_is_learned_after_a_state_is_read_and_verified(open_storage, learned, folder):
    storage = open_storage()
    storage.commit([snapshot(0)])
    storage.commit([learned(70, 80)])
    assert len(storage.read(70, 100, 100_000)[0]) == 10
    with OfflineLog.open(folder) as log:
        result = log.verify()
    assert (result.problem, result.log_start, result.slots, result.chain) == (None, 70, 80, chain_head(80))


# Damage


def spoil(folder: Path, statement: str) -> None:
    db = sqlite3.connect(folder / "replica.db")
    assert db.execute(statement).rowcount >= 1
    db.commit()
    db.close()


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE checkpoints SET wall_s = wall_s + 1", "damaged at table checkpoints: the checksum of a row"),
        (
            "UPDATE checkpoints SET upto = 41 WHERE upto = 40",
            "damaged at table checkpoints: the checksum of a row",
        ),
        (
            "DELETE FROM checkpoints WHERE upto = 40",
            "damaged at table checkpoints: the state at slot 40 is missing",
        ),
    ],
)
def test_damaged_marks_are_refused_at_the_start(trimmed, open_storage, folder, statement, told):
    trimmed.close()
    spoil(folder, statement)
    storage = open_storage()
    with pytest.raises(StorageRefused, match=told):
        storage.saved()


@pytest.mark.parametrize("statement", ["UPDATE log_start SET slot = 50", "DELETE FROM log_start"])
def test_a_damaged_floor_makes_a_disk_that_is_held(trimmed, open_storage, folder, statement):
    """Like the small state beside it: below it may be anything."""
    trimmed.close()
    spoil(folder, statement)
    storage = open_storage()
    assert "damaged at table log_start" in str(storage.non_voting)
    assert (storage.log_start, storage.saved().watermark) == (0, 0)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "UPDATE checkpoint_sessions SET top = 9 WHERE client = 'bob'",
            "table sessions: the checksum of a row",
        ),
        ("DELETE FROM checkpoint_sessions WHERE client = 'bob'", "it has 1 sessions instead of 2"),
        ("UPDATE checkpoints SET horizon = 2 WHERE upto = 40", "table checkpoints: the checksum of a row"),
    ],
)
def test_a_damaged_state_is_not_sent_to_anybody(trimmed, folder, statement, told):
    """It is a copy for others: whoever gives it goes on."""
    spoil(folder, statement)
    with pytest.raises(SlotDamaged, match=told):
        trimmed.read_state(40, "", 10_000)
    with OfflineLog.open(folder) as log:
        assert told in str(log.verify().problem)
    assert [entry.value.text for entry in trimmed.read(98, 10, 1000)[0]]


def test_a_page_of_a_state_is_of_one_moment(trimmed, monkeypatch):
    """The floor rises, and the state goes, between two of its queries."""

    def risen(db: sqlite3.Connection, upto: int) -> object:
        found = original(db, upto)
        trimmed.commit([(PutLogStart(70),)])
        return found

    original = snapshots._checkpoint
    monkeypatch.setattr(snapshots, "_checkpoint", risen)
    page = trimmed.read_state(40, "", 10_000)
    assert page is not None
    assert (page.upto, page.sessions, page.last) == (40, (ANN, BOB), True)
    monkeypatch.setattr(snapshots, "_checkpoint", original)
    assert trimmed.read_state(40, "", 10_000) is None


def test_slots_that_are_removed_while_they_are_read_are_told_as_removed(trimmed, folder, monkeypatch):
    def risen(*arguments: Any) -> object:
        trimmed.commit([(PutLogStart(70),)])
        with closing(sqlite3.connect(folder / "replica.db", isolation_level=None)) as swept:
            snapshots.sweep(swept, 70)
        return original(*arguments)

    original = rows.read_entries
    monkeypatch.setattr(rows, "read_entries", risen)
    with pytest.raises(SlotRemoved):
        trimmed.read(45, 10, 1000)


# Without the replica


@pytest.mark.parametrize("sweeps", [0, 1, 3])
def test_a_trimmed_log_is_verified_from_its_floor_also_while_rows_are_deleted(
    trimmed, folder, monkeypatch, sweeps
):
    monkeypatch.setattr(snapshots, "SWEEP_SLOTS", 15)
    for _ in range(sweeps):
        trimmed.sweep()
    with OfflineLog.open(folder) as log:
        result = log.verify()
        assert (result.problem, result.log_start, result.slots) == (None, 40, 100)
        assert result.chain == chain_head(100)
        assert [slot for slot, _, _ in log.entries(0, 1000)] == list(range(40, 100))


def test_a_floor_that_rises_while_somebody_reads_is_taken_over(trimmed, folder, monkeypatch):
    monkeypatch.setattr(offline, "PAGE_SLOTS", 10)
    with OfflineLog.open(folder) as log:
        reading = log.entries(0, 1000)
        assert next(reading)[0] == 40
        trimmed.commit([(PutLogStart(70),)])
        trimmed.sweep()
        assert [slot for slot, _, _ in reading] == [*range(41, 50), *range(70, 100)]
        assert log.verify().log_start == 70


def test_verify_notices_a_missing_row_above_the_floor_and_a_damaged_state(trimmed, folder):
    trimmed.close()
    spoil(folder, "DELETE FROM log WHERE slot = 40")
    with OfflineLog.open(folder) as log:
        result = log.verify()
        assert (result.ok, result.bad_slot) == (False, 40)
    spoil(folder, "UPDATE checkpoints SET chain = zeroblob(32) WHERE upto = 40")
    with OfflineLog.open(folder) as log:
        assert "table checkpoints" in str(log.verify().problem)


def test_bytes_between_grow_with_texts_and_rows(trimmed):
    assert trimmed.bytes_between(50, 50) == 0
    one = len(command(50).text) + len(command(50).client) + snapshots.ROW_BYTES
    assert trimmed.bytes_between(50, 51) == one
    assert trimmed.bytes_between(50, 60) == 10 * one
    assert trimmed.bytes_between(50, 10_000) == 50 * one
