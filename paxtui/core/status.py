"""A picture of one replica, for people; nothing in the protocol depends on it."""

from __future__ import annotations

from msgspec import Struct

from paxtui.core.ballot import Ballot


class Status(Struct, frozen=True):
    """What a replica believes about itself and its leader."""

    replica: int
    replicas: int
    role: str
    promised: Ballot
    ballot: Ballot
    leader: int | None
    watermark: int
    learned_high: int
    accepted_high: int
    lag: int
    in_flight: int
    queued: int
    holes: tuple[int, ...]
    sessions: int
    chain: str
    peers: dict[str, int]
    floor: int = 0
    """Slots below it are removed."""
    held: str | None = None
    """Why it is a learner without vote, if it is; its role is then ``held``."""
