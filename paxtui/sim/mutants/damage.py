"""Mistakes about a disk that is not what it was: each one leaves out a check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from paxtui.checkers.broken import Invariant
from paxtui.core.ballot import Ballot
from paxtui.core.dispatch import Dispatcher
from paxtui.core.messages import Heartbeat, PeerMessage
from paxtui.core.outbox import Outbox
from paxtui.core.output import PutState
from paxtui.core.proposer import Proposer
from paxtui.core.values import Entry
from paxtui.sim.cluster.disk import SimulatedDisk, Table
from paxtui.sim.mutants.mutant import Patch, mutant

SQLITE = "SQLite returns a flipped bit in its file as the stored value"


def _believed(
    patch: Patch, wrong: Callable[[SimulatedDisk, Table, Any], bool], flipped: Callable[[Any], Any]
) -> None:
    """Some checksums are not verified: a row with a flipped bit is taken as it is."""
    original = SimulatedDisk._misfit

    def misfit(self: SimulatedDisk, table: Table, key: int | str, row: Any) -> Any:
        return flipped(row) if wrong(self, table, key) else original(self, table, key, row)

    patch.replace(SimulatedDisk, "_misfit", misfit)


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
    patch.replace(SimulatedDisk, "_check_mark", lambda self: None)


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


FORGOTTEN = "Paxos Made Simple, 2.2: an acceptor must remember, also after a failure; atlasdb#1508"


@mutant("lost-disk-votes", rule=FORGOTTEN, profile="lost", caught_by=Invariant.PROMISES, seeds=12)
def lost_disk_votes(patch: Patch) -> None:
    """Another disk is taken for one that nobody knows yet: a replica that lost its disk votes again."""
    objection = SimulatedDisk.objection

    def forgiving(self: SimulatedDisk, known: tuple[int, int]) -> str | None:
        return objection(self, known if self.storage == known[0] else self.rollback_mark)

    patch.replace(SimulatedDisk, "objection", forgiving)


@mutant("old-disk-votes", rule=FORGOTTEN, profile="lost", caught_by=Invariant.PROMISES, seeds=12)
def old_disk_votes(patch: Patch) -> None:
    """Nobody compares the number of the last commit: a folder that was copied back votes again."""
    patch.replace(SimulatedDisk, "_is_behind", lambda self, commits: False)


@mutant("non-voting-replica-answers", rule=FORGOTTEN, profile="lost", caught_by=Invariant.PROMISES, seeds=8)
def non_voting_replica_answers(patch: Patch) -> None:
    """A replica without vote takes messages as ever: it promises, votes and acknowledges."""
    patch.replace(Dispatcher, "follow", Dispatcher.deliver)


@mutant("non-voting-leader-leads-on", rule=FORGOTTEN, profile="lost", caught_by=Invariant.PROMISES, seeds=20)
def non_voting_leader_leads_on(patch: Patch) -> None:
    """A leader that is told that it has no vote stays in office."""
    patch.replace(Proposer, "become_learner", lambda self: None)


@mutant(
    "non-voting-outbox-leaves",
    rule=FORGOTTEN,
    profile="lost",
    caught_by=Invariant.PROMISES,
    seeds=120,
    first=70,
)
def non_voting_outbox_leaves(patch: Patch) -> None:
    """What was decided before it was told, and had not left yet, leaves all the same."""
    patch.replace(Outbox, "discard_promises", lambda self: None)


@mutant("non-voting-for-one-life", rule=FORGOTTEN, profile="lost", caught_by=Invariant.PROMISES, seeds=8)
def non_voting_for_one_life(patch: Patch) -> None:
    """What the disk says of it is not looked at, at a start."""
    original = SimulatedDisk.open
    patch.replace(SimulatedDisk, "open", lambda self: replace(original(self), non_voting=None))


@mutant(
    "non-voting-replica-learns-nothing",
    rule="design, 5.6: a replica that misses something asks for it",
    profile="lost",
    caught_by=Invariant.LIVENESS,
    seeds=8,
)
def non_voting_replica_learns_nothing(patch: Patch) -> None:
    """A replica without vote drops heartbeats as well: it never hears what it lacks."""
    follow = Dispatcher.follow

    def deaf(self: Dispatcher, sender: int, message: PeerMessage, now: float) -> None:
        if not isinstance(message, Heartbeat):
            follow(self, sender, message, now)

    patch.replace(Dispatcher, "follow", deaf)
