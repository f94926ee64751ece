"""Trace validation: recorded events become data of TraceMultiPaxos, and TLC says how far they are lawful.

Run it as ``python -m tests.spec.traces FILE``, with one trace of the simulator, or with the record files
of all replicas of one cluster.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, json

from tests.spec import tlc

STEPS_MAX = 500
"""A trace is cut here: every beginning of a behaviour is one, and time and memory grow with the length."""

STEPS_MAX_ALONE = 5000
"""... and here, if it is the only one."""

BINDING = ("round-taken", "promised", "voted")
"""Events that are of no effect before they are on disk."""

TOLD = (
    *BINDING,
    "restored",
    "promise-received",
    "elected",
    "proposed",
    "accepted-received",
    "chosen-seen",
    "learned",
    "applied-to",
)
"""The events of which the specification speaks."""

BallotKey = tuple[int, int]


class Seen(Struct, frozen=True):
    """One event of one replica, and the line where it stands."""

    at: float
    replica: int
    event: dict[str, Any]
    source: str
    line: int

    @property
    def kind(self) -> str:
        """As in :mod:`paxtui.core.events`."""
        return str(self.event["event"])

    @property
    def ballot(self) -> BallotKey:
        """The ballot that it is about."""
        key = self.event["promised"] if self.kind == "restored" else self.event["ballot"]
        return key[0], key[1]

    @property
    def slots(self) -> range:
        """The run of slots that it is about."""
        event = self.event
        first: int = event["first"]
        if self.kind == "applied-to":
            return range(first, event["watermark"])
        count = event.get("count")
        if count is None:
            count = len(event.get("values") or event.get("entries") or ())
        return range(first, first + count)

    def __str__(self) -> str:
        fields = " ".join(
            f"{k}={v}" for k, v in self.event.items() if k not in ("event", "values", "entries")
        )
        return f"{self.source}:{self.line}: replica {self.replica} {self.kind} {fields}"


class Trace(Struct, frozen=True):
    """A trace as TLC takes it: ``steps[i]`` is a TLA+ record and comes from ``origins[i]``."""

    name: str
    replicas: int
    steps: tuple[str, ...]
    origins: tuple[Seen, ...]
    owners: tuple[int, ...]
    slots: int
    cut: str
    """Why the trace ends before the record does; empty if it does not."""


class Verdict(Struct, frozen=True):
    """``step`` is the index of the first step that is none; ``event`` the event that it comes from."""

    trace: Trace
    step: int
    event: Seen | None

    @property
    def accepted(self) -> bool:
        """Whether the whole trace is a behaviour."""
        return self.event is None

    def __str__(self) -> str:
        trace = self.trace
        if self.event is None:
            return f"{trace.name}: {len(trace.steps)} steps accepted{trace.cut and '; cut: ' + trace.cut}"
        return f"{trace.name}: step {self.step} is not lawful: {self.event}"


# Reading


def read(lines: Iterable[str | bytes], source: str = "trace") -> list[Seen]:
    """The events of a trace of the simulator, in its order. Messages and faults are passed over."""
    found = []
    for number, line in enumerate(lines, 1):
        fields = json.decode(line)
        if fields.get("event") in TOLD:
            at, replica = fields.pop("at"), fields.pop("replica")
            found.append(Seen(at, replica, fields, source, number))
    return found


def read_record(lines: Iterable[str | bytes], replica: int, source: str) -> list[Seen]:
    """The events of one real replica's record, at wall clock times, up to where some were dropped."""
    found: list[Seen] = []
    offset = 0.0
    for number, line in enumerate(lines, 1):
        frame = json.decode(line)
        if frame["type"] == "snapshot":
            offset = frame["wall"] - frame["at_s"]
            continue
        if frame["type"] != "delta" or frame["dropped"]:
            break
        for at, event in frame["events"]:
            if event["event"] in TOLD:
                found.append(Seen(at + offset, replica, event, source, number))
    return found


