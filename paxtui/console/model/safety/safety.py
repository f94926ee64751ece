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
from paxtui.checkers.logs import Logs
from paxtui.checkers.observed_ghost_state import ObservedGhostState
from paxtui.console.model.durations import ages
from paxtui.console.model.safety.ballots import EVERY_SLOT, BallotRecords, Disagreement
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
from paxtui.console.model.safety.exactly_once import ExactlyOnce
from paxtui.console.model.safety.per_replica import ReplicaRecord
from paxtui.wire import events as e
from paxtui.wire.telemetry import MARK_CHARS, LearnedView, ProposedView, TelemetrySnapshot, VotedView
from paxtui.wire.values import majority

SLOTS_KEPT: Final = 40_000
"""Slots below the highest watermark of which details are kept, even if some replica has not applied them."""

MARGIN: Final = 2_000
"""Slots that are kept although everybody has applied them: a retry may repeat one."""

FORGET_EVERY: Final = 1_000

HEAD_CHARS: Final = 64
HEX: Final = frozenset("0123456789abcdef")

PROBLEMS_KEPT: Final = 50
CONFLICTS_KEPT: Final = 10_000


class LiveLogs(Logs):
    """Heads of hash chains, from any slot on."""

    def begin_at(self, watermark: int) -> None:
        """Nothing is said of what is below."""
        self._forgotten = max(self._forgotten, watermark)


TAKES_PART: Final = frozenset({e.Promised, e.Bound, e.RoundTaken, VotedView})
"""What a replica may not do whose disk went back in time."""


