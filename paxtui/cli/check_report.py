"""What ``paxtui check`` prints: the verdict, and on what it rests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paxtui.records.diagram import SpaceTime
    from paxtui.records.judge import Judgement
    from paxtui.records.merge import Records
    from paxtui.sim.cluster.linearizable import Op

LINE_CHARS_MAX = 300

LISTED_MAX = 10
"""Of gaps, and of what could not be decided; the rest is counted."""

MEANS = {
    "safe": "no rule was broken in what these records tell",
    "unknown": "no rule was broken in what these records tell, but something that matters is missing",
}


def tell_history(operations: list[Op]) -> str:
    """Judge a client history; the verdict."""
    from paxtui.sim.cluster import linearizable

    verdict = linearizable.check(operations)
    print(
        f"{verdict.verdict.upper()}: rests on {verdict.appends} appends ({verdict.unknown} unknown) "
        f"and {verdict.reads} full reads"
    )
    for problem in verdict.problems:
        print(f"  {problem}")
    return verdict.verdict


def tell_records(records: Records, judgement: Judgement, diagram: SpaceTime) -> str:
    """Print a judgement; the verdict."""
    lines = [] if judgement.broken is None else _broken(judgement, diagram)
    if judgement.broken is None:
        lines = [f"{judgement.verdict.upper()}: {MEANS[judgement.verdict]}"]
    lines += _rests_on(records, judgement)
    lines += _missing(records, judgement)
    if judgement.broken is None:
        lines += _judged(judgement)
    for line in lines:
        print(line)
    return judgement.verdict


def _broken(judgement: Judgement, diagram: SpaceTime) -> list[str]:
    from paxtui.wire.text import visible

    broken = judgement.broken
    assert broken is not None  # the caller looked
    return [
        *diagram.lines,
        "",
        f"VIOLATED: {broken.invariant}",
        f"  {visible(broken.what, LINE_CHARS_MAX)}",
        f"  at {broken.part.place}, replica {broken.part.replica}",
        *(f"  {visible(line, LINE_CHARS_MAX)}" for line in judgement.known),
    ]


def _rests_on(records: Records, judgement: Judgement) -> list[str]:
    from paxtui.wire.text import visible

    told = judgement.replicas - len(judgement.silent)
    slots = (
        f"slots {judgement.base} to {judgement.slots - 1}" if judgement.slots > judgement.base else "no slot"
    )
    files = f'{_many(len(records.readers), "file")} of cluster "{visible(judgement.cluster, 64)}"'
    lives = _many(sum(judgement.lives), "life", "lives")
    events, elections = _many(sum(judgement.events), "event"), _many(judgement.ballots, "election")
    replicas = f"{told} of {judgement.replicas} replicas"
    lines = [f"rests on: {files}, {replicas}, {lives}, {events}, {elections}, {slots} applied"]
    if judgement.base:
        lines.append(f"  slots below {judgement.base} were applied before these records begin: not judged")
    return lines


def _many(count: int, one: str, several: str = "") -> str:
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def _missing(records: Records, judgement: Judgement) -> list[str]:
    from paxtui.wire.text import visible

    lines = [f"no record of replica {replica}" for replica in judgement.silent]
    gaps = [
        f"  replica {gap.replica}: {_count(gap.count)}{gap.why} ({visible(gap.place)})"
        for gap in judgement.gaps
    ]
    torn = [
        f"  a torn line ({visible(reader.source)}:{line})"
        for reader in records.readers
        for line in reader.torn
    ]
    if gaps or torn:
        lines += [f"gaps: {len(gaps)}", *_first(gaps), *_first(torn)]
    if judgement.undecided:
        lines += ["could not be decided:", *_first([f"  {what}" for what in judgement.undecided])]
    return lines


def _count(count: int | None) -> str:
    return "" if count is None else f"{_many(count, 'event')}, "


def _first(lines: list[str]) -> list[str]:
    more = len(lines) - LISTED_MAX
    return lines if more <= 0 else [*lines[:LISTED_MAX], f"  and {more} more"]


def _judged(judgement: Judgement) -> list[str]:
    from paxtui.checkers.broken import Invariant
    from paxtui.records.judge import NOT_TOLD, PARTLY

    judged, others = ["checked:"], ["not checked:"]
    for invariant in Invariant:
        times = judgement.judged.get(invariant, 0)
        if invariant in NOT_TOLD:
            others.append(f"  {_name(invariant)}: {NOT_TOLD[invariant]}")
        elif times:
            partly = f"; {PARTLY[invariant]}" if invariant in PARTLY else ""
            judged.append(f"  {_name(invariant)}: {_many(times, 'time')}{partly}")
        elif invariant is not Invariant.CANARY:
            others.append(f"  {_name(invariant)}: it had no occasion")
    return [*judged, *others]


def _name(invariant: object) -> str:
    number, _, name = str(invariant).partition(" ")
    return f"{number:>2} {name[1:-1]}"
