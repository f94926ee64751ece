"""A replica that lost its disk, or whose disk went back in time, learns, serves reads, and never votes."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from paxtui.client.errors import Failed, Unknown
from paxtui.storage.store import Store
from tests.disks.conftest import until_held
from tests.replica.conditions import until
from tests.replica.processes import PAXTUI, Replicas

pytestmark = pytest.mark.processes


def wipe(replicas: Replicas, replica: int) -> None:
    shutil.rmtree(replicas.data(replica))


def texts(replicas: Replicas, replica: int) -> list[str]:
    return [entry.text for entry in replicas.log(replica) if entry.client]


def promised(replicas: Replicas, replica: int) -> str:
    return str(replicas.promised_on_disk(replica))


@pytest.mark.parametrize("victim", ["leader", "follower"])
def test_a_replica_whose_folder_is_gone_is_held_and_learns_while_the_others_go_on(
    three: Replicas, victim: str
) -> None:
    three.start_all()
    until_acquainted(three)
    leader = three.until_led()
    three.append("one", "two")
    lost = leader if victim == "leader" else (leader + 1) % 3
    three.kill(lost)
    wipe(three, lost)
    three.start(lost)
    until_held(three, lost, "comes back with another disk")
    assert three.append("three") == [2]
    three.until_equal()
    assert texts(three, lost) == ["one", "two", "three"]
    three.until_said(lost, "ERROR: this replica is a learner without vote: replica")
    three.until_said(lost, "needs a membership entry in the log, which is a later step")
    assert promised(three, lost) == "0.0"
    three.until_status(lost)
    with pytest.raises(Failed, match="is a learner without vote"):
        three.do(three.operator.elect, lost)

    # After a restart it knows without being told.
    three.kill(lost)
    others = [replica for replica in range(3) if replica != lost]
    three.start(lost)
    until_held(three, lost, "comes back with another disk")

    # One of two voters goes: nobody votes in its place, and nobody lies.
    three.kill(others[0])
    with pytest.raises((Unknown, Failed)):
        three.append("needs a majority", timeout_s=2.0)
    assert promised(three, lost) == "0.0"
    # What was learned last may not have been on disk; then it is learned again.
    until(lambda: texts(three, lost)[:3] == ["one", "two", "three"], "it has what it had")
    three.start(others[0])
    three.until_led()
    assert three.append("four")[0] >= 3
    three.until_equal()


def test_a_disk_that_was_only_elsewhere_votes_again(three: Replicas) -> None:
    three.start_all()
    until_acquainted(three)
    three.append("before")
    three.kill(2)
    three.data(2).rename(three.folder / "newest")
    three.start(2)
    until_held(three, 2, "comes back with another disk")
    three.kill(2)
    wipe(three, 2)
    (three.folder / "newest").rename(three.data(2))
    three.start(2)
    three.until_equal()
    assert three.until_status(2).non_voting is None
    three.kill(0)
    three.until_led()
    assert three.append("its vote counts")[0] > 0


def test_a_folder_copied_back_from_an_earlier_time_is_held(three: Replicas) -> None:
    three.start_all()
    until_acquainted(three)
    three.append("old")
    three.until_equal()
    three.kill(2)
    shutil.copytree(three.data(2), three.folder / "old", copy_function=shutil.copy2)
    three.start(2)
    for each in range(20):
        three.append(f"new {each}")
    three.until_equal()
    old = number(three.folder / "old", "SELECT commit_number FROM state")
    until(lambda: all(known(three, other) > old for other in (0, 1)), "the others have it on disk")
    three.kill(2)
    wipe(three, 2)
    shutil.copytree(three.folder / "old", three.data(2), copy_function=shutil.copy2)
    three.start(2)
    until_held(three, 2, "the disk of replica 2 went back in time (it is at commit")
    three.append("and on")
    three.until_equal()
    assert texts(three, 2) == ["old", *(f"new {each}" for each in range(20)), "and on"]

    # However far it comes, also when all of them start anew.
    three.append(*(f"more {each}" for each in range(40)))
    three.until_equal()
    for replica in range(3):
        three.kill(replica)
    three.start_all()
    until_held(three, 2, "went back in time")
    three.append("still")


def number(folder: Path, question: str) -> int:
    with closing(sqlite3.connect(f"file:{folder / 'replica.db'}?mode=ro", uri=True)) as db:
        return int(db.execute(question).fetchone()[0])


def until_acquainted(replicas: Replicas) -> None:
    """Wait until a leader is there, and everybody has the disk of everybody on record: a disk that some
    replica never saw is to it like any other, also when it comes back."""
    replicas.until_led()
    count = "SELECT count(*) FROM peers"
    everybody = range(replicas.cluster.n)
    until(
        lambda: all(number(replicas.data(each), count) == replicas.cluster.n - 1 for each in everybody),
        "everybody knows everybody's disk",
    )


def known(replicas: Replicas, other: int) -> int:
    """What ``other`` has on disk about replica 2."""
    return number(replicas.data(other), "SELECT commits FROM peers WHERE replica = 2")


def test_two_of_five_may_lose_their_disks(five: Replicas) -> None:
    five.start_all()
    until_acquainted(five)
    five.append("one")
    lost = (0, 1)
    for replica in lost:
        five.kill(replica)
    for replica in lost:
        wipe(five, replica)
        five.start(replica)
    for replica in lost:
        until_held_by_voters(five, replica, (2, 3, 4))
    assert five.append("two")[0] >= 1
    five.until_equal()
    assert [promised(five, replica) for replica in lost] == ["0.0", "0.0"]


def until_held_by_voters(replicas: Replicas, replica: int, voters: tuple[int, ...]) -> None:
    def held() -> bool:
        sightings = replicas.sightings()
        status = replicas.status(replica)
        reports = [sightings[voter].report for voter in voters]
        return (
            status is not None
            and status.role == "non-voting"
            and all(report is not None and replica in dict(report.non_voting_peers) for report in reports)
        )

    until(held, f"r{replica} has no vote, say {voters}")


def test_a_second_lost_disk_of_three_leaves_no_majority_and_nothing_lies(three: Replicas) -> None:
    three.start_all()
    until_acquainted(three)
    three.append("acknowledged")
    three.until_equal()
    for replica in (0, 1):
        three.kill(replica)
        wipe(three, replica)
        three.start(replica)
    for replica in (0, 1):
        until_held_by_voters(three, replica, (2,))
    with pytest.raises((Unknown, Failed)):
        three.append("nobody can choose this", timeout_s=3.0)
    for replica in range(3):
        assert three.until_status(replica).role != "leader"
    # What was acknowledged is still there, on the one that kept it, and is never contradicted.
    assert texts(three, 2) == ["acknowledged"]
    assert all(texts(three, replica) in ([], ["acknowledged"]) for replica in (0, 1))


def test_an_empty_replica_takes_no_part_before_the_others_have_let_it_in(three: Replicas) -> None:
    """The one that is up remembers nothing of it: it is new here. So it waits for the third, which does."""
    three.start_all("--warm-up", "all")
    until_acquainted(three)
    three.append("one")
    three.kill(2)
    three.kill(0)
    wipe(three, 2)
    three.start(2, "--warm-up", "all")
    until_held_by_voters(three, 2, (1,))
    three.start(0)
    three.until_led()
    three.append("two")
    three.until_equal()


def test_a_held_disk_may_not_be_opened_as_one_with_a_vote(three: Replicas) -> None:
    three.start_all()
    until_acquainted(three)
    three.kill(2)
    wipe(three, 2)
    three.start(2)
    until_held(three, 2, "another disk")
    three.kill(2)
    storage = Store.open(three.data(2), cluster=three.cluster.digest, name=three.cluster.name, replica=2)
    assert "another disk" in str(storage.non_voting)
    assert "another disk" in str(storage.saved().non_voting)
    storage.close()


def test_status_says_who_is_held_and_why(three: Replicas) -> None:
    three.start_all()
    until_acquainted(three)
    three.kill(2)
    wipe(three, 2)
    three.start(2)
    until_held(three, 2, "another disk")

    def told() -> bool:
        """Both in one look; a replica that does not answer in time on a busy machine is looked at again."""
        lines = status(three)
        (row,) = [line for line in lines if line.startswith("r2 ")]
        return row.split()[1] == "non-voting" and says(
            lines, "NON-VOTING: r2 is a learner without vote: replica "
        )

    until(told, "status says it")
    three.kill(2)
    words = "NON-VOTING: r2 is a learner without vote: r0 says: replica 2 comes back with"
    until(lambda: says(status(three), words), "another one says it")


def says(lines: list[str], words: str) -> bool:
    """Whether one of the lines below the table begins so; another one may tell how many more may fail."""
    return any(line.startswith(words) for line in lines)


def status(replicas: Replicas) -> list[str]:
    done = subprocess.run(
        [*PAXTUI, "status", "--config", str(replicas.config)], capture_output=True, text=True, check=False
    )
    return done.stdout.splitlines()
