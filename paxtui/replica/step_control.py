"""Stepping through a replica: its staged messages are released, and its clock is moved, one by one."""

from __future__ import annotations

from typing import Protocol

import trio

from paxtui.core.replica import Replica
from paxtui.replica.faults.registry import FaultRegistry
from paxtui.replica.observability.telemetry import Telemetry
from paxtui.replica.protocol_clock import INFINITY, ProtocolClock
from paxtui.replica.transport.outbound import OutboundLinks
from paxtui.wire.requests import (
    STAGED_PAGE_MAX,
    ReleasedReply,
    ReleaseRequest,
    StagedList,
    StagedMatch,
    TickedReply,
)


class SteppedHost(Protocol):
    """The host of a core that is stepped."""

    @property
    def core(self) -> Replica | None:
        """The core; ``None`` during warm-up."""

    @property
    def failed(self) -> bool:
        """Return whether nothing may leave any more."""

    @property
    def protocol_clock(self) -> ProtocolClock:
        """What the core is told of time."""

    @property
    def outbound(self) -> OutboundLinks:
        """The ways out, with what is staged there."""

    @property
    def fault_registry(self) -> FaultRegistry:
        """The faults, holds among them."""

    @property
    def telemetry(self) -> Telemetry:
        """Return what observers are told."""

    def kick(self) -> None:
        """Take the core's output soon."""


class StepControl:
    """The staged messages and the clock of one host, as an operator steps through them."""

    def __init__(self, host: SteppedHost) -> None:
        self._host = host
        host.fault_registry.on_hold_ended = self._release_ended

    def list_staged(self, ask: int, first: int) -> StagedList:
        """Return what is staged, from number ``first`` on, for the request ``ask``."""
        staged, now = self._host.outbound.staged, trio.current_time()
        found = [held for held in staged if held.number >= first]
        timer, at = self._next_timer()
        return StagedList(
            id=ask,
            messages=tuple(staged.view(held, now) for held in found[:STAGED_PAGE_MAX]),
            more=max(0, len(found) - STAGED_PAGE_MAX),
            clock=self._host.protocol_clock.rate,
            next_timer=timer,
            in_s=None if timer is None else max(0.0, at - self._host.protocol_clock.now()),
        )

    def release(self, request: ReleaseRequest) -> ReleasedReply | str:
        """Release what ``request`` means; the reason if that is impossible."""
        outbound = self._host.outbound
        if self._host.failed:
            return "its disk has failed, or a rule is broken: nothing may leave it any more"
        if request.numbers is None:
            match = request.match or StagedMatch()
            taken = outbound.staged.take(outbound.staged.matching(match))
        elif missing := outbound.staged.missing(request.numbers):
            return f"message {missing[0]} is not staged here"
        else:
            taken = outbound.staged.take_numbers(request.numbers)
        released, unsent = outbound.release(taken, request.how, watched=self._host.telemetry.watched)
        self._host.kick()  # observers are told with the next turn
        return ReleasedReply(id=request.id, released=released, unsent=unsent)

    def _release_ended(self) -> None:
        """Let leave, in order, what no hold keeps any more."""
        host, holds = self._host, self._host.fault_registry.holds
        if not host.failed:
            taken = host.outbound.staged.take(lambda held: not holds(held.to, held.message))
            host.outbound.release(taken, "end", watched=host.telemetry.watched)
            host.kick()

    def tick(self, ask: int, ms: float | None) -> TickedReply | str:
        """Move the clock by ``ms``, or to the next timer, and never over a timer; the reason if that is
        impossible."""
        if self._host.core is None:
            return "it is still warming up"
        clock = self._host.protocol_clock
        timer, deadline = self._next_timer()
        if timer is None and ms is None:
            return "it waits for no timer"
        at = deadline if ms is None else min(deadline, clock.now() + ms / 1000)
        moved_s = clock.advance_to(at)
        self._host.kick()
        return TickedReply(id=ask, moved_ms=moved_s * 1000, fired=timer if at == deadline else None)

    def _next_timer(self) -> tuple[str | None, float]:
        """Return what time alone brings next, and when by the protocol's clock."""
        if self._host.core is None:
            return None, INFINITY
        name, at = min(self._host.core.timers.items(), key=lambda timer: timer[1])
        return (None if at == INFINITY else name), at
