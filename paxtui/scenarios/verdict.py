"""Rules that must hold when a run is over, as pure functions over what was collected.

Every function returns the violations that it found, in words, none if all is well. Ballots are not
compared: a replica may remember a vote at another ballot for the value that was chosen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush

from msgspec import Struct

from paxtui.scenarios.history import Operation, messages
from paxtui.wire.requests import LogEntry
from paxtui.wire.text import client_name, visible

SHOWN_MAX = 3
"""Violations of one kind that are told; the rest is counted."""


class Evidence(Struct, kw_only=True):
    """The logs of all live replicas at the end, and the replies to the clients."""

    operations: Sequence[Operation]
    logs: Mapping[int, Sequence[LogEntry]]
    """The whole applied log of each live replica."""
    chains: Mapping[int, tuple[int, str]]
    """Its watermark and the head of its hash chain."""
    lines: Mapping[int, Sequence[str]]
    """The lines of its message log."""
    dead_lines: Mapping[int, Sequence[str]] = {}
    """The message logs of those that were left dead; they end early, maybe in the middle of a line."""


def verify(evidence: Evidence) -> list[str]:
    """List all violations, those that explain the others first."""
    if not evidence.logs:
        return ["no replica is left that could be asked"]
    log = max(evidence.logs.values(), key=len)
    checks = (
        same_logs(evidence.logs),
        same_chains(evidence.chains, {replica: len(each) for replica, each in evidence.logs.items()}),
        once(log),
        appends(evidence.operations, log),
        real_time(evidence.operations),
        reads(evidence.operations, log),
        message_logs(evidence.lines, evidence.dead_lines, log),
    )
    return [problem for check in checks for problem in _few(check)]


def _few(problems: Iterator[str]) -> list[str]:
    found = list(problems)
    more = len(found) - SHOWN_MAX
    return found[:SHOWN_MAX] + ([f"... and {more} more of this kind"] if more > 0 else [])


def same_logs(logs: Mapping[int, Sequence[LogEntry]]) -> Iterator[str]:
    """Check that every replica has the same message in every slot, and that no slot is missing."""
    one = min(logs)
    for replica, log in sorted(logs.items()):
        for slot, entry in enumerate(log):
            if entry.slot != slot:
                yield f"r{replica} has slot {entry.slot} where slot {slot} should be"
                break
        if len(log) != len(logs[one]):
            yield f"r{replica} has {len(log)} slots, r{one} has {len(logs[one])}"
        for mine, other in zip(log, logs[one], strict=False):
            if _content(mine) != _content(other):
                yield f"slot {mine.slot} is {_shown(mine)} at r{replica} and {_shown(other)} at r{one}"


def _content(entry: LogEntry) -> tuple[str, int, str, int | None]:
    return entry.client, entry.request, entry.text, entry.repeats


def _shown(entry: LogEntry) -> str:
    if not entry.client:
        return "a no-op"
    repeats = "" if entry.repeats is None else f" (repeats slot {entry.repeats})"
    return f'"{visible(entry.text, 40)}" of {client_name(entry.client)} #{entry.request}{repeats}'


def same_chains(chains: Mapping[int, tuple[int, str]], lengths: Mapping[int, int]) -> Iterator[str]:
    """Check that there is one chain head at one watermark, and that the watermark is the log's length."""
    heads: dict[int, tuple[int, str]] = {}
    for replica, (watermark, chain) in sorted(chains.items()):
        if watermark != lengths.get(replica, watermark):
            yield f"r{replica} states watermark {watermark} and has {lengths[replica]} slots"
        other, head = heads.setdefault(watermark, (replica, chain))
        if head != chain:
            yield f"at watermark {watermark} the chain of r{replica} differs from that of r{other}"


