"""Rows that are not what was stored: never served, never voted with; what can be learned again is mended."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paxtui.core.ballot import Ballot
from paxtui.core.durable_state import CHAIN_START
from paxtui.core.output import PutNonVoting, PutState, PutVotes
from paxtui.core.values import Command, Entry
from paxtui.storage import schema
from paxtui.storage.errors import SlotDamaged, StorageFailed, StorageRefused
from paxtui.storage.offline import OfflineLog
from paxtui.storage.rows import Peer, StorageIdentity, seal
from tests.storage.conftest import command

Damage = Callable[[Path], None]


@pytest.fixture
def used(folder, open_storage, learned) -> Path:
    """A folder in which ten slots were learned and two more voted for, closed."""
    storage = open_storage()
    storage.commit([learned(0, 10)])
    votes = PutVotes(Ballot(1, 0), 10, (Command("bob", 1, "voted A"), Command("bob", 2, "voted B")))
    storage.commit([(votes,)])
    storage.remember_peers({1: Peer("1" * 32, 40)})
    storage.close()
    return folder


def change(statement: str) -> Damage:
    """What a bit cannot do alone: whole rows that are gone, or elsewhere."""

    def damage(folder: Path) -> None:
        db = sqlite3.connect(folder / "replica.db")
        assert db.execute(statement).rowcount == 1
        db.commit()
        db.close()

    return damage


def flip(text: bytes, by: int = 1) -> Damage:
    def damage(folder: Path) -> None:
        content = bytearray((folder / "replica.db").read_bytes())
        content[content.rindex(text) + 6] ^= by
        (folder / "replica.db").write_bytes(content)

    return damage


LEARNED = [
    (flip(b"message 000004"), 4, "its checksum does not match"),
    (flip(b"message 000004", 0xFF), 4, "its checksum does not match"),  # no UTF-8 any more
    (change("DELETE FROM log WHERE slot = 6"), 6, "its row is missing"),
    (change("UPDATE log SET checksum = checksum + 1 WHERE slot = 0"), 0, "its checksum does not match"),
]


@pytest.mark.parametrize(("damage", "slot", "words"), LEARNED)
def test_a_damaged_learned_slot_is_not_served_and_the_slots_before_it_are(
    used, open_storage, damage, slot, words
):
    damage(used)
    storage = open_storage()
    if slot:
        assert len(storage.read(0, 10, 10_000)[0]) == slot
    for _ in range(2):  # it stays so, and nothing else is the worse for it
        with pytest.raises(SlotDamaged, match=rf"replica\.db: damaged at slot {slot}: {words}") as caught:
            storage.read(slot, 10, 10_000)
        assert caught.value.slot == slot
        assert len(storage.read(slot + 1, 100, 10_000)[0]) == 9 - slot
    assert storage.non_voting is None


@pytest.mark.parametrize(("damage", "slot", "words"), LEARNED)
def test_a_damaged_learned_slot_is_not_replayed(used, open_storage, damage, slot, words):
    damage(used)
    saved = open_storage().saved()
    applied = []
    with pytest.raises(SlotDamaged, match=f"slot {slot}: {words}"):
        applied += saved.replay
    assert (saved.non_voting, len(saved.votes)) == (None, 2)


def test_a_mended_slot_is_there_for_good(used, open_storage, learned):
    flip(b"message 000004")(used)
    storage = open_storage()
    storage.mend({4: Entry(Ballot(2, 1), command(4))})
    entries, _ = storage.read(0, 10, 10_000)
    assert [entry.value for entry in entries] == [command(slot) for slot in range(10)]
    storage.close()
    assert len(list(open_storage().saved().replay)) == 10


def test_only_learned_slots_are_mended(used, open_storage):
    storage = open_storage()
    with pytest.raises(ValueError, match="only what is learned"):
        storage.mend({9: Entry(Ballot(1, 0), command(9)), 10: Entry(Ballot(1, 0), command(10))})
    assert storage.saved().votes[0].value.text == "voted A"


@pytest.mark.parametrize(
    ("damage", "slot"),
    [
        (flip(b"voted B"), 11),
        (change("UPDATE log SET round = 9 WHERE slot = 10"), 10),
        (change("UPDATE log SET slot = 99 WHERE slot = 11"), 99),
    ],
)
def test_a_damaged_vote_makes_a_learner_without_vote_for_good(used, open_storage, learned, damage, slot):
    damage(used)
    storage = open_storage()
    saved = storage.saved()
    assert saved.votes == ()
    assert saved.non_voting is not None
    assert saved.non_voting.startswith(f"its vote in slot {slot}: its checksum does not match")
    storage.commit([learned(10, 12)])
    storage.close()
    again = open_storage()
    assert (again.non_voting, again.saved().votes, again.committed_watermark) == (saved.non_voting, (), 12)


STATE = [
    change("UPDATE state SET promised_round = promised_round + 1"),
    change("DELETE FROM state"),
    change("UPDATE non_voting SET reason = 'no'"),
    change("DELETE FROM non_voting"),
]


@pytest.mark.parametrize("damage", STATE)
def test_a_damaged_promise_makes_an_empty_disk_that_is_held_and_keeps_the_old_one(used, open_storage, damage):
    old = open_storage()
    storage_id = old.storage_id
    old.close()
    damage(used)
    before = (used / "replica.db").read_bytes()
    storage = open_storage()
    assert storage.non_voting is not None
    assert "damaged at table" in storage.non_voting
    assert storage.storage_id != storage_id
    assert (storage.saved().watermark, storage.saved().chain) == (0, CHAIN_START)
    assert storage.peers() == {1: Peer("1" * 32, 40)}  # what it knows of others may still stop one of them
    assert (used / "replica.db.damaged-1").read_bytes() == before
    assert any("it is kept as replica.db.damaged-1" in note for note in storage.notes)
    storage.close()
    again = open_storage()
    assert (again.non_voting, again.notes) == (storage.non_voting, [])


def test_a_second_damaged_state_does_not_overwrite_the_first(used, open_storage):
    for number in (1, 2):
        change("UPDATE state SET round = 77")(used)
        open_storage().close()
        assert (used / f"replica.db.damaged-{number}").exists()


@pytest.mark.parametrize("upto", ["link", "create", "mark"])
def test_a_start_that_is_killed_while_it_puts_a_database_aside_never_leaves_one_that_votes(
    used, open_storage, monkeypatch, tmp_path, upto
):
    change("UPDATE state SET round = 77")(used)
    original = schema.create

    def create(*arguments: Any) -> None:
        if upto == "create":
            original(*arguments)
        raise KeyboardInterrupt

    def rename(path: Path, target: object) -> None:
        if path.name == "mark":
            raise KeyboardInterrupt
        os.rename(path, str(target))

    if upto == "mark":
        monkeypatch.setattr(Path, "rename", rename)
    else:
        monkeypatch.setattr(schema, "create", create)
    with pytest.raises(KeyboardInterrupt):
        open_storage()
    monkeypatch.undo()
    assert open_storage().non_voting is not None


def test_a_hold_is_in_the_commit_that_asks_for_it(open_storage):
    storage = open_storage()
    storage.commit([(PutNonVoting("it lost its disk"), PutState(Ballot(3, 1), 2, 0, CHAIN_START))])
    assert storage.non_voting == "it lost its disk"
    storage.close()
    saved = open_storage().saved()
    assert (saved.non_voting, saved.promised) == ("it lost its disk", Ballot(3, 1))


def test_an_older_copy_of_a_held_disk_is_no_worse_and_is_taken(open_storage, folder, tmp_path, learned):
    storage = open_storage()
    storage.become_learner("it lost its disk")
    storage.close()
    shutil.copy(folder / "replica.db", tmp_path / "old.db")
    storage = open_storage()
    storage.commit([learned(0, 5)])
    storage.close()
    shutil.copy(tmp_path / "old.db", folder / "replica.db")
    again = open_storage()
    assert (again.non_voting, again.committed_watermark) == ("it lost its disk", 0)


# Formats


def set_version(db: sqlite3.Connection, version: int) -> None:
    identity = StorageIdentity(*db.execute("SELECT * FROM identity").fetchone()[:6])._replace(version=version)
    db.execute("UPDATE identity SET version = ?, checksum = ?", (version, seal("identity", *identity.row())))


@pytest.fixture
def of_format_2(used) -> Path:
    """The folder as a paxtui that removed nothing left it."""
    db = sqlite3.connect(used / "replica.db", isolation_level=None)
    for table in ("log_start", "checkpoints", "checkpoint_sessions"):
        db.execute(f"DROP TABLE {table}")
    db.execute("ALTER TABLE non_voting RENAME TO held")
    db.execute("ALTER TABLE peers RENAME COLUMN non_voting TO held")
    set_version(db, 2)
    db.close()
    return used


@pytest.fixture
def of_format_1(of_format_2) -> Path:
    """The folder as the first version of paxtui left it."""
    used = of_format_2
    db = sqlite3.connect(used / "replica.db", isolation_level=None)
    db.execute("DROP TABLE held")
    db.execute("DROP TABLE peers")
    db.execute("CREATE TABLE peers (replica INTEGER PRIMARY KEY, storage_id TEXT, checksum INTEGER)")
    db.execute("INSERT INTO peers VALUES (?, ?, ?)", (1, "1" * 32, seal("peers", 1, "1" * 32)))
    set_version(db, 1)
    db.close()
    return used


def test_an_older_format_is_brought_up_to_date_and_a_copy_of_it_is_kept(of_format_1, open_storage):
    storage = open_storage()
    assert (storage.committed_watermark, len(storage.saved().votes), storage.non_voting) == (10, 2, None)
    assert storage.peers() == {1: Peer("1" * 32, 0, "")}
    (note,) = storage.notes
    assert "a copy of the old one is replica.db.format-1" in note
    storage.close()
    assert open_storage().notes == []
    copy = sqlite3.connect(of_format_1 / "replica.db.format-1")
    assert copy.execute("SELECT version FROM identity").fetchone() == (1,)
    assert copy.execute("SELECT count(*) FROM log").fetchone() == (12,)
    copy.close()


def test_a_format_in_which_nothing_is_removed_is_brought_up_to_date_and_a_copy_is_kept(
    of_format_2, open_storage
):
    storage = open_storage()
    saved = storage.saved()
    assert (saved.watermark, len(saved.votes), storage.peers()) == (10, 2, {1: Peer("1" * 32, 40)})
    assert (storage.log_start, saved.log_start, saved.checkpoints) == (0, 0, ())
    (note,) = storage.notes
    assert "has format 4 now; a copy of the old one is replica.db.format-2" in note
    storage.close()
    assert open_storage().notes == []
    copy = sqlite3.connect(of_format_2 / "replica.db.format-2")
    assert copy.execute("SELECT version FROM identity").fetchone() == (2,)
    assert copy.execute("SELECT count(*) FROM sqlite_master WHERE name = 'marks'").fetchone() == (0,)
    assert copy.execute("SELECT count(*) FROM log").fetchone() == (12,)
    copy.close()


def test_a_log_of_an_older_format_can_be_read_without_its_replica(of_format_2):
    with OfflineLog.open(of_format_2) as log:
        assert (log.log_start, log.verify().ok, len(list(log.entries(0, 10)))) == (0, True, 10)


def test_an_older_format_that_went_back_in_time_is_refused_before_it_is_touched(of_format_1, open_storage):
    change("UPDATE state SET commit_number = commit_number")(of_format_1)
    mark = (of_format_1 / "mark").read_bytes()
    other = of_format_1.parent / "newer"
    shutil.copytree(of_format_1, other)
    storage = open_storage(other)
    storage.commit([()])
    storage.close()
    (of_format_1 / "mark").write_bytes((other / "mark").read_bytes())
    with pytest.raises(StorageRefused, match="went back in time"):
        open_storage()
    assert not (of_format_1 / "replica.db.format-1").exists()
    (of_format_1 / "mark").write_bytes(mark)
    assert open_storage().committed_watermark == 10


# Files


@pytest.mark.parametrize("name", ["replica.db", "replica.db-wal", "mark"])
@pytest.mark.parametrize("how", ["deleted", "replaced"])
@pytest.mark.parametrize("idle", [True, False])
def test_a_file_that_is_taken_away_is_noticed_with_its_name(open_storage, folder, learned, name, how, idle):
    storage = open_storage()
    storage.commit([learned(0, 3)])
    storage.look()
    (folder / name).rename(folder / "elsewhere")
    if how == "replaced":
        shutil.copy(folder / "elsewhere", folder / name)
    with pytest.raises(StorageFailed, match=rf"{name}: commit failed: was {how} while the replica runs"):
        storage.look() if idle else storage.commit([learned(3, 4)])
