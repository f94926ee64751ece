"""``paxtui bench --suite``: the table."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

import msgspec

from paxtui.bench.load import Load, check
from paxtui.bench.measure import MeasurementInterrupted
from paxtui.bench.private_cluster import private_cluster, private_folder
from paxtui.bench.progress import progress_line
from paxtui.bench.suite import Row, Suite, of_size
from paxtui.bench.testbed import Testbed
from paxtui.cli.bench_interrupts import Stopper, interruptible
from paxtui.cli.bench_machine import machine, machine_limits, machine_words, open_files
from paxtui.cli.bench_options import BenchOptions
from paxtui.cli.guard import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK
from paxtui.cli.wrapping import hung, width_of_output
from paxtui.config.cluster_file import ConfigError, local
from paxtui.config.folders import data_root

SECONDS = 3.0
FIXED = ("connections", "in_flight", "rate", "read_ratio", "n", "cluster")
SIZES = (5, 7)
SHARES = (0.32, 0.3)
"""Of the width that load, target and measured have; measured has the rest."""
NARROW = (13, 6)
"""Verdict and others."""
COLUMN_MIN = 14
PIPE_COLUMNS = 160
"""Where the output is no terminal."""
FIXED_WIDTH = sum(NARROW) + 2 * 4

LEGEND = (
    "In brackets: the measured figure by its target. others: what other programs took meanwhile, of one "
    "core; where that is much, a row says little. In a checkout, `python -m tests.tools.compare` has the "
    "ratios to etcd, and `tests/tools/measurements` has the rest: `catch_up` a follower that missed a "
    "million messages, `long_log` a log of ten million, `console full` the whole console in place of an "
    "observer that only takes its telemetry."
)


def run_suite(options: BenchOptions) -> int:
    """Print the rows as they come. Exit code 1 if a target that can be judged here is missed."""
    said = [name for name in FIXED if getattr(options, name) is not None]
    if said or options.bare:
        flag = "--config" if said == ["cluster"] else f"--{(said or ['bare'])[0].replace('_', '-')}"
        raise ConfigError(f"--suite brings its own loads and replicas; {flag} does not go with it")
    base = Load(
        seconds=SECONDS if options.seconds is None else options.seconds,
        size=Load().size if options.size is None else options.size,
        warmup_s=Load().warmup_s if options.warmup_s is None else options.warmup_s,
    )
    check(msgspec.structs.replace(base, connections=256, in_flight=1), local(3), open_files())
    with private_folder(data_root(options.data_dir)) as folder:
        return interruptible(lambda stopper: _suite(base, folder, stopper, as_json=options.as_json))


async def _suite(base: Load, folder: Path, stopper: Stopper, *, as_json: bool) -> int:
    table = Table(as_json=as_json)
    try:
        found = await machine_limits(folder)
        table.head(base, found.file_system)
        async with private_cluster(3, folder / "3") as replicas:
            async for row in Suite(Testbed(replicas, found, progress_line, stopper.measuring), base).three():
                table.add(row)
        for n in SIZES:
            async with private_cluster(n, folder / str(n)) as replicas:
                table.add(await of_size(Testbed(replicas, found, progress_line, stopper.measuring), base))
    except MeasurementInterrupted:
        print("paxtui: interrupted; the rows above are whole", file=sys.stderr)
        return EXIT_INTERRUPTED
    table.foot()
    return EXIT_FAILED if table.missed else EXIT_OK


class Table:
    """Rows as they come."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self.missed = 0

    def head(self, base: Load, file_system: str) -> None:
        """Print on what it is measured, and the columns."""
        if self._as_json:
            print(msgspec.json.encode({**machine(), "file_system": file_system}).decode(), flush=True)
            return
        said = (
            f"3 replicas unless a row says otherwise, {base.size}-byte messages, bare connections, each "
            f"counted for {base.seconds:g} s after {base.warmup_s:g} s; {machine_words()}, {file_system}"
        )
        print("\n".join(hung(said, width_of_output(), "")))
        print()
        self._print(("load", "target", "measured", "verdict", "others"))

    def add(self, row: Row) -> None:
        """Print one more row."""
        self.missed += row.verdict == "missed"
        if self._as_json:
            print(msgspec.json.encode(row).decode(), flush=True)
            return
        by = "" if row.ratio is None else f" ({row.ratio:.2f})"
        others = "?" if row.others_share is None else f"{row.others_share:.0%}"
        self._print((row.load, row.target, row.measured, row.verdict + by, others))

    def foot(self) -> None:
        """Print where the other rows are."""
        if not self._as_json:
            print()
            print("\n".join(hung(LEGEND, width_of_output(), "")))

    def _print(self, cells: Sequence[str]) -> None:
        """Print one row, each cell in lines of its column's width."""
        columns = max((width_of_output() or PIPE_COLUMNS) - FIXED_WIDTH, 3 * COLUMN_MIN)
        load, target = (max(COLUMN_MIN, round(share * columns)) for share in SHARES)
        shares = (load, target, columns - load - target, *NARROW)
        wrapped = [
            textwrap.wrap(cell, width, break_on_hyphens=False, break_long_words=False) or [""]
            for cell, width in zip(cells, shares, strict=True)
        ]
        for line in zip_longest(*wrapped, fillvalue=""):
            text = "  ".join(cell.ljust(width) for cell, width in zip(line, shares, strict=True))
            print(text.rstrip(), flush=True)
