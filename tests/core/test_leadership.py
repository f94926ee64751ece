"""Who leads, for how long, and that a mutually connected majority always gets a leader (design, 5.7).

Paxos Made Simple, 2.4 leaves the choice of a distinguished proposer open, and names what it must give:
progress. Mistakes 14 (duels), 15 (late changes of leaders) and 34 (a deaf replica stops a healthy majority).
"""

from __future__ import annotations

import pytest

from paxtui.core.ballot import Ballot
from paxtui.core.events import Elected, ElectionTimeout, PreVoteAsked, RoundTaken, SteppedDown
from paxtui.core.messages import Prepare, PreVote
from paxtui.core.settings import Settings
from tests.core.cluster import Cluster


def one_leader(cluster: Cluster) -> int:
    (leader,) = cluster.leaders
    return leader


def rounds(cluster: Cluster) -> int:
    """How many ballots were used up so far."""
    return sum(len(node.seen(RoundTaken)) for node in cluster.nodes)


@pytest.mark.parametrize("replicas", [1, 3, 5, 7, 9])
def test_a_cluster_that_starts_soon_has_one_leader(replicas: int) -> None:
    cluster = Cluster(replicas)
    cluster.run(3.0)
    assert {node.status.leader for node in cluster.nodes} == {one_leader(cluster)}


def test_a_healthy_leader_stays() -> None:
    """No storm: ballots a minute are bounded in a healthy cluster."""
    cluster = Cluster(3)
    cluster.run(2.0)
    leader, used = one_leader(cluster), rounds(cluster)
    cluster.run(30.0)
    assert (one_leader(cluster), rounds(cluster)) == (leader, used)


@pytest.mark.parametrize("replicas", [3, 5])
def test_a_leader_that_dies_is_replaced_within_seconds(replicas: int) -> None:
    """Mistake 15: not when a client retries, and not 20 s later."""
    cluster = Cluster(replicas)
    cluster.lead(0)
    cluster.crash(0)
    cluster.run(2.5)
    leader = one_leader(cluster)
    command = cluster.say(leader, "ada", "a")
    cluster.stabilize()
    assert cluster[leader].slot_of(command) == 0


def test_a_replica_that_comes_back_does_not_depose_a_healthy_leader() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.isolate(2)
    cluster.run(10.0)
    cluster.heal()
    cluster.run(3.0)
    assert one_leader(cluster) == 0
    assert rounds(cluster) == 1
    assert cluster[2].status.leader == 0


def test_a_restarted_replica_follows_the_leader_that_it_finds() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    for _ in range(5):
        cluster.crash(2)
        cluster.restart(2)
        cluster.run(1.0)
    assert one_leader(cluster) == 0
    assert rounds(cluster) == 1


def test_an_acceptor_stays_with_a_live_leader_unless_it_is_forced() -> None:
    """The sticky leader; and loyalty is no safety rule, so a forced Prepare is promised."""
    cluster = Cluster(3)
    cluster.lead(0)
    (refused,) = cluster.inject(1, 2, Prepare(Ballot(9, 1), 0, False))
    assert (refused.kind, refused.message.leader) == ("nack", Ballot(1, 0))
    assert cluster[2].status.promised == Ballot(1, 0)
    (promised,) = cluster.inject(1, 2, Prepare(Ballot(9, 1), 0, True))
    assert promised.kind == "promise"


def test_loyalty_ends_after_the_shortest_election_timeout() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.crash(0)
    cluster.now += 0.39
    assert cluster.inject(1, 2, Prepare(Ballot(9, 1), 0, False))[0].kind == "nack"
    cluster.now += 0.02
    assert cluster.inject(1, 2, Prepare(Ballot(9, 1), 0, False))[0].kind == "promise"


def test_loyalty_lets_the_leader_itself_take_a_new_ballot() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    assert cluster.inject(0, 2, Prepare(Ballot(2, 0), 0, False))[0].kind == "promise"


def test_a_majority_that_stays_loyal_ends_an_attempt_at_once() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.cut((0, 2))
    for _ in range(5):
        cluster.tick(0.1)
        cluster.deliver("heartbeat", to=1)
        cluster.drop()
    cluster[2].replica.proposer._prepare(cluster.now, forced=False)
    cluster.pump(2)
    cluster.heal()
    cluster.deliver("prepare")
    cluster.deliver("nack", sender=1)
    assert cluster[2].status.role == "preparing"
    cluster.deliver("nack", sender=0)
    assert cluster[2].status.role == "following"
    assert cluster[2].seen(SteppedDown)[-1].reason == "a majority stays with 1.0"


