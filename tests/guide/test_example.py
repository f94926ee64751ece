"""The Python example of README and guide runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from paxtui.client.cluster import local_cluster
from paxtui.config import cluster_file
from tests.guide.pages import TEXTS
from tests.ports import free_ports


def example(page: str = "README.md") -> str:
    """The Python example of a page."""
    found = re.search(r"```python\n(.*?)```", TEXTS[page], re.DOTALL)
    assert found is not None
    return found[1]


def test_readme_and_guide_have_the_same_example() -> None:
    assert example("paxtui/guide/wire.md") == example()


def test_the_example_has_fewer_than_15_lines() -> None:
    assert len(example().splitlines()) < 15


@pytest.mark.processes
@pytest.mark.trio
async def test_the_example_runs_against_a_real_cluster(tmp_path: Path) -> None:
    cluster = cluster_file.local(3, free_ports(3), name="readme")
    file = tmp_path / "cluster.toml"
    file.write_text(cluster_file.to_toml(cluster))
    program = tmp_path / "example.py"
    program.write_text(example().replace("configs/local-3.toml", str(file)))
    async with local_cluster(cluster, tmp_path / "data") as replicas:
        await replicas.start_all()
        await replicas.wait_ready()
        import trio

        done = await trio.run_process(
            [sys.executable, str(program)], capture_stdout=True, stderr=subprocess.STDOUT, check=False
        )
    assert done.stdout.decode().splitlines()[0].startswith("slot 0 ballot "), done.stdout.decode()
    assert done.stdout.decode().splitlines()[1:] == ["0 hello"]
    assert done.returncode == 0
