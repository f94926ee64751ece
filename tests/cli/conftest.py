"""Commands as a person runs them: as processes, with their output and exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from paxtui.config import cluster_file
from tests.ports import free_ports
from tests.replica.processes import started

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def paxtui(tmp_path: Path) -> Run:
    """Run ``paxtui WORDS...`` in an empty folder; data goes below it unless a word says otherwise."""

    def run(
        *words: object, stdin: str = "", timeout_s: float = 100, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "paxtui", *map(str, words)],
            cwd=tmp_path,
            env={
                **os.environ,
                "PAXTUI_DATA_DIR": str(tmp_path / "data"),
                "PAXTUI_LOG_DIR": str(tmp_path / "logs"),
                "COLUMNS": "100",
                **environment,
            },
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )

    return run


class Up:
    """A running cluster under ``paxtui up``."""

    def __init__(
        self, cluster: cluster_file.Cluster, file: Path, data: Path, process: subprocess.Popen[str]
    ) -> None:
        self.cluster = cluster
        self.file = file
        self.data = data
        self.process = process

    def stop(self) -> int:
        """ctrl-c, and its exit code."""
        self.process.send_signal(2)
        return self.process.wait(60)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Three replicas that this module's tests share."""
    yield from serve(tmp_path_factory.mktemp("up"), cluster_file.local(3, free_ports(3), name="cli"))


def serve(folder: Path, cluster: cluster_file.Cluster) -> Iterator[Up]:
    """Run a cluster until it serves; stop it when the test is over."""
    file = folder / "cli.toml"
    file.write_text(cluster_file.to_toml(cluster))
    command = [sys.executable, "-m", "paxtui", "up", "--config", str(file)]
    command += ["--data-dir", str(folder / "data"), "--log-dir", str(folder / "logs")]
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            if "replicas serve" in line or "replica serves" in line:
                break
        else:
            raise AssertionError("".join(said))
        running = Up(cluster, file, folder / "data", process)
        yield running
        if process.poll() is None:
            assert running.stop() == 0
