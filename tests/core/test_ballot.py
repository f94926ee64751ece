"""Ballots are unique and totally ordered (Paxos Made Simple, 2.5; Paxos Made Moderately Complex, 2.1)."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paxtui.core.ballot import NUMBER_LIMIT, REPLICAS_MAX, Ballot, majority
from paxtui.core.durable_state import DurableState
from paxtui.core.replica import Replica
from paxtui.core.settings import Settings
from tests.core.cluster import Cluster

ballots = st.builds(Ballot, st.integers(0, NUMBER_LIMIT - 1), st.integers(0, REPLICAS_MAX - 1))


@given(ballots, ballots)
def test_any_two_ballots_are_ordered_by_round_and_then_by_replica(one: Ballot, other: Ballot) -> None:
    assert (one < other) == ((one.round, one.replica) < (other.round, other.replica))
    assert (one == other) == ((one.round, one.replica) == (other.round, other.replica))
    assert (one < other) + (one == other) + (one > other) == 1


@given(st.integers(1, NUMBER_LIMIT - 1), st.integers(0, REPLICAS_MAX - 1))
def test_no_ballot_is_below_every_real_one(round_: int, replica: int) -> None:
    assert Ballot(round_, replica) > Ballot.ZERO


def test_a_ballot_is_printed_as_round_and_replica() -> None:
    assert str(Ballot(3, 1)) == "3.1"


@pytest.mark.parametrize("replicas", [1, 3, 5, 7, 9])
def test_any_two_majorities_share_a_member_and_a_minority_can_be_spared(replicas: int) -> None:
    assert 2 * majority(replicas) > replicas
    assert majority(replicas) + (replicas - 1) // 2 <= replicas


def test_a_replica_takes_a_round_above_every_one_that_it_has_seen() -> None:
    """Paxos Made Simple, 2.5; mistake 7."""
    cluster = Cluster(3)
    for leader in (0, 2, 1, 1, 0):
        before = max(node.status.promised for node in cluster.nodes)
        if not cluster[leader].leads:
            cluster.elect(leader)
            cluster.stabilize()
            assert cluster[leader].status.ballot > before
            assert cluster[leader].status.ballot.round == before.round + 1


def test_a_refused_candidate_learns_the_round_that_it_must_exceed() -> None:
    """Mistake 13: the Nack carries the promised ballot."""
    cluster = Cluster(3)
    cluster.isolate(2)
    for leader in (0, 1, 0, 1):
        cluster.elect(leader)
        cluster.stabilize()
    cluster.heal()
    cluster.elect(2)
    cluster.stabilize()
    assert cluster[2].status.role == "following"
    cluster.lead(2)
    assert cluster[2].status.ballot == Ballot(5, 2)


def test_a_replica_never_uses_a_ballot_again_after_a_crash() -> None:
    """Paxos Made Simple, 2.5, "each proposer remembers (in stable storage) the highest-numbered proposal it
    has tried to issue"; mistake 31."""
    cluster = Cluster(3)
    cluster.isolate(0)
    used = set()
    for _ in range(3):
        cluster.elect(0)
        used.add(cluster[0].replica.proposer.round)
        cluster.crash(0)
        cluster.restart(0)
    assert used == {1, 2, 3}


@pytest.mark.parametrize("replicas", [0, 2, 4, 8, 11])
def test_a_cluster_has_an_odd_number_of_up_to_nine_replicas(replicas: int) -> None:
    with pytest.raises(ValueError, match="sizes are"):
        Replica(0, replicas, Settings(), random.Random(1), DurableState(), 0.0)
