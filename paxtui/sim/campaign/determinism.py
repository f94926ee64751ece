"""Each seed in two processes with different hash seeds: all that happens must be the same.

What may differ between two processes is the order of a set, or an ``id``: a simulator in which such a thing
decided anything would give failures that nobody can repeat.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from typing import Any

from msgspec import msgpack
from msgspec.structs import replace

from paxtui.core.durable_state import DurableState
from paxtui.core.events import Event
from paxtui.core.messages import PeerMessage
from paxtui.sim.campaign.campaign import Run, Task
from paxtui.sim.campaign.workers import ProcessWorkers, ended_in_time
from paxtui.sim.cluster.record import LastLines
from paxtui.sim.cluster.simulation import RunResult, simulate
from paxtui.sim.plan.plan_generator import generate_plan

HASH_SEEDS = ("1", "2")
"""``PYTHONHASHSEED`` of the one process and of the other."""

LINES_MAX = 10_000_000


class NotRepeatable(Exception):
    """One seed gave two different runs: the simulator itself is broken."""


class Digest:
    """A recorder that keeps nothing but a hash of everything that happened."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)

    def _add(self, *what: Any) -> None:
        self._hash.update(msgpack.encode(what))

    def life(self, at: float, replica: int, saved: DurableState) -> None:
        """Hash what a replica starts with."""
        self._add(at, replica, saved.promised, saved.round, saved.chain, saved.votes)

    def ended(self, at: float, replica: int, why: str) -> None:
        """Note that a replica runs no more."""
        self._add(at, replica, why)

    def event(self, at: float, replica: int, event: Event) -> None:
        """Note a trace event."""
        self._add(at, replica, event)

    def note(self, at: float, replica: int | None, what: str, detail: str) -> None:
        """Hash what was done to a replica."""
        self._add(at, replica, what, detail)

    def message(self, at: float, sender: int, to: int, message: PeerMessage) -> None:
        """Note that a message arrives."""
        self._add(at, sender, to, message)

    @property
    def hex(self) -> str:
        """Give the hash of what has happened so far."""
        return self._hash.hexdigest()


def hashed(task: Task) -> list[tuple[RunResult, str]]:
    """Run a task, and give each run with the hash of everything that happened in it."""
    ended = []
    for seed, profile in task:
        digest = Digest()
        ended.append((simulate(generate_plan(seed, profile), digest), digest.hex))
    return ended


def lines_of(run: Run) -> list[str]:
    """List everything that happens in a run, for a person."""
    tail = LastLines(LINES_MAX, messages=True)
    simulate(generate_plan(*run), tail)
    return list(tail.lines)


class Twins:
    """A pool in which two processes do everything, and must agree."""

    def __init__(self, jobs: int) -> None:
        self.jobs = max(jobs // 2, 1)
        self._pools = [ProcessWorkers(self.jobs) for _ in HASH_SEEDS]
        self._stack = ExitStack()

    def __enter__(self) -> Twins:
        self._stack.enter_context(ended_in_time(*self._pools))
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def submit(self, task: Task) -> Pair:
        """Begin it in both."""
        return Pair(self, task, self.both(hashed, task))

    def both(self, call: Callable[[Any], Any], argument: Any) -> list[Future[Any]]:
        """Make the same call in both processes; a process is started by the first call that needs it."""
        futures = []
        for pool, hash_seed in zip(self._pools, HASH_SEEDS, strict=True):
            with _hash_seed(hash_seed):
                futures.append(pool.submit(call, argument))
        return futures


class Pair:
    """A task that two processes do."""

    def __init__(self, twins: Twins, task: Task, futures: list[Future[Any]]) -> None:
        self._twins = twins
        self._task = task
        self.futures = futures

    def result(self) -> list[RunResult]:
        """Return the result that both have found. Raises :class:`NotRepeatable` if they differ."""
        first, second = (future.result() for future in self.futures)
        for run, one, other in zip(self._task, first, second, strict=True):
            if one != other:
                raise NotRepeatable(self._difference(run, one[0], other[0]))
        return [result for result, _ in first]

    def cancel(self) -> None:
        """Drop the work: nothing waits for its result any more."""
        for future in self.futures:
            future.cancel()

    def _difference(self, run: Run, one: RunResult, other: RunResult) -> str:
        seed, profile = run
        first, second = (future.result() for future in self._twins.both(lines_of, run))
        for at, (line, another) in enumerate(zip(first, second, strict=False)):
            if line != another:
                return f"seed {seed}, profile {profile}: line {at} is\n  {line}\nand then\n  {another}"
        if len(first) != len(second):
            return f"seed {seed}, profile {profile}: {len(first)} lines, and then {len(second)}"
        told = [replace(result, detail=result.detail[:200]) for result in (one, other)]
        return f"seed {seed}, profile {profile}: it ends as\n  {told[0]}\nand then\n  {told[1]}"


@contextmanager
def _hash_seed(value: str) -> Iterator[None]:
    """Give processes that are started in here this ``PYTHONHASHSEED``."""
    before = os.environ.get("PYTHONHASHSEED")
    os.environ["PYTHONHASHSEED"] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONHASHSEED"]
        else:
            os.environ["PYTHONHASHSEED"] = before
