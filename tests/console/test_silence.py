"""Each check of the safety panel, while each replica is silent in each way: none is SAFE that rests on it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.safety.checks import AGREEMENT, NAMES, VALIDITY
from paxtui.console.model.state.replica import Process
from paxtui.console.rows import safety
from paxtui.console.rows.header import header
from paxtui.console.rows.text import plain
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from paxtui.wire import events as e
from paxtui.wire.values import Ballot
from tests.console.pilot import Played
from tests.console.story import Story, cluster

ALL = set(NAMES)
BY_LEADERS = {AGREEMENT, VALIDITY}
"""What rests on leaders, and on a majority of the others."""


def unknown(story: Story) -> set[str]:
    story.model.update_lights(story.now)
    assert not story.model.judge.problems
    return {check.name for check in story.model.judge.checks if check.light == "UNKNOWN"}


def hear(story: Story, *ids: int) -> None:
    for id in ids:
        story.report(id)


def others(story: Story, id: int) -> list[int]:
    return [each for each in range(story.n) if each != id]


def lost(story: Story, id: int) -> None:
    story.lost(id)


def dropped(story: Story, id: int) -> None:
    story.tell(id, dropped=3)


def stale(story: Story, id: int) -> None:
    story.later(5)
    hear(story, *others(story, id))


def lost_and_long_ago(story: Story, id: int) -> None:
    story.lost(id)
    stale(story, id)


@pytest.mark.parametrize("n", [3, 5])
@pytest.mark.parametrize("silence", [lost, dropped, stale, lost_and_long_ago])
def test_what_rests_on_a_silent_replica_is_unknown(n: int, silence: Callable[[Story, int], None]) -> None:
    for id in range(n):
        story = Story(n).up()
        story.choose(["a", "b"])
        assert unknown(story) == set()
        silence(story, id)
        leads = id == 0
        assert unknown(story) == (ALL if leads else ALL - BY_LEADERS), f"r{id}"
        assert story.model.judge.light.light == "UNKNOWN"
        (doubt,) = story.model.judge.doubts(story.now)
        assert doubt.startswith(f"r{id} "), "the panel says who is missing"


@pytest.mark.parametrize("n", [3, 5])
def test_of_a_replica_that_was_never_heard_nothing_is_known(n: int) -> None:
    for id in range(n):
        story = Story(n, ClusterModel(cluster(n)))
        story.roles[0] = "leader"
        for each in others(story, id):
            story.snapshot(each)
            story.report(each)
        assert unknown(story) == (ALL if id == 0 else ALL - BY_LEADERS), f"r{id}"


@pytest.mark.parametrize("n", [3, 5])
@pytest.mark.parametrize("end", ["down", "paused"])
def test_a_process_that_does_nothing_leaves_nothing_unknown(n: int, end: Process) -> None:
    for id in range(n):
        story = Story(n).up()
        story.choose(["a", "b"])
        if end == "down":
            story.lost(id)
        story.model.process(id, end, story.now)
        stale(story, id)
        assert unknown(story) == set(), f"r{id}"


def test_without_a_majority_nothing_is_known() -> None:
    story = Story(5).up()
    for id in (2, 3, 4):
        story.lost(id)
    assert unknown(story) == ALL


def test_a_word_ends_staleness_and_a_snapshot_a_gap() -> None:
    story = Story(3).up()
    stale(story, 0)
    assert unknown(story) == ALL
    hear(story, 0)
    assert unknown(story) == set()
    story.lost(0)
    stale(story, 0)
    hear(story, 0)
    assert unknown(story) == ALL, "that it answers tells nothing of what was missed"
    story.snapshot(0)
    assert unknown(story) == set()


def test_events_that_come_late_are_judged_all_the_same() -> None:
    story = Story(3).up()
    stale(story, 1)
    assert unknown(story) == ALL - BY_LEADERS
    story.tell(1, e.Promised(Ballot(5, 1), 0, 0, True), e.Promised(Ballot(2, 2), 0, 0, True))
    assert [check.light for check in story.model.judge.checks if check.name == "promises kept"] == [
        "VIOLATED"
    ]


def test_what_a_silent_leader_did_is_unknown_also_when_another_one_leads() -> None:
    story = Story(5).up()
    story.choose(["a"])
    story.lost(0)
    story.elect(1, 2, quorum=(1, 2, 3))
    assert unknown(story) == ALL
    story.snapshot(0)
    assert unknown(story) == set()
    story.lost(0)
    assert unknown(story) == ALL - BY_LEADERS, "it has not led since: that takes a promise that is seen"
    story.tell(2, e.Promised(Ballot(3, 0), 1, 0, True))
    assert unknown(story) == ALL, "now it may lead"


def test_what_it_led_before_its_silence_was_noticed_counts_as_unseen() -> None:
    story = Story(5).up()
    story.choose(["a"])
    story.later(1)  # no word of r0 since, and nobody wonders yet
    story.elect(1, 2, quorum=(1, 2, 3))
    stale(story, 0)
    assert unknown(story) == ALL
    hear(story, 0)
    assert unknown(story) == set()
    stale(story, 0)
    assert unknown(story) == ALL - BY_LEADERS, "it was heard after r1 had won: it leads nothing since"


def test_what_a_leader_was_told_by_a_silent_replica_is_unknown() -> None:
    story = Story(5).up()
    story.choose(["a"])
    story.lost(4)
    assert unknown(story) == ALL - BY_LEADERS
    story.tell(1, e.RoundTaken(Ballot(2, 1), False))
    for id in (1, 2):
        story.tell(id, e.Promised(Ballot(2, 1), 1, 0, True))
    story.tell(1, e.Elected(Ballot(2, 1), 1, 1, (1, 2, 4)))
    assert unknown(story) == ALL, "the promise of r4 was not seen: nobody knows what r1 has to propose"


def test_header_and_panel_say_it() -> None:
    story = Story(3).up()
    story.choose(["a"])
    stale(story, 0)
    story.model.update_lights(story.now)
    story.later(7)
    hear(story, 1, 2)
    view_state = ViewState(story.model, Styles("dark"), lambda: story.now)
    assert "UNKNOWN 0/7" in plain(header(view_state, 200))
    rows = " ".join(plain(row).strip() for row in safety.safety(view_state, 60, 20))
    assert "? r0 is not heard for 7.0 s: what it does is not known before it is." in rows


def test_the_running_console_notices_silence(play: Callable[..., None]) -> None:
    async def act(on: Played) -> None:
        await on.look()
        assert "SAFE 7/7" in on.text("header")
        stale(on.story, 0)
        on.app.tick()
        await on.look()
        assert "UNKNOWN 0/7" in on.text("header")

    play(act)
