"""Everything at once, for an hour: ``python -m tests.tools.soak``.

    [--minutes 60] [--seed N] [--replicas 5] [--folder DIR]

Real replicas under random kill -9, pauses, cuts, full, failing and lost disks, restarts and elections;
clients of all kinds, also ten times as many appends as the cluster takes; a console in a pseudo-terminal.
Prints each fault, a line a minute, a table at the end. Exit code 0 if nothing is wrong; 1 if something is,
with the seed and the folder that has the logs; 130 if it was stopped by ctrl-c before its time. The same seed
draws the same faults in the same order. A real full disk needs root, since a tmpfs is mounted; without it, it
is injected.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import trio

from tests.tools.soak.run import Soak, Wanted, run_until_stopped

STOPPED = 130


def say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.soak", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--minutes", type=float, default=60.0, help="how long (%(default)g)")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--replicas", type=int, choices=(3, 5), default=5)
    parser.add_argument("--folder", type=Path, help="put data and logs here; what had problems stays there")
    arguments = parser.parse_args()
    own = arguments.folder is None
    folder = Path(tempfile.mkdtemp(prefix="paxtui-soak-")) if own else arguments.folder.resolve()
    if not own and folder.exists() and any(folder.iterdir()):
        parser.error(f"--folder: {folder} is not empty")
    folder.mkdir(parents=True, exist_ok=True)
    say(f"seed {arguments.seed}, {arguments.minutes:g} minutes, data in {folder}")
    wanted = Wanted(seed=arguments.seed, minutes=arguments.minutes, replicas=arguments.replicas)
    soak = Soak(wanted, folder, say)
    trio.run(run_until_stopped, soak, (signal.SIGINT, signal.SIGTERM))
    for line in soak.table():
        say(line)
    say(f"problems: {len(soak.problems)}")
    for problem in soak.problems[:20]:
        say(f"  {problem}")
    if soak.problems:
        say(f"seed {arguments.seed}; logs, databases and the clients' history are in {folder}")
        return 1
    if own:
        shutil.rmtree(folder)
    if soak.stopped:
        say("stopped before its time")
        return STOPPED
    return 0


if __name__ == "__main__":
    sys.exit(main())
