"""Errors of a replica's data folder, by when they strike: before it joins, or while it runs."""

from __future__ import annotations


class StorageRefused(Exception):
    """The data folder cannot be used; nothing was promised from it yet.

    The message is one line for a person: it names the file, what is wrong and the way out. The command
    line prints it and exits with code 2.
    """


class DiskRefused(StorageRefused):
    """A refusal because the disk, or what is on it, cannot be trusted or used; no configuration would help.
    The command line exits with code 4, as it does when the disk fails while the replica runs."""


class SlotDamaged(Exception):
    """The row of a learned slot is not what was stored. It is neither served nor applied; the replica goes
    on, because what is learned can be learned again from another replica."""

    def __init__(self, slot: int, text: str) -> None:
        super().__init__(text)
        self.slot = slot


class SlotRemoved(Exception):
    """The slot is below the log start: removed here, and on all replicas."""

    def __init__(self, log_start: int) -> None:
        super().__init__(f"slots below {log_start} are removed")
        self.log_start = log_start


class StorageFailed(Exception):
    """A write, a sync or a read failed while the replica was running.

    The message is one line with the file and the cause. What the failed commit would have stored counts
    as unknown, so the replica stops at once: it must not answer from a state that it may not have.
    """
