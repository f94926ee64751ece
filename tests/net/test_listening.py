"""Where a replica listens: on this machine alone, unless it has certificates or somebody insists."""

from __future__ import annotations

import io
import socket
from pathlib import Path

import pytest
import trio
import trio.testing

from paxtui.config.cluster_file import Address
from paxtui.net.tls.credentials import Credentials
from paxtui.replica.event_log import EventLog
from paxtui.replica.sessions.certificate_reload import keep_fresh, tell_security
from paxtui.replica.transport.listener import Listening, PortRefused, is_loopback, listen
from tests.net.certificates import Folder
from tests.ports import free_ports


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.200.3.4", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.5", False),
        ("169.254.1.1", False),
        ("fe80::1%eth0", False),
        ("::ffff:10.0.0.5", False),
        ("not an address", False),
    ],
)
def test_what_only_this_machine_reaches(host: str, local: bool) -> None:
    assert is_loopback(host) == local


def free_address(host: str) -> Address:
    return Address(0, host, free_ports(1)[0])


async def listen_somewhere(host: str, credentials: Credentials | None, insecure: bool) -> Listening:
    """A port that was free may be somebody's by now, on any of the machine's addresses."""
    while True:
        try:
            return await listen(free_address(host), credentials, insecure=insecure)
        except PortRefused as refused:
            if "is in use" not in str(refused):
                raise


@pytest.mark.trio
@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
async def test_a_port_that_others_reach_is_refused_with_the_reason_and_the_way_out(host: str) -> None:
    if host == "::" and not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    address = free_address(host)
    with pytest.raises(PortRefused) as refused:
        await listen(address, None, insecure=False)
    assert str(refused.value) == (
        f"{address} can be reached from other machines, and without certificates every client can "
        "read, write and break this cluster; make certificates with `paxtui certs init` and `paxtui certs "
        "replica`, and name their folder in [tls] of the cluster file or in PAXTUI_TLS_FOLDER; or say "
        "--insecure if you trust all who can reach it"
    )
    with pytest.raises(OSError, match="all attempts to connect"):  # nothing listens there any more
        await trio.open_tcp_stream("127.0.0.1", address.port)


@pytest.mark.trio
async def test_what_keeps_strangers_out_is_said_in_the_log(tmp_path: Path) -> None:
    certs = Folder(tmp_path / "certs", "replica-0")
    lines = io.StringIO()
    event_log = EventLog(0, "info", as_json=False, file=lines)
    for host, credentials, insecure, security in (
        ("127.0.0.1", None, False, "loopback"),
        ("127.0.0.1", None, True, "loopback"),
        ("0.0.0.0", None, True, "insecure"),
        ("0.0.0.0", certs.replica(0), False, "tls"),
        ("127.0.0.1", certs.replica(0), False, "tls"),
    ):
        listening = await listen_somewhere(host, credentials, insecure)
        assert listening.security == security
        tell_security(listening, event_log)
        for listener in listening.listeners:
            await listener.aclose()
    said = [line.split(" ", 1)[1] for line in lines.getvalue().splitlines()]
    local = "r0 tls      no certificates: only programs on this machine can connect"
    assert said[:2] == [local, local]
    assert said[2].startswith("r0 INSECURE WARNING: every client that reaches 0.0.0.0:")
    assert said[2].endswith("can read, write and break this cluster (--insecure, no certificates)")
    assert said[3].startswith(
        f"r0 tls      takes no connection without a certificate; shows {certs.path}/replica-0.pem"
    )


@pytest.mark.trio
@pytest.mark.parametrize(
    ("days", "words"), [(60, None), (14, "expires in 13 days"), (1, "expires in 0 days")]
)
async def test_a_certificate_that_expires_soon_is_warned_of(
    tmp_path: Path, days: int, words: str | None
) -> None:
    certs = Folder(tmp_path / "certs")
    certs.issue("replica-0", days)
    lines = io.StringIO()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_fresh, certs.replica(0), EventLog(0, "info", as_json=False, file=lines))
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    file = certs.path / "replica-0.pem"
    expected = f"WARNING: {file} {words}; renew it, then send this process SIGHUP" if words else ""
    assert lines.getvalue().rstrip().endswith(expected)
    assert bool(lines.getvalue()) == bool(words)
