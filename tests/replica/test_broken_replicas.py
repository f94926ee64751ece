"""Replicas of a real cluster break one after the other; the rest goes on, and nothing is forgotten."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trio

from paxtui.client import ClientError, Log, connect
from paxtui.core.ballot import Ballot
from paxtui.core.settings import Settings
from paxtui.wire import faults as f
from tests.replica.conditions import eventually, until
from tests.replica.processes import Replicas


class Cluster(Replicas):
    """Three replicas with records, and what clients were told, over all tests of this file."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 3, Settings(sessions_max=12, checkpoint_slots=16, hole_timeout_s=0.1))
        self.told: dict[str, int] = {}
        self._texts = 0

    def record(self, replica: int) -> Path:
        return self.folder / f"record-{replica}.jsonl"

    def start(self, replica: int, *arguments: str) -> None:
        super().start(replica, *arguments, "--allow-faults", "--record", str(self.record(replica)))

    def whole(self) -> int:
        """All run, no fault acts; the leader."""
        self.start_all()
        leader = self.until_led()
        self.do(self.operator.heal)
        return leader

    async def note(self, log: Log, timeout_s: float = 5.0) -> None:
        """Append something new and remember what was told."""
        self._texts += 1
        text = f"text {self._texts}"
        done = await log.append(text, timeout_s=timeout_s)
        self.told[text] = done.slot

    def append_some(self, count: int = 3) -> None:
        async def run() -> None:
            async with connect(self.cluster) as log:
                done = 0
                while done < count:
                    try:
                        await self.note(log, 30)
                    except ClientError as error:
                        # With room for 12 sessions, one that a replica behind the others issued is too old.
                        if "session expired" not in str(error):
                            raise
                    else:
                        done += 1

        trio.run(run)

    def check_logs(self) -> None:
        """All logs are equal, and what was told is in them, in that slot, once."""
        log = self.until_equal()
        slots: dict[str, int] = {}
        for entry in log:
            if entry.is_message:
                assert entry.text not in slots, "applied twice"
                slots[entry.text] = entry.slot
        assert {text: slots.get(text) for text in self.told} == self.told


@pytest.fixture(scope="module")
def module_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("broken"))
    yield cluster
    cluster.close()


@pytest.fixture
def cluster(module_cluster: Cluster) -> Cluster:
    module_cluster.whole()
    return module_cluster


# The disk


@pytest.mark.processes
@pytest.mark.parametrize(
    ("fault", "words", "who"),
    [(f.DiskError(), "Input/output error", 0), (f.FullDisk(), "No space left on device", 1)],
    ids=["a disk error at the leader", "a full disk at a follower"],
)
def test_a_disk_that_fails_stops_its_replica_at_once_and_the_rest_goes_on(
    cluster: Cluster, fault: f.AnyFault, words: str, who: int
) -> None:
    victim = (cluster.until_led() + who) % 3
    said = len(cluster.words(victim))
    cluster.append_some()
    cluster.do(cluster.operator.inject, victim, fault)
    cluster.append_some()
    assert cluster.wait(victim) == 4
    lines = [line for line in cluster.words(victim)[said:].splitlines() if "ERROR" in line]
    assert len(lines) == 1, lines
    assert f"{cluster.data(victim)}/replica.db: commit failed: {words} (injected)" in lines[0]
    assert "Traceback" not in cluster.words(victim)
    cluster.append_some()
    cluster.start(victim)
    cluster.check_logs()


# Time


@pytest.mark.processes
def test_a_pause_is_answered_first_and_ends_by_itself(cluster: Cluster) -> None:
    victim = cluster.until_led()
    pid = cluster.pid(victim)

    def stopped() -> bool:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    number = cluster.do(cluster.operator.inject, victim, f.Pause(3.0))
    assert isinstance(number, int)
    until(stopped, "the process is stopped")
    cluster.append_some()
    until(lambda: not stopped(), "it goes on")
    cluster.check_logs()
    until(lambda: cluster.do(cluster.operator.faults) == [], "no fault is left")


@pytest.mark.processes
def test_a_fault_ends_when_its_time_is_over(cluster: Cluster) -> None:
    leader = cluster.until_led()
    cluster.do(cluster.operator.inject, leader, f.Cut(-1), for_s=0.5)
    cluster.append_some()
    until(lambda: cluster.do(cluster.operator.faults) == [], "no fault is left")
    cluster.until_said(leader, "its time is over: cut")
    cluster.check_logs()


