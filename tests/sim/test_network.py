"""Links: a message's fate is a function of the seed, the link and its number there."""

from __future__ import annotations

from msgspec.structs import replace

from paxtui.core.ballot import Ballot
from paxtui.core.messages import CatchUp, Nack, PeerMessage
from paxtui.sim.hashing import fraction, mix, mixed
from paxtui.sim.network import Network
from paxtui.sim.plan import Weather

CALM = Weather(delay_s=0.001, spread_s=0.002, loss=0.0, duplicate=0.0, tail=0.0, tail_s=0.1, fifo=False)

Arrival = tuple[float, int, int, PeerMessage, bool]


def network(weather: Weather, seed: int = 1, *, codec: bool = False) -> tuple[Network, list[Arrival]]:
    arrivals: list[Arrival] = []
    return Network(seed, 3, weather, codec, lambda *arrival: arrivals.append(arrival)), arrivals


def send(net: Network, count: int, now: float = 0.0, to: int = 1) -> None:
    for number in range(count):
        net.send(now, 0, to, CatchUp(number))


def test_a_calm_link_delivers_each_message_once_in_time() -> None:
    net, arrivals = network(CALM)
    send(net, 500)
    assert [arrival[3] for arrival in arrivals] == [CatchUp(number) for number in range(500)]
    assert all(0.001 <= arrival[0] < 0.003 for arrival in arrivals)
    assert len({arrival[0] for arrival in arrivals}) == 500


def test_a_link_that_keeps_the_order_keeps_it() -> None:
    net, arrivals = network(replace(CALM, fifo=True))
    send(net, 500)
    times = [arrival[0] for arrival in arrivals]
    assert times == sorted(times)


def test_fates_do_not_depend_on_other_links_or_on_time() -> None:
    rough = replace(CALM, loss=0.3, duplicate=0.3, tail=0.3)
    net, alone = network(rough)
    send(net, 300)
    net, mixed_up = network(rough)
    for number in range(300):
        net.send(5.0, 0, 2, CatchUp(number))
        net.send(0.0, 0, 1, CatchUp(number))
    assert [arrival for arrival in mixed_up if arrival[2] == 1] == alone


def test_the_shares_of_loss_duplicates_and_tails_are_about_right() -> None:
    net, arrivals = network(replace(CALM, loss=0.25, duplicate=0.4, tail=0.1))
    send(net, 4000)
    kept = {arrival[3] for arrival in arrivals}
    assert 2800 < len(kept) < 3200
    assert 0.35 < len(arrivals) / len(kept) - 1 < 0.45
    late = {arrival[3] for arrival in arrivals if arrival[4]}
    assert 0.07 < len(late) / len(kept) < 0.13
    assert max(arrival[0] for arrival in arrivals) > 5.0


def test_a_cut_a_filter_and_a_hold_do_what_they_say() -> None:
    net, arrivals = network(CALM)
    link = net.links[0][1]
    link.cut_until = 1.0
    send(net, 3, now=0.5)
    assert arrivals == []
    link.filtered["catch-up"] = 2.0
    send(net, 3, now=1.5)
    net.send(1.5, 0, 1, Nack(Ballot(1, 1), Ballot(2, 0), None, 0))
    assert [type(arrival[3]) for arrival in arrivals] == [Nack]
    link.hold_until = 4.0
    send(net, 3, now=3.0)
    assert [arrival[0] for arrival in arrivals[1:]] == [4.0] * 3
    link.heal()
    send(net, 1, now=3.5)
    assert arrivals[-1][0] < 3.6
    assert net.lost == 6


def test_messages_survive_the_codec() -> None:
    net, arrivals = network(CALM, codec=True)
    message = Nack(Ballot(1, 1), Ballot(2, 0), Ballot(1, 2), 7)
    net.send(0.0, 0, 1, message)
    assert arrivals[0][3] == message
    assert arrivals[0][3] is not message


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
