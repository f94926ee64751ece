"""What was before: the notable events of a while, and gauges of ten minutes, for whoever attaches late.

It is kept whether somebody watches or not, so what comes with every message costs a look into a table and a
sum. Memory is bounded: by a number of events, by their bytes, and by a number of seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import msgspec
import trio

from paxtui.core import events as e
from paxtui.wire.notable import is_notable, slim
from paxtui.wire.telemetry import GaugeSecond, HistoryPage, MessageFaulted
from paxtui.wire.views import Told, views

EVENTS_KEPT: Final = 5_000
BYTES_KEPT: Final = 1024 * 1024
"""Of encoded events: 5,000 usual ones are half of it."""

SECONDS_KEPT: Final = 600

PAGE_BYTES: Final = 256 * 1024
"""About the most in one page, so that it fits a frame."""

EVENT_BYTES: Final = 40
"""An event's number, time, brackets and commas."""

TIMES_MAX: Final = 512
"""Latencies of a second that are kept for its quantiles."""

_encode = msgspec.json.Encoder().encode


class Sample(NamedTuple):
    """What a replica has to say at the end of a second: counts since it started, and a moving average."""

    messages: int
    commits: int
    fsync_ms: float


class EventHistory:
    """The notable events and the gauges of one replica's process."""

    def __init__(self, me: int, sample: Callable[[], Sample]) -> None:
        self._me = me
        self._sample = sample
        self._began_s = trio.current_time()
        self._events: deque[tuple[int, float, msgspec.Raw]] = deque()
        self._bytes = 0
        self._gauges: deque[GaugeSecond] = deque(maxlen=SECONDS_KEPT)
        self._counts = [0, 0, 0, 0, 0]
        """Of the second that runs: chosen, learned, elections, resent, lost."""
        self._leads = False
        self._proposal: tuple[int, float] | None = None
        """One slot on its way to be chosen, and when it was proposed: the next one is timed after it."""
        self._times_ms: list[float] = []
        self._before = Sample(0, 0, 0.0)

    def take(self, event: Told, number: int, at_s: float) -> None:
        """Take one event."""
        counted = _COUNTED.get(type(event))
        if counted is not None:
            counted(self, event, at_s)
        if is_notable(self._me, event):
            ((at_s, view),) = views([(at_s, event)])
            raw = _encode(slim(view))
            self._events.append((number, at_s, msgspec.Raw(raw)))
            self._bytes += len(raw)
            while self._bytes > BYTES_KEPT or len(self._events) > EVENTS_KEPT:
                self._bytes -= len(bytes(self._events.popleft()[2]))

    async def run(self) -> None:
        """End a second once a second."""
        while True:
            now = trio.current_time()
            await trio.sleep_until(int(now) + 1)
            self.end_second(int(now))

    def end_second(self, second: int) -> None:
        """Keep what was counted since the last call, as that of ``second``."""
        sample, before = self._sample(), self._before
        times = sorted(self._times_ms)
        chosen, learned, elections, resent, lost = self._counts
        self._gauges.append(
            GaugeSecond(
                second,
                self._leads,
                chosen,
                learned,
                elections,
                resent,
                lost,
                max(0, sample.messages - before.messages),
                sample.fsync_ms if sample.commits != before.commits else None,
                _quantile(times, 0.5),
                _quantile(times, 0.99),
            )
        )
        self._counts = [0, 0, 0, 0, 0]
        self._times_ms.clear()
        self._before = sample

    def pages(self, ask: int) -> Iterator[HistoryPage]:
        """Yield everything that is kept, in pages that fit a frame."""
        gauges = tuple(self._gauges)
        page: list[tuple[int, float, msgspec.Raw]] = []
        size = 0
        for number, at_s, raw in tuple(self._events):
            if size > PAGE_BYTES:
                yield self._page(ask, page, (), last=False)
                page, size = [], 0
            page.append((number, at_s, raw))
            size += len(bytes(raw)) + EVENT_BYTES
        yield self._page(ask, page, gauges, last=True)

    def _page(
        self,
        ask: int,
        events: list[tuple[int, float, msgspec.Raw]],
        gauges: tuple[GaugeSecond, ...],
        *,
        last: bool,
    ) -> HistoryPage:
        return HistoryPage(id=ask, began_s=self._began_s, events=tuple(events), gauges=gauges, last=last)

    # One function an event that is counted

    def _proposed(self, event: e.Proposed, at_s: float) -> None:
        if self._proposal is None:
            self._proposal = event.first, at_s

    def _chosen_seen(self, event: e.ChosenSeen, at_s: float) -> None:
        self._counts[0] += event.count
        if self._proposal is not None and event.first <= self._proposal[0] < event.first + event.count:
            if len(self._times_ms) < TIMES_MAX:
                self._times_ms.append((at_s - self._proposal[1]) * 1000)
            self._proposal = None

    def _learned(self, event: e.Learned, at_s: float) -> None:
        self._counts[1] += len(event.entries)

    def _elected(self, event: e.Elected, at_s: float) -> None:
        self._counts[2] += 1
        self._leads, self._proposal = True, None

    def _accept_sent(self, event: e.AcceptSent, at_s: float) -> None:
        if event.again:
            self._counts[3] += event.count

    def _message_faulted(self, event: MessageFaulted, at_s: float) -> None:
        self._counts[4] += event.copies == 0

    def _leads_no_more(self, event: Told, at_s: float) -> None:
        self._leads, self._proposal = False, None


_COUNTED: Final[dict[type, Callable[..., None]]] = {
    e.Proposed: EventHistory._proposed,
    e.ChosenSeen: EventHistory._chosen_seen,
    e.Learned: EventHistory._learned,
    e.Elected: EventHistory._elected,
    e.AcceptSent: EventHistory._accept_sent,
    e.SteppedDown: EventHistory._leads_no_more,
    e.ProposerCrashed: EventHistory._leads_no_more,
    e.BecameNonVoting: EventHistory._leads_no_more,
    MessageFaulted: EventHistory._message_faulted,
}


def _quantile(sorted_ms: list[float], share: float) -> float | None:
    if not sorted_ms:
        return None
    return round(sorted_ms[min(len(sorted_ms) - 1, int(share * len(sorted_ms)))], 3)
