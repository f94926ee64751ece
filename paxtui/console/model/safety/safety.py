"""Is the log safe? Computed from what was observed, by the checkers that judge recorded runs.

``VIOLATED`` is said only of what is certain: whatever order reports arrive in and whatever is missing, a
correct cluster never causes it. ``SAFE`` means that nothing which a check needs is missing right now; what it
rests on is told beside it. In between is ``UNKNOWN``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from copy import copy
from typing import Any, Final

from msgspec import Struct

from paxtui.checkers.broken import InvariantBroken
from paxtui.console.model.durations import ages
from paxtui.console.model.safety.ballots import Disagreement
from paxtui.console.model.safety.checks import (
    AGREEMENT,
    CHECK_OF,
    NAMES,
    ONCE,
    ONE_VALUE,
    PREFIX,
    PROMISES,
    VALIDITY,
    VOTES,
    Check,
    Light,
    Lights,
)
from paxtui.console.model.safety.records import SafetyRecords
from paxtui.wire import events as e
from paxtui.wire.telemetry import TelemetrySnapshot, VotedView
from paxtui.wire.values import majority

PROBLEMS_KEPT: Final = 50
CONFLICTS_KEPT: Final = 10_000


TAKES_PART: Final = frozenset({e.Promised, e.Bound, e.RoundTaken, VotedView})
"""What a replica may not do whose disk went back in time."""


class SafetyJudge:
    """The judge of safety. It takes the telemetry of all replicas, each in its own order, among each other in
    any."""

    def __init__(self, replicas: int) -> None:
        self.conflicts: set[int] = set()
        """Slots in which two values were seen to be chosen."""
        self.problems: list[str] = []
        """What was found broken, in words."""
        self.found = 0
        """How often something was: views and bells look at it."""
        self.events = 0
        self._broken: set[str] = set()
        self._quorum = majority(replicas)
        self._kept = SafetyRecords(replicas, self._report)

    def still(self) -> SafetyJudge:
        """Return what is said now, for a view that stands still: nothing is told to it any more."""
        other = copy(self)
        other._kept, other._broken = self._kept.still(), self._broken.copy()
        other.conflicts, other.problems = self.conflicts.copy(), self.problems.copy()
        return other

    # What is said

    @property
    def light(self) -> Lights:
        """Return all checks in one word."""
        if self._broken:
            return Lights("VIOLATED", "VIOLATED")
        known = sum(check.light == "SAFE" for check in self.checks)
        light: Light = "SAFE" if known == len(NAMES) else "UNKNOWN"
        return Lights(light, f"{light} {known}/{len(NAMES)}")

    @property
    def checks(self) -> tuple[Check, ...]:
        """Return each check with its light."""
        unknown = self._unknown()
        return tuple(
            Check(name, "VIOLATED" if name in self._broken else "UNKNOWN" if name in unknown else "SAFE")
            for name in NAMES
        )

    def _unknown(self) -> set[str]:
        """Return the checks that need something which is missing now.

        What one acceptor or learner does by itself is known by nobody else. What is chosen is counted by its
        leader, and any later leader must hear of it by a majority that meets the other one. So agreement and
        validity rest on whoever leads, and on those whose promises made it the leader: while one of them is
        not heard, nobody can tell. Of others a majority is enough.
        """
        unheard = [record for record in self._kept.records if record.unheard]
        unknown: set[str] = set()
        if any(record.breach is not None or record.foreign for record in self._kept.records):
            unknown = {PROMISES, VOTES}
        if not unheard:
            return unknown
        if len(self._kept.records) - len(unheard) < self._quorum:
            return set(NAMES)
        unknown |= {ONE_VALUE, PROMISES, VOTES, PREFIX, ONCE}
        leads_unseen = any(self._kept.ballots.led(record.id, record.silent_from) for record in unheard)
        if leads_unseen or self._kept.ballots.unsettled({record.id for record in unheard}):
            unknown |= {AGREEMENT, VALIDITY}
        return unknown

    @property
    def since(self) -> float | None:
        """Since when all replicas are judged, as a time of day, if they had done something before."""
        return max((each.began for each in self._kept.records if each.began is not None), default=None)

    @property
    def basis(self) -> str:
        """Return what the lights rest on."""
        gaps = sum(record.gaps for record in self._kept.records)
        restarts = sum(record.restarts for record in self._kept.records)
        text = f"{self.events:,} events, {gaps} gap{'' if gaps == 1 else 's'}"
        if restarts:
            text += f", {restarts} restart{'' if restarts == 1 else 's'}"
        begun = max((record.first or 0 for record in self._kept.records), default=0)
        return f"{text}, slots from {begun:,} on" if begun else text

    def doubts(self, now: float) -> list[str]:
        """Return what is missing, since when, and what will end that; and what is only told by the past."""
        told: list[str] = []
        for record in self._kept.records:
            if record.foreign:
                told.append(f"r{record.id} has another disk: its promises are gone, and it has no vote.")
            since = f" for {ages(now - record.since)}" if record.since else ""
            match record.state:
                case "unseen":
                    told.append(f"r{record.id} was never heard: nothing is known of its votes.")
                case "gap":
                    told.append(
                        f"r{record.id} tells nothing{since}: its next snapshot shows what it holds then."
                    )
                case "whole" if record.stale_since is not None:
                    told.append(
                        f"r{record.id} is not heard for {ages(now - record.stale_since)}: "
                        "what it does is not known before it is."
                    )
                case "dead" if record.wiped:
                    told.append(
                        f"r{record.id} is down{since}, and its disk was wiped: nothing is left to check."
                    )
                case "dead":
                    told.append(f"r{record.id} is down{since}: what it holds is checked when it is back.")
        return told

    # What is told

    def event(self, replica: int, event: Struct) -> None:
        """Take the next event of a replica."""
        self.events += 1
        if type(event) in TAKES_PART:
            broken = self._kept.records[replica].takes_part()
            if broken is not None:
                self._report(broken, PROMISES)
        self._try(self._kept.take_event, replica, event)
        self._heard(replica)

    def _heard(self, replica: int) -> None:
        """Note that nothing is missing that it did before: what it leads unseen from here on begins at this
        ballot."""
        record = self._kept.records[replica]
        if not record.silent:
            record.silent_from = self._kept.ballots.newest

    def gap(self, replica: int, now: float, *, dropped: bool = False) -> None:
        """Note that events of a replica are missing: the connection is lost, or they were ``dropped`` on
        their way."""
        record = self._kept.records[replica]
        if dropped:
            record.skip(self._kept.ghost_state.spoken(replica), now)
        if dropped or record.lose(now):
            self._kept.ballots.unseen(replica)

    def listen(self, stale: Collection[int], now: float) -> None:
        """Note which replicas are not heard right now, although their connections are there."""
        for record in self._kept.records:
            if record.id not in stale:
                record.stale_since = None
            elif record.stale_since is None:
                record.stale_since = now

    def down(self, replica: int, now: float) -> None:
        """Note that its process has ended: it does nothing any more."""
        self._kept.records[replica].die(now)
        self._kept.ballots.unseen(replica)

    def wiped(self, replica: int) -> None:
        """Note that the disk of a replica that is down was deleted."""
        self._kept.records[replica].wiped = True

    def storage(self, replica: int, storage: str) -> None:
        """Take the id of a replica's disk. A disk that was exchanged has forgotten everything, and the others
        do not listen to it; if it is the same one, what it must hold must be there."""
        self._kept.records[replica].has_storage(storage)
        self._heard(replica)

    def snapshot(self, replica: int, snapshot: TelemetrySnapshot) -> None:
        """Take a replica's state; from here on its events come without a gap."""
        self._try(self._kept.take_snapshot, replica, snapshot)
        self._heard(replica)

    def _try(self, take: Callable[[int, Any], None], replica: int, told: Any) -> None:
        try:
            take(replica, told)
        except InvariantBroken as broken:
            self._report(broken, CHECK_OF.get(broken.invariant, AGREEMENT))
        except Disagreement as disagreement:
            if len(self.conflicts) < CONFLICTS_KEPT:
                self.conflicts.update(disagreement.slots)
            self._report(disagreement.broken, AGREEMENT)

    def _report(self, broken: InvariantBroken, name: str) -> None:
        self._broken.add(name)
        self.found += 1
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append(f"{name}: {broken}")
