"""The console's budgets, measured on the real program in a pseudo-terminal against real replicas.

Run: python -m tests.tools.measurements.console
     [start] [idle] [ssh] [moderate] [heavy] [full] [million] [--seconds 10]

Without names, all but `million`. Prints each figure beside its budget; it judges nothing. The console
attaches to replicas that this script starts, so that their processor time is not counted as the console's.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trio

from paxtui.client import Log, Receipt, connect
from paxtui.client.cluster import LocalCluster, local_cluster
from paxtui.config import cluster_file
from paxtui.config.cluster_file import Cluster

TICKS = os.sysconf("SC_CLK_TCK")
TEXT = "x" * 100
KEYS = 40
"""Keys pressed to measure how long the answer on screen takes."""


def report(what: str, measured: str, budget: str) -> None:
    print(f"{what:<52} {measured:>34}   budget {budget}", flush=True)


class Terminal:
    """The console in a pseudo-terminal. A thread reads what it draws, as a terminal would."""

    def __init__(self, arguments: list[str], columns: int, rows: int, **environment: str) -> None:
        self.started = time.monotonic()
        self.first_paint_s: float | None = None
        self.painted = threading.Event()
        self.bytes = 0
        self._tail = b""
        self._marker = b""
        self._found = threading.Event()
        home = tempfile.mkdtemp(prefix="paxtui-bench-home-")
        size = struct.pack("HHHH", rows, columns, 0, 0)
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)
            drop = ("SSH_CONNECTION", "NO_COLOR")
            known = {key: value for key, value in os.environ.items() if key not in drop}
            full = {**known, "TERM": "xterm-256color", "COLORTERM": "truecolor", "XDG_CONFIG_HOME": home}
            os.execve(sys.executable, [sys.executable, "-m", "paxtui", *arguments], {**full, **environment})
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                ready, _, _ = select.select([self._fd], [], [], 1.0)
                received = os.read(self._fd, 65536) if ready else b""
            except OSError:
                return
            self.bytes += len(received)
            if self.first_paint_s is None and b"state" in received:
                self.first_paint_s = time.monotonic() - self.started
                self.painted.set()
            self._tail = (self._tail + received)[-4096:]
            if self._marker and self._marker in self._tail:
                self._found.set()

    def press(self, keys: bytes) -> None:
        os.write(self._fd, keys)

    def answer_ms(self, keys: bytes, marker: bytes) -> float:
        """From pressing ``keys`` to the moment at which ``marker`` is drawn."""
        self._tail, self._marker = b"", marker
        self._found.clear()
        started = time.monotonic()
        self.press(keys)
        if not self._found.wait(5.0):
            raise TimeoutError(f"{marker!r} was not drawn within 5 s of {keys!r}")
        return (time.monotonic() - started) * 1000

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident_mb(self) -> float:
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def close(self) -> None:
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)
        os.close(self._fd)


@contextmanager
def console(cluster: Cluster, columns: int, rows: int, **environment: str) -> Iterator[Terminal]:
    at = ",".join(str(address) for address in cluster.replicas)
    terminal = Terminal(["attach", at], columns, rows, **environment)
    try:
        yield terminal
    finally:
        terminal.close()


async def first_paint(terminal: Terminal) -> None:
    await trio.to_thread.run_sync(terminal.painted.wait, 20)
    if terminal.first_paint_s is None:
        raise TimeoutError("the console has drawn nothing for 20 s")


async def use(terminal: Terminal, seconds: float) -> tuple[float, float]:
    """Share of a core, and bytes a second."""
    before, drawn, started = terminal.cpu_s(), terminal.bytes, time.monotonic()
    await trio.sleep(seconds)
    took = time.monotonic() - started
    return (terminal.cpu_s() - before) / took, (terminal.bytes - drawn) / took


async def keys(terminal: Terminal) -> tuple[float, float]:
    """Median and 95th percentile of the time from a key to its effect on the screen, in ms."""
    times: list[float] = []
    for number in range(KEYS):
        # Left and right select a replica, and the names of the columns are drawn anew.
        key = b"\x1b[C" if number % 2 else b"\x1b[D"
        times.append(await trio.to_thread.run_sync(terminal.answer_ms, key, b"state"))
        await trio.sleep(0.05)
    times.sort()
    return statistics.median(times), times[int(0.95 * len(times))]


async def load(log: Log, rate: float | None, done: trio.Event, counted: list[int]) -> None:
    """Append at ``rate`` a second, or as fast as 256 in flight go, until ``done``. One task for all: a task a
    message would take a third of a core at 10,000 a second."""
    waiting: deque[Receipt] = deque()
    started, begun = trio.current_time(), 0
    while not done.is_set():
        due = 256 - len(waiting) if rate is None else int((trio.current_time() - started) * rate) - begun
        for _ in range(due):
            waiting.append(await log.submit(TEXT))
            begun += 1
        if rate is not None:
            await trio.sleep(max(1 / rate, 0.002))
        else:
            await waiting[0].result()
        while waiting and waiting[0].done:
            waiting.popleft().outcome()
            counted[0] += 1


async def loaded(
    replicas: LocalCluster, name: str, rate: float | None, seconds: float, budget: tuple[str, str, str]
) -> None:
    """CPU, bytes, keys and what the cluster loses, at a load."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    counted = [0]
    async with connect(replicas.cluster, name="load") as log, trio.open_nursery() as nursery:
        done = trio.Event()
        nursery.start_soon(load, log, rate, done, counted)
        await trio.sleep(1)
        for _ in range(3):
            rates[False].append(await count(counted, seconds / 2))
            with console(replicas.cluster, 160, 45) as terminal:
                await first_paint(terminal)
                await trio.sleep(1.5)
                rates[True].append(await count(counted, seconds / 2))
        with console(replicas.cluster, 160, 45) as terminal:
            await first_paint(terminal)
            await trio.sleep(1.5)
            before = counted[0]
            cpu, drawn = await use(terminal, seconds)
            slots = (counted[0] - before) / seconds
            report(f"{name}: CPU at {slots:,.0f} slots/s", f"{cpu:.0%} of a core", budget[0])
            report(f"{name}: drawn", f"{drawn / 1000:.1f} kB/s", budget[1])
            middle, high = await keys(terminal)
            report(f"{name}: key to paint p50, p95", f"{middle:.0f} ms, {high:.0f} ms", budget[2])
            report(f"{name}: memory", f"{terminal.resident_mb():.0f} MB", "< 150 MB")
        done.set()
    # What is offered, and no more: after a stall the load makes up for what was due.
    most = float("inf") if rate is None else rate
    alone, watched = (min(most, statistics.median(rates[each])) for each in (False, True))
    if rate != 500:
        report(
            f"{name}: throughput with / without console",
            f"{watched:,.0f} / {alone:,.0f} = {watched / alone:.2f}",
            "> 0.95",
        )


