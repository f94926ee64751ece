"""What a leader sends again: only slots without a majority, each with its own value, so much a tick."""

from __future__ import annotations

import pytest

from paxtui.core.messages import Accept, Accepted
from paxtui.core.settings import Settings
from paxtui.core.values import Command, weight
from tests.core.cluster import Cluster

TEXTS = ("a", "b", "c")
COMMANDS = tuple(Command("ada@0", number, text) for number, text in enumerate(TEXTS))


def proposed(replicas: int = 3, settings: Settings | None = None) -> Cluster:
    """Replica 0 leads and has proposed a, b and c in slots 0 to 2; the Accepts are lost. The test plays the
    others."""
    cluster = Cluster(replicas, settings, checked=False)
    cluster.lead(0)
    cluster.propose(0, *COMMANDS)
    assert cluster.drop("accept") > 0
    return cluster


def resent(cluster: Cluster, to: int) -> list[tuple[int, str]]:
    """What one tick sends again to a replica: first slot and texts of each Accept."""
    cluster.drop()
    cluster.tick(cluster.settings.resend_s + 0.01)
    messages = [letter.message for letter in cluster.flying("accept", 0, to)]
    assert all(isinstance(message, Accept) for message in messages)
    return [(message.first, "".join(value.text for value in message.values)) for message in messages]


def voted(cluster: Cluster, who: int, first: int, count: int = 1) -> None:
    cluster.inject(who, 0, Accepted(cluster[0].status.ballot, first, count, 0))


def test_a_run_that_no_other_replica_voted_for_is_sent_again_as_one_run() -> None:
    assert resent(proposed(), 1) == [(0, "abc")]


@pytest.mark.parametrize("to", [1, 2])
def test_a_run_with_a_chosen_slot_inside_is_sent_again_as_two_runs(to: int) -> None:
    """One run would put the last value into the slot before its own: two values in a slot at one ballot."""
    cluster = proposed()
    voted(cluster, 1, 1)
    assert resent(cluster, to) == [(0, "a"), (2, "c")]


def test_a_replica_is_sent_only_the_slots_that_miss_its_vote() -> None:
    cluster = proposed(5)
    voted(cluster, 1, 0)
    assert resent(cluster, 1) == [(1, "bc")]
    cluster = proposed(5)
    voted(cluster, 1, 0)
    assert resent(cluster, 2) == [(0, "a"), (1, "bc")]


def test_a_tick_sends_again_as_much_as_the_limit_and_not_a_value_more() -> None:
    two = 2 * weight(COMMANDS[0])
    cluster = proposed(settings=Settings(run_slots=1, resend_chars=two))
    assert resent(cluster, 1) == [(0, "a"), (1, "b")]
    cluster = proposed(settings=Settings(run_slots=1, resend_chars=two - 1))
    assert resent(cluster, 1) == [(0, "a")]


def test_a_value_above_the_limit_of_a_tick_is_sent_again_alone() -> None:
    """Otherwise it would never be sent again."""
    cluster = proposed(settings=Settings(run_slots=1, resend_chars=1))
    assert resent(cluster, 1) == [(0, "a")]
    assert resent(cluster, 1) == [(1, "b")]
    assert resent(cluster, 1) == [(2, "c")]
