"""One replica as a process: how it starts, what it refuses, how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from paxtui.core.settings import Settings
from paxtui.records.parts import EndPart, EventPart, Gap, Life
from paxtui.records.reader import RecordReader
from tests.replica.conditions import until
from tests.replica.processes import Replicas, gone, started

pytestmark = pytest.mark.processes

STOP_S = 20.0
"""Less than the patience of ``wait``; more than a busy machine needs for a replica's last commit."""


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Replicas]:
    """A cluster of one replica, not started."""
    replicas = Replicas(tmp_path, 1)
    yield replicas
    replicas.close()


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Replicas]:
    """A cluster of three, not started."""
    replicas = Replicas(tmp_path, 3)
    yield replicas
    replicas.close()


def refused(command: list[str]) -> str:
    """Run what cannot start; its one line."""
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert "ERROR" in line
    return line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_a_replica_in_order_and_soon(one: Replicas, number: signal.Signals) -> None:
    one.start(0)
    assert one.until_led() == 0
    assert one.append("before") == [0]
    started = time.monotonic()
    one.signal(0, number)
    assert one.wait(0) == 0
    assert time.monotonic() - started < STOP_S
    assert one.words(0).splitlines()[-1].endswith("stopped in order; everything that was decided is on disk")
    assert number.name in one.words(0)
    assert sorted(path.name for path in one.data(0).iterdir()) == ["lock", "mark", "replica.db"]
    assert (one.folder / "replica-0.log").read_text() == "0\ttest\tbefore\n"


def test_a_replica_that_says_that_it_listens_can_be_stopped_from_then_on(one: Replicas) -> None:
    for life in (1, 2, 3):
        one.start(0)
        until(partial(one.said, 0, "listening on", life), "it listens")
        one.signal(0, signal.SIGTERM)
        assert one.wait(0) == 0


def test_a_second_process_finds_the_port_in_use_and_says_by_whom(one: Replicas) -> None:
    one.start(0)
    one.until_led()
    before = (one.data(0) / "mark").read_bytes()
    line = refused(one.command(0))
    assert re.search(
        rf"127\.0\.0\.1:\d+ is in use by process {one.pid(0)} \(.*\); stop that process or", line
    )
    assert (one.data(0) / "mark").read_bytes() == before
    assert one.append("still here") == [0]


def test_a_port_that_another_program_uses_is_refused_before_anything_is_created(one: Replicas) -> None:
    address = one.cluster.address(0)
    with socket.create_server((address.host, address.port)):
        line = refused(one.command(0))
    assert f"{address} is in use by process " in line
    assert not one.data(0).exists()


def test_a_second_process_on_another_port_finds_the_folder_in_use(one: Replicas, tmp_path: Path) -> None:
    one.start(0)
    one.until_led()
    (tmp_path / "other").mkdir()
    other = Replicas(tmp_path / "other", 1)
    command = other.command(0)
    command[command.index("--data-dir") + 1] = str(one.folder / "data")
    line = refused(command)
    assert (
        f"{one.data(0)}/lock: in use by process {one.pid(0)} (replica 0 of cluster real); stop that" in line
    )


