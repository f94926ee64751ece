"""Records and traces told as a tape, and a console that shows one."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from paxtui.cli.replay import _opened
from paxtui.console.app import ConsoleApp
from paxtui.console.driver.replaying import ReplayDriver
from paxtui.console.driver.retelling import retold
from paxtui.console.options import ConsoleOptions
from paxtui.console.preferences import Preferences
from paxtui.console.theme.styles import Styles
from paxtui.sim.cluster.record import JsonLines
from paxtui.sim.cluster.simulation import Simulation
from paxtui.sim.mutants import MUTANTS
from paxtui.sim.plan.plan_generator import generate_plan
from paxtui.tape.reader import TapeReader
from paxtui.tape.step import EVENT, TapeError
from tests.console.pilot import Played
from tests.console.story import cluster


def trace(path: Path, seed: int, profile: str) -> Path:
    plan = generate_plan(seed, profile)
    out = io.BytesIO()
    Simulation(plan, JsonLines(out, plan)).run()
    path.write_bytes(out.getvalue())
    return path


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = retold([trace(tmp_path_factory.mktemp("trace") / "run.jsonl", 71, "boost")])
    yield made
    made.unlink()
    made.parent.rmdir()


def test_a_trace_is_told_event_by_event_and_judged_safe(tape: Path) -> None:
    past = _opened(tape)
    events = [step for _, step in past.tape.steps(0, past.tape.end) if step.kind == EVENT]
    assert len(events) > 500
    last = past.at(past.tape.end)
    assert last.judge.light.light == "SAFE"
    assert last.applied == last.chosen > 50
    begin = past.at(past.tape.first + 1)
    assert begin.applied == 0
    assert begin.leader is None


def test_a_planted_bug_is_red_from_the_moment_at_which_it_is_seen(tmp_path: Path) -> None:
    mutant = MUTANTS["lowest-ballot-wins"]
    with mutant.installed():
        for seed in range(mutant.first, mutant.first + 3 * mutant.seeds):
            made = retold([trace(tmp_path / f"{seed}.jsonl", seed, mutant.profile)])
            past = _opened(made)
            if past.at(past.tape.end).judge.light.light == "VIOLATED":
                break
    alarms = [mark for mark in past.tape.marks if mark.kind == "alarm"]
    assert alarms
    assert past.at(alarms[0].position + 1).judge.light.light == "VIOLATED"
    assert past.at(alarms[0].position).judge.light.light != "VIOLATED"


@asynccontextmanager
async def replayed(tape: Path, at: str = "last") -> AsyncIterator[Played]:
    past = _opened(tape)
    driver = ReplayDriver(ConsoleOptions(cluster=cluster(3), armed=False, past=past, at=at), past)
    app = ConsoleApp(driver, Styles(), Preferences())
    async with app.run_test(size=(160, 45)) as pilot:
        await pilot.pause()
        yield Played(app, driver, pilot)  # type: ignore[arg-type]


def test_the_console_shows_it_without_a_cluster(tape: Path) -> None:
    async def main() -> None:
        async with replayed(tape) as on:
            assert "PAST 00:00" in on.text("header").replace("01:00:0", "00:00:0") or "PAST" in on.text(
                "header"
            )
            assert "c3.4@18" in on.text("log")
            await on.pilot.press("c", "colon")
            await on.type("heal")
            await on.pilot.press("enter")
            assert "nothing can be said or broken" in on.said
            await on.pilot.press("comma")
            moment = on.app.view_state.moment
            assert moment is not None
            assert moment.position < moment.end
            await on.pilot.press("f5")
            moment = on.app.view_state.moment
            assert moment is not None
            assert moment.position == moment.end

    asyncio.run(main())


def test_it_can_begin_at_a_moment(tape: Path) -> None:
    async def main() -> None:
        async with replayed(tape, "#100") as on:
            assert on.app.view_state.moment is not None
            assert on.app.view_state.moment.position == 100

    asyncio.run(main())


# Files of strangers


def broken(tape: Path, change: Callable[[bytes], bytes]) -> Path:
    path = tape.with_name(f"broken-{os.getpid()}.tape")
    path.write_bytes(change(tape.read_bytes()))
    return path


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_tape_that_is_cut_off_opens_as_far_as_it_goes_or_says_why_not(tape: Path, share: float) -> None:
    path = broken(tape, lambda data: data[: int(len(data) * share)])
    opens_or_says_why_not(path)


def opens_or_says_why_not(path: Path) -> None:
    said = str(path)
    try:
        past = _opened(path)
        past.at(past.tape.end)
        past.tape.close()
    except TapeError as error:
        said = str(error)
    finally:
        path.unlink()
    assert str(path) in said


@pytest.mark.parametrize("at", range(0, 40, 5))
def test_a_damaged_tape_is_refused_with_its_place_or_shown(tape: Path, at: int) -> None:
    def flipped(data: bytes) -> bytes:
        place = len(data) * at // 40 + 7
        return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]

    path = broken(tape, flipped)
    opens_or_says_why_not(path)


def test_no_tape_is_said_to_be_none(tmp_path: Path) -> None:
    for name, content, words in (
        ("text", b"hello", "it cannot be read"),
        ("empty", b"", "it is no tape"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(TapeError, match=words):
            TapeReader(tmp_path / name)
    with pytest.raises(TapeError, match="there is no such file"):
        TapeReader(tmp_path / "nothing")
