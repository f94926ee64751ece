"""Databases that were cut or in which bits flipped: never voted with or served, mended where possible."""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
from contextlib import closing

import pytest

from paxtui.client import ClientError
from tests.disks.conftest import stopped_with, until_held
from tests.replica.conditions import until
from tests.replica.processes import Replicas

pytestmark = pytest.mark.processes

TEXTS = [f"text number {number:03d}" for number in range(60)]


@pytest.fixture
def used(three: Replicas) -> Replicas:
    """Three replicas that have learned the same, of which the third has stopped in order."""
    three.start_all()
    three.until_led()
    three.append(*TEXTS)
    three.until_equal()
    stop(three, 2)
    return three


def stop(replicas: Replicas, replica: int) -> None:
    replicas.signal(replica, signal.SIGTERM)
    assert replicas.wait(replica) == 0


def logged(replicas: Replicas, replica: int) -> list[str]:
    return [entry.text for entry in replicas.log(replica) if entry.client]


def change(replicas: Replicas, statement: str) -> None:
    with closing(sqlite3.connect(replicas.data(2) / "replica.db")) as db:
        assert db.execute(statement).rowcount > 0
        db.commit()


def flip(replicas: Replicas, text: str) -> None:
    path = replicas.data(2) / "replica.db"
    content = bytearray(path.read_bytes())
    content[content.rindex(text.encode()) + 5] ^= 4
    path.write_bytes(content)


def test_a_database_cut_in_half_is_refused_and_an_empty_folder_brings_back_a_learner(used: Replicas) -> None:
    path = used.data(2) / "replica.db"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    used.start(2)
    stopped_with(used, 2, "replica.db: it is cut off", "come back as a learner without vote")
    used.append("two are enough")
    used.data(2).rename(used.folder / "away")
    used.start(2)
    until_held(used, 2, "comes back with another disk")
    used.until_equal()
    assert logged(used, 2) == [*TEXTS, "two are enough"]


def test_slots_in_which_a_bit_flipped_are_mended_before_the_replica_takes_part(used: Replicas) -> None:
    for text in (TEXTS[7], TEXTS[8], TEXTS[40]):
        flip(used, text)
    used.start(2)
    used.until_equal()
    assert logged(used, 2) == TEXTS
    used.until_said(2, "is damaged here; it is asked for from another replica")
    until(lambda: used.said(2, "is mended with what replica", 3), "three are mended")
    assert used.until_status(2).non_voting is None
    stop(used, 2)
    words = used.words(2)
    used.start(2)
    used.until_equal()
    assert "damaged" not in used.words(2)[len(words) :]


def test_a_slot_that_is_damaged_while_the_replica_runs_is_mended_when_it_is_read(used: Replicas) -> None:
    """The replica keeps what it applied in memory, and reads from disk what it had before it started."""
    used.start(2)
    used.until_equal()
    change(used, "UPDATE log SET text = 'another' WHERE slot = 30")
    assert logged(used, 2) == TEXTS
    used.until_said(2, "slot 30 is mended with what replica")


def test_a_damaged_slot_that_nobody_can_mend_now_is_told_and_the_replica_goes_on(used: Replicas) -> None:
    used.start(2)
    used.until_equal()
    for replica in (0, 1):
        used.kill(replica)
    change(used, "UPDATE log SET text = 'another' WHERE slot = 30")
    with pytest.raises(Exception, match=r"damaged at slot 30.*it is learned again from another replica"):
        logged(used, 2)
    assert used.alive(2)
    used.start_all()
    used.until_led()
    until(lambda: used.said(2, "slot 30 is mended"), "slot 30 is mended")
    assert logged(used, 2) == TEXTS


def test_a_damaged_vote_makes_the_replica_a_learner(used: Replicas) -> None:
    with closing(sqlite3.connect(used.data(2) / "replica.db")) as db:
        (watermark,) = db.execute("SELECT watermark FROM state").fetchone()
        db.execute("INSERT INTO log VALUES (?, 1, 0, 'ada', 1, 'a vote', 77)", (watermark,))
        db.commit()
    used.start(2)
    until_held(used, 2, f"its vote in slot {watermark}: its checksum does not match")
    used.append("and on")
    used.until_equal()
    assert logged(used, 2) == [*TEXTS, "and on"]


def test_a_damaged_promise_makes_an_empty_learner_and_keeps_the_old_database(used: Replicas) -> None:
    change(used, "UPDATE state SET promised_round = 0")
    used.start(2)
    until_held(used, 2, "its database was damaged at table state")
    assert (used.data(2) / "replica.db.damaged-1").exists()
    used.append("and on")
    used.until_equal()
    assert logged(used, 2) == [*TEXTS, "and on"]
    used.kill(2)
    used.start(2)
    until_held(used, 2, "its database was damaged at table state")


@pytest.mark.parametrize("seed", range(5))
def test_whatever_bit_flips_nothing_wrong_is_served_or_voted(used: Replicas, seed: int) -> None:
    """It is mended, held, without effect, or refused in a line: never another text than was acknowledged."""
    rng = random.Random(seed)
    path = used.data(2) / "replica.db"
    content = bytearray(path.read_bytes())
    for _ in range(rng.choice((1, 1, 5, 30))):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
    used.start(2)
    used.append("meanwhile")
    expected = [*TEXTS, "meanwhile"]
    until(lambda: not used.alive(2) or used.status(2) is not None, "it has started or refused to")
    if used.alive(2):
        until(lambda: not used.alive(2) or _reaches(used, expected), "it serves all, or stops")
    if not used.alive(2):
        stopped_with(used, 2, "replica.db")
        shutil.rmtree(used.data(2))
        used.start(2)
    used.until_equal()
    assert logged(used, 2) == expected


def _reaches(replicas: Replicas, expected: list[str]) -> bool:
    try:
        found = logged(replicas, 2)
    except ClientError:  # it may stop while it is asked
        return False
    assert found == expected[: len(found)]
    return found == expected
