"""Replicas as subprocesses: started, killed, stopped, and never left behind."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import trio

from paxtui.client import ClientError, connect
from paxtui.client.cluster import LocalCluster, ReplicaDied, local_cluster, ready
from paxtui.config import cluster_file
from tests.ports import free_ports
from tests.replica.processes import gone

pytestmark = pytest.mark.processes


def three_free() -> cluster_file.Cluster:
    return cluster_file.local(3, free_ports(3), name="supervised")


def pids(replicas: LocalCluster) -> list[int]:
    return [pid for pid in map(replicas.pid, range(replicas.cluster.n)) if pid is not None]


@pytest.mark.trio
async def test_replicas_are_started_killed_stopped_and_started_again(tmp_path: Path) -> None:
    lines: list[tuple[int, str]] = []
    cluster = three_free()
    async with local_cluster(cluster, tmp_path, on_line=lambda *line: lines.append(line)) as replicas:
        assert pids(replicas) == []
        await replicas.start_all()
        await replicas.wait_ready()
        started = pids(replicas)
        assert len(started) == 3
        await replicas.start(0)
        assert pids(replicas) == started  # what runs is not started twice
        async with connect(cluster) as log:
            await log.append("one")
            await replicas.kill(0)
            assert not replicas.alive(0)
            assert await replicas.ended(0) == -9
            await log.append("two")
            await replicas.stop(1)
            assert await replicas.ended(1) == 0
            await replicas.start(0)
            await replicas.start(1)
            await replicas.wait_ready()
            await log.append("three")
        replicas.pause(2)
        replicas.proceed(2)
        replicas.pause(1)  # stopping wakes it first
        started += pids(replicas)
    assert all(map(gone, started))
    assert {replica for replica, _ in lines} == {0, 1, 2}
    assert (tmp_path / "supervised" / "cluster.toml").exists()


@pytest.mark.trio
async def test_a_replica_that_dies_at_its_start_says_why_at_once(tmp_path: Path) -> None:
    cluster = three_free()
    address = cluster.address(1)
    with socket.create_server((address.host, address.port)):
        async with local_cluster(cluster, tmp_path) as replicas:
            await replicas.start_all()
            with pytest.raises(ReplicaDied) as caught:
                await replicas.wait_ready()
            left = pids(replicas)
    assert str(caught.value).startswith("replica 1 ended with exit code 2: ")
    assert f"{address} is in use by process" in str(caught.value)
    assert all(map(gone, left))


@pytest.mark.trio
async def test_a_condition_that_does_not_come_is_told_with_what_each_replica_believes(tmp_path: Path) -> None:
    async with local_cluster(three_free(), tmp_path) as replicas:
        await replicas.start(0)
        await replicas.wait_until(lambda sightings: sightings[0].report is not None, 20, "it listens")
        with pytest.raises(ClientError) as caught:
            await replicas.wait_until(ready, 3, "all serve")
    told = str(caught.value)
    assert told.startswith("after 3 s still not: all serve. r0: warming up, waits for r1 r2; r1: ")
    assert told.endswith("cannot be reached: connection refused")


@pytest.mark.trio
async def test_whatever_goes_wrong_inside_nothing_is_left_running(tmp_path: Path) -> None:
    left: list[int] = []
    with pytest.raises(LookupError):  # noqa: PT012
        async with local_cluster(three_free(), tmp_path) as replicas:
            await replicas.start_all()
            left = pids(replicas)
            raise LookupError
    assert len(left) == 3
    assert all(map(gone, left))


@pytest.mark.trio
async def test_a_supervisor_that_is_cancelled_stops_its_replicas(tmp_path: Path) -> None:
    left: list[int] = []
    with trio.CancelScope() as scope:
        async with local_cluster(three_free(), tmp_path) as replicas:
            await replicas.start(0)
            left = pids(replicas)
            scope.cancel()
            await trio.sleep_forever()
    assert len(left) == 1
    assert all(map(gone, left))


@pytest.mark.trio
async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        cluster_file.ConfigError, match=r"supervised/cluster\.toml: cannot be written: Not a dir"
    ):
        async with local_cluster(three_free(), tmp_path / "file"):
            pytest.fail("it was taken")
