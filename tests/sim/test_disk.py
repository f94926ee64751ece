"""The simulated disk keeps what the storage keeps, and a crash takes what is not on it."""

from __future__ import annotations

import pytest

from paxtui.core.ballot import Ballot
from paxtui.core.output import (
    Checkpoint,
    PutCheckpoint,
    PutEntries,
    PutLogStart,
    PutSessions,
    PutSnapshot,
    PutState,
    PutSuppressed,
    PutVotes,
    Write,
)
from paxtui.core.values import NOOP, Command, Entry, SessionRow, Vote
from paxtui.sim.cluster.disk import ChecksumMismatch, SimulatedDisk, WentBack

ONE, TWO = Ballot(1, 0), Ballot(2, 1)
CHAIN = bytes(range(32))


def command(request: int) -> Command:
    return Command("ada@0", request, f"text {request}")


def disk_after(*writes: Write) -> SimulatedDisk:
    disk = SimulatedDisk(lambda write, rows: None)
    disk.submit(1, writes)
    assert disk.start()
    assert disk.finish() == 1
    return disk


def test_an_empty_disk_is_a_first_start() -> None:
    saved = SimulatedDisk(lambda write, rows: None).open()
    assert (saved.promised, saved.round, saved.watermark) == (Ballot.ZERO, 0, 0)
    assert (list(saved.replay), saved.votes, saved.sessions, saved.horizon) == ([], (), (), -1)


def test_a_slot_has_one_row_and_the_watermark_says_what_is_learned() -> None:
    disk = disk_after(
        PutVotes(ONE, 0, (command(1), command(2), command(3))),
        PutVotes(TWO, 2, (command(9),)),
        PutEntries(1, (Entry(TWO, NOOP),)),
        PutState(TWO, 4, 2, CHAIN),
    )
    saved = disk.open()
    assert list(saved.replay) == [Entry(ONE, command(1)), Entry(TWO, NOOP)]
    assert saved.votes == (Vote(2, TWO, command(9)),)
    assert (saved.promised, saved.round, saved.chain) == (TWO, 4, CHAIN)


def test_only_learned_slots_are_read_and_both_limits_hold() -> None:
    disk = disk_after(PutVotes(ONE, 0, tuple(command(n) for n in range(5))), PutState(ONE, 1, 4, CHAIN))
    assert len(disk.read(0, 100, 10_000)) == 4
    assert len(disk.read(1, 2, 10_000)) == 2
    assert len(disk.read(1, 100, 1)) == 1
    assert disk.read(4, 100, 10_000) == ()


def test_sessions_are_replaced_evicted_and_replayed_from_the_checkpoint() -> None:
    row = SessionRow("ada@0", 3, 7, b"answers")
    old = SessionRow("bob@0", 1, 2, b"old")
    disk = disk_after(PutSessions(1, -1, (old,), ()), PutState(ONE, 1, 0, CHAIN))
    disk.submit(
        2,
        (
            PutVotes(ONE, 0, (command(0), command(1), command(2), command(3))),
            PutSuppressed(3, 1),
            PutSessions(2, 1, (row,), ("bob@0",)),
            PutState(ONE, 1, 4, CHAIN),
        ),
    )
    disk.start()
    disk.finish()
    saved = disk.open()
    assert (saved.sessions, saved.sessions_upto, saved.horizon) == ((row,), 2, 1)
    assert [entry.value.request for entry in saved.replay] == [2, 3]
    assert disk.suppressed == {3: 1}


def test_the_next_commit_takes_all_that_gathered() -> None:
    disk = SimulatedDisk(lambda write, rows: None)
    assert disk.submit(1, (PutVotes(ONE, 0, (command(1),)),))
    disk.start()
    assert not disk.submit(2, (PutVotes(ONE, 1, (command(2),)),))
    assert not disk.submit(3, (PutVotes(ONE, 2, (command(3),)),))
    assert disk.rows == {}
    assert disk.finish() == 1
    assert sorted(disk.rows) == [0]
    assert disk.start()
    assert disk.finish() == 3
    assert sorted(disk.rows) == [0, 1, 2]
    assert not disk.start()


