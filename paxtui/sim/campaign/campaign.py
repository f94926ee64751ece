"""Many seeds: in this process, in several, or on other machines, summed up."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from typing import Any, Protocol

from paxtui.sim.campaign.summary import Summary
from paxtui.sim.campaign.workers import ProcessWorkers, ended_in_time
from paxtui.sim.cluster.record import LastLines
from paxtui.sim.cluster.simulation import RunResult, simulate
from paxtui.sim.plan.plan import Plan
from paxtui.sim.plan.plan_generator import generate_plan

Run = tuple[int, str]
"""A seed and its profile."""

Task = tuple[Run, ...]
"""Some runs, done by one worker one after the other."""

CHUNK = 8
"""Seeds that a worker takes at once: about a third of a second's work."""

AHEAD = 4
"""Chunks a worker has in hand or waiting, so that none runs dry while results are summed up."""

LAST_LINES = 60


class Ending(Protocol):
    """The results of a task, some time later."""

    def result(self) -> list[RunResult]:
        """Wait for them."""

    def cancel(self) -> Any:
        """Drop the work: nothing waits for its result any more."""


class WorkerPool(Protocol):
    """Workers that run tasks: processes of this machine, or a cluster of others."""

    jobs: int
    """Tasks that it runs at the same time."""

    def submit(self, task: Task) -> Ending:
        """Begin one, or let it wait for its turn."""


class Processes:
    """A pool of processes on this machine."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.workers = ProcessWorkers(jobs)

    def submit(self, task: Task) -> Ending:
        """Begin one, or let it wait for its turn."""
        return self.workers.submit(run_task, task)


def run_seed(seed: int, profile: str) -> RunResult:
    """Simulate one seed."""
    return simulate(generate_plan(seed, profile))


def run_task(task: Task) -> list[RunResult]:
    """Simulate all seeds of a task; a worker calls this."""
    return [run_seed(seed, profile) for seed, profile in task]


def last_lines(plan: Plan, lines: int = LAST_LINES, *, messages: bool = False) -> list[str]:
    """Simulate a seed again and keep the last lines of its record."""
    tail = LastLines(lines, messages=messages)
    simulate(plan, tail)
    return list(tail.lines)


def chunks(runs: Iterable[Run]) -> Iterator[Task]:
    """Yield the tasks for :func:`run_all`."""
    taken = iter(runs)
    while chunk := tuple(islice(taken, CHUNK)):
        yield chunk


def seeds_of(profile: str, start: int, seeds: int | None) -> Iterator[Run]:
    """Yield seeds of one profile; a count of ``None`` never ends."""
    numbers = count(start) if seeds is None else range(start, start + seeds)
    return ((seed, profile) for seed in numbers)


def campaign(
    profile: str,
    start: int,
    seeds: int | None,
    *,
    jobs: int = 1,
    seconds: float | None = None,
    failures_max: int = 1,
    on_result: Callable[[Summary, RunResult], None] | None = None,
) -> Summary:
    """Run ``seeds`` seeds (``None``: until ``seconds`` are over); stop early after ``failures_max``."""
    tasks = chunks(seeds_of(profile, start, seeds))
    return run_all(tasks, jobs=jobs, seconds=seconds, failures_max=failures_max, on_result=on_result)


def run_all(
    tasks: Iterator[Task],
    *,
    jobs: int = 1,
    pool: WorkerPool | None = None,
    seconds: float | None = None,
    failures_max: int = 1,
    on_result: Callable[[Summary, RunResult], None] | None = None,
) -> Summary:
    """Run all tasks in their order, on ``pool`` if there is one, else in ``jobs`` processes (1: this one);
    stop early after ``failures_max`` failures, or ``seconds``."""
    if pool is None and jobs > 1:
        processes = Processes(jobs)
        with ended_in_time(processes.workers):
            return run_all(
                tasks, pool=processes, seconds=seconds, failures_max=failures_max, on_result=on_result
            )
    summary = Summary()
    endings = map(run_task, tasks) if pool is None else _in_order(pool, tasks)
    for results in endings:
        for result in results:
            summary.add(result)
            if on_result is not None:
                on_result(summary, result)
        if summary.failed >= failures_max or (seconds is not None and summary.seconds >= seconds):
            break
    return summary


def _in_order(pool: WorkerPool, tasks: Iterator[Task]) -> Iterator[list[RunResult]]:
    """Yield the results in the order of the tasks, with never more than a few of them begun or waiting."""
    running: deque[Ending] = deque()
    ahead = AHEAD * pool.jobs
    try:
        for task in tasks:
            running.append(pool.submit(task))
            if len(running) >= ahead:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    except KeyboardInterrupt:
        # Whoever made the pool kills its processes, and a broken pool stumbles over what was cancelled.
        running.clear()
        raise
    finally:
        for ending in running:
            ending.cancel()
