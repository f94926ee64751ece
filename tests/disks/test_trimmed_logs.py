"""Replicas that are killed while the log is trimmed, and while they give or take another one's state."""

from __future__ import annotations

import shutil
import signal

import pytest
from msgspec import structs

from paxtui.config import cluster_file
from paxtui.config.retention import Retention
from paxtui.storage.offline import OfflineLog
from paxtui.wire import faults as f
from tests.disks.conftest import until_held
from tests.replica.conditions import until
from tests.replica.processes import Replicas

pytestmark = pytest.mark.processes


@pytest.fixture
def trimmed(three: Replicas) -> Replicas:
    """They keep the last sixteen slots and a little more."""
    three.cluster = structs.replace(three.cluster, keep=Retention(slots=16))
    three.config.write_text(cluster_file.to_toml(three.cluster))
    return three


def log_start(replicas: Replicas, replica: int) -> int:
    status = replicas.status(replica)
    return 0 if status is None else status.log_start


def append_until(replicas: Replicas, done: object, acked: dict[str, int]) -> None:
    """Append one message after the other until something has happened."""

    def one() -> bool:
        text = f"message {len(acked)}"
        (acked[text],) = replicas.append(text)
        return bool(done())  # type: ignore[operator]

    until(one, "it has happened")


def judge(replicas: Replicas, acked: dict[str, int]) -> None:
    """All logs are equal and whole, and hold what was acknowledged, once, as far as it is kept."""
    for replica in range(3):
        if not replicas.alive(replica):
            replicas.start(replica)
    replicas.until_led()
    append_until(replicas, lambda: len({log_start(replicas, r) for r in range(3)} - {0}) == 1, acked)
    entries = replicas.until_equal()
    texts = [entry.text for entry in entries if entry.is_message]
    assert len(texts) == len(set(texts))
    assert {text for text, slot in acked.items() if slot >= entries[0].slot} <= set(texts)
    for replica in range(3):
        replicas.signal(replica, signal.SIGTERM)
        assert replicas.wait(replica) == 0
        with OfflineLog.open(replicas.data(replica)) as log:
            found = log.verify()
            assert found.ok, found.problem
            assert 0 < log.log_start <= entries[0].slot


@pytest.mark.parametrize("event", ["checkpointed", "trimmed"])
@pytest.mark.parametrize("victim", ["leader", "follower"])
def test_a_replica_killed_as_the_log_is_trimmed_forgets_nothing(
    trimmed: Replicas, event: str, victim: str
) -> None:
    trimmed.start_all()
    leader = trimmed.until_led()
    killed = leader if victim == "leader" else (leader + 1) % 3
    trimmed.do(trimmed.operator.inject, killed, f.CrashReplica(), when=f.Trigger(event))
    acked: dict[str, int] = {}
    append_until(trimmed, lambda: not trimmed.alive(killed), acked)
    trimmed.wait(killed)
    judge(trimmed, acked)


def test_who_lost_its_disk_takes_the_state_of_a_trimmed_log_in_all_its_pages(trimmed: Replicas) -> None:
    """Each append is a client of its own, and a page has room for the answers of 64."""
    trimmed.start_all()
    leader = trimmed.until_led()
    acked: dict[str, int] = {}
    append_until(trimmed, lambda: log_start(trimmed, leader) > 100, acked)
    trimmed.until_equal()
    lost = (leader + 1) % 3
    trimmed.kill(lost)
    shutil.rmtree(trimmed.data(lost))
    trimmed.start(lost)
    until_held(trimmed, lost, "comes back with another disk")
    trimmed.until_said(lost, "goes on from another replica's state")
    trimmed.until_equal()


@pytest.mark.parametrize("event", ["snapshot-asked", "snapshot-taken", "snapshot-sent"])
def test_a_replica_killed_as_it_gives_or_takes_a_state_forgets_nothing(trimmed: Replicas, event: str) -> None:
    trimmed.start_all()
    leader = trimmed.until_led()
    behind = (leader + 1) % 3
    acked: dict[str, int] = {}
    append_until(trimmed, lambda: len(acked) >= 5, acked)
    trimmed.until_equal()
    trimmed.do(trimmed.operator.inject, behind, f.Cut(-1))
    for other in {0, 1, 2} - {behind}:
        trimmed.do(trimmed.operator.inject, other, f.Cut(behind))
    watermark = trimmed.until_status(behind).watermark
    append_until(trimmed, lambda: log_start(trimmed, leader) > watermark, acked)
    # Whoever of the others leads by then gives its state: the lead may have passed on.
    victims = {0, 1, 2} - {behind} if event == "snapshot-sent" else {behind}
    for victim in victims:
        trimmed.do(trimmed.operator.inject, victim, f.CrashReplica(), when=f.Trigger(event))
    for fault in trimmed.do(trimmed.operator.faults):
        if isinstance(fault.fault, f.Cut):
            trimmed.do(trimmed.operator.undo, fault.number)
    until(lambda: not all(map(trimmed.alive, victims)), "one is killed")
    trimmed.do(trimmed.operator.heal)
    for victim in victims:
        if not trimmed.alive(victim):
            trimmed.wait(victim)
    judge(trimmed, acked)
