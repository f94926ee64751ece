"""Three replicas on three hosts, and what happens to the network between them."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import AbstractContextManager, aclosing
from itertools import count

import pytest
import trio

from paxtui.client import Log, observe
from paxtui.wire.requests import StatusReport
from paxtui.wire.telemetry import TelemetrySnapshot
from tests.replica.conditions import PATIENCE_S, until
from tests.tools.netns import weather
from tests.tools.netns.hosts import ALL, Hosts
from tests.tools.netns.network import CLIENT, Network

pytestmark = pytest.mark.processes

LARGE = "large" * 13_000
"""65,000 bytes: 52 packets of an Ethernet."""


def others(replica: int) -> list[int]:
    return [each for each in ALL if each != replica]


class Appending:
    """One message after the other, until a condition holds. What was acknowledged must be there once."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self._sent = ["begin"]
        self._numbers = count(1)
        (self.first,) = hosts.append("begin")

    def until(self, condition: Callable[[], object], what: str) -> None:
        """At least one append is acknowledged after what the test did before."""

        def one_more() -> object:
            text = f"message {next(self._numbers)}"
            self._hosts.append(text)
            self._sent.append(text)
            return condition()

        until(one_more, what)

    def check(self) -> None:
        """All logs are equal, and have each message once, in the order in which they were acknowledged."""
        assert self._hosts.until_alike(self.first) == self._sent


@pytest.fixture(params=[weather.by_netem, weather.by_queue], ids=["netem", "nfqueue"])
def bad_weather(request: pytest.FixtureRequest, network: Network) -> AbstractContextManager[None]:
    """3 % of packets are lost, all are late, some overtake others. Not every kernel has netem."""
    namespaces = [network.hosts[host] for host in ALL]
    try:
        with request.param(namespaces):
            pass
    except OSError as error:
        pytest.skip(f"this machine has no such weather: {error}")
    return request.param(namespaces)


def test_loss_delay_and_reorder_of_packets_lose_and_repeat_no_message(
    three: Hosts, bad_weather: AbstractContextManager[None]
) -> None:
    def suffering() -> list[int]:
        files = (("snmp", "RetransSegs"), ("netstat", "TCPOFOQueue"))
        return [three.counted(host, *which) for host in ALL for which in files]

    async def append_until_it_shows(log: Log) -> None:
        while len(messages) < 200 or not all(
            now > then + 5 for now, then in zip(suffering(), before, strict=True)
        ):
            async with trio.open_nursery() as nursery:
                for _ in range(20):
                    messages.append(f"message {len(messages)}")
                    nursery.start_soon(log.append, messages[-1])

    messages: list[str] = []
    (first,) = three.append("begin")
    before = suffering()
    with bad_weather:
        three.with_log(append_until_it_shows)
        assert sorted(three.until_alike(first + 1)) == sorted(messages)


def test_a_leader_whose_cable_is_pulled_is_replaced_and_comes_back(three: Hosts, network: Network) -> None:
    appending = Appending(three)
    leader = three.until_led()
    network.pull(leader)

    def replaced() -> bool:
        leaders = {status.leader for each in others(leader) if (status := three.status(each))}
        return len(leaders) == 1 and leaders <= set(others(leader))

    appending.until(replaced, "the two others have a leader")
    network.plug(leader)
    three.until_connected()
    appending.until(lambda: True, "it works")
    appending.check()


def test_a_peer_that_vanishes_is_noticed_by_its_silence_while_tcp_still_believes_in_it(
    trusting: Hosts, cuts: Network
) -> None:
    lost = others(trusting.until_led())[0]
    cuts.part(lost, *others(lost))
    for witness in others(lost):

        def silent(witness: int = witness) -> StatusReport | None:
            report = trusting.report(witness)
            return report if report is not None and lost not in report.connected else None

        report = until(silent, "the silence is noticed")
        assert report is not None
        assert [link.connected for link in report.links] == [True, True]
        assert trusting.established(witness, lost) == 2
    cuts.hear()
    trusting.until_connected()


