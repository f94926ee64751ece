"""Mistakes about linearizable reads."""

from __future__ import annotations

from paxtui.checkers.broken import Invariant
from paxtui.core.leader import Leader
from paxtui.core.leader_requests import LeaderRequests
from paxtui.core.output import ReadReady
from paxtui.core.replica import Replica
from paxtui.sim.mutants.mutant import Patch, mutant

CONFIRMED = "a majority confirms the ballot after the read arrived"


@mutant(
    "follower-reads-from-memory",
    rule="reads that only look linearizable: a follower is behind",
    profile="all",
    caught_by=Invariant.LINEARIZABLE,
    seeds=9,
)
def follower_reads_from_memory(patch: Patch) -> None:
    """A follower answers a linearizable read from what it has."""
    original = LeaderRequests.read

    def read(self: LeaderRequests, ticket: int) -> None:
        if self._proposer.leader is None:
            self._out.replies.append(ReadReady(ticket, self._learner.watermark))
        else:
            original(self, ticket)

    patch.replace(LeaderRequests, "read", read)


@mutant(
    "leader-reads-without-a-majority",
    rule=f"{CONFIRMED}; a leader that was paused does not know better (etcd#20418)",
    profile="reads",
    caught_by=Invariant.LINEARIZABLE,
    seeds=5,
)
def leader_reads_without_a_majority(patch: Patch) -> None:
    """A leader answers a linearizable read at once: it leads, after all."""
    original = Leader.read

    def read(self: Leader, ticket: int, watermark: int) -> None:
        original(self, ticket, watermark)
        for replica in self._acked:
            self._acked[replica] = self._number + 1
        self._release_reads(watermark)

    patch.replace(Leader, "read", read)


@mutant(
    "read-confirmed-by-an-older-heartbeat",
    rule=CONFIRMED,
    profile="acks",
    caught_by=Invariant.LINEARIZABLE,
    seeds=30,
    first=10,
)
def read_confirmed_by_an_older_heartbeat(patch: Patch) -> None:
    """A read waits for the acks of the last heartbeat that was sent, not of one that is sent after it."""
    original = Leader.read

    def read(self: Leader, ticket: int, watermark: int) -> None:
        pending = len(self._reads)
        original(self, ticket, watermark)
        if len(self._reads) > pending:
            self._reads[-1].number -= 1

    patch.replace(Leader, "read", read)


@mutant(
    "leader-reads-under-a-lease",
    rule=f"{CONFIRMED}; a lease rests on clocks that do not drift apart (Paxos Made Live, 5.2)",
    profile="clocks",
    caught_by=Invariant.LINEARIZABLE,
    seeds=40,
)
def leader_reads_under_a_lease(patch: Patch) -> None:
    """A leader answers a read at once if a majority answered within half an election timeout by its clock."""
    original = Replica.read

    def read(self: Replica, ticket: int, now: float) -> None:
        leader = self.proposer.leader
        if leader is not None:
            fresh = now - self._settings.election_s_min / 2
            if sum(at >= fresh for at in leader.heard.values()) >= leader._quorum:
                for replica in leader._acked:
                    leader._acked[replica] = leader._number + 1
        original(self, ticket, now)
        if leader is not None:
            leader._release_reads(self.learner.watermark)

    patch.replace(Replica, "read", read)


@mutant(
    "new-leader-reads-before-it-caught-up",
    rule="what earlier leaders acknowledged lies below the end of phase 1 (Raft: a no-op of the new term)",
    profile="reads",
    caught_by=Invariant.LINEARIZABLE,
    seeds=70,
)
def new_leader_reads_before_it_caught_up(patch: Patch) -> None:
    """A new leader answers from its own watermark, before what phase 1 told is applied."""
    original = Leader.read

    def read(self: Leader, ticket: int, watermark: int) -> None:
        end, self.end = self.end, watermark
        original(self, ticket, watermark)
        self.end = end

    patch.replace(Leader, "read", read)


@mutant(
    "read-before-it-is-applied",
    rule="a read that may see a slot waits until the slot is applied",
    profile="boost",
    caught_by=Invariant.LINEARIZABLE,
    seeds=20,
)
def read_before_it_is_applied(patch: Patch) -> None:
    """A read is released when it is confirmed, whatever is applied by then."""
    original = Leader._release_reads
    patch.replace(Leader, "_release_reads", lambda self, watermark: original(self, 1 << 60))
