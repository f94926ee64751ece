"""What a console did and what goes on when it is gone: faults at replicas that outlive it."""

from __future__ import annotations

import contextlib
import time
from typing import Protocol

import trio

from paxtui.client.errors import ClientError
from paxtui.console.driver.fault_tracker import FaultTracker
from paxtui.console.driver.undo import SHOWN_MAX, Change, TrackedFault
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.durations import ages

END_S = 3.0
"""So long the end of the console waits for replicas that are told to end their faults."""


class ReplicaProcesses(Protocol):
    """The processes of replicas, and control of those that this console started."""

    paused: set[int]
    """Replicas that this console did not start and paused."""

    def is_ours(self, replica: int) -> bool: ...

    def continue_ours(self, change: Change) -> list[int]: ...


class LastingFaults:
    """The faults of one console, seen from its end."""

    def __init__(self, model: ClusterModel, fault_tracker: FaultTracker, processes: ReplicaProcesses) -> None:
        self._model = model
        self._fault_tracker = fault_tracker
        self._processes = processes

    def words(self, *, ours_go_on: bool) -> list[str]:
        """Name everything that acts on, and for how long: ``cut r0>r1, for 9 min more``. Replicas of our own
        outlive the console only where ``ours_go_on``."""
        now = time.monotonic()
        found = [f"{each.words}, {_for(each.left_s(now))}" for each in self._outliving(ours_go_on)]
        for replica in self._model.replicas:
            ours = self._processes.is_ours(replica.id)
            if replica.process == "paused" and (ours_go_on if ours else replica.id in self._processes.paused):
                left = None if replica.pause_ends is None else replica.pause_ends - now
                found.append(f"pause r{replica.id}, {_for(left)}")
        return found

    def _outliving(self, ours_go_on: bool) -> list[TrackedFault]:
        return [
            tracked
            for id in range(self._model.n)
            if ours_go_on or not self._processes.is_ours(id)
            for tracked in self._fault_tracker.outliving(id)
        ]

    async def end_faults(self, *, ours_go_on: bool) -> None:
        """End what can be ended in a few seconds, whoever wants to stop this."""
        with trio.move_on_after(END_S, shield=True):
            async with trio.open_nursery() as nursery:
                for tracked in self._outliving(ours_go_on):
                    nursery.start_soon(self._end_one, tracked)
                if ours_go_on:
                    self._processes.continue_ours(Change(""))

    async def _end_one(self, tracked: TrackedFault) -> None:
        with contextlib.suppress(ClientError):  # it is said what still acts
            await self._fault_tracker.end_fault(tracked, Change(""))


def _for(left_s: float | None) -> str:
    return "until it is ended" if left_s is None else f"for {ages(max(0.0, left_s))} more"


def in_short(words: list[str]) -> str:
    """Join the first few; of more, say only how many."""
    more = len(words) - SHOWN_MAX
    return "; ".join(words[:SHOWN_MAX]) + (f"; and {more} more" if more > 0 else "")
