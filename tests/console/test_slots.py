"""The word for a slot, the cells of its acceptors, and why it is as it is."""

from __future__ import annotations

import pytest

from paxtui.console.model.analysis.search import matches
from paxtui.console.model.analysis.slots import SlotFacts, slot_facts
from paxtui.console.model.analysis.why import why_moving, why_no_leader, why_slot
from paxtui.console.rows.header import state_words
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from paxtui.wire import events as e
from paxtui.wire import faults as f
from paxtui.wire.telemetry import LearnedView, MessageFaulted, ProposedView, ValueView, VotedView
from paxtui.wire.values import Ballot
from tests.console.story import Story

MARK = "0123456789abcdef"


def facts(story: Story, slot: int) -> SlotFacts:
    return slot_facts(story.model, slot, story.now)


def kinds(story: Story, slot: int) -> list[str]:
    return [cell.kind for cell in facts(story, slot).cells]


def why(story: Story, slot: int) -> str:
    found = why_slot(story.model, slot, story.now)
    return "\n".join([found.verdict, *found.evidence, *found.next])


def five() -> Story:
    story = Story(5).up()
    story.choose(f"message {number}" for number in range(10))
    return story


# Counting


def test_votes_are_counted_by_ballot_and_never_added_up() -> None:
    story = five()
    slot = story.propose(["x"])[0]
    story.vote(0, range(slot, slot + 1))
    story.vote(1, range(slot, slot + 1))
    story.tell(2, VotedView(Ballot(2, 2), slot, 1, MARK))
    assert (facts(story, slot).votes, facts(story, slot).word) == (2, "open 2/3")
    assert "r2 voted at 2.2" in why(story, slot)


def test_a_majority_at_one_ballot_is_chosen_though_no_replica_says_so() -> None:
    story = five()
    slots = story.propose(["x"])
    for id in (0, 1, 4):
        story.vote(id, slots)
    assert facts(story, slots[0]).state == "chosen"
    assert "CHOSEN at 1.0" in why(story, slots[0])
    assert "r0 r1 r4 accepted it (3 of 5, 3 needed)" in why(story, slots[0])


def test_the_vote_of_a_replica_that_is_down_still_counts() -> None:
    story = five()
    slots = story.propose(["x"])
    for id in (0, 1, 2):
        story.vote(id, slots)
    story.model.process(2, "down", story.now)
    cell = facts(story, slots[0]).cells[2]
    assert (facts(story, slots[0]).state, cell.kind, cell.fresh) == ("chosen", "accepted", False)


def test_a_slot_whose_missing_votes_are_unknown_may_be_chosen() -> None:
    story = five()
    slots = story.propose(["x"])
    story.vote(0, slots)
    story.vote(1, slots)
    for id in (2, 3):
        story.lost(id)
    story.later(10)
    for id in (0, 1, 4):
        story.report(id)
    assert facts(story, slots[0]).word == "maybe 2/3"
    assert kinds(story, slots[0])[2:4] == ["unknown", "unknown"]
    assert "nothing is known of r2 r3" in why(story, slots[0])


# Cells


def test_an_accept_is_in_flight_until_it_is_answered_lost_or_refused() -> None:
    story = five()
    slots = story.propose(["x"])
    story.vote(1, slots)
    story.tell(0, MessageFaulted(2, 0, "accept", story.ballot, slots[0], 1, 0, ()))
    story.tell(3, e.Promised(Ballot(4, 1), 0, 0, True))
    assert kinds(story, slots[0]) == ["nothing", "accepted", "lost", "refused", "in-flight"]
    assert "r3 promised 4.1, so it refuses 1.0." in why(story, slots[0])
    assert "r2: the Accept was lost" in why(story, slots[0])
    assert "r4: an Accept was sent, and no answer is seen yet" in why(story, slots[0])
    story.tell(0, e.AcceptSent(story.ballot, slots[0], 1, 2, True))
    assert kinds(story, slots[0])[2] == "in-flight"


def test_a_vote_below_the_newest_ballot_of_the_slot_is_older() -> None:
    story = five()
    slots = story.propose(["x"])
    story.vote(1, slots)
    story.tell(2, VotedView(Ballot(5, 2), slots[0], 1, MARK))
    assert kinds(story, slots[0])[1:3] == ["older", "accepted"]


# Words


def test_a_skipped_slot_is_a_hole_and_what_is_chosen_above_it_is_blocked() -> None:
    story = five()
    hole = story.model.end
    story.tell(0, e.SlotSkipped(story.ballot, hole))
    story.tell(0, ProposedView(story.ballot, hole + 1, 1, "client", MARK, (ValueView("ada~s@0", 1, "x"),)))
    for id in range(3):
        story.tell(id, VotedView(story.ballot, hole + 1, 1, MARK))
        story.tell(id, LearnedView(hole + 1, 1, ((story.ballot, 1),), MARK, None))
    assert facts(story, hole).state == "HOLE"
    assert (facts(story, hole + 1).state, facts(story, hole + 1).waits_for) == ("blocked", hole)
    assert "r0 left it empty on purpose" in why(story, hole)
    assert f"cannot be applied before slot {hole}" in why(story, hole + 1)
    assert story.model.hole == hole


def test_a_no_op_that_fills_a_hole_is_called_one() -> None:
    story = five()
    slots = story.choose([""], client="")
    assert facts(story, slots[0]).state == "no-op"
    assert kinds(story, slots[0]) == ["no-op"] * 5


def test_what_nobody_proposed_above_the_log_is_empty() -> None:
    story = five()
    assert facts(story, story.model.end + 3).state == "empty"
    assert "no proposal of a value is known" in why(story, story.model.end + 3)


