"""The soak itself: a short run of it, its plan, and that its judges find what is wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import structs

from paxtui.client import LogEntry
from paxtui.core.ballot import Ballot
from paxtui.sim.cluster.linearizable import Op
from tests.replica.processes import started
from tests.tools.soak.gauges import DESCRIPTORS_MAX, Sample, Series, growth_mb
from tests.tools.soak.judge import Judge, same
from tests.tools.soak.overload import ROOT, Line, operations
from tests.tools.soak.plan import DARK, LEADER, LETHAL, SINGLE, VICTIMS, Epoch, epoch
from tests.tools.soak.record import Window
from tests.tools.soak.run import Soak, Wanted


@pytest.mark.processes
@pytest.mark.trio
@pytest.mark.timeout(300)
async def test_two_short_rounds_with_a_lost_disk_find_nothing_wrong(tmp_path: Path) -> None:
    """What ``python -m tests.tools.soak`` does for an hour."""
    said: list[str] = []
    wanted = Wanted(seed=3, minutes=10, replicas=3, rounds=2, steps=3, flood_s=0.5, epochs_max=1)
    soak = Soak(wanted, tmp_path, said.append)
    await soak.run()
    assert soak.problems == [], "\n".join(said)
    assert len(soak.minutes) == 2
    assert soak.faults["kill-all"] == 1
    assert soak.faults["disk-lost"] + soak.faults["disk-back"] == 1
    assert soak.faults.total() >= 6
    assert sum(minute.acknowledged for minute in soak.minutes) > 100
    assert any("problems: 0" in line for line in said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.processes
@pytest.mark.timeout(300)
def test_ctrl_c_leaves_no_process_no_mount_and_no_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.tools.soak", "--replicas", "3", "--seed", "1"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with started(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as process:
        assert process.stdout is not None
        said: list[str] = []
        while " capacity " not in (line := process.stdout.readline()):
            said.append(line)
            assert line, "".join(said)
        assert len(processes_of(tmp_path)) >= 4, line  # three replicas and a console
        process.send_signal(signal.SIGINT)
        assert process.stdout.read().endswith("problems: 0\nstopped before its time\n")
        assert process.wait(60) == 130
    assert processes_of(tmp_path) == []
    assert str(tmp_path) not in Path("/proc/mounts").read_text()
    assert list(tmp_path.iterdir()) == []


def processes_of(folder: Path) -> list[str]:
    """Processes that have something to do with ``folder``."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            words = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in words:
            found.append(words.decode(errors="replace"))
    return found


# The plan


def drawn(seed: int, replicas: int = 5) -> Epoch:
    return epoch(seed, 1, replicas, 8, 12)


def test_the_same_seed_draws_the_same_faults() -> None:
    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)
    assert epoch(7, 1, 5, 8, 12).rounds != epoch(7, 2, 5, 8, 12).rounds


@pytest.mark.parametrize("replicas", [3, 5])
def test_a_plan_takes_away_no_more_than_leaves_a_voting_majority(replicas: int) -> None:
    for seed in range(50):
        plan = drawn(seed, replicas)
        held: set[int] = set()
        for step in (step for each in plan.rounds for step in each.steps):
            votes = replicas - len(held)
            if step.kind in VICTIMS:
                assert votes - len(step.targets) > replicas // 2
            elif step.kind in SINGLE:
                assert votes - 1 > replicas // 2
            elif step.kind in DARK:
                assert not held & set(step.targets)
                assert votes - len(step.targets) == replicas // 2
            elif step.kind in ("disk-lost", "disk-back"):
                held |= set(step.targets)
            if step.kind in LETHAL:
                assert plan.spared not in step.targets
        assert len(held) == replicas // 2


def test_some_epochs_have_all_kinds_of_faults_and_leaders_among_the_targets() -> None:
    steps = [step for seed in range(4) for each in drawn(seed).rounds for step in each.steps]
    kinds = {step.kind for step in steps}
    assert kinds >= {*VICTIMS, *SINGLE, *DARK, "disk-lost", "disk-back", "kill-all", "skip", "elect"}
    assert any(LEADER in step.targets for step in steps if step.kind == "kill")
    assert {step.shape.kind for step in steps if step.shape} == {"loss", "delay", "duplicate", "reorder"}


# The judges

ROUND = "e1.m1"


def entry(slot: int, text: str, repeats: int | None = None) -> LogEntry:
    return LogEntry(slot, Ballot(1, 0), "session", slot, text, repeats)


def append(text: str, slot: int | None, outcome: str = "ok", call: float = 0.0, return_: float = 9.0) -> Op:
    ends = return_ if outcome == "ok" else None
    return Op(op="append", client="c", call=call, outcome=outcome, text=text, slot=slot, return_=ends)  # type: ignore[arg-type]


def judged(log: list[LogEntry], *ops: Op, judge: Judge | None = None, base: int = 0) -> str:
    window = Window(ROUND, base)
    window.note(*ops)
    return "\n".join((judge or Judge()).round(window, log))


