"""Cutting a second replica off leaves the first cut as it is; only what is cut off altogether is joined."""

from __future__ import annotations

from collections.abc import Callable

from paxtui.console import commands as c
from paxtui.console.actions.surfaces import button_labels
from paxtui.console.command_builders import around, cut_or_join
from paxtui.console.model.analysis.link_status import cut_now
from paxtui.wire import faults as f
from tests.console.board import Console, run
from tests.console.pilot import Played
from tests.console.story import Story

Play = Callable[..., None]


def cut(story: Story, links: tuple[tuple[int, int], ...]) -> None:
    for a, b in links:
        if (a, b) not in cut_now(story.model):
            story.fault(a, f.Cut(b))


def test_t_cuts_a_second_replica_off_too_and_joins_it_when_it_is_cut_off(play: Play) -> None:
    async def act(on: Played) -> None:
        cut(on.story, around(5, 0))
        await on.press("right")
        assert button_labels(on.app.view_state)["cut"] == "Cut"
        (order,) = await on.press("t")
        assert isinstance(order, c.CutCommand)
        assert set(order.links) == set(around(5, 1))
        cut(on.story, around(5, 1))
        assert button_labels(on.app.view_state)["cut"] == "Join"
        (order,) = await on.press("t")
        assert isinstance(order, c.JoinCommand)
        await on.press("right")
        assert isinstance((await on.press("t"))[0], c.CutCommand), "two of its links are cut, not all"

    play(act, n=5)


def test_links_of_which_one_is_cut_are_cut_and_not_joined() -> None:
    story = Story(3).up()
    assert isinstance(cut_or_join(story.model, [(0, 1), (1, 0)]), c.CutCommand)
    story.fault(0, f.Cut(1))
    assert isinstance(cut_or_join(story.model, [(0, 1), (1, 0)]), c.CutCommand)
    assert isinstance(cut_or_join(story.model, [(0, 1)]), c.JoinCommand)
    story.fault(1, f.Cut(-1))
    assert isinstance(cut_or_join(story.model, [(0, 1), (1, 0)]), c.JoinCommand)


def test_undo_of_the_second_cut_leaves_the_first_as_it_was() -> None:
    async def act(on: Console) -> None:
        await on.do(c.CutCommand(around(5, 0), "r0"))
        before = cut_now(on.model)
        assert before == set(around(5, 0))
        await on.do(c.CutCommand(around(5, 1), "r1"))
        assert cut_now(on.model) == {*around(5, 0), *around(5, 1)}
        await on.do(c.UndoCommand())
        assert cut_now(on.model) == before

    run(act, n=5)


def test_a_cluster_of_one_has_nothing_to_cut(play: Play) -> None:
    async def act(on: Played) -> None:
        assert await on.press("t") == []

    play(act, n=1)
