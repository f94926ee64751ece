"""Folders that consoles made for new clusters, and whether anything uses them still."""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path
from typing import Final, NamedTuple

from paxtui.console.driver import local_processes
from paxtui.console.driver.known_clusters import entries
from paxtui.storage.folder_lock import LOCK_FILE

NAME: Final = re.compile(r"console-[0-9]{8}-[0-9]{6}(-[0-9]{1,2})?")
"""What :func:`paxtui.cli.console.console` names them; nothing else is ever removed."""

NEW_S: Final = 60.0
"""A console may take so long from its folder to its first replica."""


class OldFolder(NamedTuple):
    """One folder of a console."""

    path: Path
    bytes: int
    used_by: str | None
    """Why it is not to be removed."""

    @property
    def size(self) -> str:
        """Return how much is in it, in words."""
        return sized(self.bytes)


def sized(count: int) -> str:
    """Write a number of bytes."""
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count / 1e3:,.1f} kB"


def find_old(root: Path, kept: Path | None) -> list[OldFolder]:
    """Find the folders of consoles below ``root``, the oldest first. ``kept`` is the folder of what is kept
    between runs."""
    try:
        names = sorted(each.name for each in os.scandir(root) if each.is_dir(follow_symlinks=False))
    except OSError:
        return []
    supervised = {each.note.data_dir: pid for each in entries(kept) if (pid := each.supervisor) is not None}
    found = []
    for name in names:
        if NAME.fullmatch(name):
            path = root / name
            found.append(OldFolder(path, _bytes(path), _used_by(path, supervised)))
    return found


def _used_by(folder: Path, supervised: dict[str | None, int]) -> str | None:
    """Say which process uses a folder, if one does."""
    pid = supervised.get(str(folder.absolute()))
    if pid is not None:
        return f"process {pid} uses it"
    for lock in folder.glob(f"*/replica-*/{LOCK_FILE}"):
        pid = local_processes.lock_pid(lock)
        if pid is not None and local_processes.is_ours(pid):
            return f"process {pid} uses it"
    try:
        if time.time() - folder.stat().st_mtime < NEW_S and not any(folder.glob(f"*/replica-*/{LOCK_FILE}")):
            return "it was made less than a minute ago"
    except OSError as error:
        return str(error.strerror)
    return None


def _bytes(folder: Path) -> int:
    total = 0
    for place, _, files in os.walk(folder):
        for file in files:
            try:
                total += os.lstat(os.path.join(place, file)).st_size
            except OSError:
                continue
    return total


def remove(old: OldFolder) -> str | None:
    """Remove a folder with all that is in it; return why that failed, if it did."""
    try:
        shutil.rmtree(old.path)
    except OSError as error:
        return f"{error.filename or old.path}: {error.strerror}"
    return None
