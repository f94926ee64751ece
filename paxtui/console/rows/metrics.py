"""Numbers a second, with sparklines. Each line states its unit, the value of now, and the scale's top."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from paxtui.console.model.durations import ages
from paxtui.console.model.state.rates import SECONDS_KEPT
from paxtui.console.model.state.replica import ReplicaView
from paxtui.console.rows.text import Row, fit, pad
from paxtui.console.view_state import ViewState

FULL_WIDTH: Final = 60
FULL_HEIGHT: Final = 15
"""From here on there is room for every replica's own numbers."""

LABEL_WIDTH: Final = 10
VALUE_WIDTH: Final = 6
TOP_WIDTH: Final = 9

Values = Sequence[float | None]


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


def short(value: float | None, missing: str = "?") -> str:
    """Return ``0``, ``4.2``, ``98``, ``1.2k``, ``34k``, ``5.6M``; ``missing`` for what is not known."""
    if value is None:
        return missing
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size * 0.9995:
            return f"{value / size:.1f}{unit}" if value < 9.95 * size else f"{value / size:.0f}{unit}"
    return f"{value:.1f}" if 0 < value < 9.95 and value != int(value) else f"{value:.0f}"


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
    return max(0, min(SECONDS_KEPT - 1, width - LABEL_WIDTH - VALUE_WIDTH - TOP_WIDTH - 3))


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
        return fit([*row, ("nobody leads", "dim")], width)
    if status is None or leader is None or not view_state.model.replicas[leader[0]].fresh(view_state.now):
        who = f"r{leader[0]} leads" if leader is not None else "who leads"
        return fit([*row, ("?", "unknown"), (f"  {who}, not heard", "dim")], width)
    row += [(f"{status.in_flight}", "text"), ("  queued ", "dim")]
    row += [(f"{status.queued}", "warn" if status.queued else "text"), (f"  at r{status.replica}", "dim")]
    return fit(row, width)


def metrics(view_state: ViewState, width: int, height: int) -> list[Row]:
    """Return a few lines, or where there is room every replica's own numbers as well."""
    lines = [line(view_state, one, width) for one in series(view_state, max(1, spark_width(width)))]
    lines.insert(5, queues(view_state, width))
    if width < FULL_WIDTH or height < FULL_HEIGHT:
        return lines[:height]
    return [*lines, fit([], width), *table(view_state, width)][:height]


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
    Column("fsync ms", lambda replica, now: short(_told(replica))),
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


def _told(replica: ReplicaView) -> float | None:
    return replica.report.fsync_ms if replica.report is not None else None


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


def title(width: int) -> str:
    """Return what the lines span."""
    seconds = spark_width(width)
    return f"metrics   {seconds} s, then now and max" if seconds else "metrics   now and max"
