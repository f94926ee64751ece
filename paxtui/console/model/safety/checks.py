"""What must hold in every run, by name, and what is said of it."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from paxtui.checkers.broken import Invariant

Light = Literal["SAFE", "UNKNOWN", "VIOLATED"]


class Lights(NamedTuple):
    """The safety light of the header, and the words beside it."""

    light: Light
    words: str


class Check(NamedTuple):
    """One thing that must hold."""

    name: str
    light: Light


AGREEMENT, ONE_VALUE, PROMISES, VOTES, VALIDITY, PREFIX, ONCE = NAMES = (
    "agreement",
    "one value a ballot",
    "promises kept",
    "votes obey",
    "validity",
    "same prefix",
    "applied once",
)

CHECK_OF: Final = {
    Invariant.ONE_VALUE: ONE_VALUE,
    Invariant.PROMISES: PROMISES,
    Invariant.DURABLE: PROMISES,
    Invariant.CHOOSABLE: VALIDITY,
    Invariant.VALIDITY: VALIDITY,
    Invariant.AGREEMENT: AGREEMENT,
    Invariant.LEARNED: AGREEMENT,
    Invariant.ORDER: PREFIX,
    Invariant.ONCE: ONCE,
}
