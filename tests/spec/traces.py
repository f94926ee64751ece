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

from msgspec import Struct, to_builtins

from paxtui.core.ballot import Ballot
from paxtui.core.events import AppliedTo, Promised, RoundTaken, SnapshotTaken, Voted
from paxtui.records.merge import Records
from paxtui.records.parts import EventPart, Gap, Life, Part
from paxtui.records.reader import RecordReader
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
    "snapshot-taken",
)
"""The events of which the specification speaks."""

BARE = ("applied-to", "snapshot-taken")
"""Those that name no ballot."""

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
        if self.kind == "snapshot-taken":
            return range(first, event["upto"])
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


def _seen(part: EventPart) -> Seen:
    return Seen(part.at, part.replica, to_builtins(part.event), part.source, part.line)


def read(lines: Iterable[bytes], source: str = "trace") -> list[Seen]:
    """The events of a trace of the simulator, in its order."""
    return [part for part in map(_told, RecordReader(lines, source)) if part is not None]


def _told(part: Part) -> Seen | None:
    return _seen(part) if isinstance(part, EventPart) and part.kind in TOLD else None


def merge(readers: Sequence[RecordReader]) -> tuple[list[Seen], str]:
    """One order for the records of several replicas, up to where something is missing; and what that is.

    A killed process takes the last events of its record with it. That does no harm if nothing shows that
    there were any: neither what others counted nor what its disk held when it came back.
    """
    found: list[Seen] = []
    disks: dict[int, _Disk] = {}
    for step in Records(readers).merged():
        part = step.part
        disk = disks.setdefault(part.replica, _Disk())
        if step.doubtful and isinstance(part, EventPart) and part.kind in TOLD:
            return found, f"its cause is not recorded: {_seen(part)}"
        if isinstance(part, Gap):
            disk.gap = True
        elif isinstance(part, Life) and not disk.explains(part):
            return found, f"not all that its disk holds is recorded: {part.place}"
        elif isinstance(part, EventPart) and part.kind in TOLD:
            found.append(_seen(part))
            disk.add(part)
    return found, ""


class _Disk:
    """What one replica's events may have put on its disk."""

    def __init__(self) -> None:
        self.gap = True
        self._promised = Ballot.ZERO
        self._round = self._watermark = 0
        self._votes: set[tuple[int, Ballot]] = set()

    def explains(self, life: Life) -> bool:
        """Whether a life begins with nothing that is not recorded; if nothing is missing, it has to."""
        known = (
            life.promised <= self._promised
            and life.round <= self._round
            and life.watermark <= self._watermark
            and {(slot, ballot) for slot, ballot, _ in life.held} <= self._votes
        )
        gap, self.gap = self.gap, False
        return known or not gap

    def add(self, part: EventPart) -> None:
        match part.event:
            case RoundTaken(ballot=ballot):
                self._round = ballot.round
            case Promised(ballot=ballot):
                self._promised = max(self._promised, ballot)
            case Voted(ballot=ballot, first=first, values=values):
                self._promised = max(self._promised, ballot)
                self._votes.update((slot, ballot) for slot in range(first, first + len(values)))
            case AppliedTo(watermark=watermark) | SnapshotTaken(upto=watermark):
                self._watermark = max(self._watermark, watermark)
            case _:
                pass


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
    used = {b for seen in events if seen.kind not in BARE for b in _ballots(seen)} - {(0, 0)}
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
            if len(steps) >= steps_max:
                cut = f"{steps_max} steps"
                break
            steps.append(text)
            origins.append(seen)
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

    def steps(self, seen: Seen, maybe: bool) -> Iterator[str]:
        """The steps of an event."""
        event = seen.event
        fields: dict[str, Any] = {"event": seen.kind, "by": seen.replica}
        if seen.kind not in (*BARE, "learned"):
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
                values = [self._id(value) for _, value in event["entries"]]
                yield _record(fields, first=event["first"], count=len(values), values=values)
                self.slots = max(self.slots, seen.slots.stop)
            case "accepted-received" | "chosen-seen" | "applied-to" | "snapshot-taken":
                yield _record(fields, first=event["first"], count=len(seen.slots))
                self.slots = max(self.slots, seen.slots.stop)
            case _:
                yield _record(fields)

    def _each(self, seen: Seen, fields: dict[str, Any]) -> Iterator[str]:
        for slot, value in enumerate(seen.event["values"], seen.slots.start):
            self.slots = max(self.slots, slot + 1)
            yield _record(fields, first=slot, value=self._id(value))


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
    readers = [RecordReader.open(Path(path)) for path in paths]
    merged, cut = merge(readers)
    trace = convert(merged, "record", readers[0].header.replicas, cut=cut, steps_max=STEPS_MAX_ALONE)
    verdict = check([trace])[0]
    print(verdict)
    return 0 if verdict.accepted else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
