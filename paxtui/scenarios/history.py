"""The operations of a run's clients, one record each, for verdicts and for other checkers.

``history.jsonl`` has one JSON object a line: ``op`` (``append`` or ``read``), ``client``, ``request`` (its
number with that client, from 1), ``text``, ``call`` and ``return`` (seconds since the run began; ``null``
if no answer came), ``outcome`` (``ok``, ``failed``, ``unknown``), ``slot`` (of the append; for a read, the
first slot that it did not see), ``ballot``, and for a read ``texts``: the messages
that it returned, in order.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import trio
from msgspec import Struct, json

from paxtui.client import ClientError, Failed, Log, LogEntry, Unknown
from paxtui.core.ballot import Ballot

Outcome = Literal["ok", "failed", "unknown"]


class Operation(Struct, kw_only=True, rename={"return_": "return"}):
    """One append or read. It is ``unknown`` until its answer says more."""

    op: Literal["append", "read"]
    client: str
    request: int
    text: str = ""
    call: float
    return_: float | None = None
    outcome: Outcome = "unknown"
    slot: int | None = None
    ballot: Ballot | None = None
    texts: list[str] | None = None
    problem: str = ""


class History:
    """The operations of one run in the order of their calls."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.acknowledged = 0
        self.waiting = 0
        self._started = trio.current_time()
        self._changed = trio.Event()

    @property
    def now(self) -> float:
        """Return the seconds since the run began."""
        return round(trio.current_time() - self._started, 6)

    async def changed(self) -> None:
        """Wait until an operation ends."""
        await self._changed.wait()

    async def append(self, log: Log, client: str, request: int, text: str, timeout_s: float) -> Operation:
        """Append, and record how it ended. A cancelled append stays unknown."""
        done = Operation(op="append", client=client, request=request, text=text, call=self.now)
        self.operations.append(done)
        self.waiting += 1
        try:
            answer = await log.append(text, timeout_s=timeout_s)
        except Unknown as error:
            done.problem = str(error)
        except Failed as error:
            done.outcome, done.problem, done.return_ = "failed", str(error), self.now
        else:
            done.outcome, done.slot, done.ballot, done.return_ = "ok", answer.slot, answer.ballot, self.now
            self.acknowledged += 1
        finally:
            self.waiting -= 1
            self._changed.set()
            self._changed = trio.Event()
        return done

    async def read(self, log: Log, client: str, request: int, timeout_s: float) -> Operation:
        """Read the whole log, page by page, each page linearizable; so is the last one, which holds all."""
        done = Operation(op="read", client=client, request=request, call=self.now)
        self.operations.append(done)
        texts: list[str] = []
        slot = 0
        try:
            while True:
                page = await log.read(slot, timeout_s=timeout_s)
                texts += messages(page.entries)
                if not page.entries or (slot := page.entries[-1].slot + 1) >= page.applied:
                    break
        except ClientError as error:
            done.outcome, done.problem = "failed", str(error)
        else:
            done.outcome, done.slot, done.texts = "ok", slot, texts
        done.return_ = self.now
        return done

    @property
    def appends(self) -> list[Operation]:
        return [each for each in self.operations if each.op == "append"]

    def write(self, path: Path) -> None:
        """Write the history as JSON lines."""
        path.write_bytes(json.Encoder().encode_lines(self.operations))


def messages(entries: Iterable[LogEntry]) -> list[str]:
    """List the texts of those entries that are messages."""
    return [entry.text for entry in entries if entry.is_message]
