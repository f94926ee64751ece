"""The answers to those who are behind: pages of the learned log, or of the state in its place.

A replica asks for what it missed (:mod:`paxtui.core.learner`), and any replica that has it answers. Nothing
here can do harm to safety: what is told is learned, so it is chosen. What it can do is take memory, disk and
links from those who are well, so every answer is bounded: a page in slots and characters, a question in
pages, a peer in questions (``PAGES_A_TURN`` in :mod:`paxtui.core.validation`).
"""

from __future__ import annotations

from msgspec import structs

from paxtui.core.events import EntriesSent, SnapshotSent
from paxtui.core.learner import Learner
from paxtui.core.messages import CatchUp, Entries, Snapshot, SnapshotAsk
from paxtui.core.outbox import Outbox
from paxtui.core.output import Fetch, FetchState
from paxtui.core.settings import Settings
from paxtui.core.values import Entry, weight


class LogServer:
    """The part of one replica that helps others catch up. It reads its learner and changes nothing there."""

    def __init__(self, out: Outbox, settings: Settings, learner: Learner) -> None:
        self._out = out
        self._settings = settings
        self._learner = learner
        self._feeding: dict[int, int] = {}
        """By peer, how many pages it is still to be sent."""

    def on_catch_up(self, sender: int, message: CatchUp) -> None:
        """Send some pages of learned entries, from memory or, by way of the host, from disk. Where they are
        removed, the state at the log start takes their place.

        Any replica helps, not only the leader: a leader that feeds those who are behind has less left for
        those who are not, and there may be no leader at all.
        """
        if message.first < self._learner.log_start:
            self._fetch_state(sender, "")
            return
        self._feeding[sender] = self._settings.catch_up_pages
        self._send_missing(sender, message.first)

    def on_snapshot_ask(self, sender: int, message: SnapshotAsk) -> None:
        """Send more of the state at the log start. If the log start has moved, the state that was asked for
        is gone, and the new one begins with its first page."""
        if self._learner.log_start:
            self._fetch_state(sender, message.after if message.upto == self._learner.log_start else "")

    def _fetch_state(self, to: int, after: str) -> None:
        self._out.fetches.append(
            FetchState(to, self._learner.log_start, after, self._settings.snapshot_bytes)
        )

    def send_state(self, to: int, page: Snapshot) -> None:
        """Send a page of the state at the log start that the host has read, with this replica's watermark."""
        self._out.event(SnapshotSent(to, page.upto, len(page.sessions)))
        self._out.send(to, structs.replace(page, learned=self._learner.watermark))

    def _send_missing(self, to: int, first: int) -> None:
        """Send one page from memory, or have the host read it; the core never waits for a disk."""
        if first < self._learner.recent_entries.first:
            self._out.fetches.append(Fetch(to, first, self._settings.run_slots, self._settings.run_chars))
            return
        entries: list[Entry] = []
        chars = 0
        for slot in range(first, min(self._learner.watermark, first + self._settings.run_slots)):
            entry = self._learner.recent_entries[slot]
            chars += weight(entry.value)
            if entries and chars > self._settings.run_chars:
                break
            entries.append(entry)
        self.send_entries(to, first, tuple(entries))

    def send_entries(self, to: int, first: int, entries: tuple[Entry, ...]) -> None:
        """Send a page of the learned log; an empty one still tells the watermark. The next one follows
        without being asked for, so that reading here and learning there go on at the same time.

        ``catch_up_pages`` limits what one question can bring: the receiver may be gone, or slow, and asks
        again for as long as it lives.
        """
        self._out.event(EntriesSent(to, first, len(entries)))
        self._out.send(to, Entries(first, entries, self._learner.watermark))
        left = self._feeding.pop(to, 0) - 1
        following = first + len(entries)
        if entries and left > 0 and following < self._learner.watermark:
            self._feeding[to] = left
            self._send_missing(to, following)

    def on_installed(self) -> None:
        """Send no more pages of what was begun: the slots that they are of are not here any more."""
        self._feeding.clear()
