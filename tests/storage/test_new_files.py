"""Files that a replica creates in its data folder and beside it: their modes, and their descriptors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trio

from paxtui.replica.log.message_log import MessageLog
from paxtui.storage.folder_lock import FolderLock
from paxtui.storage.rollback_guard import RollbackGuard
from tests.storage.conftest import OpenStorage


@pytest.fixture
def no_umask() -> Iterator[None]:
    """The mode that a program asks for is the one that a new file gets."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def descriptor_0_is_free() -> Iterator[None]:
    """A process that was started without standard input gets descriptor 0 for its first file."""
    saved = os.dup(0)
    os.close(0)
    yield
    os.dup2(saved, 0)
    os.close(saved)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.usefixtures("no_umask")
def test_all_may_read_what_a_storage_creates_and_only_its_owner_may_write(
    open_storage: OpenStorage, folder: Path
) -> None:
    open_storage()
    assert {path.name: mode(path) for path in folder.iterdir() if path.name in ("lock", "mark")} == {
        "lock": 0o644,
        "mark": 0o644,
    }


@pytest.mark.usefixtures("no_umask")
def test_all_may_read_a_message_log_and_only_its_owner_may_write_also_after_a_rotation(
    tmp_path: Path,
) -> None:
    path = tmp_path / "replica-0.log"
    log = MessageLog(path)
    try:
        assert mode(path) == 0o644
        path.rename(tmp_path / "replica-0.log.1")
        trio.run(log.reopen)
        assert mode(path) == 0o644
    finally:
        log.close()


@pytest.mark.usefixtures("descriptor_0_is_free")
def test_a_commit_mark_with_descriptor_0_is_closed(tmp_path: Path) -> None:
    guard = RollbackGuard(tmp_path)
    os.fstat(0)  # it is the commit mark's
    guard.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(0)


@pytest.mark.usefixtures("descriptor_0_is_free")
def test_a_lock_with_descriptor_0_is_released(tmp_path: Path) -> None:
    lock = FolderLock.acquire(tmp_path, "a test")
    os.fstat(0)  # it is the lock's
    lock.release()
    FolderLock.acquire(tmp_path, "another test").release()


def test_a_closed_storage_has_no_file_open(open_storage: OpenStorage, folder: Path) -> None:
    storage = open_storage()
    assert open_below(folder)
    storage.close()
    assert open_below(folder) == []


def open_below(folder: Path) -> list[str]:
    """The files in ``folder`` that this process has open."""
    names = []
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # the descriptor by which this folder is listed
            names.append(os.readlink(f"/proc/self/fd/{descriptor}"))
    return [name for name in names if name.startswith(f"{folder}/")]
