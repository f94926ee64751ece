"""Faults that are not on a link: to the process, its proposer, its disk."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import trio

from paxtui.wire.faults import (
    AnyFault,
    CrashProposer,
    CrashReplica,
    DiskError,
    FullDisk,
    Pause,
    SkipSlot,
    SlowDisk,
)

if TYPE_CHECKING:
    from paxtui.core.replica import Replica
    from paxtui.replica.host import Host


class ProcessFaults:
    """Begins and ends them on one node."""

    def __init__(self, node: Host) -> None:
        self._node = node
        self._skips: list[int] = []
        """The slots that were taken where the operator wanted the next one skipped, the first one first."""

    def begin(self, fault: AnyFault, at_once: bool) -> str | None:
        """Begin a fault; the reason if that is impossible. A pause that is not meant to begin ``at_once``
        lets the answer to whoever asked for it leave first."""
        node = self._node
        disk = node.storage.faults
        match fault:
            case CrashReplica():
                node.journal.drain()  # who ordered it is in there
                os.kill(os.getpid(), signal.SIGKILL)
            case Pause(seconds):
                node.journal.drain()
                if at_once:
                    _stop_for(seconds)
                else:
                    node.soon(lambda: _stop_for(seconds))
            case CrashProposer():
                if node.core is None:
                    return "it is still warming up"
                node.core.crash_proposer(trio.current_time())
                node.kick()
            case SkipSlot(slot):
                if node.core is None:
                    return "it is still warming up"
                return self._skip(node.core, slot)
            case SlowDisk(ms):
                disk.slow_s = ms / 1000
            case DiskError():
                disk.fail = "error"
            case FullDisk():
                disk.fail = "full"
        return None

    def end(self, fault: AnyFault) -> None:
        """End it, where that is possible."""
        node = self._node
        match fault:
            case CrashProposer() if node.core is not None:
                node.core.restore_proposer(trio.current_time())
                node.kick()
            case SkipSlot(slot) if node.core is not None:
                self._skip_no_more(node.core, slot)
            case SlowDisk():
                node.storage.faults.slow_s = 0.0
            case DiskError() | FullDisk():
                node.storage.faults.fail = None
            case _:
                pass

    def _skip(self, core: Replica, slot: int | None) -> str | None:
        before = core.proposer.skips.copy()
        reason = core.skip_slot(slot, trio.current_time())
        if slot is None:
            self._skips += core.proposer.skips - before
        return reason

    def _skip_no_more(self, core: Replica, slot: int | None) -> None:
        """A fault without a slot ends the last one of those that were taken and still wait."""
        waiting = core.proposer.skips
        if slot is None:
            self._skips = [each for each in self._skips if each in waiting]
            slot = self._skips.pop() if self._skips else -1
        waiting.discard(slot)


def _stop_for(seconds: float) -> None:
    """SIGSTOP oneself, with somebody outside to wake one up: a stopped process hears nothing."""
    me = os.getpid()
    subprocess.Popen(
        ["/bin/sh", "-c", f"sleep {seconds:.3f}; kill -CONT {me}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.kill(me, signal.SIGSTOP)