def test_a_pre_vote_changes_nothing_anywhere() -> None:
    """A question before a ballot is used up: Ongaro's dissertation, 9.6, calls it Pre-Vote."""
    cluster = Cluster(3)
    cluster.lead(0)
    before = [(node.disk.state, node.status) for node in cluster.nodes]
    for me in range(3):
        for answer in cluster.inject(1, me, PreVote(Ballot(900, 1))) if me != 1 else ():
            assert (answer.kind, answer.message.granted) == ("pre-vote-reply", False)
    assert [(node.disk.state, node.status) for node in cluster.nodes] == before
    cluster.elect(2)
    assert cluster[2].status.promised.round == 2


def test_a_pre_vote_is_granted_when_no_leader_lives() -> None:
    cluster = Cluster(3)
    (answer,) = cluster.inject(1, 2, PreVote(Ballot(5, 1)))
    assert answer.message.granted
    assert cluster[2].disk.state.promised == Ballot.ZERO


def test_without_a_majority_of_grants_no_ballot_is_used() -> None:
    cluster = Cluster(5)
    cluster.isolate(0, 1)
    cluster.run(10.0)
    assert [len(cluster[me].seen(RoundTaken)) for me in (0, 1)] == [0, 0]
    assert len(cluster[0].seen(PreVoteAsked)) > 2


def test_a_deaf_replica_that_campaigns_for_ever_stops_nobody() -> None:
    """Mistake 34: it hears nobody, and everybody hears it. It never heals."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.cut((0, 2), (1, 2))
    for number in range(20):
        cluster.run(0.5)
        cluster.say(0, "ada", str(number))
    cluster.stabilize()
    assert (one_leader(cluster), rounds(cluster)) == (0, 1)
    assert len(cluster[1].texts) == 20


@pytest.mark.parametrize("broken", [(0, 2), (1, 2)])
def test_a_deaf_replica_does_not_stop_an_election_either(broken: tuple[int, int]) -> None:
    cluster = Cluster(5)
    cluster.cut(*((other, 4) for other in range(4)))
    cluster.run(1.0)
    cluster.crash(cluster.leaders[0] if cluster.leaders else 0)
    cluster.run(8.0)
    assert one_leader(cluster) != 4


def test_a_mute_leader_is_replaced_and_a_deaf_one_steps_down() -> None:
    mute = Cluster(3)
    mute.lead(0)
    mute.cut((0, 1), (0, 2))
    mute.run(4.0)
    assert one_leader(mute) in (1, 2)
    deaf = Cluster(3)
    deaf.lead(0)
    deaf.cut((1, 0), (2, 0))
    deaf.run(4.0)
    assert one_leader(deaf) in (1, 2)
    assert any("no majority answered" in event.reason for event in deaf[0].seen(SteppedDown))


def test_a_leader_without_a_majority_steps_down_after_the_longest_election_timeout() -> None:
    """Mistake 15, etcd's CheckQuorum: its clients must be told to ask elsewhere."""
    cluster = Cluster(3)
    cluster.lead(0)
    command = cluster.say(0, "ada", "a")
    cluster.isolate(0)
    cluster.run(0.75)
    assert cluster[0].leads
    cluster.run(0.4)
    assert not cluster[0].leads
    assert [(reply.request, reply.reason) for reply in cluster[0].replies] == [
        (command.request, "not-leader")
    ]


def test_a_leader_with_a_bare_majority_stays() -> None:
    cluster = Cluster(5)
    cluster.lead(0)
    cluster.isolate(3)
    cluster.isolate(4)
    cluster.run(5.0)
    assert one_leader(cluster) == 0
    assert rounds(cluster) == 1


def test_a_chain_of_replicas_has_a_stable_leader() -> None:
    """0 - 1 - 2, without a link between the ends: the majority {0, 1} or {1, 2} must make progress."""
    cluster = Cluster(3)
    cluster.cut((0, 2), (2, 0))
    cluster.run(3.0)
    leader, used = one_leader(cluster), rounds(cluster)
    cluster.run(10.0)
    assert (one_leader(cluster), rounds(cluster)) == (leader, used)
    cluster.say(leader, "ada", "a")
    cluster.run(2.0)
    assert cluster[1].texts == ["a"]


