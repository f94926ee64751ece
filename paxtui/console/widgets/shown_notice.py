"""The notice that stands in the last line, and for how long."""

from __future__ import annotations

from collections import deque
from typing import Final

from paxtui.console.driver import Notice

NOTICE_S: Final = 4.0
"""Seconds for which a short notice is shown."""

READ_CHARS_S: Final = 30.0
"""Characters of a long notice that are read in a second."""


class ShownNotice:
    """The newest notice, until it was long enough on screen to be read."""

    def __init__(self) -> None:
        self.notice: Notice | None = None
        self._until = 0.0

    def take_from(self, notices: deque[Notice], now: float) -> bool:
        """Take the newest of ``notices``, or drop one that was read; return whether another one is shown."""
        before = self.notice
        while notices:
            self.notice = notices.popleft()
            self._until = now + max(NOTICE_S, len(self.notice.text) / READ_CHARS_S)
        if self.notice is not None and now > self._until:
            self.notice = None
        return self.notice is not before
