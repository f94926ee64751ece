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
    log_start: int = 0
    """Slots below it are removed."""
    non_voting: str | None = None
    """Why it is a learner without vote, if it is; its role is then ``held``."""

    @property
    def known_high(self) -> int:
        """One above the highest slot of which it knows: learned or voted for here, or learned by a peer."""
        return max(self.learned_high, self.accepted_high, *self.peers.values())
