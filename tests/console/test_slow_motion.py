"""Slow motion: one factor for all clocks and links, undone as a whole, said truthfully, ended by itself."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import trio

from paxtui.client.errors import Failed
from paxtui.console import commands as c
from paxtui.console.actions.surfaces import verbs
from paxtui.console.command_line import Context, OperandError, parse
from paxtui.console.driver import fault_tracker
from paxtui.console.model.analysis.describe import describe
from paxtui.console.model.analysis.why.cluster import why_moving
from paxtui.console.model.liveness.clocks import clock_words, slow_motion, stretch
from paxtui.console.model.liveness.liveness import PATIENCE_S
from paxtui.console.model.state.seen import Seen
from paxtui.console.rows.faults import broken
from paxtui.console.rows.header import header
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from paxtui.wire import faults as f
from tests.console.board import Console, run
from tests.console.story import Story

SLOW = c.SlowMotionCommand(10)
OFF = c.SlowMotionCommand(1)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition."""
    with trio.fail_after(10):
        while not holds():
            await trio.lowlevel.checkpoint()


# What it does


def test_all_clocks_and_links_are_stretched_and_one_undo_takes_it_back() -> None:
    async def act(on: Console) -> None:
        before = on.boards.shapes()
        assert await on.do(SLOW) == "slow-motion 10"
        for id in range(3):
            assert on.boards.faults(id) == [f.Clock(10), f.Delay(-1, 200.0)]
        await on.do(c.UndoCommand())
        assert [on.boards.faults(id) for id in range(3)] == [[], [], []]
        assert on.boards.shapes() == before
        await on.do(SLOW)
        await on.do(c.HealCommand())
        assert [on.boards.faults(id) for id in range(3)] == [[], [], []]
        await on.do(SLOW)
        await on.do(OFF)
        assert [on.boards.faults(id) for id in range(3)] == [[], [], []]
        with pytest.raises(Failed, match="no clock is slow"):
            await on.do(OFF)

    run(act)


def test_another_factor_takes_the_place_of_the_first_and_undo_brings_that_back() -> None:
    async def act(on: Console) -> None:
        await on.do(SLOW)
        await on.do(c.SlowMotionCommand(50))
        assert on.boards.faults(1) == [f.Clock(2), f.Delay(-1, 1000.0)]
        await on.do(c.SlowMotionCommand(2))
        assert on.boards.faults(1) == [f.Delay(-1, 40.0), f.Clock(50)]  # links first: they are quicker
        await on.do(c.UndoCommand())
        assert {type(each): each for each in on.boards.faults(1)} == {
            f.Clock: f.Clock(2),
            f.Delay: f.Delay(-1, 1000.0),
        }
        await on.do(OFF)
        assert on.boards.faults(1) == []

    run(act)


def test_delays_of_before_are_stretched_and_come_back_as_they_were() -> None:
    async def act(on: Console) -> None:
        await on.do(c.InjectCommand(0, f.Delay(-1, 30, 5)))
        await on.do(c.InjectCommand(0, f.Delay(2, 7)))
        before = on.boards.shapes()
        await on.do(SLOW)
        slow = on.boards.shapes()
        assert (slow[0, 1].delay_s, slow[0, 1].jitter_s) == (0.3, 0.05)
        assert (slow[0, 2].delay_s, slow[1, 0].delay_s) == (0.07, 0.2)
        await on.do(c.SlowMotionCommand(50))
        slower = on.boards.shapes()
        assert (slower[0, 1].delay_s, slower[0, 2].delay_s, slower[1, 0].delay_s) == (1.5, 0.35, 1.0)
        await on.do(OFF)
        assert on.boards.shapes() == before
        await on.do(c.UndoCommand())
        assert on.boards.shapes() == slower
        await on.do(OFF)
        assert on.boards.shapes() == before

    run(act)


def test_a_replica_that_comes_back_is_slow_again() -> None:
    async def act(on: Console) -> None:
        await on.do(c.CrashCommand(1))
        await on.do(SLOW)
        waiting = [
            each.what for each in broken(on.model, on.boards.story.now) if each.waits == "waits for r1"
        ]
        assert waiting == ["clock r1 10 %", "delay r1>* 200 ms"]
        await on.do(c.RestartCommand(1))
        await on.told()
        assert on.boards.faults(1) == [f.Clock(10), f.Delay(-1, 200.0)]

    run(act)


