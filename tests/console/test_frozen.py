"""A view that stands still is of one moment; and a leader that is of no use is shown as one."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Raw

from paxtui.console.model.analysis.why import why_moving
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.rows import chat, header, replicas
from paxtui.console.rows.faults import broken
from paxtui.console.rows.text import plain
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from paxtui.wire import faults as f
from paxtui.wire.telemetry import FaultBegan, TelemetryDelta, VotedView
from tests.console.pilot import Played
from tests.console.story import Story

Play = Callable[..., None]


def scene_of(story: Story, model: ClusterModel | None = None) -> ViewState:
    return ViewState(model or story.model, Styles(), lambda: story.now)


def head(scene: ViewState, width: int = 160) -> str:
    return plain(header.header(scene, width))


# Freezing


def frozen(story: Story) -> ViewState:
    """The view stops now."""
    scene = scene_of(story, story.model.still())
    scene.frozen_at, scene.frozen_wall = story.now, "12:04:07"
    return scene


def test_nothing_in_a_frozen_header_is_later_than_the_freeze() -> None:
    story = Story(3).up()
    story.model.liveness.look(story.model, story.now)
    story.choose(f"message {number}" for number in range(10))
    story.model.liveness.look(story.model, story.now)
    story.fault(0, f.Loss(1, 20))
    scene = frozen(story)
    before = head(scene).partition("ahead")[2]
    for part in ("SAFE 7/7", "moving", "leader r0@1.0", "chosen 10", "1 fault", "applied 10", "10/s"):
        assert part in before
    for _ in range(30):
        story.later(5)
        story.choose(["later"])
    story.elect(1, 2)
    story.down(0)
    story.lost(2)
    story.model.liveness.look(story.model, story.now)
    shown = head(scene)
    assert "live is 2 min ahead, +30 slots" in shown
    assert shown.partition("slots")[2].strip().startswith(before.strip()[:60])
    for part in ("SAFE 7/7", "moving", "leader r0@1.0", "chosen 10", "1 fault", "10/s"):
        assert part in shown


def test_messages_of_ours_stand_still_as_well() -> None:
    story = Story(3).up()
    mine = story.model.chat.say("hello", None, story.now)
    story.model.chat.numbered(mine, "you~s9@0", 0)
    still = story.model.still()
    story.propose(["hello"], client="you~s9@0")
    story.model.chat.say("later", None, story.now)
    assert [(each.text, each.fate) for each in still.chat.mine] == [("hello", "queued")]
    assert [(each.text, each.fate) for each in story.model.chat.mine] == [
        ("hello", "proposed"),
        ("later", "queued"),
    ]


def test_what_becomes_unsafe_meanwhile_is_said_at_once() -> None:
    story = Story(3).up()
    scene = frozen(story)
    slots = story.propose(["this"])
    story.vote(1, slots)
    story.tell(2, VotedView(story.ballot, slots[0], 1, "0123456789abcdef"))
    assert story.model.judge.light.light == "VIOLATED"
    assert "live: VIOLATED" in head(scene)
    assert "SAFE" in head(scene)


def test_the_frozen_log_says_how_far_the_live_one_is(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("space")
        on.story.later(3)
        on.story.choose(["later", "still later"])
        on.story.up()
        await on.look()
        assert "live is 3.0 s ahead, +2 slots" in on.text("header")
        assert "moving" not in on.text("header") or "10 " in on.text("header")

    play(act)


# A leader that is paused


def test_a_paused_leader_is_not_shown_as_one_that_works() -> None:
    story = Story(3).up()
    story.paused(0)
    story.later(0.2)
    scene = scene_of(story)
    assert "leader r0@1.0 PAUSED" in head(scene)
    assert "PAUSED 0.2 s (L)" in "\n".join(plain(row) for row in replicas.replicas(scene, 80, 12))
    story.model.liveness.look(story.model, story.now)
    assert story.model.liveness.verdict.light == "electing"
    assert "leader r0 paused" in story.model.liveness.verdict.words
    found = why_moving(story.model, story.now)
    assert found.verdict == "NO LEADER THAT WORKS (r0: paused): the others elect another one soon."


def test_the_chat_looks_through_somebody_who_is_heard_rather_than_through_a_paused_leader() -> None:
    story = Story(3).up()
    story.choose(["x"])
    assert scene_of(story).seen_by == 0
    story.paused(0)
    story.model.replicas[1].applied += 1
    scene = scene_of(story)
    assert scene.seen_by == 1
    scene.viewer = 0
    assert "chat as seen by r0 (paused)" in chat.title(scene, following=True, below=0, width=100)


def test_a_leader_that_is_not_heard_says_for_how_long() -> None:
    story = Story(3).up()
    story.later(4)
    for id in (1, 2):
        story.report(id)
    assert "leader r0@1.0 not heard for 4.0 s" in head(scene_of(story))


def test_a_pause_that_is_a_fault_is_seen_until_its_replica_speaks_again() -> None:
    story = Story(3).up()
    story.model.paused(0, 10.0, story.now)
    story.later(0.1)
    story.report(0)  # it left before the process was stopped
    assert story.model.replicas[0].process == "paused"
    story.later(9)
    story.report(0)
    assert story.model.replicas[0].process == "up"
    story.paused(0)
    story.later(9)
    story.report(0)
    assert story.model.replicas[0].process == "paused"  # the supervisor knows when it goes on


def test_a_pause_that_is_told_after_it_ended_is_none() -> None:
    story = Story(3).up()
    raw = Raw(msgspec.json.encode(FaultBegan(1, f.Pause(2.0), False)))
    for late_s, state in ((0.1, "paused"), (3.0, "up")):
        story = Story(3).up()
        delta = TelemetryDelta(id=0, first=0, at_s=story.now, events=((story.now, raw),), dropped=0)
        story.model.fold(0, delta, story.now + late_s)
        assert story.model.replicas[0].process == state


# Counting what is broken


def test_what_is_broken_is_counted_the_same_everywhere() -> None:
    story = Story(5).up()
    for peer in (0, 1, 2, 4):
        story.fault(3, f.Cut(peer))
        story.fault(peer, f.Cut(3))
    story.fault(0, f.Loss(1, 20))
    story.paused(4)
    found = broken(story.model, story.now)
    assert [each.what for each in found] == ["r4 is paused", "cut r3 | r0 r1 r2 r4", "loss r0>r1 20 %"]
    assert "3 faults" in head(scene_of(story))
    card = "\n".join(plain(row) for row in replicas.card(scene_of(story), story.model.replicas[0], 200, 4))
    assert "faults 2" in card


def test_a_partition_is_one_thing_however_many_links_it_cuts() -> None:
    story = Story(5).up()
    for a in (0, 1):
        for b in (2, 3, 4):
            story.fault(a, f.Cut(b))
            story.fault(b, f.Cut(a))
    story.fault(2, f.Cut(3))
    found = broken(story.model, story.now)
    assert [each.what for each in found] == ["cut r0 r1 | r2 r3 r4", "cut r2>r3"]
    assert len(found[0].mend.links) == 12  # type: ignore[union-attr]


def test_a_cut_in_one_direction_is_no_partition() -> None:
    story = Story(3).up()
    for to in (1, 2):
        story.fault(0, f.Cut(to))
    assert [each.what for each in broken(story.model, story.now)] == ["cut r0>r1", "cut r0>r2"]
