"""Every queue, window, page and table has a bound, and what lies past it is answered (mistake 23)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paxtui.core.ballot import Ballot
from paxtui.core.messages import Accept, CatchUp, Entries, Prepare, Promise
from paxtui.core.output import Appended, Refused
from paxtui.core.settings import Settings
from paxtui.core.values import TEXT_BYTES_MAX, VALUE_OVERHEAD_CHARS, Command, weight
from tests.core.cluster import Cluster


def led(limits: Settings) -> Cluster:
    cluster = Cluster(3, limits)
    cluster.lead(0)
    return cluster


def burst(cluster: Cluster, count: int, text: str = "x") -> list[Command]:
    """So many requests at once."""
    commands = [Command("ada@0", number, text) for number in range(1, count + 1)]
    cluster.propose(0, *commands)
    return commands


def test_no_more_slots_than_the_window_are_in_flight() -> None:
    cluster = led(Settings(window_slots=4))
    burst(cluster, 10)
    assert (cluster[0].status.in_flight, cluster[0].status.queued) == (4, 6)
    cluster.stabilize()
    assert len(cluster[0].answers(Appended)) == 10


def test_no_more_characters_than_the_window_are_in_flight() -> None:
    cluster = led(Settings(window_chars=500, run_slots=1))
    burst(cluster, 10, "x" * 100)
    assert cluster[0].status.in_flight == 4
    cluster.stabilize()
    assert len(cluster[0].answers(Appended)) == 10


def test_a_hole_holds_the_window() -> None:
    """What is proposed above it must be kept until it is filled, so it counts."""
    cluster = led(Settings(window_slots=4))
    cluster.skip(0)
    burst(cluster, 10)
    cluster.stabilize()
    assert cluster[0].status.queued == 7
    cluster.run(1.5)
    assert len(cluster[0].answers(Appended)) == 10


def test_past_the_queue_clients_are_told_busy_and_may_come_again() -> None:
    cluster = led(Settings(queue_slots=5, window_slots=1))
    commands = burst(cluster, 8)
    refused = cluster[0].answers(Refused)
    assert [(reply.request, reply.reason) for reply in refused] == [(6, "busy"), (7, "busy"), (8, "busy")]
    cluster.stabilize()
    cluster.propose(0, *commands)
    cluster.stabilize()
    assert {reply.request for reply in cluster[0].answers(Appended)} == set(range(1, 9))
    assert len(cluster[0].texts) == 8


def test_the_queue_is_bounded_in_characters_too() -> None:
    cluster = led(Settings(queue_chars=3 * (100 + len("ada@0") + VALUE_OVERHEAD_CHARS), window_slots=1))
    burst(cluster, 5, "x" * 100)
    assert [reply.request for reply in cluster[0].answers(Refused)] == [4, 5]


def test_a_run_carries_no_more_slots_than_the_limit() -> None:
    cluster = led(Settings(run_slots=3))
    burst(cluster, 8)
    assert [len(letter.message.values) for letter in cluster.flying("accept", to=1)] == [3, 3, 2]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 300), min_size=1, max_size=12), st.integers(1, 400))
def test_a_run_carries_no_more_characters_than_the_limit_unless_one_value_is_longer(
    sizes: list[int], limit: int
) -> None:
    cluster = led(Settings(run_chars=limit))
    commands = [Command("ada@0", number, "x" * size) for number, size in enumerate(sizes)]
    cluster.propose(0, *commands)
    runs = [letter.message.values for letter in cluster.flying("accept", to=1)]
    assert [value for run in runs for value in run] == commands
    for run in runs:
        assert len(run) == 1 or sum(map(weight, run)) <= limit
    cluster.stabilize()
    assert cluster[2].texts == [command.text for command in commands]


def test_texts_of_64_kib_go_one_a_message() -> None:
    cluster = led(Settings())
    burst(cluster, 5, "x" * TEXT_BYTES_MAX)
    assert [len(letter.message.values) for letter in cluster.flying("accept", to=1)] == [1] * 5
    cluster.isolate(2)
    cluster.stabilize()
    cluster.heal()
    cluster.run(1.0)
    cluster.assert_agreement()
    assert len(cluster[2].texts) == 5


def test_an_acceptor_votes_only_so_far_ahead_of_what_it_learned() -> None:
    """Else the votes of a replica that cannot learn would fill its memory."""
    cluster = Cluster(3, Settings(ahead_slots=4), checked=False)
    values = tuple(Command("ada@0", number, "x") for number in range(10))
    (answer,) = cluster.inject(0, 2, Accept(Ballot(1, 0), 0, values))
    assert (answer.message.first, answer.message.count) == (0, 4)
    (answer,) = cluster.inject(0, 2, Accept(Ballot(1, 0), 1000, values))
    assert (answer.message.first, answer.message.count) == (1000, 0)
    assert sorted(cluster[2].disk.rows) == [0, 1, 2, 3]


def test_an_acceptor_keeps_only_so_many_characters_ahead() -> None:
    cluster = Cluster(3, Settings(ahead_chars=300), checked=False)
    values = tuple(Command("ada@0", number, "x" * 100) for number in range(10))
    (answer,) = cluster.inject(0, 2, Accept(Ballot(1, 0), 0, values))
    assert answer.message.count == 3


def test_what_was_too_far_ahead_is_sent_again_when_there_is_room() -> None:
    cluster = led(Settings(ahead_slots=4, window_slots=100))
    burst(cluster, 20)
    cluster.run(5.0)
    assert [len(node.texts) for node in cluster.nodes] == [20, 20, 20]


def test_a_promise_of_many_votes_is_cut_into_pages() -> None:
    cluster = Cluster(3, Settings(run_slots=3), checked=False)
    values = tuple(Command("ada@0", number, "x") for number in range(8))
    cluster.inject(0, 2, Accept(Ballot(1, 0), 0, values))
    pages: list[list[int]] = []
    first: int | None = 0
    while first is not None:
        (answer,) = cluster.inject(1, 2, Prepare(Ballot(2, 1), first, True))
        assert isinstance(answer.message, Promise)
        pages.append([vote.slot for vote in answer.message.votes])
        first = answer.message.next
    assert pages == [[0, 1, 2], [3, 4, 5], [6, 7]]


def test_pages_of_a_promise_are_limited_in_characters() -> None:
    cluster = Cluster(3, Settings(run_chars=300), checked=False)
    values = tuple(Command("ada@0", number, "x" * 100) for number in range(5))
    cluster.inject(0, 2, Accept(Ballot(1, 0), 0, values))
    (answer,) = cluster.inject(1, 2, Prepare(Ballot(2, 1), 0, True))
    assert ([vote.slot for vote in answer.message.votes], answer.message.next) == ([0, 1], 2)


def test_a_leader_with_many_slots_to_recover_keeps_to_the_limit_of_a_run() -> None:
    cluster = Cluster(3, Settings(run_slots=4, window_slots=100))
    cluster.lead(0)
    burst(cluster, 30)
    cluster.deliver("accept", to=1)
    cluster.crash(0)
    cluster.drop()
    cluster.elect(1)
    cluster.deliver("prepare")
    for _ in range(40):
        cluster.deliver("promise")
        cluster.deliver("prepare")
    assert cluster[1].leads
    assert all(len(letter.message.values) <= 4 for letter in cluster.flying("accept"))
    cluster.stabilize()
    assert len(cluster[2].texts) == 30


def test_one_tick_sends_only_so_much_again_to_one_peer() -> None:
    cluster = led(Settings(resend_chars=300, run_slots=1))
    burst(cluster, 10, "x" * 100)
    cluster.drop("accept")
    cluster.tick(0.16)
    assert len(cluster.flying("accept", to=1)) == 2
    cluster.run(20.0)
    assert len(cluster[2].texts) == 10


@pytest.mark.parametrize("limit", [{"cache_slots": 3}, {"cache_chars": 3 * (1 + 5 + VALUE_OVERHEAD_CHARS)}])
def test_only_so_many_learned_slots_stay_in_memory(limit: dict[str, int]) -> None:
    """Mistake 23: memory must not grow with the log."""
    cluster = led(Settings(**limit))
    burst(cluster, 20)
    cluster.stabilize()
    for node in cluster.nodes:
        learner = node.replica.learner
        assert sorted(learner.recent_entries._entries) == [17, 18, 19]
        assert (learner.known, node.replica.acceptor.votes) == ({}, {})
    (answer,) = cluster.inject(1, 0, CatchUp(5))
    assert isinstance(answer.message, Entries)
    assert answer.message.first == 5


def test_a_leader_keeps_nothing_of_what_is_applied() -> None:
    cluster = led(Settings())
    burst(cluster, 20)
    cluster.run(3.0)
    leader = cluster[0].replica.proposer.leader
    assert leader is not None
    kept = (
        leader._proposals,
        leader._tally,
        leader._flights,
        leader._waiting,
        leader._adopted,
        leader._chars,
    )
    assert kept == ({}, {}, [], set(), {}, 0)


def test_a_round_that_is_absurdly_high_is_dropped() -> None:
    """One liar must not push the cluster to the end of the number range."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.inject(1, 2, Prepare(Ballot(2**50, 1), 0, True))
    assert cluster[2].drops() == ["its round is absurdly high"]
    assert cluster[2].status.promised == Ballot(1, 0)


def test_honest_rounds_that_a_replica_missed_are_not_absurd() -> None:
    cluster = Cluster(3, checked=False)
    cluster.inject(1, 2, Prepare(Ballot(2**32, 1), 0, True))
    assert cluster[2].status.promised == Ballot(2**32, 1)
