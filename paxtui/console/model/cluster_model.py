"""The whole cluster as the console knows it: telemetry goes in, facts come out."""

from __future__ import annotations

from copy import copy
from typing import Self

import msgspec

from paxtui.config.cluster_file import Cluster
from paxtui.console.model.liveness.liveness import Liveness
from paxtui.console.model.safety.safety import SafetyJudge
from paxtui.console.model.state.facts import Facts
from paxtui.console.model.state.history import fold_history
from paxtui.console.model.state.replica import Process
from paxtui.console.model.state.seen import NO_NUMBER, YOU, Aside, Note, Seen
from paxtui.console.model.state.telemetry import (
    fold_event,
    fold_snapshot,
    forget_oldest,
    watch,
    watch_all,
)
from paxtui.console.model.state.values import Value
from paxtui.console.model.verdict import verdict_of
from paxtui.tape.step import DROPPED, FETCHED, LOST, PROCESS, REPORT, SILENT, SNAPSHOT, VERDICT, WIPED
from paxtui.wire.faults import Pause
from paxtui.wire.notable import slim
from paxtui.wire.requests import LogEntry, StatusReport
from paxtui.wire.telemetry import FaultBegan, HistoryPage, Observed, TelemetryDelta, TelemetrySnapshot

decode = msgspec.json.Decoder(Observed).decode
_encode = msgspec.json.Encoder().encode


