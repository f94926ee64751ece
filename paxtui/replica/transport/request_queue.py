"""One connection's requests in their order, the costly ones only a few at a time, and none while too many
are unanswered.

An append costs some microseconds, a status or an operator's order a hundred and more: one read from a socket
may hold eight thousand of them, which would stop all others, and the heartbeats, for a second.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

import trio
import trio.lowlevel

from paxtui.wire.errors import WireError

COSTLY_AT_ONCE = 16
"""Costly requests that are taken before all others of the replica have their turn."""

T = TypeVar("T")


class RequestQueue(Generic[T]):
    """A queue that executes requests at once, as long as there is room and no others wait before them."""

    def __init__(
        self, act: Callable[[T], None], costly: Callable[[T], bool], full: Callable[[], bool]
    ) -> None:
        self._execute = act
        self._costly = costly
        self._full = full
        self._taken = 0
        self._waiting: deque[T | WireError] = deque()
        self._wanted = trio.Event()
        self._empty = trio.Event()

    @property
    def busy(self) -> bool:
        """Return whether requests wait: nothing more should be read from the connection."""
        return bool(self._waiting)

    def begin_read(self) -> None:
        """Begin a new piece of requests, which was read at once."""
        self._taken = 0

    def put(self, request: T) -> None:
        """Act on the request, or let it wait."""
        costly = self._costly(request)
        if self._waiting or (costly and self._taken >= COSTLY_AT_ONCE) or self._full():
            self._waiting.append(request)
            self._wanted.set()
            return
        self._taken += costly
        self._execute(request)

    def put_error(self, error: WireError) -> None:
        """End with the error of a bad frame. What came before it is answered first."""
        if not self._waiting:
            raise error
        self._waiting.append(error)

    def wake(self) -> None:
        """Go on with what waits, as there may be room again."""
        if self._waiting:
            self._wanted.set()

    async def wait_empty(self) -> None:
        """Wait until nothing waits."""
        while self._waiting:
            await self._empty.wait()

    async def run(self, emptied: Callable[[], None]) -> None:
        """Act on what waits, a few at a time, until cancelled; ``emptied`` when that is done."""
        while True:
            await self._wanted.wait()
            self._wanted = trio.Event()
            while self._waiting and not self._full():
                await trio.lowlevel.checkpoint()
                self._take_some()
            if not self._waiting:
                emptied()
                self._empty.set()
                self._empty = trio.Event()

    def _take_some(self) -> None:
        costly = 0
        while self._waiting and costly < COSTLY_AT_ONCE and not self._full():
            request = self._waiting.popleft()
            if isinstance(request, WireError):
                raise request
            costly += self._costly(request)
            self._execute(request)
