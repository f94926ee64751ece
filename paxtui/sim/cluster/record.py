"""The record of a run: JSON lines for tools, short lines for people."""

from __future__ import annotations

from collections import deque
from typing import Any, BinaryIO, Protocol

from paxtui.core.durable_state import DurableState
from paxtui.core.events import Event
from paxtui.core.messages import PeerMessage
from paxtui.records import lines
from paxtui.sim.plan.plan import Plan

TEXT_CHARS_MAX = 240


class RunObserver(Protocol):
    """An observer that sees everything that happens in a run."""

    def life(self, at: float, replica: int, saved: DurableState) -> None:
        """Record that a replica starts with what its disk holds."""

    def ended(self, at: float, replica: int, why: str) -> None:
        """Record that a replica runs no more."""

    def event(self, at: float, replica: int, event: Event) -> None:
        """Record a trace event of a replica."""

    def note(self, at: float, replica: int | None, what: str, detail: str) -> None:
        """Record something that was done to a replica (``None``: to several)."""

    def message(self, at: float, sender: int, to: int, message: PeerMessage) -> None:
        """Record that a message arrives."""


class JsonLines:
    """A record file of the whole run; see :mod:`paxtui.records`. Messages are left out unless asked for."""

    def __init__(self, out: BinaryIO, plan: Plan, *, messages: bool = False) -> None:
        self._out = out
        self._cluster = f"seed {plan.seed}, profile {plan.profile}"
        self._numbers = [0] * plan.replicas
        self._messages = messages

    def _line(self, line: bytes) -> None:
        self._out.write(line + b"\n")

    def life(self, at: float, replica: int, saved: DurableState) -> None:
        """Time is virtual, and the same everywhere."""
        self._numbers[replica] = 0
        replicas = len(self._numbers)
        for line in lines.life(self._cluster, replica, replicas, at, at, saved):
            self._line(line)

    def ended(self, at: float, replica: int, why: str) -> None:
        """Write the end of a life: nothing of it is missing, however it ended."""
        self._line(lines.ended(at, replica, self._numbers[replica], why))

    def event(self, at: float, replica: int, event: Event) -> None:
        """Write an event, numbered from 0 in each life."""
        self._line(lines.event(at, replica, self._numbers[replica], event))
        self._numbers[replica] += 1

    def note(self, at: float, replica: int | None, what: str, detail: str) -> None:
        """Faults, crashes and restarts."""
        self._line(lines.fault(at, replica, what, detail))

    def message(self, at: float, sender: int, to: int, message: PeerMessage) -> None:
        """Write a message when it arrives."""
        if self._messages:
            self._line(lines.message(at, sender, to, message))


class LastLines:
    """The last lines of a run, as text."""

    def __init__(self, lines: int, *, messages: bool = False) -> None:
        self.lines: deque[str] = deque(maxlen=lines)
        self._messages = messages

    def life(self, at: float, replica: int, saved: DurableState) -> None:
        """Write nothing: the event ``restored`` tells of it."""

    def ended(self, at: float, replica: int, why: str) -> None:
        """Write nothing: a note tells of it."""

    def event(self, at: float, replica: int, event: Event) -> None:
        """Write ``2.0417  replica 1  voted  ballot=3.1 ...``."""
        self.lines.append(f"{at:9.4f}  replica {replica}  {one_line(event)}")

    def note(self, at: float, replica: int | None, what: str, detail: str) -> None:
        """Write a note, marked, because it is what people look for."""
        who = "fault    " if replica is None else f"replica {replica}"
        self.lines.append(f"{at:9.4f}  {who}  *** {what} {detail}".rstrip())

    def message(self, at: float, sender: int, to: int, message: PeerMessage) -> None:
        """Write messages only where they are wanted: there are many."""
        if self._messages:
            self.lines.append(f"{at:9.4f}  {sender} -> {to}     {one_line(message)}")


def one_line(value: Event | PeerMessage) -> str:
    """Write a trace event or a message in one line."""
    fields = (f"{name}={_short(getattr(value, name))}" for name in value.__struct_fields__)
    line = f"{value.__struct_config__.tag}  {' '.join(fields)}"
    return line if len(line) <= TEXT_CHARS_MAX else line[: TEXT_CHARS_MAX - 3] + "..."


def _short(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_short, value)) + "]"
    if hasattr(value, "is_noop"):
        return "no-op" if value.is_noop else f"{value.client}/{value.request}"
    if hasattr(value, "value") and hasattr(value, "ballot"):
        slot = f"{value.slot}:" if hasattr(value, "slot") else ""
        return f"{slot}{value.ballot}:{_short(value.value)}"
    return str(value)
