"""``paxtui status``: each replica's own belief."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.options import AttachOption, ConfigOption, JsonOption
from paxtui.cli.signals import run_async

if TYPE_CHECKING:
    from paxtui.client import Sighting
    from paxtui.client.discover import Named


def status(
    config: ConfigOption = None,
    at: AttachOption = None,
    watch: Annotated[bool, typer.Option("--watch", help="Repeat it every second, until ctrl-c.")] = False,
    as_json: JsonOption = False,
) -> int:
    """Show what each replica believes: role, leader, ballot.

    It shows watermark and lag, too, and checkpoints with * what differs from most of the others. Exit code
    1 if a replica cannot be reached.

    Examples:

      paxtui status --watch

      paxtui status --json | jq .watermark
    """
    return run_async(_status, config or at, watch, as_json)


async def _status(cluster: Named, watch: bool, as_json: bool) -> int:
    import trio

    from paxtui.client import operator

    asker = await operator(cluster)
    while True:
        sightings = await asker.status()
        if as_json:
            for sighting in sightings:
                print(_json(sighting), flush=True)
        else:
            if watch and sys.stdout.isatty():
                print("\x1b[H\x1b[2J", end="")
            print("\n".join(map(_coloured, rows(sightings))), flush=True)
        if not watch:
            return 0 if all(sighting.report is not None for sighting in sightings) else 1
        await trio.sleep(1)


def rows(sightings: list[Sighting]) -> list[str]:
    """Return a table, one line a replica; what differs from the majority's belief carries a ``*``. A line
    below it for those that let everybody in. From which slot on logs are kept is told once anything is
    removed."""
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
    floors = [_log_start(sighting) for sighting in sightings]
    if any(log_start not in ("?", "-", "0") for log_start in floors):
        columns.insert(6, "from slot")
        for row, log_start in zip(table, floors, strict=True):
            row.insert(6, log_start)
    table.insert(0, columns)
    widths = [max(len(row[column]) for row in table) for column in range(len(columns))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
    open_ones = [
        f"r{sighting.replica}"
        for sighting in sightings
        if sighting.report is not None and sighting.report.security == "insecure"
    ]
    if open_ones:
        lines.append(f"INSECURE: {' '.join(open_ones)} let in whoever reaches them (--insecure)")
    return [*lines, *_non_voting(sightings), *_spare(sightings)]


def _log_start(sighting: Sighting) -> str:
    """Return from which slot on it keeps the log."""
    if sighting.report is None:
        return "?"
    return "-" if sighting.report.status is None else str(sighting.report.status.log_start)


def _coloured(line: str) -> str:
    """Colour a line that somebody must see red, where that can be shown."""
    loud = (
        line.startswith(("NON-VOTING:", "INSECURE:", "SPARE:"))
        and sys.stdout.isatty()
        and not os.environ.get("NO_COLOR")
    )
    return f"\x1b[31m{line}\x1b[0m" if loud else line


def _spare(sightings: list[Sighting]) -> list[str]:
    """Return a line if fewer may fail than of replicas that all work: those that say that they hear each
    other, and have a vote, less a majority."""
    n, found = len(sightings), voters_in_touch(sightings)
    majority = n // 2 + 1
    spare = len(found) - majority
    if spare >= n - majority:
        return []
    who = " ".join(f"r{replica}" for replica in found) or "nobody"
    text = f"{spare} more may fail" if spare >= 0 else "no majority is connected"
    return [f"SPARE: {text}: {majority} of {n} are needed, and {who} vote and hear each other"]


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