def test_all_of_it_is_leased_and_renewed_and_what_ended_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fault_tracker, "RENEW_S", 0.01)

    async def act(on: Console) -> None:
        await on.do(SLOW)
        listed = [each for id in range(3) for each in on.boards.boards[id].active_faults(0.0)]
        assert all(each.left_s is not None for each in listed)
        numbers = {each.number for each in listed}
        await until(lambda: set(on.boards.renewed) >= numbers)
        on.boards.boards[1].undo(None)  # as if its time were over
        await until(lambda: "clock r1 10 % has ended by itself" in [describe(each) for each in notes(on)])
        await on.told()
        assert on.boards.faults(1) == []
        await on.do(OFF)
        assert [on.boards.faults(id) for id in range(3)] == [[], [], []]

    run(act)


async def another_console(on: Console, factor: float, *, apart_s: float = 0.0) -> None:
    """Let another console begin slow motion, its delays ``apart_s`` after its clocks."""
    for board in on.boards.boards:
        now = time.monotonic() - apart_s
        for fault, at in ((f.Clock(100 / factor), now), (f.Delay(-1, 20 * factor), now + apart_s)):
            number, _ = board.inject(fault, at, f.LEASE_S, None)
            board.renew(number, time.monotonic())
    await on.told()


@pytest.mark.parametrize("apart_s", [0.0, 30.0])
def test_what_another_console_began_ends_here_as_a_whole(apart_s: float) -> None:
    async def act(on: Console) -> None:
        kept = f.Delay(2, 30, 5)
        await on.boards.inject(0, kept)  # not of slow motion: it has no end
        await another_console(on, 10, apart_s=apart_s)
        assert on.boards.faults(1) == [f.Clock(10), f.Delay(-1, 200.0)]
        await on.do(OFF)
        assert [on.boards.faults(id) for id in range(3)] == [[kept], [], []]
        await on.do(c.UndoCommand())
        assert sorted(on.boards.faults(1), key=lambda fault: type(fault).__name__) == [
            f.Clock(10),
            f.Delay(-1, 200.0),
        ]

    run(act)


def test_links_that_another_console_stretched_as_they_were_end_with_its_clocks() -> None:
    async def act(on: Console) -> None:
        for fault in (f.Clock(10), f.Delay(1, 70.0), f.Delay(2, 300.0, 50.0)):
            await on.boards.inject(0, fault, for_s=f.LEASE_S)
        await on.boards.inject(0, f.Delay(1, 70.0), for_s=600.0)
        await on.told()
        await on.do(OFF)
        assert on.boards.faults(0) == [f.Delay(1, 70.0)]

    run(act)


def test_another_factor_here_takes_the_place_of_that_of_another_console() -> None:
    async def act(on: Console) -> None:
        await another_console(on, 10)
        await on.do(c.SlowMotionCommand(50))
        for id in range(3):
            assert on.boards.faults(id) == [f.Clock(2), f.Delay(-1, 1000.0)]
        await on.do(OFF)
        assert [on.boards.faults(id) for id in range(3)] == [[], [], []]

    run(act)


def notes(on: Console) -> list[Seen]:
    """What this console noted."""
    return [each for each in on.model.journal.notable if each.kind == "you"]


def test_replicas_that_take_no_faults_refuse_it_as_a_whole() -> None:
    async def act(on: Console) -> None:
        on.boards.refusing = {0, 1, 2}
        with pytest.raises(Failed, match="--allow-faults"):
            await on.do(SLOW)
        on.boards.refusing = {2}
        assert "--allow-faults" in await on.do(SLOW)
        assert on.boards.faults(2) == []

    run(act)


# How it is typed


@pytest.mark.parametrize(
    ("text", "factor"), [("slow-motion 10", 10), ("slow-motion x2", 2), ("slow-motion off", 1)]
)
def test_it_is_typed_as_a_factor_or_off(text: str, factor: float) -> None:
    command = c.SlowMotionCommand(factor)
    assert parse(text, Context(Story().up().model, verbs())) == [command]
    assert c.words(command).replace(" 1", " 1") == text.replace("x", "")


