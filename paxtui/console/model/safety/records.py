"""What is kept of all that replicas told, so that it can be checked: per replica, per ballot, per log.

Handlers raise :class:`InvariantBroken` or :class:`Disagreement` for what is certainly wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, Final

from msgspec import Struct

from paxtui.checkers.broken import InvariantBroken
from paxtui.checkers.logs import Logs
from paxtui.checkers.observed_ghost_state import ObservedGhostState
from paxtui.console.model.safety.ballots import EVERY_SLOT, BallotRecords
from paxtui.console.model.safety.checks import VOTES
from paxtui.console.model.safety.exactly_once import ExactlyOnce
from paxtui.console.model.safety.per_replica import ReplicaRecord
from paxtui.wire import events as e
from paxtui.wire.telemetry import DIGEST_CHARS, LearnedView, ProposedView, TelemetrySnapshot, VotedView

SLOTS_KEPT: Final = 40_000
"""Slots below the highest watermark of which details are kept, even if some replica has not applied them."""

MARGIN: Final = 2_000
"""Slots that are kept although everybody has applied them: a retry may repeat one."""

FORGET_EVERY: Final = 1_000

HEAD_CHARS: Final = 64
HEX: Final = frozenset("0123456789abcdef")


class LiveLogs(Logs):
    """Heads of hash chains, from any slot on."""

    def begin_at(self, watermark: int) -> None:
        """Say nothing of what is below ``watermark``."""
        self._forgotten = max(self._forgotten, watermark)


class SafetyRecords:
    """The records of all that replicas tell; ``report`` gets what is broken beside what is raised."""

    def __init__(self, replicas: int, report: Callable[[InvariantBroken, str], None]) -> None:
        self.records = [ReplicaRecord(id) for id in range(replicas)]
        self.ballots = BallotRecords(replicas)
        self.ghost_state = ObservedGhostState(replicas)
        self.logs = LiveLogs(replicas, {}, None)
        self.exactly_once = ExactlyOnce(replicas)
        self._report = report
        self._handlers: dict[type, Callable[[int, Any], None]] = {
            e.Restored: self._restored,
            e.BecameNonVoting: self._held,
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

    def still(self) -> SafetyRecords:
        """Return what is kept now, for a view that stands still: nothing is told to it any more."""
        other = copy(self)
        other.records = [copy(record) for record in self.records]
        other.ballots = self.ballots.still()
        return other

    def take_event(self, replica: int, event: Struct) -> None:
        """Take one event of a replica."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(replica, event)

    # Lives

    def take_snapshot(self, replica: int, snapshot: TelemetrySnapshot) -> None:
        record = self.records[replica]
        status = snapshot.status
        anew = record.first is None
        if (
            record.state == "unseen"
            and status is not None
            and (status.watermark or (snapshot.number and status.promised.round))
        ):
            record.began = snapshot.wall
        due = record.begin(snapshot.number, None if status is None else status.watermark)
        if status is None:
            return
        if status.promised.round:
            self.ballots.at(status.promised)  # whose it is may lead, also if it is not heard
        if anew and not any(self.logs.watermarks):
            self.logs.begin_at(max(0, status.watermark - SLOTS_KEPT))
        listed = [view for view in snapshot.slots if view.slot >= status.watermark]
        unsure = [view.slot + 1 for view in listed if view.state != "voted"]
        truncated = status.accepted_high > max((view.slot + 1 for view in listed), default=0)
        dark = max([status.accepted_high] if truncated else unsure, default=0)
        self.ghost_state.starts_with(replica, status.promised)
        self.ballots.begins(replica, dark=dark)
        self.exactly_once.begins(replica, status.watermark)
        self.logs.watermarks[replica] = status.watermark
        for view in snapshot.slots:
            if view.state == "voted":
                self.ballots.vote(replica, view.ballot, view.slot, view.digest)
            else:
                self.ballots.know(view.ballot, view.slot, view.digest)
                self._learn(replica, view.slot, view.digest)
        upto = max((view.slot + 1 for view in listed), default=status.watermark) if truncated else None
        if status.non_voting is None:
            record.breach = _breach(lambda: due.judge(replica, status, listed, upto))
        self._head(replica, status.watermark, status.chain)

    def _restored(self, replica: int, event: e.Restored) -> None:
        record = self.records[replica]
        due = record.restart(event.watermark)
        self.ghost_state.starts_with(replica, event.promised)
        self.ballots.begins(replica, dark=EVERY_SLOT if event.votes else 0)
        self.ballots.unseen(replica)
        self.exactly_once.begins(replica, event.watermark)
        self.logs.watermarks[replica] = event.watermark
        record.breach = _breach(lambda: due.judge_promise(replica, event.promised))

    def _held(self, replica: int, event: e.BecameNonVoting) -> None:
        self.records[replica].renounce()

    # Acceptors

    def _promised(self, replica: int, event: e.Promised) -> None:
        self._bound(replica, event)
        self.ballots.promise(replica, event.ballot)
        if event.last_page and not self.records[replica].silent:
            start = max(event.first, self.logs.watermarks[replica])
            self.ballots.report_own(replica, event, start)

    def _bound(self, replica: int, event: e.Promised | e.Bound) -> None:
        if not self.records[replica].silent:
            self.ghost_state.promise_made(replica, event.ballot)

    def _voted(self, replica: int, event: VotedView) -> None:
        if not self.records[replica].silent:
            try:
                self.ghost_state.vote_cast(replica, event.ballot)
            except InvariantBroken as broken:
                self._report(broken, VOTES)
        self.ballots.vote(replica, event.ballot, event.first, event.digests)

    # Proposers

    def _round_taken(self, replica: int, event: e.RoundTaken) -> None:
        if not self.records[replica].silent:
            self.ballots.take_round(event.ballot)

    def _promise_received(self, replica: int, event: e.PromiseReceived) -> None:
        self.records[event.sender].count_promise(event.ballot)
        self.ballots.report(event.ballot, event.sender)

    def _elected(self, replica: int, event: e.Elected) -> None:
        self.ballots.elect(event)

    def _proposed(self, replica: int, event: ProposedView) -> None:
        self.ballots.propose(event.ballot, event.first, event.digests, event.source)

    def _accepted_received(self, replica: int, event: e.AcceptedReceived) -> None:
        if event.count:
            self.records[event.sender].count_votes(event.ballot, event.first, event.count)
            self.ballots.count(event.ballot, event.sender, event.first, event.count)

    def _chosen_seen(self, replica: int, event: e.ChosenSeen) -> None:
        for slot, marks in self.ballots.choose(event.ballot, event.first, event.count):
            self._learn(replica, slot, marks)

    # Learners

    def _learned(self, replica: int, event: LearnedView) -> None:
        slot = event.first
        at = 0
        for ballot, count in event.ballots:
            size = count * DIGEST_CHARS
            self.ballots.know(
                ballot, slot, event.digests if count == event.count else event.digests[at : at + size]
            )
            slot, at = slot + count, at + size
        self._learn(replica, event.first, event.digests)

    def _learn(self, replica: int, first: int, marks: str) -> None:
        kept_from = self.ballots.kept_from
        if first < kept_from:
            first, marks = kept_from, marks[(kept_from - first) * DIGEST_CHARS :]
        for slot, new in self.ballots.learn(replica, first, marks) if marks else ():
            self.exactly_once.chosen(slot, new)

    def _suppressed(self, replica: int, event: e.Suppressed) -> None:
        self.exactly_once.suppress(replica, event.slot)

    def _applied_to(self, replica: int, event: e.AppliedTo) -> None:
        logs = self.logs
        whole = not self.records[replica].silent
        logs.skip_to(event.watermark)
        try:
            if not whole:
                self._head(replica, event.watermark, event.chain)
            elif _is_head(event.chain):
                logs.applied_to(replica, event.first, event.watermark, event.chain)
        finally:
            logs.watermarks[replica] = event.watermark
            if whole:
                self.exactly_once.apply(replica, event.first, event.watermark)
        self._forget()

    def _snapshot_taken(self, replica: int, event: e.SnapshotTaken) -> None:
        """Take a state of another replica from which it goes on: the chain's head there is that of the one
        log. Who had that state may tell so later."""
        logs = self.logs
        logs.skip_to(event.upto)
        try:
            if self.records[replica].silent:
                self._head(replica, event.upto, event.chain)
            elif _is_head(event.chain):
                logs.snapshot_taken(replica, event.first, event.upto, event.chain)
        finally:
            logs.watermarks[replica] = event.upto
            self.exactly_once.begins(replica, event.upto)
        self._forget()

    def _head(self, replica: int, watermark: int, chain: str) -> None:
        if _is_head(chain):
            self.logs.head_told(replica, watermark, bytes.fromhex(chain))

    # Memory

    def _forget(self) -> None:
        watermarks = self.logs.watermarks
        kept_from = max(min(watermarks) - MARGIN, max(watermarks) - SLOTS_KEPT)
        if kept_from >= self.ballots.kept_from + FORGET_EVERY:
            self.ballots.forget_below(kept_from)
            self.exactly_once.forget_below(kept_from)
            self.logs.forget_below(kept_from)
            for record in self.records:
                record.forget_below(kept_from)


def _breach(judge: Callable[[], None]) -> InvariantBroken | None:
    try:
        judge()
    except InvariantBroken as broken:
        return broken
    return None


def _is_head(chain: str) -> bool:
    """Return whether it is what the chain's head looks like: it was told by others."""
    return len(chain) == HEAD_CHARS and set(chain) <= HEX
