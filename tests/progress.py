"""One line about a run of the tests: how far it is, how long it has taken, and which files run now."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO

import pytest

STEP_PERCENT = 5
"""Without a terminal, a line is written each time that so many percent more are done."""


class Progress:
    """A pytest plugin: it takes the place of the dots. Failures are named when they happen."""

    def __init__(self, config: pytest.Config, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._terminal = self._out.isatty()
        self._workers = bool(config.getoption("numprocesses", None))
        self._started = time.monotonic()
        self._total = 0
        self._done = 0
        self._running: dict[str, None] = {}
        self._told_percent = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if not self._workers:
            self._total = len(session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        self._total = len(ids)

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        if report.failed:
            return None
        counted = report.when == "call" or report.skipped
        return (report.outcome if counted else "", "", "")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._running[nodeid] = None
        self._show()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._clear()
            self._out.write(f"FAILED {report.nodeid}\n")

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._running.pop(nodeid, None)
        self._done += 1
        self._show()

    def pytest_sessionfinish(self) -> None:
        self._clear()

    def line(self) -> str:
        """The line itself: ``37 %  1,632 of 4,318  3:05  tests/tools/netns/test_real_networks.py``."""
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        files = dict.fromkeys(nodeid.partition("::")[0] for nodeid in self._running)
        total = max(self._total, self._done)
        percent = 100 * self._done // max(total, 1)
        return f"{percent:3} %  {self._done:,} of {total:,}  {minutes}:{seconds:02}  {', '.join(files)}"

    def _show(self) -> None:
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            self._out.write(f"\r\x1b[2K{self.line()[:width]}")
            self._out.flush()
            return
        percent = 100 * self._done // max(self._total, 1)
        if percent >= self._told_percent + STEP_PERCENT:
            self._told_percent = percent - percent % STEP_PERCENT
            self._out.write(f"{self.line()}\n")
            self._out.flush()

    def _clear(self) -> None:
        if self._terminal:
            self._out.write("\r\x1b[2K")
