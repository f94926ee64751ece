"""Runs what ``paxtui bench`` was asked for, and prints it."""

from __future__ import annotations

import os
import platform
import resource
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import trio
from msgspec import Struct

from paxtui import __version__
from paxtui.bench import gauges, limits, proc, report
from paxtui.bench.limits import MachineLimits
from paxtui.bench.load import Load, check
from paxtui.bench.measure import Measurement, MeasurementInterrupted
from paxtui.bench.measured import Measured
from paxtui.bench.private_cluster import own_cluster, own_folder
from paxtui.bench.progress import live
from paxtui.cli.guard import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK
from paxtui.cli.signals import run_async
from paxtui.client import Unreachable, operator, resolve
from paxtui.config import cluster_file
from paxtui.config.cluster_file import Cluster, ConfigError
from paxtui.config.folders import data_root

SIZES = (1, 3, 5, 7, 9)


class Wanted(Struct, frozen=True, kw_only=True):
    """The words of the command line; ``None`` is what was not said."""

    connections: int | None
    in_flight: int | None
    size: int | None
    seconds: float | None
    warmup_s: float | None
    rate: float | None
    read_ratio: float | None
    bare: bool
    n: int | None
    cluster: Path | str | None
    data_dir: Path | None
    as_json: bool


def run(wanted: Wanted, *, suite: bool) -> int:
    """One measurement, or the table."""
    if wanted.n is not None and wanted.n not in SIZES:
        raise ConfigError(f"-n: {wanted.n} is no size of a cluster; 1, 3, 5, 7 and 9 are")
    if suite:
        from paxtui.cli.bench_suite import run_suite

        return run_suite(wanted)
    if wanted.n is not None and wanted.cluster is not None:
        raise ConfigError("-n starts new replicas; it goes neither with --config nor with --at")
    load = _load(wanted)
    if wanted.cluster is None:
        n = wanted.n or 3
        check(load, cluster_file.local(n), open_files())
        with own_folder(data_root(wanted.data_dir)) as folder:
            return interruptible(lambda stopper: _own(wanted, load, n, folder, stopper))
    return interruptible(lambda stopper: _running(wanted, load, stopper))


def _load(wanted: Wanted) -> Load:
    given = {name: getattr(wanted, name) for name in Load.__struct_fields__}
    if wanted.bare and wanted.read_ratio:
        raise ConfigError("--read-ratio: --bare connections make appends only; leave one of them out")
    return Load(**{name: value for name, value in given.items() if value is not None})


def open_files() -> int:
    """How many files this process may open, after it has asked for all that it can get."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard and hard != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return hard
    return soft


class Stopper:
    """What ctrl-c does: end a measurement early, so that it can still be reported; else cancel all."""

    def __init__(self, scope: trio.CancelScope) -> None:
        self.event = trio.Event()
        self._scope = scope
        self._measuring = False

    @contextmanager
    def measuring(self) -> Iterator[trio.Event]:
        """Inside, the first ctrl-c sets the event and no more."""
        self._measuring = True
        try:
            yield self.event
        finally:
            self._measuring = False

    def signalled(self) -> None:
        """Somebody pressed ctrl-c."""
        if self._measuring and not self.event.is_set():
            self.event.set()
        else:
            self._scope.cancel()


def interruptible(work: Callable[[Stopper], Awaitable[int]]) -> int:
    """Run ``work``; its exit code, or that of an interruption."""

    async def main() -> int:
        code = EXIT_INTERRUPTED
        async with trio.open_nursery() as nursery:
            stopper = Stopper(nursery.cancel_scope)

            async def listen(task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
                with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                    task_status.started()
                    async for _ in signals:
                        stopper.signalled()

            await nursery.start(listen)
            code = await work(stopper)
            nursery.cancel_scope.cancel()
        return code

    return run_async(main)


async def _own(wanted: Wanted, load: Load, n: int, folder: Path, stopper: Stopper) -> int:
    async with own_cluster(n, folder) as replicas:
        found = await machine_limits(folder)
        where = f"own cluster of {n} replicas"
        return await _measure(wanted, load, replicas.cluster, found, where, stopper)


async def _running(wanted: Wanted, load: Load, stopper: Stopper) -> int:
    cluster = await resolve(wanted.cluster)
    check(load, cluster, open_files())
    if wanted.bare and cluster.tls is not None:
        raise ConfigError("--bare: bare sockets carry no certificates, and this cluster wants them")
    readings = await gauges.told(cluster, await operator(cluster))
    if not readings:
        raise Unreachable(f"no replica of cluster {cluster.name} answers; `paxtui status` says why")
    said = f"paxtui: the messages of this measurement stay in the log of cluster {cluster.name}"
    print(said, file=sys.stderr)
    found = None
    for reading in readings.values():
        files = proc.written_files(reading.pid) if reading.pid is not None else None
        if files:
            found = await machine_limits(max(files, key=lambda path: path.stat().st_size).parent)
            break
    return await _measure(wanted, load, cluster, found, f"cluster {cluster.name}", stopper)


async def machine_limits(folder: Path) -> MachineLimits:
    """Measured before the load, while the replicas are idle."""
    sync_s = await trio.to_thread.run_sync(limits.fdatasync_s, folder, abandon_on_cancel=True)
    trip_s = await trio.to_thread.run_sync(limits.round_trip_s, abandon_on_cancel=True)
    return MachineLimits(sync_s, trip_s, proc.file_system(folder))


async def _measure(
    wanted: Wanted, load: Load, cluster: Cluster, found: MachineLimits | None, where: str, stopper: Stopper
) -> int:
    try:
        with live(f"{load.connections} × {load.in_flight}") as tell, stopper.measuring() as stop:
            measurement = Measurement(cluster, load, bare=wanted.bare, limits=found, tell=tell, stop=stop)
            measured = await measurement.run()
    except MeasurementInterrupted:
        print("paxtui: interrupted before anything was counted", file=sys.stderr)
        return EXIT_INTERRUPTED
    if wanted.as_json:
        row = {**machine(), "cluster": cluster.name, "replicas_n": cluster.n}
        print(msgspec.json.encode(row | msgspec.to_builtins(measured)).decode())
    else:
        print(f"{where}, {machine_words()}")
        print("\n".join(report.lines(measured)))
    return exit_code(measured)


def exit_code(measured: Measured) -> int:
    """0 if all requests were answered."""
    if measured.interrupted:
        return EXIT_INTERRUPTED
    return EXIT_FAILED if measured.failures else EXIT_OK


def machine() -> dict[str, object]:
    """On what, and when, so that a figure can be compared with another one."""
    return {
        "version": __version__,
        "date": time.strftime("%Y-%m-%d"),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
    }


def machine_words() -> str:
    """The same in words."""
    found = machine()
    return f"{found['cores']} cores, Python {found['python']}, {found['date']}"
