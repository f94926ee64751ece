"""Whether a client history is linearizable, as the history of one append-only log.

Near-linear, because the log itself says the only order that can be: an append's slot, and its place in what
reads returned, fix where it stands; a read that saw n messages stands between message n and the next. What is
left is to ask whether points in time that increase in that order exist inside the calls' intervals, which one
pass decides (Herlihy and Wing, "Linearizability", 1990, for the definition; the general search of Wing and
Gong is :func:`search`, for small histories, and tests compare the two).

Texts must differ: a read returns texts, and equal ones could not be told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

from msgspec import DecodeError, Struct, json

from paxtui.wire.schema_errors import explain_json

INFINITY = float("inf")


class Op(Struct, kw_only=True, frozen=True, rename={"return_": "return"}):
    """One operation of a client, as a line of ``history.jsonl`` has it.

    ``call`` and ``return`` are seconds of one clock; without an answer ``return`` is ``null``. ``slot`` is an
    append's place in the log, ``texts`` what a read of the whole log returned.
    """

    op: Literal["append", "read"]
    client: str
    call: float
    outcome: Literal["ok", "failed", "unknown"]
    request: int = 0
    text: str = ""
    return_: float | None = None
    slot: int | None = None
    texts: list[str] | None = None

    @property
    def ends(self) -> float:
        """Tell the latest time at which the operation can have ended."""
        return INFINITY if self.return_ is None else self.return_

    def __str__(self) -> str:
        what = f"append {self.text!r}" if self.op == "append" else f"read of {len(self.texts or ())}"
        return f"{self.client}'s {what} at {self.call:.3f}"


class LinearizabilityVerdict(Struct, frozen=True):
    """``safe``, ``violated`` or ``unknown``, what is wrong, and on how much the verdict rests."""

    verdict: Literal["safe", "violated", "unknown"]
    problems: tuple[str, ...]
    appends: int
    reads: int
    unknown: int


def load(path: Path) -> list[Op]:
    """Read ``history.jsonl``. Raises ValueError that names the line."""
    decoder = json.Decoder(Op)
    operations: list[Op] = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            operations.append(decoder.decode(line))
        except (DecodeError, UnicodeDecodeError, RecursionError):
            raise ValueError(f"{path}:{number}: {explain_json(line, Op)[1]}") from None
    return operations


def check(history: Sequence[Op]) -> LinearizabilityVerdict:
    """Judge a history."""
    appends = [op for op in history if op.op == "append"]
    reads = [op for op in history if op.op == "read" and op.outcome == "ok" and op.texts is not None]
    unknown = sum(op.outcome == "unknown" for op in appends)
    by_text = {op.text: op for op in appends}
    if len(by_text) < len(appends):
        return LinearizabilityVerdict(
            "unknown", ("two appends have the same text",), len(appends), len(reads), unknown
        )
    longest = max((op.texts or [] for op in reads), key=len, default=[])
    problems = [
        *_prefixes(reads, longest),
        *_contents(longest, by_text),
        *_slots(appends, longest),
    ]
    if not problems:
        problems = _points(_forced_order(appends, reads, longest, by_text))
    verdict: Literal["safe", "violated"] = "violated" if problems else "safe"
    return LinearizabilityVerdict(verdict, tuple(problems), len(appends), len(reads), unknown)


def _prefixes(reads: Sequence[Op], longest: list[str]) -> Iterable[str]:
    """Check that every read has seen a beginning of what the longest read saw."""
    for read in reads:
        texts = read.texts or []
        if texts != longest[: len(texts)]:
            at = next(at for at, pair in enumerate(zip(texts, longest, strict=False)) if pair[0] != pair[1])
            yield f"{read} saw {texts[at]!r} where another read saw {longest[at]!r}, at place {at}"


def _contents(longest: list[str], by_text: dict[str, Op]) -> Iterable[str]:
    """Check that what was read was appended, once, and did not fail."""
    seen: set[str] = set()
    for text in longest:
        if text in seen:
            yield f"{text!r} is there twice"
        seen.add(text)
        if text not in by_text:
            yield f"{text!r} was read, and no client appended it"
        elif by_text[text].outcome == "failed":
            yield f"{text!r} was read, and its append had failed"


def _slots(appends: Sequence[Op], longest: list[str]) -> Iterable[str]:
    """Check that slots that were told differ, and lie in the order in which the messages were read."""
    told: dict[int, Op] = {}
    for op in appends:
        if op.outcome == "ok" and op.slot is not None and told.setdefault(op.slot, op) is not op:
            yield f"slot {op.slot} was told to {told[op.slot]} and to {op}"
    place = {text: at for at, text in enumerate(longest)}
    previous: Op | None = None
    highest = max((slot for slot, op in told.items() if op.text in place), default=-1)
    for slot in sorted(told):
        op = told[slot]
        if op.text not in place:
            if slot < highest:
                yield f"{op} was told slot {slot}, and no read saw it though one saw slot {highest}"
            continue
        if previous is not None and place[previous.text] > place[op.text]:
            yield f"{op} has a higher slot than {previous}, and was read before it"
        previous = op


def _forced_order(
    appends: Sequence[Op], reads: Sequence[Op], longest: list[str], by_text: dict[str, Op]
) -> list[list[Op]]:
    """Compute the only possible order, as groups whose members may stand in any order."""
    by_length: dict[int, list[Op]] = {}
    for read in reads:
        by_length.setdefault(len(read.texts or ()), []).append(read)
    groups: list[list[Op]] = [by_length.get(0, [])]
    for place, text in enumerate(longest, 1):
        groups.append([by_text[text]])
        groups.append(by_length.get(place, []))
    seen = set(longest)
    later = [op for op in appends if op.outcome == "ok" and op.text not in seen]
    groups += [[op] for op in sorted(later, key=lambda op: op.slot if op.slot is not None else 0)]
    return groups


def _points(groups: list[list[Op]]) -> list[str]:
    """Find increasing points in time, the earliest that each group can have; tell whether they exist."""
    now, latest = -INFINITY, None
    for group in groups:
        for op in group:
            if max(now, op.call) > op.ends:
                return [f"{op} had ended at {op.ends:.3f}, before {latest}, which comes first in the log"]
        for op in group:
            if op.call > now:
                now, latest = op.call, op
    return []


def search(history: Sequence[Op]) -> bool:
    """Search all orders (Wing and Gong 1993, with Lowe's memo): exponential, for small histories only. An
    unknown append may have happened at any time after its call, or never; a failed one never."""
    ops = [
        op
        for op in history
        if (op.op == "append" and op.outcome != "failed") or (op.op == "read" and op.outcome == "ok")
    ]
    must = frozenset(at for at, op in enumerate(ops) if op.outcome == "ok")
    seen: set[tuple[frozenset[int], tuple[str, ...]]] = set()

    def explore(done: frozenset[int], log: tuple[str, ...]) -> bool:
        if must <= done:
            return _slots_fit(ops, log)
        if (done, log) in seen:
            return False
        seen.add((done, log))
        bound = min(op.ends for at, op in enumerate(ops) if at not in done and at in must)
        for at, op in enumerate(ops):
            if at in done or op.call > bound:
                continue
            if op.op == "append" and explore(done | {at}, (*log, op.text)):
                return True
            if op.op == "read" and tuple(op.texts or ()) == log and explore(done | {at}, log):
                return True
        return False

    return explore(frozenset(), ())


def _slots_fit(ops: Sequence[Op], log: tuple[str, ...]) -> bool:
    """Check that the reported slots increase along the log."""
    told = {op.text: op.slot for op in ops if op.op == "append" and op.slot is not None}
    slots = [told[text] for text in log if text in told]
    return all(one < other for one, other in pairwise(slots))


def porcupine(history: Sequence[Op]) -> Iterable[str]:
    """JSON lines for Porcupine models: ``client, op, value, call, return, slot``, reads with ``list``."""
    for op in history:
        if op.outcome == "failed":
            continue
        row: dict[str, object] = {"client": op.client, "op": op.op, "call": op.call, "return": op.return_}
        if op.op == "append":
            row |= {"value": op.text, "slot": op.slot}
        else:
            row["list"] = op.texts
        yield json.encode(row).decode()


def jepsen(history: Sequence[Op]) -> Iterable[str]:
    """EDN for Jepsen's and Elle's list-append: one key, ``:log``; invocations and completions by time."""
    processes = {client: number for number, client in enumerate(dict.fromkeys(op.client for op in history))}
    # A client of ours may have many operations at once; a Jepsen process has one. So each lane of
    # overlapping operations becomes a process, and one whose outcome is unknown is never used again.
    lanes: dict[str, list[float]] = {}
    events: list[tuple[float, int, str]] = []
    for op in sorted(history, key=lambda op: op.call):
        free = lanes.setdefault(op.client, [])
        lane = next((at for at, ends in enumerate(free) if ends < op.call), len(free))
        if lane == len(free):
            free.append(0.0)
        free[lane] = op.ends if op.outcome != "unknown" else INFINITY
        process = processes[op.client] + len(processes) * lane
        value = f"[[:append :log {_edn(op.text)}]]" if op.op == "append" else "[[:r :log nil]]"
        done = value
        if op.op == "read" and op.outcome == "ok":
            done = f"[[:r :log [{' '.join(map(_edn, op.texts or ()))}]]]"
        kind = {"ok": ":ok", "failed": ":fail", "unknown": ":info"}[op.outcome]
        events.append((op.call, 0, f"{{:process {process}, :type :invoke, :f :txn, :value {value}"))
        ends = op.ends if op.ends < INFINITY else max(each.call for each in history) + 1
        events.append((ends, 1, f"{{:process {process}, :type {kind}, :f :txn, :value {done}"))
    for index, (at, _, line) in enumerate(sorted(events, key=lambda event: event[:2])):
        yield f"{line}, :time {int(at * 1e9)}, :index {index}}}"


def _edn(text: str) -> str:
    """Write an EDN string: JSON's escapes are among Clojure's, but for the slash that JSON never needs."""
    return json.encode(text).decode()
