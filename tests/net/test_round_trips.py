"""The round trip of a connection, as TCP tells it."""

from __future__ import annotations

import socket
import sys

import pytest

from paxtui.net.tcp import round_trip_s


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells it in this way")
def test_a_connection_on_loopback_has_a_round_trip_below_a_second() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        accepted, _ = server.accept()
        with accepted:
            client.sendall(b"x" * 100)
            assert accepted.recv(100)
            trip_s = round_trip_s(client)
    assert trip_s is not None
    assert 0 < trip_s < 1


def test_what_has_none_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = socket.socketpair()
    with one, other:
        assert round_trip_s(one) is None
    assert round_trip_s(one) is None
    monkeypatch.setattr(sys, "platform", "darwin")
    with socket.socket() as unconnected:
        assert round_trip_s(unconnected) is None
