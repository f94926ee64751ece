"""Pages of the log, and of the state at its log start, that other replicas asked for and only the disk
has."""

from __future__ import annotations

from collections.abc import Callable

import trio

from paxtui.core.messages import Snapshot
from paxtui.core.output import Fetch, FetchState
from paxtui.core.values import Entry
from paxtui.replica.event_log import EventLog
from paxtui.replica.log.log_repair import LogRepair
from paxtui.storage.errors import SlotDamaged, SlotRemoved
from paxtui.storage.store import Store

FETCHES_MAX = 4
"""Pages read from disk for others at once; a peer that is refused asks again."""


class CatchUpReader:
    """A reader that fetches pages in threads, one a peer at a time, and gives them to the core."""

    def __init__(
        self,
        storage: Store,
        log_repair: LogRepair,
        event_log: EventLog,
        found: Callable[[int, int, tuple[Entry, ...]], None],
        found_state: Callable[[int, Snapshot], None],
    ) -> None:
        self._storage = storage
        self._log_repair = log_repair
        self._event_log = event_log
        self._found = found
        self._found_state = found_state
        self._peers: set[int] = set()

    def start(self, fetch: Fetch | FetchState, nursery: trio.Nursery | None) -> None:
        """Begin, if not too many are under way."""
        if len(self._peers) < FETCHES_MAX and fetch.peer not in self._peers and nursery:
            self._peers.add(fetch.peer)
            if isinstance(fetch, FetchState):
                nursery.start_soon(self._fetch_state, fetch)
            else:
                nursery.start_soon(self._fetch, fetch)

    async def _fetch_state(self, fetch: FetchState) -> None:
        """Read part of the state at the log start, for a peer that asked for slots below it."""
        page: Snapshot | None = None
        try:
            page = await trio.to_thread.run_sync(
                self._storage.read_state, fetch.upto, fetch.after, fetch.bytes_max
            )
        except SlotDamaged as damage:
            self._event_log.error(
                "disk", f"{damage}; a replica that asks for this state has to ask another one"
            )
        finally:
            self._peers.discard(fetch.peer)
        if page is not None:
            self._found_state(fetch.peer, page)

    async def _fetch(self, fetch: Fetch) -> None:
        entries: list[Entry] = []
        try:
            entries, _ = await trio.to_thread.run_sync(
                self._storage.read, fetch.first, fetch.slots_max, fetch.chars_max
            )
        except SlotDamaged as damage:
            # An empty page tells only how much is learned here; the peer goes on to another replica.
            self._log_repair.want_slot(damage.slot)
        except SlotRemoved:
            pass  # just now; a peer that asks again is given the state instead
        finally:
            self._peers.discard(fetch.peer)
        self._found(fetch.peer, fetch.first, tuple(entries))
