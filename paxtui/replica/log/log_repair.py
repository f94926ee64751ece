"""Learned slots whose rows are damaged here are learned again from another replica.

A learned value is chosen for ever (Paxos Made Simple, 2.2, P2), so any replica that has learned the slot
tells the same value. The core is not asked: to it the slot is applied, and stays so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import trio

from paxtui.core.messages import Entries
from paxtui.core.values import Entry
from paxtui.replica.event_log import EventLog
from paxtui.storage.store import Store

ASK_S = 0.3
"""How long a replica may take to answer before another one is asked."""

PATIENCE_S = 2.0
"""How long a reader waits for a slot to be mended before it is told that the slot cannot be read now."""


class LogRepair:
    """The slots that are damaged here, as far as a read has found them."""

    def __init__(
        self,
        storage: Store,
        event_log: EventLog,
        peers: Callable[[], Iterable[int]],
        ask: Callable[[int, int], None],
    ) -> None:
        """``peers`` says who is connected; ``ask(peer, slot)`` asks one for its log from a slot on."""
        self._storage = storage
        self._event_log = event_log
        self._peers = peers
        self._ask = ask
        self._wanted: set[int] = set()
        self._found: dict[int, tuple[int, Entry]] = {}
        self._asked = -1
        self._work = trio.Event()
        self._arrived = trio.Event()
        self._mended = trio.Event()

    def want_slot(self, slot: int) -> None:
        """Have a slot learned again, as soon as another replica can be asked."""
        if slot not in self._wanted:
            self._wanted.add(slot)
            self._event_log.error(
                "disk", f"slot {slot} is damaged here; it is asked for from another replica"
            )
            self._work.set()

    async def wait_until_mended(self, slot: int, patience_s: float = PATIENCE_S) -> bool:
        """Want a slot and wait for it; return whether it is there in time."""
        self.want_slot(slot)
        with trio.move_on_after(patience_s):
            while slot in self._wanted:
                await self._mended.wait()
        return slot not in self._wanted

    def take_entries(self, sender: int, page: Entries) -> bool:
        """Take entries that arrived; return whether they answer what was asked here, and not what the core
        asked. The core asks for slots above its watermark, and all that is damaged is below."""
        if page.first not in self._wanted:
            return False
        for slot, entry in enumerate(page.entries, page.first):
            if slot in self._wanted and entry.ballot.round > 0:
                self._found[slot] = sender, entry
        self._arrived.set()
        return True

    async def run(self) -> None:
        """Mend while something is wanted, until cancelled. Raises ``StorageFailed``."""
        while True:
            await self._work.wait()
            self._work = trio.Event()
            while self._drop_removed():
                self._ask_next()
                with trio.move_on_after(ASK_S):
                    await self._arrived.wait()
                self._arrived = trio.Event()
                await self._store()

    def _drop_removed(self) -> bool:
        """Forget slots that were removed since; return whether any are left."""
        removed = {slot for slot in self._wanted if slot < self._storage.log_start}
        if removed:
            self._wanted -= removed
            self._mended.set()
            self._mended = trio.Event()
        return bool(self._wanted)

    def _ask_next(self) -> None:
        """Ask another peer each time: the one that was asked last may be down, or have the same damage."""
        peers = sorted(self._peers())
        if peers:
            self._asked = next((peer for peer in peers if peer > self._asked), peers[0])
            self._ask(self._asked, min(self._wanted))

    async def _store(self) -> None:
        found, self._found = self._found, {}
        if found:
            entries = {slot: entry for slot, (_, entry) in found.items()}
            await trio.to_thread.run_sync(self._storage.repair_rows, entries)
            for slot, (sender, _) in sorted(found.items()):
                self._event_log.warning(
                    "disk", f"slot {slot} is mended with what replica {sender} has learned"
                )
            self._wanted -= found.keys()
            self._mended.set()
            self._mended = trio.Event()
