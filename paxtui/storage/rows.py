"""Rows and their checksums: what is stored, sealed on the way in and checked on the way out.

SQLite returns a flipped bit in its file as the stored value. So each row carries a CRC-32 over a canonical
encoding of all its other columns, its key included: a row that turns up under another slot is as wrong as
one with another text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple
from zlib import crc32

from paxtui.core.ballot import Ballot
from paxtui.core.output import PutState
from paxtui.core.values import Command, Entry, SessionRow, Vote, weight

LogRow = tuple[int, int, int, str, int, str, int]

NON_VOTING_SEAL = "held"
"""What the checksum of table ``non_voting`` begins with: its name before format 4. Checksums outlive a
renaming."""

_SELECT_LOG = "SELECT slot, round, replica, client, request, text, checksum FROM log "


class DamagedRow(Exception):
    """A row is missing or is not what was stored; the text names the row and what is wrong."""

    def __init__(self, row: str, what: str, slot: int | None = None) -> None:
        super().__init__(f"{row}: {what}")
        self.slot = slot


def seal(table: str, *columns: int | str | bytes) -> int:
    """Compute the checksum of a row of a small table. Lengths are hashed, so columns cannot trade bytes."""
    check = crc32(table.encode())
    for column in columns:
        if isinstance(column, int):
            check = crc32(b" %d" % column, check)
        else:
            content = column.encode() if isinstance(column, str) else column
            check = crc32(content, crc32(b" %d:" % len(content), check))
    return check


def seal_log(slot: int, round_: int, replica: int, client: bytes, request: int, text: bytes) -> int:
    """Compute the checksum of a log row. It is on the hot path: one formatting, and no copy of the text."""
    head = b"%d %d %d %d %d " % (slot, round_, replica, request, len(client))
    return crc32(text, crc32(head + client))


def log_row(slot: int, ballot: Ballot, value: Command) -> LogRow:
    """Make the row that stores ``value``, voted for or learned at ``ballot``, in ``slot``."""
    client, request, text = value.client, value.request, value.text
    check = seal_log(slot, ballot.round, ballot.replica, client.encode(), request, text.encode())
    return (slot, ballot.round, ballot.replica, client, request, text, check)


class Peer(NamedTuple):
    """The memory of another replica: the disk that it voted with, and the highest number of a commit
    that it told of it. ``non_voting`` says why that very disk may not vote any more; empty if it may."""

    storage_id: str
    commits: int = 0
    non_voting: str = ""


class StorageIdentity(NamedTuple):
    """The owner of a database. ``storage_id`` names this disk's memory: an emptied one has another."""

    version: int
    cluster: str
    name: str
    replica: int
    storage_id: str
    created: str

    def row(self) -> tuple[int, str, str, int, str, str]:
        """Return the columns, without the checksum: a plain tuple, for the type checker's sake."""
        return (*self,)

    @property
    def membership(self) -> str:
        """Return the digest of the list of replicas."""
        return self.cluster.partition("+")[0]

    @property
    def origin(self) -> str:
        """Return the id of the backup that the database was restored from; empty if it was not."""
        return self.cluster.partition("+")[2]

    @classmethod
    def opened(cls, row: tuple[Any, ...] | None) -> StorageIdentity:
        """Make an identity of a row as it was read. Raises ``DamagedRow``."""
        version, cluster, name, replica, storage_id, created = checked("identity", row)
        return cls(version, cluster.decode(), name.decode(), replica, storage_id.decode(), created.decode())


class StateRow(NamedTuple):
    """The small state: what ``PutState`` says, the number of the commit, and whether warm-up is over."""

    promised_round: int
    promised_replica: int
    round: int
    watermark: int
    chain: bytes
    commit_number: int
    warmed: int

    def row(self) -> tuple[int, int, int, int, bytes, int, int]:
        """Return the columns, without the checksum: a plain tuple, for the type checker's sake."""
        return (*self,)

    def after(self, put: PutState | None) -> StateRow:
        """Return the state that the next commit leaves, if ``put`` is the last one in it."""
        number = self.commit_number + 1
        if put is None:
            return self._replace(commit_number=number)
        return StateRow(
            put.promised.round, put.promised.replica, put.round, put.watermark, put.chain, number, self.warmed
        )


def read_state(db: sqlite3.Connection, table: str = "state") -> StateRow:
    """Read the row of the state. Raises ``DamagedRow`` or ``sqlite3.Error``."""
    row = db.execute(
        "SELECT promised_round, promised_replica, round, watermark, chain, commit_number, warmed, checksum "
        f"FROM {table}"
    ).fetchone()
    return StateRow(*checked("state", row))


def read_session_state(db: sqlite3.Connection) -> tuple[int, int]:
    """Read ``(upto, horizon)`` of the last checkpoint of sessions. Raises ``DamagedRow`` or
    ``sqlite3.Error``."""
    row = db.execute("SELECT upto, horizon, checksum FROM session_state").fetchone()
    upto, horizon = checked("session_state", row)
    return upto, horizon


