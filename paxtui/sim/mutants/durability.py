"""Mistakes about what must be on disk, and when."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from paxtui.checkers.broken import Invariant
from paxtui.core.acceptor import Acceptor
from paxtui.core.ballot import Ballot
from paxtui.core.durability_gate import DurabilityGate
from paxtui.core.messages import Accepted, PeerMessage, Prepare, Promise
from paxtui.core.outbox import Outbox
from paxtui.core.output import Envelope, Output, PutState, PutVotes
from paxtui.core.proposer import Proposer
from paxtui.core.replica import Replica
from paxtui.sim.cluster.disk import SimulatedDisk
from paxtui.sim.cluster.simulated_replica import SimulatedReplica
from paxtui.sim.mutants.mutant import Patch, mutant

PMS_STABLE = "Paxos Made Simple, 2.5: the response is in stable storage before it is sent"


def _at_once(patch: Patch, kind: type[PeerMessage], *, own: bool) -> None:
    """Messages of a kind, to others or (``own``) to oneself, do not wait for the disk."""
    original = Outbox.send_durable

    def send_durable(self: Outbox, to: int, message: PeerMessage) -> None:
        if not isinstance(message, kind) or (to == self.me) != own:
            original(self, to, message)
        elif own:
            self.local.append(message)
        else:
            self.sends.append(Envelope(to, message))

    patch.replace(Outbox, "send_durable", send_durable)


@mutant(
    "accepted-before-disk",
    rule=f"{PMS_STABLE}; lost data in production (PySyncObj#84)",
    profile="crash",
    caught_by=Invariant.DURABLE,
    seeds=3,
)
def accepted_before_disk(patch: Patch) -> None:
    """Accepted leaves before the vote is on disk."""
    _at_once(patch, Accepted, own=False)


@mutant(
    "promise-before-disk",
    rule=PMS_STABLE,
    profile="crash",
    caught_by=Invariant.DURABLE,
    seeds=3,
)
def promise_before_disk(patch: Patch) -> None:
    """Promise leaves before it is on disk."""
    _at_once(patch, Promise, own=False)


@mutant(
    "prepare-before-disk",
    rule="Paxos Made Simple, 2.5: each proposer remembers its highest number in stable storage",
    profile="boost",
    caught_by=Invariant.DURABLE,
    seeds=3,
)
def prepare_before_disk(patch: Patch) -> None:
    """Prepare leaves before its round is on disk; after a crash the round is used again (phxpaxos#145)."""
    _at_once(patch, Prepare, own=False)


@mutant(
    "own-vote-before-disk",
    rule=PMS_STABLE,
    profile="boost",
    caught_by=Invariant.LEARNED,
    seeds=6,
)
def own_vote_before_disk(patch: Patch) -> None:
    """A leader counts its own vote at once, as if it needed no disk for itself."""
    _at_once(patch, Accepted, own=True)


@mutant(
    "gate-stands-open",
    rule=PMS_STABLE,
    profile="crash",
    caught_by=Invariant.DURABLE,
    seeds=3,
)
def gate_stands_open(patch: Patch) -> None:
    """The host sends what waits for a batch together with what does not."""
    patch.replace(DurabilityGate, "admit", lambda self, output: (*output.sends, *output.sends_durable))


@mutant(
    "batch-frees-a-later-one",
    rule=f"{PMS_STABLE}; several batches may be on their way to the disk at once",
    profile="boost",
    caught_by=Invariant.DURABLE,
    seeds=3,
)
def batch_frees_a_later_one(patch: Patch) -> None:
    """When the disk reports a batch, everything that waits leaves, also for batches behind it."""

    def durable(self: DurabilityGate, batch: int) -> tuple[Envelope, ...]:
        self.batch = batch
        freed = tuple(envelope for _, waiting in self._waiting for envelope in waiting)
        self._waiting.clear()
        return freed

    patch.replace(DurabilityGate, "durable", durable)


@mutant(
    "repeated-answer-passes-the-gate",
    rule=f"{PMS_STABLE}; an answer that writes nothing may rest on a batch that is not on disk yet",
    profile="network",
    caught_by=Invariant.DURABLE,
    seeds=10,
)
def repeated_answer_passes_the_gate(patch: Patch) -> None:
    """An output without writes is taken to wait for nothing."""
    original = DurabilityGate.admit

    def admit(self: DurabilityGate, output: Output) -> tuple[Envelope, ...]:
        return original(self, output) if output.writes else (*output.sends, *output.sends_durable)

    patch.replace(DurabilityGate, "admit", admit)


@mutant(
    "failed-commit-taken-for-done",
    rule="fsyncgate: a failed write is unknown, and the replica stops",
    profile="disk",
    caught_by=Invariant.DURABLE,
    seeds=20,
)
def failed_commit_taken_for_done(patch: Patch) -> None:
    """A commit that failed is logged, and the replica goes on as if it had worked."""
    original = SimulatedReplica._committed

    def committed(self: SimulatedReplica, life: int) -> None:
        if life != self.life or self.fail_down_s is None:
            original(self, life)
            return
        self.fail_down_s = None
        batch = self.disk.running[-1][0]
        self.disk.running = []
        self._commit()
        self._told_durable(batch)

    patch.replace(SimulatedReplica, "_committed", committed)


@mutant(
    "old-promise-written-with-a-vote",
    rule="Paxos Made Simple, P1a; multi-paxos-example persists the promise that it had before",
    profile="boost",
    caught_by=Invariant.PROMISES,
    seeds=3,
)
def old_promise_written_with_a_vote(patch: Patch) -> None:
    """The transaction of a vote carries the promise of the one before."""
    original = Replica._close_batch

    def close_batch(self: Any) -> bool:
        closed = original(self)
        writes = self._out.writes
        if closed and any(isinstance(write, PutVotes) for write in writes):
            writes[-1] = replace(writes[-1], promised=getattr(self, "old_promise", Ballot.ZERO))
        elif closed and isinstance(writes[-1], PutState):
            self.old_promise = writes[-1].promised
        return closed

    patch.replace(Replica, "_close_batch", close_batch)


@mutant(
    "round-used-again-after-a-restart",
    rule="Paxos Made Simple, 2.5; phxpaxos#145",
    profile="rounds",
    caught_by=Invariant.ONE_VALUE,
    seeds=7,
)
def round_used_again_after_a_restart(patch: Patch) -> None:
    """The stored round is read as the next one to use, not as the last one used. Acceptors promise an
    equal ballot again, so the ballot has two phases 1."""
    original = Proposer.__init__

    def start(self: Proposer, *args: Any) -> None:
        original(self, *args)
        self.round = self.round_seen = max(self.round - 1, 0)

    patch.replace(Proposer, "__init__", start)


@mutant(
    "promise-forgotten-when-pruned",
    rule="scylladb#6149: pruning never touches the promise",
    profile="all",
    caught_by=Invariant.PROMISES,
    seeds=3,
)
def promise_forgotten_when_pruned(patch: Patch) -> None:
    """The promise lives in the table of votes, and goes when that is empty."""
    original = Acceptor.remove_vote

    def take(self: Acceptor, slot: int) -> Any:
        vote = original(self, slot)
        if vote is not None and not self.votes:
            self.promised = Ballot.ZERO
        return vote

    patch.replace(Acceptor, "remove_vote", take)


@mutant(
    "votes-forgotten-when-pruned",
    rule="scylladb#6154; Paxos Made Simple, 2.2, phase 1b",
    profile="boost",
    caught_by=Invariant.CHOOSABLE,
    seeds=3,
)
def votes_forgotten_when_pruned(patch: Patch) -> None:
    """Votes of an older ballot are thrown away as soon as a higher one is promised."""
    original = Acceptor._raise_promise

    def raise_promise(self: Acceptor, ballot: Ballot) -> None:
        original(self, ballot)
        self.votes.clear()
        self._chars = 0

    patch.replace(Acceptor, "_raise_promise", raise_promise)


@mutant(
    "wiped-disk-votes",
    rule="atlasdb#1508: who lost its disk does not vote before it is safely recovered",
    profile="crash",
    caught_by=Invariant.PROMISES,
    seeds=4,
)
def wiped_disk_votes(patch: Patch) -> None:
    """A replica whose disk is empty starts as if it were new, and nobody remembers it."""
    original = SimulatedDisk.crash

    def crash(self: SimulatedDisk, survives: bool) -> bool:
        survived = original(self, survives)
        SimulatedDisk.__init__(self, self._on_write)
        return survived

    patch.replace(SimulatedDisk, "crash", crash)
    patch.replace(SimulatedDisk, "objection", lambda self, known: None)