def test_a_commit_in_flight_at_a_crash_is_there_as_a_whole_or_not_at_all() -> None:
    for survives in (True, False):
        disk = SimulatedDisk(lambda write, rows: None)
        disk.submit(1, (PutVotes(ONE, 0, (command(1),)), PutState(ONE, 1, 0, CHAIN)))
        disk.start()
        disk.submit(2, (PutVotes(ONE, 1, (command(2),)),))
        assert disk.crash(survives) is survives
        assert sorted(disk.rows) == ([0] if survives else [])
        assert disk.open().promised == (ONE if survives else Ballot.ZERO)
        assert not disk.running
        assert not disk.start(), "what only waited for a commit is lost in any case"


def three_commits() -> SimulatedDisk:
    disk = SimulatedDisk(lambda write, rows: None)
    for number in range(3):
        disk.submit(number, (PutVotes(ONE, number, (command(number),)), PutState(ONE, 1, number, CHAIN)))
        disk.start()
        disk.finish()
    return disk


@pytest.mark.parametrize(("commits", "left"), [(1, 2), (2, 1), (3, 0), (300, 0)])
def test_a_database_that_is_older_than_its_mark_is_refused_whenever_it_is_opened(
    commits: int, left: int
) -> None:
    disk = three_commits()
    assert disk.go_back(commits)
    assert sorted(disk.rows) == list(range(left))
    assert disk.state.watermark == max(left - 1, 0)
    for _ in range(2):
        with pytest.raises(WentBack, match=f"it is at commit {left}, its mark at 3"):
            disk.open()


def test_an_empty_database_has_nowhere_to_go_back_to() -> None:
    disk = SimulatedDisk(lambda write, rows: None)
    assert not disk.go_back(1)
    disk.open()


def test_a_commit_of_which_nobody_was_told_may_be_there_or_not_but_is_not_missed_before_it_was_seen() -> None:
    """The mark is behind after it. Only once a replica has started from it, going back is noticed."""
    for seen in (False, True):
        disk = three_commits()
        disk.submit(3, (PutVotes(ONE, 3, (command(3),)),))
        disk.start()
        assert disk.crash(survives=True)
        if seen:
            disk.open()
        assert disk.go_back(1)
        with pytest.raises(
            WentBack, match=f"it is at commit {3 if seen else 2}, its mark at {4 if seen else 3}"
        ):
            disk.open()


@pytest.mark.parametrize(
    ("what", "row"),
    [("state", "table state"), ("vote", "table log, row 4"), ("learned", "table log, row 3")],
)
def test_a_row_with_a_flipped_bit_is_refused_by_whoever_reads_it_at_the_start(what: str, row: str) -> None:
    disk = disk_after(PutVotes(ONE, 0, tuple(command(n) for n in range(5))), PutState(ONE, 1, 4, CHAIN))
    disk.open()
    assert disk.flip(what, 1.0)
    with pytest.raises(ChecksumMismatch, match=row):
        list(disk.open().replay)


def test_a_session_with_a_flipped_bit_is_refused() -> None:
    disk = disk_after(
        PutSessions(0, -1, (SessionRow("ada@0", 0, 1, b""), SessionRow("bob@0", 0, 1, b"")), ())
    )
    assert disk.flip("session", 0.6)
    with pytest.raises(ChecksumMismatch, match="table sessions, row bob@0"):
        disk.open()


