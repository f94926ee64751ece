"""Giving a file a second name, or a name that no file has yet, on any file system."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Final

NO_LINKS: Final = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK, errno.EACCES}
"""What file systems without hard links answer, such as FAT, many network and FUSE ones."""


def rename_exclusively(draft: Path, target: Path) -> None:
    """Name ``draft`` ``target``, and replace nothing. Raises ``FileExistsError`` if the name is taken."""
    try:
        os.link(draft, target)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # the name is ours now
        try:
            draft.replace(target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    else:
        draft.unlink()


def keep_as(path: Path, kept: Path) -> None:
    """Give what is in ``path`` the name ``kept`` as well: a link, else a copy that is on disk."""
    try:
        os.link(path, kept)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        with path.open("rb") as source, kept.open("xb") as copy:
            shutil.copyfileobj(source, copy, 1024 * 1024)
            copy.flush()
            os.fsync(copy.fileno())
