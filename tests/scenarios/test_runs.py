"""Every scenario once, on real processes. ``-m "not processes"`` leaves them out."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from paxtui.scenarios.model import builtin
from tests.ports import free_ports
from tests.replica.processes import started

pytestmark = pytest.mark.processes

RUN_S = 100


def paxtui(*arguments: str, cwd: Path, expect: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "paxtui", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done


def objects(done: subprocess.CompletedProcess[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("name", [scenario.name for scenario in builtin()])
def test_a_scenario_passes(name: str, tmp_path: Path) -> None:
    done = paxtui(
        "run", name, "--json", "--log-dir", "logs", "--data-dir", "data", "--rand-seed", "1", cwd=tmp_path
    )
    begin, *_, end = objects(done)
    assert begin["seed"] == 1
    assert end["passed"] is True
    assert end["unknown"] == 0
    replicas = int(str(end["replicas"]))
    logs = [(tmp_path / "logs" / f"replica-{replica}.log").read_text() for replica in range(replicas)]
    assert set(logs) == {logs[0]}
    history = [
        json.loads(line) for line in (tmp_path / "data" / name / "history.jsonl").read_text().splitlines()
    ]
    assert len(logs[0].splitlines()) == sum(each["op"] == "append" for each in history)
    assert (history[-1]["op"], history[-1]["outcome"]) == ("read", "ok")


def test_loss_and_a_skipped_slot_work_with_a_scenario(tmp_path: Path) -> None:
    done = paxtui(
        *("run", "MULTIPLE CLIENT MULTIPLE REQ", "--msg_loss", "30", "--skip_slot", "1", "--rand_seed", "3"),
        *("--log_dir", "logs", "--f", "2", "--json"),
        cwd=tmp_path,
    )
    end = objects(done)[-1]
    assert (end["acknowledged"], end["replicas"]) == (120, 5)
    lines = (tmp_path / "logs" / "replica-4.log").read_text().splitlines()
    assert "1" not in {line.split("\t")[0] for line in lines}


def test_a_users_own_scenario_runs_on_a_classic_cluster_file_and_leaves_its_dead_behind(
    tmp_path: Path,
) -> None:
    from paxtui.config import cluster_file

    cluster = cluster_file.local(3, free_ports(3))
    (tmp_path / "config.txt").write_text(cluster_file.to_classic(cluster))
    (tmp_path / "mine.toml").write_text(
        """
name = "mine"
title = "Mine"
shows = "A replica stays dead."
final = "survivors"
[settings]
heartbeat_s = 0.05
election_s_min = 0.2
election_s_max = 0.4
[[step]]
do = "append"
messages = 5
[[step]]
do = "kill"
replica = "leader"
[[step]]
do = "append"
messages = 5
[[step]]
do = "read"
"""
    )
    done = paxtui("run", "mine.toml", "--config-path", "config.txt", "--log-dir", "logs", cwd=tmp_path)
    assert "PASS" in done.stdout
    assert "10 appends, 2 equal logs" in done.stdout
    refused = paxtui("run", "mine.toml", "--config-path", "config.txt", "--f", "2", cwd=tmp_path, expect=2)
    assert "f = 2 needs 2f+1 = 5 replicas, but there are 3" in refused.stderr


def test_a_log_under_slow_and_standing_clocks_is_as_good_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "clocks.toml").write_text(
        """
