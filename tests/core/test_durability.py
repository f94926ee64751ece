"""Nothing that others may build on leaves before it is on disk (Paxos Made Simple, 2.5).

Mistakes 1 (promise or vote not durable), 2, 27 (what the disk took is not forgotten) and 31 (a ballot that is
used again after a restart). :class:`Cluster` itself checks each Prepare, Promise and Accepted that leaves
against the disk; the tests here put crashes wherever a disk can be interrupted.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paxtui.core.ballot import Ballot
from paxtui.core.messages import Accept
from paxtui.core.output import PutEntries, PutSessions, PutState, PutVotes, Write
from paxtui.core.settings import Settings
from paxtui.core.values import Command
from tests.core.cluster import Cluster, Disk


def test_prepare_waits_until_the_round_is_durable() -> None:
    cluster = Cluster(3)
    cluster.hold(0)
    cluster.elect(0)
    assert cluster.flight == []
    cluster.persist(0)
    assert len(cluster.flying("prepare")) == 2


def test_a_promise_waits_until_it_is_durable() -> None:
    cluster = Cluster(3)
    cluster.hold(1)
    cluster.elect(0)
    cluster.deliver("prepare", to=1)
    assert cluster.flying("promise") == []
    assert cluster[1].disk.state.promised == Ballot.ZERO
    cluster.persist(1)
    assert len(cluster.flying("promise")) == 1


def test_a_repeated_promise_does_not_overtake_the_disk() -> None:
    cluster = Cluster(3)
    cluster.hold(1)
    cluster.elect(0)
    for _ in range(2):
        cluster.put_in(cluster.flying("prepare", to=1))
    assert cluster.flying("promise") == []
    cluster.persist(1, 1)
    cluster.persist(1)
    assert len(cluster.flying("promise")) == 2


def test_a_repeated_promise_states_only_a_watermark_that_is_on_disk() -> None:
    """The proposer leaves out what lies below it, so a crash must not take it back."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "a")
    cluster.deliver("accept")
    cluster.deliver("accepted")
    cluster.elect(1)
    prepare = cluster.flying("prepare", to=2)
    cluster.put_in(prepare)
    cluster.deliver("chosen", to=2)
    assert (cluster[2].status.watermark, cluster[2].disk.state.watermark) == (1, 0)
    cluster.put_in(prepare)
    assert cluster.flying("promise", sender=2)[-1].message.learned == 1
    assert cluster[2].disk.state.watermark == 1


def test_a_vote_waits_until_it_is_durable() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.hold(1)
    cluster.say(0, "ada", "a")
    cluster.deliver("accept", to=1)
    assert cluster.flying("accepted") == []
    cluster.persist(1)
    assert len(cluster.flying("accepted")) == 1


def test_a_repeated_vote_does_not_overtake_the_disk() -> None:
    """Mistake 29 with 1: the second Accepted has nothing to write, but the first is not on disk yet."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.hold(1)
    cluster.say(0, "ada", "a")
    for _ in range(2):
        cluster.put_in(cluster.flying("accept", to=1))
    assert cluster.flying("accepted") == []
    cluster.persist(1)
    assert len(cluster.flying("accepted")) == 2


def test_accept_leaves_while_the_leaders_own_vote_is_being_written() -> None:
    """Design, 4: its own disk and its peers' disks work at the same time."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.hold(0)
    cluster.say(0, "ada", "a")
    assert len(cluster.flying("accept")) == 2
    assert cluster[0].disk.rows == {}


def test_the_leaders_own_vote_counts_only_when_it_is_durable() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.hold(0)
    cluster.say(0, "ada", "a")
    cluster.deliver("accept", to=1)
    cluster.deliver("accepted")
    assert cluster[0].texts == []
    cluster.persist(0)
    assert cluster[0].texts == ["a"]


def test_a_majority_of_others_needs_no_vote_of_the_leader() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.hold(0)
    cluster.say(0, "ada", "a")
    cluster.deliver("accept")
    cluster.deliver("accepted")
    assert cluster[0].texts == ["a"]
    assert cluster[0].disk.rows == {}


def test_a_candidates_own_promise_counts_only_when_it_is_durable() -> None:
    cluster = Cluster(1)
    cluster.hold(0)
    cluster.wake(0)
    assert cluster[0].status.role == "preparing"
    cluster.persist(0)
    assert cluster[0].leads


def test_a_single_replica_applies_only_what_is_durable() -> None:
    cluster = Cluster(1)
    cluster.run(1.0)
    cluster.hold(0)
    cluster.say(0, "ada", "a")
    assert cluster[0].texts == []
    cluster.persist(0)
    assert cluster[0].texts == ["a"]


