"""What ``paxtui sim`` prints: sums and failures."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import typer

from paxtui.cli.sim_progress import clock
from paxtui.words.counts import counted

if TYPE_CHECKING:
    from paxtui.sim.campaign.summary import Summary
    from paxtui.sim.cluster.simulation import RunResult
    from paxtui.sim.plan.plan import Plan

EXIT_THIN = 6
"""All runs ended well, and yet the campaign tested less than it seems to."""

EXIT_CODES = {"ok": 0, "safety": 1, "liveness": 4, "crash": 5}


def tell(summary: Summary, what: str, verbose: bool) -> None:
    """Tell the sums of a campaign."""
    seconds = max(summary.seconds, 1e-9)
    ok = summary.outcomes["ok"]
    voids = sum(summary.void.values())
    typer.echo(f"{what}: {counted(summary.runs, 'run')}, {ok} ok, {summary.failed} failed, {voids} void")
    typer.echo(
        f"{seconds:.1f} s, {60 * summary.runs / seconds:,.0f} seeds a minute, "
        f"{clock(summary.virtual_s)} of virtual time; digest {summary.digest}"
    )
    typer.echo(
        f"{summary.events:,} events, {summary.messages:,} messages, {summary.slots:,} slots, "
        f"{summary.appends:,} appends and {summary.reads:,} reads answered, {summary.elections:,} elections"
    )
    typer.echo(f"median of a seed: {medians(summary)}")
    typer.echo(f"faults: {faults(summary)}")
    if summary.slowest is not None:
        slowest = summary.slowest
        typer.echo(f"slowest to be whole again: seed {slowest.seed}, {slowest.recovery_s:.2f} s")
    for why, runs in sorted(summary.void.items()):
        typer.echo(f"void: {counted(runs, 'run')} with {why}")
    never = summary.never()
    if never and (verbose or summary.profiles["all"]):
        typer.echo(f"never happened: {'; '.join(never)}")
    if verbose:
        for goal, runs in sorted(summary.goals.items()):
            typer.echo(f"  {runs:8} runs: {goal}")


def medians(summary: Summary) -> str:
    """Return ``2,719 events, 1,071 messages, ...``."""
    from paxtui.sim.campaign.summary import MEASURES

    return ", ".join(f"{summary.median(measure):,} {measure}" for measure in MEASURES)


def faults(summary: Summary) -> str:
    """Return how many of each kind, the most frequent first."""
    told = (f"{kind} {count:,}" for kind, count in summary.faults.most_common())
    return ", ".join(told) or "none"


def tell_thin(summary: Summary) -> int:
    """Tell whether the campaign tested enough; its exit code if nothing else is wrong."""
    reasons = summary.thin()
    for reason in reasons:
        typer.echo(f"tests too little: {reason}")
    return EXIT_THIN if reasons else 0


def tell_one(result: RunResult) -> None:
    """Tell of a run that ended well."""
    typer.echo(
        f"seed {result.seed}, profile {result.profile}: ok, {result.at:.1f} s of virtual time, "
        f"{result.events} events, {result.messages} messages, {result.slots} slots, "
        f"{result.appends} appends answered, {result.reads} reads, {result.elections} elections, "
        f"whole again after {result.recovery_s:.2f} s"
    )
    if result.void:
        typer.echo(f"void: {result.void}")


def tell_failure(
    plan: Plan, result: RunResult, verbose: bool, *, mutant: str | None = None, again: str
) -> None:
    """Tell of a run that did not: the last of what happened, what broke, and the command that repeats it."""
    from paxtui.records.diagram import SpaceTime
    from paxtui.sim.campaign.campaign import last_lines
    from paxtui.sim.cluster.simulation import Simulation
    from paxtui.sim.mutants import MUTANTS

    diagram = SpaceTime(plan.replicas)
    with MUTANTS[mutant].installed() if mutant is not None else nullcontext():
        Simulation(plan, diagram).run()
        lines = last_lines(plan, messages=True) if verbose else []
    for line in ("", *diagram.lines, "", *lines, *([""] if lines else [])):
        typer.echo(line)
    of = "" if mutant is None else f", mutant {mutant}"
    typer.echo(f"seed {result.seed}, profile {result.profile}{of}: {result.outcome} at {result.at:.4f} s")
    typer.echo(f"broken: {result.invariant}")
    typer.echo(result.detail)
    typer.echo(f"again: paxtui sim {again}")