@pytest.mark.parametrize("text", ["slow-motion", "slow-motion 0.5", "slow-motion fast", "slow-motion 2 2"])
def test_what_is_no_factor_is_refused(text: str) -> None:
    with pytest.raises(OperandError):
        parse(text, Context(Story().up().model, verbs()))


# What is said of it


def slowed(*percents: float, delay_ms: float = 0.0) -> Story:
    story = Story(len(percents)).up()
    for id, percent in enumerate(percents):
        if percent != 100:
            story.fault(id, f.Clock(percent))
        if delay_ms:
            story.fault(id, f.Delay(-1, delay_ms))
    return story


@pytest.mark.parametrize(
    ("percents", "delay_ms", "words", "longer"),
    [
        ((100, 100, 100), 0, "", 1),
        ((10, 10, 10), 200, "SLOW MOTION x10, links 200 ms", 10),
        ((2, 2, 2), 0, "SLOW MOTION x50", 50),
        ((100, 10, 100), 0, "clocks r1 10 %", 10),
        ((10, 0, 400), 0, "clocks r0 10 %, r1 stands, r2 400 %", float("inf")),
        ((0, 0, 0), 0, "clocks r0 stands, r1 stands, r2 stands", float("inf")),
        ((400, 400, 400), 0, "clocks r0 400 %, r1 400 %, r2 400 %", 1),
    ],
)
def test_clocks_are_told_as_they_are(
    percents: tuple[float, ...], delay_ms: float, words: str, longer: float
) -> None:
    story = slowed(*percents, delay_ms=delay_ms)
    assert clock_words(story.model, story.now) == words
    assert stretch(story.model, story.now) == longer
    assert (slow_motion(story.model, story.now) is not None) == words.startswith("SLOW")
    view_state = ViewState(story.model, Styles(), lambda: story.now)
    line = "".join(text for text, _ in header(view_state, 160))
    assert words in line
    assert ("SLOW MOTION" in line) == words.startswith("SLOW")
    narrow = "".join(text for text, _ in header(view_state, 80))
    assert (words.partition(",")[0] if words.startswith("SLOW") else words) in narrow
    if words.startswith("SLOW"):
        assert "leader r0@" in narrow


def test_what_is_not_heard_any_more_is_not_told() -> None:
    story = slowed(10, 10, 10)
    story.later(60)
    assert clock_words(story.model, story.now) == ""


def test_slow_clocks_are_no_alarm_and_quick_ones_are_again() -> None:
    story = slowed(10, 10, 10)
    story.propose(["x"])
    model = story.model

    def light_after(seconds: float) -> str:
        for _ in range(int(seconds)):
            story.later(1.0)
            for id in range(3):
                story.report(id)
            model.update_lights(story.now)
        return model.liveness.verdict.light

    assert light_after(PATIENCE_S * 5) == "waiting"
    assert "SLOW MOTION x10" in model.liveness.verdict.words
    assert any("SLOW MOTION x10" in each for each in why_moving(model, story.now).evidence)
    assert light_after(PATIENCE_S * 6) == "STUCK"
    story.active = [[], [], []]
    assert light_after(2) == "waiting"  # it has had no time yet
    assert light_after(PATIENCE_S + 2) == "STUCK"


@pytest.mark.parametrize(
    ("percents", "slowest"),
    [((100, 100, 0), 1), ((100, 0, 100), 1), ((0, 100, 100), 1), ((50, 100, 100), 2), ((50, 100, 0), 2)],
)
def test_a_majority_with_quick_clocks_waits_for_nobody_else(
    percents: tuple[float, ...], slowest: float
) -> None:
    """Replica 0 leads, and nothing moves."""
    story = slowed(*percents)
    story.propose(["x"])
    for seconds in range(1, 20):
        story.later(1.0)
        for id in range(3):
            story.report(id)
        story.model.update_lights(story.now)
        stuck = story.model.liveness.verdict.light == "STUCK"
        assert stuck == (seconds > PATIENCE_S * slowest + 1), seconds


def test_where_every_majority_has_a_clock_that_stands_nothing_is_stuck() -> None:
    story = slowed(100, 0, 0)
    story.propose(["x"])
    for _ in range(100):
        story.later(1.0)
        for id in range(3):
            story.report(id)
        story.model.update_lights(story.now)
        assert story.model.liveness.verdict.light != "STUCK"
    assert "r1 stands" in story.model.liveness.verdict.words
