"""The mutation tool on a small project, and its list of mutations that cannot matter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.mutations.mutate import EQUIVALENT, PROJECT, argued_rows, print_score
from tests.tools.mutations.mutations import Mutant, Places, mutants_of, plain, sample

SOURCE = """
def status(x: int) -> bool:
    return x > 0


def limit(x: int = 3) -> int:
    \"\"\"Not more than 5.\"\"\"
    if x > 5:
        return 5
    return x
"""
CHECK = "assert [limit(), limit(7), limit(1)] == [3, 5, 1]"
ROW = """
[[equivalent]]
file = "small.py"
line = "if x > 5:"
mutated = "if x >= 5:"
why = "Both branches return 5 for 5."
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    root = tmp_path / "copy"
    root.mkdir()
    (root / "small.py").write_text(SOURCE)
    (root / "check.py").write_text(f"from small import limit\n{CHECK}\n")
    return root


def mutate(copy: Path, *more: str) -> subprocess.CompletedProcess[str]:
    out = str(copy / "out.jsonl")
    command = [sys.executable, "-m", "tests.tools.mutations", str(copy), "--files", "small.py", "--out", out]
    check = f"check={sys.executable} check.py"
    return subprocess.run(
        [*command, "--check", check, *more], cwd=PROJECT, capture_output=True, text=True, check=False
    )


@pytest.mark.processes
def test_a_survivor_is_shown_with_its_lines_and_the_copy_is_as_it_was(copy: Path) -> None:
    ran = mutate(copy, "--count", "100")
    assert ran.returncode == 0, ran.stderr
    records = [json.loads(line) for line in (copy / "out.jsonl").read_text().splitlines()]
    survived = sum(record["verdict"] == "survived" for record in records)
    assert f"killed {len(records) - survived} of {len(records)}" in ran.stdout
    assert ran.stdout.count("survived: ") == survived
    assert "-    if x > 5:\n+    if x >= 5:\n" in ran.stdout
    assert (copy / "small.py").read_text() == SOURCE


@pytest.mark.processes
def test_forks_of_one_pytest_kill_what_pytest_as_a_command_kills(copy: Path) -> None:
    """Also what is in no function, and so cannot be swapped: the default of 3."""
    test = "from small import limit\n\n\ndef test_limit():\n    " + CHECK + "\n"
    (copy / "test_small.py").write_text(test)
    command = mutate(copy, "--count", "6", "--seed", "4")
    lines = (copy / "out.jsonl").read_text().splitlines()
    (copy / "out.jsonl").unlink()
    forked = mutate(copy, "--count", "6", "--seed", "4", "--pytest", "-p no:cacheprovider test_small.py")
    assert forked.returncode == 0, forked.stderr
    records = [json.loads(line) for line in (copy / "out.jsonl").read_text().splitlines()]
    assert [record["verdict"] != "survived" for record in records] == [
        json.loads(line)["verdict"] != "survived" for line in lines
    ]
    assert {record["verdict"] for record in records} == {"tests", "survived"}
    assert command.stdout.splitlines()[-1].replace("by check", "by tests") == forked.stdout.splitlines()[-1]
    assert any("test_small.py::test_limit" in record["detail"] for record in records)
    assert any(record["times"]["tests"] > 0.1 for record in records), "a default was tried by the command"


@pytest.mark.processes
def test_results_of_another_sample_are_not_mixed_with_this_one(copy: Path) -> None:
    assert mutate(copy, "--count", "2", "--seed", "1").returncode == 0
    ran = mutate(copy, "--count", "2", "--seed", "2")
    assert ran.returncode == 2
    assert "has results of another sample" in ran.stderr


@pytest.mark.processes
def test_a_check_that_fails_without_a_mutation_kills_nothing(copy: Path) -> None:
    (copy / "check.py").write_text("raise SystemExit(1)")
    ran = mutate(copy, "--count", "1")
    assert ran.returncode == 2
    assert "the check check fails" in ran.stderr
    assert not (copy / "out.jsonl").exists()


def test_the_score_leaves_out_what_is_argued(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copy / "equivalent.toml").write_text(ROW)
    rows = argued_rows(copy)
    found = mutants_of(copy, ["small.py"])
    argued = [number for number, mutant in enumerate(found) if rows[0].is_about(mutant)]
    assert len(argued) == 1
    verdicts = dict.fromkeys(range(len(found)), "tests") | {argued[0]: "survived"}
    assert print_score(found, rows, verdicts) == 0
    rest = len(found) - 1
    assert (
        f"killed {rest} of {rest} ({rest} by tests): 100.0 %; 1 of {len(found)} argued"
        in capsys.readouterr().out
    )


def test_a_mutation_that_is_argued_and_killed_is_an_error(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / "equivalent.toml").write_text(ROW)
    found = mutants_of(copy, ["small.py"])
    assert print_score(found, argued_rows(copy), dict.fromkeys(range(len(found)), "tests")) == 1
    assert "argued to be equivalent, but killed" in capsys.readouterr().out


def test_a_seed_draws_the_same_sample_again_and_no_status_is_mutated(copy: Path) -> None:
    found = mutants_of(copy, ["small.py"])
    assert sample(found, 5, 1) == sample(found, 5, 1)
    assert sample(found, 5, 1) != sample(found, 5, 2)
    assert {mutant.place.inside for mutant in found} == {"limit"}


def test_every_argued_mutation_is_one_of_todays_code_and_has_a_reason() -> None:
    rows = argued_rows(EQUIVALENT)
    assert rows
    found: dict[str, list[Mutant]] = {}
    for file in {row.file for row in rows}:
        source = (PROJECT / file).read_text(encoding="utf-8")
        found[file] = [Mutant(file, place, source) for place in Places(source).found]
    for row in rows:
        line = plain(row.line)
        likely = [
            mutant
            for mutant in found[row.file]
            if plain(mutant.source.splitlines()[mutant.place.line - 1]) in line
        ]
        assert any(row.is_about(mutant) for mutant in likely), f"{row.file} has no such place: {row.line}"
        assert row.why.endswith("."), f"{row.file}, {row.line}: a reason is a sentence"