def test_nothing_is_left_of_a_leader_that_vanished_and_it_is_back_when_the_network_is(
    three: Hosts, cuts: Network
) -> None:
    appending = Appending(three)
    leader = three.until_led()
    down = {each: three.lines(each, f"r{leader} down", "timed out") for each in others(leader)}
    cuts.part(leader, *others(leader))
    appending.until(
        lambda: not any(three.established(each, leader) + three.established(leader, each) for each in down),
        "both sides give up all their connections, those on which they only listen, too",
    )
    until(
        lambda: all(three.lines(each, f"r{leader} down", "timed out") > down[each] for each in down),
        "the two others tell why",
    )
    cuts.hear()
    three.until_connected()
    appending.check()


def test_a_peer_that_dies_unheard_is_given_up_and_let_in_when_it_is_back(three: Hosts, cuts: Network) -> None:
    appending = Appending(three)
    lost = others(three.until_led())[0]
    cuts.part(lost, *others(lost))
    three.kill(lost)
    appending.until(
        lambda: not any(three.established(each, lost) for each in others(lost)),
        "the half-open connections are given up",
    )
    three.start(lost)
    appending.until(lambda: three.report(lost) is not None, "it is back, and still alone")
    cuts.hear()
    three.until_connected()
    appending.check()


@pytest.mark.parametrize("deaf", ["follower", "leader"])
def test_a_cut_in_one_direction_stops_nothing(three: Hosts, cuts: Network, deaf: str) -> None:
    appending = Appending(three)
    leader = three.until_led()
    follower = others(leader)[0]
    receiver, sender = (leader, follower) if deaf == "leader" else (follower, leader)
    cuts.deafen(receiver, sender)
    appending.until(lambda: three.hears(receiver, sender) is False, "it does not hear")
    # Acknowledgements go the same way as everything else, so TCP ends up with no direction at all.
    appending.until(
        lambda: not three.established(receiver, sender) and not three.established(sender, receiver),
        "both give up",
    )
    appending.until(lambda: True, "it goes on")
    cuts.hear()
    three.until_connected()
    appending.check()


def test_a_path_that_swallows_large_packets_is_used_with_small_ones(three: Hosts, network: Network) -> None:
    leader = three.until_led()
    lost = others(leader)[0]
    network.narrow(lost, 1280)
    first, last = three.append(LARGE, "small")

    def arrived() -> bool:
        """Whoever leads by now knows it."""
        statuses = [three.status(each) for each in others(lost)]
        return any(each is not None and each.peers.get(str(lost), 0) > last for each in statuses)

    until(arrived, "the host behind that path has it, too")
    until(lambda: three.lines(leader, f"r{lost} up", "small segments"), "the leader tells how")
    network.heal()  # the client does not dial with small segments, and its path was the same
    assert three.until_alike(first) == [LARGE, "small"]


def test_a_replica_that_reads_no_more_is_dialled_anew_and_catches_up(three: Hosts) -> None:
    """Its kernel acknowledges what comes until its buffers are full; then nothing is taken any more."""
    leader = three.until_led()
    lost = others(leader)[0]
    (first,) = three.append("begin")
    before = three.lines(leader, f"r{lost} down", "timed out")
    three.signal(lost, signal.SIGSTOP)

    async def fill(log: Log) -> int:
        sent = 0
        while three.lines(leader, f"r{lost} down", "timed out") == before:
            async with trio.open_nursery() as nursery:
                for _ in range(16):
                    nursery.start_soon(log.append, LARGE)
                    sent += 1
        return sent

    try:
        sent = three.with_log(fill)
    finally:
        three.signal(lost, signal.SIGCONT)
    three.until_connected()
    assert three.until_alike(first + 1) == [LARGE] * sent


def test_an_observer_and_a_replica_whose_network_vanished_give_each_other_up(
    three: Hosts, cuts: Network
) -> None:
    lost = others(three.until_led())[0]

    async def watch() -> None:
        with trio.fail_after(PATIENCE_S):
            async with aclosing(observe(three.cluster, lost)) as views:
                assert isinstance(await anext(views), TelemetrySnapshot)
                cuts.part(lost, CLIENT)
                while await anext(views) is not None:
                    pass

    until(lambda: three.established(lost, CLIENT) == 0, "nobody is connected")
    trio.run(watch)
    until(lambda: three.established(lost, CLIENT) == 0, "the replica gives the observer up")
