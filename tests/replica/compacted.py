"""Compaction of a log on a fake host with clocks of its own."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from paxtui.config.retention import Retention
from paxtui.core.output import Checkpoint
from paxtui.replica.event_log import EventLog
from paxtui.replica.log.compaction import Compaction
from paxtui.replica.log.message_log import MessageLog
from paxtui.storage.errors import StorageFailed
from paxtui.storage.store import Store

BYTES_A_SLOT = 100


class FakeStorage:
    """Slots of a hundred bytes; what was removed goes in ``portions``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.storage_id = "5" * 32
        self.log_start = 0
        self.committed_watermark = 0
        self.portions = 0
        self.swept = 0
        self.measured: list[tuple[int, int]] = []
        self.broken = False

    def bytes_between(self, first: int, upto: int) -> int:
        self.measured.append((first, upto))
        return BYTES_A_SLOT * (upto - first)

    def sweep(self) -> bool:
        if self.broken:
            raise StorageFailed("it is broken")
        self.swept += 1
        self.portions -= 1
        return self.portions > 0


class FakeHost:
    """A replica of which nothing is there but what compaction looks at; checkpoints and trims act at once."""

    def __init__(self, folder: Path) -> None:
        self.storage = FakeStorage(folder)
        self.learner = SimpleNamespace(checkpoints=[], watermark=0, log_start=0)
        self.proposer = SimpleNamespace(leader=object())
        self.core: Any = SimpleNamespace(learner=self.learner, proposer=self.proposer)
        self.now_s = 1_000_000
        """The monotonic clock."""
        self.wall_s = 1_800_000_000
        """The wall clock, which nothing but the first checkpoint asks for."""
        self.checkpointed: list[int] = []
        self.trimmed: list[int] = []
        self.refusal: str | None = None

    def grow(self, upto: int) -> None:
        self.learner.watermark = self.storage.committed_watermark = upto

    def checkpoint(self, stamp_s: int) -> str | None:
        self.checkpointed.append(self.learner.watermark)
        if self.refusal is None:
            self.learner.watermark += 1
            self.storage.committed_watermark += 1
            self.learner.checkpoints.append(Checkpoint(self.learner.watermark, stamp_s))
        return self.refusal

    def trim(self, upto: int) -> str | None:
        self.trimmed.append(upto)
        if self.refusal is None:
            self.learner.log_start = self.storage.log_start = upto
            self.learner.checkpoints = [
                checkpoint for checkpoint in self.learner.checkpoints if checkpoint.upto >= upto
            ]
        return self.refusal


class FakeMessageLog:
    """Remembers what it was told to forget."""

    def __init__(self) -> None:
        self.forgotten: list[int] = []

    async def drop_below(self, log_start: int) -> None:
        self.forgotten.append(log_start)


class Kept:
    """A log with its compaction."""

    def __init__(self, keep: Retention, folder: Path) -> None:
        self.keep = keep
        self.host, self.message_log, self.lines = FakeHost(folder), FakeMessageLog(), io.StringIO()
        self.start()

    def start(self) -> None:
        """The process starts, perhaps anew; the log stays as it is."""
        event_log = EventLog(0, "debug", as_json=False, file=self.lines)
        message_log, storage = cast(MessageLog, self.message_log), cast(Store, self.host.storage)
        monotonic, wall = lambda: float(self.host.now_s), lambda: float(self.host.wall_s)
        self.compaction = Compaction(self.host, storage, self.keep, message_log, event_log, monotonic, wall)

    async def compact_if_due(self) -> None:
        """One look, as the leader's."""
        await self.compaction.compact_if_due()

    async def live(self, slots: int, step: int) -> None:
        """The log grows by ``slots``, ``step`` between two looks."""
        for _ in range(0, slots, step):
            self.host.grow(self.host.learner.watermark + step)
            await self.compact_if_due()
