"""A follower that was down for a million messages: throughput without it, while it catches up, and how fast.

Run: python -m tests.tools.measurements.catch_up [--messages 1000000] [--seconds 5] [--folder DIR]

The rows are those of `paxtui bench --suite`, which lets the follower miss as much as a few seconds give.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trio

from paxtui.bench.load import Load
from paxtui.bench.private_cluster import private_cluster
from paxtui.bench.progress import progress_line
from paxtui.bench.suite import Suite
from paxtui.bench.testbed import Testbed
from paxtui.cli.bench_machine import machine_limits
from paxtui.cli.bench_suite import Table


@contextmanager
def to_the_end() -> Iterator[trio.Event]:
    """No measurement is ended early: ctrl-c ends the script, and the replicas with it."""
    yield trio.Event()


async def run(options: argparse.Namespace, folder: Path) -> int:
    base = Load(seconds=options.seconds)
    found = await machine_limits(folder)
    table = Table(as_json=False)
    table.head(base, found.file_system)
    async with private_cluster(3, folder) as replicas:
        for row in await Suite(Testbed(replicas, found, progress_line, to_the_end), base).follower_down(
            options.messages
        ):
            table.add(row)
    return 1 if table.missed else 0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--folder", type=Path, default=Path("logs"), help="on the disk that is measured")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="catch-up-", dir=options.folder) as folder:
        sys.exit(trio.run(run, options, Path(folder)))


if __name__ == "__main__":
    main()
