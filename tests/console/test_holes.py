"""Skipped slots: by which fault, who filled them and why; and what a new leader's phase 1 was told."""

from __future__ import annotations

import pytest

from paxtui.console.model.analysis.slots import slot_facts
from paxtui.console.model.analysis.why import why_moving, why_slot
from paxtui.console.rows import log
from paxtui.console.rows.text import plain
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from paxtui.wire import events as e
from paxtui.wire.faults import SkipSlot
from paxtui.wire.telemetry import NOOP_DIGEST, FaultEnded, ProposedView, ValueView, VotedView
from paxtui.wire.values import Ballot
from tests.console.story import Story

NOOP = (ValueView("", 0, ""),)


def why(story: Story, slot: int) -> str:
    found = why_slot(story.model, slot, story.now)
    return "\n".join([found.verdict, *found.evidence, *found.next])


def row(story: Story, slot: int) -> str:
    view_state = ViewState(story.model, Styles(), lambda: story.now)
    return plain(log.line(view_state, slot, 120, chosen=False))


def skipped(number: int | None = 7) -> Story:
    """r0 leaves slot 1 empty, and something is proposed above it."""
    story = Story(3).up()
    story.choose(["before"])
    if number is not None:
        story.tell(0, FaultEnded(number, SkipSlot(None), "done"))
    story.tell(0, e.SlotSkipped(story.ballot, 1))
    story.tell(0, ProposedView(story.ballot, 2, 1, "client", "a" * 16, (ValueView("ada~s@0", 9, "after"),)))
    return story


def fill(story: Story, ballot: Ballot) -> None:
    """A leader proposes a no-op in slot 1, and everybody accepts it."""
    story.tell(ballot.replica, ProposedView(ballot, 1, 1, "no-op", NOOP_DIGEST, NOOP))
    for id in (0, 1, 2):
        story.tell(id, VotedView(ballot, 1, 1, NOOP_DIGEST))
    story.model.replicas[ballot.replica].applied = 2


# Who skipped it


def test_a_hole_names_the_fault_that_made_it() -> None:
    story = skipped()
    assert "skipped by r0, fault #7" in row(story, 1)
    story.later(0.5)
    story.up()
    assert "r0 left it empty on purpose (skip slot, fault #7), 0.5 s ago." in why(story, 1)


def test_a_hole_whose_fault_was_not_seen_names_no_number() -> None:
    story = skipped(None)
    assert "skipped by r0" in row(story, 1)
    assert "#" not in row(story, 1)


def test_each_of_several_skipped_slots_has_its_own_fault() -> None:
    story = Story(3).up()
    story.tell(0, FaultEnded(7, SkipSlot(None), "done"), FaultEnded(17, SkipSlot(None), "done"))
    story.tell(0, FaultEnded(27, SkipSlot(9), "undone"))
    story.tell(0, e.SlotSkipped(story.ballot, 3), e.SlotSkipped(story.ballot, 5))
    skips = story.model.holes.skipped
    assert {slot: skip.fault for slot, skip in skips.items()} == {3: 7, 5: 17}


# Who filled it


@pytest.mark.parametrize(
    ("after_s", "how", "reason"),
    [(1.0, "timeout", "after 1 s, the hole timeout"), (0.4, "operator", "because an operator told it to")],
)
def test_a_leader_fills_its_own_hole_when_its_time_is_over_or_when_told_to(
    after_s: float, how: str, reason: str
) -> None:
    story = skipped()
    story.later(after_s)
    story.up()
    fill(story, story.ballot)
    assert f"hole filled by r0 ({how})" in row(story, 1)
    text = why(story, 1)
    assert "r0 left it empty on purpose (skip slot, fault #7)." in text
    assert f"r0 filled it at 1.0, {reason}." in text


def test_a_new_leader_fills_what_its_phase_1_found_empty() -> None:
    story = skipped()
    ballot = Ballot(2, 1)
    for id in (1, 2):
        story.tell(id, e.Promised(ballot, 1, 0, True))
    story.tell(1, e.Elected(ballot, 1, 3, (1, 2)))
    story.later(9)
    story.up(None)
    fill(story, ballot)
    assert "hole filled by r1 (new leader)" in row(story, 1)
    assert "r1 filled it at 2.1, as its phase 1 found no vote of r1 r2 here." in why(story, 1)


def test_of_a_hole_that_was_left_before_one_looked_only_the_filler_is_known() -> None:
    story = Story(3).up()
    fill(story, story.ballot)
    assert "hole filled by r0" in row(story, 1)
    assert "(" not in row(story, 1)
    assert "r0 filled it at 1.0, as nothing had been accepted here." in why(story, 1)


# Phase 1


