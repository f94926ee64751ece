"""Requests under way, appends and reads alike."""

from __future__ import annotations

from typing import Protocol

import trio

from paxtui.client import ClientError, Log


class Pending(Protocol):
    """A request as drivers need it: :class:`paxtui.client.Receipt` is one."""

    @property
    def started(self) -> float:
        """Give the moment when it began, in ``trio.current_time()`` seconds."""

    @property
    def ended(self) -> float:
        """Give the moment when its answer came."""

    @property
    def done(self) -> bool:
        """Tell whether its outcome is known."""

    async def result(self) -> object:
        """Wait for the outcome."""

    def outcome(self) -> object:
        """Give the outcome of one that is done; raises what :meth:`result` raises."""


class ReadReceipt:
    """A linearizable read of one slot that is under way: what :class:`paxtui.client.Receipt` is to an append.
    It takes a task, since the client library has no receipts for reads."""

    def __init__(self) -> None:
        self.started = self.ended = trio.current_time()
        self.done = False
        self._finished = trio.Event()
        self._failure: ClientError | None = None

    @classmethod
    def begin(cls, log: Log, slot: int, nursery: trio.Nursery) -> ReadReceipt:
        """Ask for the slot, in a task of ``nursery``."""
        request = cls()
        nursery.start_soon(request._run, log, slot)
        return request

    async def _run(self, log: Log, slot: int) -> None:
        try:
            await log.read(slot, 1)
        except ClientError as error:
            self._failure = error
        self.ended = trio.current_time()
        self.done = True
        self._finished.set()

    async def result(self) -> None:
        """Wait for the page."""
        await self._finished.wait()
        self.outcome()

    def outcome(self) -> None:
        """Raise what the read raised."""
        if self._failure is not None:
            raise self._failure
