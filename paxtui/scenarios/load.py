"""Clients that append as a step says, with random pauses from the seed."""

from __future__ import annotations

import random

import trio

from paxtui.client import Log, connect
from paxtui.config.cluster_file import Cluster
from paxtui.scenarios.history import History
from paxtui.scenarios.vocabulary import AppendStep


class AppendLoad:
    """The clients of one ``append`` step."""

    def __init__(
        self, cluster: Cluster, history: History, step: AppendStep, first: int, rng: random.Random
    ) -> None:
        self._cluster = cluster
        self._history = history
        self._step = step
        self._names = [f"c{first + number}" for number in range(step.clients)]
        self._rngs = [random.Random(rng.random()) for _ in self._names]
        endless = step.background and step.messages is None
        self._messages = None if endless else step.messages or 1
        self.stopping = False
        self.done = trio.Event()

    @property
    def endless(self) -> bool:
        """Tell whether only ``stop-load`` ends it."""
        return self._messages is None and not self.stopping

    async def run(self) -> None:
        """Append until everything is sent and answered, or :attr:`stopping` is set."""
        try:
            async with trio.open_nursery() as nursery:
                for name, rng in zip(self._names, self._rngs, strict=True):
                    nursery.start_soon(self._client, name, rng)
        finally:
            self.done.set()

    async def _client(self, name: str, rng: random.Random) -> None:
        async with connect(self._cluster, name=name) as log, trio.open_nursery() as nursery:
            counter = RequestNumbers()
            for _ in range(self._step.at_once):
                nursery.start_soon(self._lane, log, name, rng, counter)

    async def _lane(self, log: Log, name: str, rng: random.Random, counter: RequestNumbers) -> None:
        """Append one message after the other; a client has ``at_once`` such lanes."""
        while not self.stopping and (self._messages is None or counter.last < self._messages):
            counter.last += 1
            number = counter.last
            await self._history.append(log, name, number, f"{name} says {number}", self._step.timeout_s)
            if self._step.interval_ms is not None:
                await trio.sleep(rng.uniform(*self._step.interval_ms) / 1000)


class RequestNumbers:
    """The number of a client's last request."""

    def __init__(self) -> None:
        self.last = 0
