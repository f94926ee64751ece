"""Conditions of scenario files, one class each. See :mod:`.vocabulary` for the steps."""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

from msgspec import Meta, Struct

from paxtui.core.events import kebab
from paxtui.words.numbers import Count, Slot
from paxtui.words.replicas import Replicas

TIMEOUT_S: Final = 30.0
"""Limit of a wait for a condition: far more than any takes, even if a third of all messages is lost."""

# Conditions


def word_of(name: str) -> str:
    """Turn ``LeaderIsNotCondition`` into ``leader-is-not``."""
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
