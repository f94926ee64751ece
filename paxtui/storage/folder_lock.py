"""The data folder itself: created durably, and used by one process at a time."""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path

from paxtui.storage.errors import DiskRefused, StorageRefused

LOCK_FILE = "lock"

_THE_DISKS_FAULT = (errno.EIO, errno.EROFS, errno.ENOSPC, errno.EDQUOT)

_HOLDER_BYTES_MAX = 200
"""How much of another process's lock file is read to say who holds it."""


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable: a file that was synced can still lose its name."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Create ``folder`` and what is missing above it, each name durable in its parent.

    Raises ``StorageRefused`` where that is impossible. A folder that exists is synced as well: the
    process that created it may have been killed before it came to that.
    """
    folder = folder.absolute()
    try:
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        for path in reversed(missing):
            path.mkdir(exist_ok=True)
            sync_folder(path.parent)
        if not folder.is_dir():
            raise StorageRefused(
                f"{folder}: is a file, not a folder; name another data folder or move it away"
            )
        if not missing:
            _sync_parent_if_readable(folder)
    except OSError as error:
        raise unusable(folder, error) from error


def unusable(path: Path, error: OSError) -> StorageRefused:
    """Make the refusal for what the operating system said about ``path``."""
    kind = DiskRefused if error.errno in _THE_DISKS_FAULT else StorageRefused
    return kind(
        f"{path}: cannot be used as a data folder: {error.strerror or error}; "
        "make it writable for this user or name another data folder"
    )


def _sync_parent_if_readable(folder: Path) -> None:
    # A service's folder often stands in one that it may pass through but not read. It was
    # made by another user, and long ago.
    with suppress(PermissionError):
        sync_folder(folder.parent)


class FolderLock:
    """An exclusive ``flock`` on the file ``lock`` in a data folder.

    The kernel drops it with the process, also after SIGKILL, so there is no stale lock to clean up. The
    file stays: unlinking it would let two processes hold "the" lock on two files of one name.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, folder: Path, purpose: str) -> FolderLock:
        """Lock ``folder`` or raise ``StorageRefused``; the file then holds our pid and ``purpose``."""
        path = folder / LOCK_FILE
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise unusable(path, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n{purpose}\n".encode(), 0)
        except BlockingIOError:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise StorageRefused(
                f"{path}: in use by {holder}; stop that replica first or name another data folder"
            ) from None
        except OSError as error:
            os.close(descriptor)
            raise unusable(path, error) from error
        return cls(path, descriptor)

    def release(self) -> None:
        """Unlock; a second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _holder(descriptor: int) -> str:
    lines = os.pread(descriptor, _HOLDER_BYTES_MAX, 0).decode(errors="replace").splitlines()
    if not lines or not lines[0].isdigit():
        return "another process"  # it has locked the file and not written its pid yet
    purpose = f" ({lines[1]})" if len(lines) > 1 else ""
    return f"process {lines[0]}{purpose}"