name = "clocks"
title = "Clocks"
shows = "Clocks of the protocol change, and only waits do."
[[step]]
do = "clock"
percent = 50
[[step]]
do = "append"
messages = 5
[[step]]
do = "clock"
replica = "leader"
percent = 0
[[step]]
do = "append"
messages = 5
[[step]]
do = "heal"
"""
    )
    done = paxtui("run", "clocks.toml", "--log-dir", "logs", cwd=tmp_path)
    assert "PASS" in done.stdout
    assert "10 appends, 3 equal logs" in done.stdout


def test_a_failed_run_says_why_keeps_its_data_and_how_to_repeat_it(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(
        'name = "bad"\ntitle = "Bad"\nshows = "It cannot pass."\n'
        '[[step]]\ndo = "wait"\nuntil = "hole"\nslot = 3\ntimeout_s = 0.2\n'
    )
    done = paxtui("run", "bad.toml", "--rand-seed", "5", "--log-dir", "logs", cwd=tmp_path, expect=1)
    assert "FAIL  bad: step 1: after 0.2 s still not: hole slot 3; holes: none" in done.stdout
    assert "r0: following, follows r" in done.stdout or "r0: leader, follows r0" in done.stdout
    assert "again: paxtui run bad.toml --f 1 --rand-seed 5" in done.stdout
    folder = Path(done.stdout.split("data: ")[1].split(", message logs")[0])
    assert (folder / "history.jsonl").exists()
    assert (folder / "replica-0.journal").exists()
    subprocess.run(["rm", "-r", str(folder)], check=True)


def test_a_replica_that_ends_by_itself_fails_the_run(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(
        'name = "bad"\ntitle = "Bad"\nshows = "A port is taken."\n[[step]]\ndo = "append"\n'
    )
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = [taken.getsockname()[1]]
        from paxtui.config import cluster_file

        cluster = cluster_file.local(3, [*ports, *free_ports(2)])
        (tmp_path / "config.txt").write_text(cluster_file.to_classic(cluster))
        done = paxtui(
            "run", "bad.toml", "--config-path", "config.txt", "--log-dir", "logs", "--data-dir", "d",
            cwd=tmp_path, expect=1,
        )  # fmt: skip
    assert "r0 ended by itself with exit code 2" in done.stdout
    assert "is in use" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_no_process_and_no_folder(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "long.toml").write_text(
        'name = "long"\ntitle = "Long"\nshows = "It takes long."\n'
        '[[step]]\ndo = "pause"\nreplica = "follower"\n'
        '[[step]]\ndo = "wait"\nuntil = "hole"\ntimeout_s = 60\n'
    )
    with started(
        [sys.executable, "-m", "paxtui", "run", "long.toml", "--json", "--log-dir", "logs"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)},
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if '"pause' in line:
                break
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in errors
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path) not in left
    assert not list(tmp_path.glob("paxtui-*"))


def test_mistakes_end_with_code_2_before_anything_starts(tmp_path: Path) -> None:
    for arguments, expected in (
        (("strss-test-0",), "did you mean stress-test-0"),
        ((), "paxtui run --list"),
        (
            ("stress-test-0", "--msg-loss", "101"),
            "--msg-loss: percentage 101 is out of range; 0 to 100",
        ),
        (("stress-test-0", "--skip-slot", "-1"), "--skip-slot: -1 is no slot"),
        (("quorum-loss", "--f", "1"), "quorum-loss: needs f = 2 or more, that is 5 replicas, not 3"),
        (("stress-test-0", "--f", "5"), "--f: 5 is not possible"),
    ):
        done = paxtui("run", *arguments, cwd=tmp_path, expect=2)
        assert expected in done.stderr


def test_the_list_names_every_scenario(tmp_path: Path) -> None:
    text = paxtui("run", "--list", cwd=tmp_path).stdout
    rows = objects(paxtui("run", "--list", "--json", cwd=tmp_path))
    assert [row["name"] for row in rows] == [scenario.name for scenario in builtin()]
    assert all(str(row["name"]) in text for row in rows)


EVERYTHING = """
name = "everything"
title = "Everything"
shows = "Every verb and condition that no named scenario uses."
step = [
    { do = "append", at_once = 2, interval_ms = [5, 20], background = true },
    { do = "wait", until = "in-flight" },
    { do = "loss", percent = 20, from = "leader" },
    { do = "duplicate", percent = 30 },
    { do = "reorder", percent = 30, to = [0, 1] },
    { do = "cut", from = 0, to = [1, 2] },
    { do = "heal" },
    { do = "ring" },
    { do = "bridge", replica = 1 },
    { do = "wait", until = "acknowledged", more = 5 },
    { do = "heal" },
    { do = "pick", replica = "leader", as = "one" },
    { do = "crash-proposer", replica = "one" },
    { do = "wait", until = "role", replica = "one", is = "crashed" },
    { do = "restore-proposer" },
    { do = "elect", replica = ["one", 1], until = "asked" },
    { do = "elect", replica = "one" },
    { do = "pick", replica = "leader", as = "two" },
    { do = "arm", replica = "two", fault = "disk-error", when = "chosen-seen" },
    { do = "wait", until = "ended", replica = "two" },
    { do = "wait", until = "acknowledged", more = 5 },
    { do = "restart" },
    { do = "wait", until = "watermark", at_least = 5 },
    { do = "wait", until = "filled", slot = 1 },
    { do = "stop-load" },
    { do = "wait", until = "all-equal" },
    { do = "expect", that = "appends-done" },
]
"""


def test_every_verb_does_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "everything.toml").write_text(EVERYTHING)
    done = paxtui("run", "everything.toml", "--log-dir", "logs", "--rand-seed", "4", cwd=tmp_path)
    assert "PASS" in done.stdout
