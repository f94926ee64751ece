"""Removing old messages: when the leader has it done, and how each replica's disk gets rid of them.

The leader *marks* the log from time to time: every replica then keeps the state at that slot. Once enough
lies behind a mark it *trims* the log to it. Both are commands in the log, so they take effect at the same
slot everywhere (``paxtui.core.learner``); rows are deleted afterwards, a few at a time.
"""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING

import trio

from paxtui.core.output import Mark
from paxtui.keep import Keep
from paxtui.runtime.chatlog import ChatLog
from paxtui.runtime.journal import Journal

if TYPE_CHECKING:
    from paxtui.runtime.node import Node

LOOK_S = 1.0
"""How often a leader looks whether there is anything to do."""

PARTS = 8
"""A limit is approached in so many steps: with fewer more is kept than asked for, with more there are more
copies of the session table."""

BREATH_S = 0.005
"""Between two portions of rows that are deleted, the disk is others'."""


class Retention:
    """One replica's part in it."""

    def __init__(self, node: Node, keep: Keep, chat: ChatLog, journal: Journal) -> None:
        self._node = node
        self._keep = keep
        self._chat = chat
        self._journal = journal
        self._swept = -1
        """The floor that nothing lies below any more."""
        self._segments: dict[tuple[int, int], int] = {}
        """Bytes of the log between two marks."""
        self._open = (0, 0, 0)
        """Behind the last mark: from, to, and the bytes between."""

    async def run(self) -> None:
        """Do what is due, until cancelled. Raises ``StorageFailed``."""
        while True:
            await trio.sleep(LOOK_S)
            if not self._keep.everything and self._leads:
                await self._lead()
            await self._sweep()

    @property
    def _leads(self) -> bool:
        core = self._node.core
        return core is not None and core.proposer.reign is not None

    # The leader's part

    async def _lead(self) -> None:
        core = self._node.core
        if core is None:
            return
        marks, watermark, now_s = list(core.learner.marks), core.learner.watermark, int(time.time())
        behind = await self._bytes_behind(marks)
        last = marks[-1] if marks else Mark(0, 0)
        if watermark > last.upto and self._is_due(last, watermark, now_s, behind[-1]):
            self._tell("cannot mark the log", self._node.mark())
        target = self._target(marks, watermark, now_s, behind)
        if target > core.learner.floor:
            self._tell(f"cannot trim the log to slot {target}", self._node.trim(target))

    def _tell(self, what: str, reason: str | None) -> None:
        if reason is not None:
            self._journal.debug("keep", f"{what}: {reason}")

    def _is_due(self, last: Mark, watermark: int, now_s: int, size: int) -> bool:
        keep = self._keep
        return (
            (keep.slots is not None and watermark - last.upto >= max(keep.slots // PARTS, 1))
            or (keep.bytes is not None and size >= keep.bytes // PARTS)
            or (keep.age_s is not None and now_s - last.wall_s >= keep.age_s / PARTS)
        )

    def _target(self, marks: list[Mark], watermark: int, now_s: int, behind: list[int]) -> int:
        """The last mark behind which enough is left."""
        keep = self._keep
        return (
            max(
                (
                    mark.upto
                    for mark, size in zip(marks, behind, strict=True)
                    if (keep.slots is not None and watermark - mark.upto >= keep.slots)
                    or (keep.bytes is not None and size >= keep.bytes)
                    or (keep.age_s is not None and now_s - mark.wall_s >= keep.age_s)
                ),
                default=0,
            )
            if marks
            else 0
        )

    async def _bytes_behind(self, marks: list[Mark]) -> list[int]:
        """By mark, how many bytes of the log lie behind it; with none, one number for the whole log."""
        if self._keep.bytes is None:
            return [0] * max(len(marks), 1)
        starts = [mark.upto for mark in marks] or [0]
        pairs = list(pairwise(starts))
        self._segments = {pair: size for pair, size in self._segments.items() if pair in pairs}
        for pair in pairs:
            if pair not in self._segments:
                self._segments[pair] = await self._measure(*pair)
        first, upto, size = self._open
        if first != starts[-1]:
            first, upto, size = starts[-1], starts[-1], 0
        committed = max(self._node.storage.committed_watermark, upto)
        size += await self._measure(upto, committed)
        self._open = (first, committed, size)
        behind = [size]
        for pair in reversed(pairs):
            behind.append(behind[-1] + self._segments[pair])
        return behind[::-1]

    async def _measure(self, first: int, upto: int) -> int:
        return await trio.to_thread.run_sync(self._node.storage.bytes_between, first, upto)

    # Everybody's part

    async def _sweep(self) -> None:
        storage = self._node.storage
        floor = storage.floor
        if floor == self._swept:
            return
        more = True
        while more:
            more = await trio.to_thread.run_sync(storage.sweep)
            await trio.sleep(BREATH_S)
        await self._chat.forget(floor)
        self._swept = floor
