"""paxtui beside etcd and PySyncObj: the same loads on the same disk, in turn, several rounds.

Run: python -m tests.tools.compare [--rounds 3] [--seconds 5] [--size 100] [--folder DIR] [--pysyncobj DIR]
     [--json FILE]

In each round each system has replicas of its own, three processes on loopback, which are gone before the next
one starts; from round to round another one begins. Prints medians, and the targets that are ratios to etcd.
Nothing is installed: what is missing is said, and left out. Exit code 2 if there is nothing to compare with,
1 if a target is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import trio

from paxtui.bench import limits, proc
from paxtui.bench.load import Load
from paxtui.bench.measure import Measurement
from paxtui.bench.measured import Measured
from paxtui.bench.private_cluster import private_cluster
from tests.tools.compare import etcd, pysync
from tests.tools.compare.results import Median, Result, medians

PAXTUI = "paxtui"
LIBRARY = "paxtui, its client library"
LOADS = {"1 × 256": (1, 256), "16 × 16": (16, 16), "256 × 1": (256, 1), "1 × 1": (1, 1)}
MANY = "256 × 1"
"""etcd at 256 clients, which most targets are held against."""

ALONE = "1 × 1"

Part = Callable[[Path], list[Result]]
"""All loads of one system, with its data below a folder."""


def say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def paxtui_part(seconds: float, size: int) -> Part:
    """All loads with bare connections, as the rivals' generators are; two of them with the library, too."""

    async def run(folder: Path) -> list[Result]:
        results: list[Result] = []
        async with private_cluster(3, folder) as replicas:
            for system, bare, names in ((PAXTUI, True, LOADS), (LIBRARY, False, LOADS)):
                for name in names:
                    connections, in_flight = LOADS[name]
                    load = Load(connections=connections, in_flight=in_flight, size=size, seconds=seconds)
                    say(f"{system}: {name}")
                    measured = await Measurement(replicas.cluster, load, bare=bare).run()
                    results.append(_result(system, name, measured))
        return results

    return lambda folder: trio.run(run, folder)


def _result(system: str, name: str, measured: Measured) -> Result:
    if measured.failures or measured.appends is None:
        raise RuntimeError(f"{system}, {name}: {measured.failures or 'no answer at all'}")
    costs = [cost.cpu_us_a_message for cost in measured.replicas]
    known = [cost for cost in costs if cost is not None]
    return Result(
        system=system,
        load=name,
        throughput=measured.throughput,
        p50_ms=measured.appends.p50_ms,
        p99_ms=measured.appends.p99_ms,
        servers_us=sum(known) if len(known) == len(costs) else None,
        generator_us=measured.generator_cpu_us_a_message,
        others_share=measured.others_share,
    )


def etcd_part(seconds: float, size: int, missing: dict[str, str]) -> Part:
    """The gateway at 256 clients and at one; gRPC at all loads."""

    def run(folder: Path) -> list[Result]:
        results: list[Result] = []
        with etcd.running(folder) as members:
            if etcd.GATEWAY not in missing:
                for name in (MANY, ALONE):
                    say(f"{etcd.GATEWAY}: {name}")
                    results.append(members.gateway(name, LOADS[name][0], size, seconds))
            if etcd.GRPC not in missing:
                for name, (connections, streams) in LOADS.items():
                    say(f"{etcd.GRPC}: {name}")
                    results.append(members.grpc(name, connections, streams, size, seconds))
        return results

    return run


def pysync_part(seconds: float, size: int, package: str | None) -> Part:
    """As many calls under way as there would be clients."""

    def run(folder: Path) -> list[Result]:
        results: list[Result] = []
        for name, calls in ((MANY, 256), (ALONE, 1)):
            say(f"{pysync.SYSTEM}: {name}")
            part = folder / f"calls-{calls}"
            results.append(pysync.measure(part, package, name, calls, size, seconds))
        return results

    return run


