"""What is typed fast: no letter of a text becomes a key that acts, and none is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.widgets import Input

from paxtui.console import commands as c
from paxtui.console.widgets.faultmenu import FaultMenu
from paxtui.wire import faults as f
from tests.console.pilot import Played

Play = Callable[..., None]


@pytest.mark.parametrize("size", [(160, 45), (80, 24)])
def test_a_message_typed_right_after_i_is_text(play: Play, size: tuple[int, int]) -> None:
    async def act(on: Played) -> None:
        assert await on.at_once("i", *"recrt", "space", *"pH", "enter") == [c.AppendCommand("recrt pH", None)]

    play(act, size=size)


def test_a_command_typed_right_after_the_colon_is_run(play: Play) -> None:
    async def act(on: Played) -> None:
        assert await on.at_once("colon", *"crash", "space", *"r2", "enter") == [c.CrashCommand(2)]
        assert len(on.app.screen_stack) == 1
        assert await on.at_once("colon", *"hea", "enter") == [c.HealCommand()]

    play(act)


def test_numbers_and_searches_typed_at_once_reach_their_lines(play: Play) -> None:
    async def act(on: Played) -> None:
        assert await on.at_once("L", *"20", "enter") == [
            c.InjectManyCommand(((0, f.Loss(-1, 20)),), "loss r0>* 20 %")
        ]
        assert await on.at_once("g", "4", "enter") == []
        assert on.app.view_state.slot == 4
        assert await on.at_once("slash", *"message", "space", "7", "enter") == []
        assert on.app.view_state.slot == 7
        assert await on.at_once("w", *"r0") == []
        assert on.app.screen.query_one(Input).value == "r0"

    play(act)


def test_keys_right_after_a_view_act_on_that_view(play: Play) -> None:
    async def act(on: Played) -> None:
        assert await on.at_once("3", "t") == [c.CutCommand(((0, 1),), "r0>r1")]
        assert await on.at_once("1", "right", "c") == [c.CrashCommand(1)]
        assert await on.at_once("x", "p") == [c.PauseCommand(1)]
        assert not isinstance(on.app.screen, FaultMenu)

    play(act, size=(80, 24))
