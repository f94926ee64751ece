"""A replica whose log nobody reads: it serves and ends like any other."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.replica.conditions import until
from tests.replica.processes import Replicas

pytestmark = pytest.mark.processes

END_S = 60.0
"""A replica that waits for its reader never ends; otherwise it gives its last lines half a second."""


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Replicas]:
    replicas = Replicas(tmp_path, 1)
    yield replicas
    replicas.close()


@pytest.fixture
def stuck() -> Iterator[int]:
    """The writing end of a pipe that is full, and that nobody reads."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writer, b"#" * 4096)
    yield writer
    os.close(reader)
    os.close(writer)


def test_a_replica_whose_log_is_not_taken_leads_appends_and_ends_at_a_signal(
    one: Replicas, stuck: int
) -> None:
    with subprocess.Popen(
        one.command(0, "--log-level", "debug"), stdin=subprocess.PIPE, stderr=stuck
    ) as process:
        until(lambda: (status := one.status(0)) is not None and status.role == "leader", "it leads")
        assert one.append("unheard") == [0]
        process.send_signal(signal.SIGTERM)
        assert process.wait(END_S) == 0


def test_a_replica_that_fails_ends_with_its_code_although_nobody_takes_its_last_line(
    one: Replicas, stuck: int
) -> None:
    command = one.command(0, "--record", "/dev/full")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=stuck) as process:
        assert process.wait(END_S) == 4


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-"])
def test_a_replica_without_standard_error_writes_no_log_and_not_into_its_files(
    one: Replicas, closed: str
) -> None:
    shell = ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", *one.command(0, "--log-level", "debug")]
    with subprocess.Popen(shell, stdin=subprocess.PIPE) as process:
        until(lambda: (status := one.status(0)) is not None and status.role == "leader", "it leads")
        assert os.readlink(f"/proc/{process.pid}/fd/2") == os.devnull
        process.send_signal(signal.SIGTERM)
        assert process.wait(END_S) == 0


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_command_with_closed_standard_streams_works(closed: str, tmp_path: Path) -> None:
    program = 'exec "$@" ' + closed
    command = [sys.executable, "-m", "paxtui", "verify", str(tmp_path / "nothing")]
    done = subprocess.run(
        ["/bin/sh", "-c", program, "sh", *command], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
