"""What somebody who reads nothing but the screen stumbled over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from msgspec import structs

from paxtui.console import commands as c
from paxtui.console.driver import ClusterDriver, Notice
from paxtui.console.driver.scenario_run import Listed, ScenarioRun
from paxtui.console.model.analysis.why import why_slot
from paxtui.console.rows.help import help_rows
from paxtui.console.rows.text import plain
from paxtui.console.widgets.dialog import Dialog
from paxtui.console.widgets.events import EventsPane
from paxtui.console.widgets.log import LogPane
from tests.console.pilot import Played
from tests.console.real import PATIENCE_S, Real, run, serves
from tests.console.story import Story

Player = Callable[..., None]


def test_enter_takes_the_suggestion_that_was_pointed_at(play: Player) -> None:
    async def act(on: Played) -> None:
        await on.press("colon")
        await on.type("crash ")
        assert await on.press("enter") == []  # nothing was pointed at, and nobody guesses
        assert await on.press("down", "enter") == [c.CrashCommand(1)]

    play(act)


def test_keys_that_would_be_text_are_not_offered_while_one_writes(play: Player) -> None:
    async def act(on: Played) -> None:
        await on.press("i")
        await on.look()
        assert "esc leaves" in on.text("keys")
        assert "crash" not in on.text("keys")
        await on.press("escape")
        await on.look()
        assert "crash" in on.text("keys")

    play(act, size=(80, 24))


def test_the_log_has_the_keys_again_after_a_screen_that_was_too_small(play: Player) -> None:
    async def act(on: Played) -> None:
        await on.pilot.resize_terminal(1, 1)
        await on.pilot.pause()
        await on.pilot.resize_terminal(80, 24)
        await on.pilot.pause()
        await on.press("up")
        assert on.app.view_state.slot is not None

    play(act, size=(80, 24))


def test_a_scenario_that_is_over_says_so_and_how_to_go_back(play: Player) -> None:
    async def act(on: Played) -> None:
        on.driver.scenario_run = ScenarioRun(Listed("ring", "a ring", "a ring", 1), 1)
        on.driver.scenario_run.verdict = "PASS: 3 acknowledged"
        on.app.tick()
        await on.look()
        assert "OVER" in on.text("header")
        assert "STALE" not in on.text("header")
        why = on.text("why")
        assert "PASS: 3 acknowledged" in why
        assert "esc goes back" in why
        assert "Restart" not in why
        assert "esc goes back" in on.text("keys")
        assert "fault" not in on.text("header"), "it ends its replicas: that is no alarm"
        assert "spare" not in on.text("header")
        assert await on.press("escape") == [c.StopScenarioCommand()]

    play(act, size=(80, 24))


def test_who_only_learned_is_told_apart_from_who_voted() -> None:
    story = Story(3).up()
    story.choose(["hello"])
    story.model.replicas[2].accepted.clear(0)
    found = why_slot(story.model, 0, story.now)
    assert "r0 r1 accepted it" in found.verdict
    assert "r2 learned it from the others" in " ".join(found.evidence)


def test_help_is_broken_between_keys_and_flows_as_prose() -> None:
    lines = [plain(row).rstrip() for row in help_rows(LogPane.HELP, [], 68)]
    assert "F3   every sign of the screen in words" in lines
    assert not any(line.startswith("  slot or a time") for line in lines)
    prose = [plain(row).rstrip() for row in help_rows(EventsPane.HELP, [], 120)]
    assert len(prose[0]) > 100  # lines of one paragraph are joined where there is room


# With replicas


@pytest.mark.processes
def test_undo_leaves_alone_who_runs_again_already(tmp_path: Path) -> None:
    async def act(on: Real) -> None:
        await on.press("right", "c")
        await on.shown(lambda: on.driver.model.replicas[1].process == "down", "r1 is down")
        await on.press("r")
        seen = await on.until(lambda seen: seen[1].report is not None, "r1 runs")
        assert seen[1].report is not None
        pid = seen[1].report.pid
        await on.press("u")
        await on.shown(lambda: any("nothing to undo" in each.text for each in notes(on)), "u said so")
        seen = await on.until(lambda seen: seen[1].report is not None, "r1 still runs")
        assert seen[1].report is not None
        assert seen[1].report.pid == pid

    run(tmp_path, act)


def notes(on: Real) -> list[Notice]:
    """What was said lately, also what is on screen now."""
    return [*on.driver.notices, *([on.app.notice] if on.app.notice is not None else [])]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it, under Trio."""
    while not condition():  # noqa: ASYNC110 - what is waited for has no event
        await trio.sleep(0.05)


@pytest.mark.processes
def test_replicas_of_another_console_on_the_same_ports_are_not_taken_for_ours(tmp_path: Path) -> None:
    async def meet(on: Real) -> list[str]:
        second = ClusterDriver(structs.replace(on.driver.options, data_dir=tmp_path / "second", log_dir=None))
        with trio.fail_after(PATIENCE_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(second.run)
                await until(lambda: all("in use" in each.last_words for each in second.own.replicas))
                await until(lambda: len(second.strangers) == 3)
                second.submit(c.AppendCommand("not for them", None))
                second.submit(c.ElectCommand(1))
                await until(lambda: len(second.notices) == 2)
                second.stop()
        assert second.own.leader is None
        assert all(each.process == "down" and each.report is None for each in second.own.replicas)
        return [each.text for each in second.notices]

    async def act(on: Real) -> None:
        said = await asyncio.to_thread(trio.run, meet, on)
        assert all("did not start" in text for text in said), said
        await on.until(lambda seen: all(serves(seen, id) for id in range(3)), "all serve")
        assert await on.log_of(0) == []

    run(tmp_path, act)


def test_keys_that_come_in_after_a_dialog_was_left_close_nothing_else(play: Player) -> None:
    async def act(on: Played) -> None:
        await on.press("3", "enter")
        menu = on.app.screen
        assert isinstance(menu, Dialog)
        menu.dismiss("delay")
        menu.dismiss("duplicate")
        await on.pilot.pause()
        assert len(on.app.screen_stack) == 2  # the line for the delay, above the panes
        on.driver.taken()

    play(act)
