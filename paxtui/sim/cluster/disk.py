"""The simulated disk: what the SQLite storage keeps of the writes, and what a crash leaves of it.

Like the real one it does not trust what it finds: the number of the last commit is kept beside the tables,
and each row has a checksum (``paxtui/storage/rollback_guard.py``, ``rows.py``). The real mark also holds
the head of the hash chain, against another database that happens to have as many commits; here it is always
its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar, Literal, TypeVar

from paxtui.core.ballot import Ballot
from paxtui.core.durable_state import CHAIN_START, DurableState
from paxtui.core.messages import Snapshot
from paxtui.core.output import (
    Checkpoint,
    PutCheckpoint,
    PutEntries,
    PutLogStart,
    PutNonVoting,
    PutSessions,
    PutSnapshot,
    PutState,
    PutSuppressed,
    PutVotes,
    Write,
)
from paxtui.core.values import Entry, SessionRow, Vote, weight

OnWrite = Callable[[Write, dict[int, Entry]], None]
"""Told of each write of a transaction that is on disk, with the log table after it."""

Batches = list[tuple[int, tuple[Write, ...]]]

Table = Literal["state", "log", "sessions"]

Row = TypeVar("Row", PutState, Entry, SessionRow)

STATE = 0
"""The key of the only row of the table ``state``."""


class DiskUntrusted(Exception):
    """What is on the disk is not what was stored; the text says what is wrong. Whoever finds that stops."""

    goal: ClassVar[str]
    """The goal of coverage that it counts for."""


class WentBack(DiskUntrusted):
    """The database is older than the last commit that it reported."""

    goal = "a database that went back in time was refused"


class ChecksumMismatch(DiskUntrusted):
    """The checksum of a row does not fit."""

    goal = "a flipped bit was noticed"


class SimulatedDisk:
    """One replica's tables. At most one commit runs; the next one takes all that was submitted since.

    ``rows`` is the log table: a slot's row is the last vote or the learned entry, whichever was written
    last, as in the real schema. Whether a slot is learned is said by the watermark alone.
    """

    def __init__(self, on_write: OnWrite) -> None:
        self._on_write = on_write
        self._clear()
        self.storage = 0
        """Which disk it is: an emptied one is another."""
        self._history: list[Batches] = []
        """All commits, from which any earlier state is made. One run's worth."""
        self._mark = 0
        """The number of the last commit that was reported, or found at a start."""
        self._flipped: set[tuple[Table, int | str]] = set()
        """Rows of which a bit flipped: seen by whoever reads them, and gone with the next write."""
        self._queue: Batches = []
        self.running: Batches = []
        """The batches of the commit that runs; empty if none does."""

    def _clear(self) -> None:
        self.rows: dict[int, Entry] = {}
        self.suppressed: dict[int, int] = {}
        self.state = PutState(Ballot.ZERO, 0, 0, CHAIN_START)
        self._sessions: dict[str, SessionRow] = {}
        self._sessions_upto = 0
        self._horizon = -1
        self.non_voting: str | None = None
        self.floor = 0
        self._kept: dict[int, tuple[Checkpoint, bytes, int, dict[str, SessionRow]]] = {}
        """By slot, the states that are kept: mark, chain, horizon and sessions."""

    # Writing

    def submit(self, batch: int, writes: tuple[Write, ...]) -> bool:
        """Queue a batch; whether a commit should be started."""
        self._queue.append((batch, writes))
        return not self.running

    def start(self) -> bool:
        """Start the commit of all that is queued; whether there was anything."""
        if not self._queue:
            return False
        self.running, self._queue = self._queue, []
        return True

    def finish(self) -> int:
        """Put the running commit on disk and report it. Returns its last batch."""
        last = self._commit()
        self._mark = len(self._history)
        return last

    def _commit(self) -> int:
        running, self.running = self.running, []
        self._history.append(running)
        store, on_write, rows = self._store, self._on_write, self.rows
        for _, writes in running:
            for write in writes:
                store(write)
                on_write(write, rows)
        return running[-1][0]

    def crash(self, survives: bool) -> bool:
        """End the process. A commit in flight reaches the disk as a whole or not at all. True if it does;
        then it was not reported, and the mark does not count it."""
        self._queue = []
        if self.running and survives:
            self._commit()
            return True
        self.running = []
        return False

    def _store(self, write: Write) -> None:
        if self._flipped:
            self._flipped.difference_update(_rows_of(write))
        # The most frequent ones first.
        if type(write) is PutState:
            self.state = write
        elif type(write) is PutVotes:
            ballot, slot = write.ballot, write.first
            for value in write.values:
                self.rows[slot] = Entry(ballot, value)
                slot += 1
        elif isinstance(write, PutSessions):
            for client in write.evicted:
                self._sessions.pop(client, None)
            for row in write.changed:
                self._sessions[row.client] = row
            self._sessions_upto, self._horizon = write.upto, write.horizon
        elif isinstance(write, PutEntries):
            self.rows.update(enumerate(write.entries, write.first))
        elif isinstance(write, PutSuppressed):
            self.suppressed[write.slot] = write.first
        elif isinstance(write, PutNonVoting):
            self.non_voting = write.reason
        elif isinstance(write, PutCheckpoint):
            kept = (write.checkpoint, write.chain, write.horizon, dict(self._sessions))
            self._kept[write.checkpoint.upto] = kept
        elif isinstance(write, PutLogStart):
            self._trim(write.log_start)
        elif isinstance(write, PutSnapshot):
            self._replace(write)
        else:
            raise TypeError(f"no such write: {write}")

    def _trim(self, floor: int) -> None:
        self.floor = floor
        self._kept = {slot: kept for slot, kept in self._kept.items() if slot >= floor}
        self.suppressed = {slot: first for slot, first in self.suppressed.items() if slot >= floor}
        for slot in [slot for slot in self.rows if slot < floor]:
            del self.rows[slot]
        self._flipped = {(table, key) for table, key in self._flipped if table != "log" or key in self.rows}

    def _replace(self, write: PutSnapshot) -> None:
        upto = write.checkpoint.upto
        self._sessions = {row.client: row for row in write.sessions}
        self._sessions_upto, self._horizon = upto, write.horizon
        self._kept = {upto: (write.checkpoint, write.chain, write.horizon, dict(self._sessions))}
        self._trim(upto)

    # What is done to it

    def go_back(self, commits: int) -> bool:
        """Take the database back by a number of commits before the last reported one. False if there is no
        such state."""
        if self._mark == 0:
            return False
        del self._history[max(self._mark - commits, 0) :]
        self._clear()
        self._flipped.clear()
        for running in self._history:
            for _, writes in running:
                for write in writes:
                    self._store(write)
        return True

    def copy_back(self, commits: int) -> bool:
        """Take the whole folder, with its mark, back to an earlier state. False if there is none."""
        done = self.go_back(commits)
        self._mark = len(self._history)
        return done

    def lose(self) -> bool:
        """Another disk, with nothing on it."""
        self.storage += 1
        self._history.clear()
        self._mark = 0
        self._flipped.clear()
        self._clear()
        return True

    @property
    def rollback_mark(self) -> tuple[int, int]:
        """Give what the replica reports of its disk to its peers: its identity and the number of its last
        commit."""
        return self.storage, self._mark

    def objection(self, known: tuple[int, int]) -> str | None:
        """Return why the others, who were told of the disk as it was ``known``, do not let it vote."""
        if self.storage != known[0]:
            return "it comes back with another disk"
        if self._is_behind(known[1]):
            return "its disk went back in time"
        return None

    def _is_behind(self, commits: int) -> bool:
        return self._mark < commits

    def hold(self, reason: str) -> None:
        """Take the right to vote away, durably."""
        self._history.append([(0, (PutNonVoting(reason),))])
        self._mark = len(self._history)
        self.non_voting = reason

    def flip(self, what: str, place: float) -> bool:
        """Flip a bit in a row of the ``state``, a ``vote``, a ``learned`` slot or a ``session``, from the
        first one (``place`` 0) to the last one (1). False if there is no such row."""
        table: Table
        keys: list[int] | list[str]
        match what:
            case "state":
                table, keys = "state", [STATE]
            case "vote":
                table, keys = "log", sorted(slot for slot in self.rows if slot >= self.state.watermark)
            case "learned":
                table, keys = "log", sorted(slot for slot in self.rows if slot < self.state.watermark)
            case "session":
                table, keys = "sessions", sorted(self._sessions)
            case _:
                raise ValueError(f"no such row: {what}")
        if keys:
            self._flipped.add((table, keys[min(int(place * len(keys)), len(keys) - 1)]))
        return bool(keys)

    # Reading

    def open(self) -> DurableState:
        """Read what a replica starts from. Raises ``DiskUntrusted``, also out of ``replay``."""
        self._check_mark()
        self._mark = len(self._history)
        return self._saved()

    def _check_mark(self) -> None:
        number = len(self._history)
        if self._mark > number:
            raise WentBack(
                f"the database went back in time: it is at commit {number}, its mark at {self._mark}"
            )

    def _read(self, table: Table, key: int | str, row: Row) -> Row:
        """Read a row, and check it."""
        return self._misfit(table, key, row) if (table, key) in self._flipped else row

    def _misfit(self, table: Table, key: int | str, row: Row) -> Row:
        """Return a row that is not what was stored."""
        raise ChecksumMismatch(f"table {table}, row {key}: its checksum does not fit")

    def _saved(self) -> DurableState:
        state = self._read("state", STATE, self.state)
        return DurableState(
            promised=state.promised,
            round=state.round,
            watermark=state.watermark,
            chain=state.chain,
            sessions_upto=self._sessions_upto,
            horizon=self._horizon,
            sessions=tuple(self._read("sessions", key, row) for key, row in sorted(self._sessions.items())),
            replay=self._replay(self._sessions_upto, state.watermark),
            votes=tuple(self._votes(state.watermark)) if self.non_voting is None else (),
            non_voting=self.non_voting,
            log_start=self.floor,
            checkpoints=tuple(kept[0] for _, kept in sorted(self._kept.items())),
        )

    def _votes(self, watermark: int) -> Iterator[Vote]:
        for slot, row in sorted(self.rows.items()):
            if slot >= watermark:
                found = self._read("log", slot, row)
                yield Vote(slot, found.ballot, found.value)

    def _replay(self, first: int, upto: int) -> Iterator[Entry]:
        for slot in range(first, upto):
            yield self._read("log", slot, self.rows[slot])

    def read(self, first: int, slots_max: int, chars_max: int) -> tuple[Entry, ...]:
        """Return learned slots from ``first``: below the watermark on disk, within both limits, but at least
        one. Raises ``ChecksumMismatch``."""
        entries: list[Entry] = []
        chars = 0
        if first < self.floor:
            return ()
        for slot in range(first, min(self.state.watermark, first + max(slots_max, 1))):
            entry = self._read("log", slot, self.rows[slot])
            chars += weight(entry.value)
            if entries and chars > chars_max:
                break
            entries.append(entry)
        return tuple(entries)

    def read_state(self, upto: int, after: str, bytes_max: int) -> Snapshot | None:
        """Read a page of the state that is kept at ``upto``; ``None`` if it is not kept any more."""
        if upto not in self._kept:
            return None
        mark, chain, horizon, sessions = self._kept[upto]
        page: list[SessionRow] = []
        size = 0
        rest = sorted(client for client in sessions if client > after)
        for client in rest:
            size += len(sessions[client].answers)
            if page and size > bytes_max:
                break
            page.append(sessions[client])
        last = len(page) == len(rest)
        return Snapshot(upto, mark.wall_s, chain, horizon, after, tuple(page), last, upto)


def _rows_of(write: Write) -> Iterator[tuple[Table, int | str]]:
    """List the rows that a write stores anew or removes."""
    match write:
        case PutVotes(first=first, values=run) | PutEntries(first=first, entries=run):
            for slot in range(first, first + len(run)):
                yield "log", slot
        case PutState():
            yield "state", STATE
        case PutSessions():
            for client in (*write.evicted, *(row.client for row in write.changed)):
                yield "sessions", client
        case PutSnapshot():
            for row in write.sessions:
                yield "sessions", row.client
        case _:
            pass
