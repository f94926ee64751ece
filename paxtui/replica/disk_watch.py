"""A look at the disk from time to time, also while nothing is written."""

from __future__ import annotations

from collections.abc import Callable

import trio

from paxtui.replica.transport.outbound import OutboundLinks
from paxtui.replica.voting_rights import SAVE_S, TELL_S, VotingRights
from paxtui.storage.store import Store
from paxtui.wire.codec import encode
from paxtui.wire.hello import DiskProgress


class DiskWatch:
    """A task that checks the files, and exchanges with the others how far each disk has come."""

    def __init__(
        self,
        storage: Store,
        outbound: OutboundLinks,
        voting_rights: VotingRights,
        non_voting: Callable[[], str | None],
    ) -> None:
        """``non_voting`` returns why this replica has no vote, if it has none."""
        self._storage = storage
        self._outbound = outbound
        self._voting_rights = voting_rights
        self._non_voting = non_voting

    async def run(self) -> None:
        """Watch until cancelled. Raises ``StorageFailed``."""
        told = self._storage.decided
        keep_at = trio.current_time() + SAVE_S
        while True:
            await trio.sleep(TELL_S)
            self._storage.require_files()
            if told < self._storage.decided and self._non_voting() is None:
                told = self._storage.decided
                self._outbound.broadcast(encode(DiskProgress(told)))
            if trio.current_time() >= keep_at:
                keep_at = trio.current_time() + SAVE_S
                await self._voting_rights.save()
