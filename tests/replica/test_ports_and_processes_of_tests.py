"""What tests rely on to start processes: ports that stay theirs, and processes that end with the test."""

from __future__ import annotations

import socket
import sys

import pytest

from tests.ports import free_ports
from tests.replica.processes import started


def test_a_port_of_a_test_is_free_for_its_replica_and_for_nobody_else() -> None:
    (port,) = free_ports(1)
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    for _ in range(2):  # it is still kept when the replica starts again
        with socket.create_server(("127.0.0.1", port)):
            pass


@pytest.mark.processes
def test_a_process_is_killed_when_the_test_fails_before_it_ends_it() -> None:
    sleeps = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(LookupError), started(sleeps) as process:
        raise LookupError
    assert process.returncode == -9
