"""Branches of core, wire and storage that the tests of their own folders take: a line a package."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import coverage
import pytest

PACKAGES: Final = ("core", "storage", "wire")
"""Each is measured by the tests of the folder with its name; tracing costs as much again as the code."""

UNTRACED: Final = ("test_every_message_in_every_phase.py", "test_paxos_made_simple.py")
"""Half of the time of these folders: random messages, and planted bugs."""

WORKER: Final = "branches"
"""Under this name a worker of pytest-xdist hands over what it saw."""


def measuring() -> coverage.Coverage:
    """Make a measurement that is kept in memory."""
    packages = [f"paxtui.{package}" for package in PACKAGES]
    return coverage.Coverage(data_file=None, branch=True, source_pkgs=packages, config_file=False)


class Branches:
    """Plugin of a process that runs tests: it traces imports, and then the tests that count."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._coverage = measuring()
        self._folders = tuple(config.rootpath / "tests" / package for package in PACKAGES)
        self._coverage.start()

    def pytest_collection_finish(self) -> None:
        self._coverage.stop()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        if item.path.name in UNTRACED or not any(
            item.path.is_relative_to(folder) for folder in self._folders
        ):
            return (yield)
        self._coverage.start()
        try:
            return (yield)
        finally:
            self._coverage.stop()

    def pytest_sessionfinish(self) -> None:
        self._coverage.stop()
        found = self._coverage.get_data().dumps()
        output: dict[str, Any] | None = getattr(self._config, "workeroutput", None)
        if output is not None:
            output[WORKER] = found
        else:
            self._config.stash.setdefault(FOUND, []).append(found)


FOUND: Final = pytest.StashKey[list[bytes]]()


class BranchesOfWorkers:
    """Plugin of the process that a person looks at, while pytest-xdist runs the tests in others."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        found = getattr(node, "workeroutput", {}).get(WORKER)
        if found is not None:
            self._config.stash.setdefault(FOUND, []).append(found)


def report(config: pytest.Config) -> Iterator[str]:
    """Put together what all processes saw; a line a package."""
    found = config.stash.get(FOUND, [])
    if not found:
        return
    whole = measuring()
    for each in found:
        data = coverage.CoverageData(no_disk=True)
        data.loads(each)
        whole.get_data().update(data)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "branches.json"
        whole.json_report(outfile=str(path))
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
    for package in PACKAGES:
        totals = [each["summary"] for name, each in files.items() if f"paxtui/{package}/" in name]
        taken, branches, run, lines = (
            sum(each[key] for each in totals)
            for key in ("covered_branches", "num_branches", "covered_lines", "num_statements")
        )
        yield (
            f"{package:8} {taken / branches:6.1%} of {branches:,} branches are taken by tests/{package}, "
            f"{run / lines:6.1%} of {lines:,} statements run"
        )
