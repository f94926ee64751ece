"""Keepalives: two followers have nothing to say to each other, and who hears nothing of another could not
tell that from a host that vanished. They also give TCP something to miss."""

from __future__ import annotations

from typing import Final

import trio

from paxtui.replica.transport.frame_writer import FrameWriter
from paxtui.wire.codec import encode
from paxtui.wire.hello import Ready

QUIET_HEARTBEATS: Final = 0.5
"""How long a link is silent before it carries a keepalive when its replica is awake anyhow: in a cluster with
a leader that is once a heartbeat, and costs no wake-up of its own."""

LATEST_HEARTBEATS: Final = 1.1
"""When nothing has woken the replica for so long, it looks at its links all the same."""

SILENT_HEARTBEATS: Final = 2.0
"""A peer of which nothing arrived for so many is not connected, whatever TCP still believes."""

KEEPALIVE_FRAME: Final = encode(Ready())


class Keepalive:
    """The keepalives of one link."""

    def __init__(self, writer: FrameWriter, heartbeat_s: float) -> None:
        self._writer = writer
        self._quiet_s = QUIET_HEARTBEATS * heartbeat_s
        self._latest_s = LATEST_HEARTBEATS * heartbeat_s
        self._alarm = trio.CancelScope()

    def send_if_quiet(self, now: float) -> float:
        """Send a keepalive if the link was quiet; return for how long this need not be called again.

        It belongs at the end of a turn, when all else has left.
        """
        writer = self._writer
        if now - writer.sent_at >= self._quiet_s and not writer.waiting_bytes:
            writer.push(KEEPALIVE_FRAME)
            writer.flush()
        self._alarm.deadline = now + self._latest_s
        return self._quiet_s

    async def run(self) -> None:
        """Look also when no turn has come for too long, until cancelled."""
        while True:
            with trio.CancelScope() as self._alarm:
                self.send_if_quiet(trio.current_time())
                await trio.sleep_forever()
