"""A replica that is left running outlives the program that started it."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from paxtui.client.cluster import local_cluster
from paxtui.config import cluster_file
from tests.replica.conditions import PATIENCE_S

pytestmark = pytest.mark.processes


@pytest.mark.trio
async def test_nobody_watches_a_replica_that_was_left_running_and_it_goes_on(tmp_path: Path) -> None:
    cluster = cluster_file.local(1, cluster_file.free_ports(1), name="left")
    with trio.fail_after(PATIENCE_S):
        async with local_cluster(cluster, tmp_path, arguments=("--warm-up", "none")) as replicas:
            await replicas.start(0)
            handle = replicas._processes[0].handle
            assert handle is not None
            try:
                await replicas.leave_running()
            except BaseException:
                handle.kill()
                raise
    try:
        await replicas.wait_until(lambda sightings: sightings[0].report is not None, PATIENCE_S, "it serves")
    finally:
        handle.terminate()
        with trio.fail_after(PATIENCE_S):
            await handle.wait()
    assert handle.returncode == 0
