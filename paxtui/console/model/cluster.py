"""The whole cluster as the console knows it: telemetry goes in, facts come out."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from paxtui.config import Cluster
from paxtui.console.model.chatbook import ChatBook
from paxtui.console.model.journal import YOU, Journal, Note, Seen
from paxtui.console.model.liveness import Liveness
from paxtui.console.model.rates import Counter, Latencies
from paxtui.console.model.replica import ReplicaView
from paxtui.console.model.runs import Runs
from paxtui.console.model.safety import Judge
from paxtui.console.model.values import Value, Values
from paxtui.wire import events as e
from paxtui.wire.requests import LogEntry, StatusReport
from paxtui.wire.telemetry import (
    Delta,
    LearnedView,
    MessageFaulted,
    Observed,
    ProposedView,
    Snapshot,
    VotedView,
)
from paxtui.wire.values import Ballot, majority

RUNS_KEPT: Final = 20_000
TIMES_KEPT: Final = 4_000
"""Runs whose times of proposal are kept: those in flight, and some more."""

decode = msgspec.json.Decoder(Observed).decode


class ClusterModel:
    """Facts about slots and replicas. ``version`` grows with every change, so views know when to look."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.n = cluster.n
        self.quorum = majority(cluster.n)
        self.version = 0
        self.replicas = [ReplicaView(id) for id in range(self.n)]
        self.proposed: Runs[Ballot] = Runs()
        """The newest ballot at which a leader gave the slot a value."""
        self.sources: Runs[str] = Runs()
        """Where the newest proposal came from: client, adopted or no-op."""
        self.sent: list[Runs[Ballot]] = [Runs() for _ in range(self.n)]
        """By receiver: the ballot of the newest Accept that left for it."""
        self.lost: list[Runs[Ballot]] = [Runs() for _ in range(self.n)]
        """By receiver: Accepts that a fault swallowed and that were not sent again since."""
        self.skipped: dict[int, Seen] = {}
        self.leaders: dict[int, Ballot] = {}
        """By replica, the ballot that it was elected with, while it leads."""
        self.values = Values()
        self.journal = Journal()
        self.chat = ChatBook(lambda: self.end)
        self.judge = Judge(self.n)
        self._bookmarked = 0
        self.liveness = Liveness()
        self.chosen_rate = Counter()
        self.elections = Counter()
        self.latency = Latencies()
        self.wall_ahead = 0.0
        """The replicas' wall clock minus the console's own, for counts by the second."""
        self._proposed_at: Runs[float] = Runs()
        self._first_proposed_at: Runs[float] = Runs()
        self._handlers: dict[type, Callable[[ReplicaView, Any, float], None]] = {
            e.Restored: self._restored,
            e.Promised: self._promised,
            e.Bound: self._promised,
            VotedView: self._voted,
            ProposedView: self._proposed,
            e.AcceptSent: self._accept_sent,
            MessageFaulted: self._message_faulted,
            e.ChosenSeen: self._chosen_seen,
            LearnedView: self._learned,
            e.AppliedTo: self._applied_to,
            e.Suppressed: self._suppressed,
            e.Elected: self._elected,
            e.SteppedDown: self._stepped_down,
            e.RoundTaken: self._round_taken,
            e.LeaderHeard: self._leader_heard,
            e.ProposerCrashed: self._proposer_crashed,
            e.ProposerRestored: self._proposer_restored,
        }

    def still(self) -> ClusterModel:
        """The facts as they are now, for a view that stands still. Checks, chat and counts go on in both."""
        other = copy(self)
        other.replicas = [replica.still() for replica in self.replicas]
        other.proposed, other.sources = self.proposed.copy(), self.sources.copy()
        other.sent = [runs.copy() for runs in self.sent]
        other.lost = [runs.copy() for runs in self.lost]
        other.skipped, other.leaders = self.skipped.copy(), self.leaders.copy()
        other.values, other.journal = self.values.copy(), self.journal.still()
        return other

    # Folding

    def fold(self, id: int, told: Snapshot | Delta | None, now: float) -> None:
        """Take what a replica's telemetry told; ``None`` when the connection to it is lost."""
        self.version += 1
        replica = self.replicas[id]
        if told is None:
            replica.observed = False
            self.judge.gap(id, now)
            return
        replica.heard_at = now
        if isinstance(told, Snapshot):
            self._snapshot(replica, told, now)
            self._bookmark(told.wall)
            return
        if told.dropped:
            replica.gaps += told.dropped
            replica.observed = False
            self.judge.gap(id, now, dropped=True)
            return
        replica.events += len(told.events)
        for number, (at_s, raw) in enumerate(told.events, told.first):
            event = decode(raw)
            handler = self._handlers.get(type(event))
            wall = at_s + replica.wall_offset
            if handler is not None:
                handler(replica, event, wall)
            self.judge.event(id, event)
            seen = Seen(wall, id, number, slim(event))
            self.journal.add(seen)
            if isinstance(event, e.SlotSkipped):
                self.skipped[event.slot] = seen
        if told.events:
            self._bookmark(told.at_s + replica.wall_offset)
        self._trim(replica)

    def report(self, id: int, report: StatusReport | None, problem: str, now: float) -> None:
        """Take an answer to get-status, or why there is none. They come twice a second from everybody, and
        mostly tell nothing new: the version grows only with what has to be seen at once."""
        replica = self.replicas[id]
        before = replica.summary, self.leaders.get(id)
        if report is not None:
            replica.take_report(report, now)
            self.judge.storage(id, report.storage)
            status = report.status
            if status is not None and status.role == "leader":
                self.leaders[id] = status.ballot
            else:
                self.leaders.pop(id, None)
        else:
            self.leaders.pop(id, None)
            if replica.process != "down":  # what the process itself said last tells more
                replica.last_words = problem
        if before != (replica.summary, self.leaders.get(id)):
            self.version += 1

    def process(self, id: int, state: str, now: float, *, pid: int | None = None, words: str = "") -> None:
        """The supervisor, or a refused connection, tells of a process."""
        self.version += 1
        replica = self.replicas[id]
        replica.set_process(state, now)  # type: ignore[arg-type]
        replica.pid = pid if pid is not None else replica.pid
        if words:
            replica.last_words = words
        if state == "down":
            self.judge.down(id, now)
            self.leaders.pop(id, None)
            replica.report = None

    def note(self, text: str, wall: float, *, slot: int | None = None, failed: bool = False) -> None:
        """Something that the person did, or that became of it."""
        self.version += 1
        self.journal.add(Seen(wall, YOU, self.journal.total, Note(text, slot, failed)))

    def _bookmark(self, wall: float) -> None:
        """What the judge has found broken, among the events."""
        for problem in self.judge.problems[self._bookmarked :]:
            self._bookmarked += 1
            slot = min(self.judge.conflicts, default=None)
            self.note(f"VIOLATED, bookmark {self._bookmarked}: {problem}", wall, slot=slot, failed=True)

    def page(self, entries: tuple[LogEntry, ...], id: int) -> None:
        """Entries that were fetched because somebody looks at them."""
        self.version += 1
        learned = self.replicas[id].learned
        for entry in entries:
            self.values.put(entry.slot, Value(entry.client, entry.request, entry.text[:120], entry.repeats))
            if entry.slot not in learned:
                learned.assign(entry.slot, entry.slot + 1, entry.ballot)

    def _snapshot(self, replica: ReplicaView, snapshot: Snapshot, now: float) -> None:
        replica.observed = True
        replica.number = snapshot.number
        replica.wall_offset = snapshot.wall - snapshot.at_s
        self.wall_ahead = snapshot.wall - now
        status = snapshot.status
        if status is None:
            replica.role = "warm-up"
            self.judge.snapshot(replica.id, snapshot)
            return
        replica.role = status.role
        replica.promised = max(replica.promised, status.promised)
        replica.applied, replica.chain = status.watermark, status.chain
        if status.role == "leader":
            self.leaders[replica.id] = status.ballot
        # What it holds above its watermark is told in full; what was seen before may have died with it.
        replica.accepted.clear(status.watermark)
        replica.learned.clear(status.watermark)
        for view in snapshot.slots:
            if view.state == "voted":
                replica.accepted.assign(view.slot, view.slot + 1, view.ballot)
            else:
                replica.learned.assign(view.slot, view.slot + 1, view.ballot)
            self.values.put(view.slot, Value(view.client, view.request, view.text))
        self.judge.snapshot(replica.id, snapshot)

    def _trim(self, replica: ReplicaView) -> None:
        replica.trim()
        self._proposed_at.forget_oldest(TIMES_KEPT)
        self._first_proposed_at.forget_oldest(TIMES_KEPT)
        for runs in (self.proposed, *self.sent, *self.lost):
            runs.forget_oldest(RUNS_KEPT)
        self.sources.forget_oldest(RUNS_KEPT)
        while len(self.skipped) > 1000:
            del self.skipped[next(iter(self.skipped))]

    # Events

    def _restored(self, replica: ReplicaView, event: e.Restored, wall: float) -> None:
        if event.promised < replica.promised or event.watermark < replica.applied:
            # Another disk, or one that went back in time: what was seen of the old one says nothing of this.
            replica.accepted.clear(0)
            replica.learned.clear(0)
        replica.promised = event.promised
        replica.applied = event.watermark
        replica.role = "follower"
        self.leaders.pop(replica.id, None)

    def _promised(self, replica: ReplicaView, event: e.Promised | e.Bound, wall: float) -> None:
        replica.promised = max(replica.promised, event.ballot)

    def _voted(self, replica: ReplicaView, event: VotedView, wall: float) -> None:
        replica.promised = max(replica.promised, event.ballot)
        end = event.first + event.count
        replica.accepted.assign(event.first, end, event.ballot)
        self.lost[replica.id].clear(event.first, end)

    def _proposed(self, replica: ReplicaView, event: ProposedView, wall: float) -> None:
        end = event.first + event.count
        self.proposed.assign(event.first, end, event.ballot)
        self.sources.assign(event.first, end, event.source)
        self._proposed_at.assign(event.first, end, wall)
        if event.first >= self._first_proposed_at.end:
            self._first_proposed_at.assign(event.first, end, wall)
        self._values(event)
        if self.chat.expecting and event.values is not None:
            for slot, view in enumerate(event.values, event.first):
                self.chat.proposed(slot, view.client, view.request)

    def _values(self, event: ProposedView | LearnedView) -> None:
        if event.values is not None:
            self.values.put_run(
                event.first, [Value(value.client, value.request, value.text) for value in event.values]
            )

    def _accept_sent(self, replica: ReplicaView, event: e.AcceptSent, wall: float) -> None:
        end = event.first + event.count
        for to in range(self.n) if event.to < 0 else (event.to,):
            if to != replica.id:
                self.sent[to].assign(event.first, end, event.ballot)
                self.lost[to].clear(event.first, end)
        if event.again:
            replica.resent.add(wall, event.count)

    def _message_faulted(self, replica: ReplicaView, event: MessageFaulted, wall: float) -> None:
        if event.copies == 0:
            replica.lost.add(wall)
            if event.kind == "accept" and event.ballot is not None:
                self.lost[event.to].assign(event.first, event.first + event.count, event.ballot)

    def _chosen_seen(self, replica: ReplicaView, event: e.ChosenSeen, wall: float) -> None:
        self.chosen_rate.add(wall, event.count)
        for first, _, at in self._proposed_at.within(event.first, event.first + event.count):
            self.latency.add(wall, (wall - at) * 1000)
            del first

    def _learned(self, replica: ReplicaView, event: LearnedView, wall: float) -> None:
        slot = event.first
        for ballot, count in event.ballots:
            replica.learned.assign(slot, slot + count, ballot)
            slot += count
        replica.learned_rate.add(wall, event.count)
        self._values(event)

    def _applied_to(self, replica: ReplicaView, event: e.AppliedTo, wall: float) -> None:
        replica.applied, replica.chain = event.watermark, event.chain

    def _suppressed(self, replica: ReplicaView, event: e.Suppressed, wall: float) -> None:
        self.values.suppress(event.slot, event.repeats)

    def _elected(self, replica: ReplicaView, event: e.Elected, wall: float) -> None:
        replica.role = "leader"
        self.leaders[replica.id] = event.ballot
        self.elections.add(wall)

    def _stepped_down(self, replica: ReplicaView, event: e.SteppedDown, wall: float) -> None:
        if replica.role != "crashed":
            replica.role = "follower"
        self.leaders.pop(replica.id, None)

    def _round_taken(self, replica: ReplicaView, event: e.RoundTaken, wall: float) -> None:
        replica.role = "preparing"

    def _leader_heard(self, replica: ReplicaView, event: e.LeaderHeard, wall: float) -> None:
        replica.follows = event.ballot
        if replica.role != "crashed" and event.ballot.replica != replica.id:
            replica.role = "follower"

    def _proposer_crashed(self, replica: ReplicaView, event: e.ProposerCrashed, wall: float) -> None:
        replica.role = "crashed"
        self.leaders.pop(replica.id, None)

    def _proposer_restored(self, replica: ReplicaView, event: e.ProposerRestored, wall: float) -> None:
        replica.role = "follower"

    # Facts

    def proposed_after(self, slot: int, now: float) -> bool:
        """Whether the first proposal for ``slot`` is known to be later than ``now``, a time of the console's:
        who was down by then cannot have voted."""
        at = self._first_proposed_at.get(slot)
        return at is not None and at - self.wall_ahead > now

    @property
    def leader(self) -> tuple[int, Ballot] | None:
        """Who leads, as far as is known: of several that believe it, the one with the highest ballot."""
        if not self.leaders:
            return None
        id = max(self.leaders, key=lambda each: self.leaders[each])
        return id, self.leaders[id]

    @property
    def end(self) -> int:
        """The slot after the last of which anything is known."""
        ends = [replica.accepted_high for replica in self.replicas]
        return max(self.proposed.end, *ends)

    @property
    def hole(self) -> int | None:
        """The first slot that keeps chosen ones above it from being applied, if there is one."""
        applied = self.applied
        return applied if self.chosen > applied else None

    @property
    def chosen(self) -> int:
        """The slot after the last that any replica knows to be chosen."""
        return max(max(replica.learned.end, replica.applied) for replica in self.replicas)

    @property
    def applied(self) -> int:
        """The highest applied watermark."""
        return max(replica.applied for replica in self.replicas)

    def crosses(self, sender: int, receiver: int) -> bool:
        """Whether nothing that is known keeps messages of ``sender`` from ``receiver``."""
        one, other = self.replicas[sender], self.replicas[receiver]
        return (
            receiver not in one.cuts()
            and one.process not in ("down", "paused")
            and other.process not in ("down", "paused")
        )

    def connected(self, one: int, other: int) -> bool:
        """Whether both directions work."""
        return self.crosses(one, other) and self.crosses(other, one)

    def isolated(self, id: int) -> bool:
        """Whether faults cut the replica off from all others, at least in one direction each."""
        others = [each for each in range(self.n) if each != id]
        return bool(others) and all(
            each in self.replicas[id].cuts() or id in self.replicas[each].cuts() for each in others
        )

    @property
    def active_faults(self) -> int:
        """How many faults are known to act or wait."""
        return sum(len(replica.report.active) for replica in self.replicas if replica.report is not None)


def slim(event: Struct) -> Struct:
    """An event without marks and values: fifty thousand of them are kept, and runs can be long."""
    if isinstance(event, VotedView):
        return structs.replace(event, marks="")
    if isinstance(event, ProposedView | LearnedView):
        return structs.replace(event, marks="", values=None)
    return event
