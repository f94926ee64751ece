"""Real replicas on disks that are taken away, filled, damaged and copied back."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.replica.conditions import until
from tests.replica.processes import Replicas


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Replicas]:
    replicas = Replicas(tmp_path)
    yield replicas
    replicas.close()


@pytest.fixture
def five(tmp_path: Path) -> Iterator[Replicas]:
    replicas = Replicas(tmp_path, 5)
    yield replicas
    replicas.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[Path, str], None]]:
    """Mounts a small disk of its own on a folder, with options for ``mount``."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small disk needs root")
    mounted: list[Path] = []

    def mount(folder: Path, options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        again = ["remount"] if folder in mounted else []
        words = ["mount", "-t", "tmpfs", "-o", ",".join([*again, options]), "tmpfs", str(folder)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
        if not again:
            mounted.append(folder)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", folder], check=True)


def stopped_with(replicas: Replicas, replica: int, *words: str) -> str:
    """Wait until a replica has stopped because of its disk; the one line that says so."""
    assert replicas.wait(replica) == 4, replicas.words(replica)
    lines = [line for line in replicas.words(replica).splitlines() if "ERROR: " in line]
    assert "Traceback" not in replicas.words(replica)
    for word in words:
        assert word in lines[-1]
    return lines[-1]


def until_held(replicas: Replicas, replica: int, why: str) -> None:
    """Wait until a replica knows that it has no vote, and until the others say so."""

    def held() -> bool:
        sightings = replicas.sightings()
        report = sightings[replica].report
        mine = report.status if report is not None else None
        others = [
            dict(s.report.non_voting_peers)
            for s in sightings
            if s.report is not None and s.replica != replica
        ]
        return (
            mine is not None
            and mine.role == "non-voting"
            and why in (mine.non_voting or "")
            and all(replica in known for known in others)
        )

    until(held, f"r{replica} has no vote: {why}")
