"""A check that the files of an open database are still there."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path


class OpenFiles:
    """The files of an open database, as they were when it was opened."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._inodes = {path: path.stat().st_ino for path in paths}

    def check_there(self) -> None:
        """Raise ``OSError`` if one was deleted or replaced.

        A file that is deleted goes on to take every write, and all of them are lost with the process.
        """
        for path, inode in self._inodes.items():
            try:
                found = os.stat(path).st_ino
            except FileNotFoundError:
                raise OSError(errno.ENOENT, "was deleted while the replica runs", str(path)) from None
            if found != inode:
                raise OSError(errno.ENOENT, "was replaced while the replica runs", str(path))
