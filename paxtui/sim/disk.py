"""The simulated disk: what the SQLite storage keeps of the writes, and what a crash leaves of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from paxtui.core.ballot import Ballot
from paxtui.core.output import PutEntries, PutSessions, PutState, PutSuppressed, PutVotes, SessionRow, Write
from paxtui.core.saved import CHAIN_START, Saved
from paxtui.core.values import Entry, Vote, weight

OnWrite = Callable[[Write, dict[int, Entry]], None]
"""Told of each write of a transaction that is on disk, with the log table after it."""


class Disk:
    """One replica's tables. At most one commit runs; the next one takes all that was submitted since.

    ``rows`` is the log table: a slot's row is the last vote or the learned entry, whichever was written
    last, as in the real schema. Whether a slot is learned is said by the watermark alone.
    """

    def __init__(self, on_write: OnWrite) -> None:
        self._on_write = on_write
        self.rows: dict[int, Entry] = {}
        self.suppressed: dict[int, int] = {}
        self.state = PutState(Ballot.ZERO, 0, 0, CHAIN_START)
        self._sessions: dict[str, SessionRow] = {}
        self._sessions_upto = 0
        self._horizon = -1
        self._queue: list[tuple[int, tuple[Write, ...]]] = []
        self.running: list[tuple[int, tuple[Write, ...]]] = []
        """The batches of the commit that runs; empty if none does."""

    def submit(self, batch: int, writes: tuple[Write, ...]) -> bool:
        """Queue a batch; whether a commit should be started."""
        self._queue.append((batch, writes))
        return not self.running

    def start(self) -> bool:
        """Start the commit of all that is queued; whether there was anything."""
        self.running, self._queue = self._queue, []
        return bool(self.running)

    def finish(self) -> int:
        """The running commit is on disk; its last batch."""
        running, self.running = self.running, []
        for _, writes in running:
            for write in writes:
                self._store(write)
                self._on_write(write, self.rows)
        return running[-1][0]

    def crash(self, survives: bool) -> bool:
        """The process is gone. A commit in flight is there as a whole or not at all; whether it is."""
        self._queue = []
        if self.running and survives:
            self.finish()
            return True
        self.running = []
        return False

    def _store(self, write: Write) -> None:
        match write:
            case PutVotes(ballot=ballot, first=slot, values=values):
                for value in values:
                    self.rows[slot] = Entry(ballot, value)
                    slot += 1
            case PutEntries(first=slot, entries=entries):
                for entry in entries:
                    self.rows[slot] = entry
                    slot += 1
            case PutSuppressed(slot=slot, first=first):
                self.suppressed[slot] = first
            case PutState():
                self.state = write
            case PutSessions():
                for client in write.evicted:
                    self._sessions.pop(client, None)
                for row in write.changed:
                    self._sessions[row.client] = row
                self._sessions_upto, self._horizon = write.upto, write.horizon
            case _:
                raise TypeError(f"no such write: {write}")

    def saved(self) -> Saved:
        """What a replica that starts finds."""
        state = self.state
        return Saved(
            promised=state.promised,
            round=state.round,
            watermark=state.watermark,
            chain=state.chain,
            sessions_upto=self._sessions_upto,
            horizon=self._horizon,
            sessions=tuple(row for _, row in sorted(self._sessions.items())),
            replay=self._replay(self._sessions_upto, state.watermark),
            votes=tuple(
                Vote(slot, row.ballot, row.value)
                for slot, row in sorted(self.rows.items())
                if slot >= state.watermark
            ),
        )

    def _replay(self, first: int, upto: int) -> Iterator[Entry]:
        for slot in range(first, upto):
            yield self.rows[slot]

    def read(self, first: int, slots_max: int, chars_max: int) -> tuple[Entry, ...]:
        """Learned slots from ``first``: below the watermark on disk, within both limits, but at least one."""
        entries: list[Entry] = []
        chars = 0
        for slot in range(first, min(self.state.watermark, first + max(slots_max, 1))):
            entry = self.rows[slot]
            chars += weight(entry.value)
            if entries and chars > chars_max:
                break
            entries.append(entry)
        return tuple(entries)