def test_each_batch_frees_only_what_waited_for_it() -> None:
    """Several batches are on their way to the disk at once."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.hold(1)
    for text in "abc":
        cluster.say(0, "ada", text)
        cluster.deliver("accept", to=1)
    assert [len(sends) for _, sends in cluster[1].gate.held] == [1, 1, 1]
    for slot in range(3):
        cluster.persist(1, 1)
        (letter,) = cluster.flying("accepted", sender=1)
        assert (letter.message.first, letter.message.count) == (slot, 1)
        cluster.drop("accepted")


def test_one_report_covers_all_earlier_batches() -> None:
    """Group commit: the host may write several batches in one transaction and report the last."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.hold(0)
    for text in "abc":
        cluster.say(0, "ada", text)
    assert len(cluster[0].batches) == 3
    cluster.deliver("accept", to=1)
    cluster.deliver("accepted")
    for batch in list(cluster[0].batches)[:2]:
        cluster._commit(cluster[0], batch)
        cluster[0].batches.popleft()
    cluster[0].replica.durable(cluster[0].batches[0].number - 1, cluster.now)
    cluster.pump(0)
    assert cluster[0].texts == ["a", "b"]


def test_every_batch_ends_with_the_whole_small_state() -> None:
    """Mistake 2: promise, votes and watermark move together, in one transaction."""
    cluster = Cluster(3)
    cluster.hold(0, 1, 2)
    seen = 0
    for _ in range(40):
        cluster.tick(0.05)
        for kind in ("pre-vote", "pre-vote-reply", "prepare", "promise", "accept", "accepted", "heartbeat"):
            cluster.deliver(kind)
        for node in cluster.nodes:
            for batch in node.batches:
                if batch.writes:
                    seen += 1
                    assert isinstance(batch.writes[-1], PutState)
            cluster.persist(node.me)
        if cluster.leaders:
            cluster.say(cluster.leaders[0], "ada", "a")
    assert seen > 40


def test_a_checkpoint_states_the_table_at_the_watermark_of_its_batch() -> None:
    cluster = Cluster(3, Settings(checkpoint_slots=3))
    cluster.hold(0)
    cluster.elect(0)
    cluster.persist(0)
    cluster.stabilize()
    checkpoints = 0
    for number in range(8):
        cluster.say(0, "ada", str(number))
        cluster.deliver("accept")
        cluster.deliver("accepted")
        for batch in cluster[0].batches:
            for write in batch.writes:
                if isinstance(write, PutSessions):
                    checkpoints += 1
                    assert write.upto == batch.writes[-1].watermark  # type: ignore[attr-defined]
        cluster.persist(0)
    assert checkpoints == 2


def test_a_watermark_reaches_the_disk_though_nothing_else_does() -> None:
    """It may wait for another write, but not longer than ``flush_s``."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "a")
    cluster.stabilize()
    assert cluster[1].disk.state.watermark == 0
    cluster.run(0.25)
    assert [node.disk.state.watermark for node in cluster.nodes] == [1, 1, 1]


def test_an_idle_cluster_writes_nothing() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "a")
    cluster.run(1.0)
    cluster.hold(0, 1, 2)
    cluster.tick(0.05)
    for _ in range(50):
        cluster.tick(0.02)
        cluster.deliver()
    assert [len(node.batches) for node in cluster.nodes] == [0, 0, 0]


def test_an_idle_replica_has_nothing_to_wake_for_but_elections_and_heartbeats() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "a")
    cluster.run(1.0)
    for me in (1, 2):
        assert cluster[me].replica.deadline == cluster[me].replica.proposer.election_at


def test_a_checkpoint_comes_after_so_many_slots_and_has_only_what_changed() -> None:
    writes: list[PutSessions] = []

    class Listening(Disk):
        def commit(self, batch: Iterable[Write]) -> None:
            listed = list(batch)
            writes.extend(write for write in listed if isinstance(write, PutSessions))
            super().commit(listed)

    cluster = Cluster(3, Settings(checkpoint_slots=2))
    cluster[0].disk = Listening()
    cluster.lead(0)
    for client in ("ada", "bob", "cyd", "cyd", "ada", "ada", "bob"):
        cluster.say(0, client, "x")
        cluster.run(0.3)
    told = [(write.upto, [row.client for row in write.changed]) for write in writes]
    assert told == [(2, ["ada@0", "bob@0"]), (4, ["cyd@0"]), (6, ["ada@0"])]


def held_acceptor() -> Cluster:
    """Replica 2 has six batches on their way to the disk: promises, votes, a learned page, a watermark."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.hold(2)
    cluster.say(0, "ada", "a")
    cluster.deliver("accept")
    cluster.elect(1)
    cluster.deliver("prepare")
    cluster.deliver("promise")
    cluster.deliver("accept")
    cluster.say(1, "bob", "b")
    cluster.deliver("accept")
    cluster.deliver("accepted")
    cluster.deliver("chosen")
    cluster.elect(0)
    cluster.deliver("prepare")
    return cluster


BATCHES = 5
"""How many batches :func:`held_acceptor` has."""