def test_what_is_as_it_was_told_is_no_problem() -> None:
    log = [entry(0, "a"), entry(1, ""), entry(2, "b"), entry(3, "b", repeats=2)]
    log[1] = structs.replace(log[1], client="")
    ops = [append("a", 0), append("b", None, "unknown"), append("c", None, "failed")]
    assert (
        judged(log, *ops, Op(op="read", client="r", call=1, outcome="ok", return_=9, texts=["a", "b"])) == ""
    )


@pytest.mark.parametrize(
    ("log", "op", "words"),
    [
        ([], append("a", 0), "lost: 'a', told slot 0"),
        ([entry(0, "x"), entry(1, "a")], append("a", 0), "lost: 'a', told slot 0, is in 1"),
        ([entry(0, "a"), entry(1, "a")], append("a", 1), "twice in the log: 'a'"),
        ([entry(0, "a")], append("a", None, "failed"), "failed, and yet in slot 0"),
        ([entry(0, "z")], append("a", None, "unknown"), "which e1.m1 did not append"),
        ([entry(0, "a"), entry(1, "b", repeats=0)], append("a", 0), "has another message"),
    ],
    ids=["lost", "elsewhere", "twice", "failed", "strange", "repetition"],
)
def test_what_is_not_as_it_was_told_is_found(log: list[LogEntry], op: Op, words: str) -> None:
    assert words in judged(log, op)


def test_an_unknown_append_may_come_late_but_not_twice() -> None:
    judge = Judge()
    assert judged([], append("late", None, "unknown"), judge=judge) == ""
    assert list(judge.carried) == ["late"]
    assert judged([entry(0, "late")], judge=judge) == ""
    assert "which is there twice" in judged([entry(1, "late")], judge=judge, base=1)


def test_a_read_that_saw_an_older_log_than_was_acknowledged_is_found() -> None:
    stale = Op(op="read", client="r", call=5, outcome="ok", return_=6, texts=[])
    assert "before" in judged([entry(0, "a")], append("a", 0, call=1, return_=2), stale)


def test_what_ended_well_without_a_majority_is_found() -> None:
    window = Window(ROUND, 0)
    window.dark.append((5.0, 8.0))
    window.note(append("before", 0, call=4, return_=6), append("after", 1, call=6, return_=9))
    assert Judge().round(window, [entry(0, "before"), entry(1, "after")]) == []
    window.note(append("false", 2, call=6, return_=7))
    problems = Judge().round(window, [entry(0, "before"), entry(1, "after"), entry(2, "false")])
    assert any("without a majority, and yet it ended well: c's append 'false'" in each for each in problems)


def test_a_local_read_of_something_else_and_logs_that_differ_are_found() -> None:
    window = Window(ROUND, 0)
    window.seen.append((entry(0, "b"),))
    assert "a local read of slot 0" in "\n".join(Judge().round(window, [entry(0, "a")]))
    assert same({0: [entry(0, "a")], 1: [entry(0, "a")]}) == []
    assert "r1 and r0 differ, at place 0" in same({0: [entry(0, "a")], 1: [entry(0, "b")]})[0]
    assert "1 slots and 2" in same({0: [entry(0, "a"), entry(1, "b")], 1: [entry(0, "a")]})[0]


def test_an_overload_tells_of_each_request_how_it_ended() -> None:
    line = Line("n", calls=[(1, 3, 1.0), (4, 1, 2.0)], done=[(2, 7, 2, 3.0)], refused=[1])
    assert [(op.text.strip("."), op.outcome, op.slot) for op in operations(line)] == [
        ("n/1 ", "failed", None),
        ("n/2 ", "ok", 7),
        ("n/3 ", "ok", 8),
        ("n/4 ", "unknown", None),
    ]


def test_memory_that_grows_is_found_and_memory_that_fills_up_is_not() -> None:
    assert growth_mb([60, 90, 100, 101, 100, 101, 102, 100, 101]) < 2
    assert growth_mb([60, 90, 100, 120, 140, 160, 180, 200, 220]) == 60
    assert growth_mb([60, 90, 200]) == 0
    series = Series()
    found = [series.add("r0", Sample(1, 60 + 20 * at, 30), 999) for at in range(9)]
    assert found[-1][0].startswith("r0 grows: 60 80 100")


def test_too_much_memory_and_more_open_files_are_found() -> None:
    series = Series()
    assert series.add("r0", Sample(1, 60, 30), 100) == []
    assert series.add("r0", Sample(1, 60, 30 + DESCRIPTORS_MAX), 100) == []
    assert "open files" in series.add("r0", Sample(1, 60, 31 + DESCRIPTORS_MAX), 100)[0]
    assert "allowed are 100" in series.add("r1", Sample(2, 101, 30), 100)[0]
    assert series.add("r0", Sample(3, 60, 90), 100) == []  # another process
