"""Appends at a rate that no cluster takes, from a process of its own: ``Orders`` on standard input.

Each of many connections has as many requests unanswered as its session allows, and sends again what was
answered ``busy``, so the leader's queue fills. What is due and finds no room in any session is counted as
held back. Nothing is sent on a new connection: whoever loses its own has unknown outcomes.
"""

from __future__ import annotations

import sys
import time
from itertools import groupby
from pathlib import Path

import msgspec
import trio
from msgspec import Struct

from paxtui.client.connection import BROKEN, Connection, answers, dial
from paxtui.client.errors import ClientError
from paxtui.config.cluster_file import Cluster
from paxtui.sim.cluster.linearizable import Op
from paxtui.wire.requests import APPENDS_MAX, AppendedReply, AppendManyRequest, RefusedReply
from tests.tools.soak.record import Window

ROOT = Path(__file__).resolve().parents[3]
"""From here ``tests`` can be imported."""

DRAIN_S = 60.0
"""How long answers are waited for when nothing more is sent."""

TICK_S = 0.02
"""How often each connection sends."""

TEXT_CHARS = 100


class Orders(Struct):
    """What to send."""

    config: str
    leader: int
    prefix: str
    connections: int
    in_flight: int
    seconds: float
    rate: float | None
    """Messages a second; without one, as many as are answered."""


class Line(Struct):
    """What became of the requests of one connection. Times are those of ``time.monotonic``."""

    name: str
    calls: list[tuple[int, int, float]] = []
    """Requests that were sent for the first time: the first, how many, when."""
    done: list[tuple[int, int, int, float]] = []
    """Acknowledged: request, slot, how many, when."""
    refused: list[int] = []
    """The last word on them was ``busy``."""
    problem: str = ""


class Report(Struct):
    """What the generator did."""

    due: int = 0
    sent: int = 0
    busy: int = 0
    seconds: float = 0.0
    lines: list[Line] = []

    @property
    def begun(self) -> int:
        return sum(count for line in self.lines for _, count, _ in line.calls)

    def acknowledged(self, until: float = float("inf")) -> int:
        return sum(count for line in self.lines for _, _, count, at in line.done if at <= until)


class Sender:
    """One connection."""

    def __init__(self, generator: Generator, name: str) -> None:
        self._generator = generator
        self.line = Line(name)
        self._open: set[int] = set()
        self._again: list[int] = []
        self._next = self._oldest = 1

    async def run(self, cluster: Cluster) -> None:
        generator = self._generator
        try:
            async with dial(
                cluster.address(generator.orders.leader), "client", answers, name=self.line.name, timeout_s=20
            ) as link:
                await generator.ready()
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._receive, link, nursery.cancel_scope)
                    await self._send(link)
                    with trio.move_on_after(DRAIN_S):
                        while self._open:  # noqa: ASYNC110
                            await trio.sleep(0.02)
                    nursery.cancel_scope.cancel()
        except* (*BROKEN, ClientError) as group:
            self.line.problem = repr(group.exceptions[0])
        self.line.refused = self._again

    async def _send(self, link: Connection[Struct]) -> None:
        generator, window = self._generator, self._generator.orders.in_flight
        while not generator.over:
            again, self._again = self._again, []
            frames = [self._frame(first, count) for first, count in _runs(again)]
            self._settle(again)
            fresh = generator.take(min(window - (self._next - self._oldest), APPENDS_MAX))
            if fresh:
                self.line.calls.append((self._next, fresh, time.monotonic()))
                frames.append(self._frame(self._next, fresh))
                self._next += fresh
            for frame in frames:
                self._open.update(range(frame.request, frame.request + len(frame.texts)))
                generator.report.sent += len(frame.texts)
            if frames:
                await link.send(*frames)
            await trio.sleep(TICK_S)

    def _settle(self, again: list[int]) -> None:
        """Find the oldest request that is not answered: a session remembers so many behind it."""
        waiting = set(again)
        while self._oldest < self._next and self._oldest not in self._open and self._oldest not in waiting:
            self._oldest += 1

    def _frame(self, first: int, count: int) -> AppendManyRequest:
        name = self.line.name
        return AppendManyRequest(
            first, tuple(text_of(name, number) for number in range(first, first + count))
        )

    async def _receive(self, link: Connection[Struct], scope: trio.CancelScope) -> None:
        while messages := await link.receive():
            now = time.monotonic()
            for message in messages:
                if isinstance(message, AppendedReply):
                    self.line.done.append((message.request, message.slot, message.count, now))
                    self._open.difference_update(range(message.request, message.request + message.count))
                elif isinstance(message, RefusedReply) and message.reason == "busy":
                    self._generator.report.busy += 1
                    self._open.discard(message.request)
                    self._again.append(message.request)
                else:
                    self.line.problem = f"answered {message}"[:200]
                    if isinstance(message, RefusedReply):  # it may have been proposed: unknown
                        self._open.discard(message.request)
        scope.cancel()


