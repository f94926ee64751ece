"""A replica that starts before its network waits for its address, and says so now and then."""

from __future__ import annotations

import socket

import pytest
import trio
import trio.testing

from paxtui.config.cluster_file import Address
from paxtui.replica.transport import listener
from paxtui.replica.transport.listener import PortRefused, as_soon_as_there, listen
from tests.replica.conditions import eventually


class Names(trio.abc.HostnameResolver):
    """A name service that comes up after a while."""

    def __init__(self, failures: int) -> None:
        self.failures = failures

    async def getaddrinfo(self, host, port, family=0, type=0, proto=0, flags=0):  # type: ignore[no-untyped-def]
        if self.failures:
            self.failures -= 1
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    async def getnameinfo(self, sockaddr, flags):  # type: ignore[no-untyped-def]
        raise NotImplementedError


@pytest.mark.trio
async def test_a_name_that_resolves_later_is_tried_again_with_a_word_a_minute(
    autojump_clock: trio.testing.MockClock,
) -> None:
    trio.socket.set_custom_hostname_resolver(Names(failures=100))
    said: list[str] = []
    opened = await as_soon_as_there(
        lambda: listen(Address(0, "node-0.example", 0), None, insecure=False), said.append
    )
    for opened_listener in opened.listeners:
        await opened_listener.aclose()
    assert trio.current_time() == pytest.approx(100 * listener.TRY_AGAIN_S)
    assert len(said) == 2
    assert "cannot listen on node-0.example:0" in said[0]
    assert "this replica starts when that is mended" in said[0]


@pytest.mark.trio
async def test_an_address_that_no_interface_has_is_tried_again_and_a_port_in_use_is_not() -> None:
    said: list[str] = []

    async def listen_there() -> None:
        await as_soon_as_there(
            lambda: listen(Address(0, "192.0.2.1", 7400), None, insecure=True), said.append
        )

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen_there)
        await eventually(lambda: said, "it says that it waits")
        nursery.cancel_scope.cancel()
    assert len(said) == 1
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortRefused, match="is in use"):
            await as_soon_as_there(
                lambda: listen(Address(0, "127.0.0.1", port), None, insecure=False), said.append
            )
    assert len(said) == 1
