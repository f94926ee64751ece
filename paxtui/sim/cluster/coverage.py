"""Things that must happen sometimes: a campaign in which one never does tests less than it seems to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

from paxtui.core.ballot import Ballot
from paxtui.core.events import (
    AcceptSent,
    AnyEvent,
    Elected,
    ElectionTimeout,
    EntriesSent,
    Event,
    NackSent,
    Promised,
    Proposed,
    RoundTaken,
    SteppedDown,
    Suppressed,
)

OUTBID = ("pre-empted by", "replica ")
"""Beginnings of the reasons for which a proposer gives way to a higher ballot."""

GOALS = (
    "a database that went back in time was refused",
    "a flipped bit was noticed",
    "a second leader while one still believes to lead",
    "adopted value proposed again",
    "all replicas down at once",
    "answer repeated",
    "append retried",
    "candidate outbid by another",
    "client gave up",
    "commit in flight at a crash is lost",
    "commit in flight at a crash survives",
    "crash at a trace event",
    "duel of three attempts",
    "duplicate message",
    "entries page of several slots",
    "entries read from disk",
    "expired command suppressed",
    "failing commit",
    "forced election",
    "group commit",
    "input queued during a pause",
    "leader outbid by another",
    "message older than a restart",
    "nack for a live leader",
    "nack for a promise",
    "no majority for a leader",
    "hole filled by a new leader",
    "hole filled by the leader that left it",
    "operator fills a hole",
    "promise in pages",
    "read answered",
    "read retried",
    "refused: busy",
    "refused: expired",
    "refused: not-leader",
    "repeated command suppressed",
    "restart",
    "second phase with a broken minority",
    "a quorum voted for several values in a slot",
    "accept sent again",
    "session invented",
    "session opened anew",
    "silence at a trace event",
    "slots recovered by a new leader",
    "snapshot in pages",
    *(f"event {event.__struct_config__.tag}" for event in get_args(AnyEvent)),
)
"""All of them, for the account of what was never reached."""


class Coverage:
    """The goals that one run reached."""

    def __init__(self) -> None:
        self.reached: set[str] = set()
        self._ends: dict[Ballot, int] = {}
        """By ballot of a leader, one above the slots that it found votes for."""
        self.on_event: dict[type[Event], Callable[[int, Any], None]] = {
            AcceptSent: self._accept_sent,
            Elected: self._elected,
            ElectionTimeout: self._election_timeout,
            EntriesSent: self._entries_sent,
            NackSent: self._nack_sent,
            Promised: self._promised,
            Proposed: self._proposed,
            RoundTaken: self._round_taken,
            SteppedDown: self._stepped_down,
            Suppressed: self._suppressed,
        }
        """By the class of a trace event, who looks for goals in it."""

    def _accept_sent(self, _replica: int, event: AcceptSent) -> None:
        if event.again:
            self.reached.add("accept sent again")

    def _elected(self, _replica: int, event: Elected) -> None:
        self._ends[event.ballot] = event.end
        if event.end > event.first:
            self.reached.add("slots recovered by a new leader")

    def _election_timeout(self, _replica: int, event: ElectionTimeout) -> None:
        if event.attempt >= 2:
            self.reached.add("duel of three attempts")

    def _entries_sent(self, _replica: int, event: EntriesSent) -> None:
        if event.count > 1:
            self.reached.add("entries page of several slots")

    def _nack_sent(self, _replica: int, event: NackSent) -> None:
        self.reached.add("nack for a promise" if event.leader is None else "nack for a live leader")

    def _promised(self, _replica: int, event: Promised) -> None:
        if not event.last_page:
            self.reached.add("promise in pages")

    def _proposed(self, _replica: int, event: Proposed) -> None:
        if event.source == "adopted":
            self.reached.add("adopted value proposed again")
        elif event.source == "no-op":
            own = event.first >= self._ends.get(event.ballot, 0)
            self.reached.add(
                "hole filled by the leader that left it" if own else "hole filled by a new leader"
            )

    def _round_taken(self, _replica: int, event: RoundTaken) -> None:
        if event.forced:
            self.reached.add("forced election")

    def _stepped_down(self, _replica: int, event: SteppedDown) -> None:
        if event.reason.startswith("no majority answered for"):
            self.reached.add("no majority for a leader")
        elif event.reason.startswith(OUTBID):
            led = event.ballot in self._ends
            self.reached.add("leader outbid by another" if led else "candidate outbid by another")

    def _suppressed(self, _replica: int, event: Suppressed) -> None:
        if event.repeats < 0:
            self.reached.add("expired command suppressed")
        else:
            self.reached.add("repeated command suppressed")
