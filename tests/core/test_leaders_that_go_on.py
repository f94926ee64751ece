"""What a leader keeps of its plans when slots are settled by others: it learns them, or takes a state."""

from __future__ import annotations

from typing import Any, cast

from paxtui.core.ballot import Ballot
from paxtui.core.leader import Leader
from paxtui.core.messages import HeartbeatAck, Prepare, PreVoteReply
from paxtui.core.outbox import Outbox
from paxtui.core.output import ReadReady
from paxtui.core.settings import Settings
from paxtui.core.values import Command, weight
from tests.core.cluster import Cluster


def test_a_leader_that_takes_a_state_still_proposes_what_phase_1_told_from_there_on() -> None:
    """The first slot above the state is settled by a vote that phase 1 told. A no-op in its place would
    contradict a chosen value (Paxos Made Simple, 2.2, P2c)."""
    cluster = Cluster(3, Settings(window_slots=2, election_s_min=50.0, election_s_max=60.0))
    cluster.lead(0)
    cluster.isolate(2)
    for text in ("a", "b"):
        cluster.say(0, "ada", text)
    cluster.stabilize()
    assert cluster.checkpoint(0) is None
    _vote(cluster)
    assert cluster.trim(0, 3) is None
    _vote(cluster)
    assert [cluster[me].status.watermark for me in (0, 1, 2)] == [4, 2, 0]
    assert cluster[0].status.log_start == 3

    cluster.heal()
    cluster.elect(2)
    cluster.deliver("prepare", 2, 1)
    cluster.deliver("promise", 1, 2)
    assert cluster[2].leads
    assert cluster.drop("accept") == 0, "slot 2 is outside of the window of a leader that has learned nothing"
    cluster.drop()
    cluster.inject(0, 2, PreVoteReply(Ballot(1, 2), False, Ballot(1, 0), 4))
    cluster[2].replica.learner.ask_for_missing(cluster.now + 1.0)
    cluster.pump(2)
    cluster.deliver("catch-up", 2, 0)
    cluster.deliver("snapshot", 0, 2)
    assert cluster[2].leads
    assert cluster[2].status.watermark == 3
    (letter,) = cluster.flying("accept", 2, 1)
    assert (letter.message.first, [value.text for value in letter.message.values]) == (3, ["trim 1.0"])
    cluster.stabilize()
    cluster.run(1.0)
    cluster.assert_agreement()


def _vote(cluster: Cluster) -> None:
    """Replica 1 votes for what replica 0 proposed, which 0 learns, but 1 does not."""
    cluster.deliver("accept", 0, 1)
    cluster.deliver("accepted", 1, 0)
    cluster.drop()


def leader_with_holes(*slots: int) -> tuple[Leader, Outbox]:
    """A leader of three replicas has skipped ``slots`` and proposed a command in each slot after one."""
    out = Outbox(0)
    leader = Leader(out, Settings(hole_timeout_s=1.0), 3, Ballot(1, 0), 0, {}, 0.0)
    skips = set(slots)
    for number in range(1, max(slots) + 2):
        leader.append(Command("ada@0", number, "x"))
        leader.propose_waiting(0.0, 0, {}, skips)
    assert sorted(leader.holes) == sorted(slots)
    out.drain()
    return leader, out


def test_a_leader_that_takes_a_state_fills_no_hole_below_it() -> None:
    leader, out = leader_with_holes(0, 2)
    leader.on_installed(2)
    assert sorted(leader.holes) == [2]
    leader.fill_due(1.0)
    sends, _, _ = out.drain()
    assert [cast("Any", envelope.message).first for envelope in sends] == [2]


def test_a_leader_that_takes_a_state_keeps_no_value_below_it() -> None:
    """They may be many, and a leader may lead for long."""
    adopted = {slot: Command("ada@0", slot, "x") for slot in range(4)}
    leader = Leader(Outbox(0), Settings(), 3, Ballot(1, 0), 0, adopted, 0.0)
    leader.on_installed(2)
    assert sorted(leader._adopted) == [2, 3]


