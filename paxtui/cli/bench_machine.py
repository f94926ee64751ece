"""The machine that a benchmark runs on: its limits, and how a report names it."""

from __future__ import annotations

import os
import platform
import resource
import time
from pathlib import Path

import trio

from paxtui import __version__
from paxtui.bench import limits, proc
from paxtui.bench.limits import MachineLimits


def open_files() -> int:
    """Raise the limit of open files as far as the system allows, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard and hard != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return hard
    return soft


async def machine_limits(folder: Path) -> MachineLimits:
    """Measure the disk and the loopback; call before the load, while the replicas are idle."""
    sync_s = await trio.to_thread.run_sync(limits.fdatasync_s, folder, abandon_on_cancel=True)
    trip_s = await trio.to_thread.run_sync(limits.round_trip_s, abandon_on_cancel=True)
    return MachineLimits(sync_s, trip_s, proc.file_system(folder))


def machine() -> dict[str, object]:
    """Name the machine, the version and the date, so that figures can be compared."""
    return {
        "version": __version__,
        "date": time.strftime("%Y-%m-%d"),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
    }


def machine_words() -> str:
    """Name the machine and the date in words."""
    found = machine()
    return f"{found['cores']} cores, Python {found['python']}, {found['date']}"
