"""Events of several replicas in the order of cause: what is heard of late is put before what came of it.

Reports of replicas arrive some 50 ms late, each by another amount, so in the order of arrival a vote may
stand above the proposal that it is for. Therefore events are held for a moment. They leave by their time on
the console's clock, but each replica's own in the order in which it told them, and none before its cause, as
far as the cause is held here. That is the order of Lamport's "Time, Clocks, and the Ordering of Events"
(1978): what one process does is in its own order, and a message is sent before it is received.

Pages of the log that a replica asked for are left out: several answers have the same name, so a later
question would be taken for the cause of an earlier answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from operator import lt
from typing import Any, Final, NamedTuple

from paxtui.console.model.state.runs import Runs
from paxtui.console.model.state.seen import Seen
from paxtui.wire import events as e
from paxtui.wire.telemetry import LearnedView, ProposedView, VotedView

HOLD_S: Final = 0.2
"""How long an event waits for its causes: replicas flush what they tell at least ten times a second."""

CAUSES_KEPT: Final = 256
"""Causes, by kind and ballot, whose times are remembered; the newest."""

RUNS_KEPT: Final = 1_000

CLOCK_S: Final = 0.001
"""Clocks that contradict a cause by less are said to agree: times are told in tenths of milliseconds."""

Key = tuple[Any, ...]

Body = tuple[float, float, bytes]
"""When it was and when it was told, by the clock of who tells it, and the words as they came."""


class CauseLink(NamedTuple):
    """Slots ``[first, end)`` of a kind of cause; a cause that is about no slot is in front of all of them."""

    key: Key
    first: int = -1
    end: int = 0


class Held(NamedTuple):
    """An event that waits."""

    seen: Seen
    at: float
    """When it happened, on the console's clock."""
    arrived: float
    causes: tuple[CauseLink, ...]
    """What must stand before it."""
    effects: tuple[CauseLink, ...]
    """What it is a cause of."""
    body: Body | None = None
    """What a tape keeps of it."""


def causes_of(event: Any) -> tuple[CauseLink, ...]:
    """Return what must have happened at another replica before ``event`` could."""
    match event:
        case e.PreVoteAnswered():
            return (CauseLink(("pre-vote", event.ballot)),)
        case e.Promised() | e.NackSent():
            return (CauseLink(("round", event.ballot)),)
        case e.PromiseReceived():
            return (CauseLink(("promise", event.ballot, event.sender)),)
        case e.NackReceived():
            return (CauseLink(("nack", event.ballot, event.sender)),)
        case e.LeaderHeard() | e.Bound():
            return (CauseLink(("elected", event.ballot)),)
        case VotedView():
            return (CauseLink(("proposed", event.ballot), event.first, event.first + event.count),)
        case e.AcceptedReceived():
            key = ("voted", event.ballot, event.sender)
            return (CauseLink(key, event.first, event.first + event.count),)
        case LearnedView():
            return tuple(_chosen(event))
    return ()


def effects_of(replica: int, event: Any) -> tuple[CauseLink, ...]:
    """Return what ``event`` is a cause of at other replicas."""
    match event:
        case e.PreVoteAsked():
            return (CauseLink(("pre-vote", event.ballot)),)
        case e.RoundTaken() | e.PrepareSent():
            return (CauseLink(("round", event.ballot)),)
        case e.Promised():
            return (CauseLink(("promise", event.ballot, replica)),)
        case e.NackSent():
            return (CauseLink(("nack", event.ballot, replica)),)
        case e.Elected():
            return (CauseLink(("elected", event.ballot)),)
        case ProposedView():
            return (CauseLink(("proposed", event.ballot), event.first, event.first + event.count),)
        case VotedView():
            return (CauseLink(("voted", event.ballot, replica), event.first, event.first + event.count),)
        case e.ChosenSeen():
            return (CauseLink(("chosen", event.ballot), event.first, event.first + event.count),)
    return ()


def _chosen(event: LearnedView) -> Iterator[CauseLink]:
    slot = event.first
    for ballot, count in event.ballots:
        yield CauseLink(("chosen", ballot), slot, slot + count)
        slot += count


