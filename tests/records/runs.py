"""Records to look at: traces of the simulator, whole or as if each replica had written its own."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import json

from paxtui.records.judge import Judgement, judge
from paxtui.records.merge import Records
from paxtui.records.reader import RecordReader
from paxtui.sim.cluster.record import JsonLines
from paxtui.sim.cluster.simulation import RunResult, Simulation
from paxtui.sim.plan.plan_generator import generate_plan

Lines = list[bytes]


def traced(seed: int, profile: str, *, messages: bool = False) -> tuple[Lines, RunResult]:
    """The trace of a run, and how it ended."""
    plan = generate_plan(seed, profile)
    out = io.BytesIO()
    result = Simulation(plan, JsonLines(out, plan, messages=messages)).run()
    return out.getvalue().splitlines(keepends=True), result


def split(trace: Lines, killed: bool = True) -> list[Lines]:
    """The trace as records of real replicas. Those that crashed are ``killed``: they do not say that their
    lives are over."""
    records: dict[int, Lines] = {}
    for line in trace:
        fields = json.decode(line)
        if fields.get("ended") == "crash" and killed:
            continue
        if "replica" in fields and "fault" not in fields:
            records.setdefault(fields["replica"], []).append(json.encode(fields) + b"\n")
    return [records[replica] for replica in sorted(records)]


def judged(*files: Lines) -> Judgement:
    return judge(Records([RecordReader(lines, f"r{number}") for number, lines in enumerate(files)]))


def changed(line: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The line, forged."""
    fields = json.decode(line)
    change(fields)
    return json.encode(fields) + b"\n"


def places(files: Sequence[Lines], event: str) -> list[tuple[int, int]]:
    """Where events of a kind stand: file and index of the line."""
    tag = b'"event":"%b"' % event.encode()
    return [(file, at) for file, lines in enumerate(files) for at, line in enumerate(lines) if tag in line]
