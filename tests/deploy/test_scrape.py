"""The port for metrics, from the other side: what it answers, and what strangers can do there: nothing."""

from __future__ import annotations

import random
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from paxtui.config.cluster_file import Address
from paxtui.net.tls.credentials import Credentials
from paxtui.replica.metrics import collector, http
from paxtui.replica.metrics.http import Scrapes, listen_for_scrapes
from paxtui.replica.transport.listener import PortRefused
from tests.deploy.scraping import Scrape
from tests.net.certificates import Folder, stranger
from tests.ports import free_ports
from tests.replica.conditions import PATIENCE_S, eventually
from tests.replica.host import HostedReplica, hosted

GET = b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n"


class Door:
    """A replica's port for metrics."""

    def __init__(self, host: HostedReplica, port: int) -> None:
        self.host = host
        self.port = port

    async def say(self, data: bytes, *, end: bool = False, context: ssl.SSLContext | None = None) -> bytes:
        """All that is answered until the replica hangs up."""
        with trio.fail_after(PATIENCE_S):
            stream: trio.abc.Stream = await trio.open_tcp_stream("127.0.0.1", self.port)
            if context is not None:
                stream = trio.SSLStream(stream, context, https_compatible=True)
            async with stream:
                heard = b""
                try:
                    await stream.send_all(data)
                    if end:
                        assert isinstance(stream, trio.SocketStream)
                        await stream.send_eof()
                    while received := await stream.receive_some(65536):
                        heard += received
                except trio.BrokenResourceError as error:
                    if isinstance(error.__cause__, ssl.SSLError):
                        return str(error.__cause__).encode()
                return heard

    async def scrape(self, context: ssl.SSLContext | None = None) -> Scrape:
        head, _, body = (await self.say(GET, context=context)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert f"Content-Length: {len(body)}\r\n".encode() in head
        return Scrape(body.decode())


@asynccontextmanager
async def door(folder: Path, credentials: Credentials | None = None) -> AsyncIterator[Door]:
    async with hosted(folder) as host, trio.open_nursery() as nursery:
        await eventually(
            lambda: host.node.status is not None and host.node.status.role == "leader", "it leads"
        )
        sizes = collector.Sizes(host.node.storage.folder)
        guests = host.server.guests
        report = lambda: host.server.status(0)  # noqa: E731
        page = collector.MetricsPage(
            collector.registry_of(collector.ReplicaCollector(host.node, report, guests, sizes, credentials)),
            sizes,
        )
        scrapes = Scrapes(page.text, collector.CONTENT_TYPE, guests, credentials)
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, scrapes.handle, listeners)
        yield Door(host, listeners[0].socket.getsockname()[1])
        nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_metrics_and_livez_are_all_there_is(tmp_path: Path) -> None:
    async with door(tmp_path) as it:
        assert (await it.scrape())["paxtui_is_leader"] == 1
        assert (await it.say(b"GET /livez HTTP/1.0\r\n\r\n")).endswith(b"\r\n\r\nok\n")
        assert (await it.say(GET.replace(b"/metrics", b"/metrics?name=x"))).startswith(b"HTTP/1.1 200 ")
        for request, status in (
            (b"GET / HTTP/1.1\r\n\r\n", b"404"),
            (b"GET /metrics/../livez HTTP/1.1\r\n\r\n", b"404"),
            (b"POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\na=b", b"405"),
            (b"DELETE /livez HTTP/1.1\r\n\r\n", b"405"),
        ):
            assert (await it.say(request)).startswith(b"HTTP/1.1 " + status), request


@pytest.mark.trio
@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\r\n\r\n", b"400"),
        (b"GET /metrics\r\n\r\n", b"400"),
        (b"GET  /metrics HTTP/1.1\r\n\r\n", b"400"),
        (b"GET http://elsewhere/metrics HTTP/1.1\r\n\r\n", b"400"),
        (b"PRI * HTTP/2.0\r\n\r\n", b"400"),
        (b"GET /metr", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00", b"400"),
        (b"\x00" * 100 + b"\n\n", b"400"),
        (b"GET /metrics HTTP/1.1\r\n" + b"A: b\r\n" * 2000 + b"\r\n", b"431"),
        (b"G" * 9000, b"431"),
        (b"", b""),
    ],
)
async def test_what_is_no_request_is_told_so_and_harms_nothing(
    tmp_path: Path, data: bytes, status: bytes
) -> None:
    async with door(tmp_path) as it:
        answer = await it.say(data, end=True)
        assert answer.startswith(b"HTTP/1.1 " + status) if status else answer == b""
        assert it.host.refused.get(http.BAD_REQUEST, 0) == bool(status)
        assert (await it.scrape()).of("paxtui_refused_total", reason=http.BAD_REQUEST) == bool(status)


@pytest.mark.trio
async def test_random_bytes_harm_nothing(tmp_path: Path) -> None:
    rng = random.Random(7)
    async with door(tmp_path) as it:
        for _ in range(100):
            data = rng.randbytes(rng.randrange(1, 400)) + rng.choice((b"", b"\r\n\r\n"))
            answer = await it.say(data, end=True)
            assert answer.startswith(b"HTTP/1.1 400 ")
        assert it.host.node.counters["bad frames"] == 0
        assert (await it.scrape())["paxtui_is_leader"] == 1


