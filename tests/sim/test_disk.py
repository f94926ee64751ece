"""The simulated disk keeps what the storage keeps, and a crash takes what is not on it."""

from __future__ import annotations

from paxtui.core.ballot import Ballot
from paxtui.core.output import PutEntries, PutSessions, PutState, PutSuppressed, PutVotes, SessionRow, Write
from paxtui.core.values import NOOP, Command, Entry, Vote
from paxtui.sim.disk import Disk

ONE, TWO = Ballot(1, 0), Ballot(2, 1)
CHAIN = bytes(range(32))


def command(request: int) -> Command:
    return Command("ada@0", request, f"text {request}")


def disk_after(*writes: Write) -> Disk:
    disk = Disk(lambda write, rows: None)
    disk.submit(1, writes)
    assert disk.start()
    assert disk.finish() == 1
    return disk


def test_an_empty_disk_is_a_first_start() -> None:
    saved = Disk(lambda write, rows: None).saved()
    assert (saved.promised, saved.round, saved.watermark) == (Ballot.ZERO, 0, 0)
    assert (list(saved.replay), saved.votes, saved.sessions, saved.horizon) == ([], (), (), -1)


def test_a_slot_has_one_row_and_the_watermark_says_what_is_learned() -> None:
    disk = disk_after(
        PutVotes(ONE, 0, (command(1), command(2), command(3))),
        PutVotes(TWO, 2, (command(9),)),
        PutEntries(1, (Entry(TWO, NOOP),)),
        PutState(TWO, 4, 2, CHAIN),
    )
    saved = disk.saved()
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
    saved = disk.saved()
    assert (saved.sessions, saved.sessions_upto, saved.horizon) == ((row,), 2, 1)
    assert [entry.value.request for entry in saved.replay] == [2, 3]
    assert disk.suppressed == {3: 1}


def test_the_next_commit_takes_all_that_gathered() -> None:
    disk = Disk(lambda write, rows: None)
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
        disk = Disk(lambda write, rows: None)
        disk.submit(1, (PutVotes(ONE, 0, (command(1),)), PutState(ONE, 1, 0, CHAIN)))
        disk.start()
        disk.submit(2, (PutVotes(ONE, 1, (command(2),)),))
        assert disk.crash(survives) is survives
        assert sorted(disk.rows) == ([0] if survives else [])
        assert disk.saved().promised == (ONE if survives else Ballot.ZERO)
        assert not disk.running
        assert not disk.start(), "what only waited for a commit is lost in any case"
