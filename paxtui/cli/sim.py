"""``paxtui sim``: run a simulated cluster for many seeds, under faults, with every checker on."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from paxtui.sim.campaign import Summary
    from paxtui.sim.cluster import Result

EXIT_CODES = {"ok": 0, "safety": 1, "liveness": 4, "crash": 5}

DEFAULT_SEEDS = 1000


def sim(
    seed: Annotated[int | None, typer.Option(help="Run this one seed and show how it ended.")] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="How many seeds to run.", show_default="1000")
    ] = None,
    start: Annotated[int, typer.Option(min=0, help="The first seed.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes to use.")] = 1,
    minutes: Annotated[float | None, typer.Option(min=0.0, help="Stop after so long.")] = None,
    profile: Annotated[str, typer.Option(help="network, crash, disk, churn, boost or all.")] = "all",
    trace: Annotated[
        Path | None, typer.Option(help="With --seed: write the whole run there, one JSON object a line.")
    ] = None,
    twice: Annotated[bool, typer.Option("--twice", help="Run each seed again and compare.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show messages and goals as well.")] = False,
) -> int:
    """Simulate whole clusters under faults, deterministically: one seed is one run.

    Examples:

      paxtui sim --seeds 10000 --jobs 2

      paxtui sim --seed 4711 --verbose

    Exit codes: 0 all held, 1 a safety rule broke, 4 a cluster did not recover, 5 an exception, 2 bad usage.
    """
    from paxtui.sim.plan import PROFILES

    if profile not in PROFILES:
        raise typer.BadParameter(f"{profile!r} is none of {', '.join(PROFILES)}", param_hint="--profile")
    if seed is not None and seed < 0:
        raise typer.BadParameter("seeds start at 0", param_hint="--seed")
    if trace is not None and seed is None:
        raise typer.BadParameter("needs --seed: a trace is of one run", param_hint="--trace")
    if seed is not None:
        return _one(seed, profile, trace, twice=twice, verbose=verbose)
    wanted = seeds if seeds is not None or minutes is not None else DEFAULT_SEEDS
    return _many(wanted, start, jobs, minutes, profile, twice=twice, verbose=verbose)


def _one(seed: int, profile: str, trace: Path | None, *, twice: bool, verbose: bool) -> int:
    from paxtui.sim.campaign import NotRepeatable, run_seed

    try:
        result = _traced(seed, profile, trace) if trace is not None else run_seed(seed, profile, twice=twice)
    except NotRepeatable as error:
        typer.echo(f"not repeatable: {error}", err=True)
        return EXIT_CODES["crash"]
    except OSError as error:
        raise typer.BadParameter(f"{trace}: {error.strerror}", param_hint="--trace") from error
    if result.outcome != "ok":
        _tell_failure(result, verbose)
        return EXIT_CODES[result.outcome]
    typer.echo(
        f"seed {seed}, profile {profile}: ok, {result.at:.1f} s of virtual time, {result.events} events, "
        f"{result.messages} messages, {result.slots} slots, {result.appends} appends answered, "
        f"{result.reads} reads, {result.elections} elections, whole again after {result.recovery_s:.2f} s"
    )
    if result.void:
        typer.echo(f"void: {result.void}")
    if verbose:
        from paxtui.sim.campaign import last_lines

        typer.echo("\n".join(last_lines(seed, profile, messages=True)))
    return 0


def _traced(seed: int, profile: str, trace: Path) -> Result:
    from paxtui.sim.cluster import Cluster
    from paxtui.sim.draw import draw
    from paxtui.sim.record import JsonLines

    with trace.open("w", encoding="utf-8", newline="\n") as out:
        return Cluster(draw(seed, profile), JsonLines(out)).run()


def _many(
    seeds: int | None,
    start: int,
    jobs: int,
    minutes: float | None,
    profile: str,
    *,
    twice: bool,
    verbose: bool,
) -> int:
    from paxtui.sim.campaign import NotRepeatable, campaign

    seconds = None if minutes is None else minutes * 60
    try:
        with _Progress(seeds, profile) as progress:
            summary = campaign(
                profile,
                start,
                seeds,
                jobs=min(jobs, 4 * (os.cpu_count() or 1)),
                seconds=seconds,
                twice=twice,
                on_result=progress.advance,
            )
    except NotRepeatable as error:
        typer.echo(f"not repeatable: {error}", err=True)
        return EXIT_CODES["crash"]
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        return 130
    _tell(summary, profile, start, verbose)
    worst = summary.worst()
    if worst is None:
        return 0
    _tell_failure(worst, verbose)
    return EXIT_CODES[worst.outcome]


class _Progress:
    """A bar on a terminal, nothing elsewhere."""

    def __init__(self, seeds: int | None, profile: str) -> None:
        self._bar = None
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[rate]}"),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task(f"profile {profile}", total=seeds, rate="")

    def __enter__(self) -> _Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, summary: Summary, _: Result) -> None:
        """One more run is done."""
        if self._bar is not None:
            rate = f"{60 * summary.runs / max(summary.seconds, 1e-9):,.0f} seeds/min"
            self._bar.update(self._task, completed=summary.runs, rate=rate)


def _tell(summary: Summary, profile: str, start: int, verbose: bool) -> None:
    seconds = max(summary.seconds, 1e-9)
    ok = summary.outcomes["ok"]
    typer.echo(
        f"profile {profile}, seeds from {start}: {summary.runs} runs, {ok} ok, {summary.runs - ok} failed, "
        f"{sum(summary.void.values())} void"
    )
    typer.echo(f"{seconds:.1f} s, {60 * summary.runs / seconds:,.0f} seeds a minute; digest {summary.digest}")
    typer.echo(
        f"{summary.events:,} events, {summary.messages:,} messages, {summary.slots:,} slots, "
        f"{summary.appends:,} appends and {summary.reads:,} reads answered, {summary.elections:,} elections"
    )
    if summary.slowest is not None:
        slowest = summary.slowest
        typer.echo(f"slowest to be whole again: seed {slowest.seed}, {slowest.recovery_s:.2f} s")
    for why, runs in sorted(summary.void.items()):
        typer.echo(f"void: {runs} runs with {why}")
    never = summary.never()
    if never:
        typer.echo(f"never happened: {'; '.join(never)}")
    if verbose:
        for goal, runs in sorted(summary.goals.items()):
            typer.echo(f"  {runs:8} runs: {goal}")


def _tell_failure(result: Result, verbose: bool) -> None:
    from paxtui.sim.campaign import last_lines

    typer.echo("")
    for line in last_lines(result.seed, result.profile, messages=verbose):
        typer.echo(line)
    typer.echo("")
    typer.echo(f"seed {result.seed}, profile {result.profile}: {result.outcome} at {result.at:.4f} s")
    typer.echo(f"broken: {result.invariant}")
    typer.echo(result.detail)
    typer.echo(f"again: paxtui sim --seed {result.seed} --profile {result.profile} --verbose")
