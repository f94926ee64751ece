"""Change one place of the code, run the checks, and see whether one of them fails; place after place.

    python -m tests.tools.mutations COPY --files FILE... --count 150 --seed 1 --out result.jsonl \\
        --pytest "tests/core tests/tools/explore" --check 'sim=python -m paxtui sim --seeds 300 --profile all'
    python -m tests.tools.mutations COPY --files FILE... --list     # how many places there are

COPY is a scratch copy of the project, as ``git clone . /tmp/copy`` makes one: its files are changed, and
changed back. Each ``--check`` is NAME=COMMAND and runs in COPY, in the order given. All must pass there
without a mutation; then the first one that fails, or takes longer than ``--limit``, kills the mutant.
``--pytest`` is the first check, with the name tests: pytest with these arguments, in forks of one process
(see ``forked.py``), where a mutant that the first test kills costs 0.01 s and not two seconds.

``--seed`` draws the sample, which is spread over the files by their number of places. ``--out`` takes one
line of JSON a mutant, with its diff; a run that was broken off goes on from there, and ``--only survived``
tries those again that no check killed.

Some mutations cannot matter. ``equivalent/*.toml`` beside this file names each of them, with the reason.
Such a mutant runs as well, but does not count: the score is killed / (drawn - argued). A row that a check
kills after all is an error (exit code 1).
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.tools.mutations.mutations import Mutant, mutants_of, plain, sample

PROJECT = Path(__file__).resolve().parents[3]
EQUIVALENT = Path(__file__).parent / "equivalent"
FORKED = Path(__file__).parent / "forked.py"

SURVIVED = "survived"


@dataclass(frozen=True)
class Argued:
    """A row of ``equivalent/*.toml``: a mutation that cannot matter, and why."""

    file: str
    line: str
    mutated: str
    why: str
    inside: str | None = None
    """``Class.function``, where the same line stands in several."""

    def is_about(self, mutant: Mutant) -> bool:
        """Whether ``mutant`` is the mutation that this row argues."""
        return (
            mutant.file == self.file
            and self.inside in (None, mutant.place.inside)
            and mutant.lines == (plain(self.line), plain(self.mutated))
        )


def argued_rows(folder: Path = EQUIVALENT) -> list[Argued]:
    """All rows of all files; raises ``ValueError`` if one is not as it should be."""
    rows = []
    for path in sorted(folder.glob("*.toml")):
        for row in tomllib.loads(path.read_text(encoding="utf-8")).get("equivalent", []):
            try:
                rows.append(Argued(**row))
            except TypeError:
                allowed = "file, line, mutated, why and, if needed, inside"
                raise ValueError(f"{path.name}: a row has {', '.join(row)}; it takes {allowed}") from None
    return rows


Verdict = tuple[str, str]
"""An exit code (``0``: passed; or ``timeout``), and what was said of the failure."""


class Command:
    """A check that is a command of its own, run in the copy with one file changed."""

    def __init__(self, command: str, root: Path, limit_s: float) -> None:
        self._command = shlex.split(command)
        self._root = root
        self._limit_s = limit_s

    def __call__(self, mutant: Mutant | None) -> Verdict:
        """Run the check; the copy is then as it was."""
        if mutant is None:
            return self._run()
        path = self._root / mutant.file
        path.write_text(mutant.changed, encoding="utf-8")
        try:
            return self._run()
        finally:
            path.write_text(mutant.source, encoding="utf-8")

    def _run(self) -> Verdict:
        shutil.rmtree(self._root / ".hypothesis", ignore_errors=True)
        log_path = self._root / ".mutate.log"
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                self._command,
                cwd=self._root,
                env=environment(self._root),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                code = str(process.wait(self._limit_s))
            except subprocess.TimeoutExpired:
                code = "timeout"
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
        lines = log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        told = [line for line in lines if line.strip().startswith(("FAILED", "ERROR", "seed"))]
        return code, (told or ["\n".join(lines)[-1000:]])[0][:1000]


class Forked:
    """A check that is pytest in forks of one process, and a command where a mutant cannot be swapped in."""

    def __init__(self, arguments: str, root: Path, limit_s: float) -> None:
        self._command = Command(f"{sys.executable} -m pytest -q -x -p no:xdist {arguments}", root, limit_s)
        self._limit_s = limit_s
        self._server = subprocess.Popen(
            [sys.executable, str(FORKED), "-q", "-x", *shlex.split(arguments)],
            cwd=root,
            env=environment(root),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._answer()

    def __call__(self, mutant: Mutant | None) -> Verdict:
        """Run the check."""
        request: dict[str, Any] = {}
        if mutant is not None:
            place = mutant.place
            request = {"file": mutant.file, "inside": place.inside, "source": mutant.changed}
            request["limit_s"] = self._limit_s
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        answer = self._answer()
        return self._command(mutant) if answer["code"] is None else (answer["code"], answer["failed"])

    def _answer(self) -> dict[str, Any]:
        assert self._server.stdout is not None
        line = self._server.stdout.readline()
        if not line:
            raise SystemExit("pytest collected nothing, or broke off; run it in COPY to see why")
        answer: dict[str, Any] = json.loads(line)
        return answer


Check = Command | Forked


def environment(root: Path) -> dict[str, str]:
    """Environment variables that make a check import the copy, and leave no compiled files in it."""
    return dict(os.environ, PYTHONPATH=str(root), PYTHONDONTWRITEBYTECODE="1")


def judge(mutant: Mutant, checks: Mapping[str, Check]) -> dict[str, Any]:
    """Run the checks against ``mutant`` until one fails."""
    times: dict[str, float] = {}
    for name, check in checks.items():
        started = time.monotonic()
        code, told = check(mutant)
        times[name] = round(time.monotonic() - started, 2)
        if code != "0":
            return {"verdict": name, "times": times, "detail": f"{code}: {told}"}
    return {"verdict": SURVIVED, "times": times, "detail": ""}


class Results:
    """The file of results: the last line of each number counts."""

    def __init__(self, path: Path, drawn: list[Mutant]) -> None:
        self._path = path
        self.verdicts: dict[int, str] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            record = json.loads(line)
            number = record["number"]
            if number >= len(drawn) or record["diff"] != "\n".join(drawn[number].diff()):
                raise ValueError(
                    f"{path} has results of another sample, or of other code; name another --out"
                )
            self.verdicts[number] = record["verdict"]

    def add(self, number: int, mutant: Mutant, judged: dict[str, Any]) -> None:
        """Append a line."""
        where = {"kind": mutant.place.kind, "file": mutant.file, "line": mutant.place.line}
        record = {"number": number, **where, **judged, "diff": "\n".join(mutant.diff())}
        with self._path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(record) + "\n")
        self.verdicts[number] = judged["verdict"]


def print_score(drawn: list[Mutant], rows: list[Argued], verdicts: Mapping[int, str]) -> int:
    """Print who killed how many, what survived, and the score; 1 if a row argues what a check kills."""
    argued = {n for n, each in enumerate(drawn) if any(row.is_about(each) for row in rows)}
    by_check = Counter(verdict for n, verdict in verdicts.items() if n not in argued)
    wrong = [n for n in sorted(argued) if verdicts.get(n, SURVIVED) != SURVIVED]
    for number in sorted(set(verdicts) - argued):
        if verdicts[number] == SURVIVED:
            print(f"survived: {number}, {drawn[number].file}:{drawn[number].place.line}")
            print("\n".join(drawn[number].diff(1)[3:]))
    for number in wrong:
        print(
            f"argued to be equivalent, but killed: {number}, {drawn[number].file}:{drawn[number].place.line}"
        )
    left = len(drawn) - len(set(range(len(drawn))) - set(verdicts)) - len(argued & set(verdicts))
    killed = left - by_check[SURVIVED]
    told = ", ".join(f"{count} by {name}" for name, count in by_check.items() if name != SURVIVED)
    share = f"{100 * killed / left:.1f} %" if left else "nothing to kill"
    print(f"killed {killed} of {left} ({told or 'none'}): {share}; {len(argued)} of {len(drawn)} argued")
    if len(verdicts) < len(drawn):
        print(f"not tried yet: {len(drawn) - len(verdicts)}")
    return 1 if wrong else 0


def options() -> argparse.Namespace:
    """Read the command line; a mistake in it ends the program with exit code 2."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("copy", type=Path, metavar="COPY")
    parser.add_argument("--files", required=True, nargs="+", help="relative to COPY")
    parser.add_argument("--check", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--pytest", metavar="ARGUMENTS", help="the first check, named tests: see above")
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=600, metavar="SECONDS", help="for each check")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no mutant after that")
    parser.add_argument("--out", type=Path, help="default: mutants-SEED.jsonl")
    parser.add_argument("--only", help="numbers with commas between them, or: survived")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    args.copy = args.copy.resolve()
    args.out = args.out or Path(f"mutants-{args.seed}.jsonl")
    args.files = [file for each in args.files for file in each.split(",")]
    if args.copy == PROJECT:
        parser.error("COPY is this project itself; make a copy first: git clone . /tmp/copy")
    for file in args.files:
        if not (args.copy / file).is_file():
            parser.error(f"there is no file {file} in {args.copy}")
    for check in args.check:
        if not all(check.partition("=")[::2]):
            parser.error(f"--check {check}: NAME=COMMAND is expected")
    if not args.check and not args.pytest and not args.list:
        parser.error("--pytest or at least one --check is needed")
    only = args.only or ""
    if only and only != SURVIVED and not all(each.isdecimal() for each in only.split(",")):
        parser.error(f"--only {only}: numbers with commas between them, or the word survived, are allowed")
    return args


def chosen(args: argparse.Namespace, drawn: list[Mutant], rows: list[Argued], results: Results) -> list[int]:
    """The numbers to be tried now."""
    if args.only == SURVIVED:
        alive = [n for n, verdict in sorted(results.verdicts.items()) if verdict == SURVIVED]
        return [n for n in alive if not any(row.is_about(drawn[n]) for row in rows)]
    if args.only:
        return [n for n in map(int, args.only.split(",")) if n < len(drawn)]
    return [n for n in range(len(drawn)) if n not in results.verdicts]


def main() -> int:
    """Run the command line."""
    args = options()
    rows = argued_rows()
    found = mutants_of(args.copy, args.files)
    drawn = sample(found, args.count, args.seed)
    if args.list:
        print(len(found), "places:", dict(Counter(each.place.kind for each in found)))
        print("drawn:", dict(Counter(each.file for each in drawn)))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        results = Results(args.out, drawn)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    numbers = chosen(args, drawn, rows, results)
    checks: dict[str, Check] = {}
    if numbers and args.pytest:
        checks["tests"] = Forked(args.pytest, args.copy, args.limit)
    for each in args.check if numbers else ():
        name, command = each.split("=", 1)
        checks[name] = Command(command, args.copy, args.limit)
    for name, check in checks.items():
        code, told = check(None)
        if code != "0":
            print(f"the check {name} fails in {args.copy} as it is ({code}): {told}", file=sys.stderr)
            return 2
    began = time.monotonic()
    for number in numbers:
        if time.monotonic() - began > 60 * args.minutes:
            break
        mutant = drawn[number]
        judged = judge(mutant, checks)
        results.add(number, mutant, judged)
        where = f"{mutant.file}:{mutant.place.line}"
        print(number, judged["verdict"], mutant.place.kind, where, judged["times"], flush=True)
    return print_score(drawn, rows, results.verdicts)
