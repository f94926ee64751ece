"""Limits on what is sent and kept (invariant 11)."""

from __future__ import annotations

from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.core.messages import RUN_MAX
from paxtui.core.settings import Settings
from paxtui.core.values import Command, weight


class LimitsChecker:
    """Checks against one :class:`Settings`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._run_slots = min(settings.run_slots, RUN_MAX)

    def run(self, replica: int, values: list[Command] | tuple[Command, ...]) -> None:
        """Check one message: few slots and few characters, but always room for one value."""
        if len(values) > self._run_slots:
            raise InvariantBroken(Invariant.LIMITS, f"{len(values)} slots in one message", replica)
        if len(values) > 1 and sum(map(weight, values)) > self._settings.run_chars:
            raise InvariantBroken(Invariant.LIMITS, "too many characters in one message", replica)

    def window(self, replica: int, end: int, watermark: int) -> None:
        """Check how far ahead of what it learned a leader proposes."""
        if end - watermark > self._settings.window_slots:
            raise InvariantBroken(
                Invariant.LIMITS, f"it proposes up to slot {end} at watermark {watermark}", replica
            )

    def ahead(self, replica: int, end: int, watermark: int) -> None:
        """Check how far ahead of what it learned an acceptor votes."""
        if end - watermark > self._settings.ahead_slots:
            raise InvariantBroken(
                Invariant.LIMITS, f"it votes up to slot {end} at watermark {watermark}", replica
            )

    def memory_kept(self, replica: int, queued: int, sessions: int, in_flight: int) -> None:
        """Check what a replica holds in memory."""
        settings = self._settings
        if (
            queued <= settings.queue_slots
            and sessions <= settings.sessions_max
            and in_flight <= settings.window_slots
        ):
            return
        for what, count, limit in (
            ("queued requests", queued, settings.queue_slots),
            ("sessions", sessions, settings.sessions_max),
            ("slots in flight", in_flight, settings.window_slots),
        ):
            if count > limit:
                raise InvariantBroken(Invariant.LIMITS, f"{count} {what}, the limit is {limit}", replica)
