"""Every scenario, with and without loss, with many seeds. Not collected by pytest: run it as a script.

    python -m tests.tools.scenarios --seeds 20 --jobs 2

Prints a table and, for each failure, the reason and the command that repeats it. Exit code 1 if any failed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from paxtui.scenarios.model import builtin

RUN_S = 300
"""A run that takes longer hangs."""


@dataclass
class Cell:
    """All runs of one scenario with one set of flags."""

    passed: int = 0
    failed: int = 0
    seconds: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Job:
    """One run."""

    scenario: str
    loss: float
    skip: int | None
    f: int | None
    seed: int
    keep_in: Path

    @property
    def command(self) -> list[str]:
        flags = ["--rand-seed", str(self.seed), "--msg-loss", f"{self.loss:g}"]
        flags += ["--skip-slot", str(self.skip)] if self.skip is not None else []
        flags += ["--f", str(self.f)] if self.f is not None else []
        return [sys.executable, "-m", "paxtui", "run", self.scenario, *flags]

    def run(self) -> dict[str, object]:
        """The last object that the run printed."""
        name = f"{self.scenario}-{self.loss:g}-{self.skip}-{self.seed}"
        logs = self.keep_in / name
        started = time.monotonic()
        try:
            done = subprocess.run(
                [*self.command, "--json", "--log-dir", str(logs)],
                capture_output=True,
                text=True,
                timeout=RUN_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {"passed": False, "reason": f"hung for {RUN_S} s", "seconds": RUN_S}
        (self.keep_in / f"{name}.jsonl").write_text(done.stdout + done.stderr)
        try:
            last: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
        except (IndexError, ValueError):
            reason = (done.stderr.strip() or "it said nothing").splitlines()[-1]
            return {"passed": False, "reason": reason, "seconds": time.monotonic() - started}
        return last


def main() -> int:
    """Run them all; the exit code is 1 if any failed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.scenarios",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds each")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--loss", type=float, nargs="*", default=[0.0, 30.0], help="percentages")
    parser.add_argument("--skip-slot", type=int, default=None)
    parser.add_argument("--f", type=int, default=None, help="for every scenario; by default what it needs")
    parser.add_argument("--jobs", type=int, default=1, help="runs at the same time")
    parser.add_argument("--only", nargs="*", default=None, help="scenarios by name")
    parser.add_argument("--minutes", type=float, default=None, help="begin no run after so long")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="paxtui-campaign-"))
    names = given.only or [scenario.name for scenario in builtin()]
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    jobs = [
        Job(name, loss, given.skip_slot, given.f, seed, folder)
        for seed, loss, name in itertools.product(seeds, given.loss, names)
    ]
    cells = {(name, loss): Cell() for name in names for loss in given.loss}
    until = time.monotonic() + given.minutes * 60 if given.minutes is not None else float("inf")
    failures: list[tuple[Job, str]] = []

    def work(job: Job) -> None:
        if time.monotonic() > until:
            return
        result = job.run()
        cell = cells[job.scenario, job.loss]
        cell.seconds.append(float(str(result.get("seconds", 0))))
        if result.get("passed"):
            cell.passed += 1
        else:
            cell.failed += 1
            failures.append((job, str(result.get("reason"))))
            print(f"FAIL {' '.join(job.command[1:])}\n     {result.get('reason')}", flush=True)

    with ThreadPoolExecutor(given.jobs) as pool:
        list(pool.map(work, jobs))
    _print_table(names, given.loss, cells)
    ran = sum(len(cell.seconds) for cell in cells.values())
    print(f"\n{ran - len(failures)} of {ran} runs passed ({len(jobs) - ran} not begun); output in {folder}")
    return 1 if failures else 0


def _print_table(names: list[str], losses: list[float], cells: dict[tuple[str, float], Cell]) -> None:
    head = "".join(f"{f'loss {loss:g} %':>24}" for loss in losses)
    print(f"\n{'scenario':<40}{head}\n{'':<40}" + f"{'passed  median  longest':>24}" * len(losses))
    for name in names:
        row = f"{name:<40}"
        for loss in losses:
            cell = cells[name, loss]
            times = sorted(cell.seconds) or [0.0]
            passed = f"{cell.passed}/{cell.passed + cell.failed}"
            row += f"{passed:>8}{times[len(times) // 2]:>6.1f} s{times[-1]:>6.1f} s"
        print(row)


if __name__ == "__main__":
    sys.exit(main())
