"""``paxtui bench`` as a person runs it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run, Up
from tests.ports import free_ports
from tests.replica.processes import started

pytestmark = pytest.mark.processes

HALF_A_SECOND = ["bench", "--seconds", "0.5", "--warmup", "0.1"]


def replicas_below(folder: Path) -> list[int]:
    """Processes whose command line names a path below ``folder``."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(folder) in (entry / "cmdline").read_text():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_half_a_second_on_its_own_replicas_gives_all_figures(paxtui: Run, tmp_path: Path) -> None:
    for _ in range(5):
        done = paxtui(*HALF_A_SECOND, "--json")
        assert done.returncode == 0, done.stderr
        row = json.loads(done.stdout)
        if not row["leader_changed"]:  # on a busy machine the lead may pass on meanwhile
            break
    assert row["load"]["in_flight"] == 256
    assert row["messages"] > 100
    assert row["throughput"] == pytest.approx(row["messages"] / row["seconds"], rel=0.01)
    times = row["appends"]
    assert times["count"] == row["messages"]
    order = [times[key] for key in ("p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms")]
    assert order == sorted(order)
    assert order[0] > 0
    assert row["limit_ms"] == pytest.approx(
        (2 * row["limits"]["round_trip_s"] + row["limits"]["fdatasync_s"]) * 1000, rel=0.01
    )
    assert row["times_the_limit"] == pytest.approx(times["p50_ms"] / row["limit_ms"], rel=0.01, abs=0.01)
    assert row["replicas_n"] == 3
    assert [cost["replica"] for cost in row["replicas"]] == [0, 1, 2]
    assert [cost["role"] for cost in row["replicas"]].count("leader") == 1
    for cost in row["replicas"]:
        assert cost["commits_a_s"] > 0
        assert cost["messages_a_commit"] > 0
        assert cost["cpu_us_a_message"] > 0
        assert cost["disk_bytes_a_message"] is not None
        assert cost["resident_bytes"] > 1_000_000
    assert row["generator_cpu_us_a_message"] > 0
    if row["wire"] is not None:  # a kernel need not tell
        assert row["wire"]["requests"] > 0
        assert row["wire"]["between"] > 0
    assert row["failures"] == {}
    assert row["interrupted"] is False
    assert row["leader_changed"] is False
    assert done.stderr == ""
    assert list((tmp_path / "data").iterdir()) == []
    assert replicas_below(tmp_path) == []


def test_the_report_is_for_people(paxtui: Run) -> None:
    done = paxtui(
        *HALF_A_SECOND, "--bare", "--connections", "4", "--in-flight", "2", "--size", "10", COLUMNS=""
    )
    assert done.returncode == 0, done.stderr
    first, *lines = done.stdout.splitlines()
    assert first.startswith("own cluster of 3 replicas, ")
    assert [line.split()[0] for line in lines[:4]] == ["load", "throughput", "latency", "limit"]
    assert "4 connections × 2 in flight, 10-byte messages, closed loop" in lines[0]
    assert "bare connections" in lines[0]
    assert any(line.startswith(("r0 leader", "r1 leader", "r2 leader")) for line in lines)
    assert any(line.startswith("bare generator") for line in lines)


def test_running_replicas_are_measured_and_keep_the_messages(paxtui: Run, up: Up) -> None:
    words = ["--config", up.file, "--rate", "100", "--read-ratio", "0.5", "--json"]
    done = paxtui(*HALF_A_SECOND, *words)
    assert done.returncode == 0, done.stderr
    assert "stay in the log of cluster cli" in done.stderr
    row = json.loads(done.stdout)
    assert row["cluster"] == "cli"
    assert row["appends"]["count"] + row["reads"]["count"] == pytest.approx(100 * row["seconds"], abs=2)
    assert all(cost["cpu_us_a_message"] is not None for cost in row["replicas"])
    assert row["limits"] is not None
    log = paxtui("read", "--config", up.file, "--json").stdout.splitlines()
    assert sum("x" * 100 in line for line in log) >= row["appends"]["count"]


