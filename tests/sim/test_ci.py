"""What runs on every commit is fixed by the commit, and by nothing else."""

from __future__ import annotations

from collections import Counter

import pytest

from paxtui.cli import sim_ci
from paxtui.sim.campaign import ci
from paxtui.sim.plan.plan import PROFILES, SPECIAL

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_the_seeds_are_as_many_as_promised_over_all_profiles() -> None:
    fixed, derived = list(ci.fixed()), list(ci.derived(COMMIT))
    assert (len(fixed), len(derived)) == (500, 1000)
    assert fixed[0][0] == 0
    for runs in (fixed, derived):
        assert len(set(runs)) == len(runs)
        assert Counter(profile for _, profile in runs).keys() == {*PROFILES, *SPECIAL} - {"canary"}
    assert list(ci.repeated_runs(COMMIT)) == derived[:20]


def test_a_commit_has_its_own_seeds_for_ever() -> None:
    assert list(ci.derived(COMMIT)) == list(ci.derived(COMMIT))
    assert ci.first_seed(COMMIT) != ci.first_seed(COMMIT.replace("0", "f"))
    assert ci.first_seed(None) == ci.first_seed(None)
    assert 0 <= ci.first_seed(COMMIT) < 2**40


@pytest.mark.processes
def test_the_commit_is_told_by_the_environment_or_by_git_or_by_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(sim_ci.COMMIT_VARIABLE, COMMIT)
    assert sim_ci.commit() == (COMMIT, sim_ci.COMMIT_VARIABLE)
    monkeypatch.setenv(sim_ci.COMMIT_VARIABLE, "not a hash")
    monkeypatch.setenv("PATH", "")
    assert sim_ci.commit() == (None, "no git here")


def test_all_parts_run_and_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ci, "FIXED", 6)
    monkeypatch.setattr(ci, "DERIVED", 5)
    monkeypatch.setattr(ci, "TWICE", 2)
    monkeypatch.setenv(sim_ci.COMMIT_VARIABLE, COMMIT)
    assert sim_ci.run(1, verbose=False) == 0
    output = capsys.readouterr().out
    assert f"commit {COMMIT} (PAXTUI_COMMIT)" in output
    assert "6 fixed seeds, from 0: 6 of 6 ok" in output
    assert f"5 seeds of this commit, from {ci.first_seed(COMMIT)}: 5 of 5 ok" in output
    assert "2 of these twice: 2 of 2 ok" in output
    assert "never happened: " in output
    assert "regression files: " in output


@pytest.mark.processes
def test_a_failure_ends_it_with_its_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ci, "ROUND", ("canary",))
    assert sim_ci.run(1, verbose=False) == 1
    output = capsys.readouterr().out
    assert "broken: 0 (canary)" in output
    assert "again: paxtui sim --seed " in output
