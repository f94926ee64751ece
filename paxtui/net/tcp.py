"""What TCP is told on every connection, and how a replica dials another.

TCP by itself tries for a quarter of an hour before it gives up on a host that acknowledges nothing, and for
ever if there is nothing to send. A host that loses its power or its cable says no farewell, so each side sets
how long it waits: `write_s` bounds how long bytes may stay unacknowledged (and, where the other side lives
and does not read, untaken); `quiet_s` and `probe_s` say when a connection on which nothing happens is probed.
Nagle's algorithm is off: what leaves is gathered already, and waiting for more would only cost time.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from typing import Final

import trio
from msgspec import Struct

Socket = trio.SocketStream | trio.socket.SocketType

LATER_S: Final = 5.0
"""How much later than the replica itself TCP gives up a client, at least."""

WRITE_MS_MOST: Final = 2**31 - 1
QUIET_S_MOST: Final = 32767
"""The kernel takes no more."""

NARROW_BYTES: Final = 1220
"""Segments that fit through every path: IPv6 promises packets of 1,280 bytes, 60 of them headers."""

RTT_OFFSET: Final = 68
"""Where ``tcpi_rtt`` stands in Linux's ``struct tcp_info``: behind eight bytes and fifteen words of four."""


class TcpTimeouts(Struct, frozen=True):
    """For how long a connection is believed in while nothing comes from the other side."""

    write_s: float
    quiet_s: int
    probe_s: int

    @property
    def probes(self) -> int:
        """Return the number of unanswered probes that end a connection, where there is no time-out for
        writes."""
        return max(1, round((self.write_s - self.quiet_s) / self.probe_s))


CLIENT: Final = TcpTimeouts(write_s=4.0, quiet_s=2, probe_s=1)
"""Of clients, operators and observers. Who has asked something, or tails, loses patience sooner; this is for
observers, to whom a replica that vanished would look like one where nothing happens."""


def link_timeouts(link_s: float) -> TcpTimeouts:
    """Return the time-outs between replicas, which say something several times a second."""
    return TcpTimeouts(write_s=link_s, quiet_s=max(1, int(link_s / 2)), probe_s=1)


def client_timeouts(stalled_s: float) -> TcpTimeouts:
    """Return the time-outs of a replica with clients. It closes a slow reader after ``stalled_s`` with a word
    of why; TCP, which can only break off, comes well after that, for those whom no word reaches."""
    return TcpTimeouts(
        write_s=stalled_s + max(stalled_s, LATER_S),
        quiet_s=max(1, int(stalled_s / 2)),
        probe_s=max(1, int(stalled_s / 6)),
    )


def set_timeouts(sock: Socket, timeouts: TcpTimeouts) -> None:
    """Set all of it. What this system lacks is left out, and one that is broken already is let be."""
    quiet_s = min(timeouts.quiet_s, QUIET_S_MOST)
    probe_s = min(timeouts.probe_s, QUIET_S_MOST)
    _set(sock, "TCP_NODELAY", 1)
    _set(sock, "TCP_KEEPIDLE", quiet_s)
    _set(sock, "TCP_KEEPINTVL", probe_s)
    _set(sock, "TCP_KEEPCNT", min(timeouts.probes, 127))
    _set(sock, "TCP_USER_TIMEOUT", max(1, min(int(timeouts.write_s * 1000), WRITE_MS_MOST)))
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def round_trip_s(sock: Socket | socket.socket) -> float | None:
    """Return the round trip of a connection as its TCP measures and smooths it, in seconds: how far away the
    other host is, without a message. ``None`` where this system does not tell, or nothing was measured."""
    option = getattr(socket, "TCP_INFO", None)
    if option is None or sys.platform != "linux":  # the layout of the answer is Linux's own
        return None
    try:
        told = sock.getsockopt(socket.IPPROTO_TCP, option, RTT_OFFSET + 4)
    except OSError:
        return None
    if len(told) < RTT_OFFSET + 4:
        return None
    microseconds = int.from_bytes(told[RTT_OFFSET:], sys.byteorder)
    return microseconds / 1e6 or None


def _set(sock: Socket, name: str, value: int) -> None:
    option = getattr(socket, name, None)
    if option is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


async def connect(host: str, port: int, timeouts: TcpTimeouts, *, narrow: bool = False) -> trio.SocketStream:
    """Connect, trying the host's addresses in turn. ``narrow`` keeps the segments of both sides below
    :data:`NARROW_BYTES`, which can only be said before the first packet. Raises ``OSError``."""
    failure = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in await trio.socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        sock = trio.socket.socket(family, kind, protocol)
        try:
            set_timeouts(sock, timeouts)
            if narrow:
                _set(sock, "TCP_MAXSEG", NARROW_BYTES)
            await sock.connect(address)
            return trio.SocketStream(sock)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
    raise failure
