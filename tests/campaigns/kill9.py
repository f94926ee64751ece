"""kill -9 on random replicas during load, round after round; nothing acknowledged may be lost or repeated.

Run: python tests/campaigns/kill9.py [--rounds 200] [--replicas 3] [--seed N] [--data-dir DIR]

Each round kills one random replica (every fifth round: all of them) with SIGKILL while clients append,
starts it again, and goes on when the cluster serves. At the end the log of every replica is read and
compared with what the clients were told. Prints counts; exit code 1 if anything is lost, repeated or
different.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import trio

from paxtui import config
from paxtui.client import ClientError, LogEntry, Unknown, connect
from paxtui.client.cluster import LocalCluster, local_cluster

CLIENTS = 4
IN_FLIGHT = 8
ALL_EVERY = 5


class Load:
    """Clients that append until told to stop, and remember every outcome."""

    def __init__(self) -> None:
        self.told: dict[str, int] = {}
        self.unknown: set[str] = set()
        self.failed: set[str] = set()
        self.stopping = False
        self.grew = trio.Event()

    async def client(self, cluster: config.Cluster, name: str) -> None:
        async with connect(cluster, name=name) as log, trio.open_nursery() as nursery:
            for lane in range(IN_FLIGHT):
                nursery.start_soon(self._lane, log, f"{name}/{lane}")

    async def _lane(self, log: object, lane: str) -> None:
        number = 0
        while not self.stopping:
            text = f"{lane}/{number}"
            number += 1
            try:
                done = await log.append(text, timeout_s=20)  # type: ignore[attr-defined]
            except Unknown:
                self.unknown.add(text)
            except ClientError:
                self.failed.add(text)
            else:
                self.told[text] = done.slot
                self.grew.set()
                self.grew = trio.Event()


async def rounds(replicas: LocalCluster, load: Load, count: int, rng: random.Random) -> Counter[str]:
    """Kill and restart; progress must come back after each."""
    kills: Counter[str] = Counter()
    for number in range(1, count + 1):
        victims = [rng.randrange(replicas.cluster.n)]
        if number % ALL_EVERY == 0:
            victims = list(range(replicas.cluster.n))
        await trio.sleep(rng.uniform(0.0, 0.15))
        for victim in victims:
            await replicas.kill(victim)
            kills[f"r{victim}"] += 1
        if rng.random() < 0.5 and len(victims) == 1:
            with trio.fail_after(30):
                await load.grew.wait()
        for victim in victims:
            await replicas.start(victim)
        with trio.fail_after(30):
            await load.grew.wait()
        if number % 20 == 0:
            print(f"round {number}: {len(load.told)} acknowledged, {len(load.unknown)} unknown", flush=True)
    return kills


def judge(load: Load, logs: list[list[LogEntry]]) -> list[str]:
    """What is wrong; empty if nothing is."""
    problems: list[str] = []
    first = [(entry.client, entry.request, entry.text, entry.repeats) for entry in logs[0]]
    for replica, log in enumerate(logs[1:], 1):
        if [(entry.client, entry.request, entry.text, entry.repeats) for entry in log] != first:
            problems.append(f"the log of replica {replica} is not that of replica 0")
    texts = Counter(entry.text for entry in logs[0] if entry.is_message)
    slots = {entry.text: entry.slot for entry in logs[0] if entry.is_message}
    problems += [f"repeated: {text} {count} times" for text, count in texts.items() if count > 1]
    problems += [
        f"lost: {text}, told slot {slot}" for text, slot in load.told.items() if slots.get(text) != slot
    ]
    problems += [f"failed, and yet in the log: {text}" for text in load.failed if text in slots]
    known = load.told.keys() | load.unknown | load.failed
    problems += [f"invented: {text}" for text in slots if text not in known]
    return problems


async def run(arguments: argparse.Namespace, folder: Path) -> int:
    rng = random.Random(arguments.seed)
    cluster = config.local(arguments.replicas, config.free_ports(arguments.replicas), name="kill9")
    started = time.monotonic()
    async with local_cluster(cluster, folder) as replicas:
        await replicas.start_all()
        await replicas.wait_ready(30)
        load = Load()
        async with trio.open_nursery() as nursery:
            for client in range(CLIENTS):
                nursery.start_soon(load.client, cluster, f"c{client}")
            kills = await rounds(replicas, load, arguments.rounds, rng)
            load.stopping = True
        await replicas.wait_until(equal, 30, "all replicas have applied the same")
        logs = [await replicas.operator.log_of(replica) for replica in range(cluster.n)]
    problems = judge(load, logs)
    noops = sum(not entry.client for entry in logs[0])
    repeats = sum(entry.repeats is not None for entry in logs[0])
    print(
        f"{arguments.rounds} rounds, {sum(kills.values())} kills ({dict(sorted(kills.items()))}), "
        f"{time.monotonic() - started:.0f} s, seed {arguments.seed}\n"
        f"{len(load.told)} acknowledged, {len(load.unknown)} unknown, {len(load.failed)} failed; "
        f"log of {len(logs[0])} slots, {noops} no-ops, {repeats} repetitions suppressed\n"
        f"lost or repeated or different: {len(problems)}"
    )
    for problem in problems[:20]:
        print(f"  {problem}")
    return 1 if problems else 0


def equal(sightings: list[object]) -> bool:
    """All replicas serve and have the same chain at the same watermark."""
    reports = [sighting.report for sighting in sightings]  # type: ignore[attr-defined]
    if any(report is None or report.status is None for report in reports):
        return False
    return len({(report.status.watermark, report.status.chain) for report in reports}) == 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--replicas", type=int, default=3)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--data-dir", type=Path)
    arguments = parser.parse_args()
    if arguments.data_dir is not None:
        return trio.run(run, arguments, arguments.data_dir)
    with tempfile.TemporaryDirectory(prefix="paxtui-kill9-") as folder:
        return trio.run(run, arguments, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
