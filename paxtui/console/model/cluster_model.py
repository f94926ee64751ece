"""The whole cluster as the console knows it: telemetry goes in, facts come out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from paxtui.config.cluster_file import Cluster
from paxtui.console.model.state.facts import Facts
from paxtui.console.model.state.journal import NO_NUMBER, YOU, Note, Seen
from paxtui.console.model.state.replica import ReplicaView
from paxtui.console.model.state.values import Value
from paxtui.wire import events as e
from paxtui.wire.faults import Pause
from paxtui.wire.requests import LogEntry, StatusReport
from paxtui.wire.telemetry import (
    FaultBegan,
    FaultEnded,
    LearnedView,
    MessageFaulted,
    Observed,
    ProposedView,
    TelemetryDelta,
    TelemetrySnapshot,
    VotedView,
)

RUNS_KEPT: Final = 20_000
TRIMS_KEPT: Final = 64
"""Floors of which it is remembered who set them: as many as states are kept."""
TIMES_KEPT: Final = 4_000
"""Runs whose times of proposal are kept: those in flight, and some more."""

CLOCKS_AGREE_S: Final = 2.0
"""Wall clocks that differ by more, with the way here, are not compared."""

decode = msgspec.json.Decoder(Observed).decode


class ClusterModel(Facts):
    """The facts, kept up to date by what replicas tell."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        self._bookmarked = 0
        self._handlers: dict[type, Callable[[ReplicaView, Any, float], None]] = {
            e.Restored: self._restored,
            e.Promised: self._promised,
            e.Bound: self._bound,
            VotedView: self._voted,
            ProposedView: self._proposed,
            e.AcceptSent: self._accept_sent,
            MessageFaulted: self._message_faulted,
            e.ChosenSeen: self._chosen_seen,
            LearnedView: self._learned,
            e.AppliedTo: self._applied_to,
            e.Trimmed: self._trimmed,
            e.SnapshotTaken: self._snapshot_taken,
            e.Suppressed: self._suppressed,
            e.Elected: self._elected,
            e.SteppedDown: self._stepped_down,
            e.RoundTaken: self._round_taken,
            e.LeaderHeard: self._leader_heard,
            e.ProposerCrashed: self._proposer_crashed,
            e.ProposerRestored: self._proposer_restored,
            e.BecameNonVoting: self._held,
            e.SlotSkipped: self._slot_skipped,
            FaultBegan: self._fault_began,
            FaultEnded: self._fault_ended,
        }

    # Folding

    def fold(self, id: int, told: TelemetrySnapshot | TelemetryDelta | None, now: float) -> None:
        """Take what a replica's telemetry told; ``None`` when the connection to it is lost."""
        self.version += 1
        replica = self.replicas[id]
        if told is None:
            self._watch(replica, now, False)
            self.judge.gap(id, now)
            return
        replica.heard_at = now
        if isinstance(told, TelemetrySnapshot):
            self._snapshot(replica, told, now)
            self._bookmark(told.wall)
            return
        if told.dropped:
            replica.gaps += told.dropped
            self._watch(replica, now, False)
            self.judge.gap(id, now, dropped=True)
            return
        replica.events += len(told.events)
        for number, (at_s, raw) in enumerate(told.events, told.first):
            event = decode(raw)
            handler = self._handlers.get(type(event))
            if handler is not None:
                handler(replica, event, min(at_s + replica.offset, now + CLOCKS_AGREE_S))
            self.judge.event(id, event)
            seen = Seen(at_s + replica.wall_offset, id, number, slim(event))
            self.journal.add(seen)
        if told.events:
            self._bookmark(told.at_s + replica.wall_offset)
        self._trim(replica)

    def report(self, id: int, report: StatusReport | None, problem: str, now: float) -> None:
        """Take an answer to get-status, or why there is none. They come twice a second from everybody, and
        mostly tell nothing new: the version grows only with what has to be seen at once."""
        replica = self.replicas[id]
        before = replica.summary, self.leaders.get(id)
        if report is not None:
            process = replica.process
            replica.take_report(report, now)
            if process == "paused" and replica.process == "up":
                self._tell_process(id, process, "up", "", now)
            self.judge.storage(id, report.storage)
            status = report.status
            if status is not None and status.role == "leader":
                self.leaders[id] = status.ballot
            else:
                self.leaders.pop(id, None)
        elif replica.process != "down":
            # Who led may lead on unseen, so it stays the last known leader until others have another one.
            replica.last_words = problem  # what a dead process itself said last tells more
        if before != (replica.summary, self.leaders.get(id)):
            self.version += 1

    def process(self, id: int, state: str, now: float, *, pid: int | None = None, words: str = "") -> None:
        """The supervisor, or a refused connection, tells of a process."""
        self.version += 1
        replica = self.replicas[id]
        if state != replica.process:
            self._tell_process(id, replica.process, state, words, now)
        replica.set_process(state, now)  # type: ignore[arg-type]
        replica.pid = pid if pid is not None else replica.pid
        if words and not replica.wiped:
            replica.last_words = words
        if state == "down":
            self.judge.down(id, now)
            self.leaders.pop(id, None)
            replica.report = None
            if self.wall_ahead:
                replica.watch(now, True)  # it does nothing
                self._watch_all(now)

    def wiped(self, id: int, now: float) -> None:
        """The disk of a replica that is down was deleted: its votes are nowhere any more."""
        self.process(id, "down", now)
        self.replicas[id].wipe()
        self.judge.wiped(id)

    def _tell_process(self, id: int, before: str, state: str, words: str, now: float) -> None:
        """What became of a process stands among the events: what others do next follows from it."""
        told = {
            "down": f"its process ended: {words}" if words else "nothing listens on its port any more",
            "paused": "its process is paused: it neither hears nor speaks",
            "up": "its process goes on" if before == "paused" else "",
            "starting": "its process is started" if before == "down" else "",
        }.get(state, "")
        if told and self.wall_ahead:  # before anything was heard nobody knows the time
            self.journal.add(Seen(now + self.wall_ahead, id, NO_NUMBER, Note(told, failed=state == "down")))

    def paused(self, id: int, seconds: float, at: float) -> None:
        """A fault stops a process from ``at`` on, a time of the console's; it goes on by itself."""
        self.version += 1
        replica = self.replicas[id]
        if replica.heard_at is None or replica.heard_at < at + seconds:
            self.process(id, "paused", at)
            replica.pause_ends = at + seconds

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

    def look(self, now: float) -> None:
        """What is due a few times a second: whether the log moves, and who is not heard."""
        before = self.liveness.verdict, self.judge.light
        self.liveness.look(self, now)
        self.judge.listen(
            [each.id for each in self.replicas if each.process == "up" and not each.fresh(now)], now
        )
        if (self.liveness.verdict, self.judge.light) != before:
            self.version += 1

    def page(self, entries: tuple[LogEntry, ...], id: int) -> None:
        """Entries that were fetched because somebody looks at them."""
        self.version += 1
        learned = self.replicas[id].learned
        for entry in entries:
            self.values.fetched(entry.slot, Value(entry.client, entry.request, entry.text, entry.repeats))
            if entry.slot not in learned:
                learned.assign(entry.slot, entry.slot + 1, entry.ballot)

    def _snapshot(self, replica: ReplicaView, snapshot: TelemetrySnapshot, now: float) -> None:
        self._watch(replica, now, True)
        replica.number = snapshot.number
        # Times of day only say how far apart two replicas' clocks are, where they do not contradict what is
        # heard here: one replica whose clock is wrong must not make all that others do look a year old.
        wall_ahead = snapshot.wall - now
        apart_s = wall_ahead - self.wall_ahead
        agrees = abs(apart_s) <= CLOCKS_AGREE_S
        replica.offset = now - snapshot.at_s + (apart_s if agrees else 0.0)
        replica.wall_offset = snapshot.wall - snapshot.at_s
        if not agrees:
            self.wall_ahead = wall_ahead
        status = snapshot.status
        if status is None:
            replica.role = "warm-up"
            self.judge.snapshot(replica.id, snapshot)
            return
        replica.role = status.role
        replica.promised = max(replica.promised, status.promised)
        replica.applied, replica.chain, replica.floor = status.watermark, status.chain, status.log_start
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
        self._watch_all(now)
        self.judge.snapshot(replica.id, snapshot)

    def _watch(self, replica: ReplicaView, at: float, observed: bool) -> None:
        """From ``at`` on all that the replica does is told, or not any more."""
        replica.observed = observed
        replica.watch(at, observed)
        self._watch_all(at)

    def _watch_all(self, at: float) -> None:
        """What the cluster does is seen where nobody acts unseen; decisions where the leader is seen."""
        everybody = all(each.observed or each.process == "down" for each in self.replicas)
        leader = self.leader
        self.elections.watch(at, everybody)
        self.chosen_rate.watch(at, everybody or (leader is not None and self.replicas[leader[0]].observed))

    def _trim(self, replica: ReplicaView) -> None:
        replica.trim()
        self._proposed_at.forget_oldest(TIMES_KEPT)
        self._first_proposed_at.forget_oldest(TIMES_KEPT)
        for runs in (self.proposed, *self.sent, *self.lost):
            runs.forget_oldest(RUNS_KEPT)
        self.sources.forget_oldest(RUNS_KEPT)

    # Events

    def _restored(self, replica: ReplicaView, event: e.Restored, at: float) -> None:
        if event.promised < replica.promised or event.watermark < replica.applied:
            replica.forget_disk()
        replica.promised = event.promised
        replica.applied = event.watermark
        replica.role = "follower"
        self.leaders.pop(replica.id, None)

    def _promised(self, replica: ReplicaView, event: e.Promised, at: float) -> None:
        replica.promised = max(replica.promised, event.ballot)
        self.phase1.promised(replica.id, event, replica.accepted)

    def _bound(self, replica: ReplicaView, event: e.Bound, at: float) -> None:
        replica.promised = max(replica.promised, event.ballot)

    def _voted(self, replica: ReplicaView, event: VotedView, at: float) -> None:
        replica.promised = max(replica.promised, event.ballot)
        end = event.first + event.count
        replica.accepted.assign(event.first, end, event.ballot)
        self.lost[replica.id].clear(event.first, end)

    def _proposed(self, replica: ReplicaView, event: ProposedView, at: float) -> None:
        end = event.first + event.count
        self.proposed.assign(event.first, end, event.ballot)
        self.sources.assign(event.first, end, event.source)
        if event.source == "no-op":
            self.holes.fill(replica.id, event, at, self.phase1.end(event.ballot))
        self._proposed_at.assign(event.first, end, at)
        if event.first >= self._first_proposed_at.end:
            self._first_proposed_at.assign(event.first, end, at)
        self._values(event)
        if self.chat.expecting and event.values is not None:
            for slot, view in enumerate(event.values, event.first):
                self.chat.proposed(slot, view.client, view.request)

    def _values(self, event: ProposedView | LearnedView) -> None:
        if event.values is not None:
            self.values.put_run(
                event.first, [Value(value.client, value.request, value.text) for value in event.values]
            )

    def _accept_sent(self, replica: ReplicaView, event: e.AcceptSent, at: float) -> None:
        end = event.first + event.count
        for to in range(self.n) if event.to < 0 else (event.to,):
            if to != replica.id:
                self.sent[to].assign(event.first, end, event.ballot)
                self.lost[to].clear(event.first, end)
        if event.again:
            replica.resent.add(at, event.count)

    def _message_faulted(self, replica: ReplicaView, event: MessageFaulted, at: float) -> None:
        if event.copies == 0:
            replica.lost.add(at)
            if event.kind == "accept" and event.ballot is not None:
                self.lost[event.to].assign(event.first, event.first + event.count, event.ballot)

    def _chosen_seen(self, replica: ReplicaView, event: e.ChosenSeen, at: float) -> None:
        self.chosen_rate.add(at, event.count)
        for _, _, proposed_at in self._proposed_at.within(event.first, event.first + event.count):
            self.latency.add(at, (at - proposed_at) * 1000)

    def _learned(self, replica: ReplicaView, event: LearnedView, at: float) -> None:
        slot = event.first
        for ballot, count in event.ballots:
            replica.learned.assign(slot, slot + count, ballot)
            slot += count
        replica.learned_rate.add(at, event.count)
        self._values(event)

    def _applied_to(self, replica: ReplicaView, event: e.AppliedTo, at: float) -> None:
        replica.applied, replica.chain = event.watermark, event.chain
        if replica.trimming:
            replica.trimming = False
            self._find_trim(replica.floor, event.first, event.watermark)

    def _find_trim(self, floor: int, first: int, end: int) -> None:
        """Which of the slots that were just applied set the floor, if its value was told."""
        for slot in range(first, end):
            value = self.values.get(slot)
            if value is not None and value.word == "trim" and value.request >= floor:
                self.trims.setdefault(floor, slot)
                break
        while len(self.trims) > TRIMS_KEPT:
            del self.trims[min(self.trims)]

    def _trimmed(self, replica: ReplicaView, event: e.Trimmed, at: float) -> None:
        replica.floor, replica.trimming = event.log_start, True

    def _snapshot_taken(self, replica: ReplicaView, event: e.SnapshotTaken, at: float) -> None:
        replica.applied = replica.floor = event.upto
        replica.chain = event.chain

    def _suppressed(self, replica: ReplicaView, event: e.Suppressed, at: float) -> None:
        self.values.suppress(event.slot, event.repeats)

    def _elected(self, replica: ReplicaView, event: e.Elected, at: float) -> None:
        replica.role = "leader"
        self.leaders[replica.id] = event.ballot
        self.phase1.elect(event)
        self._watch_all(at)
        self.elections.add(at)

    def _stepped_down(self, replica: ReplicaView, event: e.SteppedDown, at: float) -> None:
        if replica.role not in ("crashed", "non-voting"):
            replica.role = "follower"
        self.leaders.pop(replica.id, None)

    def _round_taken(self, replica: ReplicaView, event: e.RoundTaken, at: float) -> None:
        replica.role = "preparing"

    def _leader_heard(self, replica: ReplicaView, event: e.LeaderHeard, at: float) -> None:
        replica.follows = event.ballot
        if replica.role not in ("crashed", "non-voting") and event.ballot.replica != replica.id:
            replica.role = "follower"

    def _proposer_crashed(self, replica: ReplicaView, event: e.ProposerCrashed, at: float) -> None:
        replica.role = "crashed"
        self.leaders.pop(replica.id, None)

    def _proposer_restored(self, replica: ReplicaView, event: e.ProposerRestored, at: float) -> None:
        replica.role = "follower"

    def _held(self, replica: ReplicaView, event: e.BecameNonVoting, at: float) -> None:
        replica.role = "non-voting"
        self.leaders.pop(replica.id, None)

    def _slot_skipped(self, replica: ReplicaView, event: e.SlotSkipped, at: float) -> None:
        self.holes.skip(replica.id, event, at)

    def _fault_began(self, replica: ReplicaView, event: FaultBegan, at: float) -> None:
        if isinstance(event.fault, Pause) and not event.waits:
            self.paused(replica.id, event.fault.seconds, at)

    def _fault_ended(self, replica: ReplicaView, event: FaultEnded, at: float) -> None:
        self.holes.fault_ended(replica.id, event)


def slim(event: Struct) -> Struct:
    """An event without marks and values: fifty thousand of them are kept, and runs can be long."""
    if isinstance(event, VotedView):
        return structs.replace(event, digests="")
    if isinstance(event, ProposedView | LearnedView):
        return structs.replace(event, digests="", values=None)
    return event
