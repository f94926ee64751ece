"""``paxtui check RECORD...`` as a person runs it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.processes


@pytest.fixture
def trace(paxtui: Run, tmp_path: Path) -> Path:
    """A run with crashes."""
    path = tmp_path / "run.jsonl"
    done = paxtui("sim", "--seed", "3", "--profile", "crash", "--trace", path)
    assert done.returncode == 0, done.stderr
    return path


def test_a_safe_record_is_code_0_and_says_on_what_that_rests(paxtui: Run, trace: Path) -> None:
    done = paxtui("check", trace)
    assert done.returncode == 0, done.stdout + done.stderr
    first, rests, *_ = done.stdout.splitlines()
    assert first == "SAFE: no rule was broken in what these records tell"
    assert rests.startswith('rests on: 1 file of cluster "seed 3, profile crash", 5 of 5 replicas, ')
    assert "   4 agreement: " in done.stdout
    assert "not checked:\n  10 linearizable: records do not tell what clients asked" in done.stdout


def test_a_broken_rule_is_code_1_with_its_place_and_the_last_events(paxtui: Run, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    mutant = ("--mutants", "lowest-ballot-wins", "--seed", "1", "--profile", "crash")
    assert paxtui("sim", *mutant, "--trace", path).returncode == 1
    done = paxtui("check", path)
    assert done.returncode == 1
    trace = path.read_text().splitlines()
    lines = done.stdout.splitlines()
    at = lines.index("VIOLATED: 3 (choosable)")
    assert lines[0].split() == ["time", "replica", "0", "replica", "1", "replica", "2"]
    assert "o proposes" in lines[at - 2]
    words = r"  replica (\d): (slot \d+) at \S+: it proposes .*, its quorum voted for .* at (\S+)"
    said = re.match(words, lines[at + 1])
    assert said is not None
    where = re.fullmatch(rf"  at {path}:(\d+), replica {said[1]}", lines[at + 2])
    assert where is not None
    assert '"event":"proposed"' in trace[int(where[1]) - 1]
    assert any(re.match(rf"  {said[2]} at {said[3]}: .* by \d", line) for line in lines[at:])


def test_what_is_missing_is_code_2_if_it_matters(paxtui: Run, trace: Path, tmp_path: Path) -> None:
    lines = trace.read_bytes().splitlines(keepends=True)
    voted = next(at for at, line in enumerate(lines) if b'"voted"' in line)
    leader = next(line for line in lines if b'"elected"' in line).split(b'"replica":')[1][:1]
    path = tmp_path / "less.jsonl"
    path.write_bytes(b"".join(lines[:voted]))
    done = paxtui("check", path)
    assert done.returncode == 0
    assert "its record ends without an end" in done.stdout
    path.write_bytes(b"".join(line for line in lines if b'"replica":%b,"number"' % leader not in line))
    done = paxtui("check", path)
    assert done.returncode == 2, done.stdout
    assert done.stdout.startswith("UNKNOWN: no rule was broken in what these records tell, but something")
    assert "could not be decided:\n  whether the leader of " in done.stdout


def test_values_never_reach_the_terminal_as_they_are(paxtui: Run, trace: Path, tmp_path: Path) -> None:
    lines = trace.read_bytes().splitlines(keepends=True)
    at = next(at for at, line in enumerate(lines) if b'"learned"' in line)
    lines[at] = lines[at].replace(b'"c', b'"\\u001b]52;c;x\\u0007\\u202e', 1)
    path = tmp_path / "forged.jsonl"
    path.write_bytes(b"".join(lines).replace(b"seed 3", b"seed \\u001b[31m3"))
    done = paxtui("check", path)
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], ["nothing to check", "--history"]),
        (["nope.jsonl"], ["nope.jsonl", "No such file"]),
        (["bad.jsonl"], ["bad.jsonl:1", "no header"]),
        (["run.jsonl", "run.jsonl"], ["run.jsonl", "named twice"]),
        (["run.jsonl", "--export", "jepsen"], ["--export"]),
    ],
)
def test_bad_usage_is_code_2_and_one_line(
    paxtui: Run, trace: Path, tmp_path: Path, words: list[str], said: list[str]
) -> None:
    (tmp_path / "bad.jsonl").write_text('{"type":"snapshot"}\n')
    done = paxtui("check", *words)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    for word in said:
        assert word in line
