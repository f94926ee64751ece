"""A limit is what is still allowed: what takes exactly so much fits, and one more does not."""

from __future__ import annotations

import pytest

from paxtui.core.ballot import Ballot
from paxtui.core.messages import Accept, Prepare, PreVoteReply, Promise
from paxtui.core.output import Refused
from paxtui.core.settings import Settings
from paxtui.core.values import Command, weight
from tests.core.cluster import Cluster

VALUES = tuple(Command("ada@0", number, "x" * 100) for number in range(1, 5))
TWO = 2 * weight(VALUES[0])


@pytest.mark.parametrize(("chars", "expected"), [(TWO - 1, 1), (TWO, 2), (TWO + 1, 2)])
def test_a_page_of_a_promise_holds_as_many_characters_as_the_limit(chars: int, expected: int) -> None:
    cluster = Cluster(3, Settings(run_chars=chars), checked=False)
    cluster.inject(0, 2, Accept(Ballot(1, 0), 0, VALUES))
    (answer,) = cluster.inject(1, 2, Prepare(Ballot(2, 1), 0, True))
    assert isinstance(answer.message, Promise)
    assert (len(answer.message.votes), answer.message.next) == (expected, expected)


@pytest.mark.parametrize(("chars", "expected"), [(TWO - 1, 1), (TWO, 2), (TWO + 1, 2)])
def test_a_run_of_commands_holds_as_many_characters_as_the_limit(chars: int, expected: int) -> None:
    cluster = Cluster(3, Settings(run_chars=chars))
    cluster.lead(0)
    cluster.propose(0, *VALUES)
    assert len(cluster.flying("accept", to=1)[0].message.values) == expected


@pytest.mark.parametrize(("chars", "expected"), [(TWO - 1, 1), (TWO, 2), (TWO + 1, 2)])
def test_a_run_of_adopted_values_holds_as_many_characters_as_the_limit(chars: int, expected: int) -> None:
    cluster = Cluster(3, Settings(run_chars=chars), checked=False)
    cluster.inject(0, 2, Accept(Ballot(1, 0), 0, VALUES))
    cluster.elect(2)
    for _ in range(10):
        cluster.deliver("prepare")
        cluster.deliver("promise")
    assert cluster[2].leads
    assert len(cluster.flying("accept", to=1)[0].message.values) == expected


@pytest.mark.parametrize(("chars", "expected"), [(TWO - 1, 1), (TWO, 2), (TWO + 1, 2)])
def test_a_page_of_learned_slots_holds_as_many_characters_as_the_limit(chars: int, expected: int) -> None:
    cluster = Cluster(3, Settings(run_chars=chars))
    cluster.lead(0)
    cluster.isolate(2)
    cluster.propose(0, *VALUES)
    cluster.stabilize()
    cluster.heal()
    cluster.inject(0, 2, PreVoteReply(Ballot(1, 2), False, Ballot(1, 0), 4))
    cluster.deliver("catch-up", 2, 0)
    assert len(cluster.flying("entries", 0, 2)[0].message.entries) == expected


@pytest.mark.parametrize(("chars", "expected"), [(TWO - 1, 1), (TWO, 2), (TWO + 1, 2)])
def test_the_queue_holds_as_many_characters_as_the_limit(chars: int, expected: int) -> None:
    cluster = Cluster(3, Settings(queue_chars=chars))
    cluster.lead(0)
    cluster.propose(0, *VALUES)
    assert [reply.request for reply in cluster[0].answers(Refused)] == list(range(expected + 1, 5))


def test_a_queue_that_was_emptied_holds_as_much_as_before() -> None:
    cluster = Cluster(3, Settings(queue_chars=TWO))
    cluster.lead(0)
    for number in range(5):
        long, short = "x" * 190, "x" * 10
        cluster.propose(0, Command("bob@0", 2 * number, long), Command("bob@0", 2 * number + 1, short))
        cluster.stabilize()
    assert cluster[0].answers(Refused) == []
    assert len(cluster[0].texts) == 10


def test_each_command_counts_with_its_own_size() -> None:
    short, long = (Command("ada@0", number, "x" * size) for number, size in ((1, 10), (2, 500)))
    cluster = Cluster(3, Settings(run_chars=weight(short) + weight(long)))
    cluster.lead(0)
    cluster.propose(0, short, long, Command("ada@0", 3, "x" * 500))
    assert [len(letter.message.values) for letter in cluster.flying("accept", to=1)] == [2, 1]


def test_votes_that_were_applied_take_no_room_any_more() -> None:
    cluster = Cluster(3, Settings(ahead_chars=TWO))
    cluster.lead(0)
    for number in range(10):
        cluster.propose(0, Command("bob@0", number, "x" * 100))
        cluster.stabilize()
    cluster.propose(0, *VALUES[:2])
    cluster.deliver("accept")
    assert {len(node.replica.acceptor.votes) for node in cluster.nodes} == {2}


def test_a_command_that_was_refused_as_busy_is_not_queued() -> None:
    cluster = Cluster(3, Settings(queue_slots=2, window_slots=1))
    cluster.lead(0)
    for value in VALUES:
        cluster[0].replica.propose(value, cluster.now)
    assert cluster[0].status.queued == 2
    cluster.pump(0)
    cluster.stabilize()
    assert [reply.request for reply in cluster[0].answers(Refused)] == [3, 4]
    assert len(cluster[0].texts) == 2
