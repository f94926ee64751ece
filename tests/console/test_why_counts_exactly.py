"""The sentences of WHY count exactly, and name the first cause of what they tell."""

from __future__ import annotations

from paxtui.console.model.analysis.why import why_moving, why_no_leader, why_slot
from paxtui.wire import events as e
from paxtui.wire.telemetry import LearnedView
from tests.console.story import Story


def found(story: Story) -> list[str]:
    """What WHY tells of the leader's phase 1."""
    story.model.liveness.judge(story.model, story.now)
    return [
        text for text in why_moving(story.model, story.now).evidence if text.startswith(("Slot ", "And "))
    ]


def open_slots(count: int) -> Story:
    """Ten slots are chosen, and in ``count`` more ones only the leader has voted."""
    story = Story(3).up()
    story.choose(f"message {number}" for number in range(10))
    story.vote(0, story.propose(f"open {number}" for number in range(count)))
    return story


def test_slots_of_phase_1_that_are_not_told_one_by_one_are_counted() -> None:
    story = open_slots(5)
    story.elect(1, 2, quorum=(0, 1), end=15)
    assert found(story)[-1] == "And 2 slots more, to 14."
    story = open_slots(3)
    story.elect(1, 2, quorum=(0, 1), end=13)
    assert found(story)[-1] == "Slot 12: r0 had voted at 1.0."


def test_a_blocked_slot_tells_the_cause_of_the_slot_that_it_waits_for() -> None:
    story = Story(3).up()
    story.tell(0, e.SlotSkipped(story.ballot, 0))
    for id in (0, 1):
        story.tell(id, LearnedView(1, 1, ((story.ballot, 1),), "a" * 16, None))
    evidence = why_slot(story.model, 1, story.now).evidence
    assert evidence[1].startswith("Slot 0: HOLE: no acceptor has accepted anything here")
    assert evidence[2:] == ("r0 left it empty on purpose (skip slot), 0.0 s ago.",)


def test_where_nobody_is_known_to_lead_those_that_are_not_heard_may() -> None:
    story = Story(3).up(leader=None)
    assert story.model.leader is None
    assert why_no_leader(story.model, story.now).verdict == "NO LEADER yet: an election is on."
    story.later(5)
    for id in (0, 1):
        story.report(id)
    verdict = why_no_leader(story.model, story.now).verdict
    assert verdict == "NO LEADER IS KNOWN: r2 may lead, but are not heard."
