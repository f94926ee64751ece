"""Bytes on TCP connections of this machine, as the kernel counted them (``NETLINK_SOCK_DIAG``).

No capture and no guess: each socket's ``tcp_info`` says how many bytes of payload the other side has
acknowledged. Any user may ask; the layout is that of ``linux/inet_diag.h`` and ``linux/tcp.h``.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

NETLINK_SOCK_DIAG: Final = 4
SOCK_DIAG_BY_FAMILY: Final = 20
NLM_F_REQUEST_DUMP: Final = 0x301
NLMSG_ERROR: Final = 2
NLMSG_DONE: Final = 3
INET_DIAG_INFO: Final = 2
ESTABLISHED: Final = 1 << 1

HEADER: Final = struct.Struct("=IHHII")
REQUEST: Final = struct.Struct("=BBBBI 48x")
ID_OFFSET: Final = 4
"""Of the ports in ``inet_diag_msg``: family, state, timer and retransmissions stand before."""
MESSAGE_BYTES: Final = 72
INODE_OFFSET: Final = 68
BYTES_ACKED_OFFSET: Final = 120
"""Of ``tcpi_bytes_acked`` in ``tcp_info``; since Linux 4.1."""

RECEIVE_BYTES: Final = 1024 * 1024


class Flow(Struct, frozen=True, gc=False):
    """One end of a connection, and the bytes that it has sent and that have arrived."""

    inode: int
    local: tuple[bytes, int]
    remote: tuple[bytes, int]
    sent_bytes: int

    @property
    def ends(self) -> tuple[tuple[bytes, int], tuple[bytes, int]]:
        return self.local, self.remote


def flows() -> list[Flow] | None:
    """List all established TCP connections; ``None`` where the system does not tell."""
    found: list[Flow] = []
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as netlink:
            netlink.settimeout(1.0)
            for family in (socket.AF_INET, socket.AF_INET6):
                found.extend(_dump(netlink, family))
    except (AttributeError, OSError, struct.error):
        return None
    return found


def _dump(netlink: socket.socket, family: int) -> Iterator[Flow]:
    body = REQUEST.pack(family, socket.IPPROTO_TCP, 1 << (INET_DIAG_INFO - 1), 0, ESTABLISHED)
    length = HEADER.size + len(body)
    netlink.send(HEADER.pack(length, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST_DUMP, family, 0) + body)
    while True:
        received = netlink.recv(RECEIVE_BYTES)
        start = 0
        while start + HEADER.size <= len(received):
            length, kind, _, _, _ = HEADER.unpack_from(received, start)
            if kind == NLMSG_DONE:
                return
            if kind == NLMSG_ERROR or length < HEADER.size:
                raise OSError("the kernel refused the question")
            flow = _flow(received[start + HEADER.size : start + length])
            if flow is not None:
                yield flow
            start += (length + 3) & ~3


def _flow(message: bytes) -> Flow | None:
    here, there = struct.unpack_from("!HH", message, ID_OFFSET)
    width = 4 if message[0] == socket.AF_INET else 16
    source = message[ID_OFFSET + 4 : ID_OFFSET + 4 + width]
    target = message[ID_OFFSET + 20 : ID_OFFSET + 20 + width]
    (inode,) = struct.unpack_from("=I", message, INODE_OFFSET)
    start = MESSAGE_BYTES
    while start + 4 <= len(message):
        length, kind = struct.unpack_from("=HH", message, start)
        if kind == INET_DIAG_INFO and length >= 4 + BYTES_ACKED_OFFSET + 8:
            (acked,) = struct.unpack_from("=Q", message, start + 4 + BYTES_ACKED_OFFSET)
            return Flow(inode, (source, here), (target, there), acked)
        start += max(4, (length + 3) & ~3)
    return None
