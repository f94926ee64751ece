"""Removing old messages: when the leader has it done, and how each replica's disk gets rid of them.

The leader *checkpoints* the log from time to time: every replica then keeps the state at that slot. Once
enough lies behind a checkpoint it *trims* the log to it. Both are commands in the log, so they take effect
at the same slot everywhere (``paxtui.core.learner``); rows are deleted afterwards, a few at a time. How old
messages are is counted by ``paxtui.replica.log.ages``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Protocol

import trio

from paxtui.config.retention import Retention
from paxtui.core.output import Checkpoint
from paxtui.core.replica import Replica
from paxtui.replica.event_log import EventLog
from paxtui.replica.log.ages import AgeFile, Ages
from paxtui.replica.log.clocks import StepWatch
from paxtui.replica.log.message_log import MessageLog
from paxtui.storage.store import Store

LOOK_S = 1.0
"""How often a leader looks whether there is anything to do."""

PARTS = 8
"""A limit is approached in so many steps: with fewer more is kept than asked for, with more there are more
copies of the session table.

A look removes at most one step because of age, and the next step follows after an eighth of a step at the
earliest: where much is too old at once (the limit was lowered), an operator has time to notice."""

AGE_KEPT_EVERY_S = 60.0
"""How often the age of the last checkpoint is written down. Lives that are shorter count for nothing."""

BREATH_S = 0.005
"""Between two portions of rows that are deleted, the disk is others'."""


class CompactedHost(Protocol):
    """The host of the core whose log is compacted."""

    @property
    def core(self) -> Replica | None:
        """The core; ``None`` during warm-up."""

    def checkpoint(self, stamp_s: int) -> str | None:
        """Have all replicas keep their state; the reason, if that cannot be."""

    def trim(self, upto: int) -> str | None:
        """Have all replicas remove slots below ``upto``; the reason, if that cannot be."""


