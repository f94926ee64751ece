"""A console that ends says what it leaves acting, and offers to end it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from paxtui.config.folders import replica_folder
from paxtui.console import commands as c
from paxtui.console.driver import ClusterDriver, in_short
from paxtui.console.options import ConsoleOptions
from paxtui.wire import faults as f
from tests.console.board import Console, run
from tests.console.pilot import Played
from tests.console.real import Real, faults
from tests.console.real import run as real_run
from tests.console.story import cluster

Play = Callable[..., None]


def words(on: Console, *, ours_go_on: bool = False) -> list[str]:
    return on.executor.lasting.words(ours_go_on=ours_go_on)


def test_faults_at_replicas_of_somebody_else_act_on_for_what_is_left_of_ten_minutes() -> None:
    async def act(on: Console) -> None:
        await on.do(c.InjectCommand(0, f.Loss(1, 20)))
        await on.do(c.PauseCommand(2))
        assert words(on) == ["loss r0>r1 20 %, for 10 min more", "pause r2, for 10 min more"]
        await on.do(c.ClearCommand((0, 1), "loss"))
        assert words(on) == ["pause r2, for 10 min more"]

    run(act, ours=False)


def test_faults_at_replicas_of_our_own_act_on_only_if_these_are_left_running() -> None:
    async def act(on: Console) -> None:
        await on.do(c.CutCommand(((0, 1), (1, 0)), "r0-r1"))
        await on.do(c.PauseCommand(2))
        assert words(on) == []
        assert words(on, ours_go_on=True) == [
            *("cut r0>r1, until it is ended", "cut r1>r0, until it is ended", "pause r2, until it is ended")
        ]

    run(act)


def test_what_ended_by_itself_does_not_act_on() -> None:
    async def act(on: Console) -> None:
        await on.do(c.InjectCommand(0, f.Loss(1, 20)))
        on.boards.boards[0].undo(None)  # by another operator
        await on.told()
        on.model.replicas[0].reported_at += 10.0  # the next report but one
        assert words(on) == []

    run(act, ours=False)


def test_what_waits_for_its_replica_does_not_act_on() -> None:
    async def act(on: Console) -> None:
        on.boards.down.add(1)
        await on.do(c.InjectCommand(1, f.Cut(0)))
        assert words(on) == []

    run(act, ours=False)


def test_faults_begun_here_are_ended_and_no_others() -> None:
    async def act(on: Console) -> None:
        await on.boards.inject(1, f.Loss(0, 5))  # somebody else's
        await on.do(c.InjectCommand(0, f.Loss(1, 20)))
        await on.do(c.InjectCommand(1, f.Cut(2)))
        await on.executor.lasting.end_faults(ours_go_on=False)
        assert [on.boards.faults(id) for id in range(3)] == [[], [f.Loss(0, 5)], []]
        assert words(on) == []

    run(act, ours=False)


def test_what_cannot_be_ended_is_still_named() -> None:
    async def act(on: Console) -> None:
        await on.do(c.InjectCommand(0, f.Loss(1, 20)))
        on.boards.paused.add(0)
        await on.executor.lasting.end_faults(ours_go_on=False)
        assert words(on) == ["loss r0>r1 20 %, for 10 min more"]

    run(act, ours=False)


def test_paused_replicas_that_are_left_running_go_on() -> None:
    async def act(on: Console) -> None:
        await on.do(c.PauseCommand(2))
        await on.executor.lasting.end_faults(ours_go_on=True)
        assert on.boards.paused == set()

    run(act)


def test_of_many_faults_the_first_are_named_and_the_rest_is_counted() -> None:
    assert in_short(["a", "b"]) == "a; b"
    assert in_short([*"abcde"]) == "a; b; c; and 2 more"


# The question


class Leaving:
    """A console whose faults act on."""

    def __init__(self, on: Played, monkeypatch: pytest.MonkeyPatch, acting: list[str]) -> None:
        self.exits: list[object] = []
        self.asked: list[bool] = []

        def lasting(*, ours_go_on: bool) -> list[str]:
            self.asked.append(ours_go_on)
            return acting

        monkeypatch.setattr(on.driver, "lasting", lasting)
        monkeypatch.setattr(on.app, "exit", self.exits.append)


@pytest.mark.parametrize(
    ("keys", "exits", "ends"),
    [
        (["h"], [0], True),
        (["right", "right", "enter"], [0], False),
        (["l"], [0], False),
        (["enter"], [], False),
        (["escape"], [], False),
    ],
)
def test_quitting_an_attached_console_asks_what_becomes_of_its_faults(
    play: Play, monkeypatch: pytest.MonkeyPatch, keys: list[str], exits: list[int], *, ends: bool
) -> None:
    async def act(on: Played) -> None:
        monkeypatch.setattr(on.driver, "options", ConsoleOptions(cluster=cluster(3)))
        leaving = Leaving(on, monkeypatch, ["cut r0>r1, for 9 min more"])
        await on.press("q")
        assert leaving.exits == []
        await on.press(*keys)
        assert leaving.exits == exits
        assert on.driver.ends_faults is ends
        assert leaving.asked == [False]

    play(act)


def test_quitting_without_faults_asks_nothing_more(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(on: Played) -> None:
        monkeypatch.setattr(on.driver, "options", ConsoleOptions(cluster=cluster(3)))
        leaving = Leaving(on, monkeypatch, [])
        await on.press("q")
        assert leaving.exits == [0]

    play(act)


def test_leaving_replicas_running_asks_about_faults_without_an_end(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(on: Played) -> None:
        leaving = Leaving(on, monkeypatch, ["cut r0>r1, until it is ended"])
        await on.press("q", "l")
        assert leaving.asked == [True]
        assert await on.press("h") == [c.LeaveCommand()]
        assert on.driver.ends_faults

    play(act)


# A real end


@pytest.mark.processes
def test_an_attached_console_says_in_the_end_what_acts_or_ends_it(tmp_path: Path) -> None:
    async def session(driver: ClusterDriver) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(driver.run)
            driver.submit(c.InjectCommand(0, f.SlowDisk(1)))
            with trio.fail_after(30):
                while not driver.lasting(ours_go_on=False):  # noqa: ASYNC110 - as the screen does
                    await trio.sleep(0.02)
            driver.stop()

    async def attached(on: Real, *, ends_faults: bool) -> list[str]:
        driver = ClusterDriver(ConsoleOptions(cluster=on.driver.options.cluster))
        driver.ends_faults = ends_faults
        await asyncio.to_thread(trio.run, session, driver)
        return driver.last_words()

    async def act(on: Real) -> None:
        assert await attached(on, ends_faults=True) == []
        assert faults(await on.sightings(), 0) == []
        address = on.driver.options.cluster.replicas[0]
        assert await attached(on, ends_faults=False) == [
            "still acting: slow-disk r0 1 ms, for 10 min more",
            f"all faults end with: paxtui fault heal --at {address}",
        ]

    real_run(tmp_path, act, n=1)


def test_at_the_end_it_is_said_where_everything_lies_and_how_to_go_on(tmp_path: Path) -> None:
    options = ConsoleOptions(
        cluster=cluster(3),
        ours=(0, 1, 2),
        data_dir=tmp_path,
        log_dir=tmp_path / "logs",
        again="paxtui --config x",
    )
    driver = ClusterDriver(options)
    data = replica_folder(tmp_path, options.cluster.name, 0).parent
    places = [
        f"data of {options.cluster.name}: {data}",
        f"logs of {options.cluster.name}: {tmp_path / 'logs'}",
    ]
    assert driver.last_words() == [*places, "go on with: paxtui --config x"]
    driver.leaving = True
    assert driver.last_words()[1:] == places
    assert ClusterDriver(ConsoleOptions(cluster=cluster(3))).last_words() == []
