"""Old slots are removed: checkpoints, trims, and replicas that go on from the state of another one."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from paxtui.core.ballot import Ballot
from paxtui.core.durable_state import CHAIN_START
from paxtui.core.events import Checkpointed, SnapshotAsked, SnapshotSent, SnapshotTaken, SteppedDown, Trimmed
from paxtui.core.hash_chain import link
from paxtui.core.learner import STATE_REPEATS_MAX
from paxtui.core.messages import Accepted, CatchUp, Chosen, Entries, Prepare, PreVoteReply, Promise, Snapshot
from paxtui.core.output import Checkpoint
from paxtui.core.settings import Settings
from tests.core.cluster import Cluster

UNASKED = "answers nothing that is asked now"
PATIENT = Settings(election_s_min=50.0, election_s_max=60.0, snapshot_bytes=1)
"""No replica asks for pre-votes while a test waits; one session a page."""


def append(cluster: Cluster, *texts: str, client: str = "ada", leader: int = 0) -> None:
    for text in texts:
        cluster.say(leader, client, text)
    cluster.stabilize()


def checkpoint(cluster: Cluster, wall_s: int = 1000, leader: int = 0) -> None:
    assert cluster.checkpoint(leader, wall_s) is None
    cluster.stabilize()


def trim(cluster: Cluster, upto: int, leader: int = 0) -> None:
    assert cluster.trim(leader, upto) is None
    cluster.stabilize()


def two_checkpoints(settings: Settings | None = None) -> Cluster:
    """``a b CHECKPOINT c d CHECKPOINT e``: states are kept at slots 3 and 6, and the next slot is 7."""
    cluster = Cluster(3, settings)
    cluster.lead(0)
    append(cluster, "a", "b")
    checkpoint(cluster, 1000)
    append(cluster, "c", "d", client="bob")
    checkpoint(cluster, 1001)
    append(cluster, "e")
    return cluster


def behind(settings: Settings | None = None, *, log_start: int = 3) -> Cluster:
    """Replica 2 has missed everything, and the others have removed what is below ``log_start``. Clients ada,
    bob, cy and dan have a session at slot 7."""
    cluster = Cluster(3, settings)
    cluster.lead(0)
    cluster.isolate(2)
    append(cluster, "a", "b")
    checkpoint(cluster, 1000)
    for client in ("bob", "cy", "dan"):
        append(cluster, f"from {client}", client=client)
    checkpoint(cluster, 1001)
    append(cluster, "e")
    trim(cluster, log_start)
    assert [cluster[me].status.log_start for me in (0, 1)] == [log_start, log_start]
    cluster.heal()
    return cluster


def told(cluster: Cluster, who: int = 2, by: int = 0) -> None:
    """``who`` hears how far the leader is, asks for what it missed, and ``by`` has the question."""
    cluster.wake(by)
    cluster.deliver("heartbeat", to=who)
    cluster.deliver("catch-up", who, by)


# Checkpoints


def test_a_mark_has_every_replica_keep_the_state_at_the_slot_after_it() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    append(cluster, "a", "b")
    checkpoint(cluster, 1234)
    append(cluster, "c")
    chain = CHAIN_START
    for slot in range(3):
        chain = link(chain, slot, cluster[0].log[slot].value)
    for node in cluster.nodes:
        kept, head, horizon, sessions = node.disk.kept[3]
        assert (kept, head, horizon) == (Checkpoint(3, 1234), chain, -1)
        (row,) = sessions.values()
        assert (row.client, row.last_slot, row.top) == ("ada@0", 1, 2)  # and nothing of slot 3
        assert node.seen(Checkpointed) == [Checkpointed(3, 1234)]
        assert node.replica.learner.checkpoints == [Checkpoint(3, 1234)]
    cluster.assert_agreement()


def test_the_state_at_a_mark_does_not_move_with_the_log_that_goes_on() -> None:
    cluster = two_checkpoints()
    before = cluster[1].disk.kept[3]
    append(cluster, "x", "y", client="ada")
    append(cluster, "z", client="eve")
    assert cluster[1].disk.kept[3] == before


def test_marks_and_trims_are_no_messages() -> None:
    cluster = two_checkpoints()
    trim(cluster, 3)
    assert cluster[1].texts == ["a", "b", "c", "d", "e"]
    assert len(cluster[1].log) == 8


def test_no_more_marks_are_made_than_may_be_kept() -> None:
    cluster = two_checkpoints(Settings(checkpoints_max=2))
    assert cluster.checkpoint(0) == "2 states are kept already"
    trim(cluster, 6)
    assert cluster.checkpoint(0) is None


# Trims


def test_a_trim_takes_effect_at_its_own_slot_on_every_replica() -> None:
    cluster = two_checkpoints()
    cluster.trim(0, 5)
    late = cluster.take_out("accept", 0, 2)
    cluster.stabilize()
    assert [node.status.log_start for node in cluster.nodes] == [3, 3, 0]
    assert [node.status.watermark for node in cluster.nodes] == [8, 8, 7]
    cluster.put_in(late)
    cluster.stabilize()
    cluster.run(1.0)
    for node in cluster.nodes:
        assert (node.status.log_start, node.disk.log_start, min(node.disk.rows)) == (3, 3, 3)
        assert node.replica.learner.checkpoints == [Checkpoint(3, 1000), Checkpoint(6, 1001)]
        assert sorted(node.disk.kept) == [3, 6]
        assert node.seen(Trimmed) == [Trimmed(3)]
    cluster.assert_agreement()


def test_a_trim_to_a_mark_removes_the_states_before_it() -> None:
    cluster = two_checkpoints()
    trim(cluster, 6)
    for node in cluster.nodes:
        assert node.replica.learner.checkpoints == [Checkpoint(6, 1001)]
        assert sorted(node.disk.kept) == [6]
        assert node.status.log_start == 6


def test_a_trim_that_comes_twice_does_nothing_the_second_time() -> None:
    """Both were on their way at once: the second one finds nothing to do."""
    cluster = two_checkpoints()
    assert (cluster.trim(0, 6), cluster.trim(0, 3)) == (None, None)
    cluster.stabilize()
    assert [node.status.log_start for node in cluster.nodes] == [6, 6, 6]
    assert cluster[1].seen(Trimmed) == [Trimmed(6)]


@pytest.mark.parametrize("upto", [0, 1, 2])
def test_a_trim_below_every_mark_is_refused_with_the_reason(upto: int) -> None:
    cluster = two_checkpoints()
    assert cluster.trim(0, upto) == f"no state is kept between slot 0 and slot {upto}"
    assert cluster.flying("accept") == []


def test_a_trim_that_removes_nothing_more_is_refused() -> None:
    cluster = two_checkpoints()
    trim(cluster, 3)
    assert cluster.trim(0, 5) == "no state is kept between slot 3 and slot 5"


def test_only_a_leader_marks_and_trims() -> None:
    cluster = two_checkpoints()
    assert (cluster.checkpoint(1), cluster.trim(1, 3)) == ("it does not lead", "it does not lead")
    cluster.deny(0, "its disk was lost")
    assert (cluster.checkpoint(0), cluster.trim(0, 3)) == ("it does not lead", "it does not lead")


def test_a_leader_whose_queue_is_full_says_so() -> None:
    cluster = two_checkpoints(Settings(window_slots=1, queue_slots=1))
    cluster.isolate(0)
    cluster.say(0, "ada", "in the window")
    cluster.say(0, "ada", "in the queue")
    assert (cluster.checkpoint(0), cluster.trim(0, 3)) == ("its queue is full", "its queue is full")


def test_what_is_removed_is_not_served_from_memory_either() -> None:
    cluster = two_checkpoints()
    trim(cluster, 6)
    (letter,) = cluster.inject(2, 0, CatchUp(0))
    assert isinstance(letter.message, Snapshot)
    assert cluster[0].replica.learner.recent(100)[0][0] == 6
    (letter,) = cluster.inject(2, 0, CatchUp(6))
    assert isinstance(letter.message, Entries)


# Going on from the state of another replica


def test_a_replica_that_is_behind_the_floor_takes_the_state_and_then_the_rest() -> None:
    cluster = behind()
    cluster.run(2.0)
    node = cluster[2]
    (taken,) = node.seen(SnapshotTaken)
    assert (taken.first, taken.upto) == (0, 3)
    assert (node.base, node.status.log_start, node.status.watermark) == (3, 3, 9)
    assert node.texts == ["from bob", "from cy", "from dan", "e"]
    assert node.replica.learner.checkpoints == [Checkpoint(3, 1000), Checkpoint(7, 1001)]
    cluster.assert_agreement()


def test_retries_of_requests_in_removed_slots_are_answered_with_their_first_slot() -> None:
    cluster = behind(log_start=7)
    cluster.run(2.0)
    cluster.lead(2)
    for client, request, slot in (("ada", 1, 0), ("ada", 2, 1), ("dan", 1, 5)):
        again = cluster.say(2, client, "again", request)
        cluster.stabilize()
        assert cluster[2].slot_of(again) == slot
    assert cluster[2].texts == ["e"]
    cluster.assert_agreement()


def test_the_state_comes_in_pages_of_which_each_is_asked_for() -> None:
    cluster = behind(PATIENT, log_start=7)
    told(cluster)
    cluster.stabilize()
    assert [event.sessions for event in cluster[0].seen(SnapshotSent)] == [1, 1, 1, 1]
    assert cluster[2].base == 7
    cluster.assert_agreement()


def test_nothing_changes_before_the_last_page_is_there() -> None:
    cluster = behind(PATIENT, log_start=7)
    told(cluster)
    for _ in range(3):
        cluster.deliver("snapshot", 0, 2)
        assert (cluster[2].status.watermark, cluster[2].disk.log_start, cluster[2].disk.sessions) == (
            0,
            0,
            {},
        )
        cluster.deliver("snapshot-ask", 2, 0)
    cluster.deliver("snapshot", 0, 2)
    assert cluster[2].status.watermark == 7


def test_a_lost_page_is_asked_for_again_and_not_the_ones_before() -> None:
    cluster = behind(PATIENT, log_start=7)
    told(cluster)
    cluster.deliver("snapshot", 0, 2)
    cluster.deliver("snapshot-ask", 2, 0)
    assert cluster.drop("snapshot") == 1
    cluster.wake(2)
    (letter,) = cluster.flying("snapshot-ask", 2, 0)
    assert letter.message.after == "ada@0"
    cluster.stabilize()
    assert len(cluster[0].seen(SnapshotSent)) == 5
    assert cluster[2].base == 7
    cluster.assert_agreement()


def test_another_replica_is_asked_for_all_of_it_once_one_stays_silent() -> None:
    cluster = behind(PATIENT, log_start=7)
    told(cluster)
    cluster.inject(1, 2, PreVoteReply(Ballot(1, 2), False, Ballot(1, 0), cluster[1].status.watermark))
    cluster.deliver("snapshot", 0, 2)
    for _ in range(STATE_REPEATS_MAX):
        assert cluster.drop("snapshot-ask", 2, 0) == 1
        cluster.wake(2)
    assert cluster.drop("snapshot-ask", 2, 0) == 1
    cluster.wake(2)
    assert [letter.to for letter in cluster.flying("catch-up", 2)] == [1]
    cluster.stabilize()
    assert len(cluster[1].seen(SnapshotSent)) == 4
    assert cluster[2].base == 7
    cluster.assert_agreement()


def test_a_floor_that_moves_between_two_pages_starts_the_state_anew() -> None:
    cluster = behind(PATIENT, log_start=7)
    cluster.cut((0, 2), (1, 2))
    append(cluster, "more", client="eve")
    checkpoint(cluster, 1002)
    cluster.heal()
    second = cluster[0].replica.learner.checkpoints[-1].upto
    told(cluster)
    cluster.deliver("snapshot", 0, 2)
    cluster.deliver("snapshot-ask", 2, 0)
    cluster.deliver("snapshot", 0, 2)
    late = cluster.take_out("snapshot-ask", 2, 0)
    cluster.cut((0, 2))
    trim(cluster, second)
    cluster.heal()
    cluster.put_in(late)
    cluster.stabilize()
    cluster.wake(0)
    cluster.stabilize()
    assert [event.upto for event in cluster[2].seen(SnapshotAsked)] == [7, second]
    assert [event.upto for event in cluster[2].seen(SnapshotTaken)] == [second]
    cluster.assert_agreement()


# Pages that are dropped


def first_page(cluster: Cluster) -> Snapshot:
    """The page that is on its way to replica 2."""
    (letter,) = cluster.take_out("snapshot", 0, 2)
    assert isinstance(letter.message, Snapshot)
    return letter.message


def dropped(cluster: Cluster, sender: int, page: Snapshot) -> None:
    before = cluster[2].status
    drops = len(cluster[2].drops())
    assert cluster.inject(sender, 2, page) == []
    assert cluster[2].drops()[drops:] == [UNASKED]
    assert cluster[2].status.watermark == before.watermark


def test_a_state_that_nobody_asked_for_is_dropped() -> None:
    cluster = behind(log_start=7)
    told(cluster)
    page = first_page(cluster)
    dropped(cluster, 1, page)
    other = Cluster(3)
    dropped(other, 0, page)


def test_a_page_in_the_middle_of_another_state_or_of_none_is_dropped() -> None:
    cluster = behind(PATIENT, log_start=7)
    told(cluster)
    page = first_page(cluster)
    dropped(cluster, 0, replace(page, after="a"))  # the first one must come first
    cluster.inject(0, 2, page)
    dropped(cluster, 0, replace(page, upto=6, horizon=-1, after="a"))
    dropped(cluster, 0, replace(page, after="ac"))
    dropped(cluster, 0, page)  # the same one again
    cluster.stabilize()
    assert cluster[2].base == 7
    cluster.assert_agreement()


def test_a_page_that_comes_late_is_dropped() -> None:
    cluster = behind(log_start=7)
    told(cluster)
    page = first_page(cluster)
    cluster.inject(0, 2, page)
    cluster.stabilize()
    dropped(cluster, 0, page)
    cluster.assert_agreement()


def test_a_state_at_or_below_the_watermark_is_dropped() -> None:
    cluster = two_checkpoints()
    cluster.isolate(2)
    append(cluster, "f", "g")
    cluster.heal()
    cluster.wake(0)
    cluster.deliver("heartbeat", to=2)
    assert cluster.drop("catch-up", 2) == 1
    trim(cluster, 6)
    cluster.drop()
    (letter,) = cluster.inject(2, 0, CatchUp(0))
    cluster.drop()
    assert isinstance(letter.message, Snapshot)
    dropped(cluster, 0, letter.message)


def test_a_state_with_more_sessions_than_there_may_be_is_dropped_and_forgotten() -> None:
    few = Settings(election_s_min=50.0, election_s_max=60.0, snapshot_bytes=1, sessions_max=4)
    cluster = behind(few, log_start=7)
    told(cluster)
    page = first_page(cluster)
    (row,) = page.sessions
    rows = tuple(replace(row, client=f"{name}@0") for name in "vwxyz")
    dropped(cluster, 0, replace(page, sessions=rows))
    assert cluster[2].replica.learner._taking is None
    cluster.wake(2)
    cluster.stabilize()
    assert cluster[2].base == 7
    cluster.assert_agreement()


# Votes and proposals below the state


def test_votes_below_the_state_are_neither_told_nor_learned_nor_stored() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    for text in ("a", "b", "c"):
        cluster.say(0, "ada", text)
    cluster.deliver("accept", 0, 2)
    cluster.isolate(2)  # it has voted, and the slots are chosen at a higher ballot
    cluster.drop()
    cluster.lead(1)
    checkpoint(cluster, leader=1)
    append(cluster, "d", leader=1)
    trim(cluster, 4, leader=1)
    assert sorted(cluster[2].replica.acceptor.votes) == sorted(cluster[2].disk.rows) == [0, 1, 2]
    cluster.heal()
    told(cluster, by=1)
    assert cluster[2].status.watermark == 0
    cluster.deliver("snapshot", 1, 2)
    assert cluster[2].status.watermark == 4
    assert cluster[2].disk.rows == {}
    assert cluster[2].replica.acceptor.votes == {}
    cluster.inject(0, 2, Chosen(Ballot(1, 0), 0, 3))
    assert (cluster[2].status.watermark, cluster[2].log) == (4, [])
    cluster.drop()
    (letter,) = cluster.inject(1, 2, Prepare(Ballot(9, 1), 0, True))
    assert isinstance(letter.message, Promise)
    assert (letter.message.learned, letter.message.votes) == (4, ())


def test_votes_above_the_state_stay() -> None:
    cluster = behind(PATIENT, log_start=7)
    cluster.say(0, "ada", "above")
    cluster.deliver("accept", 0, 2)
    slot = cluster[0].replica.proposer.leader.next_slot - 1  # type: ignore[union-attr]
    assert slot in cluster[2].disk.rows
    told(cluster)
    while cluster.deliver("snapshot") or cluster.deliver("snapshot-ask"):
        pass
    assert cluster[2].status.watermark == 7
    assert sorted(cluster[2].replica.acceptor.votes) == sorted(cluster[2].disk.rows) == [slot]
    cluster.stabilize()
    cluster.run(2.0)
    cluster.assert_agreement()


def deposed(*, proposes: bool) -> Cluster:
    """Replica 0 led and does not know that replica 1 leads now, and has removed slots below 5."""
    cluster = Cluster(3, Settings(election_s_min=50.0, election_s_max=60.0))
    cluster.lead(0)
    append(cluster, "a")
    cluster.isolate(0)
    if proposes:
        cluster.say(0, "eve", "lost")
    cluster.lead(1)
    append(cluster, "b", "c", "d", client="bob", leader=1)
    checkpoint(cluster, leader=1)
    append(cluster, "e", client="bob", leader=1)
    trim(cluster, 5, leader=1)
    cluster.heal()
    own = cluster[0].status.ballot
    cluster.inject(1, 0, Accepted(own, 0, 0, cluster[1].status.watermark))
    cluster.deliver("catch-up", 0, 1)
    cluster.deliver("snapshot", 1, 0)
    assert cluster[0].status.watermark == 5
    return cluster


def test_a_leader_with_a_proposal_below_the_state_steps_down() -> None:
    """Its next watermark would call a value chosen that lost."""
    cluster = deposed(proposes=True)
    assert not cluster[0].leads
    assert "slots below 5 were settled by others" in [e.reason for e in cluster[0].seen(SteppedDown)]
    cluster.run(3.0)
    cluster.assert_agreement()
    assert "lost" not in cluster[0].texts


def test_a_leader_with_nothing_unsettled_below_the_state_stays() -> None:
    cluster = deposed(proposes=False)
    assert cluster[0].leads
    cluster.say(0, "eve", "after")
    (letter,) = cluster.flying("accept", 0, 2)
    assert letter.message.first == 5
    cluster.run(3.0)
    cluster.assert_agreement()


# Disks


def test_a_learner_without_vote_takes_the_state_as_well_and_sends_it() -> None:
    cluster = behind(log_start=7)
    cluster.lose_disk(2, "it comes back with another disk")
    cluster.run(2.0)
    assert (cluster[2].base, cluster[2].status.non_voting) == (7, "it comes back with another disk")
    cluster.assert_agreement()
    (letter,) = cluster.inject(1, 2, CatchUp(0))
    assert isinstance(letter.message, Snapshot)


def picture(cluster: Cluster, me: int) -> tuple[object, ...]:
    learner = cluster[me].replica.learner
    return (
        (learner.watermark, learner.chain, learner.log_start, learner.checkpoints),
        (learner.sessions.horizon, learner.sessions.digest_rows()),
    )


@pytest.mark.parametrize("done", ["checkpoint", "trim", "install"])
def test_a_restart_finds_what_was_there(done: str) -> None:
    cluster = two_checkpoints() if done == "checkpoint" else behind(log_start=7)
    cluster.run(2.0)
    me = {"checkpoint": 1, "trim": 1, "install": 2}[done]
    append(cluster, "z", client="zoe")
    cluster.run(1.0)
    before = picture(cluster, me)
    assert before[0][2] == (0 if done == "checkpoint" else 7)  # type: ignore[index]
    cluster.crash(me)
    cluster.restart(me)
    assert picture(cluster, me) == before
    cluster.run(2.0)
    append(cluster, "goes on", client="zoe", leader=cluster.leaders[0])
    cluster.run(1.0)
    assert cluster[me].texts[-1] == "goes on"
    cluster.assert_agreement()


def test_a_state_that_did_not_reach_the_disk_is_taken_again() -> None:
    cluster = behind(log_start=7)
    cluster.hold(2)
    told(cluster)
    cluster.deliver("snapshot", 0, 2)
    assert (cluster[2].status.watermark, cluster[2].disk.log_start) == (7, 0)
    cluster.crash(2)
    cluster.restart(2)
    assert cluster[2].status.watermark == 0
    cluster.release(2)
    cluster.run(2.0)
    assert (cluster[2].disk.log_start, cluster[2].base) == (7, 7)
    cluster.assert_agreement()


def test_a_replica_that_went_on_from_a_state_can_lead_and_trim_further() -> None:
    cluster = behind(log_start=3)
    cluster.run(2.0)
    cluster.lead(2)
    trim(cluster, 7, leader=2)
    append(cluster, "under replica 2", client="bob", leader=2)
    assert [node.status.log_start for node in cluster.nodes] == [7, 7, 7]
    cluster.assert_agreement()


def test_a_state_with_no_session_at_all_is_taken() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.isolate(2)
    checkpoint(cluster)
    trim(cluster, 1)
    append(cluster, "a")
    cluster.heal()
    cluster.run(2.0)
    assert (cluster[2].base, cluster[2].texts) == (1, ["a"])
    cluster.assert_agreement()
