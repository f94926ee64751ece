"""Faults that are not on a link: to the process, its proposer, its disk."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from typing import Protocol

from paxtui.core.replica import Replica
from paxtui.replica.event_log import EventLog
from paxtui.replica.protocol_clock import ProtocolClock
from paxtui.storage.disk_faults import DiskFaults
from paxtui.wire.faults import (
    AnyFault,
    Clock,
    CrashProposer,
    CrashReplica,
    DiskError,
    FullDisk,
    Pause,
    SkipSlot,
    SlowDisk,
)


class FaultedHost(Protocol):
    """The host of the core that faults act on."""

    @property
    def core(self) -> Replica | None:
        """The core; ``None`` during warm-up."""

    @property
    def protocol_clock(self) -> ProtocolClock:
        """What the core is told of time."""

    def kick(self) -> None:
        """Take the core's output soon."""

    def run_soon(self, act: Callable[[], None]) -> None:
        """Call ``act`` when the answers that are ready have left."""


class ProcessFaults:
    """The faults of one replica that act on its process, its proposer or its disk."""

    def __init__(self, disk: DiskFaults, event_log: EventLog) -> None:
        self._host: FaultedHost
        """Set by :meth:`attach_host`, before any fault begins."""
        self._disk = disk
        self._event_log = event_log
        self._skips: list[int] = []
        """The slots that were taken where the operator wanted the next one skipped, the first one first."""

    def attach_host(self, host: FaultedHost) -> None:
        """Let faults act on the core of ``host``; the host knows the registry that calls this object."""
        self._host = host

    def begin_fault(self, fault: AnyFault, at_once: bool) -> str | None:
        """Begin a fault; the reason if that is impossible. A pause that is not meant to begin ``at_once``
        lets the answer to the operator who asked for it leave first."""
        core, disk = self._host.core, self._disk
        match fault:
            case CrashReplica():
                self._event_log.drain()  # who ordered it is in there
                os.kill(os.getpid(), signal.SIGKILL)
            case Pause(seconds):
                self._event_log.drain()
                if at_once:
                    _stop_for(seconds)
                else:
                    self._host.run_soon(lambda: _stop_for(seconds))
            case CrashProposer():
                if core is None:
                    return "it is still warming up"
                core.crash_proposer(self._host.protocol_clock.now())
                self._host.kick()
            case SkipSlot(slot):
                if core is None:
                    return "it is still warming up"
                return self._skip(core, slot)
            case Clock(percent):
                self._set_clock(percent)
            case SlowDisk(ms):
                disk.slow_s = ms / 1000
            case DiskError():
                disk.fail = "error"
            case FullDisk():
                disk.fail = "full"
        return None

    def end_fault(self, fault: AnyFault) -> None:
        """End it, where that is possible."""
        core = self._host.core
        match fault:
            case CrashProposer() if core is not None:
                core.restore_proposer(self._host.protocol_clock.now())
                self._host.kick()
            case SkipSlot(slot) if core is not None:
                self._skip_no_more(core, slot)
            case Clock():
                self._set_clock(100.0)
            case SlowDisk():
                self._disk.slow_s = 0.0
            case DiskError() | FullDisk():
                self._disk.fail = None
            case _:
                pass

    def _set_clock(self, percent: float) -> None:
        self._host.protocol_clock.set_rate(percent / 100)
        self._host.kick()  # the core's next wake-up is at another moment now

    def _skip(self, core: Replica, slot: int | None) -> str | None:
        before = core.proposer.skips.copy()
        reason = core.skip_slot(slot, self._host.protocol_clock.now())
        if slot is None:
            self._skips += core.proposer.skips - before
        return reason

    def _skip_no_more(self, core: Replica, slot: int | None) -> None:
        """End a skip. A fault without a slot ends the last of those that were taken and still wait."""
        waiting = core.proposer.skips
        if slot is None:
            self._skips = [each for each in self._skips if each in waiting]
            slot = self._skips.pop() if self._skips else -1
        waiting.discard(slot)


def _stop_for(seconds: float) -> None:
    """Stop this process with SIGSTOP, and start a shell that wakes it up: a stopped process hears nothing."""
    me = os.getpid()
    subprocess.Popen(
        ["/bin/sh", "-c", f"sleep {seconds:.3f}; kill -CONT {me}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.kill(me, signal.SIGSTOP)
