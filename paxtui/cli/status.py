"""``paxtui status``: each replica's own belief."""

from __future__ import annotations

import os
import re
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.options import AttachOption, ConfigOption, JsonOption
from paxtui.cli.signals import run_async
from paxtui.cli.wrapping import hung, width_of_output

if TYPE_CHECKING:
    from paxtui.client import Sighting
    from paxtui.client.discover import Named


WATCH_S = 1.0

GAP = 2
"""Columns of nothing between two columns of the table."""

PID_WIDTH = 7
"""Digits of a process's number on Linux."""

LEFT_OUT = ("promised", "from slot", "faults")
"""Columns of the table that are left out where it is too wide, the first of them first."""

LOCAL_REFUSED = re.compile(r"(127\.0\.0\.1|localhost|\[::1\]):\d+ cannot be reached: connection refused")


def status(
    config: ConfigOption = None,
    at: AttachOption = None,
    watch: Annotated[bool, typer.Option("--watch", help="Repeat it every second, until ctrl-c.")] = False,
    as_json: JsonOption = False,
) -> int:
    """Show what each replica believes: role, leader, ballot.

    It shows watermark and lag, too, and marks with * what differs from most of the others. --watch adds how
    many slots each replica applies a second, and how long a commit takes. Exit code 1 if a replica cannot be
    reached.

    Examples:

      paxtui status --watch

      paxtui status --json | jq .watermark
    """
    return run_async(_status, config or at, watch, as_json)


async def _status(cluster: Named, watch: bool, as_json: bool) -> int:
    import trio

    from paxtui.client import operator, resolve

    found = await resolve(cluster)
    asker = await operator(found)
    rates = AppliedRates()
    while True:
        sightings = await asker.status()
        rates.add(sightings, trio.current_time())
        if as_json:
            for sighting in sightings:
                print(_json(sighting), flush=True)
        elif watch:
            _show_frame(_frame(found.name, sightings, rates))
        else:
            print("\n".join(map(_coloured, _lines(sightings, width_of_output()))), flush=True)
        if not watch:
            return 0 if all(sighting.report is not None for sighting in sightings) else 1
        await trio.sleep(WATCH_S)


class AppliedRates:
    """How many slots each replica applies a second, from one look to the next."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[float, int]] = {}
        self._rates: dict[int, float] = {}

    def add(self, sightings: list[Sighting], now: float) -> None:
        """Take what the replicas say now; one that does not answer, or has begun anew, has no rate."""
        before, self._last, self._rates = self._last, {}, {}
        for sighting in sightings:
            status = sighting.report.status if sighting.report is not None else None
            if status is None:
                continue
            self._last[sighting.replica] = (now, status.watermark)
            then, watermark = before.get(sighting.replica, (now, 0))
            if now > then and status.watermark >= watermark:
                self._rates[sighting.replica] = (status.watermark - watermark) / (now - then)

    def of(self, replica: int) -> str:
        """Return a replica's rate; ``?`` if it is not known."""
        rate = self._rates.get(replica)
        return "?" if rate is None else f"{rate:,.0f}"


def _frame(name: str, sightings: list[Sighting], rates: AppliedRates) -> list[str]:
    """Return what `--watch` shows: the time, the table with rates and the time of a commit."""
    clock = time.strftime("%H:%M:%S")
    heard = sum(sighting.report is not None for sighting in sightings)
    head = f"{clock}  {name}  {heard} of {len(sightings)} replicas answer"
    return [head, "", *rows(sightings, rates), *_nothing(sightings)]


def _show_frame(lines: list[str]) -> None:
    """Draw a frame over the one before, without a flicker; print it where the output is no terminal."""
    if not sys.stdout.isatty():
        print("\n".join([*lines, ""]), flush=True)
        return
    width = max(os.get_terminal_size(sys.stdout.fileno()).columns, 1)
    drawn = "".join(f"{_coloured(line[:width])}\x1b[K\n" for line in lines)
    print(f"\x1b[H{drawn}\x1b[J", end="", flush=True)