def once(log: Sequence[LogEntry]) -> Iterator[str]:
    """Check that no request takes effect twice, and that what is marked as a repetition repeats something."""
    first: dict[tuple[str, int], int] = {}
    for entry in log:
        if not entry.client:
            continue
        key = entry.client, entry.request
        if entry.repeats is None:
            if key in first:
                yield f"slot {entry.slot} applies {_shown(entry)} again: it took effect in slot {first[key]}"
            first.setdefault(key, entry.slot)
        elif entry.repeats >= 0 and first.get(key) != entry.repeats:
            yield f"slot {entry.slot} claims to repeat slot {entry.repeats}, where {key[0]} #{key[1]} is not"


def appends(operations: Sequence[Operation], log: Sequence[LogEntry]) -> Iterator[str]:
    """Find what is wrong with appends: acknowledged ones must be where their clients were told, failed ones
    nowhere, unknown ones once at most; and nothing may be there that nobody sent."""
    count = Counter(messages(log))
    sent = {each.text for each in operations if each.op == "append"}
    for each in operations:
        if each.op != "append":
            continue
        who = f"{each.client} #{each.request} ({visible(each.text, 40)!r})"
        if each.outcome == "ok":
            slot = each.slot if each.slot is not None else -1
            entry = log[slot] if 0 <= slot < len(log) else None
            if entry is None or not entry.is_message or entry.text != each.text:
                there = _shown(entry) if entry is not None else "nothing"
                yield f"{who} was acknowledged in slot {slot}, where {there} is"
            elif client_name(entry.client) != each.client:
                yield f"{who} is in slot {slot} as a message of {client_name(entry.client)}"
        if each.outcome == "failed" and count[each.text]:
            yield f"{who} was told that it failed, and is in the log"
        if count[each.text] > 1:
            yield f"{who} is in the log {count[each.text]} times"
    for text in count.keys() - sent:
        yield f'no client sent "{visible(text, 40)}", and it is in the log'


def real_time(operations: Sequence[Operation]) -> Iterator[str]:
    """Check real time: what was acknowledged before another append was called has the lower slot; a read that
    is called after an acknowledgement sees it; no read sees less than one that ended before it."""
    ended: list[tuple[float, int, str]] = []
    floor, whose = -1, ""
    for each in sorted(operations, key=lambda each: each.call):
        while ended and ended[0][0] < each.call:
            _, slot, name = heappop(ended)
            if slot > floor:
                floor, whose = slot, name
        if each.outcome != "ok" or each.slot is None or each.return_ is None:
            continue
        name = f"{each.op} {each.client} #{each.request}"
        # A read that ends before slot s has seen all below: the same as an append acknowledged in s - 1.
        seen = each.slot if each.op == "append" else each.slot - 1
        if seen < floor or (each.op == "append" and seen == floor):
            yield f"{name} (slot {each.slot}) was called after {whose} had ended, which was behind it"
        heappush(ended, (each.return_, seen, name))


def reads(operations: Sequence[Operation], log: Sequence[LogEntry]) -> Iterator[str]:
    """Check that every linearizable read returned exactly the log below the slot at which it ended."""
    for each in operations:
        if each.op != "read" or each.texts is None or each.slot is None:
            continue
        if each.slot > len(log) or each.texts != messages(log[: each.slot]):
            yield f"read {each.client} #{each.request} returned another log below slot {each.slot}"


def message_logs(
    lines: Mapping[int, Sequence[str]], dead_lines: Mapping[int, Sequence[str]], log: Sequence[LogEntry]
) -> Iterator[str]:
    """Check that the message logs say what the log says, in the same order."""
    expected = [
        f"{entry.slot}\t{client_name(entry.client)}\t{visible(entry.text)}"
        for entry in log
        if entry.is_message
    ]
    for replica, found in sorted(lines.items()):
        if list(found) != expected:
            at = _first_difference(found, expected)
            yield f"replica-{replica}.log differs from the log in line {at + 1}"
    for replica, found in sorted(dead_lines.items()):
        if list(found) != expected[: len(found)]:
            at = _first_difference(found, expected)
            yield f"replica-{replica}.log (r{replica} is dead) differs from the log in line {at + 1}"


def _first_difference(one: Sequence[str], other: Sequence[str]) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))
