"""Links: a message's fate is a function of the seed, the link and its number there."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop
from itertools import islice
from random import Random

import pytest
from msgspec.structs import replace

from paxtui.core.ballot import Ballot
from paxtui.core.messages import CatchUp, Nack, PeerMessage
from paxtui.core.output import EVERYONE, Envelope
from paxtui.sim.cluster.event_queue import EventQueue
from paxtui.sim.cluster.network import Link, Network, Parcel
from paxtui.sim.plan.plan import Weather
from paxtui.sim.randomness import LANES, STEP, fraction, fractions, mix, mixed, outputs

CALM = Weather(delay_s=0.001, spread_s=0.002, loss=0.0, duplicate=0.0, tail=0.0, tail_s=0.1, fifo=False)

Arrival = tuple[float, int, int, PeerMessage, bool]
"""Time, from, to, message, and whether it is late."""


class Arrivals:
    """Three replicas that note what arrives, in the order in which it was sent."""

    def __init__(self, weather: Weather, seed: int = 1, *, codec: bool = False) -> None:
        self.agenda = EventQueue()
        self.looked_at: list[tuple[int, PeerMessage]] = []
        arrive = [self._at(to) for to in range(3)]
        looks = {CatchUp: lambda sender, message: self.looked_at.append((sender, message))}
        self.net = Network(seed, weather, codec, self.agenda, arrive, self._late, looks)  # type: ignore[arg-type]
        self._arrived: list[tuple[int, Parcel]] = []

    def _at(self, to: int) -> Callable[[Parcel], None]:
        return lambda parcel: self._arrived.append((to, parcel))

    def _late(self, at: float, link: Link, parcel: Parcel) -> None:
        self.agenda.push(at, link.arrive, (*parcel, "late"))

    def send(self, count: int, now: float = 0.0, to: int = 1) -> None:
        for number in range(count):
            self.one(CatchUp(number), now, to)

    def one(self, message: PeerMessage, now: float = 0.0, to: int = 1) -> None:
        self.net.send(now, 0, (Envelope(to, message),))

    @property
    def all(self) -> list[Arrival]:
        found: list[Arrival] = []
        for at, _, arrive, argument in sorted(self.agenda.heap, key=lambda entry: entry[1]):
            arrive(argument)
            to, (sender, message, *late) = self._arrived.pop()  # type: ignore[var-annotated]
            found.append((at, sender, to, message, bool(late)))
        return found


def test_a_calm_link_delivers_each_message_once_in_time() -> None:
    arrivals = Arrivals(CALM)
    arrivals.send(500)
    assert [arrival[3] for arrival in arrivals.all] == [CatchUp(number) for number in range(500)]
    assert all(0.001 <= arrival[0] < 0.003 for arrival in arrivals.all)
    assert len({arrival[0] for arrival in arrivals.all}) == 500


def test_what_is_for_everyone_reaches_all_others_and_is_looked_at_once() -> None:
    arrivals = Arrivals(CALM)
    arrivals.one(CatchUp(7), to=EVERYONE)
    assert [arrival[1:4] for arrival in arrivals.all] == [(0, 1, CatchUp(7)), (0, 2, CatchUp(7))]
    assert arrivals.looked_at == [(0, CatchUp(7))]
    assert arrivals.net.sent == 2


def test_a_link_that_keeps_the_order_keeps_it() -> None:
    arrivals = Arrivals(replace(CALM, fifo=True))
    arrivals.send(500)
    times = [arrival[0] for arrival in arrivals.all]
    assert times == sorted(times)


def test_fates_do_not_depend_on_other_links_or_on_time() -> None:
    rough = replace(CALM, loss=0.3, duplicate=0.3, tail=0.3)
    alone, mixed_up = Arrivals(rough), Arrivals(rough)
    alone.send(300)
    for number in range(300):
        mixed_up.one(CatchUp(number), now=5.0, to=2)
        mixed_up.one(CatchUp(number))
    assert [arrival for arrival in mixed_up.all if arrival[2] == 1] == alone.all


def test_a_message_that_is_lost_in_a_cut_takes_its_fate_with_it() -> None:
    rough = replace(CALM, loss=0.3, duplicate=0.3, tail=0.3)
    whole, cut = Arrivals(rough), Arrivals(rough)
    whole.send(100)
    cut.net.links[0][1].cut_until = 1.0
    for number in range(100):
        cut.one(CatchUp(number), now=0.0 if number < 50 else 1.0)
    kept = [each for each in whole.all if isinstance(each[3], CatchUp) and each[3].first >= 50]
    assert [(round(at - 1.0, 9), *rest) for at, *rest in cut.all] == [
        (round(at, 9), *rest) for at, *rest in kept
    ]


def test_the_shares_of_loss_duplicates_and_tails_are_about_right() -> None:
    arrivals = Arrivals(replace(CALM, loss=0.25, duplicate=0.4, tail=0.1))
    arrivals.send(4000)
    kept = {arrival[3] for arrival in arrivals.all}
    assert 2800 < len(kept) < 3200
    assert 0.35 < len(arrivals.all) / len(kept) - 1 < 0.45
    late = {arrival[3] for arrival in arrivals.all if arrival[4]}
    assert 0.07 < len(late) / len(kept) < 0.13
    assert max(arrival[0] for arrival in arrivals.all) > 5.0


def test_a_cut_a_filter_and_a_hold_do_what_they_say() -> None:
    arrivals = Arrivals(CALM)
    link = arrivals.net.links[0][1]
    link.cut_until = 1.0
    arrivals.send(3, now=0.5)
    assert arrivals.all == []
    link.filtered["catch-up"] = 2.0
    arrivals.send(3, now=1.5)
    arrivals.one(Nack(Ballot(1, 1), Ballot(2, 0), None, 0), now=1.5)
    assert [type(arrival[3]) for arrival in arrivals.all] == [Nack]
    link.hold_until = 4.0
    arrivals.send(3, now=3.0)
    assert [arrival[0] for arrival in arrivals.all[1:]] == [4.0] * 3
    link.heal()
    arrivals.send(1, now=3.5)
    assert arrivals.all[-1][0] < 3.6
    assert arrivals.net.lost == 6


def test_messages_survive_the_codec() -> None:
    arrivals = Arrivals(CALM, codec=True)
    message = Nack(Ballot(1, 1), Ballot(2, 0), Ballot(1, 2), 7)
    arrivals.one(message)
    assert arrivals.all[0][3] == message
    assert arrivals.all[0][3] is not message


def test_what_is_planned_comes_between_what_is_pushed_as_if_it_had_been_pushed() -> None:
    """Also at equal times, where the order of entry decides."""
    rng = Random(5)
    for _ in range(50):
        planned = [(rng.choice((1.0, 2.0, 3.0)), f"planned {number}") for number in range(8)]
        pushed = [(rng.choice((1.0, 2.0, 3.0)), f"pushed {number}") for number in range(8)]
        one, other = EventQueue(), EventQueue()
        seen: list[str] = []
        one.plan(seen.append, planned)
        for at, what in planned:
            other.push(at, seen.append, what)
        for at, what in pushed:
            one.push(at, seen.append, what)
            other.push(at, seen.append, what)
        assert len(one.heap) == 9
        orders = []
        for agenda in (one, other):
            seen.clear()
            while agenda.heap:
                _, _, call, argument = heappop(agenda.heap)
                call(argument)
            orders.append(list(seen))
        assert orders[0] == orders[1]
        assert len(orders[0]) == 16


@pytest.mark.parametrize("seed", [0, 1, STEP, 2**64 - 1, 0x123456789ABCDEF0])
def test_many_numbers_are_hashed_as_each_one_is(seed: int) -> None:
    count = 3 * LANES + 1
    assert list(islice(outputs(seed), count)) == [mix(seed + number * STEP) for number in range(count)]
    for first in (1, 100):
        one_by_one = [fraction(mix(seed ^ number)) for number in range(first, first + count)]
        assert list(islice(fractions(seed, first), count)) == one_by_one
    assert all(0.0 <= each < 1.0 for each in islice(fractions(seed, 1), count))


def test_the_hash_is_splitmix64() -> None:
    """The first outputs for seed 0, as published with the algorithm."""
    state = 0
    outputs = []
    for _ in range(3):
        outputs.append(mix(state))
        state = (state + 0x9E3779B97F4A7C15) & (2**64 - 1)
    assert outputs == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert 0.0 <= fraction(2**64 - 1) < 1.0
    assert mixed(1, 2) != mixed(2, 1)