async def count(counted: list[int], seconds: float) -> float:
    before, started = counted[0], time.monotonic()
    await trio.sleep(seconds)
    return (counted[0] - before) / (time.monotonic() - started)


async def start(replicas: LocalCluster, seconds: float) -> None:
    times: list[float] = []
    for _ in range(5):
        with console(replicas.cluster, 160, 45) as terminal:
            await first_paint(terminal)
            times.append(terminal.first_paint_s or 0)
    report("first paint, median of 5", f"{statistics.median(times):.2f} s", "< 1.0 s")


async def idle(replicas: LocalCluster, seconds: float) -> None:
    with console(replicas.cluster, 160, 45) as terminal:
        await first_paint(terminal)
        await trio.sleep(35)  # until what happened at the start has left the sparklines
        cpu, drawn = await use(terminal, seconds)
    report("idle: CPU", f"{cpu:.1%} of a core", "< 1 %")
    report("idle: drawn", f"{drawn:.0f} B/s", "0 B/s")


async def ssh(replicas: LocalCluster, seconds: float) -> None:
    counted, done = [0], trio.Event()
    async with connect(replicas.cluster, name="load") as log, trio.open_nursery() as nursery:
        nursery.start_soon(load, log, 50.0, done, counted)
        with console(replicas.cluster, 80, 24, SSH_CONNECTION="1 2 3 4") as terminal:
            await first_paint(terminal)
            await trio.sleep(2)
            _, drawn = await use(terminal, seconds)
        done.set()
    report("over SSH, 80x24, 50 slots/s: drawn", f"{drawn / 1000:.1f} kB/s", "< 10 kB/s")


async def million(replicas: LocalCluster, seconds: float) -> None:
    counted, done = [0], trio.Event()
    async with connect(replicas.cluster, name="load") as log, trio.open_nursery() as nursery:
        nursery.start_soon(load, log, None, done, counted)
        with console(replicas.cluster, 160, 45) as terminal:
            await first_paint(terminal)
            for goal in range(100_000, 1_000_001, 100_000):
                await until(counted, goal)
                print(f"  {goal:>9,} slots: {terminal.resident_mb():.0f} MB", flush=True)
            report("memory after a million slots", f"{terminal.resident_mb():.0f} MB", "< 150 MB, flat")
        done.set()


async def until(counted: list[int], goal: int) -> None:
    while counted[0] < goal:  # noqa: ASYNC110 - a load that counts has no event
        await trio.sleep(0.5)


async def run(names: list[str], seconds: float) -> None:
    three = {"start": start, "idle": idle, "ssh": ssh, "million": million}
    for n in (3, 5):
        wanted = [name for name in names if (name == "moderate") == (n == 5)]
        if not wanted:
            continue
        cluster = cluster_file.local(n, cluster_file.free_ports(n), name=f"bench-{n}")
        with tempfile.TemporaryDirectory(prefix="paxtui-bench-") as folder:
            async with local_cluster(cluster, Path(folder)) as replicas:
                await replicas.start_all()
                await replicas.wait_ready()
                for name in wanted:
                    if name == "moderate":
                        budget = ("< 25 %", "< 100 kB/s", "p95 < 60 ms")
                        await loaded(replicas, "500 slots/s, 5 replicas", 500.0, seconds, budget)
                    elif name == "heavy":
                        budget = ("< 35 %", "-", "p95 < 100 ms")
                        await loaded(
                            replicas, "10,000 slots/s offered, 3 replicas", 10_000.0, seconds, budget
                        )
                    elif name == "full":
                        budget = ("-", "-", "-")
                        await loaded(replicas, "as much as goes, 3 replicas", None, seconds, budget)
                    else:
                        await three[name](replicas, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=[])
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    every = ["start", "idle", "ssh", "moderate", "heavy", "full"]
    unknown = set(options.names) - {*every, "million"}
    if unknown:
        parser.error(f"not known: {', '.join(sorted(unknown))}; {', '.join(every)} and million are")
    print(f"{os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}")
    trio.run(run, options.names or every, options.seconds)


if __name__ == "__main__":
    main()
