"""The record of a run: JSON lines for tools, short lines for people."""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol, TextIO

from msgspec import json, to_builtins

from paxtui.core.events import Event
from paxtui.core.messages import PeerMessage

TEXT_CHARS_MAX = 240


class Recorder(Protocol):
    """Who wants to see everything that happens."""

    def event(self, at: float, replica: int, event: Event) -> None:
        """A trace event of a replica."""

    def note(self, at: float, replica: int | None, what: str, detail: str) -> None:
        """Something that was done to a replica (``None``: to several)."""

    def message(self, at: float, sender: int, to: int, message: PeerMessage) -> None:
        """A message arrives."""


class JsonLines:
    """One object a line: ``at``, ``replica`` and the event's own fields; ``type`` for messages."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def _line(self, fields: dict[str, Any]) -> None:
        self._out.write(json.encode(fields).decode() + "\n")

    def event(self, at: float, replica: int, event: Event) -> None:
        """As it is in a record file."""
        self._line({"at": at, "replica": replica, **to_builtins(event)})

    def note(self, at: float, replica: int | None, what: str, detail: str) -> None:
        """Faults, crashes and restarts."""
        self._line({"at": at, "replica": replica, "fault": what, "detail": detail})

    def message(self, at: float, sender: int, to: int, message: PeerMessage) -> None:
        """Where messages are wanted, they have a ``type``."""
        self._line({"at": at, "from": sender, "to": to, **to_builtins(message)})


class Tail:
    """The last lines of a run, as text."""

    def __init__(self, lines: int, *, messages: bool = False) -> None:
        self.lines: deque[str] = deque(maxlen=lines)
        self._messages = messages

    def event(self, at: float, replica: int, event: Event) -> None:
        """``2.0417  replica 1  voted  ballot=3.1 ...``"""
        self.lines.append(f"{at:9.4f}  replica {replica}  {told(event)}")

    def note(self, at: float, replica: int | None, what: str, detail: str) -> None:
        """Marked, because it is what people look for."""
        who = "fault    " if replica is None else f"replica {replica}"
        self.lines.append(f"{at:9.4f}  {who}  *** {what} {detail}".rstrip())

    def message(self, at: float, sender: int, to: int, message: PeerMessage) -> None:
        """Only where they are wanted: there are many."""
        if self._messages:
            self.lines.append(f"{at:9.4f}  {sender} -> {to}     {told(message)}")


def told(value: Event | PeerMessage) -> str:
    """A trace event or a message in one line."""
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
