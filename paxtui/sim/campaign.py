"""Many seeds: in this process or in several, summed up."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import count, islice
from multiprocessing import get_context

from paxtui.sim.cluster import Cluster, Result
from paxtui.sim.draw import draw
from paxtui.sim.goals import GOALS
from paxtui.sim.hashing import mixed
from paxtui.sim.plan import Plan
from paxtui.sim.record import Tail

Run = tuple[int, str]
"""A seed and its profile."""

Task = tuple[tuple[Run, ...], bool]
"""Some runs, and whether each is done twice."""

CHUNK = 8
"""Seeds that a worker takes at once: about a third of a second's work."""

AHEAD = 4
"""Chunks a worker has in hand or waiting, so that none runs dry while results are summed up."""

FAILURES_KEPT = 100
"""Failures beyond this are counted only: they would say the same."""

LAST_LINES = 60


class Summary:
    """What a campaign found."""

    def __init__(self) -> None:
        self.runs = 0
        self.outcomes: Counter[str] = Counter()
        self.goals: Counter[str] = Counter()
        self.void: Counter[str] = Counter()
        self.profiles: Counter[str] = Counter()
        self.failures: list[Result] = []
        self.events = self.messages = self.slots = 0
        self.appends = self.reads = self.elections = 0
        self.slowest: Result | None = None
        self._digest = 0
        self._started = time.monotonic()

    def add(self, result: Result) -> None:
        """Count one run."""
        self.runs += 1
        self.outcomes[result.outcome] += 1
        self.goals.update(result.goals)
        self.profiles[result.profile] += 1
        if result.void:
            self.void[result.void] += 1
        self.events += result.events
        self.messages += result.messages
        self.slots += result.slots
        self.appends += result.appends
        self.reads += result.reads
        self.elections += result.elections
        # Independent of the order in which workers come back.
        self._digest ^= mixed(result.seed, result.events, result.messages, result.slots, result.elections)
        if result.outcome != "ok":
            if len(self.failures) < FAILURES_KEPT:
                self.failures.append(result)
        elif self.slowest is None or result.recovery_s > self.slowest.recovery_s:
            self.slowest = result

    @property
    def seconds(self) -> float:
        """Since the campaign began, on the wall clock."""
        return time.monotonic() - self._started

    @property
    def digest(self) -> str:
        """Equal for equal campaigns of equal code."""
        return f"{self._digest:016x}"

    def never(self) -> list[str]:
        """The goals that no run reached."""
        return [goal for goal in GOALS if not self.goals[goal]]

    def worst(self) -> Result | None:
        """The failure to look at first: safety before crash before liveness, then the lowest seed."""
        order = {"safety": 0, "crash": 1, "liveness": 2}
        return min(self.failures, key=lambda r: (order[r.outcome], r.seed), default=None)


class NotRepeatable(Exception):
    """One seed gave two different runs: the simulator itself is broken."""


def run_seed(seed: int, profile: str, *, twice: bool = False) -> Result:
    """One run; with ``twice`` it is done again and must be the same."""
    result = Cluster(draw(seed, profile)).run()
    if twice:
        first, second = (_lines(seed, profile) for _ in range(2))
        if first != second:
            at = next(i for i, (one, other) in enumerate(zip(first, second, strict=False)) if one != other)
            raise NotRepeatable(f"seed {seed}: line {at} is\n  {first[at]}\nand then\n  {second[at]}")
    return result


def _lines(seed: int, profile: str) -> list[str]:
    tail = Tail(10_000_000, messages=True)
    Cluster(draw(seed, profile), tail).run()
    return list(tail.lines)


def last_lines(plan: Plan, lines: int = LAST_LINES, *, messages: bool = False) -> list[str]:
    """The run again, for the last of what happened in it."""
    tail = Tail(lines, messages=messages)
    Cluster(plan, tail).run()
    return list(tail.lines)


def _chunk(task: Task) -> list[Result]:
    runs, twice = task
    return [run_seed(seed, profile, twice=twice) for seed, profile in runs]


def chunks(runs: Iterable[Run], *, twice: bool = False) -> Iterator[Task]:
    """Tasks for :func:`run_all`."""
    taken = iter(runs)
    while chunk := tuple(islice(taken, CHUNK)):
        yield chunk, twice


def _seeds(start: int, seeds: int | None, profile: str) -> Iterator[Run]:
    numbers = count(start) if seeds is None else range(start, start + seeds)
    return ((seed, profile) for seed in numbers)


def campaign(
    profile: str,
    start: int,
    seeds: int | None,
    *,
    jobs: int = 1,
    seconds: float | None = None,
    twice: bool = False,
    failures_max: int = 1,
    on_result: Callable[[Summary, Result], None] | None = None,
) -> Summary:
    """Run ``seeds`` seeds (``None``: until ``seconds`` are over); stop early after ``failures_max``."""
    tasks = chunks(_seeds(start, seeds, profile), twice=twice)
    return run_all(tasks, jobs=jobs, seconds=seconds, failures_max=failures_max, on_result=on_result)


def run_all(
    tasks: Iterator[Task],
    *,
    jobs: int = 1,
    seconds: float | None = None,
    failures_max: int = 1,
    on_result: Callable[[Summary, Result], None] | None = None,
) -> Summary:
    """Run all tasks in their order; stop early after ``failures_max`` failures, or ``seconds``."""
    summary = Summary()

    def enough(results: list[Result]) -> bool:
        for result in results:
            summary.add(result)
            if on_result is not None:
                on_result(summary, result)
        failed = summary.runs - summary.outcomes["ok"]
        return failed >= failures_max or (seconds is not None and summary.seconds >= seconds)

    if jobs == 1:
        for task in tasks:
            if enough(_chunk(task)):
                break
        return summary
    # Spawned, not forked: a worker starts from nothing, as a repetition by hand would.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for results in _in_order(pool, tasks, AHEAD * jobs):
            if enough(results):
                pool.shutdown(cancel_futures=True)
                break
    return summary


def _in_order(pool: ProcessPoolExecutor, tasks: Iterator[Task], ahead: int) -> Iterator[list[Result]]:
    """Results in the order of the tasks, with never more than ``ahead`` of them begun or waiting."""
    running: deque[Future[list[Result]]] = deque()
    for task in tasks:
        running.append(pool.submit(_chunk, task))
        if len(running) >= ahead:
            yield running.popleft().result()
    while running:
        yield running.popleft().result()