class Generator:
    """Paces all connections."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.report = Report()
        self._connected = 0
        self._go = trio.Event()
        self._started = 0.0
        self._begun = 0

    async def ready(self) -> None:
        """One more is connected; wait for the others."""
        self._connected += 1
        if self._connected == self.orders.connections:
            self._started = time.monotonic()
            self._go.set()
        with trio.move_on_after(30):
            await self._go.wait()
        self._started = self._started or time.monotonic()

    @property
    def over(self) -> bool:
        return time.monotonic() > self._started + self.orders.seconds

    def take(self, room: int) -> int:
        """How many of ``room`` are due."""
        if self.orders.rate is None:
            return max(0, room)
        due = int((time.monotonic() - self._started) * self.orders.rate) - self._begun
        granted = max(0, min(room, due))
        self._begun += granted
        return granted

    async def run(self) -> Report:
        from paxtui.client import resolve

        cluster = await resolve(self.orders.config)
        senders = [
            Sender(self, f"{self.orders.prefix}-{number}") for number in range(self.orders.connections)
        ]
        async with trio.open_nursery() as nursery:
            for sender in senders:
                nursery.start_soon(sender.run, cluster)
        report = self.report
        report.lines = [sender.line for sender in senders]
        report.seconds = self.orders.seconds
        report.due = report.begun if self.orders.rate is None else int(self.orders.rate * self.orders.seconds)
        return report


def text_of(name: str, request: int) -> str:
    """The message of that connection and number."""
    return f"{name}/{request} ".ljust(TEXT_CHARS, ".")


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Numbers as runs of consecutive ones, each short enough for a frame."""
    ordered = sorted(numbers)
    found: list[tuple[int, int]] = []
    for _, group in groupby(enumerate(ordered), key=lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        found += [(run[at], len(run[at : at + APPENDS_MAX])) for at in range(0, len(run), APPENDS_MAX)]
    return found


# On the other side


async def overload(window: Window, orders: Orders) -> Report:
    """Run the generator; the window takes what became of every message."""
    done = await trio.run_process(
        [sys.executable, "-m", "tests.tools.soak.overload"],
        stdin=msgspec.json.encode(orders),
        capture_stdout=True,
        start_new_session=True,
        cwd=ROOT,
    )
    report = msgspec.json.decode(done.stdout, type=Report)
    for line in report.lines:
        window.note(*operations(line))
    return report


def operations(line: Line) -> list[Op]:
    """What became of each request of a connection."""
    told = {
        request + at: (slot + at, when) for request, slot, count, when in line.done for at in range(count)
    }
    refused = set(line.refused)
    found: list[Op] = []
    for first, count, call in line.calls:
        for request in range(first, first + count):
            text = text_of(line.name, request)
            if request in told:
                slot, when = told[request]
                found.append(
                    Op(
                        op="append",
                        client=line.name,
                        call=call,
                        outcome="ok",
                        text=text,
                        slot=slot,
                        return_=when,
                    )
                )
            elif request in refused:
                found.append(Op(op="append", client=line.name, call=call, outcome="failed", text=text))
            else:
                found.append(Op(op="append", client=line.name, call=call, outcome="unknown", text=text))
    return found


def main() -> None:
    orders = msgspec.json.decode(sys.stdin.buffer.read(), type=Orders)
    report = trio.run(Generator(orders).run)
    sys.stdout.buffer.write(msgspec.json.encode(report))


if __name__ == "__main__":
    main()