class ClusterModel(Facts):
    """The facts, kept up to date by what replicas tell, with a judge of safety and one of liveness."""

    def __init__(self, cluster: Cluster, *, hold_s: float = 0.0) -> None:
        super().__init__(cluster, hold_s=hold_s)
        self.live: ClusterModel = self
        """Of a view that stands still: what goes on meanwhile."""
        self.judge = SafetyJudge(self.n)
        self.liveness = Liveness()
        self._bookmarked = 0
        self._said: object = None
        """The lights that were taped last."""
        self.taped = False
        """Whether a tape is written of what is told."""
        self.wall_guessed = 0.0
        """The time of day minus the console's clock, before any replica told what it has."""

    def still(self) -> Self:
        other = super().still()
        other.live = self
        other.judge, other.liveness = self.judge.still(), copy(self.liveness)
        return other

    # Folding

    def fold(
        self, id: int, told: TelemetrySnapshot | TelemetryDelta | HistoryPage | None, now: float
    ) -> None:
        """Take what a replica's telemetry told; ``None`` when the connection to it is lost."""
        self.version += 1
        replica = self.replicas[id]
        if self.came_at is None:
            self.came_at = now
        if told is None:
            if replica.told_since is not None:
                self._tape(LOST, id, now)
            if replica.told_since is not None:
                replica.told_since, replica.missed_since = None, now
            watch(self, replica, now, False)
            self.judge.gap(id, now)
            return
        replica.heard_at = now
        if isinstance(told, HistoryPage):
            fold_history(self, replica, told, now)
            return
        if isinstance(told, TelemetrySnapshot):
            self._tape(SNAPSHOT, id, now, told, wall=told.wall)
            fold_snapshot(self, replica, told, now)
            self.judge.snapshot(id, told)
            self._bookmark(told.wall)
            return
        if told.dropped:
            self._tape(DROPPED, id, now, told.dropped)
            replica.gaps += told.dropped
            watch(self, replica, now, False)
            self.judge.gap(id, now, dropped=True)
            return
        replica.events += len(told.events)
        replica.told_to = told.first + len(told.events)
        # Of all that came on this connection, the quickest says best how far apart the two clocks are.
        replica.offset = min(replica.offset, now - told.at_s)
        for number, (at_s, raw) in enumerate(told.events, told.first):
            event = decode(raw)
            at = at_s + replica.offset
            fold_event(self, replica, event, at)
            if isinstance(event, FaultBegan) and isinstance(event.fault, Pause) and not event.waits:
                self.paused(id, event.fault.seconds, at)
            self.judge.event(id, event)
            seen = Seen(at_s + replica.wall_offset, id, number, slim(event))
            self.journal.add(seen, at, now, (at_s, told.at_s, raw) if self.taped else None)
        if told.events:
            self._bookmark(told.at_s + replica.wall_offset)
        forget_oldest(self, replica)

    def report(self, id: int, report: StatusReport | None, problem: str, now: float) -> None:
        """Take an answer to get-status, or why there is none. They come twice a second from everybody, and
        mostly tell nothing new: the version grows only with what has to be seen at once."""
        replica = self.replicas[id]
        before = replica.summary, self.leaders.get(id)
        if report is not None:
            self._tape(REPORT, id, now, report)
        elif problem != replica.last_words:
            self._tape(SILENT, id, now, problem)
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

    def process(
        self, id: int, state: Process, now: float, *, pid: int | None = None, words: str = ""
    ) -> None:
        """Take what the supervisor, or a refused connection, tells of a process."""
        self.version += 1
        replica = self.replicas[id]
        if state != replica.process or pid not in (None, replica.pid):
            self._tape(PROCESS, id, now, (state, pid, words))
        if state != replica.process:
            self._tell_process(id, replica.process, state, words, now)
        replica.set_process(state, now)
        replica.pid = pid if pid is not None else replica.pid
        if words and not replica.wiped:
            replica.last_words = words
        if state == "down":
            self.judge.down(id, now)
            self.leaders.pop(id, None)
            replica.report = None
            if self.wall_ahead:
                replica.watch(now, True)  # it does nothing
                watch_all(self, now)

    def wiped(self, id: int, now: float) -> None:
        """Forget the votes of a replica that is down and whose disk was deleted."""
        self.process(id, "down", now)
        self._tape(WIPED, id, now)
        self.replicas[id].wipe()
        self.judge.wiped(id)

    def _tape(
        self, kind: str, source: int, now: float, body: object = None, wall: float | None = None
    ) -> None:
        """Let a tape keep in its place what the facts are told beside events."""
        if self.taped:
            at = wall if wall is not None else now + (self.wall_ahead or self.wall_guessed)
            seen = Seen(at, source, NO_NUMBER, Aside(kind))
            self.journal.add(seen, now, now, (now, now, _encode(body)))

    def _tell_process(self, id: int, before: str, state: str, words: str, now: float) -> None:
        """Put what became of a process among the events: what others do next follows from it."""
        told = {
            "down": f"its process ended: {words}" if words else "nothing listens on its port any more",
            "paused": "its process is paused: it neither hears nor speaks",
            "up": "its process goes on" if before == "paused" else "",
            "starting": "its process is started" if before == "down" else "",
        }.get(state, "")
        if told and self.wall_ahead:  # before anything was heard nobody knows the time
            note = Note(told, failed=state == "down")
            seen = Seen(now + self.wall_ahead, id, NO_NUMBER, note)
            self.journal.add(seen, now, now, (now, now, _encode(note)) if self.taped else None)

    def paused(self, id: int, seconds: float, at: float) -> None:
        """Note that a fault stops a process from ``at`` on, a time of the console's; it goes on by itself."""
        self.version += 1
        replica = self.replicas[id]
        if replica.heard_at is None or replica.heard_at < at + seconds:
            self.process(id, "paused", at)
            replica.pause_ends = at + seconds

    def note(
        self, text: str, wall: float, *, by: int = YOU, slot: int | None = None, failed: bool = False
    ) -> None:
        """Put what the person or a scenario did, or what became of it, among the events."""
        self.version += 1
        at, note = wall - self.wall_ahead, Note(text, slot, failed)
        seen = Seen(wall, by, self.journal.total, note)
        self.journal.add(seen, at, at, (at, at, _encode(note)) if self.taped else None)

    def _bookmark(self, wall: float) -> None:
        """Put what the judge has found broken among the events."""
        for problem in self.judge.problems[self._bookmarked :]:
            self._bookmarked += 1
            slot = min(self.judge.conflicts, default=None)
            self.note(f"VIOLATED, bookmark {self._bookmarked}: {problem}", wall, slot=slot, failed=True)

    def update_lights(self, now: float) -> None:
        """Judge what is due a few times a second: whether the log moves, and which replicas are not heard."""
        if self.journal.release(now):
            self.version += 1
        before = self.liveness.verdict, self.judge.light
        self.liveness.judge(self, now)
        self.judge.listen(
            [each.id for each in self.replicas if each.process == "up" and not each.fresh(now)], now
        )
        if (self.liveness.verdict, self.judge.light) != before:
            self.version += 1
        said = (self.liveness.verdict, self.judge.light, self.judge.found)
        if self.taped and said != self._said:
            self._said = said
            self._tape(VERDICT, YOU, now, verdict_of(self.judge, self.liveness, now))

    def page(self, entries: tuple[LogEntry, ...], id: int, now: float) -> None:
        """Take entries that were fetched because they are looked at."""
        self.version += 1
        self._tape(FETCHED, id, now, entries)
        learned = self.replicas[id].learned
        for entry in entries:
            value = Value(entry.client, entry.request, entry.text, entry.repeats)
            self.values.fetched(entry.slot, entry.ballot, value)
            if entry.slot not in learned:
                learned.assign(entry.slot, entry.slot + 1, entry.ballot)
