"""``paxtui sim --ci``: what every commit has to pass."""

from __future__ import annotations

import os
import string
import subprocess
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import typer

import paxtui
from paxtui.cli.sim_progress import CampaignProgress
from paxtui.cli.sim_report import EXIT_CODES, faults, medians, tell_failure, tell_thin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from paxtui.sim.campaign.campaign import Run
    from paxtui.sim.campaign.summary import Summary
    from paxtui.sim.cluster.simulation import RunResult

COMMIT_VARIABLE = "PAXTUI_COMMIT"

REGRESSIONS = Path(paxtui.__file__).parent.parent / "tests" / "sim" / "regressions"

GIT_S_MAX = 10.0


def commit() -> tuple[str | None, str]:
    """Return the commit's hash, and who says so."""
    told = os.environ.get(COMMIT_VARIABLE, "")
    if _is_hash(told):
        return told, COMMIT_VARIABLE
    try:
        asked = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(paxtui.__file__).parent,
            capture_output=True,
            text=True,
            timeout=GIT_S_MAX,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None, "no git here"
    head = asked.stdout.strip()
    return (head, "git") if asked.returncode == 0 and _is_hash(head) else (None, "no git repository")


def _is_hash(text: str) -> bool:
    return len(text) >= 16 and set(text) <= set(string.hexdigits)


def run(jobs: int, *, verbose: bool) -> int:
    """Do all of it, unless something fails before."""
    from paxtui.sim.campaign import ci
    from paxtui.sim.campaign.determinism import NotRepeatable
    from paxtui.sim.campaign.summary import Summary

    started = time.monotonic()
    commit_hash, says = commit()
    first = ci.first_seed(commit_hash)
    typer.echo(f"commit {commit_hash or 'unknown'} ({says}): its seeds start at {first}; {jobs} jobs")
    reached = Summary()
    parts = (
        (f"{ci.FIXED} fixed seeds, from 0", ci.fixed(), ci.FIXED, False),
        (f"{ci.DERIVED} seeds of this commit, from {first}", ci.derived(commit_hash), ci.DERIVED, False),
        (f"{ci.TWICE} of these twice", ci.repeated_runs(commit_hash), ci.TWICE, True),
    )
    for what, runs, count, twice in parts:
        try:
            code = _part(what, runs, count, jobs, reached, twice=twice, verbose=verbose)
        except NotRepeatable as error:
            typer.echo(f"not repeatable: {error}", err=True)
            return EXIT_CODES["crash"]
        if code:
            return code
    never = reached.never()
    typer.echo(f"median of a seed: {medians(reached)}")
    typer.echo(f"faults: {faults(reached)}")
    typer.echo(f"never happened: {'; '.join(never)}" if never else "everything that should happen did")
    code = tell_thin(reached) or _regressions()
    typer.echo(f"{time.monotonic() - started:.1f} s in all")
    return code


def _part(
    what: str, runs: Iterator[Run], count: int, jobs: int, reached: Summary, *, twice: bool, verbose: bool
) -> int:
    from paxtui.sim.campaign.campaign import chunks, run_all
    from paxtui.sim.campaign.determinism import Twins
    from paxtui.sim.plan.plan_generator import generate_plan

    def seen(summary: Summary, result: RunResult) -> None:
        progress.advance(summary, result)
        if not twice:
            reached.add(result)

    pool = Twins(jobs) if twice else None
    with CampaignProgress(count, what) as progress, pool or nullcontext():
        summary = run_all(chunks(runs), jobs=jobs, pool=pool, on_result=seen)
    profiles = ", ".join(f"{profile} {runs}" for profile, runs in sorted(summary.profiles.items()))
    typer.echo(
        f"{what}: {summary.outcomes['ok']} of {summary.runs} ok, {sum(summary.void.values())} void, "
        f"{summary.seconds:.1f} s, digest {summary.digest} ({profiles})"
    )
    worst = summary.worst()
    if worst is None:
        return 0
    again = f"--seed {worst.seed} --profile {worst.profile} --verbose"
    tell_failure(generate_plan(worst.seed, worst.profile), worst, verbose, again=again)
    return EXIT_CODES[worst.outcome]


def _regressions() -> int:
    from paxtui.sim.campaign.regression import BadRegression, complaint, load

    paths = sorted(REGRESSIONS.glob("*.json"))
    wrong = 0
    for path in paths:
        try:
            regression = load(path)
            typer.echo(f"{path.stem}: {regression.about}")
            trouble = complaint(regression)
        except BadRegression as error:
            trouble = str(error)
        if trouble is not None:
            wrong += 1
            typer.echo(f"{path.name}: {trouble}")
    typer.echo(f"{len(paths)} regression files: {len(paths) - wrong} as they should be")
    return 1 if wrong else 0
