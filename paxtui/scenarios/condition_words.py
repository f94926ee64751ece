"""Conditions of scenario files, one class each, and how replicas are named. See :mod:`vocabulary`."""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

from msgspec import Meta, Struct

from paxtui.core.events import kebab

Replicas = int | str | list[int | str]
"""Ids, symbols, names given by ``pick``."""

SYMBOLS: Final = {
    "leader": "the replica that leads now, with a majority behind it",
    "follower": "the live replica with the lowest id that does not lead",
    "followers": "all live replicas but the leader",
    "all": "all replicas",
    "live": "all replicas whose process runs and is not paused",
    "dead": "the replicas whose process has ended",
    "paused": "the replicas that are paused",
    "crashed": "the replicas whose proposer was crashed",
    "leader-minority": "f replicas, the leader among them",
    "follower-minority": "f replicas, the leader not among them",
    "leader-majority": "f+1 replicas, the leader among them",
    "random-minority": "f replicas drawn from the seed",
}

TIMEOUT_S: Final = 30.0
"""How long a condition may take: far more than any takes, also with a third of all messages lost."""

Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Slot = Annotated[int, Meta(ge=0, lt=2**53)]


# Conditions


def word_of(name: str) -> str:
    """``LeaderIsNotCondition`` -> ``leader-is-not``."""
    return kebab(name.removesuffix("Condition"))


class Condition(Struct, frozen=True, tag_field="condition", tag=word_of, forbid_unknown_fields=True):
    """Base. In a file its name stands behind ``until`` (``wait``) or ``that`` (``expect``)."""


class LeaderCondition(Condition, frozen=True):
    """One replica leads and a majority follows it."""


class LeaderIsCondition(Condition, frozen=True):
    """``replica`` leads, and a majority follows it."""

    replica: Replicas


class LeaderIsNotCondition(Condition, frozen=True):
    """A majority follows a leader that is none of ``replica``."""

    replica: Replicas


class RoleCondition(Condition, frozen=True, rename={"is_": "is"}):
    """``replica`` is in this role."""

    replica: Replicas
    is_: Literal["following", "pre-voting", "preparing", "leader", "crashed"]


class WatermarkCondition(Condition, frozen=True):
    """These replicas have learned everything below ``at_least``."""

    at_least: Slot
    replicas: Replicas = "live"


class AllEqualCondition(Condition, frozen=True):
    """All live replicas have applied the same log, and know of nothing above it."""


class AppendsDoneCondition(Condition, frozen=True):
    """No append waits for its answer, and no load has more to send."""


class AcknowledgedCondition(Condition, frozen=True):
    """``more`` appends were acknowledged since this step began."""

    more: Count


class InFlightCondition(Condition, frozen=True):
    """So many appends wait for their answers."""

    at_least: Count = 1


class NoProgressCondition(Condition, frozen=True):
    """For so many heartbeats these replicas learned nothing; with ``live``, an append was waiting all that
    time, and none was acknowledged."""

    beats: Count = 10
    replicas: Replicas = "live"


class HoleCondition(Condition, frozen=True):
    """The leader has left a slot (this one, if named) empty."""

    slot: Slot | None = None


class FilledCondition(Condition, frozen=True):
    """All live replicas have learned ``slot``."""

    slot: Slot


class LagsCondition(Condition, frozen=True):
    """``replica`` has learned so many slots less than the best informed one."""

    replica: Replicas
    by: Count = 1


class EndedCondition(Condition, frozen=True):
    """The process of ``replica`` has ended."""

    replica: Replicas


class OutcomesCondition(Condition, frozen=True):
    """At most so many appends failed, and of so many the outcome is unknown."""

    failed: Annotated[int, Meta(ge=0)] = 0
    unknown: Annotated[int, Meta(ge=0)] = 0


class NoBallotOfCondition(Condition, frozen=True):
    """No append was acknowledged at a ballot of ``replica``."""

    replica: Replicas


AnyCondition = (
    LeaderCondition
    | LeaderIsCondition
    | LeaderIsNotCondition
    | RoleCondition
    | WatermarkCondition
    | AllEqualCondition
    | AppendsDoneCondition
    | AcknowledgedCondition
    | InFlightCondition
    | NoProgressCondition
    | HoleCondition
    | FilledCondition
    | LagsCondition
    | EndedCondition
    | OutcomesCondition
    | NoBallotOfCondition
)

CONDITIONS: Final[dict[str, type[Condition]]] = {
    word_of(each.__name__): each for each in get_args(AnyCondition)
}
