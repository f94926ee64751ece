"""A slot that the operator skips is a hole until a no-op fills it (design, 5.11; Paxos Made Simple, 3)."""

from __future__ import annotations

import pytest

from paxtui.core.events import Proposed, SlotSkipped
from paxtui.core.output import Appended
from paxtui.core.settings import Settings
from paxtui.core.values import Command
from tests.core.cluster import Cluster


def led(limits: Settings | None = None) -> Cluster:
    cluster = Cluster(3, limits)
    cluster.lead(0)
    return cluster


def test_the_next_slot_stays_empty_and_the_command_takes_the_one_above() -> None:
    cluster = led()
    assert cluster.skip(0) is None
    command = cluster.say(0, "ada", "a")
    cluster.stabilize()
    assert [event.slot for event in cluster[0].seen(SlotSkipped)] == [0]
    assert cluster[0].status.holes == (0,)
    assert cluster[0].slot_of(command) is None
    assert [node.status.watermark for node in cluster.nodes] == [0, 0, 0]
    assert cluster[1].status.learned_high == 2


def test_a_hole_is_filled_with_a_no_op_after_its_timeout_and_not_before() -> None:
    cluster = led(Settings(hole_timeout_s=2.0))
    cluster.skip(0)
    command = cluster.say(0, "ada", "a")
    cluster.run(1.9)
    assert cluster[0].status.holes == (0,)
    cluster.run(0.2)
    assert cluster[0].status.holes == ()
    assert cluster[0].slot_of(command) == 1
    assert [event.source for event in cluster[0].seen(Proposed)] == ["client", "no-op"]
    assert all(node.log[0].value.is_noop for node in cluster.nodes)


def test_the_operator_may_fill_it_at_once() -> None:
    cluster = led()
    cluster.skip(0)
    command = cluster.say(0, "ada", "a")
    cluster.stabilize()
    assert cluster.fill(0, 0) is None
    cluster.stabilize()
    assert cluster[0].slot_of(command) == 1
    assert cluster.fill(0, 0) == "slot 0 is no hole of this leader"


def test_a_new_leader_fills_it_at_once() -> None:
    """Mistake 9: at election, not when the old leader's timer would have come."""
    cluster = led(Settings(hole_timeout_s=1000.0))
    cluster.skip(0)
    cluster.say(0, "ada", "a")
    cluster.stabilize()
    cluster.elect(1)
    cluster.stabilize()
    assert cluster[1].texts == ["a"]


def test_a_skipped_slot_with_nothing_above_is_free_for_the_next_leader() -> None:
    cluster = led()
    cluster.skip(0)
    cluster.elect(1)
    cluster.stabilize()
    command = cluster.say(1, "bob", "b")
    cluster.stabilize()
    assert cluster[1].slot_of(command) == 0


def test_a_slot_ahead_may_be_skipped_before_its_turn() -> None:
    cluster = led()
    assert cluster.skip(0, 2) is None
    assert cluster.skip(0, 3) is None
    for text in "abcd":
        cluster.say(0, "ada", text)
    cluster.run(2.0)
    assert [reply.slot for reply in cluster[0].answers(Appended)] == [0, 1, 4, 5]
    cluster.assert_agreement()


def test_a_burst_flows_around_skipped_slots() -> None:
    cluster = led()
    cluster.skip(0, 1)
    cluster.skip(0, 3)
    cluster.propose(0, *(Command("ada@0", number, "x") for number in range(4)))
    cluster.run(2.0)
    assert [entry.value.is_noop for entry in cluster[2].log] == [False, True, False, True, False, False]


def test_a_slot_that_is_used_cannot_be_skipped() -> None:
    cluster = led()
    cluster.say(0, "ada", "a")
    assert cluster.skip(0, 0) == "slot 0 is used already"
    cluster.stabilize()
    assert cluster.skip(1, 0) == "slot 0 is used already"


def test_a_follower_has_no_next_slot_and_no_holes() -> None:
    cluster = led()
    assert cluster.skip(1) == "it does not lead, so it has no next slot"
    assert cluster.fill(1, 0) == "it does not lead"


def test_the_skip_of_a_follower_counts_when_it_leads() -> None:
    cluster = led()
    assert cluster.skip(1, 1) is None
    cluster.lead(1)
    for text in "ab":
        cluster.say(1, "bob", text)
    cluster.stabilize()
    assert cluster[1].status.holes == (1,)


@pytest.mark.parametrize("crash", [True, False])
def test_the_holes_of_a_leader_end_with_its_lead(crash: bool) -> None:
    cluster = led()
    cluster.skip(0)
    cluster.say(0, "ada", "a")
    cluster.stabilize()
    if crash:
        cluster.crash_proposer(0)
    cluster.lead(1)
    assert cluster[0].status.holes == ()
    cluster.run(3.0)
    assert list(cluster.logs()) == [["a"]] * 3
    assert len(cluster[1].log) == 2