def table(found: list[Median]) -> list[str]:
    """One line a system and load."""
    heads = (
        "system",
        "load",
        "throughput",
        "(lowest to highest)",
        "p50",
        "p99",
        "servers",
        "generator",
        "others",
    )
    rows = [heads, *map(_figures, found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    return ["  ".join(_cells(row, widths)).rstrip() for row in rows]


def _figures(each: Median) -> tuple[str, ...]:
    return (
        each.system,
        each.load,
        f"{each.throughput:,.0f}/s",
        f"({each.lowest:,.0f} to {each.highest:,.0f})",
        f"{each.p50_ms:.2f} ms",
        f"{each.p99_ms:.2f} ms",
        _us(each.servers_us),
        _us(each.generator_us),
        "?" if each.others_share is None else f"{each.others_share:.0%}",
    )


def _cells(row: tuple[str, ...], widths: list[int]) -> list[str]:
    texts, numbers = row[:2], row[2:]
    left = [cell.ljust(width) for cell, width in zip(texts, widths, strict=False)]
    return left + [cell.rjust(width) for cell, width in zip(numbers, widths[2:], strict=True)]


def _us(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} µs"


class Target(msgspec.Struct, frozen=True):
    """A ratio of one of our figures to one of etcd's."""

    load: str
    of: str
    """``throughput``, ``p50_ms`` or ``p99_ms``."""
    against: str
    """etcd's load."""
    bound: float
    at_least: bool

    def judge(self, ours: Median, theirs: Median) -> tuple[str, bool]:
        """The line, and whether the target is met."""
        mine, other = getattr(ours, self.of), getattr(theirs, self.of)
        ratio = mine / other
        met = ratio >= self.bound if self.at_least else ratio <= self.bound
        sign = "≥" if self.at_least else "≤"
        unit = "/s" if self.of == "throughput" else " ms"
        shown = (f"{mine:,.0f}", f"{other:,.0f}") if self.at_least else (f"{mine:.2f}", f"{other:.2f}")
        words = (
            f"{self.load:<8} {self.of.removesuffix('_ms'):<10} {shown[0]:>8}{unit} / {shown[1]:>8}{unit} "
            f"({theirs.system}, {self.against}) = {ratio:.2f}"
        )
        return f"{words:<84} target {sign} {self.bound:g}: {'met' if met else 'MISSED'}", met


TARGETS = (
    Target("1 × 256", "throughput", MANY, 10.0, True),
    Target("16 × 16", "throughput", MANY, 6.0, True),
    Target("256 × 1", "throughput", MANY, 1.5, True),
    Target("256 × 1", "p99_ms", MANY, 1.0, False),
    Target("1 × 1", "p50_ms", ALONE, 0.6, False),
)


def verdicts(found: list[Median]) -> tuple[list[str], int]:
    """Each target against each way into etcd; how many are missed against the gateway, which they are made
    for, or against gRPC if that is all there is."""
    by_key = {(each.system, each.load): each for each in found}
    lines: list[str] = []
    missed = 0
    judged = next((system for system in (etcd.GATEWAY, etcd.GRPC) if (system, MANY) in by_key), None)
    for system in (etcd.GATEWAY, etcd.GRPC):
        for target in TARGETS:
            ours, theirs = by_key.get((PAXTUI, target.load)), by_key.get((system, target.against))
            if ours is None or theirs is None:
                continue
            line, met = target.judge(ours, theirs)
            lines.append(line)
            missed += system == judged and not met
    return lines, missed


def absolute(found: list[Median]) -> list[str]:
    """The one target that is a number and not a ratio."""
    by_key = {(each.system, each.load): each for each in found}
    ours, theirs = by_key.get((PAXTUI, "1 × 256")), by_key.get((etcd.GATEWAY, MANY))
    if ours is None or theirs is None:
        return []
    scaled = 45_000 * theirs.throughput / 5_000
    words = f"1 × 256: {ours.throughput:,.0f}/s; 45,000/s where etcd does 5,000/s, and here it does "
    return [f"{words}{theirs.throughput:,.0f}/s, which makes {scaled:,.0f}/s"]


def run(options: argparse.Namespace) -> int:
    missing = etcd.missing()
    without = pysync.missing(options.pysyncobj)
    parts: dict[str, Part] = {PAXTUI: paxtui_part(options.seconds, options.size)}
    if "etcd" not in missing and len(missing) < 2:
        parts["etcd"] = etcd_part(options.seconds, options.size, missing)
    if without is None:
        parts[pysync.SYSTEM] = pysync_part(options.seconds, options.size, options.pysyncobj)
    for line in (*missing.values(), *filter(None, [without])):
        print(f"left out: {line}", flush=True)
    if len(parts) == 1:
        print("there is nothing to compare with", file=sys.stderr)
        return 2
    results: list[Result] = []
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="compare-", dir=options.folder) as folder:
        head(options, Path(folder), parts)
        for number in range(options.rounds):
            names = list(parts)
            first = number % len(names)
            for name in names[first:] + names[:first]:
                say(f"round {number + 1} of {options.rounds}, {name}")
                with tempfile.TemporaryDirectory(dir=folder) as own:
                    results += parts[name](Path(own))
    found = sorted(medians(results), key=lambda each: (list(LOADS).index(each.load), each.system))
    lines, missed = verdicts(found)
    print("\n".join(["", *table(found), "", *lines, "", *absolute(found), *notes()]))
    if options.json:
        rows = {"rounds": results, "medians": found, "missed": missed}
        options.json.write_bytes(msgspec.json.encode(rows))
    return 1 if missed else 0


def head(options: argparse.Namespace, folder: Path, parts: dict[str, Part]) -> None:
    """On what this is measured."""
    sync_s, trip_s = limits.fdatasync_s(folder), limits.round_trip_s()
    print(
        f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {time.strftime('%Y-%m-%d')}, "
        f"{proc.file_system(folder)}: fdatasync {sync_s * 1e6:.0f} µs, round trip {trip_s * 1e6:.0f} µs"
    )
    print(
        f"{options.rounds} rounds, {options.size}-byte messages, {options.seconds:g} s each; three processes "
        "of each system, medians; load is connections × requests under way on each"
    )
    if "etcd" in parts:
        print(f"etcd {etcd.version()}: synced; asked at its leader")
    if pysync.SYSTEM in parts:
        print(f"PySyncObj with its journal: {pysync.durability()}; asked inside its leader's process")
    print("paxtui: synced; asked at its leader over bare connections, except where the library is named")


def notes() -> list[str]:
    return [
        "servers and generator: processor time a message, of all three replicas together. others: what other",
        "programs took meanwhile, of one core; where that is much, the figures say little.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--folder", type=Path, default=Path("logs"), help="on the disk that is measured")
    parser.add_argument("--pysyncobj", metavar="DIR", help="where pip put it with --target")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    options = parser.parse_args()
    if options.rounds < 1 or options.seconds < 1 or not 1 <= options.size <= 65536:
        parser.error("--rounds and --seconds are 1 or more, --size is 1 to 65536")
    sys.exit(run(options))


if __name__ == "__main__":
    main()
