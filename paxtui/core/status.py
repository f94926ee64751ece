"""A picture of one replica, for people; nothing in the protocol depends on it.

What it says of others is hearsay: the leader that it believes in, the watermarks that peers stated last. Two
replicas may both be shown as leaders, and rightly so: each believes it, until an acceptor refuses.
"""

from __future__ import annotations

from msgspec import Struct

from paxtui.core.ballot import Ballot


class Status(Struct, frozen=True):
    """The belief of a replica about itself and its leader, at one moment."""

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
    """Why it is a learner without vote, if it is; its role is then ``non-voting``."""

    @property
    def known_high(self) -> int:
        """Return one above the highest slot of which it knows: learned or voted for here, or learned by a
        peer."""
        return max(self.learned_high, self.accepted_high, *self.peers.values())