class SafetyJudge:
    """Takes the telemetry of all replicas, each in its own order, among each other in any."""

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
        self._accounts = [ReplicaRecord(id) for id in range(replicas)]
        self._reigns = BallotRecords(replicas)
        self._facts = ObservedGhostState(replicas)
        self._logs = LiveLogs(replicas, {}, None)
        self._once = ExactlyOnce(replicas)
        self._on: dict[type, Callable[[int, Any], None]] = {
            e.Restored: self._restored,
            e.Held: self._held,
            e.Promised: self._promised,
            e.Bound: self._bound,
            e.RoundTaken: self._round_taken,
            e.PromiseReceived: self._promise_received,
            e.Elected: self._elected,
            ProposedView: self._proposed,
            VotedView: self._voted,
            e.AcceptedReceived: self._accepted_received,
            e.ChosenSeen: self._chosen_seen,
            LearnedView: self._learned,
            e.AppliedTo: self._applied_to,
            e.SnapshotTaken: self._snapshot_taken,
            e.Suppressed: self._suppressed,
        }

    def still(self) -> SafetyJudge:
        """What is said now, for a view that stands still: nothing is told to it any more."""
        other = copy(self)
        other._accounts = [copy(account) for account in self._accounts]
        other._reigns, other._broken = self._reigns.still(), self._broken.copy()
        other.conflicts, other.problems = self.conflicts.copy(), self.problems.copy()
        return other

    # What is said

    @property
    def light(self) -> Lights:
        """All checks in one word."""
        if self._broken:
            return Lights("VIOLATED", "VIOLATED")
        known = sum(check.light == "SAFE" for check in self.checks)
        light: Light = "SAFE" if known == len(NAMES) else "UNKNOWN"
        return Lights(light, f"{light} {known}/{len(NAMES)}")

    @property
    def checks(self) -> tuple[Check, ...]:
        """Each check with its light."""
        unknown = self._unknown()
        return tuple(
            Check(name, "VIOLATED" if name in self._broken else "UNKNOWN" if name in unknown else "SAFE")
            for name in NAMES
        )

    def _unknown(self) -> set[str]:
        """The checks that need something which is missing now.

        What one acceptor or learner does by itself is known by nobody else. What is chosen is counted by its
        leader, and any later leader must hear of it by a majority that meets the other one. So agreement and
        validity rest on whoever leads, and on those whose promises made it the leader: while one of them is
        not heard, nobody can tell. Of others a majority is enough.
        """
        unheard = [account for account in self._accounts if account.unheard]
        unknown: set[str] = set()
        if any(account.breach is not None or account.foreign for account in self._accounts):
            unknown = {PROMISES, VOTES}
        if not unheard:
            return unknown
        if len(self._accounts) - len(unheard) < self._quorum:
            return set(NAMES)
        unknown |= {ONE_VALUE, PROMISES, VOTES, PREFIX, ONCE}
        leads_unseen = any(self._reigns.led(account.id, account.silent_from) for account in unheard)
        if leads_unseen or self._reigns.unsettled({account.id for account in unheard}):
            unknown |= {AGREEMENT, VALIDITY}
        return unknown

    @property
    def since(self) -> float | None:
        """Since when all replicas are judged, as a time of day, if they had done something before."""
        return max((each.began for each in self._accounts if each.began is not None), default=None)

    @property
    def basis(self) -> str:
        """What the lights rest on."""
        gaps = sum(account.gaps for account in self._accounts)
        restarts = sum(account.restarts for account in self._accounts)
        text = f"{self.events:,} events, {gaps} gap{'' if gaps == 1 else 's'}"
        if restarts:
            text += f", {restarts} restart{'' if restarts == 1 else 's'}"
        begun = max((account.first or 0 for account in self._accounts), default=0)
        return f"{text}, slots from {begun:,} on" if begun else text

    def doubts(self, now: float) -> list[str]:
        """What is missing, since when, and what will end that; and what is only told by the past."""
        told: list[str] = []
        for account in self._accounts:
            if account.foreign:
                told.append(f"r{account.id} has another disk: its promises are gone, nobody may hear it.")
            since = f" for {ages(now - account.since)}" if account.since else ""
            match account.state:
                case "unseen":
                    told.append(f"r{account.id} was never heard: nothing is known of its votes.")
                case "gap":
                    told.append(
                        f"r{account.id} tells nothing{since}: its next snapshot shows what it holds then."
                    )
                case "whole" if account.stale_since is not None:
                    told.append(
                        f"r{account.id} is not heard for {ages(now - account.stale_since)}: "
                        "what it does is not known before it is."
                    )
                case "dead" if account.wiped:
                    told.append(
                        f"r{account.id} is down{since}, and its disk was wiped: nothing is left to check."
                    )
                case "dead":
                    told.append(f"r{account.id} is down{since}: what it holds is checked when it is back.")
        return told

    # What is told

    def event(self, replica: int, event: Struct) -> None:
        """The next event of a replica."""
        self.events += 1
        if type(event) in TAKES_PART:
            broken = self._accounts[replica].takes_part()
            if broken is not None:
                self._report(broken, PROMISES)
        take = self._on.get(type(event))
        if take is not None:
            self._try(take, replica, event)
        self._heard(replica)

    def _heard(self, replica: int) -> None:
        """Nothing that it did before is missing: what it leads unseen from here on begins at this ballot."""
        account = self._accounts[replica]
        if not account.silent:
            account.silent_from = self._reigns.newest

    def gap(self, replica: int, now: float, *, dropped: bool = False) -> None:
        """Events of a replica are missing: the connection is lost, or they were ``dropped`` on their way."""
        account = self._accounts[replica]
        if dropped:
            account.skip(self._facts.spoken(replica), now)
        if dropped or account.lose(now):
            self._reigns.unseen(replica)

    def listen(self, stale: Collection[int], now: float) -> None:
        """These replicas are not heard right now, although their connections are there."""
        for account in self._accounts:
            if account.id not in stale:
                account.stale_since = None
            elif account.stale_since is None:
                account.stale_since = now

    def down(self, replica: int, now: float) -> None:
        """Its process has ended: it does nothing any more."""
        self._accounts[replica].die(now)
        self._reigns.unseen(replica)

    def wiped(self, replica: int) -> None:
        """The disk of a replica that is down was deleted."""
        self._accounts[replica].wiped = True

    def storage(self, replica: int, storage: str) -> None:
        """A replica tells the id of its disk. A disk that was exchanged has forgotten everything, and the
        others do not listen to it; if it is the same one, what it must hold must be there."""
        self._accounts[replica].has_storage(storage)
        self._heard(replica)

    def snapshot(self, replica: int, snapshot: TelemetrySnapshot) -> None:
        """A replica's state; from here on its events come without a gap."""
        self._try(self._take_snapshot, replica, snapshot)
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

    # Lives

    def _take_snapshot(self, replica: int, snapshot: TelemetrySnapshot) -> None:
        account = self._accounts[replica]
        status = snapshot.status
        anew = account.first is None
        if (
            account.state == "unseen"
            and status is not None
            and (status.watermark or (snapshot.number and status.promised.round))
        ):
            account.began = snapshot.wall
        due = account.begin(snapshot.number, None if status is None else status.watermark)
        if status is None:
            return
        if status.promised.round:
            self._reigns.at(status.promised)  # whose it is may lead, also if it is not heard
        if anew and not any(self._logs.watermarks):
            self._logs.begin_at(max(0, status.watermark - SLOTS_KEPT))
        listed = [view for view in snapshot.slots if view.slot >= status.watermark]
        unsure = [view.slot + 1 for view in listed if view.state != "voted"]
        truncated = status.accepted_high > max((view.slot + 1 for view in listed), default=0)
        dark = max([status.accepted_high] if truncated else unsure, default=0)
        self._facts.starts_with(replica, status.promised)
        self._reigns.begins(replica, dark=dark)
        self._once.begins(replica, status.watermark)
        self._logs.watermarks[replica] = status.watermark
        for view in snapshot.slots:
            if view.state == "voted":
                self._reigns.vote(replica, view.ballot, view.slot, view.mark)
            else:
                self._reigns.know(view.ballot, view.slot, view.mark)
                self._learn(replica, view.slot, view.mark)
        upto = max((view.slot + 1 for view in listed), default=status.watermark) if truncated else None
        if status.held is None:
            account.breach = _breach(lambda: due.judge(replica, status, listed, upto))
        self._head(replica, status.watermark, status.chain)

    def _restored(self, replica: int, event: e.Restored) -> None:
        account = self._accounts[replica]
        due = account.restart(event.watermark)
        self._facts.starts_with(replica, event.promised)
        self._reigns.begins(replica, dark=EVERY_SLOT if event.votes else 0)
        self._reigns.unseen(replica)
        self._once.begins(replica, event.watermark)
        self._logs.watermarks[replica] = event.watermark
        account.breach = _breach(lambda: due.judge_promise(replica, event.promised))

    def _held(self, replica: int, event: e.Held) -> None:
        self._accounts[replica].renounce()

    # Acceptors

    def _promised(self, replica: int, event: e.Promised) -> None:
        self._bound(replica, event)
        self._reigns.promise(replica, event.ballot)
        if event.last_page and not self._accounts[replica].silent:
            start = max(event.first, self._logs.watermarks[replica])
            self._reigns.report_own(replica, event, start)

    def _bound(self, replica: int, event: e.Promised | e.Bound) -> None:
        if not self._accounts[replica].silent:
            self._facts.promise_made(replica, event.ballot)

    def _voted(self, replica: int, event: VotedView) -> None:
        if not self._accounts[replica].silent:
            try:
                self._facts.vote_cast(replica, event.ballot)
            except InvariantBroken as broken:
                self._report(broken, VOTES)
        self._reigns.vote(replica, event.ballot, event.first, event.marks)

    # Proposers

    def _round_taken(self, replica: int, event: e.RoundTaken) -> None:
        if not self._accounts[replica].silent:
            self._reigns.take_round(event.ballot)

    def _promise_received(self, replica: int, event: e.PromiseReceived) -> None:
        self._accounts[event.sender].count_promise(event.ballot)
        self._reigns.report(event.ballot, event.sender)

    def _elected(self, replica: int, event: e.Elected) -> None:
        self._reigns.elect(event)

    def _proposed(self, replica: int, event: ProposedView) -> None:
        self._reigns.propose(event.ballot, event.first, event.marks, event.source)

    def _accepted_received(self, replica: int, event: e.AcceptedReceived) -> None:
        if event.count:
            self._accounts[event.sender].count_votes(event.ballot, event.first, event.count)
            self._reigns.count(event.ballot, event.sender, event.first, event.count)

    def _chosen_seen(self, replica: int, event: e.ChosenSeen) -> None:
        for slot, marks in self._reigns.choose(event.ballot, event.first, event.count):
            self._learn(replica, slot, marks)

    # Learners

    def _learned(self, replica: int, event: LearnedView) -> None:
        slot = event.first
        at = 0
        for ballot, count in event.ballots:
            size = count * MARK_CHARS
            self._reigns.know(
                ballot, slot, event.marks if count == event.count else event.marks[at : at + size]
            )
            slot, at = slot + count, at + size
        self._learn(replica, event.first, event.marks)

    def _learn(self, replica: int, first: int, marks: str) -> None:
        floor = self._reigns.floor
        if first < floor:
            first, marks = floor, marks[(floor - first) * MARK_CHARS :]
        for slot, new in self._reigns.learn(replica, first, marks) if marks else ():
            self._once.chosen(slot, new)

    def _suppressed(self, replica: int, event: e.Suppressed) -> None:
        self._once.suppress(replica, event.slot)

    def _applied_to(self, replica: int, event: e.AppliedTo) -> None:
        logs = self._logs
        whole = not self._accounts[replica].silent
        logs.skip_to(event.watermark)
        try:
            if not whole:
                self._head(replica, event.watermark, event.chain)
            elif _is_head(event.chain):
                logs.applied_to(replica, event.first, event.watermark, event.chain)
        finally:
            logs.watermarks[replica] = event.watermark
            if whole:
                self._once.apply(replica, event.first, event.watermark)
        self._forget()

    def _snapshot_taken(self, replica: int, event: e.SnapshotTaken) -> None:
        """It goes on from another one's state: the chain's head there is that of the one log. Who had that
        state may tell so later."""
        logs = self._logs
        logs.skip_to(event.upto)
        try:
            if self._accounts[replica].silent:
                self._head(replica, event.upto, event.chain)
            elif _is_head(event.chain):
                logs.snapshot_taken(replica, event.first, event.upto, event.chain)
        finally:
            logs.watermarks[replica] = event.upto
            self._once.begins(replica, event.upto)
        self._forget()

    def _head(self, replica: int, watermark: int, chain: str) -> None:
        if _is_head(chain):
            self._logs.head_told(replica, watermark, bytes.fromhex(chain))

    # Memory

    def _forget(self) -> None:
        watermarks = self._logs.watermarks
        floor = max(min(watermarks) - MARGIN, max(watermarks) - SLOTS_KEPT)
        if floor >= self._reigns.floor + FORGET_EVERY:
            self._reigns.forget_below(floor)
            self._once.forget_below(floor)
            self._logs.forget_below(floor)
            for account in self._accounts:
                account.forget_below(floor)


def _breach(judge: Callable[[], None]) -> InvariantBroken | None:
    try:
        judge()
    except InvariantBroken as broken:
        return broken
    return None


def _has_a_past(snapshot: TelemetrySnapshot) -> bool:
    """Whether the replica has done something before its first word to this console."""
    status = snapshot.status
    return status is not None and bool(status.watermark or (snapshot.number and status.promised.round))


def _is_head(chain: str) -> bool:
    """Whether it is what the chain's head looks like: it was told by others."""
    return len(chain) == HEAD_CHARS and set(chain) <= HEX
