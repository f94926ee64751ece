"""Who listens on a port, for the error message of the one who cannot."""

from __future__ import annotations

import os
from pathlib import Path

LISTENING = "0A"


def port_owner(port: int) -> str | None:
    """Name the owner of a port, such as ``process 4242 (python3)``, as far as Linux tells this user; ``None``
    if it does not."""
    inodes = _listening_inodes(port)
    if not inodes:
        return None
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _holds(entry, inodes):
            try:
                name = (entry / "comm").read_text().strip()
            except OSError:
                name = "?"
            return f"process {entry.name} ({name})"
    return None


def _listening_inodes(port: int) -> set[str]:
    inodes: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    return inodes


def _holds(process: Path, inodes: set[str]) -> bool:
    try:
        return any(os.readlink(link) in inodes for link in (process / "fd").iterdir())
    except OSError:
        return False