def test_a_vote_in_the_first_slot_above_a_state_stays() -> None:
    """It may be one of the votes that chose the value there."""
    cluster = Cluster(3, Settings(election_s_min=50.0, election_s_max=60.0))
    cluster.lead(0)
    cluster.isolate(2)
    for text in ("a", "b"):
        cluster.say(0, "ada", text)
    cluster.stabilize()
    assert cluster.checkpoint(0) is None
    cluster.stabilize()
    cluster.heal()
    assert cluster.trim(0, 3) is None
    cluster.deliver("accept", 0, 2)
    assert sorted(cluster[2].disk.rows) == [3]
    cluster.cut((0, 2))
    cluster.stabilize()
    cluster.heal()
    cluster.inject(0, 2, PreVoteReply(Ballot(1, 2), False, Ballot(1, 0), 4))
    cluster.deliver("catch-up")
    cluster.deliver("snapshot")
    assert cluster[2].status.watermark == 3
    assert sorted(cluster[2].replica.acceptor.votes) == sorted(cluster[2].disk.rows) == [3]
    (letter,) = cluster.inject(1, 2, Prepare(Ballot(9, 1), 3, True))[-1:]
    assert [vote.slot for vote in letter.message.votes] == [3]


def test_a_hole_at_the_first_slot_above_the_state_stays() -> None:
    leader, _ = leader_with_holes(2)
    leader.on_installed(2)
    assert sorted(leader.holes) == [2]


def test_a_leader_fills_no_hole_that_it_learned_from_another_replica() -> None:
    leader, out = leader_with_holes(0, 2)
    leader.drop_slots(0, 2)
    leader.fill_due(1.0)
    sends, _, _ = out.drain()
    assert [cast("Any", envelope.message).first for envelope in sends] == [2]


def test_skips_of_slots_that_others_have_used_since_make_room_for_new_ones() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    for slot in range(256):
        assert cluster.skip(1, slot) is None
    assert cluster.skip(1, 256) == "256 slots wait to be skipped already"
    cluster.say(0, "ada", "a")
    cluster.stabilize()
    assert cluster.skip(1, 256) is None
    assert cluster.skip(1, 257) == "256 slots wait to be skipped already"


def test_slots_that_were_learned_elsewhere_make_room_in_the_window() -> None:
    out = Outbox(0)
    values = [Command("ada@0", number, "x" * 100) for number in range(1, 7)]
    limit = 2 * weight(values[0])
    leader = Leader(out, Settings(window_chars=limit, run_slots=1), 3, Ballot(1, 0), 0, {}, 0.0)
    for value in values:
        leader.append(value)
    leader.propose_waiting(0.0, 0, {}, set())
    assert (leader.in_flight, leader.queued) == (2, 4)
    leader.drop_slots(0, 2)
    assert leader.in_flight == 0
    leader.propose_waiting(0.0, 2, {}, set())
    assert (leader.in_flight, leader.queued) == (2, 2)
    out.drain()
    leader.resend(10.0)
    assert sorted({cast("Any", envelope.message).first for envelope in out.drain()[0]}) == [2, 3]


def test_a_read_waits_for_a_heartbeat_that_was_sent_after_it_also_on_a_leader_that_has_sent_none() -> None:
    cluster = Cluster(3)
    cluster.elect(0)
    cluster.deliver("prepare")
    cluster.deliver("promise")
    assert cluster[0].leads
    assert cluster[0].replica.proposer.leader.beats == 0  # type: ignore[union-attr]
    cluster.read(0, 7)
    cluster.say(0, "ada", "a")
    cluster.deliver("accept")
    cluster.deliver("accepted")
    assert cluster[0].texts == ["a"]
    assert not cluster[0].read_ready(7)
    cluster.stabilize()
    assert cluster[0].read_ready(7)


def test_a_read_that_waited_for_slots_below_a_state_is_answered_when_the_state_is_there() -> None:
    out = Outbox(0)
    leader = Leader(out, Settings(), 3, Ballot(1, 0), 5, {}, 0.0)
    leader.read(7, 0)
    leader.send_heartbeat(0)
    for replica in (0, 1):
        leader.on_ack(replica, HeartbeatAck(Ballot(1, 0), 1, 0), 0)
    assert out.replies == []
    leader.on_installed(4)
    assert out.replies == []
    leader.on_installed(5)
    assert out.replies == [ReadReady(7, 5)]