@pytest.mark.parametrize("way", ["kill", "exit"])
def test_a_replica_whose_parent_dies_stops(one: Replicas, way: str) -> None:
    program = """
import subprocess, sys
child = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
print(child.pid, flush=True)
if sys.argv[1] == "kill":
    sys.stdin.read()
child.stdin.detach()  # let nothing but the end of this process close it
"""
    command = [sys.executable, "-W", "ignore", "-c", program, way, *one.command(0)]
    with started(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        if way == "kill":
            until(lambda: one.status(0) is not None, "it serves")
            parent.kill()
        parent.wait(30)
    try:
        until(lambda: gone(pid), "it has stopped")
    finally:
        if not gone(pid):
            os.kill(pid, signal.SIGKILL)


def test_warm_up_all_waits_for_all_the_first_time_and_for_nobody_the_next(three: Replicas) -> None:
    for replica in (0, 1):
        three.start(replica, "--warm-up", "all")
    three.until_said(0, "waiting for replica 2 (all must be ready)")
    three.until_said(1, "waiting for replica 2 (all must be ready)")
    assert three.status(0) is None
    three.start(2, "--warm-up", "all")
    three.until_led()
    for replica in range(3):
        three.until_said(replica, "warm-up  done")
        three.kill(replica)
    for replica in (0, 1):
        three.start(replica, "--warm-up", "all")
    three.wait_for_two()
    assert three.append("two are enough") == [0]


def test_warm_up_majority_waits_for_one_of_two_others_and_none_for_nobody(three: Replicas) -> None:
    three.start(0, "--warm-up", "majority")
    three.until_said(0, "waiting for replica 1, replica 2 (majority must be ready)")
    assert three.status(0) is None
    three.start(1, "--warm-up", "none")
    until(lambda: three.status(1) is not None, "it takes part at once")
    three.wait_for_two()
    assert "replica 1, replica 2" not in three.words(1)


def test_the_log_has_the_wanted_level_and_form(one: Replicas) -> None:
    one.start(0, "--json-log", "--log-level", "warning", "--allow-faults")
    one.until_led()
    one.signal(0, signal.SIGTERM)
    one.wait(0)
    assert one.words(0) == ""
    one.start(0, "--json-log")
    one.until_led()
    one.signal(0, signal.SIGTERM)
    one.wait(0)
    rows = [json.loads(line) for line in one.words(0).splitlines()]
    assert {row["replica"] for row in rows} == {0}
    assert [row["kind"] for row in rows][-1] == "stop"


def test_the_chat_log_is_mended_at_the_start(one: Replicas) -> None:
    path = one.folder / "replica-0.log"
    one.start(0)
    one.until_led()
    one.append("one", "two\nlines \x1b[31m", "three")
    one.signal(0, signal.SIGTERM)
    one.wait(0)
    whole = path.read_bytes()
    assert whole.decode() == "0\ttest\tone\n1\ttest\ttwo␊lines ␛[31m\n2\ttest\tthree\n"
    for damaged in (b"", whole[:-3], whole + b"3\ttest\tnever\n", b"\x00\xff" * 50):
        path.write_bytes(damaged)
        one.start(0)
        one.until_led()
        # What was learned last may not have been on disk; then its line comes again with the new leader.
        until(lambda: path.read_bytes() == whole, "the same file again")
        one.signal(0, signal.SIGTERM)
        one.wait(0)


def test_a_replica_with_another_list_is_told_so_on_both_sides(three: Replicas, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Replicas(tmp_path / "other", 3)
    # The same but for the address of replica 2.
    other.cluster = three.cluster
    text = three.config.read_text().replace(
        f"port = {three.cluster.address(2).port}", f"port = {three.cluster.address(2).port % 60000 + 1}"
    )
    other.config.write_text(text)
    try:
        three.start(0, "--warm-up", "none")
        other.start(1, "--warm-up", "none")
        three.until_said(0, "our lists of replicas differ: replica 2 is")
        other.until_said(1, "refuses this replica: our lists of replicas differ: replica 2 is")
    finally:
        other.close()


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_record_has_what_each_life_begins_with_and_then_every_event(one: Replicas) -> None:
    path = one.folder / "record.jsonl"
    for _ in (1, 2):
        one.start(0, "--record", str(path))
        one.until_led()
        one.append(*(f"text {number}" for number in range(20)))
        one.signal(0, signal.SIGTERM)
        assert one.wait(0) == 0
    rows = records(path)
    lives = [row for row in rows if "record" in row]
    assert [life["watermark"] for life in lives] == [0, 20]
    assert {(life["cluster"], life["replica"], life["replicas"]) for life in lives} == {("real", 0, 1)}
    following = 0
    learned: dict[int, str] = {}
    for row in rows:
        if "event" in row:
            assert row["number"] == following
            following += 1
        elif "ended" in row:
            assert (row["ended"], row["number"]) == ("stop", following)
            following = 0
        if row.get("event") == "learned":
            learned |= {slot: value[2] for slot, (_, value) in enumerate(row["entries"], row["first"])}
    assert learned == {slot: f"text {slot % 20}" for slot in range(40)}


def test_a_record_goes_on_after_a_line_that_a_kill_tore(one: Replicas) -> None:
    path = one.folder / "record.jsonl"
    one.start(0, "--record", str(path))
    one.until_led()
    one.append("before")
    one.kill(0)
    path.write_bytes(path.read_bytes() + b'{"at": 1.0, "repl')
    one.start(0, "--record", str(path))
    one.until_led()
    one.append("after")
    one.signal(0, signal.SIGTERM)
    assert one.wait(0) == 0
    reader = RecordReader.open(path)
    parts = list(reader)
    assert [type(part) for part in parts if not isinstance(part, EventPart)] == [Life, Gap, Life, EndPart]
    assert len(reader.torn) == 1


def test_a_record_that_cannot_be_opened_is_refused(one: Replicas) -> None:
    line = refused([*one.command(0), "--record", str(one.folder / "missing" / "record.jsonl")])
    assert "missing/record.jsonl: cannot be written: No such file or directory" in line


def test_a_full_disk_under_the_record_stops_the_replica_with_one_line(one: Replicas) -> None:
    one.start(0, "--record", "/dev/full")
    assert one.wait(0) == 4
    (line,) = [line for line in one.words(0).splitlines() if "ERROR" in line]
    assert "/dev/full: No space left on device; the replica stops" in line
    assert "Traceback" not in one.words(0)


def test_a_full_disk_under_the_message_log_stops_the_replica_with_one_line(one: Replicas) -> None:
    one.start(0)
    one.until_led()
    one.signal(0, signal.SIGTERM)
    one.wait(0)
    (one.folder / "replica-0.log").unlink()
    (one.folder / "replica-0.log").symlink_to("/dev/full")
    one.start(0)
    assert one.wait(0) in (2, 4)
    (line,) = [line for line in one.words(0).splitlines() if "ERROR" in line]
    assert "replica-0.log: " in line
    assert "Traceback" not in one.words(0)


def test_a_checkpoint_of_many_sessions_survives_a_restart(tmp_path: Path) -> None:
    replicas = Replicas(tmp_path, 1, Settings(sessions_max=3, checkpoint_slots=4))
    try:
        replicas.start(0)
        replicas.until_led()
        for number in range(9):
            replicas.append(f"text {number}")
        before = replicas.until_status(0)
        replicas.kill(0)
        replicas.start(0)
        replicas.until_led()
        # What was learned last may not have been on disk; then the new leader learns it again.
        until(lambda: replicas.until_status(0).watermark == 9, "it is whole again")
        after = replicas.until_status(0)
        assert (after.sessions, after.watermark) == (before.sessions, before.watermark) == (3, 9)
        assert after.chain == before.chain
    finally:
        replicas.close()
