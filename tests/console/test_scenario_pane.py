"""A scenario in the console: steps with times, a large verdict, and the way back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from paxtui.console import commands as c
from paxtui.console.driver.scenario_run import Listed, ScenarioRun
from paxtui.console.rows.scenario import ScenarioStep, ScenarioView, rows
from paxtui.console.rows.text import plain, width_of
from paxtui.console.theme.styles import Styles
from tests.console.pilot import Played

Play = Callable[..., None]


def step(number: int, what: str, outcome: str) -> dict[str, object]:
    return {"event": "step", "number": str(number), "what": what, "outcome": outcome, "at_s": 1.5 * number}


END = {"event": "end", "passed": True, "acknowledged": 7, "slots": 7, "seconds": 2.5, "reason": None}


@pytest.mark.parametrize("size", [(160, 45), (80, 24)])
def test_steps_and_verdict_are_shown_and_esc_goes_back(play: Play, size: tuple[int, int]) -> None:
    async def act(on: Played) -> None:
        assert not on.app.query_one("#scenario").display
        run = on.driver.scenario_run = ScenarioRun(Listed("ring", "a ring", "shows a ring", 1), 1)
        run._take_line(step(1, "cut leader", "r0 is cut off"), lambda words: None)
        on.app.tick()
        await on.look()
        shown = on.text("scenario")
        assert "shows a ring" in shown
        assert "1.5 s  step 1: cut leader  r0 is cut off" in shown
        assert "ring runs" in str(on.app.query_one("#scenario").border_title)
        run._take_line(END, lambda words: None)
        on.app.tick()
        await on.look()
        shown = on.text("scenario")
        assert "PASS: 7 acknowledged, 7 slots, 2.5 s" in shown
        assert ("███ ███ ███ ███" in shown) is (size[1] > 30)
        for view in ("6", "2", "1"):
            await on.press(view)
            assert await on.press("escape") == [c.StopScenarioCommand()]
        on.driver.scenario_run = None
        on.app.tick()
        await on.look()
        assert not on.app.query_one("#scenario").display
        assert await on.press("escape") == []

    play(act, size=size)


@pytest.mark.parametrize("height", range(1, 9))
@pytest.mark.parametrize("width", [30, 60, 120])
@pytest.mark.parametrize("passed", [True, False])
def test_rows_fit_and_the_newest_steps_are_kept(width: int, height: int, *, passed: bool) -> None:
    steps = tuple(ScenarioStep(float(at), f"step {at}: wait") for at in range(20))
    for verdict in (None, "it is over, and this is why: " * 4):
        found = rows(ScenarioView("x", "y", steps, verdict, passed), Styles(ascii=True), width, height)
        assert len(found) <= height
        assert all(width_of(row) == width for row in found)
        if height > 3:
            assert any("step 19" in plain(row) for row in found)
        if verdict is not None and height >= 5 and width >= 54:
            assert ("###" in plain(found[0])) is True
        elif verdict is not None:
            band = "passed" if passed else "alarm"
            assert {style for _, style in found[0]} == {band}
