"""The record file: this replica's telemetry as JSON lines."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import trio

from paxtui.runtime.errors import StorageFailed, StorageRefused
from paxtui.runtime.node import Node
from paxtui.runtime.telemetry import Watcher
from paxtui.wire.framing import HEAD_BYTES


class Recorder:
    """Appends what an observer would see, one frame's JSON a line, from a thread of its own turn."""

    def __init__(self, node: Node, path: Path) -> None:
        self._node = node
        self._path = path
        self._queue: list[bytes] = []
        self._bytes = 0
        self._wanted = trio.Event()

    def _push(self, frame: bytes) -> bool:
        self._queue.append(frame[HEAD_BYTES:])
        self._bytes += len(frame)
        self._wanted.set()
        return True

    async def run(self) -> None:
        """Record until cancelled; what is queued then is still written."""
        file = self._path.open("ab", buffering=0)
        telemetry = self._node.telemetry
        watcher = telemetry.add(Watcher(0, self._push, lambda: self._bytes))
        with file:
            try:
                while True:
                    await self._wanted.wait()
                    self._wanted = trio.Event()
                    with trio.CancelScope(shield=True):
                        await trio.to_thread.run_sync(self._write, file)
            finally:
                telemetry.flush()
                telemetry.leave(watcher)
                self._write(file)

    def _write(self, file: BinaryIO) -> None:
        queue, self._queue = self._queue, []
        self._bytes = 0
        if not queue:
            return
        waiting = memoryview(b"\n".join(queue) + b"\n")
        try:
            while waiting:
                waiting = waiting[file.write(waiting) :]
        except OSError as error:
            raise StorageFailed(f"{self._path}: {error.strerror}; the replica stops") from None


def check_record(path: Path) -> None:
    """Refuse a file that cannot be written before the replica touches anything else."""
    try:
        path.open("ab").close()
    except OSError as error:
        raise StorageRefused(f"{path}: cannot be written: {error.strerror}; name another --record") from None
