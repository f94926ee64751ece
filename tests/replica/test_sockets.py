"""What TCP is told on each connection, and who counts as connected."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest
import trio
import trio.testing
from msgspec import structs

from paxtui.client.connection import answers, dial
from paxtui.config import cluster_file
from paxtui.config.limits import Limits
from paxtui.core.settings import Settings
from paxtui.net import tcp
from paxtui.replica.transport.frame_writer import FrameWriter
from paxtui.replica.transport.keepalive import Keepalive
from tests.ports import free_ports
from tests.replica.conditions import eventually
from tests.replica.host import HostedReplica, Raw, hosted

pytestmark = [
    pytest.mark.trio,
    pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="TCP_USER_TIMEOUT is Linux's alone"),
]

HEARTBEAT_S = 100.0
SLOW = Settings(heartbeat_s=HEARTBEAT_S, election_s_min=1000.0, election_s_max=2000.0)
"""Beside such a heartbeat it does not matter how long the test itself takes."""


def told(stream: object) -> tuple[int, ...]:
    """Write time-out in ms, quiet and probe time in s, no delay, keep-alive."""
    assert isinstance(stream, trio.SocketStream)
    names = ("TCP_USER_TIMEOUT", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_NODELAY")
    numbers = [stream.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in names]
    return (*numbers, stream.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))


@pytest.fixture
def accepted(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The sockets that were prepared so far."""
    prepared: list[object] = []
    real = tcp.prepare

    def prepare(sock: tcp.Socket, patience: tcp.TcpTimeouts) -> None:
        real(sock, patience)
        prepared.append(sock)

    monkeypatch.setattr(tcp, "prepare", prepare)
    return prepared


@contextlib.asynccontextmanager
async def slow(folder: Path, **limits: float) -> AsyncIterator[HostedReplica]:
    """One of three with a slow heartbeat; the others are the test."""
    cluster = cluster_file.local(3, free_ports(3), name="hosted")
    cluster = structs.replace(cluster, settings=SLOW)
    async with hosted(folder / "r0", cluster=cluster, limits=Limits(**limits)) as host:  # type: ignore[arg-type]
        yield host


async def test_a_replica_lets_clients_be_silent_for_longer_than_replicas(
    tmp_path: Path, accepted: list[object]
) -> None:
    async with hosted(tmp_path, replicas=3, limits=Limits(link_s=3.0, stalled_s=60.0)) as host:
        async with host.dial("client"):
            assert told(accepted[-1]) == (120_000, 30, 10, 1, 1)
        async with host.dial("peer", **host.peer(1)):
            assert told(accepted[-1]) == (3000, 1, 1, 1, 1)


async def test_a_client_sets_limits_of_its_own(tmp_path: Path, accepted: list[object]) -> None:
    async with hosted(tmp_path) as host, dial(host.node.cluster.address(0), "client", answers) as connection:
        stream = connection._stream
        assert stream in accepted
        assert told(stream) == (4000, 2, 1, 1, 1)


async def test_a_link_that_is_dialled_is_told_all_before_its_first_packet() -> None:
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    port = listener.socket.getsockname()[1]
    patience = tcp.of_link(2.0)
    async with listener:
        async with await tcp.connect("127.0.0.1", port, patience) as wide:
            assert told(wide) == (2000, 1, 1, 1, 1)
            assert wide.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) > 2 * tcp.NARROW_BYTES
        narrow = await tcp.connect("127.0.0.1", port, patience, narrow=True)
        async with narrow, await listener.accept(), await listener.accept() as other:
            for end in (narrow, other):
                assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) <= tcp.NARROW_BYTES


async def test_a_name_with_two_addresses_is_dialled_at_the_one_that_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    port = listener.socket.getsockname()[1]

    async def both(*_: object, **__: object) -> list[tuple[object, ...]]:
        kind = (socket.AF_INET, socket.SOCK_STREAM, 0, "")
        return [(*kind, ("127.0.0.2", port)), (*kind, ("127.0.0.1", port))]

    monkeypatch.setattr(trio.socket, "getaddrinfo", both)
    async with listener, await tcp.connect("both", port, tcp.of_link(2.0)) as stream:
        assert stream.socket.getpeername()[0] == "127.0.0.1"
    with pytest.raises(ConnectionRefusedError):
        await tcp.connect("both", port, tcp.of_link(2.0))


@pytest.mark.parametrize("seconds", [0.0001, 1e9])
async def test_the_shortest_and_the_longest_time_can_be_set(seconds: float) -> None:
    with trio.socket.socket() as sock:
        tcp.prepare(sock, tcp.of_link(seconds))
        most = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        assert most == (1 if seconds < 1 else 2**31 - 1)


async def test_a_peer_is_connected_until_two_heartbeats_after_it_was_heard(
    tmp_path: Path, mock_clock: trio.testing.MockClock
) -> None:
    mock_clock.rate = 1.0
    async with slow(tmp_path) as host, trio.open_nursery() as nursery:
        port = host.node.cluster.address(1).port
        await nursery.start(trio.serve_tcp, _welcome, port)
        await eventually(lambda: 1 in host.node.out.links, "it has a link to replica 1")
        assert host.server.status(0).connected == ()
        async with host.dial("peer", **host.peer(1)) as peer:
            await peer.say({"type": "ready"})
            await eventually(lambda: host.server.status(0).connected == (1,), "it is connected")
            mock_clock.jump(1.5 * HEARTBEAT_S)
            assert host.server.status(0).connected == (1,)
            mock_clock.jump(0.5 * HEARTBEAT_S)
            assert host.server.status(0).connected == ()
            assert [link.connected for link in host.server.status(0).links] == [True, False]
            await peer.say({"type": "ready"})
            await eventually(lambda: host.server.status(0).connected == (1,), "it is heard again")
        nursery.cancel_scope.cancel()


async def _welcome(stream: trio.SocketStream) -> None:
    """A replica that welcomes whoever comes."""
    raw = Raw(stream)
    hello = await raw.hear()
    assert hello is not None
    welcome = {
        "version": 1,
        "cluster": "",
        "name": "",
        "replica": 1,
        "members": [],
        "leader": None,
        "applied": 0,
    }
    await raw.say({"type": "welcome", **welcome})
    with contextlib.suppress(trio.BrokenResourceError):
        while await stream.receive_some():
            pass


async def test_a_quiet_link_carries_a_sign_of_life_and_a_busy_one_does_not(
    mock_clock: trio.testing.MockClock,
) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    mock_clock.autojump_threshold = 0
    sender = FrameWriter(ours)
    signs = Keepalive(sender, heartbeat_s=0.1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sender.run)
        nursery.start_soon(signs.run)
        heard = []
        for _ in range(3):
            assert b"ready" in await theirs.receive_some()
            heard.append(trio.current_time())
        gaps = [later - earlier for earlier, later in pairwise(heard)]
        assert gaps == [pytest.approx(0.11)] * 2
        for _ in range(10):  # turns, as often as heartbeats come
            await trio.sleep(0.1)
            signs.look(trio.current_time())
            assert b"ready" in await theirs.receive_some()
        for _ in range(10):
            await trio.sleep(0.1)
            sender.push(b"busy")
            sender.flush()
            await trio.testing.wait_all_tasks_blocked()
            signs.look(trio.current_time())
            assert await theirs.receive_some() == b"busy"
        nursery.cancel_scope.cancel()
