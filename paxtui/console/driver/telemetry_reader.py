"""What takes everything that one replica tells."""

from __future__ import annotations

import time
from collections.abc import Callable

from paxtui.client import Lost
from paxtui.client.watch import Told
from paxtui.console.driver.executor import Executor
from paxtui.console.driver.recording import ObservationFile
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.wire.requests import StatusReport
from paxtui.wire.telemetry import HistoryPage, TelemetryDelta, TelemetrySnapshot

Write = Callable[[Callable[[ObservationFile], None]], None]


class TelemetryReader:
    """The reader of what one replica tells. Another process may hold our replica's port, so telemetry is
    buffered until the reported process id is ours."""

    def __init__(
        self, model: ClusterModel, replica: int, executor: Executor, strangers: set[int], write: Write | None
    ) -> None:
        self._model = model
        self._replica = replica
        self._executor = executor
        self._strangers = strangers
        self._write = write
        self._known = False
        self._waiting: list[TelemetrySnapshot | TelemetryDelta | HistoryPage] = []

    def take_telemetry(self, told: Told) -> None:
        """Take it."""
        if isinstance(told, StatusReport):
            self._report(told)
        elif isinstance(told, Lost):
            self._lost(told)
        elif self._known:
            self._fold(told)
        elif self._replica not in self._strangers:
            self._waiting.append(told)

    def _fold(self, told: TelemetrySnapshot | TelemetryDelta | HistoryPage) -> None:
        model, replica = self._model, self._replica
        model.fold(replica, told, time.monotonic())
        if self._write is not None and not isinstance(told, HistoryPage):
            offset = model.replicas[replica].wall_offset
            seen = told
            self._write(lambda file: file.write_telemetry(replica, seen, offset))

    def _report(self, told: StatusReport) -> None:
        if not self._known:
            self._known = self._executor.is_meant(self._replica, told.pid)
            waiting, self._waiting = self._waiting, []
            if not self._known:
                self._strangers.add(self._replica)
                return
            for each in waiting:
                self._fold(each)
        self._model.report(self._replica, told, "", time.monotonic())
        self._executor.replica_heard(self._replica)

    def _lost(self, told: Lost) -> None:
        model, replica, now = self._model, self._replica, time.monotonic()
        if self._known and self._write is not None:
            self._write(lambda file: file.write_lost(replica, told.problem))
        self._known = False
        self._waiting = []
        self._strangers.discard(replica)
        model.fold(replica, None, now)
        model.report(replica, None, told.problem, now)
        if told.refused and self._executor.absent(replica):
            model.process(replica, "down", now)