def _lines(sightings: list[Sighting], width: int | None) -> list[str]:
    """Return the table and what stands below it, in so many columns; a long line goes on in the next one."""
    lines = [*rows(sightings, width=width), *_nothing(sightings)]
    return ["\n".join(hung(line, width, "  ")) for line in lines]


def _nothing(sightings: list[Sighting]) -> list[str]:
    """Return a line on what to do, if no replica runs at any of the addresses."""
    if all(LOCAL_REFUSED.search(sighting.problem) for sighting in sightings):
        return ["nothing runs there: `paxtui up` starts replicas, `paxtui clusters` lists what runs here"]
    return []


def rows(
    sightings: list[Sighting], rates: AppliedRates | None = None, *, width: int | None = None
) -> list[str]:
    """Return a table, one line a replica; what differs from the majority's belief carries a ``*``.

    A line below it for replicas that let everybody in. From which slot on logs are kept is told once anything
    is removed. ``rates`` adds them, and the time of a commit, in place of what is promised. Where the table
    is wider than ``width``, the columns that say least are left out.
    """
    columns = ["replica", "role", "leader", "ballot", "promised", "watermark", "lag", "faults", "pid"]
    table: list[list[str]] = []
    for sighting in sightings:
        report = sighting.report
        status = report.status if report is not None else None
        if report is None:
            why = sighting.problem.rpartition(": ")[2]
            table.append([f"r{sighting.replica}", "?", *["?"] * 6, f"- {why}"])
        elif status is None:
            waits = " ".join(f"r{peer}" for peer in report.waiting_for)
            table.append([f"r{sighting.replica}", "warm-up", *["-"] * 6, f"{report.pid} waits for {waits}"])
        else:
            leader = "-" if status.leader is None else f"r{status.leader}"
            table.append(
                [
                    f"r{sighting.replica}",
                    status.role,
                    leader,
                    str(status.ballot),
                    str(status.promised),
                    str(status.watermark),
                    str(status.lag),
                    str(report.faults),
                    str(report.pid),
                ]
            )
    for column in (2, 3, 4, 5):
        _mark_differences(table, column)
    log_starts = [_log_start(sighting) for sighting in sightings]
    if rates is None and any(log_start not in ("?", "-", "0") for log_start in log_starts):
        columns.insert(6, "from slot")
        for row, log_start in zip(table, log_starts, strict=True):
            row.insert(6, log_start)
    if rates is not None:
        promised = columns.index("promised")
        for row in (columns, *table):
            del row[promised]  # the table fits 80 columns
        at = columns.index("lag") + 1
        columns[at:at] = ["slots/s", "fsync"]
        for row, sighting in zip(table, sightings, strict=True):
            row[at:at] = [rates.of(sighting.replica), _fsync(sighting)]
    lines = _table([columns, *table], width)
    open_ones = [
        f"r{sighting.replica}"
        for sighting in sightings
        if sighting.report is not None and sighting.report.security == "insecure"
    ]
    if open_ones:
        lines.append(f"INSECURE: {' '.join(open_ones)} let in every client that reaches them (--insecure)")
    return [*lines, *_stepped(sightings), *_non_voting(sightings), *_spare(sightings)]


def _table(table: list[list[str]], width: int | None) -> list[str]:
    """Return the lines of a table. What the last column has to say beyond its head may go on in another line,
    and is no reason to leave columns out."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    needed = sum(widths[:-1]) + GAP * (len(widths) - 1) + PID_WIDTH
    left_out = [name for name in LEFT_OUT if name in table[0]]
    if width is not None and needed > width and left_out:
        at = table[0].index(left_out[0])
        return _table([[*row[:at], *row[at + 1 :]] for row in table], width)
    return [
        (" " * GAP).join(cell.ljust(size) for cell, size in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]


def _fsync(sighting: Sighting) -> str:
    """Return how long a commit takes; ``?`` if that is not known."""
    return "?" if sighting.report is None else f"{sighting.report.fsync_ms:.1f} ms"


def _log_start(sighting: Sighting) -> str:
    """Return from which slot on it keeps the log."""
    if sighting.report is None:
        return "?"
    return "-" if sighting.report.status is None else str(sighting.report.status.log_start)


def _coloured(line: str) -> str:
    """Colour a line where that can be shown: red for what somebody must see and for a replica that does not
    answer, green for the one that leads, yellow for what differs."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return line
    words = line.split()
    if line.startswith(("NON-VOTING:", "INSECURE:", "SPARE:", "STEPPED:")) or words[1:2] == ["?"]:
        return f"\x1b[31m{line}\x1b[0m"
    if line.startswith("replica "):
        return f"\x1b[2m{line}\x1b[0m"
    marked = re.sub(r"(\S+\*)", "\x1b[33m\\1\x1b[39m", line)
    return f"\x1b[32m{line}\x1b[0m" if words[1:2] == ["leader"] and marked == line else marked


