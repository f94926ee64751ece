"""What a run of the tests shows while it goes on, and what it says about tests that cannot run here."""

from __future__ import annotations

import pytest

from tests import missing_tools
from tests.progress import Progress


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--progress", action="store_true", help="show in one line how far the run is and what runs"
    )


def pytest_configure(config: pytest.Config) -> None:
    # Workers of pytest-xdist report to the process that the person looks at.
    if config.getoption("--progress") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress(config), "paxtui-progress")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = [str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", [])]
    for line in missing_tools.summary(reasons):
        terminalreporter.write_line(line)