@pytest.mark.processes
def test_a_process_that_died_leaves_no_fault_behind(cluster: Cluster) -> None:
    victim = cluster.until_led()
    cluster.do(cluster.operator.inject, victim, f.SlowDisk(5))
    assert cluster.do(cluster.operator.inject, victim, f.CrashReplica()) is None
    assert cluster.wait(victim) == -9
    cluster.start(victim)
    cluster.check_logs()
    assert cluster.do(cluster.operator.faults) == []


# SIGKILL at every kind of event. A crash strikes as the event is emitted: before the writes and messages
# that were decided with it have left.

Provoke = Callable[["Scene"], Awaitable[None]]


class Scene:
    """A leader, the replica that is to die, and the third."""

    def __init__(self, cluster: Cluster, leader: int, victim: int) -> None:
        self.cluster = cluster
        self.operator = cluster.operator
        self.leader = leader
        self.victim = victim
        self.other = next(id for id in range(3) if id not in (victim, leader))
        self.follower = victim if victim != leader else self.other

    async def restore(self) -> None:
        """Give the lead back to the leader: on a busy machine it may pass on by itself, and what is waited
        for happens at the leader alone."""
        sightings = await self.operator.status()
        leaders = {each.report.status.leader for each in sightings if each.report and each.report.status}
        if leaders - {self.leader, None}:
            with suppress(ClientError):
                await self.operator.elect(self.leader)

    async def append(self) -> None:
        async with connect(self.cluster.cluster) as log, trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(self._append, log)

    async def _append(self, log: Log) -> None:
        with suppress(ClientError):
            await self.cluster.note(log)


async def append(scene: Scene) -> None:
    """Each time with a new session, so that old ones are evicted."""
    await scene.append()


async def read(scene: Scene) -> None:
    async with connect(scene.cluster.cluster) as log:
        await log.read(timeout_s=5)


async def elect_victim(scene: Scene) -> None:
    await scene.operator.elect(scene.victim)


async def elect_victim_and_repeat_everything(scene: Scene) -> None:
    for replica in (scene.leader, scene.other):
        await scene.operator.inject(replica, f.Duplicate(-1, 100), for_s=5)
    await scene.operator.elect(scene.victim)
    await scene.append()


async def elect_another(scene: Scene) -> None:
    """Whoever of the two does not lead: a Prepare may be lost, and then another election must follow."""
    try:
        await scene.operator.elect(scene.other)
    except ClientError:
        await scene.operator.elect(scene.leader)


async def elect_in_secret(scene: Scene) -> None:
    """The leader does not hear of the election, so it goes on, and is refused."""
    await scene.operator.inject(scene.follower, f.Cut(scene.leader), for_s=2)
    await scene.operator.elect(scene.follower)
    await scene.append()


async def leave_only_the_victim(scene: Scene) -> None:
    """Only the victim's proposer works."""
    for replica in {scene.leader, scene.other} - {scene.victim}:
        await scene.operator.inject(replica, f.CrashProposer(), for_s=2)
    await trio.sleep(0.3)


async def leave_only_another(scene: Scene) -> None:
    for replica in {scene.leader, scene.victim}:
        await scene.operator.inject(replica, f.CrashProposer(), for_s=2)
    await trio.sleep(0.3)


async def elect_by_the_victims_word(scene: Scene) -> None:
    """Nobody but the victim can promise the candidate anything, and its disk is slow: a promise that left
    early would be followed by the candidate's proposals long before it is on disk."""
    await scene.operator.inject(scene.victim, f.SlowDisk(200))
    await scene.operator.cut(scene.other, scene.leader, for_s=5)
    await scene.operator.elect(scene.other)
    await scene.append()


async def skip(scene: Scene) -> None:
    await scene.operator.inject(scene.leader, f.SkipSlot())
    await scene.append()


async def fall_behind(scene: Scene) -> None:
    number = await scene.operator.inject(scene.leader, f.Cut(scene.follower), for_s=5)
    await scene.append()
    assert number is not None
    await scene.operator.undo(number)
    await scene.append()


async def crash_and_restore_proposer(scene: Scene) -> None:
    number = await scene.operator.inject(scene.victim, f.CrashProposer())
    assert number is not None
    await scene.operator.undo(number)


