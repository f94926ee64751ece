"""What was before this console came, as replicas kept it: events, and old seconds of curves.

It is told, not judged: nothing of it goes into the facts, and no light is green because of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from paxtui.console.model.state.cause_order import CauseOrder
from paxtui.console.model.state.facts import Facts
from paxtui.console.model.state.replica import ReplicaView
from paxtui.console.model.state.seen import Seen
from paxtui.wire.telemetry import GaugeSecond, HistoryPage, Observed

REMEMBERED_MAX: Final = 10_000
"""Events of all replicas together: the order of cause takes about a hundredth of a millisecond for each."""

_decode = msgspec.json.Decoder(Observed).decode


def fold_history(facts: Facts, replica: ReplicaView, page: HistoryPage, now: float) -> None:
    """Take a page of what a replica kept, of which only what this console missed is new."""
    first = replica.missed_from if page.began_s == replica.began_s else 0
    for number, at_s, raw in page.events:
        if first <= number < replica.number:
            seen = Seen(at_s + replica.wall_offset, replica.id, number, _decode(raw), remembered=True)
            facts.remembered.append(seen)
    for gauges in page.gauges:
        second = int(gauges.second + replica.offset + 0.5)
        if replica.missed_since < second < int(replica.told_since or 0.0):
            _fill(facts, replica, gauges, second, now)
    if page.last:
        replica.began_s = page.began_s
        facts.remembered.sort(key=lambda each: each.wall)
        del facts.remembered[:-REMEMBERED_MAX]
        facts.journal.put_before(
            tuple(_in_order_of_cause(facts.remembered)), (facts.came_at or now) + facts.wall_ahead
        )


def _in_order_of_cause(remembered: Iterable[Seen]) -> Iterator[Seen]:
    order = CauseOrder()
    for seen in remembered:
        order.add(seen, seen.wall, seen.wall)
    return (held.seen for held in order.rest())


def _fill(facts: Facts, replica: ReplicaView, gauges: GaugeSecond, second: int, now: float) -> None:
    if gauges.leads or gauges.chosen:
        facts.chosen_rate.fill(now, second, gauges.chosen)
    if gauges.leads or gauges.elections:
        facts.elections.fill(now, second, gauges.elections)
    facts.latency.fill(now, second, (gauges.p50_ms, gauges.p99_ms))
    replica.learned_rate.fill(now, second, gauges.learned)
    replica.resent.fill(now, second, gauges.resent)
    replica.lost.fill(now, second, gauges.lost)
    replica.messages.fill(now, second, gauges.messages)
    if gauges.fsync_ms is not None:
        replica.fsync.fill(now, second, gauges.fsync_ms)
