"""A log of ten million messages: throughput beside that of an empty log, memory, restart.

Run: python -m tests.tools.measurements.long_log [--messages 10000000] [--seconds 5] [--rounds 3]
     [--folder DIR]

Takes minutes and some 10 GB of disk, which are given back. Throughput is measured in turn on the replicas
with the long log and on others whose log is empty, so that what drifts meanwhile meets both.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import trio

from paxtui.bench import gauges
from paxtui.bench.load import Load
from paxtui.bench.private_cluster import private_cluster
from paxtui.bench.progress import progress_line
from paxtui.bench.testbed import Testbed
from paxtui.cli.bench_machine import machine_limits
from paxtui.client import Sighting
from paxtui.client.cluster import LocalCluster
from tests.tools.measurements.catch_up import to_the_end

BYTES_A_MESSAGE = 1200
"""On disk, of all three replicas, with room to spare."""

SHARE, MEMORY_MB, RESTART_S = 0.9, 200.0, 3.0
CHECKPOINT = 1_000_000
"""Memory and throughput are printed each so many messages."""


def report(what: str, measured: str, target: str, met: bool) -> int:
    print(f"{what:<58} {measured:>34}   target {target}: {'met' if met else 'MISSED'}", flush=True)
    return 0 if met else 1


async def memory_mb(replicas: LocalCluster) -> list[float]:
    reading = gauges.read_machine(await gauges.read_replicas(replicas.cluster, replicas.operator))
    return [each.usage.resident_bytes / 1e6 for each in reading.replicas.values() if each.usage is not None]


async def fill(testbed: Testbed, messages: int) -> float:
    """Append until the log has so many; the most memory that a replica had."""
    highest = 0.0
    done = 0
    while done < messages:
        goal = min(messages, (done // CHECKPOINT + 1) * CHECKPOINT)
        reached = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_watch, testbed, goal, reached)
            load = Load(seconds=3600, warmup_s=0)
            measured = await testbed.measure(f"to {goal:,} messages", load, until=reached)
        done = max((await testbed.watermarks()).values())
        found = await memory_mb(testbed.replicas)
        highest = max(highest, *found)
        shown = ", ".join(f"{each:.0f} MB" for each in found)
        print(f"  {done:>11,} messages  {measured.throughput:>9,.0f}/s  memory {shown}", flush=True)
    return highest


async def _watch(testbed: Testbed, goal: int, reached: trio.Event) -> None:
    while max((await testbed.watermarks()).values()) < goal:  # noqa: ASYNC110 - replicas are asked, not told
        await trio.sleep(0.25)
    reached.set()


async def restart_s(replicas: LocalCluster, replica: int) -> float:
    """From the start of the process until it serves and knows who leads."""
    await replicas.kill(replica)
    await replicas.wait_until(lambda found: _led(found, without=replica), 30, "the others have a leader")
    started = time.monotonic()
    await replicas.start(replica)
    await replicas.wait_until(lambda found: _led(found), 120, "the restarted replica serves")
    return time.monotonic() - started


def _led(found: list[Sighting], without: int | None = None) -> bool:
    statuses = [each.report.status for each in found if each.report is not None and each.replica != without]
    wanted = len(found) - (without is not None)
    return len([each for each in statuses if each is not None and each.leader is not None]) == wanted


async def run(options: argparse.Namespace, folder: Path) -> int:
    found = await machine_limits(folder)
    load = Load(seconds=options.seconds)
    rates: dict[str, list[float]] = {"long": [], "empty": []}
    async with private_cluster(3, folder / "long") as long:
        testbed = Testbed(long, found, progress_line, to_the_end)
        highest = await fill(testbed, options.messages)
        for number in range(options.rounds):
            async with private_cluster(3, folder / f"empty-{number}") as empty:
                other = Testbed(empty, found, progress_line, to_the_end)
                for name, each in (("empty", other), ("long", testbed)):
                    rates[name].append((await each.measure(f"{name} log", load)).throughput)
        highest = max(highest, *await memory_mb(long))
        leader = await testbed.leader()
        follower = (leader + 1) % 3
        times = {"a follower": await restart_s(long, follower), "the leader": await restart_s(long, leader)}
    length = f"{options.messages:,} messages"
    share = statistics.median(rates["long"]) / statistics.median(rates["empty"])
    shown = " / ".join(f"{statistics.median(rates[name]):,.0f}" for name in ("long", "empty"))
    missed = report(
        f"throughput with {length} / with none", f"{shown} = {share:.2f}", f">= {SHARE}", share >= SHARE
    )
    missed += report("most memory of a replica", f"{highest:.0f} MB", "< 200 MB", highest < MEMORY_MB)
    for who, took in times.items():
        missed += report(f"restart of {who} until it serves", f"{took:.2f} s", "< 3 s", took < RESTART_S)
    return 1 if missed else 0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=10_000_000)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("logs"), help="on the disk that is measured")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    free, needed = shutil.disk_usage(options.folder).free, options.messages * BYTES_A_MESSAGE
    if free < needed:
        parser.error(
            f"--folder: {options.folder} has {free / 1e9:.1f} GB left, {needed / 1e9:.1f} are needed"
        )
    with tempfile.TemporaryDirectory(prefix="long-log-", dir=options.folder) as folder:
        sys.exit(trio.run(run, options, Path(folder)))


if __name__ == "__main__":
    main()
