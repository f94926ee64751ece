"""The systemd unit: systemd takes it, and what it starts is a replica that serves and stops."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from paxtui.cli.guard import EXIT_STORAGE, EXIT_USAGE
from paxtui.config import cluster_file
from paxtui.replica.process import EXIT_INVARIANT
from tests.deploy.deployed import DEPLOY, parsed
from tests.replica.conditions import until
from tests.replica.processes import Replicas, environment

UNIT = DEPLOY / "paxtui@.service"
PROGRAM = "/opt/paxtui/bin/paxtui"


def service() -> dict[str, str]:
    """The section [Service]; of a key that is there several times, the last."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return dict(parser["Service"])


@pytest.mark.processes
def test_systemd_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    there = tmp_path / "paxtui"
    there.write_text("#!/bin/sh\n")
    there.chmod(0o755)
    for name in ("paxtui@.service", "paxtui@0.service"):
        copy = tmp_path / name
        copy.write_text(UNIT.read_text().replace(PROGRAM, str(there)))
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(copy)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.processes
def test_a_mistake_in_it_would_be_found(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    copy = tmp_path / "paxtui@0.service"
    copy.write_text(
        UNIT.read_text().replace("TimeoutStopSec", "TimeoutStopMinutes").replace(PROGRAM, "/bin/true")
    )
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(copy)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "TimeoutStopMinutes" in done.stderr


def test_it_is_not_started_again_after_what_a_person_has_to_look_at() -> None:
    said = service()
    never = set(map(int, said["RestartPreventExitStatus"].split()))
    assert never == {EXIT_USAGE, EXIT_STORAGE, EXIT_INVARIANT}
    assert said["Restart"] == "always"


def test_its_command_line_is_one_of_a_headless_replica() -> None:
    program, *words = shlex.split(service()["ExecStart"].replace("%i", "1"))
    assert program == PROGRAM
    command, options = parsed(words)
    assert (command, options["id"], options["headless"]) == ("replica", 1, True)
    folders = service()["StateDirectory"], service()["LogsDirectory"]
    assert (str(options["data_dir"]), str(options["log_dir"])) == (
        f"/var/lib/{folders[0]}",
        f"/var/log/{folders[1]}",
    )


@pytest.mark.processes
def test_its_command_line_runs_a_replica_that_stops_in_order(tmp_path: Path) -> None:
    alone = Replicas(tmp_path, 1, name="unit")
    line = service()["ExecStart"].replace("%i", "0").replace(PROGRAM, f"{sys.executable} -m paxtui")
    for place in ("/var/lib", "/var/log"):
        line = line.replace(place, f"{tmp_path}{place}")
    variable, _, file = service()["Environment"].partition("=")
    assert (variable, file) == (cluster_file.CONFIG_VARIABLE, "/etc/paxtui/cluster.toml")
    process = subprocess.Popen(
        shlex.split(line), env=environment(tmp_path) | {variable: str(alone.config)}, stderr=subprocess.PIPE
    )
    try:
        until(lambda: (status := alone.status(0)) is not None and status.role == "leader", "it leads")
        process.terminate()
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert b"stopped in order" in said
    assert (tmp_path / "var/lib/paxtui/unit/replica-0/replica.db").exists()