def succeeded(voters: tuple[int, ...], n: int = 3, after: tuple[int, ...] | None = None) -> Story:
    """r0 proposes and dies; r1 is elected by r1 and r2 (and r3), and proposes again what it was told.

    All of them vote for it, or only those in ``after``."""
    story = Story(n).up()
    story.choose(["before"])
    slots = story.propose(["found?"])
    for id in voters:
        story.vote(id, slots)
    story.down(0)
    ballot = Ballot(2, 1)
    quorum = tuple(range(1, 2 + n // 2))
    for id in quorum:
        votes = int(id in voters)
        story.tell(id, e.Promised(ballot, 1, votes, True))
    story.tell(1, e.RoundTaken(ballot, False), e.Elected(ballot, 1, 2, quorum))
    story.ballot = ballot
    values = (ValueView("ada~s1@0", 1, "found?"),)
    story.tell(1, ProposedView(ballot, 1, 1, "adopted", story.marks(slots), values))
    for id in quorum if after is None else after:
        story.vote(id, slots)
    return story


def test_what_was_found_is_said_also_before_the_new_ballot_has_its_votes() -> None:
    text = why(succeeded((0, 1, 2), after=(1,)), 1)
    assert "CHOSEN at 1.0: r0 r2 accepted it" in text
    assert "r1's phase 1 asked r1 r2: r1 r2 had voted at 1.0" in text
    assert "Votes at other ballots: r1 at 2.1." in text


def test_a_value_that_was_found_says_whose_votes_bound_the_new_leader() -> None:
    story = succeeded((0, 2))
    assert slot_facts(story.model, 1, story.now).state == "chosen"
    text = why(story, 1)
    assert (
        "r1's phase 1 asked r1 r2: r2 had voted at 1.0, so it had to propose that value again at 2.1." in text
    )
    assert "With r0 that was a majority: it was chosen at 1.0 already." in text
    assert "found by r1" in row(story, 1)


def test_votes_that_were_a_majority_by_themselves_are_said_to_be_one() -> None:
    assert "They were a majority: it was chosen at 1.0 already." in why(succeeded((1, 2)), 1)


def test_a_vote_that_was_in_no_majority_binds_as_well() -> None:
    text = why(succeeded((2,)), 1)
    assert "r2 had voted at 1.0" in text
    assert "already" not in text


def test_what_a_leader_was_told_is_what_acceptors_had_then_not_what_they_have_now() -> None:
    story = succeeded((0, 2))
    told = story.model.phase1.finding_at(Ballot(2, 1), 1)
    assert told is not None
    assert (told.votes, told.quorum, told.unseen) == ({2: Ballot(1, 0)}, (1, 2), ())
    assert story.model.replicas[2].vote(1) == Ballot(2, 1)
    assert story.model.phase1.finding_at(Ballot(2, 1), 2) is None
    assert story.model.phase1.finding_at(Ballot(9, 1), 1) is None


def test_an_acceptor_whose_promise_was_not_seen_is_named() -> None:
    story = Story(3).up()
    story.tell(1, e.Promised(Ballot(2, 1), 0, 0, True))
    story.tell(1, e.Elected(Ballot(2, 1), 0, 1, (1, 2)))
    told = story.model.phase1.finding_at(Ballot(2, 1), 0)
    assert told is not None
    assert (told.unseen, told.highest, told.voters) == ((2,), None, [])


def test_without_a_slot_selected_why_tells_what_the_leader_found() -> None:
    story = succeeded((0, 2))
    story.model.liveness.judge(story.model, story.now)
    evidence = why_moving(story.model, story.now).evidence
    assert (
        evidence[0] == "r1 leads at 2.1: r1 r2 promised it; what they had voted for had to be proposed again:"
    )
    assert "Slot 1: r2 had voted at 1.0." in evidence


def test_of_many_slots_that_were_found_only_the_first_are_told() -> None:
    story = Story(3).up()
    slots = story.propose(f"open {number}" for number in range(9))
    story.vote(1, slots)
    ballot = Ballot(2, 1)
    for id in (1, 2):
        story.tell(id, e.Promised(ballot, 0, 9 if id == 1 else 0, True))
    story.tell(1, e.Elected(ballot, 0, 9, (1, 2)))
    story.model.liveness.judge(story.model, story.now)
    evidence = why_moving(story.model, story.now).evidence
    assert "And 6 slots more, to 8." in evidence


def test_in_a_narrow_log_a_hole_keeps_the_number_of_its_fault_and_its_filler() -> None:
    story = skipped()
    view_state = ViewState(story.model, Styles(), lambda: story.now)
    assert plain(log.line(view_state, 1, 58, chosen=False)).rstrip().endswith("skipped, #7")
    story.later(1)
    fill(story, story.ballot)
    assert plain(log.line(view_state, 1, 58, chosen=False)).rstrip().endswith("by r0 (timeout)")
