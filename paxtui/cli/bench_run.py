"""Runs what ``paxtui bench`` was asked for, and prints it."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from paxtui.bench import gauges, proc, report
from paxtui.bench.limits import MachineLimits
from paxtui.bench.load import Load, check
from paxtui.bench.measure import Measurement, MeasurementInterrupted
from paxtui.bench.measured import Measured
from paxtui.bench.private_cluster import private_cluster, private_folder
from paxtui.bench.progress import progress_line
from paxtui.cli.bench_interrupts import Stopper, interruptible
from paxtui.cli.bench_machine import machine, machine_limits, machine_words, open_files
from paxtui.cli.bench_options import BenchOptions
from paxtui.cli.guard import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK
from paxtui.cli.wrapping import hung, width_of_output
from paxtui.client import Unreachable, operator, resolve
from paxtui.config import cluster_file
from paxtui.config.cluster_file import Cluster, ConfigError
from paxtui.config.folders import data_root
from paxtui.words.counts import counted

SIZES = (1, 3, 5, 7, 9)


def run(options: BenchOptions, *, suite: bool) -> int:
    """Run one measurement, or all of the table."""
    if options.n is not None and options.n not in SIZES:
        raise ConfigError(f"-n: {options.n} is no size of a cluster; 1, 3, 5, 7 and 9 are")
    if suite:
        from paxtui.cli.bench_suite import run_suite

        return run_suite(options)
    if options.n is not None and options.cluster is not None:
        raise ConfigError("-n starts new replicas; it goes neither with --config nor with --at")
    load = _load(options)
    if options.cluster is None:
        n = options.n or 3
        check(load, cluster_file.local(n), open_files())
        with private_folder(data_root(options.data_dir)) as folder:
            return interruptible(lambda stopper: _own(options, load, n, folder, stopper))
    return interruptible(lambda stopper: _running(options, load, stopper))


def _load(options: BenchOptions) -> Load:
    given = {name: getattr(options, name) for name in Load.__struct_fields__}
    if options.bare and options.read_ratio:
        raise ConfigError("--read-ratio: --bare connections make appends only; leave one of them out")
    return Load(**{name: value for name, value in given.items() if value is not None})


async def _own(options: BenchOptions, load: Load, n: int, folder: Path, stopper: Stopper) -> int:
    async with private_cluster(n, folder) as replicas:
        found = await machine_limits(folder)
        where = f"own cluster of {counted(n, 'replica')}"
        return await _measure(options, load, replicas.cluster, found, where, stopper)


async def _running(options: BenchOptions, load: Load, stopper: Stopper) -> int:
    cluster = await resolve(options.cluster)
    check(load, cluster, open_files())
    if options.bare and cluster.tls is not None:
        raise ConfigError("--bare: bare sockets carry no certificates, and this cluster wants them")
    readings = await gauges.read_replicas(cluster, await operator(cluster))
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
    return await _measure(options, load, cluster, found, f"cluster {cluster.name}", stopper)


async def _measure(
    options: BenchOptions,
    load: Load,
    cluster: Cluster,
    found: MachineLimits | None,
    where: str,
    stopper: Stopper,
) -> int:
    try:
        with (
            progress_line(f"{load.connections} × {load.in_flight}") as report_progress,
            stopper.measuring() as stop,
        ):
            measurement = Measurement(
                cluster, load, bare=options.bare, limits=found, report_progress=report_progress, stop=stop
            )
            measured = await measurement.run()
    except MeasurementInterrupted:
        print("paxtui: interrupted before anything was counted", file=sys.stderr)
        return EXIT_INTERRUPTED
    if options.as_json:
        row = {**machine(), "cluster": cluster.name, "replicas_n": cluster.n}
        print(msgspec.json.encode(row | msgspec.to_builtins(measured)).decode())
    else:
        width = width_of_output()
        for line in (f"{where}, {machine_words()}", *report.lines(measured)):
            print("\n".join(hung(line, width, " " * report.NAME_COLUMNS)))
    return exit_code(measured)


def exit_code(measured: Measured) -> int:
    """Return 0 if all requests were answered."""
    if measured.interrupted:
        return EXIT_INTERRUPTED
    return EXIT_FAILED if measured.failures else EXIT_OK
