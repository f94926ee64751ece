"""Who waits for which answer of the core: clients' connections, and linearizable reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from paxtui.core.output import Appended, ReadReady, ReadRefused, Refused, Reply


class ReplyPort(Protocol):
    """A connection that gets the answers to a client's requests."""

    def deliver_reply(self, reply: Appended | Refused) -> None:
        """Take the reply to a request of this client, perhaps to one that another port asked."""


ReadAnswer = Callable[[ReadReady | ReadRefused], None]


class PendingRequests:
    """The connections and reads that wait for the core's replies. A reply to one that left is dropped."""

    def __init__(self) -> None:
        self._ports: dict[str, list[ReplyPort]] = {}
        """By client, the connections that wait for its answers: one, but for a moment when it comes anew."""
        self._reads: dict[int, ReadAnswer] = {}
        self._ticket = 0

    def join(self, client: str, port: ReplyPort) -> None:
        """Add a client's connection: from now on its port gets the replies to the client's requests."""
        self._ports.setdefault(client, []).append(port)

    def leave(self, client: str, port: ReplyPort) -> None:
        """Remove a connection that is gone."""
        ports = self._ports[client]
        ports.remove(port)
        if not ports:
            del self._ports[client]

    def open_read(self, answer: ReadAnswer) -> int:
        """Give a new read a number, and its reply to ``answer``."""
        self._ticket += 1
        self._reads[self._ticket] = answer
        return self._ticket

    def deliver(self, reply: Reply) -> None:
        """Give a reply to the connections that wait for it."""
        if isinstance(reply, Appended | Refused):
            for port in self._ports.get(reply.client, ()):
                port.deliver_reply(reply)
        else:
            answer = self._reads.pop(reply.ticket, None)
            if answer is not None:
                answer(reply)
