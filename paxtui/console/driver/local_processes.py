"""Processes of this machine that run a part of paxtui: which they are, and whether they still run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

from paxtui.config.folders import replica_folder
from paxtui.storage.folder_lock import LOCK_FILE

LOCK_BYTES_MAX: Final = 200
"""Of a lock file: the number of its process stands in the first line."""

PROGRAM: Final = "paxtui"
PROGRAM_WORDS: Final = 4
"""Where its name stands at the latest: behind the interpreter and an option or two of that."""

PS_S: Final = 5.0
"""How long ``ps`` may take, on a machine without ``/proc``."""


def command_of(pid: int) -> list[str]:
    """Return the command line of a process; empty if it has ended, or is none of this machine."""
    if pid <= 0:
        return []
    proc = Path("/proc")
    if (proc / "self" / "cmdline").exists():
        try:
            # A process that has ended and that its parent has not noticed has no command line any more.
            return (proc / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
        except OSError:
            return []
    try:
        command = ["ps", "-o", "command=", "-p", str(pid)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PS_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.split()


def is_ours(pid: int) -> bool:
    """Return whether a process runs paxtui: a number in a file may be that of another process by now."""
    return _runs_paxtui(command_of(pid))


def _runs_paxtui(words: list[str]) -> bool:
    """Return whether a command line is ``python -m paxtui ...`` or ``python .../bin/paxtui ...``."""
    return any(Path(word).name == PROGRAM for word in words[:PROGRAM_WORDS])


def is_replica(pid: int, replica: int) -> bool:
    """Return whether a process is a replica with this id."""
    words = command_of(pid)
    if not _runs_paxtui(words) or "replica" not in words or "--id" not in words:
        return False
    return words[words.index("--id") + 1 :][:1] == [str(replica)]


def holder(data_dir: Path, cluster: str, replica: int) -> int | None:
    """Return the process that has a replica's data folder in use, if that is one of paxtui."""
    pid = lock_pid(replica_folder(data_dir, cluster, replica) / LOCK_FILE)
    return pid if pid is not None and is_replica(pid, replica) else None


def lock_pid(lock: Path) -> int | None:
    """Read which process has locked a data folder, or was the last that had."""
    try:
        with lock.open("rb") as file:
            first = file.read(LOCK_BYTES_MAX).split(b"\n", 1)[0]
    except OSError:
        return None
    return int(first) if first.isdigit() else None


def exists(pid: int) -> bool:
    """Return whether a process still runs; one that waits for its parent to notice its end does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return bool(command_of(pid))
