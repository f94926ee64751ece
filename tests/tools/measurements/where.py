"""Where the processor time goes: samples of the leader and a follower under load, summed by area.

Run: python -m tests.tools.measurements.where [--connections 1] [--in-flight 256] [--seconds 8] [--folder DIR]

It needs py-spy, which it does not install. What waits does not count, so a share is one of the time in which
the process had a core or waited for the disk. ``paxtui bench`` tells how much of a core a message takes.
"""

from __future__ import annotations

import argparse
import json
import linecache
import re
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

import trio

from paxtui.bench.private_cluster import private_cluster
from paxtui.client.cluster import LocalCluster

SAMPLES_A_SECOND: Final = 200

Frame = tuple[str, int]
"""File and line."""

FRAME: Final = re.compile(r"\((.+):(\d+)\)$")

WAITS: Final = (
    "wait (threading.py",
    "get_events (trio/",
    "_work (trio/_core/_thread_cache.py",
    "_acquire_restore (",
)
"""Innermost functions that py-spy at times takes for work: a thread that has nothing to do, or no lock."""

LINES: Final = (
    ("the system's sockets: read", ("os.read(", ".recv(")),
    ("the system's sockets: write", ("_raw.send(",)),
    ("SQLite: COMMIT, with its sync", ('execute("COMMIT")',)),
    ("SQLite: other statements", ("db.execute", "db.executemany")),
    (
        "the commit's mark file, checks and checkpoint",
        ("_mark.write(", "_check_files()", "_checkpoint_if_due("),
    ),
    ("msgspec: decode", ("self._decode(body)",)),
    ("msgspec: encode", ("_encoder.encode", "encode(message)", "encode_into")),
)
"""Lines of paxtui's own whose callees are not paxtui's, or not Python's."""

FOLDERS: Final = (
    ("the protocol's core", "paxtui/core/"),
    (
        "rows and checksums",
        ("paxtui/storage/rows.py", "paxtui/storage/batch.py", "paxtui/storage/store.py"),
    ),
    ("frames and values", "paxtui/wire/"),
    ("the runtime around them", "paxtui/replica/"),
    ("trio", "trio/"),
)


def frames_of(stack: str) -> list[Frame]:
    found = (FRAME.search(part) for part in stack.split(";"))
    return [(match[1], int(match[2])) for match in found if match is not None]


def area(stack: list[Frame]) -> str:
    """What the process was at: the innermost line or folder with a name."""
    for file, line in reversed(stack):
        text = linecache.getline(file, line) if file.startswith("paxtui/") else ""
        for name, parts in LINES:
            if any(part in text for part in parts):
                return name
        for name, folders in FOLDERS:
            if file.startswith(folders):
                return name
    return "other"


def summed(raw: str) -> Counter[str]:
    """Samples an area, of a profile with a stack and a count a line."""
    areas: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        if not any(waits in stack.rpartition(";")[2] for waits in WAITS):
            areas[area(frames_of(stack))] += int(count)
    return areas


async def sampled(spy: str, pid: int, seconds: float, into: Path) -> None:
    command = [spy, "record", "--pid", str(pid), "--duration", str(int(seconds)), "--format", "raw"]
    command += ["--rate", str(SAMPLES_A_SECOND), "--output", str(into)]
    done = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
    if done.returncode:
        sys.exit(f"py-spy could not look at process {pid}: {done.stderr.decode().strip()}")


async def leader_of(replicas: LocalCluster) -> int:
    for sighting in await replicas.operator.status():
        if sighting.report is not None and sighting.report.status is not None:
            leader = sighting.report.status.leader
            if leader is not None:
                return leader
    sys.exit("nobody leads")


async def run(options: argparse.Namespace, spy: str, folder: Path) -> None:
    async with private_cluster(3, folder) as replicas:
        leader = await leader_of(replicas)
        roles = {"leader": leader, "follower": (leader + 1) % 3}
        at = ",".join(str(address) for address in replicas.cluster.replicas)
        load = [sys.executable, "-m", "paxtui", "bench", "--at", at, "--bare", "--json", "--warmup", "2"]
        load += ["--connections", str(options.connections), "--in-flight", str(options.in_flight)]
        load += ["--seconds", str(options.seconds + 1)]
        told: list[bytes] = []

        async def under_load() -> None:
            told.append((await trio.run_process(load, capture_stdout=True)).stdout)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(under_load)
            await trio.sleep(2.5)
            for role, replica in roles.items():
                pid = replicas.pid(replica)
                assert pid is not None
                nursery.start_soon(sampled, spy, pid, options.seconds, folder / role)
        print(f"{options.connections} x {options.in_flight}: {json.loads(told[0])['appends']}")
        for role in roles:
            show(role, summed((folder / role).read_text()))


def show(role: str, areas: Counter[str]) -> None:
    total = areas.total()
    print(f"\n{role}: {total} samples")
    for name, count in areas.most_common():
        print(f"{100 * count / total:6.1f} %  {name}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--folder", type=Path, default=Path("logs"), help="on the disk that is measured")
    parser.add_argument("--py-spy", default=shutil.which("py-spy"), help="its path, if not on PATH")
    options = parser.parse_args()
    if not options.py_spy:
        sys.exit("py-spy is missing: pip install py-spy, or name it with --py-spy")
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="where-", dir=options.folder) as folder:
        trio.run(run, options, options.py_spy, Path(folder))


if __name__ == "__main__":
    main()
