"""Numbers a second, with sparklines. Each line states its unit, the value of now, and the scale's top."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from paxtui.console.model.durations import ages
from paxtui.console.model.state.replica import ReplicaView
from paxtui.console.rows.curves import (
    CURVE_LINES_MAX,
    CURVE_LINES_MIN,
    CURVE_WIDTH_MIN,
    SPAN_S,
    Curve,
    Values,
    curve_rows,
    mean,
    short,
)
from paxtui.console.rows.text import Row, fit, pad
from paxtui.console.view_state import ViewState

FULL_WIDTH: Final = 60
FULL_HEIGHT: Final = 15
"""From here on there is room for every replica's own numbers."""

LABEL_WIDTH: Final = 10
VALUE_WIDTH: Final = 6
TOP_WIDTH: Final = 9

SPARK_S_MAX: Final = 60
"""Seconds of a sparkline: a longer one would move for longer after whatever happened; curves show more."""


class Series(NamedTuple):
    """One line."""

    label: str
    values: Values
    """By whole seconds, oldest first; ``None`` where nothing was measured."""
    now: float | None
    tone: str = "text"
    summed: bool = False
    """Whether ``now`` is the sum of what is shown."""
    missing: str = "?"
    """What stands for no value: ``-`` where there was nothing to measure."""


def sparkline(values: Values, width: int, heights: str) -> tuple[str, float | None]:
    """Return the last ``width`` values between 0 and their maximum, and that maximum; blank where none was
    seen."""
    shown: list[float | None] = [None] * max(0, width - len(values))
    shown += list(values)[-width:] if width > 0 else []
    top = max((value for value in shown if value is not None), default=None)
    last = len(heights) - 1
    text = "".join(
        " " if value is None else heights[min(last, round(value / top * last)) if top else 0]
        for value in shown
    )
    return text, top


def series(view_state: ViewState, seconds: int) -> list[Series]:
    """Return what is true of the whole cluster, the most important first."""
    model = view_state.model
    now = view_state.now
    lost = _sum([replica.lost.last(now, seconds) for replica in model.replicas])
    resent = _sum([replica.resent.last(now, seconds) for replica in model.replicas])
    messages = _sum([replica.messages.last(now, seconds) for replica in model.replicas])
    fsync = _most([replica.fsync.last(now, seconds) for replica in model.replicas])
    elections = model.elections.last(now, seconds)
    p50, p99 = (model.latency.quantile(now, share) for share in (0.5, 0.99))
    return [
        Series("chosen/s", model.chosen_rate.last(now, seconds), model.chosen_rate.rate(now)),
        Series("p50 ms", model.latency.last(now, 0.5, seconds), p50, missing="-"),
        Series("p99 ms", model.latency.last(now, 0.99, seconds), p99, missing="-"),
        Series("resent/s", resent, _last(resent), _alert(resent)),
        Series("lost/s", lost, _last(lost), _alert(lost)),
        Series("elections", elections, _in_all(elections), "text", summed=True),
        Series("fsync ms", fsync, _last(fsync)),
        Series("messages/s", messages, _last(messages)),
    ]


def _alert(values: Values) -> str:
    return "warn" if _last(values) else "text"


def _last(values: Values) -> float | None:
    return values[-1] if values else None


def _sum(columns: Sequence[Values]) -> list[float | None]:
    """Return the sum of all replicas; nothing where none was seen to do it, and not all were seen."""
    return [
        None if None in values and not _in_all(values) else _in_all(values)
        for values in zip(*columns, strict=True)
    ]


def _in_all(values: Values) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _most(columns: Sequence[Values]) -> list[float | None]:
    return [
        max((value for value in values if value is not None), default=None)
        for values in zip(*columns, strict=True)
    ]


def spark_width(width: int) -> int:
    """Return cells that are left for a sparkline."""
    return max(0, min(SPARK_S_MAX, width - LABEL_WIDTH - VALUE_WIDTH - TOP_WIDTH - 3))