BAD = {
    "in-flight above the window": (["--in-flight", "100000"], ["--in-flight", "session_window"]),
    "too long": (["--size", "65537"], ["--size", "65536"]),
    "no rate": (["--rate", "0"], ["--rate", "more than 0"]),
    "backwards": (["--seconds", "-1"], ["--seconds", "-1"]),
    "no connection": (["--connections", "0"], ["--connections", "1 to"]),
    "more than all": (["--read-ratio", "2"], ["--read-ratio", "0 "]),
    "an even size": (["-n", "4"], ["-n", "1, 3, 5, 7 and 9"]),
    "own and running": (["-n", "3", "--config", "nope.toml"], ["-n", "--config"]),
    "no such file": (["--config", "nope.toml"], ["nope.toml", "no such file"]),
    "bare reads": (["--bare", "--read-ratio", "0.5"], ["--read-ratio", "--bare"]),
    "suite of a load": (["--suite", "--in-flight", "3"], ["--suite", "--in-flight"]),
    "suite of others": (["--suite", "--config", "nope.toml"], ["--suite", "--config"]),
    "suite of nothing": (["--suite", "--seconds", "0"], ["--seconds", "more than 0"]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_before_anything_starts(paxtui: Run, tmp_path: Path, name: str) -> None:
    words, said = BAD[name]
    done = paxtui("bench", *words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert all(part in done.stderr for part in said), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_nobody_there_is_said_and_fails(paxtui: Run, tmp_path: Path) -> None:
    from paxtui.config import cluster_file

    file = tmp_path / "down.toml"
    file.write_text(cluster_file.to_toml(cluster_file.local(1, free_ports(1))))
    done = paxtui(*HALF_A_SECOND, "--bare", "--config", file)
    assert done.returncode == 1
    assert "no replica of cluster local-1 answers" in done.stderr
    assert "Traceback" not in done.stderr


COUNTING = re.compile(rb"measuring, \d+ s left +[1-9][0-9,]* messages/s")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "kill"])
def test_an_interruption_reports_what_was_counted_and_leaves_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "paxtui", "bench", "--seconds", "60", "--warmup", "0", "--json"]
    environment = {**os.environ, "PAXTUI_DATA_DIR": str(tmp_path / "data"), "TERM": "xterm", "COLUMNS": "100"}
    terminal, end = os.openpty()
    try:
        with started(
            command, env=environment, stdout=subprocess.PIPE, stderr=end, text=True, start_new_session=True
        ) as process:
            os.close(end)  # so that the end of the process is the end of the terminal
            shown = b""
            while not COUNTING.search(shown):
                shown += os.read(terminal, 4096)
            process.send_signal(number)
            out, _ = process.communicate(timeout=60)
    finally:
        os.close(terminal)
    assert process.returncode == 130
    row = json.loads(out)
    assert row["interrupted"] is True
    assert row["messages"] > 0
    assert row["seconds"] < 60
    assert list((tmp_path / "data").iterdir()) == []
    assert replicas_below(tmp_path) == []


@pytest.mark.timeout(300)
def test_the_suite_has_a_row_for_each_load_and_says_what_is_met(paxtui: Run, tmp_path: Path) -> None:
    done = paxtui("bench", "--suite", "--seconds", "0.2", "--warmup", "0", "--json", timeout_s=280)
    assert done.returncode in (0, 1), done.stderr
    head, *rows = map(json.loads, done.stdout.splitlines())
    assert head["cores"] >= 1
    loads = [row["load"] for row in rows]
    assert loads[:5] == ["1 × 256", "16 × 16", "256 × 1", "1 × 1", "1 × 1"]
    words = (
        "half",
        "library",
        "4 tails",
        "observer",
        "5 % loss",
        "down",
        "catches up",
        "catch-up",
        "5 rep",
        "7 rep",
    )
    assert [word for word in words if not any(word in load for load in loads)] == []
    assert len(rows) == 5 + len(words)
    for row in rows:
        assert row["verdict"] in ("met", "missed", "needs etcd figure", "measured")
        assert all(run["messages"] > 0 and not run["failures"] for run in row["runs"]), row["load"]
    missed = any(row["verdict"] == "missed" for row in rows)
    assert done.returncode == (1 if missed else 0)
    assert list((tmp_path / "data").iterdir()) == []
    assert replicas_below(tmp_path) == []