def read_sessions(db: sqlite3.Connection) -> Iterator[SessionRow]:
    """Yield all sessions, the one that rested longest first. Raises ``DamagedRow`` or ``sqlite3.Error``."""
    for row in db.execute(
        "SELECT client, last_slot, top, answers, checksum FROM sessions ORDER BY last_slot, client"
    ):
        client, last_slot, top, answers = checked("sessions", row)
        yield SessionRow(client.decode(), last_slot, top, answers)


def read_peers(db: sqlite3.Connection) -> dict[int, Peer]:
    """Read what is remembered of the other replicas. Raises ``DamagedRow`` or ``sqlite3.Error``."""
    peers = {}
    found = db.execute(
        "SELECT replica, storage_id, commits, non_voting, checksum FROM peers ORDER BY replica"
    )
    for row in found:
        replica, storage_id, commits, non_voting = checked("peers", row)
        peers[replica] = Peer(storage_id.decode(), commits, non_voting.decode())
    return peers


def put_peer(db: sqlite3.Connection, replica: int, peer: Peer) -> None:
    """Store what is remembered of a replica."""
    row = (replica, peer.storage_id, peer.commits, peer.non_voting)
    db.execute("INSERT OR REPLACE INTO peers VALUES (?, ?, ?, ?, ?)", (*row, seal("peers", *row)))


def read_non_voting(db: sqlite3.Connection) -> str | None:
    """Read why this disk may not vote any more, if so. Raises ``DamagedRow`` or ``sqlite3.Error``."""
    (reason,) = checked(
        "non_voting", db.execute("SELECT reason, checksum FROM non_voting").fetchone(), NON_VOTING_SEAL
    )
    return reason.decode() or None


def put_non_voting(db: sqlite3.Connection, reason: str) -> None:
    """Store why this disk may not vote any more. The row is there from the beginning, with no reason in it:
    one that is missing is damage."""
    row = (reason, seal(NON_VOTING_SEAL, reason))
    if db.execute("UPDATE non_voting SET reason = ?, checksum = ?", row).rowcount != 1:
        raise DamagedRow("table non_voting", "its row is missing")


def read_suppressed(db: sqlite3.Connection, first: int, upto: int) -> dict[int, int]:
    """Read the applied slots from ``first`` to ``upto - 1`` that took no effect. Raises as above."""
    suppressed = {}
    for row in db.execute(
        "SELECT slot, first, checksum FROM suppressed WHERE slot >= ? AND slot < ? ORDER BY slot",
        (first, upto),
    ):
        slot, repeats = checked("suppressed", row)
        suppressed[slot] = repeats
    return suppressed


def read_votes(db: sqlite3.Connection, watermark: int) -> Iterator[Vote]:
    """Yield the rows at or above ``watermark``. Raises as above."""
    for row in db.execute(_SELECT_LOG + "WHERE slot >= ? ORDER BY slot", (watermark,)):
        entry = _entry(row)
        yield Vote(row[0], entry.ballot, entry.value)


def read_entries(
    db: sqlite3.Connection, first: int, upto: int, slots_max: int, chars_max: int
) -> list[Entry]:
    """Read learned slots from ``first``, below ``upto``, without a gap, within both limits but at least one;
    a damaged row ends them as well.

    Raises ``DamagedRow`` where ``first`` itself is damaged, or has no row (all below the watermark have
    one), or ``sqlite3.Error``.
    """
    end = min(upto, first + max(slots_max, 1))
    entries: list[Entry] = []
    chars = 0
    cursor = db.execute(_SELECT_LOG + "WHERE slot >= ? AND slot < ? ORDER BY slot", (first, end))
    try:
        for row in cursor:
            if row[0] != first + len(entries):
                break
            try:
                entry = _entry(row)
            except DamagedRow:
                if entries:
                    return entries
                raise
            chars += weight(entry.value)
            if entries and chars > chars_max:
                return entries
            entries.append(entry)
    finally:
        cursor.close()  # an unfinished SELECT would hold its snapshot, and the write-ahead log with it
    if not entries and first < end:
        raise DamagedRow(f"slot {first}", "its row is missing", first)
    return entries


def _entry(row: tuple[Any, ...]) -> Entry:
    slot, round_, replica, client, request, text, check = row
    try:
        sound = seal_log(slot, round_, replica, client, request, text) == check
    except TypeError:
        sound = False  # a flipped bit in the row's header makes a number of a text
    if not sound:
        raise DamagedRow(f"slot {slot}", "its checksum does not match", slot)
    return Entry(Ballot(round_, replica), Command(client.decode(), request, text.decode()))


def checked(table: str, row: tuple[Any, ...] | None, sealed_as: str = "") -> tuple[Any, ...]:
    """Return the columns of a row of a small table, without its checksum.

    ``sealed_as`` is what the checksum begins with where that is not the table's name. Raises ``DamagedRow``.
    """
    if row is None:
        raise DamagedRow(f"table {table}", "its row is missing")
    *columns, check = row
    try:
        sound = seal(sealed_as or table, *columns) == check
    except TypeError:
        sound = False
    if not sound:
        raise DamagedRow(f"table {table}", "the checksum of a row does not match")
    return tuple(columns)
