"""How many more replicas may fail: never more than really may, and the reason where it is fewer."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from paxtui.console.model.analysis.why import why_moving, why_no_leader
from paxtui.console.model.liveness.tolerance import tolerance
from paxtui.console.rows.header import header
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from paxtui.wire import faults as f
from paxtui.wire.links import mutual_sets, partition
from paxtui.wire.requests import LinkView
from tests.console.story import Story

Links = frozenset[tuple[int, int]]


@st.composite
def networks(draw: st.DrawFn) -> tuple[int, Links]:
    """A number of replicas, and the directed links that work."""
    n = draw(st.integers(1, 9))
    every = [(a, b) for a in range(n) for b in range(n) if a != b]
    return n, frozenset(link for link in every if draw(st.integers(0, 3)))


def agree(members: tuple[int, ...], links: Links) -> bool:
    return all((a, b) in links and (b, a) in links for a, b in combinations(members, 2))


@settings(max_examples=60)
@given(networks())
def test_the_largest_mutual_set_is_that_of_trying_all_sets(network: tuple[int, Links]) -> None:
    n, links = network
    found = mutual_sets(range(n), lambda a, b: (a, b) in links)
    every = [members for size in range(1, n + 1) for members in combinations(range(n), size)]
    mutual = [members for members in every if agree(members, links)]
    maximal = [one for one in mutual if not any(set(one) < set(other) for other in mutual)]
    assert sorted(found) == sorted(maximal)
    assert len(found[0]) == max(map(len, mutual))


def cut(story: Story, links: Links) -> None:
    for a, b in sorted(links):
        story.fault(a, f.Cut(b))


def told(story: Story) -> str:
    """What WHY says of failures while nothing is selected."""
    story.model.liveness.judge(story.model, story.now)
    story.model.liveness.judge(story.model, story.now)
    return next(
        text for text in why_moving(story.model, story.now).next if "quorum" in text or "voters" in text
    )


def spare(story: Story) -> int:
    return tolerance(story.model, story.now).spare


@settings(max_examples=40)
@given(networks(), st.data())
def test_as_many_may_fail_as_is_said_whichever_they_are(
    network: tuple[int, Links], data: st.DataObject
) -> None:
    """Whoever fails, a quorum is left in which all reach each other; and with one more it can be otherwise,
    unless another set would do."""
    n, links = network
    story = Story(n).up()
    cut(story, frozenset((a, b) for a in range(n) for b in range(n) if a != b) - links)
    found = tolerance(story.model, story.now)
    if found.spare < 0:
        assert not any(agree(members, links) for members in combinations(range(n), story.model.quorum))
        return
    failed = data.draw(st.sets(st.integers(0, n - 1), max_size=found.spare))
    left = [id for id in found.members if id not in failed]
    assert len(left) >= story.model.quorum
    assert agree(tuple(left), links)
    assert len(found.members) - found.spare == story.model.quorum
    assert bool(found.reasons) == (found.spare < found.most)


def test_a_partition_leaves_its_larger_side_no_spare() -> None:
    story = Story(5).up()
    assert told(story) == "3 of 5 replicas are a quorum; 2 more may fail before the log stands still."
    cut(story, partition(5, [(0, 2), (1, 3, 4)]))
    assert told(story) == (
        "3 of 5 replicas are a quorum; r1 r3 r4 reach each other; 0 more may fail before the log stands "
        "still: r0 r2 not connected with r1 r3 r4."
    )
    view_state = ViewState(story.model, Styles("dark"), lambda: story.now)
    assert "spare 0/2" in "".join(text for text, _ in header(view_state, 200))
    story.down(3)
    assert story.model.liveness.judge(story.model, story.now).light == "stalled"


def test_a_cut_in_one_direction_counts_as_one() -> None:
    story = Story(3).up()
    story.fault(1, f.Cut(2))
    assert spare(story) == 0


def test_where_no_quorum_reaches_each_other_nothing_is_promised() -> None:
    story = Story(5).up()
    cut(story, frozenset((a, b) for a in range(1, 5) for b in range(1, 5) if a != b))
    assert spare(story) == -1
    assert story.model.liveness.judge(story.model, story.now).light != "stalled", "the hub can lead"
    assert told(story).startswith(
        "No 3 of 5 voters reach each other; 0 more may fail before the log stands still: "
    )


def warms_up(story: Story) -> None:
    report = story.model.replicas[4].report
    assert report is not None
    story.model.report(4, structs.replace(report, status=None, waiting_for=(1,)), "", story.now)


@pytest.mark.parametrize(
    ("hinder", "reason"),
    [
        (lambda story: story.down(4), "r4 down"),
        (lambda story: story.model.process(4, "paused", story.now), "r4 paused"),
        (
            lambda story: story.report(4, status={"role": "non-voting", "non_voting": "its disk is new"}),
            "r4 without vote",
        ),
        (lambda story: story.report(1, non_voting_peers=((4, "another disk"),)), "r4 without vote"),
        (lambda story: story.report(4, refused_by=((1, "another cluster"),)), "r4 not connected with r1"),
        (lambda story: story.report(4, links=(LinkView(1, False, 0, 0, 0),)), "r4 not connected with r1"),
        (lambda story: story.fault(0, f.Loss(4, 100.0)), "r4 not connected with r0"),
        (warms_up, "r4 not ready"),
    ],
)
def test_who_cannot_help_is_no_spare_and_the_reason_is_told(hinder: object, reason: str) -> None:
    story = Story(5).up()
    hinder(story)  # type: ignore[operator]
    found = tolerance(story.model, story.now)
    assert (found.spare, found.most) == (1, 2)
    assert found.reasons == (reason,)
    assert "1 more may fail" in told(story)


def test_somebody_who_can_lead_must_be_left_over() -> None:
    story = Story(5).up()
    for id in range(1, 5):
        story.fault(id, f.CrashProposer())
    assert spare(story) == 0, "if r0 fails, nobody can lead"
    assert "r1 r2 r3 r4 cannot lead (proposer crashed)" in told(story)


def test_of_replicas_that_are_not_heard_nothing_is_promised() -> None:
    story = Story(5).up()
    story.later(5)
    for id in (0, 1, 2):
        story.report(id)
    found = tolerance(story.model, story.now)
    assert (found.spare, found.number) == (0, "?")
    assert told(story) == (
        "3 of 5 replicas are a quorum; how many more may fail is not known, at least 0: r3 r4 not heard."
    )


# Siblings: other counts of the same kind


def test_learners_without_vote_are_no_majority() -> None:
    story = Story(3).up()
    story.model.liveness.judge(story.model, story.now)
    story.report(2, status={"role": "non-voting", "non_voting": "its disk is new"})
    story.down(1)
    light, words = story.model.liveness.judge(story.model, story.now)
    assert light == "stalled"
    assert (
        words == "no majority is connected: 2 of 3 run, 1 with a vote, 2 are needed: the log must stand still"
    )
    assert why_no_leader(story.model, story.now).verdict.endswith(
        "fewer than 2 of 3 replicas run and have a vote."
    )


def test_a_connection_that_does_not_exist_makes_nobody_stuck() -> None:
    story = Story(3).up()
    story.choose(["a"])
    story.propose(["b"])
    for _ in range(20):
        story.later(0.5)
        for id in range(3):
            story.report(id, links=tuple(LinkView(to, False, 0, 0, 0) for to in range(3) if to != id))
        light = story.model.liveness.judge(story.model, story.now).light
    assert light == "stalled"


def test_of_replicas_that_were_never_heard_it_is_not_said_that_they_do_not_run() -> None:
    story = Story(3)
    story.snapshot(1)
    story.report(1)
    story.model.liveness.judge(story.model, story.now)
    light, words = story.model.liveness.judge(story.model, story.now)
    assert (light, words) == ("waiting", "r0 r2 are not heard: whether the log moves is not known")


def test_a_leader_that_this_console_lost_sight_of_may_lead_on() -> None:
    story = Story(3).up()
    story.choose(["a"])
    story.lost(0)
    story.later(5)
    for id in (1, 2):
        story.report(id)
    light, words = story.model.liveness.judge(story.model, story.now)
    assert (light, words) == ("waiting", "leader r0 not heard for 5.0 s: what was asked of it is not known")
    story.model.leaders.clear()
    view_state = ViewState(story.model, Styles("dark"), lambda: story.now)
    assert "leader ?" in "".join(text for text, _ in header(view_state, 200))
    assert (
        "no replica that is heard leads, and r0 may lead"
        in story.model.liveness.judge(story.model, story.now).words
    )


def test_what_was_there_at_the_first_look_did_not_move() -> None:
    story = Story(3)
    story.choose(["a"])
    other = Story(3, None)
    other.chosen, other.values = story.chosen, story.values
    other.model.liveness.judge(other.model, other.now)
    other.up()
    assert other.model.liveness.judge(other.model, other.now).light == "idle"
