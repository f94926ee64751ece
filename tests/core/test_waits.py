"""How long a replica waits before it tries to lead, and how long it stays with a leader."""

from __future__ import annotations

from paxtui.core.ballot import Ballot
from paxtui.core.messages import Heartbeat, Nack, Prepare, PreVote, PreVoteReply
from paxtui.core.settings import Settings
from tests.core.cluster import Cluster

EXACT = Settings(election_s_min=0.5, election_s_max=1.0)
"""Numbers that a float holds exactly."""


def wait_s(cluster: Cluster, who: int) -> float:
    return cluster[who].replica.proposer.election_at - cluster.now


def test_an_acceptor_is_loyal_for_less_than_the_shortest_election_timeout() -> None:
    """The leader's followers wait at least so long, so the first one that tries finds the others free."""
    for waited, granted in ((0.25, False), (0.5, True)):
        cluster = Cluster(3, EXACT, checked=False)
        cluster.inject(0, 2, Heartbeat(Ballot(1, 0), 1, 0))
        cluster.now += waited
        answer = cluster.inject(1, 2, PreVote(Ballot(2, 1)))[-1].message
        assert isinstance(answer, PreVoteReply)
        assert answer.granted is granted


def test_a_leader_that_was_outbid_waits_for_twice_as_long_as_a_follower() -> None:
    cluster = Cluster(3, EXACT, checked=False)
    cluster.lead(0)
    cluster.inject(1, 0, Prepare(Ballot(9, 1), 0, True))
    assert not cluster[0].leads
    assert cluster[0].replica.proposer.attempt == 1
    assert 2 * EXACT.election_s_min <= wait_s(cluster, 0) <= 2 * EXACT.election_s_max


def test_a_follower_that_loses_the_connection_to_its_leader_asks_for_pre_votes_soon() -> None:
    cluster = Cluster(3, EXACT)
    cluster.lead(0)
    cluster[1].replica.lost_contact(0, cluster.now)
    assert 0 < wait_s(cluster, 1) <= 0.35 * EXACT.election_s_min
    assert cluster[1].status.leader is None


def test_a_lost_connection_to_another_follower_changes_nothing() -> None:
    cluster = Cluster(3, EXACT)
    cluster.lead(0)
    before = wait_s(cluster, 1)
    cluster[1].replica.lost_contact(2, cluster.now)
    assert (wait_s(cluster, 1), cluster[1].status.leader) == (before, 0)


def test_a_lost_connection_never_makes_a_wait_longer() -> None:
    cluster = Cluster(3, EXACT)
    cluster.lead(0)
    due = cluster[1].replica.proposer.election_at
    cluster[1].replica.lost_contact(0, due - 0.001)
    assert cluster[1].replica.proposer.election_at == due


def test_each_heartbeat_makes_loyalty_begin_anew() -> None:
    cluster = Cluster(3, EXACT, checked=False)
    for number, granted in ((1, False), (2, False), (3, False)):
        cluster.inject(0, 2, Heartbeat(Ballot(1, 0), number, 0))
        cluster.now += 0.375
        answer = cluster.inject(1, 2, PreVote(Ballot(2, 1)))[-1].message
        assert answer.granted is granted


def test_a_deposed_leader_is_not_followed_while_the_newer_one_lives() -> None:
    """A heartbeat is no promise, so the acceptor would still take both of them for leaders."""
    cluster = Cluster(3, EXACT, checked=False)
    cluster.inject(1, 2, Heartbeat(Ballot(2, 1), 1, 0))
    cluster.inject(0, 2, Heartbeat(Ballot(1, 0), 9, 0))
    assert cluster[2].status.leader == 1
    cluster.now += 0.5
    cluster.inject(0, 2, Heartbeat(Ballot(1, 0), 10, 0))
    assert cluster[2].status.leader == 0


def test_a_candidate_that_gave_up_sleeps_until_its_next_attempt() -> None:
    """It has no Prepare to send again, so nothing is due before."""
    cluster = Cluster(3, Settings(resend_s=0.1))
    cluster.elect(0)
    assert cluster[0].replica.deadline < cluster[0].replica.proposer.election_at
    cluster.inject(1, 0, Nack(Ballot(1, 0), Ballot(5, 1), None, 0))
    assert cluster[0].status.role == "following"
    assert cluster[0].replica.deadline == cluster[0].replica.proposer.election_at


def test_a_refusal_that_names_neither_a_higher_promise_nor_a_leader_ends_no_attempt() -> None:
    cluster = Cluster(3, checked=False)
    cluster.elect(0)
    cluster.inject(1, 0, Nack(Ballot(1, 0), Ballot(1, 0), None, 0))
    assert cluster[0].status.role == "preparing"
    cluster.stabilize()
    assert cluster[0].leads


def test_winning_ends_the_back_off() -> None:
    """A leader that has to step down later begins with the shortest waits again."""
    cluster = Cluster(3, EXACT)
    cluster.isolate(0)
    cluster.tick(10.0)
    assert cluster[0].replica.proposer.attempt > 1
    cluster.heal()
    cluster.lead(0)
    cluster.isolate(0)
    cluster.tick(EXACT.election_s_max + 2 * EXACT.heartbeat_s)
    assert not cluster[0].leads
    assert cluster[0].replica.proposer.attempt == 0
    assert wait_s(cluster, 0) <= EXACT.election_s_max


def test_a_forced_election_has_a_whole_election_timeout() -> None:
    cluster = Cluster(3, EXACT)
    cluster.lead(0)
    due = cluster[1].replica.proposer.election_at
    cluster.now = due - 0.001
    cluster.hold(1)  # its own promise, which would make it wait anew, is not on its disk yet
    cluster.elect(1)
    assert wait_s(cluster, 1) >= EXACT.election_s_min


def test_the_earliest_of_the_timers_by_name_is_the_deadline() -> None:
    fired: set[str] = set()
    cluster = Cluster(3, EXACT)
    cluster.say(0, "ada", "early")
    cluster.lead(0)
    cluster.skip(0)
    for text in ("one", "two"):
        cluster.say(0, "ada", text)
        cluster.drop("accept", to=2)
        cluster.deliver()
    for _ in range(60):
        for node in cluster.nodes:
            timers = node.replica.timers
            name = min(timers, key=lambda each: timers[each])
            assert timers[name] == node.replica.deadline
            fired.add(name)
            cluster.wake(node.me)
        cluster.drop("heartbeat")
        cluster.deliver()
    assert fired >= {"election", "heartbeat", "resend"}, fired
