"""The trace of the core on its way out: message log, event log, telemetry and record file."""

from __future__ import annotations

from collections import Counter

import trio

from paxtui.core.events import Event, MessageDropped, SlotSkipped
from paxtui.core.output import Applied, Output
from paxtui.replica.event_log import EventLog
from paxtui.replica.faults.registry import FaultRegistry
from paxtui.replica.log.message_log import MessageLog
from paxtui.replica.observability.history import EventHistory
from paxtui.replica.observability.recorder import Recorder
from paxtui.replica.observability.telemetry import Telemetry
from paxtui.wire.faults import describe
from paxtui.wire.telemetry import (
    ClockChanged,
    FaultBegan,
    FaultEnded,
    MessageFaulted,
    MessageReleased,
    MessageStaged,
)
from paxtui.wire.views import Told


class TraceOutput:
    """The way of one core's events to logs and observers, and to the faults that wait for an event."""

    def __init__(
        self,
        me: int,
        message_log: MessageLog,
        event_log: EventLog,
        fault_registry: FaultRegistry,
        telemetry: Telemetry,
        history: EventHistory,
        counters: Counter[str],
    ) -> None:
        self._me = me
        self._message_log = message_log
        self._event_log = event_log
        self._fault_registry = fault_registry
        self._telemetry = telemetry
        self._history = history
        self._counters = counters
        self.recorder: Recorder | None = None
        fault_registry.on_change = self._record_fault

    def trigger_faults(self, events: tuple[Event, ...]) -> None:
        """Begin the faults that wait for one of these events. Call it before messages of this turn leave."""
        if not self._fault_registry.watching:
            return
        for event in events:
            for fault in self._fault_registry.on_event(event, trio.current_time()):
                tag, name = type(fault).__struct_config__.tag, type(event).__struct_config__.tag
                self._event_log.warning("fault", f"{tag} began, as {name} happened")

    def publish(self, output: Output, now: float) -> None:
        """Log an output's messages and events, and pass the events to observers and the record file."""
        for applied in output.applied:
            if isinstance(applied, Applied):
                self._message_log.append(applied)
        if output.events:
            for event in output.events:
                self._event_log.write_event(event)
                if isinstance(event, SlotSkipped):
                    self._fault_registry.end_skip(event.slot)
                elif isinstance(event, MessageDropped):
                    self._counters[f"dropped: {event.reason}"] += 1
            self._tell(now, output.events)
            if self.recorder is not None:
                self.recorder.take_events(now, output.events)

    def record_clock(self, rate: float, moved_s: float) -> None:
        """Tell observers that the protocol's clock runs at another rate, or was moved."""
        self._tell(trio.current_time(), (ClockChanged(rate, round(moved_s, 6)),))

    def publish_faulted(
        self, faulted: list[MessageFaulted | MessageStaged | MessageReleased], now: float
    ) -> None:
        """Pass what faults and operators did to messages to observers, and empty the list."""
        if faulted:
            self._tell(now, tuple(faulted))
            faulted.clear()

    def _tell(self, now: float, events: tuple[Told, ...]) -> None:
        """Tell observers, and keep for later ones. Telemetry may join events of a turn: none gets a number
        that it has not given out."""
        first = self._telemetry.number
        self._telemetry.record(now, events)
        last = self._telemetry.number - 1
        for number, event in enumerate(events, first):
            self._history.take(event, min(number, last), now)

    def _record_fault(self, change: FaultBegan | FaultEnded) -> None:
        self._tell(trio.current_time(), (change,))
        if self.recorder is not None:
            what = str(type(change).__struct_config__.tag)
            self.recorder.take_fault(trio.current_time(), what, describe(self._me, change.fault))
