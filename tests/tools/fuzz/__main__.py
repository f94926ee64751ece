"""``python -m tests.tools.fuzz [--frames 1000000] [--minutes 30] [--seed N]``: attack three real replicas.

Prints what was sent, what honest clients saw meanwhile, each replica's memory, what the replicas refused and
under which name. Exit code 1 if anything crashed, stalled, grew, differs or is lost.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

import trio

from tests.tools.fuzz.campaign import Campaign, Result


def show(result: Result) -> None:
    """All of it, for a person."""
    seconds = sum(report.seconds for report in result.reports)
    sessions = sum(report.sessions for report in result.reports)
    print(f"seed {result.seed}: {result.frames} hostile frames in {sessions} connections, {seconds:.0f} s")
    kinds: dict[str, int] = {}
    for report in result.reports:
        for kind, count in report.kinds.items():
            kinds[kind] = kinds.get(kind, 0) + count
    for kind, count in sorted(kinds.items()):
        print(f"  {count:9} {kind}")
    print("honest clients: appends acknowledged, and the longest append or read")
    for spell in result.spells:
        print(f"  {spell.appends:9} {spell.worst_s:7.3f} s  {spell.name}")
    print("resident memory in MB, before, after each part, at the end (0: not running)")
    for replica in range(3):
        row = " ".join(f"{sample.get(replica, 0):6.1f}" for sample in result.memory)
        print(f"  replica {replica} {row}")
    print("refused and dropped, all replicas together")
    for name, count in result.counters.items():
        if name.startswith(("refused: ", "dropped: ")):
            print(f"  {count:9} {name}")
    print(f"log of {result.slots} slots, equal on all; {result.acknowledged} acknowledged; {result.history}")
    print(f"problems: {len(result.problems)}")
    for problem in result.problems[:20]:
        print(f"  {problem}")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.fuzz", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--frames", type=int, default=1_000_000, help="hostile frames to send (%(default)s)")
    parser.add_argument("--minutes", type=float, default=60.0, help="at most so long (%(default)s)")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--data-dir", type=Path, help="keep data folders and the history here")
    arguments = parser.parse_args()

    async def run(folder: Path) -> Result:
        return await Campaign(arguments.seed, arguments.frames, arguments.minutes * 60, folder).run()

    if arguments.data_dir is not None:
        result = trio.run(run, arguments.data_dir)
    else:
        with tempfile.TemporaryDirectory(prefix="paxtui-fuzz-") as folder:
            result = trio.run(run, Path(folder))
    show(result)
    return 1 if result.problems else 0


if __name__ == "__main__":
    sys.exit(main())
