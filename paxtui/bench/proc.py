"""Readings of Linux about a process here: processor time, bytes written, open files and sockets."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from msgspec import Struct

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
BLOCK_BYTES = 512
"""The unit of ``st_blocks`` in bytes, whatever the file system's blocks are."""

START_SLACK_S = 60.0
"""A replica counts its uptime from when it serves; its process is older, by its imports and its disk."""


class Usage(Struct, frozen=True):
    """The resources that a process has used since it started. ``None``: the machine does not tell us."""

    cpu_s: float
    resident_bytes: int
    written_bytes: int | None
    """What it made the file system write, in whole pages as they became dirty."""
    disk_bytes: int | None
    """The size on disk of the files that it has open for writing."""


def usage(pid: int) -> Usage | None:
    """Read what a process has used; ``None`` if there is no such process, or this is no Linux."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except OSError:
        return None
    return Usage(
        cpu_s=(int(fields[11]) + int(fields[12])) * TICK_S,
        resident_bytes=int(pages) * PAGE_BYTES,
        written_bytes=_written(pid),
        disk_bytes=_on_disk(pid),
    )


def busy_s() -> float | None:
    """Processor time of all programs since this machine started, interrupts not counted."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    except OSError:
        return None
    user, nice, system = map(int, fields[1:4])
    return (user + nice + system) * TICK_S


def age_s(pid: int) -> float | None:
    """Tell how long ago the process started, in seconds."""
    try:
        ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
        up_s = float(Path("/proc/uptime").read_text().split()[0])
    except (OSError, ValueError):
        return None
    return up_s - ticks * TICK_S


def is_it(pid: int, uptime_s: float) -> bool:
    """Tell whether process ``pid`` of this machine can be the replica that says that it has served for
    ``uptime_s``: behind a forwarded port, or in a container, another one may have that number."""
    age = age_s(pid)
    return age is not None and -1.0 <= age - uptime_s <= START_SLACK_S


def _written(pid: int) -> int | None:
    try:
        text = Path(f"/proc/{pid}/io").read_text()
    except OSError:  # another user's process
        return None
    found = re.search(r"^write_bytes: (\d+)", text, re.MULTILINE)
    return int(found[1]) if found else None


def written_files(pid: int) -> list[Path] | None:
    """List the plain files that it has open for writing; ``None`` for another user's process."""
    try:
        numbers = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return None
    found: set[Path] = set()
    for number in numbers:
        try:
            path = Path(os.readlink(f"/proc/{pid}/fd/{number}"))
            opened = Path(f"/proc/{pid}/fdinfo/{number}").read_text()
            flags = re.search(r"^flags:\s*([0-7]+)", opened, re.MULTILINE)
            writes = flags is not None and int(flags[1], 8) & os.O_ACCMODE != os.O_RDONLY
            if writes and stat.S_ISREG(path.stat().st_mode):
                found.add(path)
        except OSError:
            continue  # closed, or removed, in the meantime
    return sorted(found)


def _on_disk(pid: int) -> int | None:
    files = written_files(pid)
    if files is None:
        return None
    total = 0
    for path in files:
        try:
            total += path.stat().st_blocks * BLOCK_BYTES
        except OSError:
            continue
    return total


def sockets(pid: int) -> frozenset[int]:
    """List the inodes of its open sockets; none for another user's process."""
    found: set[int] = set()
    try:
        numbers = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return frozenset()
    for number in numbers:
        try:
            match = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{number}"))
        except OSError:
            continue
        if match:
            found.add(int(match[1]))
    return frozenset(found)


def file_system(folder: Path) -> str:
    """Name the kind and device of the file system that holds ``folder``, such as ``ext4 on /dev/vda``."""
    best, words = -1, "an unknown file system"
    where = str(folder.resolve())
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return words
    for line in lines:
        before, _, after = line.partition(" - ")
        point = before.split()[4]
        inside = where == point or where.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= best:
            kind, device = after.split()[:2]
            best, words = len(point), f"{kind} on {device}"
    return words
