"""Ports for replicas of tests, which nobody else can take between the look and the start of a replica."""

from __future__ import annotations

import os
import socket
from collections import deque

HELD_MAX = 200
"""Ports that are kept at a time: more than the tests that run at a time use."""

_held: deque[int] = deque()


def free_ports(n: int) -> tuple[int, ...]:
    """Find ``n`` free ports, and keep them: a socket is bound to each, and does not listen.

    The kernel then gives such a port to no other socket that asks for any port, be it for an outgoing
    connection. A server that asks for this port with ``SO_REUSEADDR``, as replicas do, gets it.
    """
    sockets = [socket.socket() for _ in range(n)]
    for each in sockets:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        each.bind(("127.0.0.1", 0))
    ports = tuple(each.getsockname()[1] for each in sockets)
    _held.extend(each.detach() for each in sockets)
    while len(_held) > HELD_MAX:
        os.close(_held.popleft())
    return ports
