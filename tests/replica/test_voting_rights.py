"""Who of the others may vote, as far as a replica remembers, and what a replica does that may not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from paxtui.config import cluster_file
from paxtui.core.ballot import Ballot
from paxtui.core.messages import (
    Accept,
    Accepted,
    CatchUp,
    Chosen,
    Entries,
    Heartbeat,
    HeartbeatAck,
    Nack,
    Prepare,
    PreVote,
    PreVoteReply,
    Promise,
    Snapshot,
    SnapshotAsk,
)
from paxtui.core.values import Command, Entry
from paxtui.replica.voting_rights import VotingRights, could_count
from paxtui.storage.rows import Peer
from paxtui.storage.store import Store
from paxtui.wire.hello import Welcome
from tests.ports import free_ports
from tests.replica.conditions import eventually
from tests.replica.host import HostedReplica, Raw, hosted

B = Ballot(1, 1)
ENTRY = Entry(B, Command("ada", 1, "hi"))


@pytest.fixture
async def r0(tmp_path: Path) -> AsyncIterator[HostedReplica]:
    async with hosted(tmp_path / "r0", replicas=3) as running:
        yield running


@pytest.fixture
def storage(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "r0", cluster="c", name="demo", replica=0)


def again(storage: Store) -> tuple[Store, VotingRights]:
    """What is remembered after a crash."""
    storage.close()
    opened = Store.open(storage.folder, cluster="c", name="demo", replica=0)
    return opened, VotingRights(opened)


def test_a_disk_may_vote_while_it_is_the_same_and_does_not_go_back(storage: Store) -> None:
    voting_rights = VotingRights(storage)
    for commits in (0, 7, 7, 9):
        assert voting_rights.judge_disk(1, "disk", commits, gave_up_vote=False) is None
    voting_rights.note_progress(1, 30)
    voting_rights.note_progress(1, 20)
    voting_rights.save_now()
    storage, voting_rights = again(storage)
    assert storage.peers() == {1: Peer("disk", 30)}
    assert voting_rights.judge_disk(1, "disk", 30, gave_up_vote=False) is None
    assert "at commit 29 and had told of commit 30" in str(
        voting_rights.judge_disk(1, "disk", 29, gave_up_vote=False)
    )
    storage.close()


def test_a_disk_that_went_back_stays_non_voting_however_far_it_comes(storage: Store) -> None:
    voting_rights = VotingRights(storage)
    voting_rights.judge_disk(1, "disk", 30, gave_up_vote=False)
    reason = voting_rights.judge_disk(1, "disk", 10, gave_up_vote=False)
    voting_rights.note_progress(1, 31)
    voting_rights.save_now()
    storage, voting_rights = again(storage)
    assert voting_rights.judge_disk(1, "disk", 500, gave_up_vote=False) == reason
    assert voting_rights.non_voting == {1: reason}
    storage.close()


def test_another_disk_may_not_vote_and_the_newest_of_the_first_is_welcome_again(storage: Store) -> None:
    voting_rights = VotingRights(storage)
    voting_rights.judge_disk(1, "first", 30, gave_up_vote=False)
    assert "another disk (storage second, it voted with first)" in str(
        voting_rights.judge_disk(1, "second", 500, gave_up_vote=False)
    )
    voting_rights.save_now()
    storage, voting_rights = again(storage)
    assert voting_rights.judge_disk(1, "second", 600, gave_up_vote=True) is not None
    assert voting_rights.judge_disk(1, "first", 29, gave_up_vote=False) is not None
    assert voting_rights.judge_disk(2, "first", 31, gave_up_vote=False) is None
    assert voting_rights.non_voting.keys() == {1}
    storage.close()


def test_the_first_disk_put_back_in_time_may_vote(storage: Store) -> None:
    voting_rights = VotingRights(storage)
    voting_rights.judge_disk(1, "first", 30, gave_up_vote=False)
    voting_rights.judge_disk(1, "second", 500, gave_up_vote=False)
    assert voting_rights.judge_disk(1, "first", 30, gave_up_vote=False) is None
    assert voting_rights.non_voting == {}
    storage.close()


def test_who_gave_up_vote_is_believed_also_when_it_says_otherwise_later(storage: Store) -> None:
    voting_rights = VotingRights(storage)
    voting_rights.judge_disk(1, "disk", 30, gave_up_vote=False)
    assert voting_rights.judge_disk(1, "disk", 31, gave_up_vote=True) is not None
    assert voting_rights.judge_disk(1, "disk", 32, gave_up_vote=False) is not None
    assert voting_rights.judge_disk(2, "unseen", 5, gave_up_vote=True) is not None
    voting_rights.save_now()
    assert storage.peers().keys() == {1}  # the disk that 2 may have voted with is still to come
    storage.close()


def test_all_messages_count_but_those_between_learners() -> None:
    learners = (
        CatchUp(0),
        Entries(0, (ENTRY,), 1),
        SnapshotAsk(1, ""),
        Snapshot(1, 0, bytes(32), -1, "", (), True, 1),
    )
    voters = (
        Prepare(B, 0, False),
        Promise(B, 0, None, 0, ()),
        Nack(B, B, None, 0),
        Accept(B, 0, (ENTRY.value,)),
        Accepted(B, 0, 1, 0),
        Chosen(B, 0, 1),
        Heartbeat(B, 1, 0),
        HeartbeatAck(B, 1, 0),
        PreVote(B),
        PreVoteReply(B, True, B, 0),
    )
    assert [could_count(message) for message in (*learners, *voters)] == [False] * 4 + [True] * 10


@pytest.mark.trio
async def test_another_disk_is_welcomed_as_a_learner_and_dropped_where_it_would_count(
    r0: HostedReplica,
) -> None:
    async with r0.dial("peer", **r0.peer(1)):
        pass
    async with r0.dial() as raw:
        welcome = await raw.hello("peer", **r0.peer(1) | {"storage": "another"})
        assert "comes back with another disk" in welcome["non_voting"]
        assert "needs a membership entry in the log, which is a later step" in welcome["non_voting"]
        await raw.say(Prepare(Ballot(9, 1), 0, True), Heartbeat(Ballot(9, 1), 1, 0), CatchUp(0))
        dropped = "dropped messages of non-voting replicas"
        await eventually(lambda: r0.host.counters["received messages"] == 1, "its question got through")
        assert r0.host.counters[dropped] == 2
        assert r0.host.status is not None
        assert r0.host.status.promised == Ballot.ZERO
        async with r0.dial("operator") as asker:
            report = await asker.ask({"type": "get-status", "id": 1})
            ((replica, reason),) = report["non_voting_peers"]
            assert (replica, report["counters"][dropped]) == (1, 2)
            assert "another disk" in reason
    assert "ERROR: replica 1 comes back with another disk" in r0.lines.getvalue()
    assert r0.host.storage.peers() == {1: Peer("1" * 32)}


@pytest.mark.trio
async def test_what_is_told_of_a_disk_is_written_down_before_it_is_welcomed(
    r0: HostedReplica,
) -> None:
    async with r0.dial("peer", **r0.peer(1) | {"commits": 12}):
        assert r0.host.storage.peers() == {1: Peer("1" * 32, 12)}
    async with r0.dial() as raw:
        assert (await raw.hello("peer", **r0.peer(1) | {"commits": 11}))["non_voting"] is not None
        assert r0.host.storage.peers()[1].non_voting


@pytest.mark.trio
async def test_progress_of_a_disk_is_remembered_and_that_of_a_non_voting_one_is_not(
    r0: HostedReplica,
) -> None:
    async with r0.dial("peer", **r0.peer(1)) as raw:
        await raw.say({"type": "progress", "commits": 40}, CatchUp(0))
        await eventually(lambda: r0.host.counters["received messages"] == 1, "it has arrived")
    async with r0.dial("peer", **r0.peer(1) | {"storage": "another"}) as raw:
        await raw.say({"type": "progress", "commits": 90}, CatchUp(0))
        await eventually(lambda: r0.host.counters["received messages"] == 2, "it has arrived")
    await r0.host.voting_rights.save()
    assert r0.host.storage.peers() == {1: Peer("1" * 32, 40)}


@pytest.mark.trio
async def test_a_replica_without_vote_says_so_everywhere_and_on_its_disk(
    r0: HostedReplica,
) -> None:
    r0.host.become_learner("replica 1 says: it has another disk")
    async with r0.dial("operator") as asker:
        report = await asker.ask({"type": "get-status", "id": 1})
        assert (report["status"]["role"], report["status"]["leader"]) == ("non-voting", None)
        assert report["status"]["non_voting"] == "replica 1 says: it has another disk"
        failed = await asker.ask({"type": "elect", "id": 2})
        assert failed["reason"].startswith("it is a learner without vote: replica 1 says")
    await eventually(lambda: r0.host.storage.non_voting is not None, "it is on disk")
    assert "ERROR: this replica is a learner without vote: replica 1 says" in r0.lines.getvalue()


@pytest.mark.trio
async def test_a_replica_that_still_warms_up_can_lose_its_vote_and_then_waits_for_nobody(
    tmp_path: Path,
) -> None:
    async with hosted(tmp_path / "r0", replicas=3, warm_up="all") as r0:
        r0.host.become_learner("why")
        r0.warm_up.note_welcome(1, non_voting=True)
        assert r0.warm_up.done
        assert r0.host.saved.non_voting == r0.host.storage.non_voting == "why"
        r0.host.start_core()
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert r0.host.core is not None
        assert r0.host.core.non_voting == "why"


@pytest.mark.trio
async def test_who_loses_its_vote_while_a_welcome_is_on_its_way_says_so_in_another_hello(
    tmp_path: Path,
) -> None:
    """Else that peer would never be told, as it has no reason of its own."""
    cluster = cluster_file.local(3, free_ports(3), name="hosted")
    async with trio.open_nursery() as nursery, hosted(tmp_path / "r0", cluster=cluster) as running:
        address = cluster.address(2)
        hellos: list[bool] = []

        async def answer(stream: trio.SocketStream) -> None:
            raw = Raw(stream)
            hello = await raw.hear()
            assert hello is not None
            hellos.append(hello["non_voting"])
            if len(hellos) == 1:
                running.host.become_learner("replica 1 says: another disk")
            await raw.say(
                Welcome(
                    version=1, cluster=cluster.digest, name="", replica=2, members=(), leader=None, applied=0
                )
            )
            await raw.hear()
            await raw.last_words()

        listeners = await trio.open_tcp_listeners(address.port, host=address.host)
        nursery.start_soon(trio.serve_listeners, answer, listeners)
        await eventually(lambda: len(hellos) == 2, "it calls again")
        assert hellos == [False, True]
        await eventually(lambda: 2 in running.host.outbound.links, "and stays")
        nursery.cancel_scope.cancel()
