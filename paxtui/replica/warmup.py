"""Warm-up: on its very first start a replica waits for the others' ready messages."""

from __future__ import annotations

from typing import Literal

import trio

from paxtui.core.ballot import majority

Mode = Literal["all", "majority", "none"]


class WarmUp:
    """The replicas that are ready, and how many of them must be."""

    def __init__(self, me: int, replicas: int, mode: Mode, *, first_start: bool) -> None:
        self._others = frozenset(range(replicas)) - {me}
        needed = {"all": len(self._others), "majority": majority(replicas) - 1, "none": 0}
        self._needed = needed[mode] if first_start else 0
        self._ready: set[int] = set()
        self._welcomed: set[int] = set()
        self._non_voting = False
        self._changed = trio.Event()

    @property
    def done(self) -> bool:
        """Return whether enough others are ready and have let this replica in, as one with a vote: an empty
        disk cannot know whether it ever had one, and a peer that remembers another says so in its welcome. A
        learner has nothing to wait for."""
        return self._non_voting or len(self._ready & self._welcomed) >= self._needed

    @property
    def missing(self) -> tuple[int, ...]:
        """Return the replicas that are not ready yet, while that matters."""
        return () if self.done else tuple(sorted(self._others - (self._ready & self._welcomed)))

    def note_ready(self, peer: int) -> None:
        """Note that ``peer`` is ready. Repetitions do no harm."""
        self._note(self._ready, peer)

    def note_welcome(self, peer: int, *, non_voting: bool = False) -> None:
        """Note that ``peer`` has let this replica in, perhaps only as a learner without vote."""
        self._non_voting = self._non_voting or non_voting
        self._note(self._welcomed, peer)

    def _note(self, said: set[int], peer: int) -> None:
        if peer not in said or self._non_voting:
            said.add(peer)
            self._changed.set()
            self._changed = trio.Event()

    async def wait_for_change(self) -> None:
        """Wait until another replica is ready or has let this one in."""
        await self._changed.wait()