@pytest.mark.parametrize("batches", range(BATCHES + 1))
@pytest.mark.parametrize("silent", [True, False])
def test_a_crash_between_any_two_batches_loses_nothing_that_was_told(batches: int, silent: bool) -> None:
    """Mistakes 1 and 27, at every boundary: a batch may be on disk though nobody was told (``silent``)."""
    cluster = held_acceptor()
    assert len(cluster[2].batches) == BATCHES
    if silent:
        cluster.crash(2, batches=batches)
    else:
        cluster.persist(2, batches)
        cluster.crash(2)
    promised = cluster[2].disk.state.promised
    rows = dict(cluster[2].disk.rows)
    cluster.restart(2)
    assert cluster[2].status.promised == promised
    votes = cluster[2].replica.acceptor.votes
    watermark = cluster[2].disk.state.watermark
    assert votes == {s: (row.ballot, row.value) for s, row in rows.items() if s >= watermark}
    cluster.release()
    cluster.run(3.0)
    cluster.assert_agreement()
    assert cluster[2].texts == ["a", "b"]


@pytest.mark.parametrize("promised", [True, False])
def test_a_promise_that_left_holds_after_a_restart_and_one_that_did_not_need_not(promised: bool) -> None:
    cluster = Cluster(3, checked=False)
    cluster.hold(2)
    cluster.elect(1)
    cluster.elect(1)
    cluster.deliver("prepare", to=2)
    cluster.crash(2, batches=int(promised))
    cluster.restart(2)
    cluster.release(2)
    (answer,) = cluster.inject(0, 2, Accept(Ballot(1, 0), 0, (Command("a@0", 1, "a"),)))
    assert answer.kind == ("nack" if promised else "accepted")


def test_a_lost_vote_is_written_over_in_the_batch_that_moves_the_watermark() -> None:
    """Else a crash between the two would show the lost value as the chosen one."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "lost")
    cluster.drop()
    cluster.isolate(0)
    cluster.lead(1)
    cluster.say(1, "bob", "chosen")
    cluster.stabilize()
    cluster.heal()
    cluster.hold(0)
    cluster.wake(1)
    for kind in ("heartbeat", "catch-up", "entries"):
        cluster.deliver(kind)
    batch = cluster[0].batches[-1]
    assert any(isinstance(write, PutEntries) for write in batch.writes)
    assert batch.writes[-1].watermark == 1  # type: ignore[attr-defined]
    assert not any(isinstance(write, PutVotes) for write in batch.writes)


MOVES = st.one_of(
    st.tuples(st.just("elect"), st.integers(0, 2)),
    st.tuples(st.just("say"), st.integers(0, 2)),
    st.tuples(st.just("persist"), st.integers(0, 2)),
    st.tuples(st.just("crash"), st.integers(0, 2)),
    st.tuples(st.just("crash-late"), st.integers(0, 2)),
    st.tuples(st.just("tick"), st.integers(1, 8)),
    st.tuples(st.just("drop"), st.integers(0, 30)),
    st.tuples(st.just("repeat"), st.integers(0, 30)),
    st.tuples(st.just("deliver"), st.integers(0, 30)),
    st.tuples(st.just("deliver"), st.integers(0, 30)),
    st.tuples(st.just("deliver all"), st.integers(0, 2)),
)


@settings(deadline=None, max_examples=150)
@given(st.sampled_from([3, 5]), st.lists(MOVES, min_size=10, max_size=80))
def test_no_schedule_of_crashes_losses_and_slow_disks_breaks_agreement(
    replicas: int, moves: list[tuple[str, int]]
) -> None:
    """The ghost of :class:`Cluster` checks each step; in the end all logs are equal and complete."""
    small = Settings(run_slots=2, window_slots=4, cache_slots=3, checkpoint_slots=3, sessions_max=2)
    cluster = Cluster(replicas, small)
    cluster.hold(*range(replicas))
    for what, number in moves:
        node = cluster[number % replicas]
        letter = cluster.flight[number % len(cluster.flight)] if cluster.flight else None
        match what:
            case "elect":
                cluster.elect(node.me)
            case "say":
                cluster.say(node.me, f"client-{number}@{node.status.watermark}", "x")
            case "persist":
                cluster.persist(node.me, min(1, len(node.batches)))
            case "crash" | "crash-late":
                cluster.crash(node.me, batches=1 if what == "crash-late" else 0)
                cluster.restart(node.me)
            case "tick":
                cluster.tick(number / 10)
            case "drop" if letter:
                cluster.flight.remove(letter)
            case "repeat" if letter:
                cluster.put_in([letter])
            case "deliver" if letter:
                cluster.flight.remove(letter)
                cluster.put_in([letter])
            case "deliver all":
                cluster.deliver()
    told = {(reply.client, reply.request, reply.slot) for n in cluster.nodes for reply in n.replies
            if hasattr(reply, "slot")}  # fmt: skip
    cluster.release()
    cluster.run(6.0)
    cluster.assert_agreement()
    for client, request, slot in told:
        value = cluster[0].log[slot].value
        assert (value.client, value.request) == (client, request)
