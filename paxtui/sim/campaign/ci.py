"""The seeds that run on every commit: the same ones for all, and others for each commit."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from paxtui.sim.campaign.campaign import Run
from paxtui.sim.plan.plan import PROFILES, SPECIAL
from paxtui.sim.randomness import mixed

FIXED = 500
DERIVED = 1000
TWICE = 20

NO_COMMIT = 20
"""In place of a commit's number, where there is none."""

WEATHERED = 2
"""A seed of a special profile for so many of each of the others: it takes three times as long."""

ROUND = (*PROFILES * WEATHERED, *(profile for profile in SPECIAL if profile != "canary"))


def fixed() -> Iterator[Run]:
    """Yield seeds from 0 on, the profiles in turn."""
    return islice(_from(0), FIXED)


def derived(commit: str | None) -> Iterator[Run]:
    """Yield seeds that nobody chose, the same for everybody who tries this commit."""
    return islice(_from(first_seed(commit)), DERIVED)


def repeated_runs(commit: str | None) -> Iterator[Run]:
    """Yield the first of these runs, each of which is run a second time."""
    return islice(_from(first_seed(commit)), TWICE)


def first_seed(commit: str | None) -> int:
    """Below 2^40, so that it can be typed; a multiple of the profiles, so that they start in turn."""
    number = NO_COMMIT if commit is None else int(commit[:16], 16)
    seed = mixed(number) >> 24
    return seed - seed % len(ROUND)


def _from(first: int) -> Iterator[Run]:
    seed = first
    while True:
        yield seed, ROUND[seed % len(ROUND)]
        seed += 1
