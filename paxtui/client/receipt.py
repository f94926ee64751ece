"""An append that was begun, and what became of it."""

from __future__ import annotations

from collections.abc import Callable

import trio
from msgspec import Struct

from paxtui.client.errors import ClientError
from paxtui.wire.values import Ballot

STOOD_STILL_S = 1.0
"""A process that wakes this long after a deadline did not run: ctrl-z, a debugger, a closed laptop."""


class AppendResult(Struct, frozen=True):
    """Where an append went, and how long it took from the call to the answer."""

    slot: int
    ballot: Ballot
    replica: int
    ms: float


class Receipt:
    """An append that was begun by :meth:`paxtui.client.Log.submit`.

    Hundreds are in flight on one connection, so it costs no task and no event unless somebody waits.
    """

    __slots__ = (
        "_ballot",
        "_event",
        "_failure",
        "_give_up",
        "_replica",
        "_slot",
        "deadline",
        "done",
        "ended",
        "request",
        "sends",
        "started",
        "text",
    )

    def __init__(
        self, request: int, text: str, started: float, deadline: float, give_up: Callable[[Receipt], None]
    ) -> None:
        self.request = request
        """Its number in the session."""
        self.text = text
        self.started = self.ended = started
        """When it was begun and when its answer came, in ``trio.current_time()`` seconds."""
        self.deadline = deadline
        self.sends = 0
        """How often it has left."""
        self.done = False
        """Whether its outcome is known: :meth:`outcome` has it without waiting."""
        self._give_up = give_up
        self._event: trio.Event | None = None
        self._slot = -1
        self._ballot = Ballot.ZERO
        self._replica = -1
        self._failure: ClientError | None = None

    async def result(self) -> AppendResult:
        """Wait for the outcome; raises as :meth:`paxtui.client.Log.append` does."""
        if not self.done:
            self._event = self._event or trio.Event()
            try:
                late_s = STOOD_STILL_S
                while late_s >= STOOD_STILL_S and not self.done:
                    with trio.move_on_at(self.deadline):
                        await self._event.wait()
                    # A process that stood still has had no chance to read the answer, which may be there.
                    late_s = trio.current_time() - self.deadline
                    self.deadline += late_s + STOOD_STILL_S if late_s >= STOOD_STILL_S else 0.0
            finally:
                if not self.done:
                    self._give_up(self)
        return self.outcome()

    def outcome(self) -> AppendResult:
        """The outcome of an append that is ``done``; raises as :meth:`result` does."""
        if not self.done:
            raise RuntimeError("the outcome of this append is not known yet; await result()")
        if self._failure is not None:
            raise self._failure
        return AppendResult(self._slot, self._ballot, self._replica, (self.ended - self.started) * 1000)

    def succeed(self, slot: int, ballot: Ballot, replica: int, now: float) -> None:
        """For the log: the answer came."""
        self._slot = slot
        self._ballot = ballot
        self._replica = replica
        self.ended = now
        self.done = True
        if self._event is not None:
            self._event.set()

    def fail(self, failure: ClientError, now: float) -> None:
        """For the log: it will not be answered any more."""
        self._failure = failure
        self.ended = now
        self.done = True
        if self._event is not None:
            self._event.set()
