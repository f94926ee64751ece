"""``paxtui sim``: what it prints and how it ends."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from msgspec.structs import replace
from typer.testing import CliRunner

from paxtui.cli import sim_progress
from paxtui.cli.sim import sim
from paxtui.core.dispatch import Dispatcher
from paxtui.core.phase1 import Phase1
from paxtui.core.values import NOOP
from paxtui.sim.campaign import summary
from paxtui.sim.campaign.campaign import campaign
from paxtui.sim.cluster import simulation
from paxtui.sim.mutants import MUTANTS
from paxtui.sim.plan.plan_generator import generate_plan


def run(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()

    @app.command()
    def anchor() -> None:
        """Two commands, so that the name of one is needed."""

    app.command("sim", context_settings={"help_option_names": ["--help"]})(_exiting())
    result = CliRunner().invoke(app, ["sim", *arguments])
    return result.exit_code, result.output


def _exiting() -> Any:
    import functools

    @functools.wraps(sim)
    def command(*args, **kwargs):  # type: ignore[no-untyped-def]
        raise typer.Exit(sim(*args, **kwargs))

    return command


def test_one_seed_ends_well() -> None:
    code, output = run("--seed", "3")
    assert code == 0
    assert "seed 3, profile all: ok" in output


def test_a_few_seeds_are_summed_up() -> None:
    code, output = run("--seeds", "16", "--profile", "churn", "--start", "5", "--verbose")
    assert code == 0
    assert "profile churn, seeds from 5: 16 runs, 16 ok, 0 failed" in output
    assert re.search(r"median of a seed: [\d,]+ events, [\d,]+ messages, \d+ crashes, \d+ leader", output)
    assert re.search(r"faults: \S+ [\d,]+, ", output)
    assert re.search(r"0:0[12]:\d\d of virtual time; digest [0-9a-f]{16}", output)
    assert "event elected" in output


def test_a_seed_twice_is_compared_by_two_processes() -> None:
    code, output = run("--seed", "3", "--twice")
    assert code == 0
    assert "profile all, seeds from 3: 1 run, 1 ok" in output


def test_a_campaign_of_runs_that_do_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary, "VOID_RUNS_MIN", 8)
    monkeypatch.setattr(simulation, "SLOTS_WORTH_IT", 10_000)
    code, output = run("--seeds", "8")
    assert code == 6
    assert "tests too little: 8 of 8 runs are void, more than 5%" in output


def test_a_big_campaign_in_which_something_never_happens_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary, "BIG_OF_ALL", 8)
    monkeypatch.setattr(summary, "GOALS", ("read answered", "the moon shines"))
    code, output = run("--seeds", "8")
    assert code == 6
    assert output.splitlines()[-1] == "tests too little: in 8 runs it never happened: the moon shines"
    assert run("--seeds", "8", "--profile", "churn")[0] == 0


def test_a_long_campaign_tells_how_far_it_is_where_no_bar_can_be_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sim_progress, "LINE_EVERY_S", 0.0)
    _, output = run("--seeds", "2")
    lines = [line for line in output.splitlines() if " of 2 seeds, " in line]
    assert [line.split()[0] for line in lines] == ["1", "2"]
    assert re.fullmatch(r"2 of 2 seeds, [\d.]+ seeds/s, 0:00:\d\d of virtual time, 0 failed", lines[1])


def test_a_bar_tells_the_same_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    with sim_progress.CampaignProgress(2, "profile all") as progress:
        campaign("all", 3, 2, on_result=progress.advance)
    plain = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", terminal.getvalue())
    assert re.search(r"profile all .* 2/2 .*seeds/s, 0:00:\d\d of virtual time", plain)


def test_a_trace_is_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    code, _ = run("--seed", "3", "--trace", str(path))
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert code == 0
    assert {"elected", "voted", "applied-to"} <= {line.get("event") for line in lines}
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)


def test_minutes_end_a_campaign() -> None:
    code, output = run("--minutes", "0.01")
    assert code == 0
    assert " ok, 0 failed" in output


def test_a_broken_rule_is_code_1_with_the_command_that_repeats_it(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Phase1.adopted
    monkeypatch.setattr(Phase1, "adopted", lambda self: dict.fromkeys(original(self), NOOP))
    code, output = run("--seeds", "200", "--profile", "boost")
    assert code == 1
    assert "broken: 3 (choosable)" in output
    again = next(line for line in output.splitlines() if line.startswith("again: "))
    seed = again.split("--seed ")[1].split()[0]
    assert f"seed {seed}, profile boost: safety" in output
    code, repeated = run(*again.removeprefix("again: paxtui sim ").split())
    assert code == 1
    assert output.splitlines()[-2] in repeated


def test_a_cluster_that_does_not_recover_is_code_4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Phase1, "won", property(lambda self: False))
    code, output = run("--seed", "3")
    assert code == 4
    assert "broken: 12 (liveness)" in output


def test_an_exception_is_code_5(monkeypatch: pytest.MonkeyPatch) -> None:
    def surprised(self: Dispatcher, *_: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr(Dispatcher, "_on_entries", surprised)
    code, output = run("--seeds", "100", "--profile", "network")
    assert code == 5
    assert "KeyError" in output


def test_a_failure_is_drawn_as_a_space_time_diagram() -> None:
    code, output = run("--mutants", "minority-of-promises", "--seed", "0", "--profile", "network")
    assert code == 1
    assert "     time replica 0" in output
    assert "o leads at 1." in output
    assert "seed 0, profile network, mutant minority-of-promises: safety at" in output
    assert output.splitlines()[-1] == (
        "again: paxtui sim --mutants minority-of-promises --seed 0 --profile network --verbose"
    )


def test_mutants_are_hunted_and_told_in_a_table() -> None:
    code, output = run("--mutants", "row-not-written", "vote-does-not-bind", "--jobs", "1", "--verbose")
    assert code == 0
    assert "row-not-written     all      7 (durability)" in output
    assert "vote-does-not-bind  boost    2 (promises)" in output
    assert "rule: Paxos Made Simple, 2.2, P1a" in output
    assert "2 mutants, 2 caught, within 3 times their usual budgets" in output


def test_a_mutant_that_lives_is_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "row-not-written"
    monkeypatch.setitem(MUTANTS, name, replace(MUTANTS[name], install=lambda patch: None))
    code, output = run("--mutants", name, "--jobs", "1")
    assert code == 1
    assert "NO CHECKER" in output
    assert "1 mutant, 0 caught" in output


@pytest.mark.slow
def test_the_canary_fails_one_seed_in_a_hundred_and_the_pipeline_says_so() -> None:
    code, output = run("--seeds", "600", "--profile", "canary")
    assert code == 1
    assert "broken: 0 (canary)" in output
    runs = int(output.split(" runs, ")[0].split()[-1])
    assert runs > 8
    again = output.splitlines()[-1].removeprefix("again: paxtui sim ").split()
    assert run(*again)[0] == 1
    canaries = sum(any(f.kind == "canary" for f in generate_plan(s, "canary").faults) for s in range(3000))
    assert 15 < canaries < 50


def test_a_failing_seed_shrinks_to_a_file_that_plan_runs(tmp_path: Path) -> None:
    path = tmp_path / "small.json"
    arguments = ("--seed", "0", "--profile", "network")
    code, output = run("--mutants", "minority-of-promises", *arguments, "--shrink", "--out", str(path))
    assert code == 1
    assert f"written to {path}" in output
    code, output = run("--plan", str(path))
    assert code == 0
    assert "Shrunk from: paxtui sim --mutants minority-of-promises --seed 0 --profile network" in output
    assert "broken: 3 (choosable)" in output
    assert "as it should be: the core passes, the mutant does not" in output
    with MUTANTS["minority-of-promises"].installed():
        code, output = run("--plan", str(path))
    assert code == 1
    assert output.splitlines()[-1] == f"again: paxtui sim --plan {path}"


def test_a_seed_that_does_not_fail_cannot_be_shrunk(tmp_path: Path) -> None:
    code, output = run("--seed", "3", "--shrink", "--out", str(tmp_path / "none.json"))
    assert code == 2
    assert "this seed does not fail" in output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--profile", "sunshine"),
        ("row-not-written",),
        ("--mutants", "moonshine"),
        ("--mutants", "--seed", "1"),
        ("--mutants", "--seeds", "9"),
        ("--mutants", "--ci"),
        ("--ci", "--seed", "1"),
        ("--ci", "--plan", "somewhere"),
        ("--plan", "/nowhere/at/all"),
        ("--plan", "pyproject.toml"),
        ("--shrink",),
        ("--out", "somewhere", "--seed", "3"),
        ("--trace", "somewhere"),
        ("--seeds", "0"),
        ("--seed", "-1"),
        ("--seed", "x"),
        ("--jobs", "0"),
        ("--seed", "1", "--trace", "/nowhere/at/all"),
        ("--dask", "tcp://127.0.0.1:1", "--seed", "1"),
        ("--dask", "tcp://127.0.0.1:1", "--jobs", "2"),
        ("--dask", "tcp://127.0.0.1:1", "--twice"),
        ("--dask", "tcp://127.0.0.1:1", "--ci"),
        ("--twice", "--mutants"),
        ("--twice", "--ci"),
    ],
)
def test_bad_usage_is_code_2(arguments: tuple[str, ...]) -> None:
    assert run(*arguments)[0] == 2


@pytest.mark.processes
def test_simulating_loads_neither_trio_nor_a_user_interface() -> None:
    code = (
        "import sys, paxtui.sim.campaign.campaign, paxtui.cli.sim;"
        "from paxtui.sim.campaign.campaign import run_seed; run_seed(1, 'all');"
        "print(sorted({'trio', 'textual', 'sqlite3', 'socket'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = done.stdout.strip()
    assert "trio" not in modules
    assert "textual" not in modules
