"""The results of one load, as numbers: JSON as they are; :mod:`paxtui.bench.report` says them in words."""

from __future__ import annotations

from msgspec import Struct

from paxtui.bench.gauges import Reading, Wire
from paxtui.bench.histogram import Histogram
from paxtui.bench.limits import MachineLimits
from paxtui.bench.load import Load
from paxtui.bench.tally import Tally


class Times(Struct, frozen=True):
    """Percentiles in milliseconds."""

    count: int
    mean_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float

    @classmethod
    def of(cls, histogram: Histogram) -> Times | None:
        """Sum up a histogram; ``None`` where nothing was counted."""
        if histogram.count == 0:
            return None
        p50, p90, p99, p999 = (
            round(histogram.percentile_s(percent) * 1000, 4) for percent in (50, 90, 99, 99.9)
        )
        highest = round(histogram.max_s * 1000, 4)
        return cls(histogram.count, round(histogram.mean_s * 1000, 4), p50, p90, p99, p999, highest)


class ReplicaCost(Struct, frozen=True):
    """Costs at one replica. ``None`` where its process is on another machine, or another user's."""

    replica: int
    role: str
    commits_a_s: float
    """Transactions a second, each with one fsync."""
    messages_a_commit: float | None
    cpu_us_a_message: float | None
    cpu_share: float | None
    """Of one core."""
    written_bytes_a_message: float | None
    """In whole pages, as the kernel counts what a process makes it write."""
    disk_bytes_a_message: float | None
    """By how much its files have grown."""
    resident_bytes: int | None


class WireCost(Struct, frozen=True):
    """Bytes of payload over TCP a message."""

    requests: float
    answers: float
    between: float


class Measured(Struct, frozen=True, kw_only=True):
    """One load on one cluster."""

    load: Load
    bare: bool
    """Whether bare connections made the load, in place of the client library."""
    seconds: float
    """The time between the two moments of counting."""
    interrupted: bool
    messages: int
    """Answers in that time, to appends and reads."""
    throughput: float
    by_second: tuple[int, ...]
    """Answers in each whole second."""
    appends: Times | None
    reads: Times | None
    overdue: int
    """Open loop: due in time, and without an answer when the load was given up; their times are lower
    bounds."""
    failures: dict[str, int]
    generator_cpu_us_a_message: float
    generator_cpu_share: float
    replicas: tuple[ReplicaCost, ...]
    others_share: float | None
    """The time that other programs took, of one core: where that is much, the figures say little."""
    wire: WireCost | None
    leader: int | None
    leader_changed: bool
    limits: MachineLimits | None
    limit_ms: float | None
    """Two round trips and one fdatasync: what one client could get at best."""
    times_the_limit: float | None
    """The appends' p50 by that limit."""


def conclude(
    load: Load,
    tally: Tally,
    before: Reading,
    after: Reading,
    *,
    bare: bool,
    interrupted: bool,
    by_second: tuple[int, ...],
    wire: Wire | None,
    limits: MachineLimits | None,
) -> Measured:
    """Put a load's counts and the readings around it together."""
    seconds = tally.ends - tally.begins
    messages = tally.counted
    each = max(1, messages)
    cpu_s = after.generator_cpu_s - before.generator_cpu_s
    appends = Times.of(tally.appends)
    limit_ms = limits.one_client_s * 1000 if limits is not None else None
    ratio = appends.p50_ms / limit_ms if appends is not None and limit_ms else None
    leaders = [
        {replica for replica, reading in readings.replicas.items() if reading.role == "leader"}
        for readings in (before, after)
    ]
    return Measured(
        load=load,
        bare=bare,
        seconds=round(seconds, 3),
        interrupted=interrupted,
        messages=messages,
        throughput=round(messages / seconds, 1),
        by_second=by_second,
        appends=appends,
        reads=Times.of(tally.reads),
        overdue=tally.overdue,
        failures=dict(tally.failures),
        generator_cpu_us_a_message=round(cpu_s / each * 1e6, 2),
        generator_cpu_share=round(cpu_s / (after.at - before.at), 4),
        replicas=tuple(_costs(before, after, messages, seconds)),
        others_share=_others(before, after),
        wire=None if wire is None else _a_message(wire, each),
        leader=min(leaders[1], default=None),
        leader_changed=leaders[0] != leaders[1],
        limits=limits,
        limit_ms=None if limit_ms is None else round(limit_ms, 4),
        times_the_limit=None if ratio is None else round(ratio, 2),
    )


def _a_message(wire: Wire, messages: int) -> WireCost:
    return WireCost(
        round(wire.requests / messages, 1),
        round(wire.answers / messages, 1),
        round(wire.between / messages, 1),
    )


def _costs(before: Reading, after: Reading, messages: int, seconds: float) -> list[ReplicaCost]:
    """List the costs of each replica that answered before and after, and is the same process still."""
    costs: list[ReplicaCost] = []
    each = max(1, messages)
    for replica, new in sorted(after.replicas.items()):
        old = before.replicas.get(replica)
        if old is None or new.uptime_s <= old.uptime_s:
            continue
        commits, span_s = new.commits - old.commits, new.uptime_s - old.uptime_s
        was, now = old.usage, new.usage
        cpu_s = now.cpu_s - was.cpu_s if was is not None and now is not None else None
        written = on_disk = None
        if was is not None and now is not None:
            written = _grown(was.written_bytes, now.written_bytes)
            on_disk = _grown(was.disk_bytes, now.disk_bytes)
        costs.append(
            ReplicaCost(
                replica=replica,
                role=new.role,
                commits_a_s=round(commits / span_s, 1),
                messages_a_commit=round(messages / seconds * span_s / commits, 2) if commits else None,
                cpu_us_a_message=None if cpu_s is None else round(cpu_s / each * 1e6, 2),
                cpu_share=None if cpu_s is None else round(cpu_s / (after.at - before.at), 4),
                written_bytes_a_message=None if written is None else round(written / each, 1),
                disk_bytes_a_message=None if on_disk is None else round(on_disk / each, 1),
                resident_bytes=now.resident_bytes if now is not None else None,
            )
        )
    return costs


def _others(before: Reading, after: Reading) -> float | None:
    """Known only where all replicas are on this machine."""
    ours_s = after.generator_cpu_s - before.generator_cpu_s
    ours_s += after.companions_cpu_s - before.companions_cpu_s
    if before.busy_s is None or after.busy_s is None:
        return None
    for replica, new in after.replicas.items():
        old = before.replicas.get(replica)
        if old is None or old.usage is None or new.usage is None:
            return None
        ours_s += new.usage.cpu_s - old.usage.cpu_s
    others_s = after.busy_s - before.busy_s - ours_s
    return round(max(0.0, others_s / (after.at - before.at)), 4)


def _grown(old: int | None, new: int | None) -> int | None:
    return None if old is None or new is None else new - old