class Compaction:
    """One replica's part in it."""

    def __init__(
        self,
        host: CompactedHost,
        storage: Store,
        keep: Retention,
        message_log: MessageLog,
        event_log: EventLog,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._host = host
        self._storage = storage
        self._keep = keep
        self._message_log = message_log
        self._event_log = event_log
        self._monotonic = monotonic
        self._wall = wall
        self._steps = StepWatch(event_log, monotonic, wall)
        self._age_s = float("inf") if keep.age_s is None else keep.age_s
        self._age_file = AgeFile(storage.folder, storage.storage_id)
        self._ages = Ages(self._age_s / PARTS, self._age_file.read())
        self._keep_age_at = float("-inf")
        self._trim_by_age_at = float("-inf")
        self._swept = -1
        """The log start that nothing lies below any more."""
        self._segments: dict[tuple[int, int], int] = {}
        """Bytes of the log between two checkpoints."""
        self._open = (0, 0, 0)
        """Behind the last checkpoint: from, to, and the bytes between."""

    async def run(self) -> None:
        """Do what is due, until cancelled. Raises ``StorageFailed``."""
        while True:
            await trio.sleep(LOOK_S)
            await self.compact_if_due()
            await self._sweep()

    async def compact_if_due(self) -> None:
        """Count the time since the last look; a leader checkpoints and trims what is due."""
        self._steps.check_clock()
        core = self._host.core
        if core is None or self._keep.everything:
            return
        checkpoints, watermark = list(core.learner.checkpoints), core.learner.watermark
        self._ages.count_elapsed(checkpoints, self._monotonic())
        if core.proposer.leader is not None:
            await self._compact(checkpoints, watermark, core.learner.log_start)
        await self._remember_age(checkpoints)

    async def _remember_age(self, checkpoints: list[Checkpoint]) -> None:
        """Write down, from time to time, how old the last checkpoint is: also a replica that follows may
        lead after its next start."""
        now = self._monotonic()
        if self._keep.age_s is None or not checkpoints or now < self._keep_age_at:
            return
        self._keep_age_at = now + AGE_KEPT_EVERY_S
        try:
            await trio.to_thread.run_sync(
                self._age_file.write, checkpoints[-1].upto, self._ages.age_of(checkpoints[-1])
            )
        except OSError as error:
            self._event_log.debug("keep", f"cannot write down the age of the last checkpoint: {error}")

    # The leader's part

    async def _compact(self, checkpoints: list[Checkpoint], watermark: int, log_start: int) -> None:
        behind = await self._bytes_behind(checkpoints)
        if self._is_due(checkpoints, watermark, behind[-1]):
            stamp_s = self._ages.stamp(checkpoints[-1] if checkpoints else None, self._wall())
            self._log_refusal("cannot checkpoint the log", self._host.checkpoint(stamp_s))
        by_age = self._last_old_enough(checkpoints, log_start)
        target = max(self._last_beyond_limits(checkpoints, watermark, behind), by_age)
        if target > log_start:
            reason = self._host.trim(target)
            self._log_refusal(f"cannot trim the log to slot {target}", reason)
            if reason is None and target == by_age:
                self._trim_by_age_at = self._monotonic() + self._age_s / PARTS / PARTS

    def _log_refusal(self, what: str, reason: str | None) -> None:
        if reason is not None:
            self._event_log.debug("keep", f"{what}: {reason}")

    def _is_due(self, checkpoints: list[Checkpoint], watermark: int, size: int) -> bool:
        """Return whether enough lies behind the last checkpoint for another one."""
        keep, upto = self._keep, checkpoints[-1].upto if checkpoints else 0
        return watermark > upto and (
            (keep.slots is not None and watermark - upto >= max(keep.slots // PARTS, 1))
            or (keep.bytes is not None and size >= keep.bytes // PARTS)
            or (
                keep.age_s is not None
                and (not checkpoints or self._ages.age_of(checkpoints[-1]) >= keep.age_s / PARTS)
            )
        )

    def _last_beyond_limits(self, checkpoints: list[Checkpoint], watermark: int, behind: list[int]) -> int:
        """Return the last checkpoint behind which there are as many slots, or bytes, as are kept; 0 for
        none."""
        keep = self._keep
        sizes = zip(checkpoints, behind, strict=True) if checkpoints else ()
        return max(
            (
                checkpoint.upto
                for checkpoint, size in sizes
                if (keep.slots is not None and watermark - checkpoint.upto >= keep.slots)
                or (keep.bytes is not None and size >= keep.bytes)
            ),
            default=0,
        )

    def _last_old_enough(self, checkpoints: list[Checkpoint], log_start: int) -> int:
        """Return the last checkpoint that is as old as the limit, within one step of the first one; 0 for
        none."""
        above = [checkpoint for checkpoint in checkpoints if checkpoint.upto > log_start]
        if self._keep.age_s is None or not above or self._monotonic() < self._trim_by_age_at:
            return 0
        ages, oldest_s = self._ages, self._ages.age_of(above[0])
        return max(
            (
                checkpoint.upto
                for checkpoint in above
                if ages.age_of(checkpoint) >= self._age_s
                and oldest_s - ages.age_of(checkpoint) <= self._age_s / PARTS
            ),
            default=0,
        )

    async def _bytes_behind(self, checkpoints: list[Checkpoint]) -> list[int]:
        """Measure, by checkpoint, how many bytes of the log lie behind it; with none, return one number for
        the whole log."""
        if self._keep.bytes is None:
            return [0] * max(len(checkpoints), 1)
        starts = [checkpoint.upto for checkpoint in checkpoints] or [0]
        pairs = list(pairwise(starts))
        self._segments = {pair: size for pair, size in self._segments.items() if pair in pairs}
        for pair in pairs:
            if pair not in self._segments:
                self._segments[pair] = await self._measure(*pair)
        first, upto, size = self._open
        if first != starts[-1]:
            first, upto, size = starts[-1], starts[-1], 0
        committed = max(self._storage.committed_watermark, upto)
        size += await self._measure(upto, committed)
        self._open = (first, committed, size)
        behind = [size]
        for pair in reversed(pairs):
            behind.append(behind[-1] + self._segments[pair])
        return behind[::-1]

    async def _measure(self, first: int, upto: int) -> int:
        return await trio.to_thread.run_sync(self._storage.bytes_between, first, upto)

    # The part of every replica

    async def _sweep(self) -> None:
        storage = self._storage
        log_start = storage.log_start
        if log_start == self._swept:
            return
        more = True
        while more:
            more = await trio.to_thread.run_sync(storage.sweep)
            await trio.sleep(BREATH_S)
        await self._message_log.drop_below(log_start)
        self._swept = log_start
