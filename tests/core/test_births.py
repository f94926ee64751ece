"""No command stands in a slot below its session's birth, because leaders do not propose one.

The table of sessions rests on that: see :mod:`paxtui.core.sessions`.
"""

from __future__ import annotations

import pytest

from paxtui.core.output import Appended, Refused
from paxtui.core.sessions import Sessions
from paxtui.core.settings import Settings
from paxtui.core.values import Command
from tests.core.cluster import Cluster


def led(limits: Settings | None = None) -> Cluster:
    cluster = Cluster(3, limits)
    cluster.lead(0)
    return cluster


@pytest.mark.parametrize("birth", [1, 7, 2**53 - 1])
def test_a_leader_refuses_a_session_that_claims_to_be_born_where_no_slot_is_yet(birth: int) -> None:
    cluster = led()
    cluster.say(0, f"eve@{birth}", "x")
    cluster.stabilize()
    assert [(reply.reason, reply.leader) for reply in cluster[0].answers(Refused)] == [("not-leader", None)]
    assert [len(node.log) for node in cluster.nodes] == [0, 0, 0]


def test_a_session_may_be_born_at_the_very_slot_that_its_first_command_takes() -> None:
    cluster = led()
    for number in range(4):
        cluster.say(0, f"ada@{number}", str(number))
        cluster.stabilize()
    assert [reply.slot for reply in cluster[0].answers(Appended)] == [0, 1, 2, 3]


def test_a_session_born_among_the_slots_that_phase_1_told_of_is_taken_before_they_are_learned() -> None:
    """Replica 0's slots 0 and 1 are chosen and it has said so to a client; the new leader knows of them only
    by the votes that it was told."""
    cluster = led()
    cluster.say(0, "ada", "0")
    cluster.say(0, "ada", "1")
    cluster.deliver("accept")
    cluster.deliver("accepted")
    assert cluster[0].replica.learner.watermark == 2
    cluster.drop()
    cluster.elect(1)
    cluster.deliver("prepare")
    cluster.deliver("promise")
    leader = cluster[1].replica.proposer.leader
    assert leader is not None
    assert cluster[1].replica.learner.watermark < 2 <= leader.end
    cluster.say(1, "eve@3", "e")
    cluster.say(1, "bob@2", "b")
    cluster.run(0.5)
    assert [(reply.client, reply.reason) for reply in cluster[1].answers(Refused)] == [
        ("eve@3", "not-leader")
    ]
    assert list(cluster.logs()) == [["0", "1", "b"]] * 3


def test_an_invented_session_that_was_evicted_does_not_take_effect_again() -> None:
    """It is taken from the slot on at which it claims to be born, and is then as mortal as any."""
    cluster = led(Settings(sessions_max=2))
    for client in ("eve@3", "ada@0", "bob@1", "eve@3", "cyd@2", "eve@3", "dan@4", "fay@5", "eve@3"):
        cluster.say(0, client, client, request=1)
        cluster.stabilize()
    refused = [reply.reason for reply in cluster[0].answers(Refused)]
    assert refused == ["not-leader", "not-leader", "expired"]
    assert list(cluster.logs()) == [["ada@0", "bob@1", "cyd@2", "eve@3", "dan@4", "fay@5"]] * 3


def test_what_is_in_the_log_already_is_applied_as_earlier_releases_apply_it() -> None:
    """Else replicas of two releases would differ on one log."""
    sessions = Sessions(1, 4)
    assert sessions.apply(0, Command("eve@99", 1, "x")) is None
    assert sessions.apply(1, Command("ada@0", 1, "x")) is None
    assert sessions.horizon == 0
    assert sessions.apply(2, Command("eve@99", 1, "x")) is None
