"""Stories, and the app on a driver that only takes commands down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import hypothesis
import pytest

from tests.console.pilot import Played, played
from tests.console.story import Story

# Machines that run tests are busy: a time limit on each example would only fail by chance.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

Act = Callable[[Played], Awaitable[None]]


@pytest.fixture
def story() -> Story:
    """Three replicas that serve; r0 leads and ten slots are applied."""
    told = Story(3).up()
    told.choose(f"message {number}" for number in range(10))
    return told


@pytest.fixture
def play() -> Callable[..., None]:
    """``play(act, n=3, size=(160, 45))``: run the app, and ``act`` on it as a person would."""

    def run(act: Act, **options: object) -> None:
        async def main() -> None:
            async with played(**options) as on:  # type: ignore[arg-type]
                await act(on)

        asyncio.run(main())

    return run