def test_a_value_that_a_new_leader_found_is_said_to_be_adopted() -> None:
    story = five()
    slots = story.propose(["x"])
    story.vote(1, slots)
    story.elect(1, 2)
    story.tell(1, ProposedView(story.ballot, slots[0], 1, "adopted", MARK, None))
    for id in (1, 2, 3):
        story.vote(id, slots)
    assert "found this value in the promises of phase 1" in why(story, slots[0])


def test_a_pre_empted_slot_tells_what_the_new_leader_must_do() -> None:
    story = five()
    slots = story.propose(["x"])
    story.vote(0, slots)
    story.elect(3, 4)
    assert "r3 leads at 4.3 now: it must propose the vote of the highest ballot" in why(story, slots[0])


# Why it cannot be chosen


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda s: s.model.process(1, "down", s.now), "r1 is down"),
        (lambda s: s.model.process(1, "paused", s.now), "r1 is paused"),
    ],
)
def test_a_replica_that_cannot_vote_is_named_with_the_reason(break_it: object, said: str) -> None:
    story = Story(3).up()
    slots = story.propose(["x"])
    story.vote(0, slots)
    break_it(story)  # type: ignore[operator]
    assert said in why(story, slots[0])


def test_a_slot_that_no_reachable_majority_can_decide_says_what_must_be_healed() -> None:
    story = Story(3).up()
    story.model.process(1, "down", story.now)
    story.model.process(2, "down", story.now)
    story.later(1)
    slots = story.propose(["x"])
    story.vote(0, slots)
    assert kinds(story, slots[0]) == ["accepted", "nothing", "nothing"]
    assert (
        "It cannot be chosen at 1.0 as things are: 1 more needed, and no other replica can be reached."
        in why(story, slots[0])
    )
    assert "Restart or heal r1 r2." in why(story, slots[0])


def test_a_cut_link_is_named_with_its_direction() -> None:
    story = Story(3).up()
    story.fault(0, f.Cut(2))
    slots = story.propose(["x"])
    story.vote(0, slots)
    assert "r2 is cut off: nothing crosses r0>r2." in why(story, slots[0])


def test_who_died_after_the_proposal_may_have_voted_without_a_word() -> None:
    story = Story(3).up()
    slots = story.propose(["x"])
    story.vote(0, slots)
    story.later(1)
    story.model.process(1, "down", story.now)
    assert facts(story, slots[0]).word == "maybe 1/2"
    assert "nothing is known of r1" in why(story, slots[0])


# Leaders


def test_with_too_few_replicas_nobody_can_lead() -> None:
    story = Story(3).up()
    for id in (0, 1):
        story.model.process(id, "down", story.now)
    story.model.liveness.judge(story.model, story.now)
    found = why_no_leader(story.model, story.now)
    assert "fewer than 2 of 3 replicas run" in found.verdict
    assert why_moving(story.model, story.now).subject == "leader"


def test_whom_a_majority_refuses_leads_nobody_even_if_nobody_else_does() -> None:
    story = Story(3).up()
    for id in (1, 2):
        story.tell(id, e.Promised(Ballot(2, 1), 0, 0, True))
    assert story.model.leaders == {0: Ballot(1, 0)}
    assert story.model.leader is None
    story.tell(1, e.Elected(Ballot(2, 1), 0, 0, (1, 2)))
    assert story.model.leader == (1, Ballot(2, 1))


def test_two_who_believe_that_they_lead_are_both_named() -> None:
    story = Story(3).up()
    story.model.leaders[1] = Ballot(2, 1)
    story.model.liveness.judge(story.model, story.now)
    found = why_moving(story.model, story.now)
    assert "r1 leads at 2.1: a majority promised it that ballot." in found.evidence
    assert any("r0 still believes that it leads at 1.0" in text for text in found.evidence)


def test_a_replica_with_another_disk_is_said_to_be_refused_and_its_old_votes_are_forgotten() -> None:
    story = Story(3).up()
    story.choose(["x"])
    story.tell(2, e.Restored(Ballot.ZERO, 0, 0, 0))
    story.report(2, refused_by=((0, "comes back with another disk"), (1, "comes back with another disk")))
    for _ in range(2):
        story.model.liveness.judge(story.model, story.now)
    found = why_moving(story.model, story.now)
    assert "r0 r1 refuse r2: comes back with another disk" in found.evidence
    assert "0 more may fail" in found.next[0]
    assert [cell.kind for cell in facts(story, 0).cells[:2]] == ["learned", "learned"]
    assert story.model.replicas[2].vote(0) is None


def test_a_learner_without_vote_is_said_to_be_one_and_does_not_count_as_spare() -> None:
    story = Story(3).up()
    story.choose(["x"])
    story.tell(
        2, e.Restored(Ballot.ZERO, 0, 0, 0), e.BecameNonVoting("its disk is new"), e.LeaderHeard(story.ballot)
    )
    assert story.model.replicas[2].role == "non-voting"
    story.report(2, status={"role": "non-voting", "non_voting": "its disk is new"})
    for _ in range(2):
        story.model.liveness.judge(story.model, story.now)
    found = why_moving(story.model, story.now)
    assert "r2 is a learner without vote: its disk is new" in found.evidence
    assert "0 more may fail" in found.next[0]
    view_state = ViewState(story.model, Styles("dark"), lambda: story.now)
    assert state_words(view_state, story.model.replicas[2]) == "non-voting"


# Finding


def test_slots_are_found_by_state_ballot_and_text() -> None:
    story = five()
    slots = story.propose(["pizza", "sushi"])
    assert matches(story.model, "open", story.now) == list(slots)
    assert matches(story.model, "SUSHI", story.now) == [slots[1]]
    assert matches(story.model, "1.0", story.now) == list(range(slots[1] + 1))
    assert matches(story.model, "9.4", story.now) == []
