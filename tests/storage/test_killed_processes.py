"""SIGKILL at any moment of a commit: what was reported durable is there, and the rest is whole.

It cannot show a missing fsync, for the kernel's cache survives; the simulated disk does that.
"""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

import paxtui
from paxtui.core.ballot import Ballot
from paxtui.core.values import Vote
from paxtui.storage.offline import OfflineLog
from tests.replica.conditions import PATIENCE_S
from tests.replica.processes import started

pytestmark = pytest.mark.processes

CHILD = Path(__file__).with_name("crash_child.py")
ROUNDS = 15

_spec = importlib.util.spec_from_file_location("crash_child", CHILD)
assert _spec is not None
assert _spec.loader is not None
child = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(child)


def run_and_kill(folder: Path, reports: int) -> int:
    """Let a process commit until it reported ``reports`` times; the last batch it told durable, or -1."""
    environment = {**os.environ, "PYTHONPATH": str(Path(paxtui.__file__).parent.parent)}
    with started(
        [sys.executable, str(CHILD), str(folder)], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(reports)]
        process.kill()
        lines += process.stdout.readlines()
    told = [int(line) for line in lines if line.endswith("\n")]
    return told[-1] if told else -1


def test_what_was_reported_durable_survives_sigkill_at_any_moment(folder, open_storage):
    dice = random.Random(20_240_601)
    promised = Ballot.ZERO
    reported = -1
    for _ in range(ROUNDS):
        reported = max(reported, run_and_kill(folder, dice.randrange(1, 40)))
        storage = open_storage()
        saved = storage.saved()
        last = saved.round - 1
        assert last >= reported
        assert saved.promised == Ballot(saved.round, 0)
        assert saved.promised >= promised
        first = last * child.SLOTS_A_BATCH
        assert saved.watermark == first
        replayed = [entry.value for entry in saved.replay]
        assert replayed == [child.value(slot) for slot in range(first)]
        assert saved.votes == tuple(
            Vote(first + i, saved.promised, child.value(first + i)) for i in range(child.SLOTS_A_BATCH)
        )
        assert storage.notes == []
        promised = saved.promised
        storage.close()
        with OfflineLog.open(folder) as log:
            result = log.verify()
        assert result.ok, result
    assert reported > ROUNDS


def test_a_process_that_is_killed_at_its_very_start_leaves_a_folder_that_opens(tmp_path, open_storage):
    for attempt in range(5):
        folder = tmp_path / f"replica-{attempt}"
        environment = {**os.environ, "PYTHONPATH": str(Path(paxtui.__file__).parent.parent)}
        with started(
            [sys.executable, str(CHILD), str(folder)], stdout=subprocess.DEVNULL, env=environment
        ) as process:
            names = ("lock", "replica.db.new", "replica.db", "replica.db-wal", "mark")
            wanted = {names[attempt], "mark"}  # a draft may be there and gone between two looks
            deadline = time.monotonic() + PATIENCE_S
            while not any((folder / name).exists() for name in wanted):  # without a rest: it is soon over
                assert process.poll() is None
                assert time.monotonic() < deadline, f"none of {sorted(wanted)} is there"
            process.kill()
        open_storage(folder).close()
