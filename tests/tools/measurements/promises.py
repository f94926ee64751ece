"""The figures of `paxtui guide measurements`, measured: fail-over, idle cost, memory, start, one client.

Run: python -m tests.tools.measurements.promises
     [failover] [idle] [one-client] [million] [--runs 20] [--messages 1000000]

Without names, all of them. Prints each figure beside its target; it judges nothing, because a slow machine
is no mistake. Everything runs on loopback, in a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import random
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

import trio

from paxtui.client import Log, Sighting, connect
from paxtui.client.cluster import LocalCluster, local_cluster
from paxtui.config import cluster_file

TEXT = "x" * 100
TICKS = os.sysconf("SC_CLK_TCK")


def report(what: str, measured: str, target: str) -> None:
    print(f"{what:<58} {measured:>24}   target {target}", flush=True)


async def leader_of(replicas: LocalCluster) -> int:
    sightings = await replicas.operator.status()
    statuses = [sighting.report.status for sighting in sightings if sighting.report is not None]
    return next(status.replica for status in statuses if status is not None and status.role == "leader")


async def append_many(log: Log, count: int, in_flight: int = 256) -> None:
    limit = trio.CapacityLimiter(in_flight)

    async def one(number: int) -> None:
        try:
            await log.append(TEXT)
        finally:
            limit.release_on_behalf_of(number)

    async with trio.open_nursery() as nursery:
        for number in range(count):
            await limit.acquire_on_behalf_of(number)
            nursery.start_soon(one, number)


async def failover(replicas: LocalCluster, runs: int) -> None:
    """From SIGKILL of the leader to the next acknowledged append of a client that goes on sending."""
    times: list[float] = []
    async with connect(replicas.cluster, name="bench") as log:
        for _ in range(runs):
            await replicas.wait_ready()
            await log.append(TEXT)
            leader = await leader_of(replicas)
            await trio.sleep(random.uniform(0.2, 0.4))
            started = time.monotonic()
            await replicas.kill(leader)
            await log.append(TEXT)
            times.append(time.monotonic() - started)
            await replicas.start(leader)
    median, worst = statistics.median(times), max(times)
    report(f"fail-over, {runs} runs: median, worst", f"{median:.3f} s, {worst:.3f} s", "< 0.8 s, < 2.5 s")


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


async def idle(replicas: LocalCluster) -> None:
    """CPU of each replica while nothing happens."""
    pids = [replicas.pid(replica) or 0 for replica in range(replicas.cluster.n)]
    leader = await leader_of(replicas)
    await trio.sleep(2)
    before = [cpu_s(pid) for pid in pids]
    span_s = 20.0
    await trio.sleep(span_s)
    used = [100 * (cpu_s(pid) - was) / span_s for pid, was in zip(pids, before, strict=True)]
    shown = ", ".join(f"{each:.2f} %" for each in used)
    report(f"idle replicas, CPU over {span_s:.0f} s (r{leader} leads)", shown, "< 1 %")


def fdatasync_s(folder: Path, count: int = 300) -> float:
    """Median of a 4 KiB append and fdatasync in the data's file system."""
    times: list[float] = []
    fd = os.open(folder / "sync-probe", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    for _ in range(count):
        started = time.perf_counter()
        os.write(fd, bytes(4096))
        os.fdatasync(fd)
        times.append(time.perf_counter() - started)
    os.close(fd)
    return statistics.median(times)


def round_trip_s(count: int = 2000) -> float:
    """Median of one small message to another process and back over a loopback TCP connection."""
    server = socket.create_server(("127.0.0.1", 0))
    child = os.fork()
    if child == 0:
        connection, _ = server.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while received := connection.recv(200):
            connection.sendall(received)
        os._exit(0)
    times: list[float] = []
    with socket.create_connection(server.getsockname()) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(count):
            started = time.perf_counter()
            client.sendall(bytes(150))
            client.recv(200)
            times.append(time.perf_counter() - started)
    server.close()
    os.waitpid(child, 0)
    return statistics.median(times)


async def one_client(replicas: LocalCluster, folder: Path) -> None:
    """One request at a time, against what no protocol can go below: two round trips and one sync."""
    sync_s, trip_s = fdatasync_s(folder), round_trip_s()
    limit_s = 2 * trip_s + sync_s
    async with connect(replicas.cluster, name="bench") as log:
        await append_many(log, 100)
        times = [(await log.append(TEXT)).ms / 1000 for _ in range(2000)]
    median = statistics.median(times)
    p99 = statistics.quantiles(times, n=100)[98]
    report(
        f"one client: median, p99 (round trip {trip_s * 1e6:.0f} µs, fdatasync {sync_s * 1e6:.0f} µs)",
        f"{median * 1000:.2f} ms, {p99 * 1000:.2f} ms",
        "-",
    )
    report("one client: median / (2 round trips + 1 fdatasync)", f"{median / limit_s:.1f}", "<= 6")


async def million(replicas: LocalCluster, messages: int) -> None:
    """Memory while the log grows, and the start of a replica with a long log."""
    pids = [replicas.pid(replica) or 0 for replica in range(replicas.cluster.n)]
    marks: list[tuple[int, list[float]]] = []
    started = time.monotonic()
    async with connect(replicas.cluster, name="bench") as log:
        done = 0
        for goal in [messages // 10, *range(messages // 4, messages + 1, messages // 4)]:
            await append_many(log, goal - done)
            done = goal
            marks.append((done, [resident_mb(pid) for pid in pids]))
            shown = ", ".join(f"{each:.0f} MB" for each in marks[-1][1])
            report(f"resident memory after {done} messages", shown, "< 120 MB")
    rate = messages / (time.monotonic() - started)
    report(f"{messages} messages of 100 bytes, 256 in flight, one client", f"{rate:.0f}/s", "-")
    growth = [late - early for early, late in zip(marks[0][1], marks[-1][1], strict=True)]
    report("growth from the first mark to the last", ", ".join(f"{each:+.0f} MB" for each in growth), "flat")
    victim = (await leader_of(replicas) + 1) % replicas.cluster.n
    await replicas.kill(victim)
    started = time.monotonic()
    await replicas.start(victim)

    def serves(sightings: list[Sighting]) -> bool:
        found = sightings[victim].report
        return found is not None and found.status is not None and found.status.leader is not None

    await replicas.wait_until(serves, 30, "the restarted replica serves")
    took = time.monotonic() - started
    report(f"start with a log of {messages} messages until it serves", f"{took:.2f} s", "< 2 s")


async def run(arguments: argparse.Namespace, folder: Path) -> None:
    chosen = set(arguments.names) or {"failover", "idle", "one-client", "million"}
    cluster = cluster_file.local(3, cluster_file.free_ports(3), name="numbers")
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {time.strftime('%Y-%m-%d')}")
    async with local_cluster(cluster, folder) as replicas:
        await replicas.start_all()
        await replicas.wait_ready(30)
        if "idle" in chosen:
            await idle(replicas)
        if "one-client" in chosen:
            await one_client(replicas, folder)
        if "failover" in chosen:
            await failover(replicas, arguments.runs)
        if "million" in chosen:
            await replicas.wait_ready(30)
            await million(replicas, arguments.messages)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.measurements.promises", description=__doc__.splitlines()[0]
    )
    parser.add_argument("names", nargs="*", metavar="failover|idle|one-client|million")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--messages", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="paxtui-numbers-") as folder:
        trio.run(run, arguments, Path(folder))


if __name__ == "__main__":
    main()