def _stepped(sightings: list[Sighting]) -> list[str]:
    """Return a line for each replica through which a person steps."""
    from paxtui.cli.stepped import clock_words, held_words

    lines: list[str] = []
    for sighting in sightings:
        if (report := sighting.report) is not None:
            told = [words for words in (clock_words(report), held_words(report)) if words is not None]
            lines += [f"STEPPED: r{sighting.replica}: {', '.join(told)}"] if told else []
    return lines


def _spare(sightings: list[Sighting]) -> list[str]:
    """Return a line if fewer may fail than of replicas that all work: those that say that they hear each
    other, and have a vote, less a majority."""
    n, found = len(sightings), voters_in_touch(sightings)
    majority = n // 2 + 1
    spare = len(found) - majority
    if spare >= n - majority:
        return []
    who = " ".join(f"r{replica}" for replica in found) + " vote and hear each other"
    if len(found) < 2:
        who = f"only r{found[0]} votes" if found else "no replica that votes is heard"
    text = f"{spare} more may fail" if spare >= 0 else "no majority is connected"
    return [f"SPARE: {text}: {majority} of {n} are needed, and {who}"]


def voters_in_touch(sightings: list[Sighting]) -> tuple[int, ...]:
    """Return the largest set of replicas that serve with a vote and say that they hear each other."""
    from paxtui.wire.links import mutual_sets

    voteless = set(_reasons(sightings))
    connected = {
        each.replica: each.report.connected
        for each in sightings
        if each.report is not None and each.report.status is not None and each.replica not in voteless
    }
    sets = mutual_sets(connected, lambda one, other: one in connected[other])
    return sets[0] if sets else ()


def _non_voting(sightings: list[Sighting]) -> list[str]:
    """Return a line for each replica that is a learner without vote."""
    from paxtui.wire.text import visible

    return [
        f"NON-VOTING: r{replica} is a learner without vote: {visible(why)}"
        for replica, why in sorted(_reasons(sightings).items())
    ]


def _reasons(sightings: list[Sighting]) -> dict[int, str]:
    """Return by replica why it is a learner without vote, as it says itself, or as the others do."""
    reasons: dict[int, str] = {}
    for sighting in sightings:
        if sighting.report is not None:
            for replica, reason in sighting.report.non_voting_peers:
                reasons.setdefault(replica, f"r{sighting.replica} says: {reason}")
    for sighting in sightings:
        status = sighting.report.status if sighting.report is not None else None
        if status is not None and status.non_voting is not None:
            reasons[sighting.replica] = status.non_voting
    return reasons


def _mark_differences(table: list[list[str]], column: int) -> None:
    values = [row[column] for row in table if row[column] not in "?-"]
    if values:
        common = max(set(values), key=values.count)
        for row in table:
            if row[column] not in ("?", common):
                row[column] += "*"


def _json(sighting: Sighting) -> str:
    from msgspec import json, to_builtins

    row: dict[str, object] = {"replica": sighting.replica, "reachable": sighting.report is not None}
    if sighting.report is None:
        row["problem"] = sighting.problem
    else:
        fields = to_builtins(sighting.report)
        belief = fields.pop("status") or {}
        for key in ("promised", "ballot"):
            if key in belief:
                belief[key] = ".".join(map(str, belief[key]))
        row |= belief | {key: value for key, value in fields.items() if key not in ("type", "id")}
    return json.encode(row).decode()
