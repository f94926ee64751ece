"""Comparing what clients were told with what stands in the logs.

A round is judged alone, which is sound: it begins and ends while no operation is under way, so every
operation that ended in an earlier round comes before all of this one, and the log of this round begins where
that of the earlier one ended. Only appends whose outcome is unknown cross the border: those that have not
shown up yet are carried on, and whoever shows up is judged with that round, as called when it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from paxtui.client import LogEntry
from paxtui.sim.cluster.linearizable import Op, check
from tests.tools.soak.record import Window

FEW = 5
"""Problems of one kind that are told."""

Plain = tuple[int, str, int, str, int | None]


def plain(entry: LogEntry) -> Plain:
    """What must be equal on all replicas. The ballot need not: a value may be chosen at several."""
    return entry.slot, entry.client, entry.request, entry.text, entry.repeats


def same(logs: dict[int, list[LogEntry]]) -> list[str]:
    """Whether all replicas have the same."""
    (first, log), *others = logs.items()
    expected = [plain(entry) for entry in log]
    problems: list[str] = []
    for replica, other in others:
        found = [plain(entry) for entry in other]
        if found != expected:
            at = next(
                (at for at, pair in enumerate(zip(expected, found, strict=False)) if pair[0] != pair[1]), -1
            )
            where = f"at place {at}" if at >= 0 else f"{len(found)} slots and {len(expected)}"
            problems.append(f"the logs of r{replica} and r{first} differ, {where}")
    return problems


class Judge:
    """Judges the rounds of one cluster, one after the other."""

    def __init__(self) -> None:
        self.carried: dict[str, Op] = {}
        """Appends of earlier rounds whose outcome is unknown and which are not in the log so far."""

    def round(self, window: Window, log: Sequence[LogEntry]) -> list[str]:
        """What is wrong with a round whose log is ``log``, from the window's base on."""
        slots = {entry.text: entry.slot for entry in log if entry.is_message}
        appends = {op.text: op for op in window.ops if op.op == "append"}
        late = [op for text, op in self.carried.items() if text in slots]
        problems = [
            *self._effects(window, log, slots, appends),
            *_repetitions(window.base, log),
            *_in_the_dark(window),
            *_local(window, log),
        ]
        history = sorted([*late, *window.ops], key=lambda op: op.call)
        problems += check(history).problems[:FEW]
        for op in late:
            del self.carried[op.text]
        unknown = (op for op in appends.values() if op.outcome == "unknown" and op.text not in slots)
        self.carried |= {op.text: op for op in unknown}
        return problems

    def _effects(
        self, window: Window, log: Sequence[LogEntry], slots: dict[str, int], appends: dict[str, Op]
    ) -> list[str]:
        """Acknowledged: there, at its slot. Failed: not there. Nothing twice, nothing that nobody wanted."""
        times = Counter(entry.text for entry in log if entry.is_message)
        twice = [f"twice in the log: {text[:60]!r}" for text, count in times.items() if count > 1]
        lost, failed = [], []
        for text, op in appends.items():
            if op.outcome == "ok" and slots.get(text) != op.slot:
                lost.append(f"lost: {text[:60]!r}, told slot {op.slot}, is in {slots.get(text)}")
            elif op.outcome == "failed" and text in slots:
                failed.append(f"failed, and yet in slot {slots[text]}: {text[:60]!r}")
        strange = [
            f"slot {slot} has {text[:60]!r}, which {window.name} did not append, or which is there twice"
            for text, slot in slots.items()
            if text not in appends and text not in self.carried
        ]
        return [*twice[:FEW], *lost[:FEW], *failed[:FEW], *strange[:FEW]]


def _repetitions(base: int, log: Sequence[LogEntry]) -> list[str]:
    """A repetition names the slot that has the same message."""
    return [
        f"slot {entry.slot} says that it repeats slot {entry.repeats}, which has another message"
        for entry in log
        if entry.repeats is not None
        and entry.repeats >= base
        and (log[entry.repeats - base].text, log[entry.repeats - base].repeats) != (entry.text, None)
    ][:FEW]


def _in_the_dark(window: Window) -> list[str]:
    """What began and ended well while there was no majority."""
    return [
        f"without a majority, and yet it ended well: {op}"
        for began, ended in window.dark
        for op in window.ops
        if op.outcome == "ok" and op.call >= began and op.ends <= ended
    ][:FEW]


def _local(window: Window, log: Sequence[LogEntry]) -> list[str]:
    """Local reads may be old, never different."""
    return [
        f"a local read of slot {page[0].slot} on saw something else than the log has"
        for page in window.seen
        if page
        and list(map(plain, page)) != list(map(plain, slice_of(log, window.base, page[0].slot, len(page))))
    ][:FEW]


def slice_of(log: Sequence[LogEntry], base: int, first: int, count: int) -> Sequence[LogEntry]:
    """``count`` entries from slot ``first`` on."""
    return log[first - base : first - base + count]
