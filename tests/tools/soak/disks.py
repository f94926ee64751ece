"""Disks that are small, full, away, lost or old."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

ROOMY = "2g"
"""The size of the small disk while it is not full. Its pages are memory, and only those that are used."""

SPARE_BYTES = 256 * 1024
"""What is still free when the disk is made full: some seconds of a log."""


class SmallDisk:
    """A disk of its own for one replica, where the machine lets us mount one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mounted = False

    def mount(self) -> None:
        """Try; without the right to, full disks are injected instead."""
        if os.geteuid() != 0 or shutil.which("mount") is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self.mounted = _mount(self.folder, f"size={ROOMY}")

    def fill(self) -> bool:
        """Leave hardly any room; whether that worked."""
        stat = os.statvfs(self.folder)
        used = (stat.f_blocks - stat.f_bfree) * stat.f_frsize
        return _mount(self.folder, f"remount,size={used + SPARE_BYTES}")

    def make_room(self) -> bool:
        """There is room again."""
        return _mount(self.folder, f"remount,size={ROOMY}")

    def keep(self, to: Path) -> None:
        """Copy what is on it, which would be gone with it."""
        if self.mounted:
            shutil.copytree(self.folder, to, copy_function=shutil.copy2)

    def unmount(self) -> None:
        """Lazily: whatever still holds a file there must not keep the folder."""
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=False, capture_output=True)
            self.mounted = False


def _mount(folder: Path, options: str) -> bool:
    words = ["mount", "-t", "tmpfs", "-o", options, "paxtui-soak", str(folder)]
    return subprocess.run(words, check=False, capture_output=True).returncode == 0


def empty(folder: Path) -> None:
    """Take away everything in a folder, which may be a disk of its own."""
    for each in folder.iterdir():
        if each.is_dir():
            shutil.rmtree(each)
        else:
            each.unlink()


def copy(folder: Path, to: Path) -> None:
    """Keep what a stopped replica has."""
    shutil.copytree(folder, to, copy_function=shutil.copy2)


def put_back(kept: Path, folder: Path) -> None:
    """Put it back in place of what is there, and keep it no longer."""
    empty(folder)
    shutil.copytree(kept, folder, copy_function=shutil.copy2, dirs_exist_ok=True)
    shutil.rmtree(kept)


def commits(folder: Path) -> int:
    """How many commits a replica's database has seen."""
    return _number(folder, "SELECT commit_number FROM state")


def commits_known(folder: Path, replica: int) -> int:
    """What the database in ``folder`` says about the commits of another replica."""
    return _number(folder, f"SELECT commits FROM peers WHERE replica = {replica}")


def _number(folder: Path, question: str) -> int:
    with closing(sqlite3.connect(f"file:{folder / 'replica.db'}?mode=ro", uri=True)) as db:
        row = db.execute(question).fetchone()
    return int(row[0]) if row is not None else -1
