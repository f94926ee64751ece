"""A tape in place of a cluster: nothing is started, nothing is dialled, and nothing can be changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import outcome

from paxtui.console import commands as c
from paxtui.console.driver.driver import PAST, ClusterDriver, Notice
from paxtui.console.model.past import Past
from paxtui.console.options import ConsoleOptions

if TYPE_CHECKING:
    from outcome import Outcome


class ReplayDriver(ClusterDriver):
    """The driver of a console that shows a tape."""

    replays = True

    def __init__(self, options: ConsoleOptions, past: Past) -> None:
        super().__init__(options)
        self._past = past
        self._ended: Callable[[Outcome[None]], object] | None = None
        self.in_past = True

    def start(self, loop: asyncio.AbstractEventLoop, ended: Callable[[Outcome[None]], object]) -> None:
        self._ended = ended

    def stop(self) -> None:
        if self._ended is not None:
            ended, self._ended = self._ended, None
            ended(outcome.Value(None))

    def past(self) -> Past:
        return self._past

    def poll(self, now: float) -> None:
        pass  # nothing happens

    def enqueue(self, command: c.ConsoleCommand) -> None:
        if not isinstance(command, c.FetchPageCommand | c.LookAroundCommand | c.LeaveCommand):
            self.notices.append(Notice(f"not done: {PAST}", failed=True))

    def last_words(self) -> list[str]:
        return []
