"""kill -9 on random replicas during load, round after round; nothing acknowledged may be lost or repeated.

Run: python -m tests.tools.kill9 [--rounds 200] [--replicas 3] [--seed N] [--data-dir DIR] [--history F]

Each round kills one random replica (every fifth round: all of them) with SIGKILL while clients append,
starts it again, and goes on when the cluster serves. At the end the log of every replica is read and
compared with what the clients were told, and the clients' history, which ends with a full read when all is
quiet, goes to ``paxtui check --history``. Prints counts; exit code 1 if anything is lost, repeated or
different, or the history is not linearizable. ``--history`` keeps it; ``--data-dir`` does, too.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import trio

from paxtui.client import Log, LogEntry, Sighting, connect
from paxtui.client.cluster import LocalCluster, local_cluster
from paxtui.config import cluster_file
from paxtui.scenarios.history import History
from tests.ports import free_ports

CLIENTS = 4
IN_FLIGHT = 8
ALL_EVERY = 5

PATIENCE_S = 20.0

HASTE_S = 0.15
"""One lane of each client gives up so soon: the outcome is then unknown, and only the log can tell."""


class Load:
    """Clients that append until told to stop; the history remembers every outcome."""

    def __init__(self) -> None:
        self.history = History()
        self.stopping = False

    async def client(self, cluster: cluster_file.Cluster, name: str) -> None:
        async with connect(cluster, name=name) as log, trio.open_nursery() as nursery:
            for lane in range(IN_FLIGHT):
                patience_s = HASTE_S if lane == 0 else PATIENCE_S
                nursery.start_soon(self._lane, log, f"{name}/{lane}", patience_s)

    async def _lane(self, log: Log, lane: str, patience_s: float) -> None:
        number = 0
        while not self.stopping:
            number += 1
            await self.history.append(log, lane, number, f"{lane}/{number}", patience_s)

    async def grows(self) -> None:
        """Wait until something is acknowledged that was not before."""
        before = self.history.acknowledged
        while self.history.acknowledged == before:
            await self.history.changed()

    def texts(self, outcome: str) -> dict[str, int | None]:
        """The messages that ended so, with the slots that were told."""
        return {each.text: each.slot for each in self.history.appends if each.outcome == outcome}


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
                await load.grows()
        for victim in victims:
            await replicas.start(victim)
        with trio.fail_after(30):
            await load.grows()
        if number % 20 == 0:
            told = load.history.acknowledged
            print(f"round {number}: {told} acknowledged, {load.history.waiting} in flight", flush=True)
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
    told, failed = load.texts("ok"), load.texts("failed")
    problems += [f"repeated: {text} {count} times" for text, count in texts.items() if count > 1]
    problems += [f"lost: {text}, told slot {slot}" for text, slot in told.items() if slots.get(text) != slot]
    problems += [f"failed, and yet in the log: {text}" for text in failed if text in slots]
    known = {each.text for each in load.history.appends}
    problems += [f"invented: {text}" for text in slots if text not in known]
    return problems


async def run(arguments: argparse.Namespace, folder: Path) -> int:
    rng = random.Random(arguments.seed)
    cluster = cluster_file.local(arguments.replicas, free_ports(arguments.replicas), name="kill9")
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
        async with connect(cluster, name="reader") as log:
            await load.history.read(log, "reader", 1, PATIENCE_S)
    history = arguments.history or folder / "history.jsonl"
    load.history.write(history)
    problems = judge(load, logs)
    verdict, code = check(history)
    if code:
        problems.append(f"paxtui check --history ended with code {code}")
    noops = sum(not entry.client for entry in logs[0])
    repeats = sum(entry.repeats is not None for entry in logs[0])
    print(
        f"{arguments.rounds} rounds, {sum(kills.values())} kills ({dict(sorted(kills.items()))}), "
        f"{time.monotonic() - started:.0f} s, seed {arguments.seed}\n"
        f"{load.history.acknowledged} acknowledged, {len(load.texts('unknown'))} unknown, "
        f"{len(load.texts('failed'))} failed; "
        f"log of {len(logs[0])} slots, {noops} no-ops, {repeats} repetitions suppressed\n"
        f"history: {verdict}\n"
        f"lost or repeated or different: {len(problems)}"
    )
    for problem in problems[:20]:
        print(f"  {problem}")
    return 1 if problems else 0


def check(history: Path) -> tuple[str, int]:
    """What ``paxtui check`` says of it, and its exit code."""
    command = [sys.executable, "-m", "paxtui", "check", "--history", str(history)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip(), done.returncode


def equal(sightings: list[Sighting]) -> bool:
    """All replicas serve and have the same chain at the same watermark."""
    statuses = [sighting.report and sighting.report.status for sighting in sightings]
    return None not in statuses and len({(each.watermark, each.chain) for each in statuses if each}) == 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.kill9", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--replicas", type=int, default=3)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--history", type=Path, help="keep the clients' history in this file")
    arguments = parser.parse_args()
    if arguments.data_dir is not None:
        return trio.run(run, arguments, arguments.data_dir)
    with tempfile.TemporaryDirectory(prefix="paxtui-kill9-") as folder:
        return trio.run(run, arguments, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
