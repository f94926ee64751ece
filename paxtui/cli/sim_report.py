"""What ``paxtui sim`` prints: sums, failures, progress."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from paxtui.sim.campaign import Summary
    from paxtui.sim.cluster import Result
    from paxtui.sim.plan import Plan

EXIT_CODES = {"ok": 0, "safety": 1, "liveness": 4, "crash": 5}


class Progress:
    """A bar on a terminal, nothing elsewhere."""

    def __init__(self, seeds: int | None, what: str) -> None:
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
            self._task = self._bar.add_task(what, total=seeds, rate="")

    def __enter__(self) -> Progress:
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


def tell(summary: Summary, what: str, verbose: bool) -> None:
    """The sums of a campaign."""
    seconds = max(summary.seconds, 1e-9)
    ok = summary.outcomes["ok"]
    typer.echo(
        f"{what}: {summary.runs} runs, {ok} ok, {summary.runs - ok} failed, {sum(summary.void.values())} void"
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


def tell_one(result: Result) -> None:
    """A run that ended well."""
    typer.echo(
        f"seed {result.seed}, profile {result.profile}: ok, {result.at:.1f} s of virtual time, "
        f"{result.events} events, {result.messages} messages, {result.slots} slots, "
        f"{result.appends} appends answered, {result.reads} reads, {result.elections} elections, "
        f"whole again after {result.recovery_s:.2f} s"
    )
    if result.void:
        typer.echo(f"void: {result.void}")


def tell_failure(plan: Plan, result: Result, verbose: bool, *, mutant: str | None = None, again: str) -> None:
    """A run that did not: the last of what happened, what broke, and the command that repeats it."""
    from paxtui.sim.campaign import last_lines
    from paxtui.sim.cluster import Cluster
    from paxtui.sim.diagram import SpaceTime
    from paxtui.sim.mutants import MUTANTS

    diagram = SpaceTime(plan.replicas)
    with MUTANTS[mutant].installed() if mutant is not None else nullcontext():
        Cluster(plan, diagram).run()
        lines = last_lines(plan, messages=True) if verbose else []
    for line in ("", *diagram.lines, "", *lines, *([""] if lines else [])):
        typer.echo(line)
    of = "" if mutant is None else f", mutant {mutant}"
    typer.echo(f"seed {result.seed}, profile {result.profile}{of}: {result.outcome} at {result.at:.4f} s")
    typer.echo(f"broken: {result.invariant}")
    typer.echo(result.detail)
    typer.echo(f"again: paxtui sim {again}")