def test_the_far_end_of_a_chain_catches_up() -> None:
    """It hears of what it missed from the one it reaches."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.cut((0, 2), (2, 0))
    cluster.say(0, "ada", "a")
    cluster.run(4.0)
    assert cluster[2].texts == ["a"]
    assert one_leader(cluster) == 0


@pytest.mark.parametrize("cut", [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)])
def test_one_link_that_is_cut_one_way_stops_nothing(cut: tuple[int, int]) -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.cut(cut)
    for number in range(10):
        cluster.run(0.5)
        if cluster.leaders:
            cluster.say(cluster.leaders[-1], "ada", str(number))
    cluster.run(1.0)
    assert len(cluster[one_leader(cluster)].texts) >= 8
    assert rounds(cluster) <= 3


@pytest.mark.parametrize("dead", [(3, 4), (0, 1), (0, 4)])
def test_a_connected_majority_makes_progress_while_the_rest_is_gone_for_ever(dead: tuple[int, int]) -> None:
    cluster = Cluster(5)
    cluster.lead(0)
    for me in dead:
        cluster.crash(me)
    cluster.run(4.0)
    leader = one_leader(cluster)
    cluster.say(leader, "ada", "a")
    cluster.run(0.5)
    assert [node.texts for node in cluster.alive] == [["a"]] * 3


def test_duels_end_because_each_wait_is_drawn_anew_and_failures_stretch_it() -> None:
    """Mistake 14: equal timeouts and instant retries duel for ever."""
    cluster = Cluster(3)
    waits = []
    cluster.isolate(0)
    for _ in range(8):
        cluster.pre_vote(0)
        waits.append(cluster[0].replica.proposer.election_at - cluster.now)
    assert len(set(waits)) == 8
    assert all(0.4 <= wait <= 0.8 for wait in waits[:1])
    assert all(0.8 <= wait <= 1.6 for wait in waits[1:2])
    assert all(1.6 <= wait <= 3.2 for wait in waits[2:])
    assert [event.attempt for event in cluster[0].seen(ElectionTimeout)] == list(range(8))


def test_hearing_a_leader_ends_the_back_off() -> None:
    cluster = Cluster(3)
    cluster.isolate(2)
    cluster.run(8.0)
    assert cluster[2].replica.proposer.attempt > 1
    cluster.heal()
    cluster.run(2.0)
    assert cluster[2].replica.proposer.attempt == 0


def test_operators_may_force_an_election_wherever_they_like() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    assert cluster.elect(2) is None
    cluster.run(0.5)
    assert one_leader(cluster) == 2
    assert cluster[2].seen(RoundTaken)[-1].forced
    assert cluster.elect(2) == "it leads already"


def test_a_forced_election_without_a_majority_ends() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.isolate(2)
    cluster.elect(2)
    cluster.run(3.0)
    assert cluster[2].status.role in ("following", "pre-voting")
    assert one_leader(cluster) == 0


def test_a_proposer_crash_takes_the_proposer_alone() -> None:
    """Design, 5.12: acceptor and learner go on."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "a")
    cluster.crash_proposer(0)
    cluster.crash(2)
    cluster.run(4.0)
    assert one_leader(cluster) == 1
    cluster.say(1, "bob", "b")
    cluster.run(0.5)
    assert cluster[0].texts == cluster[1].texts
    assert cluster[1].texts[-1] == "b"
    assert cluster.elect(0) == "its proposer is crashed"


def test_a_crashed_proposer_never_campaigns_and_a_restored_one_does() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.crash_proposer(0)
    cluster.crash_proposer(1)
    cluster.crash_proposer(2)
    cluster.run(5.0)
    assert cluster.leaders == []
    assert rounds(cluster) == 1
    cluster.restore_proposer(1)
    cluster.run(2.0)
    assert one_leader(cluster) == 1
    assert cluster[1].status.ballot.round == 2


def test_a_restored_proposer_knows_nothing_of_its_old_lead() -> None:
    """Mistake 5 again: only its durable round."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "never sent")
    cluster.drop()
    cluster.crash_proposer(0)
    cluster.restore_proposer(0)
    assert cluster[0].status.in_flight == 0
    assert not cluster[0].leads
    cluster.lead(1)
    cluster.lead(0)
    assert cluster[0].status.ballot == Ballot(3, 0)


def test_crashing_and_restoring_twice_is_no_error() -> None:
    cluster = Cluster(3)
    cluster.restore_proposer(0)
    cluster.crash_proposer(0)
    cluster.crash_proposer(0)
    cluster.restore_proposer(0)
    cluster.restore_proposer(0)
    cluster.run(3.0)
    one_leader(cluster)


def test_an_idle_replica_sleeps_until_its_deadline() -> None:
    """Nothing happens before :attr:`deadline`, so a host may sleep until then."""
    cluster = Cluster(3)
    cluster.lead(0)
    for node in cluster.nodes:
        before = len(node.events)
        node.replica.wake(cluster.now)
        cluster.pump(node.me)
        assert node.replica.deadline > cluster.now
        assert (len(node.events), cluster.flight) == (before, [])


def test_a_follower_sends_clients_to_the_leader_that_it_knows() -> None:
    """Design, 5.10."""
    cluster = Cluster(3)
    cluster.say(1, "ada", "a", request=1)
    cluster.lead(0)
    cluster.say(1, "ada", "a", request=2)
    assert [reply.leader for reply in cluster[1].replies] == [None, 0]


def test_shorter_timeouts_may_be_set() -> None:
    cluster = Cluster(3, Settings(heartbeat_s=0.01, election_s_min=0.04, election_s_max=0.08))
    cluster.run(0.5)
    one_leader(cluster)
    assert sum(len(node.seen(Elected)) for node in cluster.nodes) == 1
