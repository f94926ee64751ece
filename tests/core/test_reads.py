"""Linearizable reads: the ballot is confirmed by a majority after the read arrived (mistakes 22 and 35).

The rule is that of Ongaro's dissertation, 6.4, told for ballots: no later leader can have been elected before
a majority, asked after the read arrived, said that it has promised no higher ballot. No clock takes part.
"""

from __future__ import annotations

import pytest

from paxtui.core.output import ReadReady, ReadRefused
from paxtui.core.settings import Settings
from tests.core.cluster import Cluster


def led(replicas: int = 3) -> Cluster:
    cluster = Cluster(replicas)
    cluster.lead(0)
    cluster.say(0, "ada", "a")
    cluster.stabilize()
    return cluster


def test_a_read_sees_every_append_that_was_answered_before_it() -> None:
    cluster = led()
    cluster.say(0, "ada", "b")
    cluster.stabilize()
    cluster.read(0, 7)
    cluster.stabilize()
    assert cluster[0].answers(ReadReady) == [ReadReady(7, 2)]


def test_a_read_asks_at_once_and_waits_for_a_majority() -> None:
    cluster = led(5)
    cluster.read(0, 7)
    cluster.deliver("heartbeat")
    cluster.deliver("heartbeat-ack", sender=1)
    assert not cluster[0].read_ready(7)
    cluster.deliver("heartbeat-ack", sender=2)
    assert cluster[0].read_ready(7)


def test_the_acknowledgement_of_one_replica_counts_once() -> None:
    cluster = led(5)
    cluster.read(0, 7)
    cluster.deliver("heartbeat", to=1)
    acks = cluster.take_out("heartbeat-ack")
    cluster.put_in(acks)
    cluster.put_in(acks)
    assert not cluster[0].read_ready(7)


def test_acknowledgements_of_earlier_heartbeats_confirm_nothing() -> None:
    """Mistake 35: an ack on its way since before the read says nothing about now."""
    cluster = led()
    cluster.wake(0)
    cluster.deliver("heartbeat")
    early = cluster.take_out("heartbeat-ack")
    assert early
    cluster.read(0, 7)
    cluster.put_in(early)
    assert not cluster[0].read_ready(7)
    cluster.stabilize()
    assert cluster[0].read_ready(7)


def test_a_leader_that_slept_while_another_was_elected_never_answers() -> None:
    """Mistake 35, etcd#20418: the leader was paused for 30 s, and its first act was a stale answer."""
    cluster = led()
    cluster.isolate(0)
    cluster.lead(1)
    cluster.say(1, "bob", "new")
    cluster.stabilize()
    cluster.heal()
    assert cluster[0].leads
    cluster.read(0, 7)
    cluster.stabilize()
    assert not cluster[0].read_ready(7)
    assert [reply.ticket for reply in cluster[0].answers(ReadRefused)] == [7]


def test_a_deposed_leader_that_hears_nothing_refuses_in_the_end() -> None:
    cluster = led()
    cluster.isolate(0)
    cluster.read(0, 7)
    cluster.run(2.0)
    assert cluster[0].answers(ReadReady) == []
    assert cluster[0].answers(ReadRefused) == [ReadRefused(7, "not-leader", None)]


def test_a_new_leader_answers_only_after_it_has_applied_what_phase_one_told() -> None:
    """Mistake 22: an append may have been acknowledged by the old leader, and not be learned here."""
    cluster = led()
    cluster.say(0, "ada", "b")
    cluster.deliver("accept", to=1)
    cluster.deliver("accepted")
    assert cluster[0].texts == ["a", "b"]
    cluster.crash(0)
    cluster.drop()
    cluster.elect(1)
    cluster.deliver("prepare")
    cluster.deliver("promise")
    cluster.read(1, 7)
    cluster.deliver("heartbeat")
    cluster.deliver("heartbeat-ack")
    assert not cluster[1].read_ready(7)
    cluster.stabilize()
    assert cluster[1].answers(ReadReady) == [ReadReady(7, 2)]


def test_a_new_leader_answers_only_after_it_has_learned_what_a_promise_left_out() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.isolate(2)
    cluster.say(0, "ada", "a")
    cluster.stabilize()
    cluster.heal()
    cluster.elect(2)
    cluster.deliver("prepare")
    cluster.deliver("promise")
    cluster.read(2, 7)
    cluster.deliver("heartbeat")
    cluster.deliver("heartbeat-ack")
    assert not cluster[2].read_ready(7)
    cluster.stabilize()
    assert cluster[2].answers(ReadReady) == [ReadReady(7, 1)]


def test_a_read_does_not_wait_for_appends_that_are_only_proposed() -> None:
    cluster = led()
    cluster.say(0, "ada", "in flight")
    cluster.drop("accept")
    cluster.read(0, 7)
    cluster.stabilize()
    assert cluster[0].answers(ReadReady) == [ReadReady(7, 1)]


def test_reads_that_arrive_together_share_one_heartbeat() -> None:
    """No storm: the cost of a read under load is a part of a round trip."""
    cluster = led()
    for ticket in range(5):
        cluster[0].replica.read(ticket, cluster.now)
    cluster.pump(0)
    assert len(cluster.flying("heartbeat")) == 2
    cluster.stabilize()
    assert [reply.ticket for reply in cluster[0].answers(ReadReady)] == [0, 1, 2, 3, 4]


def test_a_follower_refuses_and_names_the_leader() -> None:
    cluster = led()
    cluster.read(2, 7)
    assert cluster[2].replies == [ReadRefused(7, "not-leader", 0)]


def test_a_single_replica_answers_at_once() -> None:
    cluster = Cluster(1)
    cluster.run(1.0)
    cluster.read(0, 7)
    assert cluster[0].answers(ReadReady) == [ReadReady(7, 0)]


def test_no_more_than_a_bounded_number_of_reads_waits() -> None:
    cluster = Cluster(3, Settings(reads_max=2))
    cluster.lead(0)
    for ticket in range(3):
        cluster.read(0, ticket)
    assert cluster[0].answers(ReadRefused) == [ReadRefused(2, "busy", None)]
    cluster.stabilize()
    assert len(cluster[0].answers(ReadReady)) == 2


@pytest.mark.parametrize("crash", [True, False])
def test_reads_that_wait_are_refused_when_the_lead_ends(crash: bool) -> None:
    cluster = led()
    cluster.read(0, 7)
    cluster.drop("heartbeat")
    if crash:
        cluster.crash_proposer(0)
    else:
        cluster.elect(1)
    cluster.stabilize()
    assert [reply.ticket for reply in cluster[0].answers(ReadRefused)] == [7]
    assert not cluster[0].read_ready(7)
