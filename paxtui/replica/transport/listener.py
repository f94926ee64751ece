"""Where a replica listens, and whether it may: without certificates, on this machine alone."""

from __future__ import annotations

import errno
import ipaddress
import math
import socket
from collections.abc import Awaitable, Callable
from typing import Final

import trio
from msgspec import Struct

from paxtui.config.cluster_file import Address
from paxtui.net.tls.credentials import Credentials
from paxtui.replica.transport.port_owner import port_owner
from paxtui.wire.requests import Security

BACKLOG = 1024

TRY_AGAIN_S = 1.0
"""How often an address that is not there is tried."""

COMPLAIN_S = 60.0
"""How often a log says that an address is still not there."""

WAY_OUT: Final = (
    "make certificates with `paxtui certs init` and `paxtui certs replica`, and name their folder in [tls] "
    "of the cluster file or in PAXTUI_TLS_FOLDER; or say --insecure if you trust all who can reach it"
)


class PortRefused(Exception):
    """The port cannot be listened on, or must not be; one clear line."""


class AddressNotThere(PortRefused):
    """The name does not resolve, or the address is no machine's here: either may come in a minute, when a
    network or a name service is up."""


class Listening(Struct, frozen=True):
    """An open port, not yet served, and what keeps strangers out."""

    address: Address
    listeners: list[trio.SocketListener]
    credentials: Credentials | None
    security: Security


async def as_soon_as_there(
    attempt: Callable[[], Awaitable[Listening]], complain: Callable[[str], None]
) -> Listening:
    """Listen as soon as the address is there. Raises :class:`PortRefused` for what time does not mend.

    A machine may start replicas before its network: to end then would be final, since a service manager does
    not start again what ends with the exit code of a wrong configuration.
    """
    complained_at = -math.inf
    while True:
        try:
            return await attempt()
        except AddressNotThere as problem:
            if trio.current_time() >= complained_at + COMPLAIN_S:
                complained_at = trio.current_time()
                complain(f"{problem}; this replica starts when that is mended")
            await trio.sleep(TRY_AGAIN_S)


async def listen(
    address: Address,
    credentials: Credentials | None,
    *,
    insecure: bool,
    risk: str = "read, write and break this cluster",
) -> Listening:
    """Listen, if that is allowed; ``risk`` is what strangers could do. Raises :class:`PortRefused`."""
    listeners = await _open(address)
    # What the sockets say counts, not what a name meant when it was looked up.
    local = all(is_loopback(each.socket.getsockname()[0]) for each in listeners)
    if credentials is None and not local and not insecure:
        for listener in listeners:
            listener.socket.close()
        raise PortRefused(
            f"{address} can be reached from other machines, and without certificates every client can "
            f"{risk}; {WAY_OUT}"
        )
    security: Security = "tls" if credentials is not None else "loopback" if local else "insecure"
    return Listening(address, listeners, credentials, security)


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach the address."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


async def _open(address: Address) -> list[trio.SocketListener]:
    try:
        return await trio.open_tcp_listeners(address.port, host=address.host, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            owner = port_owner(address.port)
            by = f" by {owner}" if owner else ""
            raise PortRefused(
                f"{address} is in use{by}; stop that process or name another port in the configuration"
            ) from None
        there = not isinstance(error, socket.gaierror) and error.errno != errno.EADDRNOTAVAIL
        kind = PortRefused if there else AddressNotThere
        raise kind(f"cannot listen on {address}: {error.strerror or error}") from None
