"""Workers of a campaign end with the process that started them, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.replica.conditions import until

pytestmark = pytest.mark.processes


def members(session: int) -> list[int]:
    """The processes of a session that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its_session, *_ = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(its_session) == session and state != "Z":
            found.append(int(stat.parent.name))
    return found


def works(pid: int) -> bool:
    """Whether a process is a worker that has begun: it has a thread that watches its parent."""
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes() and (
            len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
        )
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize(
    ("words", "number"),
    [
        (["--seeds", "1000000"], signal.SIGINT),
        (["--seeds", "1000000"], signal.SIGHUP),
        (["--seeds", "1000000"], signal.SIGKILL),
        (["--seeds", "1000000", "--twice"], signal.SIGTERM),
        (["--mutants"], signal.SIGTERM),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value.name,
)
def test_no_worker_outlives_a_campaign(words: list[str], number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "paxtui", "sim", *words, "--jobs", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as campaign:
        until(lambda: sum(map(works, members(campaign.pid))) >= 2, "two workers")
        campaign.send_signal(number)
        assert campaign.wait(30) == (-number if number is signal.SIGKILL else 128 + number)
        until(lambda: not members(campaign.pid), "all of its processes are gone")
        _, said = campaign.communicate()
    if number is not signal.SIGKILL:
        assert len(said.splitlines()) == 1, said
        assert said.startswith("paxtui: interrupted" if number is signal.SIGINT else "paxtui: ended by SIG")


def test_ctrl_c_is_no_traceback_of_each_worker() -> None:
    """A terminal sends SIGINT to all processes of a campaign."""
    with subprocess.Popen(
        [sys.executable, "-m", "paxtui", "sim", "--seeds", "1000000", "--jobs", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as campaign:
        until(lambda: sum(map(works, members(campaign.pid))) >= 2, "two workers")
        os.killpg(campaign.pid, signal.SIGINT)
        _, said = campaign.communicate(timeout=30)
    assert campaign.returncode == 130
    assert said.startswith("paxtui: interrupted: ")
    assert len(said.splitlines()) == 1