def merge(records: Sequence[list[Seen]]) -> tuple[list[Seen], str]:
    """One order for the records of several replicas: by time, but never an effect before its cause.

    Clocks are not that exact, so an event waits for its cause. A killed process takes the last events of
    its record with it: where nothing can go on without them, the trace is cut. Returns also why.
    """
    merged: list[Seen] = []
    told = _Told(len(records))
    ahead = [0] * len(records)
    while True:
        heads = [(r[at], i) for i, (r, at) in enumerate(zip(records, ahead, strict=True)) if at < len(r)]
        if not heads:
            return merged, ""
        heads.sort(key=lambda head: head[0].at)
        ready = [head for head in heads if told.explains(head[0])]
        if not ready and (len(heads) < len(records) or any(h.kind == "restored" for h, _ in heads)):
            return merged, f"the record of its cause ends before it: {heads[0][0]}"
        event, i = (ready or heads)[0]
        ahead[i] += 1
        told.add(event)
        merged.append(event)


class _Told:
    """What a merged beginning contains."""

    def __init__(self, replicas: int) -> None:
        self._majority = replicas // 2 + 1
        self._taken: set[BallotKey] = set()
        self._bound: dict[int, BallotKey] = {}
        self._promised: set[tuple[int, BallotKey]] = set()
        self._proposed: set[tuple[int, BallotKey]] = set()
        self._voters: dict[int, dict[BallotKey, set[int]]] = defaultdict(lambda: defaultdict(set))

    def explains(self, seen: Seen) -> bool:
        match seen.kind:
            case "restored":
                bound = self._bound.get(seen.replica, (0, 0))
                return seen.ballot <= bound or any(b == seen.ballot for _, b in self._proposed)
            case "promised":
                return seen.ballot in self._taken
            case "promise-received":
                return (seen.event["sender"], seen.ballot) in self._promised
            case "voted":
                return all((slot, seen.ballot) in self._proposed for slot in seen.slots)
            case "accepted-received":
                return all(seen.event["sender"] in self._voters[slot][seen.ballot] for slot in seen.slots)
            case "chosen-seen" | "learned" | "applied-to":
                return all(
                    any(len(voters) >= self._majority for voters in self._voters[slot].values())
                    for slot in seen.slots
                )
        return True

    def add(self, seen: Seen) -> None:
        replica = seen.replica
        if seen.kind in ("promised", "voted"):
            self._bound[replica] = max(seen.ballot, self._bound.get(replica, (0, 0)))
        match seen.kind:
            case "round-taken":
                self._taken.add(seen.ballot)
            case "promised":
                self._promised.add((replica, seen.ballot))
            case "proposed":
                self._proposed.update((slot, seen.ballot) for slot in seen.slots)
            case "voted":
                for slot in seen.slots:
                    self._voters[slot][seen.ballot].add(replica)


# Converting


def perhaps_lost(events: Sequence[Seen]) -> set[int]:
    """The indices of binding events that the disk may not have had when the process died.

    The disk keeps a beginning of what a life decided. An event that somebody counted was in it, with all
    before it; of what comes after the last such event, and before a restart, TLC may leave out an end.
    """
    latest: dict[tuple[str, int, BallotKey, int], int] = {}
    tails: dict[int, list[int]] = defaultdict(list)
    lost: set[int] = set()
    counted: set[int] = set()
    lives: list[list[int]] = []
    for index, seen in enumerate(events):
        match seen.kind:
            case "restored":
                lives.append(tails.pop(seen.replica, []))
            case "round-taken":
                tails[seen.replica].append(index)
            case "promised":
                tails[seen.replica].append(index)
                latest["promised", seen.replica, seen.ballot, 0] = index
            case "voted":
                tails[seen.replica].append(index)
                for slot in seen.slots:
                    latest["voted", seen.replica, seen.ballot, slot] = index
            case "promise-received":
                counted.add(latest.get(("promised", seen.event["sender"], seen.ballot, 0), -1))
            case "accepted-received":
                for slot in seen.slots:
                    counted.add(latest.get(("voted", seen.event["sender"], seen.ballot, slot), -1))
    for life in lives:
        last = max((index for index in life if index in counted), default=-1)
        lost.update(index for index in life if index > last)
    return lost