class CauseOrder:
    """The events of the last moment. They are as few as replicas can tell in that time."""

    def __init__(self, hold_s: float = HOLD_S) -> None:
        self.hold_s = hold_s
        self._queues: dict[int, deque[Held]] = {}
        self._waiting: dict[Key, list[tuple[int, int, int]]] = {}
        """Of each kind of cause that is held: slots ``[first, end)``, and who told it."""
        self._released: dict[Key, Runs[bool]] = {}
        """Causes that stand already: a vote that is repeated for the same slots is the cause of nothing."""
        self._walls: dict[Key, Runs[float]] = {}
        """When causes happened, by the clock of who told them."""

    def copy(self) -> CauseOrder:
        """Return a copy as it is now."""
        other = CauseOrder(self.hold_s)
        other._queues = {source: queue.copy() for source, queue in self._queues.items()}
        other._waiting = {key: runs.copy() for key, runs in self._waiting.items()}
        other._released = {key: runs.copy() for key, runs in self._released.items()}
        other._walls = {key: runs.copy() for key, runs in self._walls.items()}
        return other

    @property
    def held(self) -> dict[int, int]:
        """Return by replica how many events wait."""
        return {source: len(queue) for source, queue in self._queues.items()}

    def add(self, seen: Seen, at: float, arrived: float, body: Body | None = None) -> None:
        """Hold an event, which happened ``at`` a time of the console's and ``arrived`` now."""
        effects = effects_of(seen.replica, seen.event)
        held = Held(seen, at, arrived, causes_of(seen.event), effects, body)
        self._queues.setdefault(seen.replica, deque()).append(held)
        for key, first, end in effects:
            self._waiting.setdefault(key, []).append((first, end, seen.replica))
            walls = self._walls.pop(key, None) or Runs()
            walls.keep_better(first, end, seen.wall, lt)
            walls.forget_oldest(RUNS_KEPT)
            self._walls[key] = walls
        while len(self._walls) > CAUSES_KEPT:
            del self._walls[next(iter(self._walls))]

    def due(self, now: float) -> Iterator[Held]:
        """Release what has waited for long enough, and what stands before it."""
        while any(queue[0].arrived + self.hold_s <= now for queue in self._queues.values()):
            yield self._release()

    def rest(self) -> Iterator[Held]:
        """Release everything."""
        while self._queues:
            yield self._release()

    def _release(self) -> Held:
        source = min(self._queues, key=lambda each: self._queues[each][0].at)
        looked: set[int] = set()
        while (earlier := self._holder_of_cause(source)) is not None and earlier not in looked:
            looked.add(source)
            source = earlier
        queue = self._queues[source]
        held = queue.popleft()
        if not queue:
            del self._queues[source]
        for key, first, end in held.effects:
            waiting = self._waiting[key]
            waiting.remove((first, end, source))
            if not waiting:
                del self._waiting[key]
            released = self._released.pop(key, None) or Runs()
            released.assign(first, end, True)
            released.forget_oldest(RUNS_KEPT)
            self._released[key] = released
        while len(self._released) > CAUSES_KEPT:
            del self._released[next(iter(self._released))]
        return held._replace(seen=held.seen._replace(corrected=True)) if self._contradicted(held) else held

    def _holder_of_cause(self, source: int) -> int | None:
        """Return who told a cause of the next event of ``source`` that is still held."""
        for key, first, end in self._queues[source][0].causes:
            released = self._released.get(key)
            for begin, stop, teller in self._waiting.get(key, ()):
                if teller == source or begin >= end or first >= stop:
                    continue
                missing = max(first, begin) if released is None else released.first_missing(max(first, begin))
                if missing < min(end, stop):
                    return teller
        return None

    def _contradicted(self, held: Held) -> bool:
        """Return whether the clocks say that an event happened before its cause."""
        for key, first, end in held.causes:
            walls = self._walls.get(key)
            for _, _, wall in walls.within(first, end) if walls is not None else ():
                if wall > held.seen.wall + CLOCK_S:
                    return True
        return False
