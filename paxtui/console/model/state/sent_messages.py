"""The messages that this console sent, from the key `enter` to the log."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from copy import copy
from typing import Final, Literal

from paxtui.wire.values import Ballot

KEPT: Final = 500

Fate = Literal["queued", "proposed", "chosen", "failed", "unknown"]


class SentMessage:
    """One message of ours. ``slot`` is known once a leader proposed it; ``after`` is where the log ended when
    a message that has no slot failed, so that it stays where it was said."""

    __slots__ = ("after", "ballot", "client", "fate", "problem", "request", "sent_at", "slot", "text", "via")

    def __init__(self, text: str, via: int | None, sent_at: float) -> None:
        self.text = text
        self.via = via
        self.sent_at = sent_at
        self.fate: Fate = "queued"
        self.client = ""
        self.request = -1
        self.slot: int | None = None
        self.ballot = Ballot.ZERO
        """The highest at which it was proposed."""
        self.after: int | None = None
        self.problem = ""

    @property
    def settled(self) -> bool:
        """Return whether its outcome is known, for good or bad."""
        return self.fate in ("chosen", "failed", "unknown")


class SentMessages:
    """Our messages in the order in which they were sent."""

    def __init__(self, end: Callable[[], int] = lambda: 0) -> None:
        self._end = end
        self.mine: deque[SentMessage] = deque(maxlen=KEPT)
        self.by_slot: dict[int, SentMessage] = {}
        self._waiting: dict[tuple[str, int], SentMessage] = {}

    def still(self) -> SentMessages:
        """Return a copy as it is now; what becomes of the messages later does not change it."""
        other = SentMessages(self._end)
        same = {
            id(mine): copy(mine) for mine in (*self.mine, *self.by_slot.values(), *self._waiting.values())
        }
        other.mine.extend(same[id(mine)] for mine in self.mine)
        other.by_slot = {slot: same[id(mine)] for slot, mine in self.by_slot.items()}
        other._waiting = {key: same[id(mine)] for key, mine in self._waiting.items()}
        return other

    def add_message(self, text: str, via: int | None, now: float) -> SentMessage:
        """Return a message is on its way."""
        mine = SentMessage(text, via, now)
        self.mine.append(mine)
        return mine

    def numbered(self, mine: SentMessage, client: str | None, request: int) -> None:
        """Note the number that the client library gave it."""
        if client:
            mine.client, mine.request = client, request
            self._waiting[client, request] = mine

    @property
    def expecting(self) -> bool:
        """Return whether any of ours has no outcome yet."""
        return bool(self._waiting)

    def proposed(self, slot: int, ballot: Ballot, client: str, request: int) -> None:
        """Note that the leader of ``ballot`` proposed a command; it may be one of ours."""
        mine = self._waiting.get((client, request))
        if mine is not None and not mine.settled and mine.ballot <= ballot:
            mine.fate, mine.ballot = "proposed", ballot
            self._place(mine, slot)

    def done(self, mine: SentMessage, slot: int) -> None:
        """Note that it was acknowledged."""
        mine.fate = "chosen"
        self._place(mine, slot)
        self._forget(mine)

    def ended(self, mine: SentMessage, fate: Fate, problem: str) -> None:
        """Note that it failed, or that its outcome is unknown."""
        mine.fate, mine.problem = fate, problem
        mine.after = self._end()
        self._forget(mine)

    def _place(self, mine: SentMessage, slot: int) -> None:
        if mine.slot is not None:
            self.by_slot.pop(mine.slot, None)
        mine.slot = slot
        self.by_slot[slot] = mine
        while len(self.by_slot) > KEPT:
            del self.by_slot[next(iter(self.by_slot))]

    def _forget(self, mine: SentMessage) -> None:
        self._waiting.pop((mine.client, mine.request), None)

    def message_at(self, slot: int, client: str, request: int) -> SentMessage | None:
        """Return our message in ``slot``, if what is there is ours."""
        mine = self.by_slot.get(slot)
        return mine if mine is not None and (mine.client, mine.request) == (client, request) else None
