"""The last slot and the last round that another replica may name, and the first ones that it may not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from paxtui.core.ballot import ROUND_JUMP_MAX, Ballot
from paxtui.core.messages import (
    Accept,
    Accepted,
    CatchUp,
    Chosen,
    Entries,
    Heartbeat,
    HeartbeatAck,
    Nack,
    PeerMessage,
    Prepare,
    PreVote,
    PreVoteReply,
    Promise,
    SnapshotAsk,
)
from paxtui.core.validation import (
    ROUND_REFILL_A_SECOND,
    ROUND_TOO_HIGH,
    SLOT_JUMP_MAX,
    SLOT_TOO_HIGH,
)
from paxtui.core.values import NOOP
from tests.core.cluster import Cluster

OWN, ITS = Ballot(1, 0), Ballot(2, 1)

SLOTS: list[Callable[[int], PeerMessage]] = [
    lambda slot: Accept(ITS, slot - 2, (NOOP, NOOP)),
    lambda slot: Accepted(OWN, slot - 2, 2, 0),
    lambda slot: Accepted(OWN, 0, 0, slot),
    lambda slot: Chosen(ITS, slot - 2, 2),
    lambda slot: Heartbeat(ITS, 1, slot),
    lambda slot: HeartbeatAck(OWN, 0, slot),
    lambda slot: PreVoteReply(OWN, False, OWN, slot),
    lambda slot: Nack(OWN, OWN, None, slot),
    lambda slot: Prepare(ITS, slot, True),
    lambda slot: CatchUp(slot),
    lambda slot: SnapshotAsk(slot, ""),
    lambda slot: Promise(OWN, slot, None, 0, ()),
    lambda slot: Promise(OWN, 0, None, slot, ()),
    lambda slot: Entries(0, (), slot),
]


def objection(cluster: Cluster, message: PeerMessage) -> str | None:
    """What replica 0 objects to in a message of replica 1."""
    return cluster[0].replica._bounds.objection(1, message, cluster.now)


@pytest.mark.parametrize("make", SLOTS, ids=lambda make: type(make(2)).__name__)
def test_slots_may_be_named_up_to_the_furthest_jump_and_not_beyond(
    make: Callable[[int], PeerMessage],
) -> None:
    cluster = Cluster(3)
    cluster.say(0, "ada", "a")
    assert objection(cluster, make(SLOT_JUMP_MAX)) is None
    assert objection(cluster, make(SLOT_JUMP_MAX + 1)) == SLOT_TOO_HIGH


def test_the_furthest_jump_is_measured_from_the_watermark() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "a")
    cluster.stabilize()
    assert objection(cluster, CatchUp(SLOT_JUMP_MAX + 1)) is None
    assert objection(cluster, CatchUp(SLOT_JUMP_MAX + 2)) == SLOT_TOO_HIGH


ROUNDS: list[Callable[[int], PeerMessage]] = [
    lambda number: PreVote(Ballot(number, 1)),
    lambda number: PreVoteReply(OWN, False, Ballot(number, 1), 0),
    lambda number: Nack(OWN, Ballot(number, 1), None, 0),
    lambda number: Nack(OWN, OWN, Ballot(number, 1), 0),
]


@pytest.mark.parametrize("make", ROUNDS, ids=lambda make: type(make(2)).__name__)
def test_rounds_may_be_named_up_to_the_furthest_jump_and_not_beyond(
    make: Callable[[int], PeerMessage],
) -> None:
    cluster = Cluster(3)
    cluster.elect(0)
    seen = cluster[0].replica.proposer.round_seen
    assert objection(cluster, make(seen + 1)) is None
    assert objection(cluster, make(seen + ROUND_JUMP_MAX)) is None
    assert objection(cluster, make(seen + ROUND_JUMP_MAX + 1)) == ROUND_TOO_HIGH


def test_the_allowance_for_rounds_comes_back_at_its_rate_however_often_it_is_looked_at() -> None:
    cluster = Cluster(3)
    bounds = cluster[0].replica._bounds
    start = cluster.now
    bounds.spend_rounds(ROUND_JUMP_MAX, start)
    assert bounds.round_limit(start) == 0
    for second in (1, 2, 3):
        assert bounds.round_limit(start + second) == second * ROUND_REFILL_A_SECOND
    assert bounds.round_limit(start + 2) == 3 * ROUND_REFILL_A_SECOND  # a clock that goes back takes nothing
    assert bounds.round_limit(start + 3) == 3 * ROUND_REFILL_A_SECOND
    assert bounds.round_limit(start + 2 * ROUND_JUMP_MAX / ROUND_REFILL_A_SECOND) == ROUND_JUMP_MAX
