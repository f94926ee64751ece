"""Folders of a test's own in place of those below the user's home."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

import pytest

FOLDERS: Final = ("XDG_CONFIG_HOME", "XDG_STATE_HOME")
"""Variables that name where the program, and what it starts, keeps what outlives it."""

CONFIG_OF_THE_USER: Final = os.environ.get(FOLDERS[0]) or str(Path.home() / ".config")
"""For what is no part of this project: pip reads there where packages come from."""


class OwnFolders:
    """Plugin that gives each test, and the processes that it starts, folders which nothing else uses.

    Without them a test finds the clusters that the user runs, and the user finds those of the tests.
    """

    def __init__(self) -> None:
        self._root = tempfile.mkdtemp(prefix="paxtui-homes-")
        self._numbers = count()
        self._before = {name: os.environ.get(name) for name in FOLDERS}
        self._move()

    def _move(self) -> None:
        """Name new folders; the program makes those that it writes to."""
        own = os.path.join(self._root, str(next(self._numbers)))
        for name in FOLDERS:
            os.environ[name] = os.path.join(own, name.lower())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        self._move()
        return (yield)

    def pytest_unconfigure(self) -> None:
        for name, value in self._before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        shutil.rmtree(self._root, ignore_errors=True)
