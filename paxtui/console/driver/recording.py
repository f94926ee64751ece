"""What a console was told, written down as it comes: JSON lines.

This is no record of :mod:`paxtui.records`: replicas tell observers values that are cut for the eye, join runs
of events, and drop what is too much, so no checker could rest a verdict on it. It serves people and scripts.

- The first line says what this is: ``{"observations": 1, "cluster": ..., "replicas": 3, "wall": ...}``.
- ``{"wall": ..., "replica": 0, "number": 17, "told": {"event": "voted", ...}}`` is an event, by the replica's
  clock; ``told`` is as :mod:`paxtui.wire.telemetry` has it. Numbers are the replica's, without a gap.
- ``{"wall": ..., "replica": 0, "number": 40, "dropped": 3}``: events 37 to 39 did not come here.
- ``{"wall": ..., "replica": 0, "number": 40, "snapshot": {...}}``: what it knew then.
- ``{"wall": ..., "replica": 0, "lost": "connection refused"}``: it is not heard any more.
- ``{"wall": ..., "did": "crash r0"}``: what the person did, or was told.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from paxtui.config.cluster_file import Cluster
from paxtui.wire.telemetry import TelemetryDelta, TelemetrySnapshot

VERSION: Final = 1

WAITING_BYTES_MAX: Final = 64 * 1024
"""What is written together; what is left is written a few times a second."""

_encode = msgspec.json.Encoder().encode


class ObservationFile:
    """One file that is being written. Methods raise ``OSError`` where the disk does not take it."""

    def __init__(self, path: Path, cluster: Cluster) -> None:
        self.path = path
        self.events = 0
        self._waiting: list[bytes] = []
        self._bytes = 0
        self._file: BinaryIO = path.open("xb", buffering=0)
        self._add({"observations": VERSION, "cluster": cluster.name, "replicas": cluster.n})
        self.flush()

    def _add(self, fields: dict[str, Any], *, wall: float | None = None) -> None:
        stamp = {"wall": round(time.time() if wall is None else wall, 4)}
        self._put(_encode(fields | stamp if "observations" in fields else stamp | fields))

    def _put(self, line: bytes) -> None:
        self._waiting.append(line)
        self._bytes += len(line)
        if self._bytes > WAITING_BYTES_MAX:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            rest = memoryview(b"\n".join(self._waiting) + b"\n")
            self._waiting, self._bytes = [], 0
            while rest:
                rest = rest[self._file.write(rest) :]

    def close(self) -> None:
        """Write the rest; that is all."""
        try:
            self.flush()
        finally:
            self._file.close()

    def write_telemetry(
        self, replica: int, told: TelemetrySnapshot | TelemetryDelta, offset_s: float
    ) -> None:
        """Write a replica's telemetry; ``offset_s`` turns its clock into the time of day."""
        if isinstance(told, TelemetrySnapshot):
            self._add({"replica": replica, "number": told.number, "snapshot": told}, wall=told.wall)
        elif told.dropped:
            self._add({"replica": replica, "number": told.first, "dropped": told.dropped})
        else:
            self.events += len(told.events)
            for number, (at_s, raw) in enumerate(told.events, told.first):
                # No line end of a stranger's becomes one of ours: within strings, JSON has none.
                event = bytes(raw).replace(b"\n", b" ").replace(b"\r", b" ")
                stamp = b'"wall":%.4f,"replica":%d,"number":%d' % (at_s + offset_s, replica, number)
                self._put(b'{%b,"told":%b}' % (stamp, event))

    def write_lost(self, replica: int, problem: str) -> None:
        """Write that a replica is not heard any more."""
        self._add({"replica": replica, "lost": problem})

    def write_did(self, text: str) -> None:
        """Write what the person did, or was told."""
        self._add({"did": text})
