"""A measurement in words, one screen."""

from __future__ import annotations

from collections.abc import Iterator

from paxtui.bench.measured import Measured, ReplicaCost, Times

KEEPS_UP = 0.98
"""An open loop that answers less than this share of what is due falls behind."""


def lines(measured: Measured) -> Iterator[str]:
    """Write the report, a line each."""
    yield f"{'load':<12}{measured.load.words}; {_counted(measured)}"
    yield f"{'throughput':<12}{measured.throughput:,.0f} messages/s{_seconds(measured)}"
    both = measured.appends is not None and measured.reads is not None
    for times, name in ((measured.appends, "appends"), (measured.reads, "reads")):
        if times is not None:
            yield f"{name if both else 'latency':<12}{_times(times)}{_since(measured)}"
    if measured.limits is not None and measured.limit_ms is not None:
        yield f"{'limit':<12}{_limit(measured)}"
    yield from _failures(measured)
    yield ""
    yield from _costs(measured)


def _counted(measured: Measured) -> str:
    text = f"counted for {measured.seconds:.1f} s after {measured.load.warmup_s:g} s of warm-up"
    if measured.bare:
        text += ", bare connections"
    return text + (" (interrupted)" if measured.interrupted else "")


def _seconds(measured: Measured) -> str:
    if len(measured.by_second) < 2:
        return ""
    return f"   by the second {min(measured.by_second):,} to {max(measured.by_second):,}"


def _times(times: Times) -> str:
    shown = (("p50", times.p50_ms), ("p90", times.p90_ms), ("p99", times.p99_ms), ("p99.9", times.p999_ms))
    parts = [f"{name} {milliseconds(value)}" for name, value in shown]
    return "  ".join([*parts, f"max {milliseconds(times.max_ms)}"])


def milliseconds(value: float) -> str:
    """Three digits are enough."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} ms"


def _since(measured: Measured) -> str:
    return "   from the time at which each was due" if measured.load.rate is not None else ""


def _limit(measured: Measured) -> str:
    limits = measured.limits
    assert limits is not None
    text = (
        f"{milliseconds(measured.limit_ms or 0)} for one client: 2 round trips of "
        f"{limits.round_trip_s * 1e6:.0f} µs + 1 fdatasync of {limits.fdatasync_s * 1e6:.0f} µs "
        f"({limits.file_system})"
    )
    if measured.times_the_limit is not None:
        text += f"; p50 is {measured.times_the_limit:.1f} times that"
    return text


def _failures(measured: Measured) -> Iterator[str]:
    rate = measured.load.rate
    if rate is not None and measured.throughput < KEEPS_UP * rate:
        yield f"{'note':<12}the cluster does not keep up with {rate:,.0f} requests a second"
    if measured.overdue:
        yield (
            f"{'overdue':<12}{measured.overdue:,} requests were due and had no answer when the load was "
            "given up: their times are lower bounds"
        )
    for words, count in measured.failures.items():
        yield f"{'failed':<12}{count:,} × {words}"
    if measured.leader_changed:
        yield f"{'note':<12}the leader changed meanwhile"


NAME_COLUMNS = 12
"""Of what a line is about; the rest of it is beside that."""

COLUMNS = (
    ("", "CPU", "of a", "commits", "messages", "written", "files", "memory"),
    ("", "a message", "core", "a second", "a commit", "a message", "a message", ""),
)
WIDTHS = (14, 11, 6, 10, 10, 11, 11, 7)
"""80 columns together."""


def _costs(measured: Measured) -> Iterator[str]:
    """Tabulate what each process has used, a message."""
    yield from map(_row, COLUMNS)
    for cost in measured.replicas:
        yield _row(_cells(cost))
    name = "bare generator" if measured.bare else "generator"
    yield _row((name, _us(measured.generator_cpu_us_a_message), f"{measured.generator_cpu_share:.0%}"))
    yield ""
    if measured.others_share is not None:
        yield f"{'others':<12}{measured.others_share:.0%} of a core went to other programs meanwhile"
    if measured.wire is not None:
        wire = measured.wire
        yield (
            f"{'wire':<12}bytes a message: requests {wire.requests:.0f}, answers {wire.answers:.0f}, "
            f"between replicas {wire.between:.0f}"
        )


def _cells(cost: ReplicaCost) -> tuple[str, ...]:
    return (
        f"r{cost.replica} {cost.role}",
        _us(cost.cpu_us_a_message),
        "?" if cost.cpu_share is None else f"{cost.cpu_share:.0%}",
        f"{cost.commits_a_s:,.0f}",
        "-" if cost.messages_a_commit is None else f"{cost.messages_a_commit:,.1f}",
        _bytes(cost.written_bytes_a_message),
        _bytes(cost.disk_bytes_a_message),
        "?" if cost.resident_bytes is None else f"{cost.resident_bytes / 1e6:.0f} MB",
    )


def _row(cells: tuple[str, ...]) -> str:
    first, *others = cells
    return (
        first.ljust(WIDTHS[0])
        + "".join(cell.rjust(width) for cell, width in zip(others, WIDTHS[1:], strict=False))
    ).rstrip()


def _us(value: float | None) -> str:
    return "?" if value is None else f"{value:.1f} µs"


def _bytes(value: float | None) -> str:
    return "?" if value is None else f"{value:,.0f} B"
