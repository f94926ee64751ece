"""What one replica process allows those who connect: every limit with its reason.

The table ``[limits]`` of the cluster file sets them, and the environment's ``PAXTUI_LIMIT_CONNECTIONS`` and
so on go over it. They protect one process from all that reach its port, so they need not be equal on all
replicas, and they say nothing about the protocol: what replicas send each other is bounded in ``[settings]``
and in :mod:`paxtui.core.validation`. Peers, that is connections that said the hello of another replica and
were welcomed, are in no limit here but `peer_bytes`: strangers must not be able to keep replicas apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct, ValidationError, convert, structs

LIMIT_VARIABLE: Final = "PAXTUI_LIMIT_"


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of a whole process, of an address and of a connection. Times in seconds."""

    # The process

    connections: int = 4096
    """Clients, operators and observers at once; more are told so and closed. A connection takes two file
    descriptors and some 20 kB."""

    connections_an_address: int = 1024
    """The same for one address, so that one machine cannot take all. On loopback all have the same."""

    strangers: int = 512
    """Connections at once that have not been welcomed. For one more the oldest is closed: who comes in
    earnest says hello within milliseconds, who only holds a place waits longest."""

    received_bytes: int = 64 * 1024 * 1024
    """Unfinished frames of all connections together; past it the connection with the most is closed."""

    queued_bytes: int = 256 * 1024 * 1024
    """What waits for slow readers on all connections together; past it the one with the most is closed."""

    complaints: int = 100
    """Lines about strangers that may go into the log at once; ten a second come back, others are counted."""

    # Before hello

    hello_s: float = 5.0
    """How long a stranger may take for its certificate and hello."""

    hello_bytes: int = 64 * 1024
    """The longest first frame. The longest honest one has 9 addresses of 300 characters, six bytes each."""

    # One connection

    frame_bytes: int = 1024 * 1024
    """The longest frame of a client, operator or observer. A text of 64 KiB needs 6 times that when JSON has
    to escape all of it. Peers may always send 1 MiB, which their runs are cut for."""

    nesting: int = 16
    """How deep lists and objects may lie in each other. The deepest message of the protocol has 6."""

    in_flight: int = 4096
    """Requests that may be unanswered; past it the replica stops reading from the connection."""

    tails: int = 64
    """Tails, observations and local reads that may run at once."""

    tail_bytes: int = 1024 * 1024
    """How far a tail reads ahead of what its reader took."""

    client_bytes: int = 16 * 1024 * 1024
    """What may wait for a slow reader before it is closed: more than one full window of answers."""

    observer_bytes: int = 2 * 1024 * 1024
    """What may wait for a slow observer before it gets a new snapshot in place of deltas."""

    peer_bytes: int = 16 * 1024 * 1024
    """What may wait for a slow peer. Past it messages are lost, which the protocol bears."""

    link_s: float = 2.0
    """A connection between replicas is broken off and dialled anew when nothing that was sent on it is
    acknowledged for so long. TCP sends again after 0.2, 0.6 and 1.4 s, so one packet must be lost four times;
    a network that heals is used again soon, not when TCP dares its next, ever rarer, attempt."""

    idle_s: float = 3600.0
    """A client or operator that says nothing for so long, and is owed nothing, is closed; it connects again
    when it wants something. Tails, observations and open requests keep a connection; peers have no limit."""

    stalled_s: float = 60.0
    """A connection that takes none of what waits for it for so long is closed."""

    name_chars: int = 64
    """A client's name."""

    text_bytes: int = 64 * 1024
    """A message, in bytes of UTF-8."""


FIELDS: Final = {field.name: field for field in structs.fields(Limits)}

LEAST: Final[dict[str, float]] = {
    "frame_bytes": 1024,
    "hello_bytes": 1024,
    "nesting": 6,
    "client_bytes": 4096,
}
"""With less than this no client could work. All others are at least 1, and times above 0."""

MOST: Final[dict[str, float]] = {
    "frame_bytes": 1024 * 1024,
    "hello_bytes": 1024 * 1024,
    "nesting": 900,
    "name_chars": 64,
    "text_bytes": 64 * 1024,
}
"""What the protocol itself allows, and for nesting what the interpreter's stack bears."""

NUMBER_MOST: Final = 2**40
SECONDS_MOST: Final = 86_400.0 * 365


def problem(limits: Limits) -> tuple[str, str] | None:
    """Return the first limit that cannot be, and what is allowed."""
    for name, field in FIELDS.items():
        value = getattr(limits, name)
        if field.type is float:
            if not 0 < value <= SECONDS_MOST:
                return name, f"{name} is {value:g}, allowed: above 0, at most {SECONDS_MOST:g}"
            continue
        least, most = LEAST.get(name, 1), MOST.get(name, NUMBER_MOST)
        if not least <= value <= most:
            return name, f"{name} is {value}, allowed: {least} to {most}"
    return None


def with_environment(limits: Limits, env: Mapping[str, str]) -> Limits:
    """Put what the environment says over what the file says. Raises ``ValueError`` that names the
    variable."""
    changes: dict[str, Any] = {}
    for name, field in FIELDS.items():
        variable = LIMIT_VARIABLE + name.upper()
        text = env.get(variable)
        if not text:
            continue
        try:
            changes[name] = convert(text[:40], field.type, strict=False)
        except ValidationError:
            what = "a number" if field.type is float else "a whole number"
            raise ValueError(f"{variable} is {text[:40]!r}, expected {what}") from None
    changed = structs.replace(limits, **changes)
    found = problem(changed)
    if found is not None and found[0] in changes:
        raise ValueError(f"{LIMIT_VARIABLE}{found[0].upper()}: {found[1]}")
    return changed
