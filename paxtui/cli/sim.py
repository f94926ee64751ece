"""``paxtui sim``: run a simulated cluster for many seeds, under faults, with every checker on."""

from __future__ import annotations

import os
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.completers import complete_mutants, complete_profiles
from paxtui.cli.guard import Interrupted
from paxtui.cli.sim_progress import CampaignProgress
from paxtui.cli.sim_report import EXIT_CODES, tell, tell_failure, tell_one, tell_thin

if TYPE_CHECKING:
    from paxtui.sim.cluster.simulation import RunResult

DEFAULT_SEEDS = 1000

JOBS_A_CORE_MAX = 4


def sim(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MUTANT", help="Run these mutants only, with --mutants.", autocompletion=complete_mutants
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Run this one seed and show how it ended.")
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Run this many seeds. Default: 1000.", show_default=False),
    ] = None,
    start: Annotated[int, typer.Option(metavar="N", min=0, help="The first seed.")] = 0,
    jobs: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Use this many processes. Default: 1; with --ci and --mutants, one per core.",
            show_default=False,
        ),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(metavar="M", min=0.0, help="Stop after this many minutes.")
    ] = None,
    profile: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What happens to the clusters: network, crash, disk, churn, boost or all. For one situation "
            "each: deposed, reads, acks, rounds, duels, calm, damage or lost. canary makes one seed in a "
            "hundred fail, to show that failures are reported.",
            autocompletion=complete_profiles,
        ),
    ] = "all",
    trace: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="With --seed, write the record of the run to this file. --verbose adds the messages.",
        ),
    ] = None,
    twice: Annotated[
        bool, typer.Option("--twice", help="Run each seed in two processes and compare all that happens.")
    ] = False,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Run the seeds on the workers of a Dask cluster, such as tcp://host:8786."
        ),
    ] = None,
    ci: Annotated[
        bool,
        typer.Option(
            "--ci", help="Run what every commit must pass: fixed seeds, seeds of its own, and old failures."
        ),
    ] = False,
    mutants: Annotated[
        bool,
        typer.Option(
            "--mutants", help="Put known mistakes into the core, one at a time. A checker must catch each."
        ),
    ] = False,
    plan: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Run the plan of a regression file.")
    ] = None,
    shrink: Annotated[
        bool, typer.Option("--shrink", help="With --seed, make a failure small and write it to a file.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="With --shrink, the file. Default: named by mutant, profile and seed.",
            show_default=False,
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show messages and goals, too.")] = False,
) -> int:
    """Simulate clusters under faults, one run per seed.

    A run is deterministic: the same seed gives the same run.

    Examples:

      paxtui sim --seeds 10000 --jobs 2

      paxtui sim --seeds 1000000 --dask tcp://10.0.0.1:8786

      paxtui sim --mutants lowest-ballot-wins --seed 1 --profile crash --shrink

    Exit codes: 0 all rules held, 1 a safety rule was broken or a mutant survived, 2 bad usage, 4 a cluster
    did not recover, 5 an exception, 6 all rules held but too little was tested.
    """
    _check_profile(profile)
    _check_together(
        names=names,
        seed=seed,
        seeds=seeds,
        jobs=jobs,
        trace=trace,
        twice=twice,
        dask=dask,
        ci=ci,
        mutants=mutants,
        plan=plan,
        shrink=shrink,
        out=out,
    )
    if plan is not None:
        return _planned(plan, verbose=verbose)
    many = min(jobs or _cores(), JOBS_A_CORE_MAX * _cores())
    if ci:
        from paxtui.cli import sim_ci

        return sim_ci.run(many, verbose=verbose)
    mutant = None
    if mutants:
        from paxtui.cli import sim_mutants

        chosen = sim_mutants.chosen(names or ())
        if seed is None:
            return sim_mutants.hunt(chosen, many, verbose=verbose)
        if len(chosen) != 1:
            raise typer.BadParameter("with --seed, name one mutant", param_hint="MUTANT")
        mutant = chosen[0]
    if seed is not None:
        if shrink:
            return _shrunk(seed, profile, mutant, out)
        if twice:
            return _many(1, seed, 1, None, profile, twice=True, dask=None, verbose=verbose)
        return _one(seed, profile, trace, mutant, verbose=verbose)
    wanted = seeds if seeds is not None or minutes is not None else DEFAULT_SEEDS
    many = many if jobs else 1
    return _many(wanted, start, many, minutes, profile, twice=twice, dask=dask, verbose=verbose)


def _check_profile(profile: str) -> None:
    """Refuse a name that is no profile's."""
    from paxtui.sim.plan.plan_generator import ALL_PROFILES

    if profile not in ALL_PROFILES:
        raise typer.BadParameter(f"{profile!r} is none of {', '.join(ALL_PROFILES)}", param_hint="--profile")


def _check_together(
    *,
    names: list[str] | None,
    seed: int | None,
    seeds: int | None,
    jobs: int | None,
    trace: Path | None,
    twice: bool,
    dask: str | None,
    ci: bool,
    mutants: bool,
    plan: Path | None,
    shrink: bool,
    out: Path | None,
) -> None:
    """Refuse options that do not go together."""
    if seed is not None and seed < 0:
        raise typer.BadParameter("seeds start at 0", param_hint="--seed")
    for option, given in (("--trace", trace), ("--shrink", shrink or None)):
        if given is not None and seed is None:
            raise typer.BadParameter("needs --seed: it is about one run", param_hint=option)
    if dask is not None and (seed is not None or ci or mutants or plan is not None or twice or jobs):
        raise typer.BadParameter("is for many seeds, without --jobs and --twice", param_hint="--dask")
    if twice and (mutants or shrink or trace is not None or plan is not None or ci):
        raise typer.BadParameter("is for plain seeds: it runs them in other processes", param_hint="--twice")
    if out is not None and not shrink:
        raise typer.BadParameter("needs --shrink", param_hint="--out")
    if names and not mutants:
        raise typer.BadParameter("names are for --mutants", param_hint="MUTANT")
    if sum((ci, plan is not None, mutants and seed is None, seeds is not None)) > 1:
        raise typer.BadParameter("--ci, --plan, --mutants and --seeds exclude each other")
    if (ci or plan is not None) and seed is not None:
        raise typer.BadParameter("goes with neither --ci nor --plan", param_hint="--seed")


def _cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _again(seed: int, profile: str, mutant: str | None) -> str:
    return f"{'' if mutant is None else f'--mutants {mutant} '}--seed {seed} --profile {profile} --verbose"


def _one(seed: int, profile: str, trace: Path | None, mutant: str | None, *, verbose: bool) -> int:
    from paxtui.sim.campaign.campaign import last_lines, run_seed
    from paxtui.sim.mutants import MUTANTS
    from paxtui.sim.plan.plan_generator import generate_plan

    with MUTANTS[mutant].installed() if mutant is not None else nullcontext():
        try:
            result = (
                _traced(seed, profile, trace, messages=verbose)
                if trace is not None
                else run_seed(seed, profile)
            )
        except OSError as error:
            raise typer.BadParameter(f"{trace}: {error.strerror}", param_hint="--trace") from error
    plan = generate_plan(seed, profile)
    if result.outcome != "ok":
        tell_failure(plan, result, verbose, mutant=mutant, again=_again(seed, profile, mutant))
        return EXIT_CODES[result.outcome]
    tell_one(result)
    if verbose:
        typer.echo("\n".join(last_lines(plan, messages=True)))
    return 0


def _traced(seed: int, profile: str, trace: Path, *, messages: bool) -> RunResult:
    from paxtui.sim.cluster.record import JsonLines
    from paxtui.sim.cluster.simulation import Simulation
    from paxtui.sim.plan.plan_generator import generate_plan

    plan = generate_plan(seed, profile)
    with trace.open("wb") as out:
        return Simulation(plan, JsonLines(out, plan, messages=messages)).run()


def _planned(path: Path, *, verbose: bool) -> int:
    """Run a regression file: the core must pass, and its mutant, if it names one, must not."""
    from paxtui.sim.campaign.regression import BadRegression, complaint, load, run

    try:
        regression = load(path)
    except BadRegression as error:
        raise typer.BadParameter(str(error), param_hint="--plan") from error
    typer.echo(regression.about)
    result = run(regression.plan)
    if result.outcome != "ok":
        tell_failure(regression.plan, result, verbose, again=f"--plan {path}")
        return EXIT_CODES[result.outcome]
    tell_one(result)
    if regression.mutant is None:
        return 0
    failed = run(regression.plan, regression.mutant)
    if failed.outcome != "ok":
        tell_failure(regression.plan, failed, verbose, mutant=regression.mutant, again=f"--plan {path}")
    trouble = complaint(regression)
    typer.echo(trouble or "as it should be: the core passes, the mutant does not")
    return 0 if trouble is None else 1


def _shrunk(seed: int, profile: str, mutant: str | None, out: Path | None) -> int:
    from paxtui.sim.campaign.regression import recorded, run, save
    from paxtui.sim.campaign.shrink import Shrinker
    from paxtui.sim.cluster.clients import asks_of
    from paxtui.sim.mutants import MUTANTS
    from paxtui.sim.plan.plan_generator import generate_plan

    plan = generate_plan(seed, profile)
    result = run(plan, mutant)
    if result.outcome == "ok":
        tell_one(result)
        raise typer.BadParameter("this seed does not fail", param_hint="--seed")
    with MUTANTS[mutant].installed() if mutant is not None else nullcontext():
        small = Shrinker(plan, result).shrink()
    path = out or Path(f"{mutant or 'core'}-{profile}-{seed}.json")
    found = result.detail.strip().splitlines()[-1] if mutant is None else MUTANTS[mutant].mistake
    command = f"paxtui sim {_again(seed, profile, mutant)}".removesuffix(" --verbose")
    about = f"{found} Shrunk from: {command}"
    try:
        save(path, recorded(small.plan, about, mutant))
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}", param_hint="--out") from error
    tell_failure(small.plan, small.result, False, mutant=mutant, again=f"--plan {path}")
    typer.echo(
        f"{len(plan.faults)} faults are {len(small.plan.faults)}, {plan.replicas} replicas "
        f"{small.plan.replicas}, {plan.workload.clients} clients {small.plan.workload.clients}, "
        f"{len(asks_of(plan))} requests {len(asks_of(small.plan))}, "
        f"{result.events} events {small.result.events}; {small.runs} runs tried; written to {path}"
    )
    return EXIT_CODES[result.outcome]


