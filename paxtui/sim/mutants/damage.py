"""Mistakes about a disk that is not what it was: each one leaves out a check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from paxtui.checkers.broken import Invariant
from paxtui.core.ballot import Ballot
from paxtui.core.output import PutState
from paxtui.core.values import Entry
from paxtui.sim.disk import Disk, Table
from paxtui.sim.mutants.mutant import Patch, mutant

SQLITE = "SQLite returns a flipped bit in its file as the stored value"


def _believed(patch: Patch, wrong: Callable[[Disk, Table, Any], bool], flipped: Callable[[Any], Any]) -> None:
    """Some checksums are not verified: a row with a flipped bit is taken as it is."""
    original = Disk._misfit

    def misfit(self: Disk, table: Table, key: int | str, row: Any) -> Any:
        return flipped(row) if wrong(self, table, key) else original(self, table, key, row)

    patch.replace(Disk, "_misfit", misfit)


def _other_request(row: Entry) -> Entry:
    return Entry(row.ballot, replace(row.value, request=row.value.request ^ 1))


@mutant(
    "mark-not-compared",
    rule="SQLite drops what follows a flipped bit in its write-ahead log, and opens without a word",
    profile="disk",
    caught_by=(Invariant.PROMISES, Invariant.ORDER),
    seeds=12,
)
def mark_not_compared(patch: Patch) -> None:
    """A replica starts from a database that went back in time, and promises and votes anew."""
    patch.replace(Disk, "_check_mark", lambda self: None)


@mutant(
    "flipped-promise-believed",
    rule=SQLITE,
    profile="damage",
    caught_by=Invariant.PROMISES,
    seeds=10,
)
def flipped_promise_believed(patch: Patch) -> None:
    """The checksum of the state is not verified: a replica starts with another promise."""

    def flipped(row: PutState) -> PutState:
        return replace(row, promised=Ballot(row.promised.round ^ 1, row.promised.replica))

    _believed(patch, lambda disk, table, key: table == "state", flipped)


@mutant(
    "flipped-vote-believed",
    rule=SQLITE,
    profile="damage",
    caught_by=(Invariant.DURABLE, Invariant.CHOOSABLE),
    seeds=12,
)
def flipped_vote_believed(patch: Patch) -> None:
    """The checksums of votes are not verified: a replica tells of a vote that it never cast."""
    _believed(patch, lambda disk, table, key: table == "log" and key >= disk.state.watermark, _other_request)


@mutant(
    "flipped-page-sent",
    rule=SQLITE,
    profile="damage",
    caught_by=Invariant.LEARNED,
    seeds=12,
)
def flipped_page_sent(patch: Patch) -> None:
    """The checksums of learned slots are not verified: who is behind is sent another value."""
    _believed(patch, lambda disk, table, key: table == "log" and key < disk.state.watermark, _other_request)