def line(view_state: ViewState, one: Series, width: int) -> Row:
    """Return ``chosen/s  ▁▂▅▇▆▅     98  max 120``."""
    room = spark_width(width)
    text, top = sparkline(one.values, room, view_state.styles.spark)
    return fit(
        [
            (pad(one.label, LABEL_WIDTH), "dim"),
            (" ", ""),
            (text, "spark"),
            (" " if room else "", ""),
            (pad(short(one.now, one.missing), VALUE_WIDTH, right=True), one.tone),
            (" ", ""),
            (pad("seen" if one.summed else f"max {short(top, one.missing)}", TOP_WIDTH), "dim"),
        ],
        width,
    )


def queues(view_state: ViewState, width: int) -> Row:
    """Return what waits at whoever leads."""
    leader = view_state.model.leader
    report = view_state.model.replicas[leader[0]].report if leader is not None else None
    status = report.status if report is not None else None
    row: Row = [(pad("in flight", LABEL_WIDTH), "dim"), (" ", "")]
    if leader is None and not view_state.model.unheard(view_state.now):
        return fit([*row, ("no leader", "dim")], width)
    if status is None or leader is None or not view_state.model.replicas[leader[0]].fresh(view_state.now):
        who = f"r{leader[0]} leads" if leader is not None else "who leads"
        return fit([*row, ("?", "unknown"), (f"  {who}, not heard", "dim")], width)
    row += [(f"{status.in_flight}", "text"), ("  queued ", "dim")]
    row += [(f"{status.queued}", "warn" if status.queued else "text"), (f"  at r{status.replica}", "dim")]
    return fit(row, width)


CURVES_BESIDE: Final = 40
"""Cells of a curve where others stand beside it."""

CURVES_ACROSS_MAX: Final = 3


def metrics(view_state: ViewState, width: int, height: int) -> list[Row]:
    """Return a line a number; where there is room curves of the most important, and every replica's own
    numbers."""
    found = _with_curves(view_state, width, height)
    if found:
        return found
    lines = [line(view_state, one, width) for one in series(view_state, max(1, spark_width(width)))]
    lines.insert(5, queues(view_state, width))
    if width < FULL_WIDTH or height < FULL_HEIGHT:
        return lines[:height]
    return [*lines, fit([], width), *table(view_state, width)][:height]