def _many(
    seeds: int | None,
    start: int,
    jobs: int,
    minutes: float | None,
    profile: str,
    *,
    twice: bool,
    dask: str | None,
    verbose: bool,
) -> int:
    from paxtui.sim.campaign.campaign import WorkerPool, chunks, run_all, seeds_of
    from paxtui.sim.campaign.determinism import NotRepeatable, Twins
    from paxtui.sim.plan.plan_generator import generate_plan

    seconds = None if minutes is None else minutes * 60
    pool: WorkerPool | None = None
    progress = CampaignProgress(seeds, f"profile {profile}")
    try:
        with ExitStack() as stack:
            if dask is not None:
                from paxtui.cli.sim_dask import workers

                pool = stack.enter_context(workers(dask))
                typer.echo(f"{pool.jobs} seeds at a time at {dask}", err=True)
            elif twice:
                pool = stack.enter_context(Twins(jobs))
            stack.enter_context(progress)
            tasks = chunks(seeds_of(profile, start, seeds))
            summary = run_all(tasks, jobs=jobs, pool=pool, seconds=seconds, on_result=progress.advance)
    except NotRepeatable as error:
        typer.echo(f"not repeatable: {error}", err=True)
        return EXIT_CODES["crash"]
    except KeyboardInterrupt:
        raise Interrupted(progress.known()) from None
    tell(summary, f"profile {profile}, seeds from {start}", verbose)
    worst = summary.worst()
    if worst is None:
        return tell_thin(summary)
    again = _again(worst.seed, profile, None)
    tell_failure(generate_plan(worst.seed, profile), worst, verbose, again=again)
    return EXIT_CODES[worst.outcome]
