"""The age of messages: no wall clock, however wrong, removes them early or keeps them for ever."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from paxtui.config.retention import Retention
from paxtui.core.ballot import NUMBER_LIMIT
from paxtui.core.output import Checkpoint
from paxtui.replica.log.ages import AGE_FILE, LEEWAY_S, AgeFile, Ages
from paxtui.replica.log.compaction import PARTS
from tests.replica.compacted import Kept

LIMIT_S = 800
STEP_S = LIMIT_S // PARTS
YEAR_S = 365 * 86_400
DISK = "5" * 32


class Log:
    """A log that grows by one message in ten seconds, on a leader that keeps ``LIMIT_S`` of it."""

    def __init__(self, folder: Path) -> None:
        self.kept = Kept(Retention(age_s=float(LIMIT_S)), folder)
        self.host = self.kept.host
        self.born: dict[int, int] = {}
        self.run_s = 0
        """How long the replica has run, in all its lives."""

    async def live(self, seconds: int) -> None:
        """Time passes for both clocks, with a look every ten seconds."""
        for _ in range(0, seconds, 10):
            self.host.now_s += 10
            self.host.wall_s += 10
            self.run_s += 10
            self.born[self.host.learner.watermark] = self.run_s
            await self.kept.live(1, 1)

    def restart(self, away_s: int = 0) -> None:
        """The process ends, and starts after a while, in which the machine may have been off."""
        self.host.now_s = 17  # a monotonic clock begins anywhere
        self.host.wall_s += away_s
        self.kept.start()

    @property
    def youngest_removed_s(self) -> float:
        """How old the youngest message is that is removed."""
        removed = [at for slot, at in self.born.items() if slot < self.host.learner.log_start]
        return self.run_s - max(removed) if removed else math.inf

    @property
    def oldest_kept_s(self) -> int:
        return self.run_s - min(at for slot, at in self.born.items() if slot >= self.host.learner.log_start)

    def assert_on_time(self) -> None:
        """What is younger than the limit is there, and little more."""
        assert self.youngest_removed_s >= LIMIT_S
        assert self.oldest_kept_s <= LIMIT_S + 2 * STEP_S


@pytest.fixture
async def log(tmp_path: Path) -> Log:
    log = Log(tmp_path)
    await log.live(3 * LIMIT_S)
    log.assert_on_time()
    return log


# A wall clock that is wrong


@pytest.mark.trio
@pytest.mark.parametrize("step_s", [YEAR_S, 3 * LIMIT_S, 60, -60, -3 * LIMIT_S, -YEAR_S, -60 * YEAR_S])
async def test_a_wall_clock_that_is_wrong_for_a_moment_neither_removes_early_nor_stops_removing(
    log: Log, step_s: int
) -> None:
    log.host.wall_s += step_s
    for _ in range(30):
        await log.live(10)
        log.assert_on_time()
    log.host.wall_s -= step_s
    for _ in range(300):
        await log.live(10)
        log.assert_on_time()


@pytest.mark.trio
async def test_a_replica_that_starts_with_a_wrong_wall_clock_removes_nothing_early(log: Log) -> None:
    for step_s in (YEAR_S, -2 * YEAR_S) * 5:
        log.restart(away_s=step_s)
        await log.live(2 * STEP_S)
        assert log.youngest_removed_s >= LIMIT_S


@pytest.mark.trio
@pytest.mark.parametrize("wall_s", [-YEAR_S, 0, NUMBER_LIMIT + 1])
async def test_the_first_checkpoint_of_a_log_bears_any_wall_clock(tmp_path: Path, wall_s: int) -> None:
    log = Log(tmp_path)
    log.host.wall_s = wall_s
    await log.live(2 * LIMIT_S)
    log.assert_on_time()
    assert log.host.learner.log_start > 0
    assert all(0 <= checkpoint.wall_s < NUMBER_LIMIT for checkpoint in log.host.learner.checkpoints)


@pytest.mark.trio
async def test_each_step_of_the_wall_clock_has_one_line(log: Log) -> None:
    def told() -> list[str]:
        return [
            line.partition("WARNING: ")[2]
            for line in log.kept.lines.getvalue().splitlines()
            if "clock" in line
        ]

    assert told() == []
    log.host.wall_s += YEAR_S
    await log.live(100)
    log.host.wall_s -= YEAR_S
    await log.live(100)
    assert told() == [
        f"the wall clock stepped by {sign}31,536,000 s; ages are counted by elapsed time" for sign in "+-"
    ]


@pytest.mark.trio
async def test_a_wall_clock_that_jumps_to_and_fro_does_not_fill_the_log(log: Log) -> None:
    for number in range(100):
        log.host.wall_s += YEAR_S * (-1) ** number
        log.host.now_s += 1
        log.host.wall_s += 1
        await log.kept.compact_if_due()
    lines = log.kept.lines.getvalue().count("the wall clock stepped")
    assert 1 <= lines <= 10


# Marks of older versions, and of their leaders


@pytest.mark.trio
async def test_stamps_from_the_future_in_an_old_log_do_not_delay_removal(log: Log) -> None:
    checkpoints = log.host.learner.checkpoints
    checkpoints[-3:] = [
        Checkpoint(checkpoint.upto, checkpoint.wall_s + YEAR_S) for checkpoint in checkpoints[-3:]
    ]
    log.restart()
    await log.live(STEP_S)
    assert log.youngest_removed_s >= LIMIT_S - STEP_S - LEEWAY_S  # the jump counts as one step
    await log.live(LIMIT_S + STEP_S)
    assert log.oldest_kept_s <= LIMIT_S + 2 * STEP_S


def test_a_stamp_that_steps_makes_older_checkpoints_older_by_one_step_at_most() -> None:
    for odd in (0, 5 * YEAR_S, NUMBER_LIMIT - 1):
        checkpoints = [
            Checkpoint(1, 1000),
            Checkpoint(2, 1100),
            Checkpoint(3, odd),
            Checkpoint(4, 1300),
            Checkpoint(5, 1400),
        ]
        ages = Ages(100.0)
        ages.count_elapsed(checkpoints, 7.0)
        found = [ages.age_of(checkpoint) for checkpoint in checkpoints]
        assert found == sorted(found, reverse=True)
        assert found[-2:] == [100.0, 0.0]
        assert found[0] <= 100.0 * 2 + 2 * (100.0 + LEEWAY_S)


# Replicas that were not there


def test_a_new_leader_has_the_ages_from_the_stamps_and_goes_on_from_them() -> None:
    checkpoints = [Checkpoint(10, 5000), Checkpoint(20, 5100), Checkpoint(30, 5203)]
    ages = Ages(100.0)
    ages.count_elapsed(checkpoints, 0.0)
    assert [ages.age_of(checkpoint) for checkpoint in checkpoints] == [203.0, 103.0, 0.0]
    for now in range(0, 101, 20):
        ages.count_elapsed(checkpoints, float(now))
    assert [ages.age_of(checkpoint) for checkpoint in checkpoints] == [303.0, 203.0, 100.0]
    assert ages.stamp(checkpoints[-1], wall_s=-1.0) == 5303


def test_a_replica_that_was_away_counts_what_the_others_counted_meanwhile() -> None:
    known = [Checkpoint(10, 5000), Checkpoint(20, 5100)]
    ages = Ages(100.0)
    ages.count_elapsed(known, 0.0)
    missed = [*known, Checkpoint(30, 5200), Checkpoint(40, 5300)]
    ages.count_elapsed(missed, 1.0)
    assert [ages.age_of(checkpoint) for checkpoint in missed] == [300.0, 200.0, 100.0, 0.0]


def test_a_monotonic_clock_that_jumps_counts_as_one_step_and_one_that_goes_back_as_none() -> None:
    checkpoints = [Checkpoint(10, 5000)]
    ages = Ages(100.0)
    for now, age in ((0.0, 0.0), (1e9, 100.0), (5.0, 100.0), (6.0, 101.0)):
        ages.count_elapsed(checkpoints, now)
        assert ages.age_of(checkpoints[0]) == age


@pytest.mark.trio
async def test_a_replica_that_is_restarted_more_often_than_a_step_lasts_still_removes(log: Log) -> None:
    for _ in range(60):
        log.restart()
        await log.live(STEP_S - 20)
        assert log.youngest_removed_s >= LIMIT_S
    # Of 80 seconds a life 50 are written down.
    assert log.oldest_kept_s <= (LIMIT_S + 2 * STEP_S) * 80 / 50


@pytest.mark.trio
async def test_time_in_which_no_replica_runs_does_not_count(log: Log) -> None:
    log_start = log.host.learner.log_start
    log.restart(away_s=10 * LIMIT_S)
    await log.kept.compact_if_due()
    assert log.host.learner.log_start == log_start
    await log.live(LIMIT_S)
    assert log.host.learner.log_start > log_start
    assert log.youngest_removed_s >= LIMIT_S


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"\xff",
        b'{"storage":"' + b"6" * 32 + b'","upto":10,"age_s":3.5}',
        b'{"storage":"' + DISK.encode() + b'","upto":10,"age_s":-1}',
        b'{"storage":"' + DISK.encode() + b'","upto":10,"age_s":1e999}',
        b'{"storage":"' + DISK.encode() + b'","upto":"10","age_s":1}',
    ],
)
def test_an_age_on_disk_that_is_damaged_or_of_another_disk_is_not_believed(
    tmp_path: Path, line: bytes
) -> None:
    file = AgeFile(tmp_path, DISK)
    assert file.read() is None
    file.write(10, 3.5)
    assert file.read() == (10, 3.5)
    (tmp_path / AGE_FILE).write_bytes(line)
    assert file.read() is None


@pytest.mark.trio
async def test_a_disk_that_does_not_take_the_age_is_no_reason_to_stop(log: Log) -> None:
    (log.host.storage.folder / AGE_FILE).unlink()
    (log.host.storage.folder / AGE_FILE).mkdir()
    await log.live(LIMIT_S)
    log.assert_on_time()
    assert "cannot write down the age" in log.kept.lines.getvalue()


# How much goes at once


@pytest.mark.trio
async def test_a_limit_that_is_lowered_removes_a_step_at_a_time(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.kept.keep = Retention(age_s=8.0 * LIMIT_S)
    log.kept.start()
    await log.live(8 * LIMIT_S)
    checkpoints = [checkpoint.upto for checkpoint in log.host.learner.checkpoints]
    assert len(checkpoints) >= PARTS - 1
    assert log.host.learner.log_start == 0
    log.kept.keep = Retention(age_s=float(LIMIT_S))
    log.restart()
    floors: list[Any] = []
    for _ in range(STEP_S):
        log.host.now_s += 1
        await log.kept.compact_if_due()
        floors.append(log.host.learner.log_start)
    seen = sorted(set(floors))
    assert seen[:3] == checkpoints[:3]  # one after the other
    pauses = [floors.count(log_start) for log_start in seen[:-1]]
    assert min(pauses) >= STEP_S // PARTS


def test_the_file_is_one_line_of_json(tmp_path: Path) -> None:
    AgeFile(tmp_path, DISK).write(10, 3.50049)
    text = (tmp_path / AGE_FILE).read_text()
    assert json.loads(text) == {"storage": DISK, "upto": 10, "age_s": 3.5}
    assert text.endswith("}\n")
