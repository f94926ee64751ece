"""What is known about one replica, and how fresh it is."""

from __future__ import annotations

from copy import copy
from typing import Final, Literal

from paxtui.console.model.state.rates import Gauge, RateCounter
from paxtui.console.model.state.runs import Runs
from paxtui.wire.faults import AnyFault, Clock, CrashProposer, Cut, Delay, LinkFault, Loss, SlowDisk
from paxtui.wire.requests import LinkView, StatusReport
from paxtui.wire.values import Ballot

STALE_S: Final = 1.6
"""After so long without a word, what is shown of a replica is old: it is asked twice a second."""

PAUSE_LAG_S: Final = 0.5
"""What a process sent just before it was stopped comes no later than this."""

RATE_NOISE: Final = 0.15
"""A rate that changes by less is shown as it was."""

RUNS_KEPT: Final = 20_000
"""Runs of votes kept a replica: elections and losses make them, messages hardly do."""

Process = Literal["unknown", "starting", "up", "paused", "down"]


class ReplicaView:
    """One replica as it tells, and as the supervisor sees its process."""

    def __init__(self, id: int) -> None:
        self.id = id
        self.name = f"r{id}"
        self.process: Process = "unknown"
        """What the supervisor, or the lack of a connection, says."""
        self.pid: int | None = None
        self.last_words = ""
        """Why it is down, if that is known."""
        self.since = 0.0
        """When ``process`` last changed."""
        self.wiped = False
        """Whether its disk was deleted, and it was not started since."""
        self.storage: str | None = None
        """The id of its disk, once it told."""
        self.pause_ends: float | None = None
        """Of a pause that is a fault: it goes on by itself then, or when the fault is undone."""
        self.heard_at: float | None = None
        self.observed = False
        """Whether its telemetry comes without a gap right now."""
        self.report: StatusReport | None = None
        self.reported_at = 0.0
        """When ``report`` came; ages in it go on from there."""
        self.waiting: tuple[AnyFault, ...] = ()
        """Faults on its links that begin when it is back."""
        self.ending: frozenset[int] = frozenset()
        """The numbers of faults that end when it is back."""
        self.role = "?"
        self.promised = Ballot.ZERO
        self.follows = Ballot.ZERO
        self.accepted: Runs[Ballot] = Runs()
        """This acceptor's votes, as far as they were seen."""
        self.learned: Runs[Ballot] = Runs()
        """Slots that it knows to be chosen, with a ballot at which they are."""
        self.applied = 0
        self.chain = ""
        self.log_start = 0
        """Slots below it are removed there."""
        self.proposed_at: Runs[float] = Runs()
        """When it proposed as a leader, on the console's clock."""
        self.trimming = False
        """Whether the slot that raised the log start is being applied."""
        self.known_from = 0
        """Votes below this slot were cast before the console looked."""
        self.offset = 0.0
        """The console's clock minus this replica's own, for everything that is counted and compared."""
        self.wall_ahead: float | None = None
        """Its wall clock minus the console's own, at the begin of the connection."""
        self.wall_offset = 0.0
        """Its wall clock minus its own, for the times of day of its events."""
        self.number = 0
        """That of the first event told on this connection."""
        self.told_to = 0
        """The number after the last event told."""
        self.missed_from = 0
        """The number of the first event before this connection that nobody told."""
        self.began_s: float | None = None
        """When the process began of which the history came, on its own clock."""
        self.told_since: float | None = None
        """When this connection began to tell; ``None`` while there is none."""
        self.missed_since = 0.0
        """When the connection before it ended."""
        self.gaps = 0
        """Events that were dropped on their way here."""
        self.events = 0
        self.learned_rate = RateCounter()
        self.resent = RateCounter()
        self.lost = RateCounter()
        self.fsync = Gauge()
        self.messages = Gauge()
        self.sent_rates: dict[int, tuple[float, int, float | None]] = {}
        """By peer: when the count was taken, the count, messages a second if they were measured."""

    def still(self) -> ReplicaView:
        """Return a copy as it is now: what comes later does not change it."""
        other = copy(self)
        other.accepted, other.learned = self.accepted.copy(), self.learned.copy()
        other.proposed_at = self.proposed_at.copy()
        other.learned_rate, other.resent = self.learned_rate.copy(), self.resent.copy()
        other.lost, other.fsync = self.lost.copy(), self.fsync.copy()
        other.messages, other.sent_rates = self.messages.copy(), self.sent_rates.copy()
        return other

    def fresh(self, now: float) -> bool:
        """Return whether it was heard lately."""
        return self.heard_at is not None and now - self.heard_at < STALE_S and self.process != "down"

    def silent_s(self, now: float) -> float | None:
        """Return for how long nothing was heard; ``None`` if nothing ever was."""
        return None if self.heard_at is None else max(0.0, now - self.heard_at)

    @property
    def knows_log(self) -> bool:
        """Return whether it ever told how far its log goes."""
        known = self.role not in ("?", "warm-up") or self.applied > 0 or self.accepted_high > 0
        return known or self.wiped

    @property
    def leads(self) -> bool:
        """Return whether it believes that it leads."""
        return self.role == "leader"

    @property
    def accepted_high(self) -> int:
        """Return the slot after the last that it voted in or learned."""
        return max(self.accepted.end, self.learned.end, self.applied)

    def vote(self, slot: int) -> Ballot | None:
        """Return the ballot of its vote in ``slot``, if one was seen."""
        return self.accepted.get(slot)

    def knows(self, slot: int) -> Ballot | None:
        """Return a ballot at which it knows the slot to be chosen; ``Ballot.ZERO`` where the ballot was not
        told."""
        known = self.learned.get(slot)
        if known is None and slot < self.applied:
            return self.accepted.get(slot) or Ballot.ZERO
        return known

    @property
    def summary(self) -> tuple[object, ...]:
        """Return what has to be seen at once when it changes."""
        report = self.report
        status = report.status if report is not None else None
        faults = tuple(fault.number for fault in report.active) if report is not None else ()
        holes = status.holes if status is not None else ()
        waits = report.waiting_for if report is not None else ()
        told = (self.process, self.role, self.promised, self.applied, self.log_start, self.last_words)
        return (*told, faults, holes, waits)

    # Faults here

    def cuts(self) -> set[int]:
        """Return peers that nothing reaches from here, by a fault."""
        cut: set[int] = set()
        for fault in self.on_links:
            if isinstance(fault, Cut):
                cut.update([link.to for link in self.links] if fault.to < 0 else [fault.to])
        return cut

    @property
    def on_links(self) -> list[LinkFault]:
        active = self.report.active if self.report is not None else ()
        acting = [each.fault for each in active if each.when is None and each.number not in self.ending]
        faults = [*acting, *self.waiting]
        return [fault for fault in faults if isinstance(fault, LinkFault)]

    @property
    def links(self) -> tuple[LinkView, ...]:
        """Return its links to the others."""
        return self.report.links if self.report is not None else ()

    def loss_to(self, peer: int) -> float:
        """Return percent of the messages to ``peer`` that a fault loses."""
        found = 0.0
        for fault in self.on_links:
            if isinstance(fault, Loss) and fault.to in (-1, peer):
                found = fault.percent
        return found

    def delay_to(self, peer: int) -> tuple[float, float]:
        """Return milliseconds and jitter of a delay to ``peer``."""
        found = (0.0, 0.0)
        for fault in self.on_links:
            if isinstance(fault, Delay) and fault.to in (-1, peer):
                found = (fault.ms, fault.jitter_ms)
        return found

    @property
    def refused_by(self) -> dict[int, str]:
        """Return by peer why it does not take this replica in."""
        return dict(self.report.refused_by) if self.report is not None else {}

    @property
    def non_voting(self) -> str | None:
        """Return why it is a learner without vote, if it is."""
        status = self.report.status if self.report is not None else None
        why = status.non_voting if status is not None else None
        return why or ("it says so itself" if self.role == "non-voting" else None)

    @property
    def proposer_crashed(self) -> bool:
        """Return whether only its proposer role is stopped."""
        return self.role == "crashed" or any(
            isinstance(each.fault, CrashProposer) and each.when is None
            for each in (self.report.active if self.report is not None else ())
        )

    @property
    def clock_percent(self) -> float:
        """Return at which share of real time the protocol's clock runs; of several faults the latest
        counts."""
        faults = self.report.active if self.report is not None else ()
        told = [each.fault.percent for each in faults if isinstance(each.fault, Clock) and each.when is None]
        return told[-1] if told else 100.0

    @property
    def slow_disk_ms(self) -> float:
        """Return how much longer a fault makes each commit."""
        faults = self.report.active if self.report is not None else ()
        return max((each.fault.ms for each in faults if isinstance(each.fault, SlowDisk)), default=0.0)

    # Folding

    def take_report(self, report: StatusReport, now: float) -> None:
        """Take an answer to get-status."""
        self._rates(report, now)
        if self.storage not in (None, report.storage) and report.status is not None:
            # Of the new disk everything from the watermark on was told; votes below it were on the old one.
            self.accepted.clear(0, report.status.watermark)
            self.promised = report.status.promised
        self.storage = report.storage
        self.fsync.put(now, report.fsync_ms)
        rate = self.message_rate
        if rate is not None:
            self.messages.put(now, rate)
        self.report = report
        self.reported_at = now
        self.pid = report.pid
        self.heard_at = now
        if self.process != "paused" or (self.pause_ends is not None and now - self.since > PAUSE_LAG_S):
            self.set_process("up", now)
        status = report.status
        if status is None:
            self.role = "warm-up"
            return
        self.role = status.role
        self.promised = max(self.promised, status.promised)
        if not self.observed or status.watermark > self.applied:
            self.applied = status.watermark
            self.chain = status.chain
        if not self.observed or status.log_start > self.log_start:
            self.log_start = status.log_start

    def forget_disk(self) -> None:
        """Forget another disk, or one that went back in time: what was seen of the old one says nothing of
        this."""
        self.accepted.clear(0)
        self.learned.clear(0)
        self.promised = Ballot.ZERO
        self.applied = self.log_start = 0
        self.chain = ""

    def wipe(self) -> None:
        """Forget all votes: its disk is deleted."""
        self.forget_disk()
        self.wiped, self.role, self.last_words = True, "?", "its disk was wiped"

    def _rates(self, report: StatusReport, now: float) -> None:
        for link in report.links:
            at, count, rate = self.sent_rates.get(link.to, (now, link.sent, None))
            if link.sent < count:  # it started anew
                at, count = now, link.sent
            if now - at >= 0.9:
                measured = (link.sent - count) / (now - at)
                # Ten heartbeats a second are sometimes eleven: a number that flickers says nothing.
                steady = bool(rate) and abs(measured - (rate or 0)) <= max(2.0, RATE_NOISE * (rate or 0))
                self.sent_rates[link.to] = (now, link.sent, rate if steady else measured)
            elif link.to not in self.sent_rates:
                self.sent_rates[link.to] = (at, count, rate)

    @property
    def message_rate(self) -> float | None:
        """Return how many messages a second leave it; ``None`` before that was measured."""
        measured = [rate for _, _, rate in self.sent_rates.values() if rate is not None]
        return sum(measured) if measured else None

    def watch(self, at: float, watched: bool) -> None:
        """Note that from ``at`` on its events are counted without a gap, or not any more."""
        for counter in (self.learned_rate, self.resent, self.lost):
            counter.watch(at, watched)

    def set_process(self, state: Process, now: float) -> None:
        """Note that the process is seen in another state."""
        if state != self.process:
            self.process = state
            self.since = now
            self.pause_ends = None
            if state != "down":
                self.wiped = False
            if state == "down":
                self.observed = False
                self.role = "?"
                self.pid = None

    def trim(self) -> None:
        """Keep memory bounded."""
        self.accepted.forget_oldest(RUNS_KEPT)
        self.learned.forget_oldest(RUNS_KEPT)
