"""``paxtui sim --dask``: the same campaign on the workers of a Dask cluster, or one clear line."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from paxtui.cli.sim_dask import MISSING
from paxtui.sim.campaign import code_version

pytestmark = [pytest.mark.processes, pytest.mark.timeout(180)]

SCHEDULER = "from distributed.cli.dask_scheduler import main; main()"
WORKER = "from distributed.cli.dask_worker import main; main()"
WORKERS = 2
STOP_S = 20


@contextmanager
def process(folder: Path, main: str, *arguments: str) -> Iterator[None]:
    """One of Dask's own commands, with this Python; its log is in ``folder``."""
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-c", main, *arguments, "--no-dashboard"]
        started = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        try:
            yield
        finally:
            started.terminate()
            try:
                started.wait(STOP_S)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler without workers, on loopback."""
    port = free_port()
    folder = tmp_path_factory.mktemp("scheduler")
    with process(folder, SCHEDULER, "--host", "127.0.0.1", "--port", str(port)):
        yield f"tcp://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def cluster(scheduler: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same with two workers, which find it whenever they are ready."""
    folder = tmp_path_factory.mktemp("workers")
    arguments = ("--nworkers", str(WORKERS), "--nthreads", "1", "--local-directory", str(folder))
    with process(folder, WORKER, scheduler, *arguments):
        yield scheduler


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def paxtui(*arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command, with the modules in ``path`` before all others."""
    environment = {**os.environ, **({} if path is None else {"PYTHONPATH": str(path)})}
    command = [sys.executable, "-m", "paxtui", "sim", *arguments]
    return subprocess.run(command, env=environment, cwd=path, capture_output=True, text=True, check=False)


def test_a_scheduler_without_workers_is_code_2(scheduler: str) -> None:
    done = paxtui("--dask", scheduler, "--seeds", "8")
    assert done.returncode == 2
    assert done.stderr.strip() == f"paxtui: --dask: the scheduler at {scheduler} has no workers"


def test_the_same_seeds_give_the_same_campaign_as_without_dask(cluster: str) -> None:
    arguments = ("--seeds", "32", "--start", "100")
    far, near = paxtui("--dask", cluster, *arguments), paxtui(*arguments)
    assert (far.returncode, near.returncode) == (0, 0), far.stderr
    assert "profile all, seeds from 100: 32 runs, 32 ok, 0 failed" in far.stdout
    assert re.search(r"\d seeds at a time at tcp://", far.stderr)
    assert _untimed(far.stdout) == _untimed(near.stdout)


def _untimed(output: str) -> str:
    return re.sub(r"[\d.]+ s, [\d,]+ seeds a minute", "", output)


def test_a_failure_far_away_is_told_here(cluster: str) -> None:
    done = paxtui("--dask", cluster, "--seeds", "2000", "--profile", "canary")
    assert done.returncode == 1, done.stderr
    assert "broken: 0 (canary)" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("again: paxtui sim --seed ")


def test_workers_with_other_code_are_refused(cluster: str, tmp_path: Path) -> None:
    package = Path(code_version.__file__).parents[2]
    shutil.copytree(package, tmp_path / "paxtui", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "paxtui" / "sim" / "cluster" / "coverage.py").open("a") as source:
        source.write("\n# changed\n")
    done = paxtui("--dask", cluster, "--seeds", "8", path=tmp_path)
    assert done.returncode == 2
    assert "has another version of paxtui's core or simulator" in done.stderr


@pytest.mark.parametrize("address", ["moon:shine", "", "127.0.0.1", "moonshine://127.0.0.1:8786"])
def test_what_is_no_address_is_code_2(address: str) -> None:
    _nobody_answers(address)


def test_an_address_at_which_nobody_answers_is_code_2() -> None:
    _nobody_answers(f"tcp://127.0.0.1:{free_port()}")


def _nobody_answers(address: str) -> None:
    done = paxtui("--dask", address, "--seeds", "8")
    assert done.returncode == 2
    assert done.stderr.startswith(f"paxtui: --dask: no Dask scheduler answers at {address} (")
    assert len(done.stderr.splitlines()) == 1


def test_without_the_package_the_command_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "distributed.py").write_text("raise ImportError('not here')")
    done = paxtui("--dask", "tcp://127.0.0.1:8786", path=tmp_path)
    assert done.returncode == 2
    assert done.stderr.strip() == f"paxtui: {MISSING}"
    assert "pip install 'paxtui[dask]'" in MISSING
