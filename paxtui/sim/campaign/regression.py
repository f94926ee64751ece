"""Regression files: a plan that once broke a rule, what it broke, and the last of what happened.

A plan is plain data, so the file repeats the run whatever becomes of :mod:`paxtui.sim.plan.plan_generator`.
One that names a mutant is for the checkers: the core must pass it, and with the mutant installed it must
still break the rule.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import msgspec
from msgspec import Struct

from paxtui.core.ballot import REPLICAS_MAX
from paxtui.sim.campaign.campaign import last_lines
from paxtui.sim.cluster.simulation import RunResult, simulate
from paxtui.sim.mutants import MUTANTS
from paxtui.sim.plan.plan import Plan
from paxtui.wire.schema_errors import explain_json


class Regression(Struct, frozen=True, kw_only=True):
    """One file."""

    about: str
    mutant: str | None = None
    """What has to be installed for the plan to fail; ``None``: a mistake of the core that is mended."""
    invariant: str
    detail: str
    plan: Plan
    trace: tuple[str, ...] = ()


class BadRegression(Exception):
    """The file cannot be read as a regression."""


def load(path: Path) -> Regression:
    """Read one, or say why it is none."""
    try:
        body = path.read_bytes()
    except OSError as error:
        raise BadRegression(f"{path}: {error.strerror}") from error
    try:
        regression = msgspec.json.decode(body, type=Regression)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRegression(f"{path}: {explain_json(body, Regression)[1]}") from error
    plan = regression.plan
    if plan.replicas not in range(1, REPLICAS_MAX + 1, 2) or len(plan.commit_s) != plan.replicas:
        raise BadRegression(f"{path}: a plan of {plan.replicas} replicas with {len(plan.commit_s)} disks")
    if regression.mutant is not None and regression.mutant not in MUTANTS:
        raise BadRegression(f"{path}: there is no mutant {regression.mutant!r}")
    return regression


def save(path: Path, regression: Regression) -> None:
    """Write one, for people and for ``--plan``."""
    text = msgspec.json.format(msgspec.json.encode(regression), indent=2)
    path.write_bytes(text + b"\n")


def recorded(plan: Plan, about: str, mutant: str | None = None) -> Regression:
    """Run a plan that fails and keep how."""
    result = run(plan, mutant)
    with MUTANTS[mutant].installed() if mutant is not None else nullcontext():
        trace = last_lines(plan, messages=True)
    return Regression(
        about=about,
        mutant=mutant,
        invariant=result.invariant,
        detail=result.detail,
        plan=plan,
        trace=tuple(trace),
    )


def run(plan: Plan, mutant: str | None = None) -> RunResult:
    """Simulate a plan once, with a mutant or without."""
    with MUTANTS[mutant].installed() if mutant is not None else nullcontext():
        return simulate(plan)


def complaint(regression: Regression) -> str | None:
    """Say what is wrong with the core or with the file; ``None`` if both are as they should be."""
    result = run(regression.plan)
    if result.outcome != "ok":
        return f"the core breaks {result.invariant}: {result.detail}"
    if regression.mutant is None:
        return None
    result = run(regression.plan, regression.mutant)
    if result.invariant == regression.invariant:
        return None
    return (
        f"with mutant {regression.mutant} it ends in {result.invariant or 'peace'}, not in "
        f"{regression.invariant}: the core takes other ways now, so shrink another seed for this file"
    )