KILLS: list[tuple[str, str, Provoke]] = [
    *[(event, "leader", append) for event in ("proposed", "accept-sent", "voted", "accepted-received")],
    *[(event, "leader", append) for event in ("chosen-seen", "learned", "applied-to", "session-evicted")],
    *[(event, "follower", append) for event in ("voted", "learned", "applied-to")],
    *[(event, "follower", elect_victim) for event in ("round-taken", "prepare-sent", "promised")],
    *[(event, "follower", elect_victim) for event in ("promise-received", "elected")],
    ("message-dropped", "follower", elect_victim_and_repeat_everything),
    *[(event, "follower", elect_another) for event in ("promised", "leader-heard")],
    ("stepped-down", "leader", elect_another),
    ("voted", "follower", elect_by_the_victims_word),
    ("nack-sent", "follower", elect_in_secret),
    ("nack-received", "leader", elect_in_secret),
    *[(event, "follower", leave_only_the_victim) for event in ("election-timeout", "pre-vote-asked")],
    ("pre-vote-answered", "leader", leave_only_another),
    ("slot-skipped", "leader", skip),
    ("catch-up-asked", "follower", fall_behind),
    ("entries-sent", "leader", fall_behind),
    ("read-confirmed", "leader", read),
    ("proposer-crashed", "leader", crash_and_restore_proposer),
    ("proposer-restored", "follower", crash_and_restore_proposer),
]
NOT_HERE = {"restored", "suppressed", "bound", "became-non-voting"}
"""The first is at the start, before anybody can ask for anything. The others need a fail-over in mid-request,
an Accept of applied slots that comes before its Prepare, or a disk that is lost: the simulator makes them
happen."""
TRIMMED = {"checkpointed", "trimmed", "snapshot-asked", "snapshot-sent", "snapshot-taken"}
"""They need a log that is trimmed: ``tests/disks/test_trimmed_logs.py``."""


def test_every_event_is_a_kill_point() -> None:
    from typing import get_args

    from paxtui.core.events import AnyEvent

    names = {str(kind.__struct_config__.tag) for kind in get_args(AnyEvent)}
    assert {event for event, _, _ in KILLS} == names - NOT_HERE - TRIMMED


@pytest.mark.processes
@pytest.mark.parametrize(
    ("event", "role", "provoke"),
    KILLS,
    ids=[f"{event} at the {role}, {provoke.__name__}" for event, role, provoke in KILLS],
)
def test_a_replica_killed_as_this_happens_forgets_nothing(
    cluster: Cluster, event: str, role: str, provoke: Provoke
) -> None:
    leader = cluster.until_led()
    victim = leader if role == "leader" else (leader + 1) % 3
    scene = Scene(cluster, leader, victim)
    started = {replica: cluster.record(replica).stat().st_size for replica in range(3)}

    async def until_killed() -> None:
        await cluster.operator.inject(victim, f.CrashReplica(), when=f.Trigger(event))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(again_and_again, provoke, scene)
            await eventually(lambda: not cluster.alive(victim), f"r{victim} dies at {event}")
            nursery.cancel_scope.cancel()

    trio.run(until_killed)
    assert cluster.wait(victim) == -9
    promised = cluster.promised_on_disk(victim)
    heard = [
        ballot
        for replica in range(3)
        if replica != victim
        for ballot in heard_from(cluster.record(replica), started[replica], victim)
    ]
    assert max(heard, default=Ballot.ZERO) <= promised, "an answer left before its promise was on disk"
    cluster.do(cluster.operator.heal)
    cluster.append_some(1)
    cluster.start(victim)
    cluster.until_led()
    assert cluster.until_status(victim).promised >= promised
    cluster.check_logs()


async def again_and_again(provoke: Provoke, scene: Scene) -> None:
    while True:
        with suppress(ClientError):
            await provoke(scene)
        await trio.sleep(0.01)
        await scene.restore()


def heard_from(record: Path, start: int, sender: int) -> list[Ballot]:
    """The ballots of all promises and votes that a replica counted from ``sender``."""
    with record.open("rb") as file:
        file.seek(start)
        lines = file.read().splitlines()
    found = []
    for line in lines:
        if not line.endswith(b"}"):
            continue  # it is being written
        told = json.loads(line)
        if told.get("event") in ("promise-received", "accepted-received") and told["sender"] == sender:
            found.append(Ballot(*told["ballot"]))
    return found