@pytest.mark.trio
async def test_who_says_nothing_or_takes_nothing_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "CONVERSATION_S", 0.1)
    async with door(tmp_path) as it:
        for data in (b"", b"GET /metrics HTTP/1.1\r\nSlow: "):
            async with await trio.open_tcp_stream("127.0.0.1", it.port) as slow:
                await slow.send_all(data)
                with trio.fail_after(PATIENCE_S):
                    assert await slow.receive_some(100) == b""
        await eventually(lambda: it.host.refused.get(http.TOO_SLOW) == 2, "both are counted")


@pytest.mark.trio
async def test_whoever_holds_places_loses_the_oldest_and_others_are_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "CONVERSATION_S", 3600.0)  # nobody is closed because of the time
    async with door(tmp_path) as it:
        held = [await trio.open_tcp_stream("127.0.0.1", it.port) for _ in range(http.CONNECTIONS_MAX)]
        for each in held:
            await each.send_all(b"GET")
        assert (await it.scrape())["paxtui_is_leader"] == 1
        await eventually(lambda: it.host.refused.get(http.TOO_MANY, 0) >= 1, "one of them had to go")
        with trio.fail_after(PATIENCE_S):
            assert await held[0].receive_some(100) == b""
        for each in held:
            await each.aclose()


@pytest.mark.trio
async def test_what_goes_wrong_with_the_numbers_does_not_stop_the_replica(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with door(tmp_path) as it:
        with monkeypatch.context() as broken:
            broken.setattr(
                collector, "BELIEFS", (("nonsense", "A mistake.", lambda status: status.nonsense),)
            )
            assert (await it.say(GET)).startswith(b"HTTP/1.1 500 ")
            assert "metrics: cannot be told: AttributeError" in it.host.lines.getvalue()
        assert (await it.scrape())["paxtui_is_leader"] == 1


class Counting(collector.Collector):  # type: ignore[misc, name-defined]
    """A collector that counts how often it is asked."""

    def __init__(self) -> None:
        self.times = 0

    def collect(self):  # type: ignore[no-untyped-def]
        self.times += 1
        return iter(())


@pytest.mark.trio
async def test_those_who_ask_at_once_share_one_page(tmp_path: Path, autojump_clock: object) -> None:
    del autojump_clock
    counting = Counting()
    page = collector.MetricsPage(collector.registry_of(counting), collector.Sizes(tmp_path))
    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(page.text)
    assert counting.times == 1
    await trio.sleep(collector.PAGE_S)
    await page.text()
    assert counting.times == 2


@pytest.mark.trio
async def test_a_file_system_that_hangs_leaves_out_the_sizes_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def hang(folder: Path) -> tuple[dict[str, int], int | None]:
        go_on.wait()
        return {"database": 1}, 1

    monkeypatch.setattr(collector, "_measure", hang)
    monkeypatch.setattr(collector, "DISK_S", 0.05)
    async with door(tmp_path) as it:
        try:
            page = await it.scrape()
        finally:
            go_on.set()
        assert page["paxtui_is_leader"] == 1
        assert "paxtui_disk_free_bytes" not in page


@pytest.mark.trio
async def test_with_certificates_those_who_may_see_the_status_may_scrape(tmp_path: Path) -> None:
    certs = Folder(
        tmp_path / "certs", "replica-0", "replica-1", "observer-wall", "client-ada", "operator-eve"
    )
    authority = certs.path / "authority.pem"
    async with door(tmp_path / "r0", certs.replica(0)) as it:
        for stem in ("observer-wall", "client-ada", "operator-eve"):
            page = await it.scrape(stranger(certs.files(stem), authority))
            assert page["paxtui_certificate_expiry_timestamp_seconds"] == certs.replica(0).until
        assert (await it.say(GET, context=stranger(certs.files("replica-1"), authority))).startswith(
            b"HTTP/1.1 403 "
        )
        assert (
            b"alert certificate required"
            in (await it.say(GET, context=stranger(None, authority))).replace(b"_", b" ").lower()
        )
        others = Folder(tmp_path / "others", "observer-wall")
        answer = await it.say(GET, context=stranger(others.files("observer-wall"), authority))
        assert b"paxtui_" not in answer
        plain = await it.say(GET)
        assert plain.startswith(b"HTTP/1.1 400 ")
        assert plain.endswith(b"this port takes https, with a certificate of this cluster\n")
        assert it.host.refused[http.NO_CERTIFICATE] == 4


async def closed_again(address: Address, credentials: Credentials | None, *, insecure: bool) -> str:
    """What keeps strangers from the port."""
    listening = await listen_for_scrapes(address, credentials, insecure=insecure)
    for listener in listening.listeners:
        await listener.aclose()
    assert (listening.credentials is not None) == (listening.security == "tls")
    return listening.security


@pytest.mark.trio
async def test_where_it_may_listen(tmp_path: Path) -> None:
    mine = Folder(tmp_path, "replica-0").replica(0)
    here, everywhere = Address(0, "127.0.0.1", free_ports(1)[0]), Address(0, "0.0.0.0", free_ports(1)[0])
    assert await closed_again(here, None, insecure=False) == "loopback"
    assert await closed_again(here, mine, insecure=False) == "loopback"
    assert await closed_again(everywhere, mine, insecure=False) == "tls"
    assert await closed_again(everywhere, None, insecure=True) == "insecure"
    with pytest.raises(PortRefused, match=r"^--metrics: 0\.0\.0\.0:\d+ can be reached from other machines"):
        await listen_for_scrapes(everywhere, None, insecure=False)
