"""Bursts: fifty thousand slots in a second, ten elections in a second, a replica that floods telemetry."""

from __future__ import annotations

from collections.abc import Callable

from paxtui.console import commands as c
from paxtui.console.model.state.journal import EVENTS_KEPT
from paxtui.console.model.state.values import KEPT
from paxtui.core.values import Command
from paxtui.wire import events as e
from paxtui.wire.telemetry import LearnedView, ProposedView, ValueView, VotedView, digest
from tests.console.pilot import Played
from tests.console.story import Story

Play = Callable[..., None]
BURST = 50_000
RUN = 250


def burst(story: Story, slots: int) -> None:
    """So many slots in runs, proposed, voted for, learned and applied by all within one second."""
    ballot = story.ballot
    start = story.model.end
    for first in range(start, start + slots, RUN):
        values = [Command("ada~s1@0", number, f"m{number}") for number in range(first, first + RUN)]
        marks = "".join(map(digest, values))
        views = tuple(ValueView(each.client, each.request, each.text) for each in values)
        story.tell(ballot.replica, ProposedView(ballot, first, RUN, "client", marks, views))
        for id in range(story.n):
            story.tell(id, VotedView(ballot, first, RUN, marks))
        for id in range(story.n):
            learned = LearnedView(first, RUN, ((ballot, RUN),), marks, views)
            story.tell(id, learned, e.AppliedTo(first, first + RUN, f"{first + RUN:064x}"))


def test_fifty_thousand_slots_in_one_second_do_not_freeze_the_console(play: Play) -> None:
    async def act(on: Played) -> None:
        burst(on.story, BURST)
        on.app.tick()
        assert await on.press("c") == [c.CrashCommand(0)]
        await on.press("f")
        assert f"m{BURST - 1}" in on.text("log")
        assert "SAFE 7/7" in on.text("header")
        on.app.controllers.navigation.go_to_slot(5)
        assert on.app.view_state.slot == 5

    play(act, messages=0)


def test_memory_is_bounded_by_what_is_kept_and_not_by_the_log() -> None:
    story = Story(3).up()
    burst(story, 2 * KEPT)
    model = story.model
    assert model.end == 2 * KEPT
    assert len(model.values.slots) <= KEPT
    assert len(model.journal.all) <= EVENTS_KEPT
    assert all(len(replica.accepted) == 1 for replica in model.replicas)  # one reign is one run


def test_ten_elections_in_one_second_are_shown_and_leave_one_leader(play: Play) -> None:
    async def act(on: Played) -> None:
        for round in range(2, 12):
            on.story.elect(round % 3, round)
            on.story.later(0.1)
            on.app.tick()
        await on.look()
        assert "leader r2@11.2" in on.text("header")
        assert await on.press("e") == [c.ElectCommand(0)]

    play(act)


def test_a_replica_that_drops_telemetry_all_the_time_makes_the_light_unknown_and_nothing_worse(
    play: Play,
) -> None:
    async def act(on: Played) -> None:
        for _ in range(200):
            on.story.tell(1, *[e.MessageDropped("accept", 0, "late")] * 50)
            on.story.tell(1, dropped=8000)
            on.story.snapshot(1)
        await on.look()
        assert "VIOLATED" not in on.text("header")
        assert await on.press("W") == [c.HealCommand()]

    play(act)
