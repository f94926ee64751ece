"""The order of tests: what takes long begins early, so that a run does not end with one worker at work."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

WORKERS_VARIABLE = "PYTEST_XDIST_WORKER_COUNT"


def workers() -> int:
    """Return how many workers of pytest-xdist share the run; 1 if it is not shared."""
    return int(os.environ.get(WORKERS_VARIABLE, "1"))


def spread(slow: Sequence[T], quick: Sequence[T], count: int) -> list[T]:
    """Put a share of the slow ones before each worker's share of all.

    pytest-xdist first gives each of ``count`` workers an equal run of the list.
    """
    total = len(slow) + len(quick)
    long, short = list(slow), list(quick)
    shares: list[list[T]] = []
    for worker in range(count):
        size = (worker + 1) * total // count - worker * total // count
        wanted = -(-len(long) // (count - worker))  # of those that are left, an equal part
        longs = min(size, max(wanted, size - len(short)))
        shares.append([*long[:longs], *short[: size - longs]])
        del long[:longs], short[: size - longs]
    return [each for share in shares for each in share]
