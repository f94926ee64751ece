"""The first frame on every connection, and its two answers."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from msgspec import DecodeError, Meta, Struct, json

from paxtui import __version__
from paxtui.core.ballot import Number, ReplicaId
from paxtui.core.values import CLIENT_CHARS_MAX

PROTOCOL_VERSION = 2
"""Raised by every change that an older program would misread. 2: words of today, see
:mod:`paxtui.wire.versions`."""

OLDEST_VERSION = 1
"""The oldest version that this program speaks, to whoever says it at hello."""

NAME_CHARS_MAX = 64
"""A client's name, in characters."""

Role = Literal["peer", "client", "operator", "observer"]

Name = Annotated[str, Meta(max_length=NAME_CHARS_MAX)]
Digest = Annotated[str, Meta(max_length=64)]


class Frame(Struct, frozen=True, tag_field="type", forbid_unknown_fields=True, gc=False):
    """Base of everything on the wire that is not a message between replicas."""


class Hello(Frame, frozen=True, tag="hello", kw_only=True):
    """Who connects, and as what. ``cluster`` may be left out by all but peers."""

    version: int
    role: Role
    cluster: Digest | None = None
    name: Name = ""
    """A client's name, or for people's eyes, an operator's or observer's."""
    replica: ReplicaId | None = None
    """A peer's id."""
    storage: Annotated[str, Meta(max_length=64)] | None = None
    """A peer's storage id: random, made with its database. Another one means another disk."""
    origin: Annotated[str, Meta(max_length=64)] = ""
    """The id of the backup that a peer's database was restored from; empty if it was not."""
    commits: Number = 0
    """How many commits that disk has seen. Fewer than it told before mean that it went back in time."""
    non_voting: bool = False
    """Whether a peer is a learner without vote, and knows it."""
    members: Annotated[tuple[Annotated[str, Meta(max_length=300)], ...], Meta(max_length=9)] = ()
    """A peer's list of replicas, so that a refusal can say which one differs."""
    session: Annotated[str, Meta(max_length=CLIENT_CHARS_MAX)] | None = None
    """A client's session id from an earlier welcome, to go on with; under the same name, or certificate."""


class AnyHello(Struct, frozen=True, tag_field="type", tag="hello"):
    """What every version of hello has said and will say."""

    version: int


def spoken_version(body: bytes) -> int | None:
    """Return the protocol version in a hello that does not fit our schema, or ``None`` if it is no hello at
    all."""
    try:
        return json.decode(body, type=AnyHello).version
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None


def version_words(version: int) -> str:
    """Say that we and the other side cannot speak with each other, and which of the two to upgrade."""
    older = "an older" if version < PROTOCOL_VERSION else "a newer"
    return (
        f"you speak protocol version {version}, this replica speaks {OLDEST_VERSION} to {PROTOCOL_VERSION} "
        f"(paxtui {__version__}): your program is of {older} release"
    )


def schema_words(reason: str) -> str:
    """Return what a replica answered to our hello, as a person needs to hear it.

    Our hello fits our own schema. So a replica that finds fault with one of its fields has another schema:
    it is of another release, which did not know how to say so.
    """
    if re.search(r"`\$|field `", reason) is None:
        return reason
    return (
        f"it is of another release of paxtui than this program ({__version__}, protocol version "
        f"{PROTOCOL_VERSION}), and does not understand its hello: {reason}"
    )


class Welcome(Frame, frozen=True, tag="welcome", kw_only=True):
    """The connection may be used. ``session`` is the client's, from now on and at every replica."""

    version: int
    cluster: str
    name: str
    replica: int
    members: tuple[str, ...]
    leader: int | None
    applied: Number
    session: str | None = None
    session_window: int = 0
    """At most so many of the session's requests may be unanswered at once."""
    faults: bool = False
    """Whether the replica takes faults."""
    non_voting: str | None = None
    """Why a peer is let in as a learner without vote, if it is. It must hold itself at once."""


SESSION_REFUSED: Final = "session refused: "
"""How the reason begins when all that is wrong with a hello is its session. A replica that is behind says so,
too, of a session that was born where it has not been; a session that a majority refuses is of no use."""


class RefusedHello(Frame, frozen=True, tag="refused"):
    """The connection may not be used; ``reason`` is for a person, but for how it begins
    (:data:`SESSION_REFUSED`). The connection closes."""

    reason: str


class Ready(Frame, frozen=True, tag="ready"):
    """Between replicas: the sender's disk is open and it listens. Warm-up waits for these."""


class DiskProgress(Frame, frozen=True, tag="progress"):
    """Between replicas: how many commits the sender's disk has seen. It will never be fewer."""

    commits: Number


class Problem(Frame, frozen=True, tag="problem"):
    """A frame was malformed or not allowed; the connection closes."""

    reason: str


HelloAnswer = Welcome | RefusedHello | Problem
