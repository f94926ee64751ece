"""The last applied slots, in memory, for those who are a little behind."""

from __future__ import annotations

from paxtui.core.settings import Settings
from paxtui.core.values import Entry, weight


class RecentEntries:
    """The entries of the slots from ``first`` to the watermark, without gaps, within limits of slots and
    characters. All of them are on disk or on their way there; older ones the host reads from disk.

    A replica that missed a few messages misses the last slots, so nearly every question is answered from
    here and the disk is left to writes. etcd's raft keeps entries in memory for the same reason.
    """

    def __init__(self, settings: Settings, first: int) -> None:
        self._settings = settings
        self._entries: dict[int, Entry] = {}
        self._chars = 0
        self.first = first

    def __getitem__(self, slot: int) -> Entry:
        return self._entries[slot]

    def remember(self, first: int, applied: list[Entry]) -> None:
        """Add slots that were applied; the oldest ones go, until the limits hold."""
        entries = self._entries
        for slot, entry in enumerate(applied, first):
            entries[slot] = entry
            self._chars += weight(entry.value)
        while entries and (
            len(entries) > self._settings.cache_slots or self._chars > self._settings.cache_chars
        ):
            self._chars -= weight(entries.pop(self.first).value)
            self.first += 1

    def start_at(self, first: int) -> None:
        """Forget everything; the next slot that is applied is ``first``."""
        self._entries.clear()
        self.first, self._chars = first, 0
