"""``paxtui sim --mutants``: every mistake is made, and a checker must see it."""

from __future__ import annotations

import time
from collections.abc import Sequence

import typer

from paxtui.words.counts import counted


def chosen(names: Sequence[str]) -> list[str]:
    """Return the mutants that were named; all, if none was."""
    from paxtui.sim.mutants import MUTANTS

    unknown = [name for name in names if name not in MUTANTS]
    if unknown:
        raise typer.BadParameter(
            f"{unknown[0]!r} is no mutant; they are {', '.join(MUTANTS)}", param_hint="MUTANT"
        )
    return list(names or MUTANTS)


def hunt(names: Sequence[str], jobs: int, *, verbose: bool) -> int:
    """Run each until it is caught; print a line each."""
    from paxtui.sim.campaign.mutant_hunt import CI_FACTOR, hunt_all
    from paxtui.sim.mutants import MUTANTS

    started = time.monotonic()
    width = max(map(len, names))
    typer.echo(f"{'mutant':{width}}  profile  {'caught by':26}  seeds  of")
    caught = 0
    for ended in hunt_all(names, jobs=jobs):
        caught += bool(ended.checker)
        checker = ended.checker or "NO CHECKER"
        typer.echo(
            f"{ended.mutant:{width}}  {ended.profile:7}  {checker:26}  {ended.needed:5}  {ended.budget}"
        )
        if verbose:
            mutant = MUTANTS[ended.mutant]
            typer.echo(f"    {mutant.mistake}")
            typer.echo(f"    rule: {mutant.rule}")
            if ended.others:
                typer.echo(f"    {ended.others} runs before failed otherwise")
    typer.echo(
        f"{counted(len(names), 'mutant')}, {caught} caught, within {CI_FACTOR} times their usual budgets; "
        f"{time.monotonic() - started:.1f} s"
    )
    return 0 if caught == len(names) else 1
