"""Topologies as sets of directed cuts."""

from __future__ import annotations

from paxtui.wire import links


def reach(n: int, cuts: links.Cuts) -> dict[int, set[int]]:
    return {a: {b for b in range(n) if b != a and (a, b) not in cuts} for a in range(n)}


def test_a_partition_keeps_links_inside_its_groups() -> None:
    assert reach(5, links.partition(5, [[0, 1], [2, 3, 4]])) == {
        0: {1},
        1: {0},
        2: {3, 4},
        3: {2, 4},
        4: {2, 3},
    }


def test_replicas_of_no_group_are_together() -> None:
    assert reach(4, links.partition(4, [[0]])) == {0: set(), 1: {2, 3}, 2: {1, 3}, 3: {1, 2}}


def test_an_isolated_replica_reaches_nobody_and_the_rest_is_whole() -> None:
    assert reach(3, links.isolated(3, [1])) == {0: {2}, 1: set(), 2: {0}}


def test_one_way_leaves_the_way_back() -> None:
    assert reach(3, links.one_way(range(3), [0])) == {0: {1, 2}, 1: {2}, 2: {1}}


def test_a_chain_lacks_the_link_between_its_ends() -> None:
    assert reach(3, links.chained(0, 2)) == {0: {1}, 1: {0, 2}, 2: {1}}


def test_after_quorum_loss_only_the_hub_reaches_a_majority() -> None:
    assert reach(5, links.quorum_loss(5, 3)) == {0: {3}, 1: {3}, 2: {3}, 3: {0, 1, 2, 4}, 4: {3}}


def test_in_the_constrained_election_the_old_leader_reaches_nobody() -> None:
    assert reach(5, links.constrained(5, 3, 0)) == {0: set(), 1: {3}, 2: {3}, 3: {1, 2, 4}, 4: {3}}


def test_a_ring_of_five_has_two_neighbours_each() -> None:
    assert reach(5, links.ring(5)) == {0: {1, 4}, 1: {0, 2}, 2: {1, 3}, 3: {2, 4}, 4: {0, 3}}
    assert links.ring(3) == frozenset()


def test_a_bridge_joins_two_halves() -> None:
    assert reach(5, links.bridge(5, 2)) == {0: {1, 2}, 1: {0, 2}, 2: {0, 1, 3, 4}, 3: {2, 4}, 4: {2, 3}}


def test_the_links_that_are_left_are_named() -> None:
    assert links.words(3, links.one_way([0], [1]) | links.between([0], [2])) == "links left: r0<r1 r1-r2"
    assert links.words(2, links.between([0], [1])) == "links left: none"
