"""What a run of the tests shows while it goes on, and what it says about tests that cannot run here."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from typing import Final

import pytest

from tests import branches, missing_tools, order
from tests.homes import OwnFolders
from tests.progress import Progress

STARTS: Final = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn"})
"""Audit events of which each is a new process."""

UNMARKED: Final = "a test that starts a process needs @pytest.mark.processes"


GARBAGE_EVERY: Final = 20_000
"""Objects that are made between two looks for garbage. Python's own 700 takes a fifth of the time of a test
that draws a screen: thousands of tests and all modules are looked through again and again."""


class NoProcesses:
    """Plugin that fails a test which starts a process and is not marked: it is not for `make unit`."""

    def __init__(self) -> None:
        self._forbidden = False
        sys.addaudithook(self._heard)

    def _heard(self, event: str, _: object) -> None:
        if self._forbidden and event in STARTS:
            raise RuntimeError(UNMARKED)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._forbidden = item.get_closest_marker("processes") is None
        try:
            return (yield)
        finally:
            self._forbidden = False


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--progress", action="store_true", help="show in one line how far the run is and what runs"
    )
    parser.addoption(
        "--branches",
        action="store_true",
        help="say which share of the branches of core, storage and wire is taken",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(NoProcesses(), "paxtui-no-processes")
    config.pluginmanager.register(OwnFolders(), "paxtui-own-folders")
    # Workers of pytest-xdist report to the process that the person looks at.
    if config.getoption("--progress") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress(config), "paxtui-progress")
    if config.getoption("--branches"):
        workers = not hasattr(config, "workerinput") and config.getoption("numprocesses", None)
        plugin = branches.BranchesOfWorkers(config) if workers else branches.Branches(config)
        config.pluginmanager.register(plugin, "paxtui-branches")


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(GARBAGE_EVERY, 20, 50)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    slow = [item for item in items if item.get_closest_marker("slow") is not None]
    quick = [item for item in items if item.get_closest_marker("slow") is None]
    items[:] = order.spread(slow, quick, order.workers())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = [str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", [])]
    for line in (*branches.report(terminalreporter.config), *missing_tools.summary(reasons)):
        terminalreporter.write_line(line)
