"""Where the roles put what they decide, until the host takes it as one :class:`Output`.

A role says of each message whether it binds its sender (``send_durable``) or not (``send``), at the place
where the rule is that makes it so. Nothing else in the core knows of disks: to order writes and messages is
then a matter of one class here and one gate at the host.
"""

from __future__ import annotations

from collections import deque

from paxtui.core.events import Event
from paxtui.core.messages import BETWEEN_LEARNERS, PeerMessage
from paxtui.core.output import EVERYONE, Applied, Envelope, Fetch, FetchState, Installed, Reply, Write


class Outbox:
    """The effects of the inputs so far. Messages to oneself stay inside, but reach the same handlers as all
    others: ``local`` at once, ``local_durable`` when the batch that they belong to is on disk."""

    def __init__(self, me: int) -> None:
        self.me = me
        self.urgent = False
        """The small state must be written with the next output, even if nothing else is."""
        self.writes: list[Write] = []
        self.sends: list[Envelope] = []
        self.sends_durable: list[Envelope] = []
        self.local: deque[PeerMessage] = deque()
        """Messages to oneself that are handled before this input is done."""
        self.local_durable: list[PeerMessage] = []
        """Messages to oneself that wait for the disk: own promises and votes."""
        self.replies: list[Reply] = []
        self.applied: list[Applied | Installed] = []
        self.fetches: list[Fetch | FetchState] = []
        self.events: list[Event] = []

    def send(self, to: int, message: PeerMessage) -> None:
        """Send a message that may leave before anything is durable. To everyone means to oneself, too: a
        leader's Accept reaches its own acceptor by this line."""
        if to == self.me:
            self.local.append(message)
            return
        self.sends.append(Envelope(to, message))
        if to == EVERYONE:
            self.local.append(message)

    def send_durable(self, to: int, message: PeerMessage) -> None:
        """Send a message that leaves only when everything written so far is on disk. "So far" includes what
        other inputs of the same turn wrote; that costs nothing, since they share the transaction."""
        if to == self.me:
            self.local_durable.append(message)
        else:
            self.sends_durable.append(Envelope(to, message))

    def discard_promises(self) -> None:
        """Take back every message that did not leave yet, but for those between learners. What a replica
        without vote has learned is as true as before; what it has promised may be forgotten tomorrow."""
        self.sends = [each for each in self.sends if isinstance(each.message, BETWEEN_LEARNERS)]
        self.sends_durable.clear()
        self.local.clear()
        self.local_durable.clear()

    def event(self, event: Event) -> None:
        """Add to the trace."""
        self.events.append(event)

    @property
    def pending(self) -> bool:
        """Tell whether anything waits to be taken."""
        return bool(
            self.events
            or self.sends
            or self.sends_durable
            or self.writes
            or self.replies
            or self.urgent
            or self.local_durable
            or self.applied
            or self.fetches
        )

    def drain(self) -> tuple[tuple[Envelope, ...], tuple[Envelope, ...], tuple[Event, ...]]:
        """Take messages and events; the caller takes the rest by name. Tuples leave, and the lists stay: an
        output must not change when the next input comes."""
        taken = tuple(self.sends), tuple(self.sends_durable), tuple(self.events)
        self.sends.clear()
        self.sends_durable.clear()
        self.events.clear()
        return taken
