"""Ballots: the numbers that order all attempts to lead.

Paxos Made Simple calls them proposal numbers, Raft terms, Viewstamped Replication views. A Raft term has at
most one leader because a replica votes once a term; a ballot has one because its proposer's id is part of it.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta, Struct

NUMBER_LIMIT = 2**53
"""Slots, rounds and request numbers stay below this: every JSON reader has them exactly."""

REPLICAS_MAX = 9
"""The largest cluster. Nine replicas survive four failures; more only makes every message dearer."""

ROUND_JUMP_MAX = 2**32
"""A round further than this above every round seen is a lie, and is dropped: honest rounds grow one by
one, and a single stranger must not push the cluster to the end of the number range."""

Number = Annotated[int, Meta(ge=0, lt=NUMBER_LIMIT)]
ReplicaId = Annotated[int, Meta(ge=0, lt=REPLICAS_MAX)]


class Ballot(Struct, frozen=True, order=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """``(round, replica)``, totally ordered, printed ``3.1``.

    Two replicas never share one, because it carries the replica's id; a replica never uses one twice,
    because the round is on its disk before the ballot leaves (Paxos Made Simple, 2.5: "different
    proposers choose their numbers from disjoint sets of numbers, so two different proposers never
    issue a proposal with the same number. Each proposer remembers (in stable storage) the
    highest-numbered proposal it has tried to issue").
    """

    round: Number
    replica: ReplicaId

    ZERO: ClassVar[Ballot]
    """Below every real ballot. Real rounds start at 1, so no code needs ``None`` for "no ballot yet"."""

    def __str__(self) -> str:
        return f"{self.round}.{self.replica}"


Ballot.ZERO = Ballot(0, 0)


def majority(replicas: int) -> int:
    """Return how many replicas of a cluster of ``replicas`` make a quorum: any two such sets share a
    member."""
    return replicas // 2 + 1