def test_a_learned_slot_with_a_flipped_bit_is_noticed_by_the_page_that_holds_it() -> None:
    disk = disk_after(
        PutVotes(ONE, 0, tuple(command(n) for n in range(5))),
        PutSessions(4, -1, (), ()),
        PutState(ONE, 1, 4, CHAIN),
    )
    assert disk.flip("learned", 0.5)
    assert list(disk.open().replay) == [], "the checkpoint of the sessions is above it"
    assert [entry.value.request for entry in disk.read(0, 2, 10_000)] == [0, 1]
    for first in (1, 2):
        with pytest.raises(ChecksumMismatch, match="table log, row 2"):
            disk.read(first, 2, 10_000)


def test_what_is_written_anew_is_whole_again() -> None:
    rows = (SessionRow("ada@0", 0, 1, b""),)
    writes = (
        PutVotes(ONE, 0, (command(0),)),
        PutVotes(ONE, 2, (command(2),)),
        PutSessions(0, -1, rows, ()),
        PutState(ONE, 1, 0, CHAIN),
    )
    disk = disk_after(*writes)
    for what, place in (("state", 0.0), ("vote", 0.0), ("vote", 1.0), ("session", 0.0)):
        assert disk.flip(what, place)
    disk.submit(2, writes)
    disk.start()
    disk.finish()
    assert len(disk.open().votes) == 2


def test_there_is_no_bit_to_flip_where_there_is_no_row() -> None:
    disk = SimulatedDisk(lambda write, rows: None)
    assert not any(disk.flip(what, 0.5) for what in ("vote", "learned", "session"))
    assert disk.flip("state", 0.5)


# Old slots that are removed


def test_a_trim_leaves_what_is_at_and_above_the_floor_and_the_state_there() -> None:
    row = SessionRow("ada@0", 1, 1, b"12345678")
    disk = disk_after(
        PutVotes(ONE, 0, tuple(command(n) for n in range(5))),
        PutSuppressed(1, 0),
        PutSuppressed(3, 0),
        PutSessions(2, -1, (row,), ()),
        PutCheckpoint(Checkpoint(2, 1000), CHAIN, -1),
        PutSessions(4, -1, (), ("ada@0",)),
        PutCheckpoint(Checkpoint(4, 1001), CHAIN, 1),
        PutLogStart(2),
        PutState(ONE, 1, 4, CHAIN),
    )
    saved = disk.open()
    assert (saved.log_start, saved.checkpoints) == (2, (Checkpoint(2, 1000), Checkpoint(4, 1001)))
    assert (sorted(disk.rows), disk.suppressed) == ([2, 3, 4], {3: 0})
    page = disk.read_state(2, "", 100)
    assert page is not None
    assert (page.upto, page.wall_s, page.chain, page.horizon) == (2, 1000, CHAIN, -1)
    assert (page.sessions, page.last) == ((row,), True)
    later = disk.read_state(4, "", 100)
    assert later is not None
    assert later.sessions == ()


def test_another_replicas_state_takes_the_place_of_all_that_was_learned() -> None:
    rows = tuple(SessionRow(f"{name}@0", 5, 1, b"12345678") for name in "ab")
    disk = disk_after(
        PutVotes(ONE, 0, tuple(command(n) for n in range(8))),
        PutSessions(1, -1, (SessionRow("old@0", 0, 1, b"12345678"),), ()),
        PutSnapshot(Checkpoint(6, 1000), CHAIN, 0, rows, 2),
        PutState(ONE, 1, 6, CHAIN),
    )
    saved = disk.open()
    assert (saved.log_start, saved.checkpoints, saved.watermark, saved.horizon) == (
        6,
        (Checkpoint(6, 1000),),
        6,
        0,
    )
    assert (saved.sessions, saved.sessions_upto, list(saved.replay)) == (rows, 6, [])
    assert [vote.slot for vote in saved.votes] == [6, 7]
    first = disk.read_state(6, "", 1)
    assert first is not None
    assert (first.sessions, first.last) == (rows[:1], False)
    second = disk.read_state(6, "a@0", 1)
    assert second is not None
    assert (second.sessions, second.last) == (rows[1:], True)
    assert disk.read_state(5, "", 1) is None
