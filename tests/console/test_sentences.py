"""What WHY, faults and cells say is true also of who is not heard, has no vote, or no connection."""

from __future__ import annotations

from paxtui.console.model.analysis.slots import slot_facts
from paxtui.console.model.analysis.why import why_moving, why_no_leader, why_run, why_slot
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.rows import faults
from paxtui.console.rows.text import plain
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from paxtui.wire import events as e
from paxtui.wire.requests import LinkView
from paxtui.wire.telemetry import ProposedView, ValueView
from tests.console.story import Story, cluster


def why(story: Story, slot: int) -> str:
    found = why_slot(story.model, slot, story.now)
    return "\n".join([found.verdict, *found.evidence, *found.next])


def moving(story: Story) -> str:
    for _ in range(2):
        story.model.update_lights(story.now)
    found = why_moving(story.model, story.now)
    return "\n".join([found.verdict, *found.evidence, *found.next])


def silent(story: Story, *ids: int) -> None:
    """These are not heard for a while, and all others are."""
    story.later(5)
    for id in range(story.n):
        if id not in ids:
            story.report(id)


def test_who_is_not_heard_may_have_learned_what_is_chosen() -> None:
    story = Story(3).up()
    slots = story.propose(["a"])
    for id in (0, 1):
        story.vote(id, slots)
    assert "r0 r1 r2 have not learned it yet." in why(story, 0)
    silent(story, 2)
    assert "r0 r1 have not learned it yet." in why(story, 0)
    assert "r2: not heard, so it is not known here whether it is learned there." in why(story, 0)


def test_a_gap_leaves_votes_unknown_although_reports_come() -> None:
    story = Story(3).up()
    slots = story.propose(["a"])
    story.vote(0, slots)
    story.tell(1, dropped=3)
    story.report(1)
    facts = slot_facts(story.model, 0, story.now)
    assert (facts.word, facts.cells[1].kind) == ("maybe 1/2", "unknown")
    story.snapshot(1)
    assert slot_facts(story.model, 0, story.now).word == "open 1/2"


def test_a_hole_says_which_acceptors_are_not_heard() -> None:
    story = Story(3).up()
    story.tell(0, e.SlotSkipped(story.ballot, 0))
    value = (ValueView("ada~s@0", 99, "above"),)
    story.tell(0, ProposedView(story.ballot, 1, 1, "client", "0123456789abcdef", value))
    assert "HOLE: no acceptor has accepted anything here, so" in why(story, 0)
    silent(story, 2)
    assert "HOLE: no acceptor that is heard has accepted anything here (r2 not), so" in why(story, 0)


def test_a_learner_without_vote_is_not_waited_for() -> None:
    story = Story(5).up()
    story.report(4, status={"role": "non-voting", "non_voting": "its disk is new"})
    story.down(3)
    story.down(2)
    story.later(1)
    slots = story.propose(["a"])
    story.vote(0, slots)
    text = why(story, 0)
    assert "r4 is a learner without vote." in text
    assert "2 more needed, and only r1 can be reached" in text
    assert "Restart or heal r2 r3." in text


def test_where_no_connection_exists_no_accept_is_on_its_way() -> None:
    story = Story(3).up()
    slots = story.propose(["a"])
    story.vote(0, slots)
    story.report(0, links=(LinkView(1, False, 0, 0, 0), LinkView(2, True, 0, 0, 0)))
    assert "r1: there is no connection r0>r1." in why(story, 0)
    assert "r2: an Accept was sent, and no answer is seen yet." in why(story, 0)


def test_when_too_few_votes_are_left_no_restart_is_advised() -> None:
    story = Story(3).up()
    story.model.update_lights(story.now)
    for id in (1, 2):
        story.report(id, status={"role": "non-voting", "non_voting": "its disk is new"})
    assert "only 1 of 3 replicas still have a vote" in why_no_leader(story.model, story.now).verdict
    text = moving(story)
    assert "No restart brings votes back" in text
    assert "continue or restart replicas" not in text


def test_who_led_when_last_heard_is_not_said_to_believe_it_now() -> None:
    story = Story(3).up()
    story.lost(0)
    story.elect(1, 2, quorum=(1, 2))
    story.report(1)
    assert "r0 still believes that it leads at 1.0" in moving(story)
    silent(story, 0)
    assert "r1 leads at 2.1: r1 r2 promised it" in moving(story)
    assert "r0 believed when last heard that it leads at 1.0" in moving(story)


def test_before_anybody_is_heard_nothing_is_said_to_start() -> None:
    story = Story(3, ClusterModel(cluster(3)))
    text = moving(story)
    assert text.startswith("NOT HEARD: no replica was heard yet")
    assert "r1 was not heard yet." in text
    story.model.process(1, "starting", story.now)
    assert "r1 starts." in moving(story)
    assert "r2 was not heard yet." in moving(story)


def test_a_run_in_which_one_voted_for_a_part_is_not_said_to_have_the_same_votes() -> None:
    story = Story(3).up()
    story.choose(f"message {number}" for number in range(10))
    assert "with the same votes" in why_run(story.model, 1, 9, story.now).verdict
    story.model.replicas[2].accepted.clear(5, 10)
    assert "with the same votes" not in why_run(story.model, 1, 9, story.now).verdict


def test_faults_of_replicas_that_are_not_heard_are_not_known() -> None:
    story = Story(3).up()
    view_state = ViewState(story.model, Styles("dark"), lambda: story.now)
    assert plain(faults.nothing(view_state, 60)).startswith("nothing is broken")
    silent(story, 2)
    assert plain(faults.nothing(view_state, 60)).startswith("nothing known; r2 not heard")
    other = Story(3, ClusterModel(cluster(3)))
    assert "r0 r1 r2 not heard" in plain(
        faults.nothing(ViewState(other.model, Styles("dark"), lambda: 1.0), 60)
    )


def test_as_many_votes_are_asked_for_as_are_missing() -> None:
    story = Story(5).up()
    slots = story.propose(["a"])
    story.vote(0, slots)
    silent(story, 1, 2)
    assert "A new leader must ask: if 2 of them voted as well" in why(story, 0)
    story.vote(3, slots)
    assert "A new leader must ask: if one of them voted as well" in why(story, 0)


def test_a_leader_that_is_not_heard_is_not_said_to_lead() -> None:
    story = Story(3).up()
    silent(story, 0)
    assert "r0 led at 1.0 when it was last heard" in moving(story)
