"""What a commit leaves: read back in the same process, after reopening, and by others meanwhile."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paxtui.core.ballot import Ballot
from paxtui.core.durable_state import CHAIN_START, DurableState
from paxtui.core.output import PutEntries, PutSessions, PutState, PutSuppressed, PutVotes, Write
from paxtui.core.values import NOOP, Command, Entry, SessionRow, Vote
from paxtui.storage.rows import Peer
from paxtui.storage.store import Store

TEXTS = [
    "",
    "plain",
    "nul \0 inside",
    "\0",
    "line\nbreak\r\n",
    "\x1b[31m[red]",
    "שלום 日本語 👩‍👩‍👧",
    "\uffff\U0010ffff",
]


def test_a_new_folder_is_created_with_its_parents_and_saves_nothing_yet(open_storage, tmp_path):
    storage = open_storage(tmp_path / "a" / "b" / "c")
    saved = storage.saved()
    assert (saved.promised, saved.round, saved.watermark, saved.chain) == (Ballot.ZERO, 0, 0, CHAIN_START)
    assert (saved.sessions_upto, saved.horizon, saved.sessions, saved.votes) == (0, -1, (), ())
    assert list(saved.replay) == []
    assert (storage.commit_number, storage.warmed, storage.notes, storage.peers()) == (0, False, [], {})
    assert len(storage.storage_id) == 32


def test_the_last_state_of_the_last_batch_is_what_a_reopened_storage_saves(open_storage):
    storage = open_storage()
    value = Command("ann-1", 1, "hello")
    storage.commit(
        [
            (PutVotes(Ballot(1, 1), 0, (value,)), PutState(Ballot(1, 1), 1, 0, CHAIN_START)),
            (PutVotes(Ballot(2, 0), 0, (NOOP, value)), PutState(Ballot(2, 0), 3, 0, CHAIN_START)),
        ]
    )
    storage.close()
    again = open_storage()
    saved = again.saved()
    assert (saved.promised, saved.round) == (Ballot(2, 0), 3)
    assert saved.votes == (Vote(0, Ballot(2, 0), NOOP), Vote(1, Ballot(2, 0), value))
    assert again.commit_number == 1
    assert again.notes == []


def test_a_commit_without_a_state_keeps_the_state_and_counts(open_storage, learned):
    storage = open_storage()
    storage.commit([learned(0, 3)])
    storage.commit([(PutVotes(Ballot(1, 0), 3, (NOOP,)),)])
    saved = storage.saved()
    assert (saved.watermark, storage.commit_number) == (3, 2)
    assert saved.votes == (Vote(3, Ballot(1, 0), NOOP),)


@pytest.mark.parametrize("text", TEXTS)
def test_any_unicode_text_comes_back_as_it_was(open_storage, text):
    storage = open_storage()
    entry = Entry(Ballot(1, 0), Command("böb", 7, text))
    storage.commit([(PutEntries(0, (entry,)), PutState(Ballot(1, 0), 1, 1, CHAIN_START))])
    storage.close()
    assert open_storage().read(0, 10, 1000) == ([entry], {})


def test_replay_runs_from_the_session_checkpoint_to_the_watermark(open_storage, learned):
    storage = open_storage()
    row = SessionRow("ann-1", 4, 4, b"\x00\xff")
    storage.commit([(*learned(0, 1500), PutSessions(5, 2, (row,), ()))])
    storage.close()
    saved = open_storage().saved()
    assert (saved.sessions_upto, saved.horizon, saved.sessions) == (5, 2, (row,))
    assert [entry.value.request for entry in saved.replay] == list(range(5, 1500))


def test_an_evicted_session_is_gone_and_a_changed_one_is_replaced(open_storage):
    storage = open_storage()
    old = (SessionRow("ann", 1, 1, b""), SessionRow("bob", 2, 1, b"x"))
    state = PutState(Ballot(1, 0), 1, 9, CHAIN_START)
    storage.commit([(PutSessions(3, -1, old, ()), state)])
    storage.commit([(PutSessions(9, 1, (SessionRow("bob", 8, 2, b"y"),), ("ann",)),)])
    saved = storage.saved()
    assert saved.sessions == (SessionRow("bob", 8, 2, b"y"),)
    assert (saved.sessions_upto, saved.horizon) == (9, 1)


def test_read_stops_at_the_watermark_and_tells_suppressed_slots(open_storage, learned):
    storage = open_storage()
    storage.commit([(PutSuppressed(2, 0), PutSuppressed(3, -1), *learned(0, 4))])
    storage.commit([(PutVotes(Ballot(1, 0), 4, (NOOP,)),)])
    entries, suppressed = storage.read(1, 100, 10_000)
    assert [entry.value.request for entry in entries] == [1, 2, 3]
    assert suppressed == {2: 0, 3: -1}
    assert storage.read(4, 100, 10_000) == ([], {})
    assert storage.read(1, 1, 10_000)[1] == {}


def test_read_keeps_both_limits_but_gives_at_least_one_row(open_storage, learned):
    storage = open_storage()
    storage.commit([learned(0, 10)])
    assert len(storage.read(0, 3, 10_000)[0]) == 3
    assert len(storage.read(0, 10, 110)[0]) == 2
    assert len(storage.read(0, 10, 1)[0]) == 1


def test_warmed_and_peers_are_durable_and_keep_the_state(open_storage, learned):
    storage = open_storage()
    storage.commit([learned(0, 2)])
    storage.set_warmed()
    storage.remember_peers({1: Peer("ab" * 16, 3)})
    storage.remember_peers({1: Peer("cd" * 16, 7, "it went back in time"), 2: Peer("ef" * 16)})
    storage.commit([learned(2, 3)])
    storage.close()
    again = open_storage()
    assert again.warmed
    assert again.peers() == {1: Peer("cd" * 16, 7, "it went back in time"), 2: Peer("ef" * 16)}
    assert (again.committed_watermark, again.commit_number) == (3, 5)


def test_a_storage_keeps_its_id_and_two_folders_have_two(open_storage, tmp_path):
    first = open_storage()
    kept = first.storage_id
    first.close()
    assert open_storage().storage_id == kept
    assert open_storage(tmp_path / "other").storage_id != kept


def test_the_database_can_be_read_by_others_while_the_replica_runs(open_storage, learned):
    storage = open_storage()
    storage.commit([learned(0, 5)])
    with sqlite3.connect(storage.path) as db:
        assert db.execute("SELECT count(*) FROM log").fetchone() == (5,)
        storage.commit([learned(5, 6)])
        assert db.execute("SELECT count(*) FROM log").fetchone() == (6,)
    db.close()


def test_a_closed_storage_is_one_file_and_refuses_calls(open_storage, folder, learned):
    storage = open_storage()
    storage.commit([learned(0, 5)])
    assert storage.bytes_on_disk() > 10_000
    storage.close()
    storage.close()
    assert sorted(path.name for path in folder.iterdir()) == ["lock", "mark", "replica.db"]
    with pytest.raises(Exception, match="is closed"):
        storage.commit([learned(5, 6)])


def test_reads_from_another_thread_see_whole_commits_while_commits_run(open_storage, learned):
    storage = open_storage()
    storage.commit([learned(0, 1)])
    problems: list[BaseException] = []
    stop = threading.Event()

    def read_on() -> None:
        try:
            while not stop.is_set():
                entries, _ = storage.read(0, 1000, 10**6)
                if [entry.value.request for entry in entries] != list(range(len(entries))):
                    raise ValueError("a gap")
        except BaseException as error:
            problems.append(error)

    reader = threading.Thread(target=read_on)
    reader.start()
    for upto in range(2, 200):
        storage.commit([learned(upto - 1, upto)])
    stop.set()
    reader.join()
    assert problems == []


def test_the_write_ahead_log_stays_short_over_many_commits(open_storage):
    storage = open_storage()
    text = "x" * 60_000
    for first in range(0, 600, 10):
        values = tuple(Command("ann", first + i, text) for i in range(10))
        storage.commit([(PutVotes(Ballot(1, 0), first, values),)])
    wal = storage.path.with_name("replica.db-wal").stat().st_size
    assert wal < 20 * 1024 * 1024
    assert storage.path.stat().st_size > 15 * 1024 * 1024


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
numbers = st.integers(0, 2**53 - 1)
ballots = st.builds(Ballot, st.integers(1, 2**53 - 1), st.integers(0, 8))
commands = st.builds(Command, texts, numbers, texts)
slots = st.integers(0, 20)
session_rows = st.builds(SessionRow, st.sampled_from("abcd"), numbers, numbers, st.binary(max_size=20))
writes = st.one_of(
    st.builds(PutVotes, ballots, slots, st.lists(commands, max_size=4).map(tuple)),
    st.builds(PutEntries, slots, st.lists(st.builds(Entry, ballots, commands), max_size=4).map(tuple)),
    st.builds(PutState, ballots, numbers, st.just(0), st.binary(min_size=32, max_size=32)),
    st.builds(
        PutSessions,
        st.just(0),
        st.integers(-1, 99),
        st.lists(session_rows, max_size=3, unique_by=lambda row: row.client).map(tuple),
        st.lists(st.sampled_from("efgh"), max_size=2).map(tuple),
    ),
)
commits = st.lists(st.lists(st.lists(writes, max_size=4), max_size=3), max_size=4)


class Model:
    """What dicts make of the same writes."""

    def __init__(self) -> None:
        self.log: dict[int, Entry] = {}
        self.state = PutState(Ballot.ZERO, 0, 0, CHAIN_START)
        self.sessions: dict[str, SessionRow] = {}
        self.horizon = -1

    def take(self, write: Write) -> None:
        match write:
            case PutVotes():
                self.log |= {write.first + i: Entry(write.ballot, v) for i, v in enumerate(write.values)}
            case PutEntries():
                self.log |= dict(enumerate(write.entries, write.first))
            case PutState():
                self.state = write
            case PutSessions():
                for client in write.evicted:
                    self.sessions.pop(client, None)
                self.sessions |= {row.client: row for row in write.changed}
                self.horizon = write.horizon

    def saved(self) -> DurableState:
        return DurableState(
            promised=self.state.promised,
            round=self.state.round,
            chain=self.state.chain,
            horizon=self.horizon,
            sessions=tuple(sorted(self.sessions.values(), key=lambda row: (row.last_slot, row.client))),
            votes=tuple(Vote(slot, e.ballot, e.value) for slot, e in sorted(self.log.items())),
        )


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lives=st.lists(commits, min_size=1, max_size=3))
def test_any_writes_over_several_lives_leave_what_dicts_would_hold(tmp_path_factory, lives):
    folder: Path = tmp_path_factory.mktemp("model") / "replica"
    model, committed = Model(), 0
    for life in lives:
        storage = Store.open(folder, cluster="c", name="n", replica=0)
        for batches in life:
            storage.commit(batches)
            committed += 1
            for write in (write for batch in batches for write in batch):
                model.take(write)
        storage.close()
        again = Store.open(folder, cluster="c", name="n", replica=0)
        saved, number = again.saved(), again.commit_number
        again.close()
        expected = model.saved()
        for field in ("promised", "round", "watermark", "chain", "horizon", "sessions", "votes"):
            assert getattr(saved, field) == getattr(expected, field)
        assert number == committed
