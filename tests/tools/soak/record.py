"""What clients asked in one round, and what they were told.

Times are those of ``time.monotonic``, which all processes of a machine share. Each text is there once in an
epoch and begins with the name of its round, so a message that stands in the log of a later round is either a
late one whose outcome is unknown, or there twice.
"""

from __future__ import annotations

import time
from pathlib import Path

import trio
from msgspec import json

from paxtui.client import ClientError, Failed, Log, LogEntry, Unknown
from paxtui.sim.cluster.linearizable import Op


class Window:
    """The operations of one round, which begins with slot ``base`` while nothing is under way."""

    def __init__(self, name: str, base: int) -> None:
        self.name = name
        self.base = base
        self.ops: list[Op] = []
        self.acknowledged = 0
        self.dark: list[tuple[float, float]] = []
        """Spans in which no majority was there, so that nothing that began in one may end well in it."""
        self.seen: list[tuple[LogEntry, ...]] = []
        """Pages of local reads."""
        self._changed = trio.Event()

    async def grows(self) -> None:
        """Wait until something is acknowledged that was not before."""
        before = self.acknowledged
        while self.acknowledged == before:
            await self._changed.wait()

    def text(self, client: str, number: int, size: int = 0) -> str:
        """The one message of that number."""
        return f"{self.name}/{client}/{number} ".ljust(size, ".")

    async def append(self, log: Log, client: str, text: str, timeout_s: float) -> Op:
        """Append and note how it ended. One that is cancelled stays unknown."""
        call, done = time.monotonic(), None
        try:
            answer = await log.append(text, timeout_s=timeout_s)
            done = Op(
                op="append",
                client=client,
                call=call,
                outcome="ok",
                text=text,
                slot=answer.slot,
                return_=now(),
            )
        except Unknown:
            pass
        except Failed:
            done = Op(op="append", client=client, call=call, outcome="failed", text=text, return_=now())
        finally:
            if done is None:
                done = Op(op="append", client=client, call=call, outcome="unknown", text=text)
            self.note(done)
        return done

    def note(self, *operations: Op) -> None:
        """Operations that have ended."""
        self.ops += operations
        self.acknowledged += sum(each.op == "append" and each.outcome == "ok" for each in operations)
        self._changed.set()
        self._changed = trio.Event()

    async def read(self, log: Log, client: str, known: list[str], following: int, timeout_s: float) -> int:
        """Read from slot ``following`` on, linearizable, behind the messages ``known``, which grow. The first
        slot that was not there yet.

        The last page decides what the read has seen, and slots below it never change: that they do not is
        what the comparison of all logs shows.
        """
        call = time.monotonic()
        try:
            while True:
                page = await log.read(following, timeout_s=timeout_s)
                known += [entry.text for entry in page.entries if entry.is_message]
                following += len(page.entries)
                if following >= page.applied:
                    break
        except ClientError:
            return following
        self.note(Op(op="read", client=client, call=call, outcome="ok", return_=now(), texts=known.copy()))
        return following

    def count(self, outcome: str) -> int:
        """How many appends ended so."""
        return sum(each.op == "append" and each.outcome == outcome for each in self.ops)

    def write(self, path: Path) -> None:
        """As ``paxtui check --history`` reads it."""
        path.write_bytes(json.Encoder().encode_lines(self.ops))


def now() -> float:
    return time.monotonic()
