"""Drivers, which send requests: as fast as answers come (closed loop), or at given times (open loop).

One task drives a connection, however many requests it has under way: a task a message would cost more than
the message.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import trio

from paxtui.bench.pending import Pending
from paxtui.bench.tally import Tally
from paxtui.client.errors import ClientError

Begin = Callable[[], Awaitable[Pending]]
"""Begins one request; may wait until there is room for it."""

PAUSE_S: Final = 0.02
"""After a request that could not even begin: whatever is wrong, asking again at once helps nobody."""


async def closed_loop(begin: Begin, in_flight: int, tally: Tally) -> None:
    """Keep ``in_flight`` requests unanswered until the tally says stop; then wait for the last answers.

    Answers to one connection come in order, so the oldest is the one to wait for.
    """
    waiting: deque[Pending] = deque()
    while not tally.stopping:
        try:
            while len(waiting) < in_flight and not tally.stopping:
                waiting.append(await begin())
        except ClientError as error:
            tally.failed(error)
            await trio.sleep(PAUSE_S)
        if waiting:
            await _settled(waiting[0])
        while waiting and waiting[0].done:
            tally.count_result(waiting.popleft())
    for pending in waiting:
        await _settled(pending)
        tally.count_result(pending)


GROUPS: Final = 10_000


class Schedule:
    """The due times of one connection's requests."""

    def __init__(self, first: float, distance_s: float) -> None:
        self._first = first
        self._distance_s = distance_s
        self._number = 0
        self.due = first

    def next(self) -> None:
        """Move on to the next due time: a product, not a sum, because rounding must not add up."""
        self._number += 1
        self.due = self._first + self._number * self._distance_s

    def rest(self, until: float) -> Iterator[tuple[float, int]]:
        """List what is due before ``until`` and has not begun: groups of a moment and a count, since a
        cluster that is far too slow leaves millions. A group's moment is its first."""
        count = max(0, math.ceil((until - self.due) / self._distance_s))
        size = max(1, count // GROUPS)
        for start in range(0, count, size):
            yield self.due + start * self._distance_s, min(size, count - start)


async def open_loop(
    begin: Begin,
    in_flight: int,
    schedule: Schedule,
    tally: Tally,
    stopped: trio.Event,
) -> None:
    """Begin each request when it is due, or as soon as fewer than ``in_flight`` are unanswered.

    Answers carry the time at which they came, so it is enough to look at them when the next request is due.
    Whatever was due and is not answered when this ends, or is cancelled, is told to the tally, too.
    """
    waiting: deque[tuple[float, Pending]] = deque()
    try:
        while not tally.stopping or schedule.due < tally.ends:
            now = trio.current_time()
            while waiting and waiting[0][1].done:
                due, pending = waiting.popleft()
                tally.count_result(pending, due)
            if schedule.due > now:
                with trio.move_on_at(schedule.due):
                    await stopped.wait()
            elif len(waiting) >= in_flight:
                await _settled(waiting[0][1])
            else:
                try:
                    waiting.append((schedule.due, await begin()))
                    schedule.next()
                except ClientError as error:
                    schedule.next()
                    tally.failed(error)
                    await trio.sleep(PAUSE_S)
        while waiting:
            await _settled(waiting[0][1])
            due, pending = waiting.popleft()
            tally.count_result(pending, due)
    finally:
        _give_up(waiting, schedule, tally)


def _give_up(waiting: deque[tuple[float, Pending]], schedule: Schedule, tally: Tally) -> None:
    now = trio.current_time()
    for due, pending in waiting:
        if pending.done:
            tally.count_result(pending, due)
        else:
            tally.given_up(due, now, pending)
    for due, count in schedule.rest(min(now, tally.ends)):
        tally.given_up(due, now, count=count)


async def _settled(pending: Pending) -> None:
    """Wait until it is done, whatever became of it."""
    try:
        await pending.result()
    except ClientError:
        pass  # the tally asks again, and counts it
