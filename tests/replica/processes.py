"""Real replica processes: started, broken and watched from a test without Trio."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import trio
from msgspec import structs

from paxtui.client import ClientError, Log, LogEntry, Operator, Sighting, connect
from paxtui.config import cluster_file
from paxtui.core.ballot import Ballot
from paxtui.core.replica import Status
from paxtui.core.settings import Settings
from tests.ports import free_ports
from tests.replica.conditions import until

PAXTUI = (sys.executable, "-m", "paxtui")

T = TypeVar("T")


class Replicas:
    """The replicas of one cluster, each with its data, message log and stderr under one folder."""

    def __init__(
        self, folder: Path, n: int = 3, settings: Settings | None = None, name: str = "real"
    ) -> None:
        cluster = cluster_file.local(n, free_ports(n), name=name)
        self.cluster = structs.replace(cluster, settings=settings or Settings())
        self.folder = folder
        self.config = folder / "cluster.toml"
        self.config.write_text(cluster_file.to_toml(self.cluster))
        self.operator = Operator(self.cluster, "test")
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    # Processes

    def command(self, replica: int, *arguments: str) -> list[str]:
        places = ("--config", self.config, "--data-dir", self.folder / "data", "--log-dir", self.folder)
        own = ("replica", "--id", replica, "--headless", "--stop-with-parent", *places, *arguments)
        return [*PAXTUI, *map(str, own)]

    def start(self, replica: int, *arguments: str) -> None:
        """Start one; its arguments replace ``--allow-faults``, unless there are none."""
        with self.stderr(replica).open("ab") as stderr:
            self._processes[replica] = subprocess.Popen(
                self.command(replica, *(arguments or ("--allow-faults",))),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )

    def start_all(self, *arguments: str) -> None:
        for replica in range(self.cluster.n):
            if not self.alive(replica):
                self.start(replica, *arguments)

    def alive(self, replica: int) -> bool:
        process = self._processes.get(replica)
        return process is not None and process.poll() is None

    def pid(self, replica: int) -> int:
        return self._processes[replica].pid

    def signal(self, replica: int, number: signal.Signals) -> None:
        self._processes[replica].send_signal(number)

    def wait(self, replica: int, timeout_s: float = 30) -> int:
        """Wait until it has ended, as the test means it to; its exit code."""
        process = self._processes.pop(replica)
        code = process.wait(timeout_s)
        if process.stdin is not None:
            process.stdin.close()
        return code

    def kill(self, replica: int) -> None:
        self.signal(replica, signal.SIGKILL)
        self.wait(replica)

    def close(self) -> None:
        """Nothing is left behind, whatever the test did."""
        for replica in list(self._processes):
            with suppress(ProcessLookupError):
                self.signal(replica, signal.SIGCONT)
            self.kill(replica)

    # What they wrote

    def stderr(self, replica: int) -> Path:
        return self.folder / f"stderr-{replica}"

    def words(self, replica: int) -> str:
        """What it said on stderr, over all its lives."""
        return self.stderr(replica).read_text() if self.stderr(replica).exists() else ""

    def said(self, replica: int, text: str, times: int = 1) -> bool:
        return self.words(replica).count(text) >= times

    def until_said(self, replica: int, text: str) -> None:
        until(lambda: text in self.words(replica) or not self.alive(replica), f"r{replica} says {text!r}")
        assert text in self.words(replica)

    def data(self, replica: int) -> Path:
        return self.folder / "data" / self.cluster.name / f"replica-{replica}"

    def promised_on_disk(self, replica: int) -> Ballot:
        path = self.data(replica) / "replica.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return Ballot(*db.execute("SELECT promised_round, promised_replica FROM state").fetchone())

    # What they say

    def sightings(self) -> list[Sighting]:
        return trio.run(self.operator.status)

    def status(self, replica: int) -> Status | None:
        report = self.sightings()[replica].report
        return report.status if report is not None else None

    def until_status(self, replica: int) -> Status:
        """Wait until it says how it is: on a busy machine one question may remain without an answer."""
        status = until(lambda: self.status(replica), f"r{replica} says how it is")
        assert status is not None
        return status

    def leader(self) -> int | None:
        """Who leads, if that one lives and all who live know it."""
        statuses = [
            sighting.report.status if sighting.report is not None else None
            for sighting in self.sightings()
            if self.alive(sighting.replica)
        ]
        leaders = {status.leader if status is not None else None for status in statuses}
        leader = leaders.pop() if len(leaders) == 1 else None
        return leader if leader is not None and self.alive(leader) else None

    def until_connected(self) -> None:
        """Wait until every replica is connected to every other one."""

        def all_are() -> bool:
            found = [sighting.report for sighting in self.do(self.operator.status)]
            return all(each is not None and len(each.connected) == len(found) - 1 for each in found)

        until(all_are, "everybody is connected to everybody")

    def until_led(self) -> int:
        """Wait until everybody follows one leader. It may pass on at any time on a busy machine."""
        found: list[int] = []  # at one look: at a second one the lead may be passing on

        def led() -> bool:
            leader = self.leader()
            found.extend([] if leader is None else [leader])
            return bool(found or self._dead())

        until(led, "everybody follows one leader")
        assert found, [self.words(replica)[-300:] for replica in self._dead()]
        return found[0]

    def make_leader(self, replica: int) -> None:
        """Wait until a replica leads, however often the lead passes on to another one meanwhile."""

        def leads() -> bool:
            leader = self.leader()
            if leader not in (None, replica):
                with suppress(ClientError):  # it leads by now, or another election is going on
                    self.do(self.operator.elect, replica)
            return leader == replica

        until(leads, f"r{replica} leads")

    def _dead(self) -> list[int]:
        return [replica for replica in self._processes if not self.alive(replica)]

    def wait_for_two(self) -> None:
        """Wait until two of three follow one leader."""
        until(lambda: len([s for s in self.sightings() if s.report and s.report.status]) == 2, "two serve")
        self.until_led()

    def until_equal(self) -> list[LogEntry]:
        """Wait until all have applied the same; the log, as far back as all of them keep it.

        Each disk sweeps what is trimmed in its own time, so one may keep slots that another has removed.
        """

        def heads() -> list[tuple[object, ...] | None]:
            statuses = [
                sighting.report.status if sighting.report is not None else None
                for sighting in self.sightings()
            ]
            return [
                (status.watermark, status.chain, status.log_start) if status is not None else None
                for status in statuses
            ]

        def equal() -> list[list[LogEntry]]:
            """The logs, unless something was applied while they were read."""
            before = heads()
            if None in before or len({each[:2] for each in before if each is not None}) != 1:
                return []
            logs = [self.log(replica) for replica in range(self.cluster.n)]
            return logs if heads() == before else []

        logs = until(equal, "all logs are equal")
        kept_by_all = max((log[0].slot for log in logs if log), default=0)
        logs = [[entry for entry in log if entry.slot >= kept_by_all] for log in logs]
        values = [[(e.slot, e.client, e.request, e.text, e.repeats) for e in log] for log in logs]
        assert all(each == values[0] for each in values)
        return logs[0]

    def log(self, replica: int) -> list[LogEntry]:
        return trio.run(self.operator.log_of, replica)

    # What is done to them

    def append(self, *texts: str, timeout_s: float = 30.0) -> list[int]:
        """Append one after the other; their slots."""

        async def append(log: Log) -> list[int]:
            return [(await log.append(text, timeout_s=timeout_s)).slot for text in texts]

        return self.with_log(append)

    def with_log(self, act: Callable[[Log], Awaitable[T]], name: str = "test") -> T:
        async def run() -> T:
            async with connect(self.cluster, name=name) as log:
                return await act(log)

        return trio.run(run)

    def do(self, act: Callable[..., Awaitable[T]], *arguments: object, **named: object) -> T:
        """One of the operator's verbs, such as ``replicas.do(replicas.operator.inject, 0, Cut(1))``."""

        async def run() -> T:
            return await act(*arguments, **named)

        return trio.run(run)


@contextmanager
def started(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """A process that ends with the test, whatever the test does.

    The end of a plain ``with subprocess.Popen(...)`` waits for the process. When an exception came before
    the test told it to end, it waits for ever.
    """
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def gone(pid: int) -> bool:
    """Whether a process that is not ours to wait for runs no more."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def environment(folder: Path) -> dict[str, str]:
    """No trace of the user's own settings, and a home and temporary folder of its own."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PAXTUI_", "XDG_"))}
    for name in ("home", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return kept | {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "COLUMNS": "100"}