def convert(
    events: Sequence[Seen],
    name: str,
    replicas: int | None = None,
    *,
    cut: str = "",
    steps_max: int = STEPS_MAX,
) -> Trace:
    """The beginning of a trace as TLA+ records: ballots become their ranks, values small numbers."""
    if replicas is None:
        replicas = 1 + max(seen.replica for seen in events)
    lost = perhaps_lost(events)
    used = {b for seen in events if seen.kind != "applied-to" for b in _ballots(seen)} - {(0, 0)}
    ranks = {(0, 0): 0} | {ballot: rank for rank, ballot in enumerate(sorted(used), 1)}
    steps: list[str] = []
    origins: list[Seen] = []
    slots = 1
    writer = _Writer(ranks)
    for index, seen in enumerate(events):
        if len(steps) >= steps_max:
            cut = f"{steps_max} steps"
            break
        for text in writer.steps(seen, index in lost):
            if text is None or len(steps) >= steps_max:
                cut = f"{steps_max} steps" if text else f"values were left out: {seen}"
                break
            steps.append(text)
            origins.append(seen)
        if cut.startswith("values"):
            break
        slots = max(slots, writer.slots)
    owners = tuple(replica for _, replica in sorted(used))
    return Trace(name, replicas, tuple(steps), tuple(origins), owners, slots, cut)


def _ballots(seen: Seen) -> Iterator[BallotKey]:
    if seen.kind == "restored":
        yield seen.ballot
        if seen.event["round"]:
            yield seen.event["round"], seen.replica
    elif seen.kind != "learned":
        yield seen.ballot


class _Writer:
    """Writes events as TLA+ records. Runs of proposals and votes are one step a slot."""

    def __init__(self, ranks: dict[BallotKey, int]) -> None:
        self._ranks = ranks
        self._values: dict[tuple[Any, ...], int] = {}
        self.slots = 1

    def _id(self, value: Sequence[Any]) -> int:
        return self._values.setdefault(tuple(value), len(self._values) + 1)

    def steps(self, seen: Seen, maybe: bool) -> Iterator[str | None]:
        """The steps of an event; ``None`` where it does not tell enough."""
        event = seen.event
        fields: dict[str, Any] = {"event": seen.kind, "by": seen.replica}
        if seen.kind not in ("learned", "applied-to"):
            fields["ballot"] = self._ranks[seen.ballot]
        if seen.kind in BINDING:
            fields["maybe"] = maybe
        if "sender" in event:
            fields["sender"] = event["sender"]
        match seen.kind:
            case "restored":
                own = (event["round"], seen.replica) if event["round"] else (0, 0)
                yield _record(fields, round=self._ranks[own], first=event["watermark"], votes=event["votes"])
                self.slots = max(self.slots, event["watermark"])
            case "promised" | "promise-received":
                told = {"first": event["first"], "votes": event["votes"], "last": event["last_page"]}
                yield _record(fields, **told)
            case "elected":
                yield _record(fields, first=event["first"], quorum=set(event["quorum"]))
                self.slots = max(self.slots, event["first"])
            case "proposed" | "voted":
                yield from self._each(seen, fields)
            case "learned":
                told_values = event.get("values") or [entry[1] for entry in event.get("entries", ())]
                values = [self._id(value) for value in told_values] or [0] * len(seen.slots)
                yield _record(fields, first=event["first"], count=len(values), values=values)
                self.slots = max(self.slots, seen.slots.stop)
            case "accepted-received" | "chosen-seen" | "applied-to":
                yield _record(fields, first=event["first"], count=len(seen.slots))
                self.slots = max(self.slots, seen.slots.stop)
            case _:
                yield _record(fields)

    def _each(self, seen: Seen, fields: dict[str, Any]) -> Iterator[str | None]:
        values = seen.event.get("values")
        if values is None and seen.kind == "proposed":
            yield None
            return
        for slot in seen.slots:
            value = 0 if values is None else self._id(values[slot - seen.slots.start])
            self.slots = max(self.slots, slot + 1)
            yield _record(fields, first=slot, value=value)


