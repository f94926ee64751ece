"""Which replica to try next."""

from __future__ import annotations

import os
import random
import socket

import trio

from paxtui.client.connection import Untrusted
from paxtui.config.cluster_file import Address, Cluster
from paxtui.wire.hello import Welcome

PAUSE_S_MIN = 0.02
PAUSE_S_MAX = 0.25
"""Between two attempts; it grows while no replica can help."""

DISTRUST_S = 0.3
"""How long a replica that failed is not asked again on another's word that it leads: the others need time to
notice, too."""


class Route:
    """The order of replicas to try: hints to the leader first, in turn when no replica knows it."""

    def __init__(self, cluster: Cluster, first: int | None = None) -> None:
        self._addresses = cluster.replicas
        self.digest = cluster.digest
        self._turn = random.randrange(cluster.n)
        self._at = self._turn
        self._hint: int | None = first
        self._distrusted: dict[int, float] = {}
        self._attempts = 0
        self._tried: dict[int, str] = {}
        self._started = trio.current_time()

    def next(self) -> Address:
        """Return whom to connect to now: the hinted leader, else the next in turn.

        Hints do not move the turn: two replicas of a minority, one of which believes that the other still
        leads, would otherwise be asked in turn for ever, and the majority never.
        """
        if self._hint is not None:
            self._at, self._hint = self._hint, None
        else:
            self._turn = self._at = (self._turn + 1) % len(self._addresses)
        return self._addresses[self._at]

    @property
    def at(self) -> int:
        """Return whom :meth:`next` named last."""
        return self._at

    def detour(self, welcome: Welcome) -> bool:
        """Return whether the replica that welcomed us named another as leader, who is better asked at
        once."""
        leader = welcome.leader
        if leader is None or leader == welcome.replica or not self._trusts(leader):
            return False
        self._hint = leader
        return True

    def refused(self, reason: str, leader: int | None) -> None:
        """Note that the replica could not take a request, and whom it named as leader."""
        self._tried[self._at] = reason
        if leader is not None and leader != self._at and self._trusts(leader):
            self._hint = leader
            self._attempts = 0
        else:
            self._attempts += 1

    def failed(self, error: BaseException) -> None:
        """Note that the connection could not be made, or broke."""
        self._attempts += 1
        self._tried[self._at] = words(error)
        self._distrusted[self._at] = trio.current_time() + DISTRUST_S

    def worked(self) -> None:
        """Note an answer: this is the right replica, and the first to try if the connection breaks."""
        if self._attempts:
            self._attempts = 0
            self._tried.clear()
            self._distrusted.clear()

    def _trusts(self, replica: int) -> bool:
        return (
            replica < len(self._addresses)
            and self._distrusted.get(replica, float("-inf")) < trio.current_time()
        )

    def pause_s(self) -> float:
        """Return how long to wait before the next attempt."""
        if self._hint is not None and self._attempts == 0:
            return 0.0
        rounds = self._attempts // len(self._addresses)
        pause_s: float = min(PAUSE_S_MIN * 2.0 ** min(rounds, 10), PAUSE_S_MAX)
        return pause_s * random.uniform(0.5, 1.0)

    @property
    def exhausted(self) -> bool:
        """Return whether all were tried since something last worked."""
        return len(self._tried) == len(self._addresses)

    def complaint(self, after_s: float | None = None) -> str:
        """Return who was tried, and what came of it."""
        spent = trio.current_time() - self._started if after_s is None else after_s
        return f"no replica could be used within {spent:.1f} s{self.tried() or '; no replica was tried'}"

    def tried(self) -> str:
        """Return which replicas were called since one last worked, and what came of it; empty if none."""
        tried = (f"{self._addresses[replica]} ({why})" for replica, why in sorted(self._tried.items()))
        return f"; tried {', '.join(tried)}" if self._tried else ""


def words(error: BaseException) -> str:
    """Return an error of a connection, short enough for a table."""
    if isinstance(error, trio.TooSlowError):
        return "no answer"
    if isinstance(error, Untrusted):
        return error.reason
    if isinstance(error, trio.BrokenResourceError | trio.ClosedResourceError):
        return "connection lost"
    if isinstance(error, OSError):
        # Trio's own error for "no address worked" has no number; behind it stands the last real one.
        cause = error.__cause__ or error
        while isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        if isinstance(cause, socket.gaierror):  # its numbers are no error numbers
            return str(cause.strerror).lower()
        number = cause.errno if isinstance(cause, OSError) else None
        return os.strerror(number).lower() if number is not None else "no process listens there"
    return str(error) or type(error).__name__
