"""The wall clock, watched: times of day are for people, and a person should know when they jump."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from paxtui.replica.event_log import EventLog

STEP_S: Final = 5.0
"""Clocks that are slewed differ by less between two looks."""

LINE_EVERY_S: Final = 10.0
"""A clock that jumps to and fro has one line in so many seconds, about all of its steps together."""


class StepWatch:
    """A comparison of the wall clock with elapsed time, which logs when they step apart."""

    def __init__(
        self,
        event_log: EventLog,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._event_log = event_log
        self._monotonic = monotonic
        self._wall = wall
        self._offset_s: float | None = None
        """The wall clock minus elapsed time, as of the last look."""
        self._stepped_s = 0.0
        """Of steps that are not told yet."""
        self._quiet_until = float("-inf")

    def check_clock(self) -> None:
        """Tell a step since the last look, if there was one."""
        now = self._monotonic()
        before, self._offset_s = self._offset_s, self._wall() - now
        if before is not None and abs(self._offset_s - before) > STEP_S:
            self._stepped_s += self._offset_s - before
        if abs(self._stepped_s) > STEP_S and now >= self._quiet_until:
            self._event_log.warning(
                "clock",
                f"the wall clock stepped by {self._stepped_s:+,.0f} s; ages are counted by elapsed time",
            )
            self._stepped_s = 0.0
            self._quiet_until = now + LINE_EVERY_S
