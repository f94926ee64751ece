"""As many file descriptors as connections may need: without one not even a peer can be accepted."""

from __future__ import annotations

import resource
from typing import Final

from msgspec import structs

from paxtui.config.limits import Limits

DESCRIPTORS_A_GUEST: Final = 2
"""The socket and the second handle by which answers leave at once."""

OTHERS: Final = 256
"""Database, log files, peers in both directions, threads and what the interpreter opens."""


def fit(limits: Limits) -> tuple[Limits, str | None]:
    """Raise this process's soft limit as far as the limits need; if it cannot go so high, the limits that
    fit, and a line that says so."""
    needed = DESCRIPTORS_A_GUEST * limits.connections + limits.strangers + OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return limits, None
    most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most >= needed:
        return limits, None
    strangers = max(1, min(limits.strangers, most // 8))
    connections = max(1, (most - OTHERS - strangers) // DESCRIPTORS_A_GUEST)
    lower = structs.replace(limits, connections=min(connections, limits.connections), strangers=strangers)
    return lower, (
        f"only {most} files may be open (ulimit -n), and connections = {limits.connections} needs {needed}: "
        f"{lower.connections} connections and {strangers} strangers are allowed"
    )
