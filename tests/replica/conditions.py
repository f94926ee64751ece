"""Waiting for what will be true, without guessing how long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import trio

PATIENCE_S = 30.0
"""So long that only a mistake, not a busy machine, makes it run out."""

LOOK_S = 0.01

T = TypeVar("T")


def until(condition: Callable[[], T], what: str, patience_s: float = PATIENCE_S) -> T:
    """The first result of ``condition`` that is true."""
    deadline = time.monotonic() + patience_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"after {patience_s:g} s still not: {what}"
        time.sleep(LOOK_S)
    return found


async def eventually(condition: Callable[[], T], what: str, patience_s: float = PATIENCE_S) -> T:
    """The same in a test with Trio."""
    deadline = time.monotonic() + patience_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"after {patience_s:g} s still not: {what}"
        await trio.sleep(LOOK_S)
    return found