def _record(fields: dict[str, Any], **more: Any) -> str:
    return "[" + ", ".join(f"{name} |-> {_tla(value)}" for name, value in {**fields, **more}.items()) + "]"


def _tla(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, set):
        return "{" + ", ".join(map(str, sorted(value))) + "}"
    return "<<" + ", ".join(map(str, value)) + ">>" if isinstance(value, list) else str(value)


# Checking


def check(traces: Sequence[Trace]) -> list[Verdict]:
    """What TLC says of each trace: one run for all traces of clusters of the same size."""
    verdicts: dict[str, Verdict] = {}
    for size in sorted({trace.replicas for trace in traces}):
        for verdict in _check([trace for trace in traces if trace.replicas == size]):
            verdicts[verdict.trace.name] = verdict
    return [verdicts[trace.name] for trace in traces]


def _check(traces: Sequence[Trace]) -> Iterator[Verdict]:
    with tempfile.TemporaryDirectory() as work:
        done = tlc.run("TraceMultiPaxos", _config(traces), Path(work), {"Traces.tla": _module(traces)})
    if not done.ok:
        raise RuntimeError(f"TLC did not check these traces:\n{done.output[-8000:]}")
    reached = {
        int(number): int(step) for number, step in re.findall(r"^<<(\d+), (\d+)>>$", done.output, re.M)
    }
    for number, trace in enumerate(traces, 1):
        step = reached[number] - 1
        yield Verdict(trace, step, trace.origins[step] if step < len(trace.steps) else None)


def _config(traces: Sequence[Trace]) -> str:
    acceptors = ", ".join(map(str, range(traces[0].replicas)))
    return (
        "SPECIFICATION TraceSpec\nCONSTANTS\n"
        f"    Acceptors = {{{acceptors}}}\n    Values = {{}}\n"
        "    Ballots <- TraceBallots\n    Slots <- TraceSlots\n"
        "INVARIANT AgreementAtTheEnd\nCONSTRAINT Progress\n"
    )


def _module(traces: Sequence[Trace]) -> str:
    lines = ["------ MODULE Traces ------", "EXTENDS Naturals"]
    lines.append(f"TraceBallots == 1 .. {max(1, *(len(trace.owners) for trace in traces), 1)}")
    lines.append(f"TraceSlots == 0 .. {max(trace.slots for trace in traces) - 1}")
    for number, trace in enumerate(traces, 1):
        lines.append(f"T{number} == <<\n" + ",\n".join(trace.steps) + ">>")
    numbers = range(1, len(traces) + 1)
    lines.append(f"Traces == <<{', '.join(f'T{number}' for number in numbers)}>>")
    lines.append(f"Owners == <<{', '.join(_tla(list(trace.owners)) for trace in traces)}>>")
    return "\n".join([*lines, "======", ""])


def main(paths: Sequence[str]) -> int:
    """Check one trace, or the records of one cluster; 0 if it is accepted, 1 if not."""
    texts = [Path(path).read_bytes().splitlines() for path in paths]
    if len(paths) == 1 and "at" in json.decode(texts[0][0]):
        trace = convert(read(texts[0], paths[0]), paths[0], steps_max=STEPS_MAX_ALONE)
    else:
        merged, cut = merge([read_record(text, i, paths[i]) for i, text in enumerate(texts)])
        trace = convert(merged, "record", len(paths), cut=cut, steps_max=STEPS_MAX_ALONE)
    verdict = check([trace])[0]
    print(verdict)
    return 0 if verdict.accepted else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
