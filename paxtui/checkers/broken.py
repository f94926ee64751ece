"""The invariants by name, and the error that a checker raises."""

from __future__ import annotations

import enum


class Invariant(enum.Enum):
    """The invariants: number and name. :mod:`paxtui.checkers` says which module checks each number."""

    ONE_VALUE = (1, "one value a ballot")
    PROMISES = (2, "promises")
    CHOOSABLE = (3, "choosable")
    AGREEMENT = (4, "agreement")
    LEARNED = (5, "learned is chosen")
    VALIDITY = (6, "validity")
    ACKNOWLEDGED = (7, "durability")
    ORDER = (8, "order")
    ONCE = (9, "exactly once")
    LINEARIZABLE = (10, "linearizable")
    DURABLE = (11, "durable before sent")
    LIMITS = (11, "limits held")
    LIVENESS = (12, "liveness")
    SURPRISE = (13, "no surprise")
    STORM = (14, "no storm")
    CANARY = (0, "canary")
    """No rule at all: a run that is planned to fail, to show that failures are reported."""

    def __str__(self) -> str:
        return f"{self.value[0]} ({self.value[1]})"


class InvariantBroken(Exception):
    """A checker saw something that must never happen."""

    def __init__(self, invariant: Invariant, what: str, replica: int | None = None) -> None:
        who = "" if replica is None else f"replica {replica}: "
        super().__init__(f"{who}{what}")
        self.invariant = invariant
        self.replica = replica
