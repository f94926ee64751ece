"""The applied log as readers see it: the recent part from memory, the rest from disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from itertools import islice

import trio

from paxtui.core.output import Applied
from paxtui.core.values import Entry, weight
from paxtui.storage.errors import SlotDamaged, SlotRemoved
from paxtui.storage.store import Store
from paxtui.wire.requests import LogEntry

RECENT_SLOTS = 16384
RECENT_CHARS = 8 * 1024 * 1024
"""What is kept in memory for readers that are nearly up to date."""

PAGE_CHARS = 128 * 1024
"""The most characters in one page; six bytes each still fit a frame."""


class AppliedLog:
    """Applied entries in order. An entry leaves memory only when it is committed, so none is ever missing."""

    def __init__(
        self, storage: Store, watermark: int, mended: Callable[[int], Awaitable[bool]] | None = None
    ) -> None:
        """``mended`` has a damaged slot learned again; whether that was done in time."""
        self._storage = storage
        self._have_mended = mended
        self._recent: deque[Entry] = deque()
        self._first = watermark
        self._chars = 0
        self._suppressed: dict[int, int] = {}
        self._grown = trio.Event()
        self.watermark = watermark
        self._log_start = 0
        """Where another replica's state was taken, which may not be on disk yet."""

    def append(self, applied: Applied) -> None:
        """Take newly applied slots and wake the readers that wait for them."""
        self._recent.extend(applied.entries)
        self._chars += sum(weight(entry.value) for entry in applied.entries)
        self._suppressed.update(applied.suppressed)
        self.watermark = applied.first + len(applied.entries)
        committed = self._storage.committed_watermark
        while self._first < committed and (len(self._recent) > RECENT_SLOTS or self._chars > RECENT_CHARS):
            self._chars -= weight(self._recent.popleft().value)
            self._suppressed.pop(self._first, None)
            self._first += 1
        self._grown.set()
        self._grown = trio.Event()

    def install(self, upto: int) -> None:
        """Go on from another replica's state: what is below is not here, and never will be."""
        self._recent.clear()
        self._suppressed.clear()
        self._chars = 0
        self._first = self.watermark = self._log_start = upto
        self._grown.set()
        self._grown = trio.Event()

    @property
    def log_start(self) -> int:
        """Return the slot below which all are removed."""
        return max(self._log_start, self._storage.log_start)

    async def wait_beyond(self, slot: int) -> None:
        """Wait until the watermark is above ``slot``."""
        while self.watermark <= slot:
            await self._grown.wait()

    async def page(self, first: int, limit: int) -> tuple[LogEntry, ...]:
        """Return applied slots from ``first`` on: at least one if there is one, at most ``limit``. Raises
        ``SlotRemoved`` if ``first`` is below the log start, and ``SlotDamaged`` if it is damaged on this disk
        and cannot be mended now."""
        if first < self.log_start:
            raise SlotRemoved(self.log_start)
        if first < self._first:
            entries, suppressed = await self._stored(first, min(limit, self._first - first))
            return tuple(_log_entry(s, entry, suppressed.get(s)) for s, entry in enumerate(entries, first))
        page: list[LogEntry] = []
        chars = 0
        start = first - self._first
        for slot, entry in enumerate(islice(self._recent, start, start + limit), first):
            chars += weight(entry.value)
            if page and chars > PAGE_CHARS:
                break
            page.append(_log_entry(slot, entry, self._suppressed.get(slot)))
        return tuple(page)

    async def _stored(self, first: int, limit: int) -> tuple[list[Entry], dict[int, int]]:
        try:
            return await trio.to_thread.run_sync(self._storage.read, first, limit, PAGE_CHARS)
        except SlotDamaged as damage:
            if self._have_mended is None or not await self._have_mended(damage.slot):
                raise
            return await trio.to_thread.run_sync(self._storage.read, first, limit, PAGE_CHARS)


def _log_entry(slot: int, entry: Entry, repeats: int | None) -> LogEntry:
    value = entry.value
    return LogEntry(slot, entry.ballot, value.client, value.request, value.text, repeats)
