"""The lower limit of any protocol for one client on this machine: two round trips and one sync.

A request goes to the leader and its answer comes back; an Accept goes to a follower and its vote comes
back; and the vote waits for the disk. Measured beside the load, on the same disk and on loopback.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from msgspec import Struct

from paxtui.config.cluster_file import ConfigError

SYNCS: Final = 300
APPENDED_BYTES: Final = 512
"""Bytes of a 100-byte message on a disk, with its ballot, client and checksum, about."""

TRIPS: Final = 2000
MESSAGE_BYTES: Final = 150
"""Bytes of a 100-byte message in its frame, about."""

ECHO: Final = """
import socket, sys
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
while received := connection.recv(4096):
    connection.sendall(received)
"""


class MachineLimits(Struct, frozen=True):
    """Medians, in seconds."""

    fdatasync_s: float
    round_trip_s: float
    file_system: str

    @property
    def one_client_s(self) -> float:
        """Compute the least time that one request at a time can take."""
        return 2 * self.round_trip_s + self.fdatasync_s


def fdatasync_s(folder: Path) -> float:
    """Median of the sync after a small append to a file in ``folder``."""
    times: list[float] = []
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".bench-") as file:
            fd = file.fileno()
            for _ in range(SYNCS):
                os.write(fd, bytes(APPENDED_BYTES))
                started = time.perf_counter()
                os.fdatasync(fd)
                times.append(time.perf_counter() - started)
    except OSError as error:
        raise ConfigError(f"{folder}: a sync cannot be measured there: {error.strerror}") from None
    return statistics.median(times)


def round_trip_s() -> float:
    """Median of a small message to another process and back over TCP on loopback."""
    times: list[float] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        command = [sys.executable, "-I", "-S", "-c", ECHO, str(port)]
        with subprocess.Popen(command, start_new_session=True) as echo:
            try:
                server.settimeout(10)
                connection, _ = server.accept()
                with connection:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    for _ in range(TRIPS):
                        started = time.perf_counter()
                        connection.sendall(bytes(MESSAGE_BYTES))
                        connection.recv(MESSAGE_BYTES, socket.MSG_WAITALL)
                        times.append(time.perf_counter() - started)
            finally:
                echo.kill()
    return statistics.median(times)