def _with_curves(view_state: ViewState, width: int, height: int) -> list[Row]:
    """Return curves, and below them what has none; nothing where there is no room. A curve a replica, and
    the table, are given up first."""
    if width < CURVE_WIDTH_MIN:
        return []
    across = max(1, min(CURVES_ACROSS_MAX, width // CURVES_BESIDE))
    curved = {"chosen/s", "p50 ms", "p99 ms", "fsync ms"}
    rest = [one for one in series(view_state, max(1, spark_width(width))) if one.label not in curved]
    below = [line(view_state, one, width) for one in rest]
    below.insert(2, queues(view_state, width))
    numbers = [fit([], width), *table(view_state, width)] if width >= FULL_WIDTH else []
    for each_replica, tail in ((True, [*below, *numbers]), (False, [*below, *numbers]), (False, below)):
        shown = curves(view_state, each_replica=each_replica)
        lines = min(CURVE_LINES_MAX, (height - len(tail) - 1) // -(-len(shown) // across))
        if lines >= CURVE_LINES_MIN:
            return [*_beside(view_state, shown, width, lines, across), fit([], width), *tail]
    return []


def curves(view_state: ViewState, *, each_replica: bool) -> list[Curve]:
    """Return what has a curve, the most important first: commits of each replica, or of the slowest."""
    model, now = view_state.model, view_state.now
    p50, p99 = (model.latency.quantile(now, share) for share in (0.5, 0.99))
    found = [
        Curve("chosen/s", model.chosen_rate.last(now, SPAN_S), model.chosen_rate.rate(now), mean),
        Curve("p50 ms", model.latency.last(now, 0.5, SPAN_S), p50, mean, "-"),
        Curve("p99 ms, worst", model.latency.last(now, 0.99, SPAN_S), p99, max, "-"),
    ]
    fsyncs = [replica.fsync.last(now, SPAN_S) for replica in model.replicas]
    if not each_replica:
        slowest = _most(fsyncs)
        told = [ms for replica in model.replicas if (ms := _told(replica, now)) is not None]
        return [*found, Curve("fsync ms, slowest", slowest, max(told, default=None), max)]
    return found + [
        Curve(f"fsync ms {replica.name}", values, _told(replica, now), max, scale="fsync")
        for replica, values in zip(model.replicas, fsyncs, strict=True)
    ]


def _beside(view_state: ViewState, shown: list[Curve], width: int, lines: int, across: int) -> list[Row]:
    """Return curves, ``across`` side by side, each in so many lines. Those of one scale have one top."""
    size = (width - 2 * (across - 1)) // across
    tops: dict[str, float] = {}
    for curve in shown:
        known = [value for value in curve.values if value is not None]
        if curve.scale and known:
            tops[curve.scale] = max(tops.get(curve.scale, 0.0), *known)
    heights = view_state.styles.spark
    made = [curve_rows(each, view_state.now, size, lines, heights, tops.get(each.scale)) for each in shown]
    rows: list[Row] = []
    for at in range(0, len(made), across):
        for parts in zip(*made[at : at + across], strict=True):
            row: Row = []
            for part in parts:
                row += [("  ", ""), *part] if row else part
            rows.append(fit(row, width))
    return rows


class Column(NamedTuple):
    """A number of each replica."""

    title: str
    text: Callable[[ReplicaView, float], str]


def _status(text: Callable[..., object]) -> Callable[[ReplicaView, float], str]:
    """Return the status of the last report, if it had one."""

    def shown(replica: ReplicaView, now: float) -> str:
        report = replica.report
        return "?" if report is None or report.status is None else str(text(report, report.status))

    return shown


COLUMNS: Final = (
    Column("learned/s", lambda replica, now: short(replica.learned_rate.rate(now))),
    Column("fsync ms", lambda replica, now: short(_told(replica, now))),
    Column("msgs/s", lambda replica, now: short(replica.message_rate)),
    Column("lag", _status(lambda report, status: status.lag)),
    Column("in flight", _status(lambda report, status: status.in_flight)),
    Column("queued", _status(lambda report, status: status.queued)),
    Column("resent/s", lambda replica, now: short(_last(replica.resent.last(now, 1)))),
    Column("lost/s", lambda replica, now: short(_last(replica.lost.last(now, 1)))),
    Column("clients", _status(lambda report, status: report.clients)),
    Column("sessions", _status(lambda report, status: status.sessions)),
    Column("commits", _status(lambda report, status: short(report.commits))),
    Column("uptime", _status(lambda report, status: ages(report.uptime_s))),
)
"""The most important first: those that do not fit are left out."""


def _told(replica: ReplicaView, now: float) -> float | None:
    """Return how long its commits take, as its last report said; ``None`` if that is too old."""
    return replica.report.fsync_ms if replica.report is not None and replica.fresh(now) else None


def table(view_state: ViewState, width: int) -> list[Row]:
    """Return a row a replica."""
    now = view_state.now
    shown = list(COLUMNS)
    while sum(len(column.title) + 2 for column in shown) > width - 4:
        shown.pop()
    rows: list[Row] = [
        fit(
            [("    ", ""), *((pad(each.title, len(each.title) + 2, right=True), "title") for each in shown)],
            width,
        )
    ]
    for replica in view_state.model.replicas:
        fresh = replica.fresh(now)
        row: Row = [(pad(replica.name, 4), "selected" if replica.id == view_state.selected else "title")]
        for column in shown:
            text = column.text(replica, now) if fresh else "?"
            row.append((pad(text, len(column.title) + 2, right=True), "text" if fresh else "unknown"))
        rows.append(fit(row, width))
    return rows


def title(view_state: ViewState, width: int, height: int) -> str:
    """Return what the lines span."""
    if _with_curves(view_state, width, height):
        return "4 metrics   ten minutes, then now"
    seconds = spark_width(width)
    return f"4 metrics   {seconds} s, then now and max" if seconds else "4 metrics   now and max"
