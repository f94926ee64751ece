"""What Linux tells: of this process, of its connections, and of the least that one client can get."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

import pytest

from paxtui.bench import gauges, limits, proc, tcp
from paxtui.bench.gauges import Reading, ReplicaReading
from paxtui.config.cluster_file import ConfigError
from tests.replica.conditions import until
from tests.replica.processes import started

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def needs_socket_diagnostics() -> None:
    if tcp.flows() is None:
        pytest.skip("this kernel does not tell of its TCP sockets")


def test_processor_time_and_files_of_a_process_are_told(tmp_path: Path) -> None:
    before = proc.usage(os.getpid())
    assert before is not None
    began = time.process_time()
    while time.process_time() < began + 0.1:
        pass
    with (tmp_path / "grows").open("wb") as file:
        file.write(bytes(100_000))
        file.flush()
        os.fsync(file.fileno())
        after = proc.usage(os.getpid())
        assert after is not None
        assert tmp_path / "grows" in (proc.written_files(os.getpid()) or [])
        with (tmp_path / "grows").open("rb"):
            assert (proc.written_files(os.getpid()) or []).count(tmp_path / "grows") == 1
    assert after.cpu_s - before.cpu_s >= 0.08
    assert after.resident_bytes > 1_000_000
    assert (after.disk_bytes or 0) - (before.disk_bytes or 0) >= 100_000
    assert tmp_path / "grows" not in (proc.written_files(os.getpid()) or [])


@pytest.mark.processes
def test_a_process_that_is_gone_has_no_usage() -> None:
    with started(["true"]) as process:
        pass
    assert proc.usage(process.pid) is None
    assert proc.age_s(process.pid) is None
    assert not proc.is_it(process.pid, 0.0)


def test_a_process_is_taken_for_a_replica_only_if_their_ages_agree() -> None:
    age = proc.age_s(os.getpid())
    assert age is not None
    assert proc.is_it(os.getpid(), age)
    assert proc.is_it(os.getpid(), max(0.0, age - 2))
    assert not proc.is_it(os.getpid(), age + 100)
    assert not proc.is_it(1, 0.0) or (proc.age_s(1) or 0) < proc.START_SLACK_S


def test_the_file_system_of_a_folder_is_the_innermost_one() -> None:
    assert proc.file_system(Path("/proc/self")).startswith("proc on ")
    assert " on " in proc.file_system(Path("/"))


def test_the_bytes_of_each_connection_are_the_kernels() -> None:
    needs_socket_diagnostics()
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = socket.create_connection(server.getsockname())
        there, _ = server.accept()
        with here, there:
            inodes = {os.fstat(end.fileno()).st_ino: end for end in (here, there)}
            assert set(inodes) <= proc.sockets(os.getpid())
            first = {flow.inode: flow for flow in tcp.flows() or [] if flow.inode in inodes}
            assert {flow.local[1] for flow in first.values()} == {
                end.getsockname()[1] for end in inodes.values()
            }
            here.sendall(bytes(70_000))
            left = 70_000
            while left:
                left -= len(there.recv(left))

            def sent() -> bool:
                flows = {flow.inode: flow.sent_bytes for flow in tcp.flows() or []}
                return [flows[inode] - first[inode].sent_bytes for inode in inodes] == [70_000, 0]

            until(sent, "all bytes are acknowledged")


def test_bytes_are_told_apart_by_who_owns_the_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    owners = {10: frozenset({1, 2, 5}), 20: frozenset({3})}
    monkeypatch.setattr(proc, "sockets", lambda pid: owners[pid])
    a, b, c, d = ((b"", port) for port in (1, 2, 3, 4))
    before = {(1, a, b): 100, (3, b, a): 50}
    after = {
        (1, a, b): 160,  # replica to replica
        (3, b, a): 51,  # and back
        (2, a, c): 7,  # replica to client, a new connection
        (4, c, a): 11,  # client to replica
        (6, c, d): 1000,  # strangers
    }
    wire = gauges.wire_between(reading(before), reading(after))
    assert wire == gauges.Wire(requests=11, answers=7, between=61)


def test_bytes_are_not_told_where_a_replica_is_elsewhere() -> None:
    here, elsewhere = reading({}), reading({}, pid=None)
    assert gauges.wire_between(here, elsewhere) is None


def reading(flows: dict[gauges.FlowKey, int], pid: int | None = 20) -> Reading:
    replicas = {
        replica: ReplicaReading("following", 0, 0, 1.0, number, None)
        for replica, number in ((0, 10), (1, pid))
    }
    return Reading(0.0, 0.0, 0.0, None, replicas, flows)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("192.0.2.1", False),
        ("replica.example", False),
    ],
)
def test_an_address_is_here_if_it_can_be_bound(host: str, here: bool) -> None:
    assert gauges.is_here(host) is here


@pytest.mark.processes
def test_the_limit_for_one_client_is_two_round_trips_and_one_sync(tmp_path: Path) -> None:
    found = limits.MachineLimits(limits.fdatasync_s(tmp_path), limits.round_trip_s(), "")
    assert 0 < found.fdatasync_s < 30  # seconds, and not something else
    assert 0 < found.round_trip_s < 10
    assert found.one_client_s == 2 * found.round_trip_s + found.fdatasync_s
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        limits.fdatasync_s(tmp_path / "nowhere")
