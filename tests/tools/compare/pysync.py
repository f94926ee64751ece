"""PySyncObj as a rival: three processes with a journal each, on this machine, with its default settings.

It is a library without a protocol for clients, so there is nobody to ask over a connection: the leader's own
process makes the load, with as many calls under way as there would be clients, and is spared what clients
cost. Its journal is a memory-mapped file.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paxtui.bench.histogram import Histogram
from paxtui.config import cluster_file
from tests.tools.compare.results import Meter, Result

SYSTEM = "PySyncObj"
MEMBERS = 3
READY_S = 30.0
WARM_UP_S = 1.0


def missing(folder: str | None) -> str | None:
    """How to get it, if it is not there. ``folder`` is where ``pip install --target`` put it."""
    if folder is not None:
        sys.path.append(folder)
    if importlib.util.find_spec("pysyncobj") is not None:
        return None
    return (
        "the package `pysyncobj` is missing; `pip install --target FOLDER pysyncobj` and --pysyncobj FOLDER, "
        "or install it into the environment that runs this"
    )


def durability() -> str:
    """Whether what it acknowledges is on disk, as its source says."""
    from pysyncobj import journal, syncobj

    syncs = ".flush(" in inspect.getsource(syncobj) or "fsync" in inspect.getsource(journal)
    return "synced" if syncs else "NOT synced: a power failure takes what it has acknowledged"


def measure(folder: Path, package: str | None, load: str, calls: int, size: int, seconds: float) -> Result:
    """``calls`` under way at the leader."""
    folder.mkdir()
    ports = cluster_file.free_ports(MEMBERS)
    members = [f"127.0.0.1:{port}" for port in ports]
    processes = []
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(Path.cwd()), package]))}
    try:
        for number in range(MEMBERS):
            others = [member for index, member in enumerate(members) if index != number]
            words = [str(folder / f"journal-{number}"), str(calls), str(size), str(seconds)]
            command = [
                sys.executable,
                "-m",
                "tests.tools.compare.pysync",
                members[number],
                ",".join(others),
                *words,
            ]
            processes.append(
                subprocess.Popen(
                    command,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    start_new_session=True,
                )
            )
        return _collect(processes, load)
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _collect(processes: list[subprocess.Popen[str]], load: str) -> Result:
    """Each says once who leads; the leader then says when it begins to count, and what it has counted."""
    leaders = [process for process in processes if _line(process)["leads"]]
    if len(leaders) != 1:
        raise RuntimeError(f"PySyncObj: {len(leaders)} processes believe that they lead")
    assert leaders[0].stdin is not None
    leaders[0].stdin.write("go\n")
    leaders[0].stdin.flush()
    _line(leaders[0])
    meter, started = Meter([process.pid for process in processes]), time.monotonic()
    said = _line(leaders[0])
    servers_s, others = meter.since(0.0, time.monotonic() - started)
    return Result(
        system=SYSTEM,
        load=load,
        throughput=said["count"] / said["seconds"],
        p50_ms=said["p50"],
        p99_ms=said["p99"],
        servers_us=servers_s / max(1, said["count"]) * 1e6,
        generator_us=None,
        others_share=others,
    )


def _line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a PySyncObj process ended with exit code {process.wait()}")
    found: dict[str, Any] = json.loads(line)
    return found


# In each of the three processes


class Calls:
    """A closed loop of calls in the leader's process."""

    def __init__(self, append: Callable[..., None], text: str) -> None:
        self._append = append
        self._text = text
        self.histogram = Histogram()
        self.counting = False
        self.stopping = False
        self.failed: list[int] = []

    def begin(self) -> None:
        started = time.perf_counter()

        def answered(_result: object, error: int) -> None:
            if error:
                self.failed.append(error)
            elif self.counting:
                self.histogram.record(time.perf_counter() - started)
            if not self.stopping:
                self.begin()

        self._append(self._text, callback=answered)


def member(words: list[str]) -> None:
    """One replica; the leader's makes the load when it is told to."""
    from pysyncobj import SyncObj, SyncObjConf, replicated

    class Log(SyncObj):  # type: ignore[misc]
        def __init__(self, me: str, others: list[str], journal: str) -> None:
            super().__init__(me, others, SyncObjConf(journalFile=journal))
            self.entries: list[str] = []

        @replicated  # type: ignore[untyped-decorator]
        def append_text(self, text: str) -> None:
            self.entries.append(text)

    me, others, journal, calls, size, seconds = words
    log = Log(me, others.split(","), journal)
    deadline = time.monotonic() + READY_S
    while not log.isReady():
        if time.monotonic() > deadline:
            raise SystemExit(f"not ready after {READY_S:g} s")
        time.sleep(0.05)
    print(json.dumps({"leads": str(log._getLeader()) == me}), flush=True)
    if not sys.stdin.readline():
        return
    load = Calls(log.append_text, "x" * int(size))
    for _ in range(int(calls)):
        load.begin()
    time.sleep(WARM_UP_S)
    print("{}", flush=True)
    load.counting, started = True, time.perf_counter()
    threading.Event().wait(float(seconds))
    load.counting, took_s = False, time.perf_counter() - started
    load.stopping = True
    if load.failed:
        raise SystemExit(f"{len(load.failed)} calls failed, the first with {load.failed[0]}")
    told = {"p50": load.histogram.percentile_s(50) * 1000, "p99": load.histogram.percentile_s(99) * 1000}
    print(json.dumps({"count": load.histogram.count, "seconds": took_s, **told}), flush=True)


if __name__ == "__main__":
    member(sys.argv[1:])
