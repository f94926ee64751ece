"""What leaders were told in their phase 1: by ballot, which votes each acceptor of the majority had.

An acceptor's promise says how many votes it tells; which ones they are is what this acceptor was seen to
have accepted by then. So what a new leader had to propose again can be shown with the votes that bound it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from paxtui.console.model.state.runs import Runs
from paxtui.wire import events as e
from paxtui.wire.values import Ballot

BALLOTS_KEPT: Final = 64


class SlotFinding(NamedTuple):
    """One slot as a leader's phase 1 found it."""

    quorum: tuple[int, ...]
    votes: dict[int, Ballot]
    """Of those in the quorum that had voted in the slot: at which ballot."""
    unseen: tuple[int, ...]
    """Of the quorum: whose promise was not seen, so that nothing is known of its votes then."""

    @property
    def highest(self) -> Ballot | None:
        """Return the ballot whose value must be proposed again."""
        return max(self.votes.values(), default=None)

    @property
    def voters(self) -> list[int]:
        """Return who told a vote at the highest ballot."""
        return sorted(id for id, ballot in self.votes.items() if ballot == self.highest)


class Ballots:
    """One candidate's phase 1."""

    def __init__(self) -> None:
        self.elected: e.Elected | None = None
        self.votes: dict[int, Runs[Ballot]] = {}
        """By acceptor, its votes when it promised."""


class Phase1Findings:
    """The newest ballots."""

    def __init__(self) -> None:
        self._all: dict[Ballot, Ballots] = {}

    def copy(self) -> Phase1Findings:
        """Return a copy as it is now, to which more can be told."""
        other = Phase1Findings()
        for ballot, told in self._all.items():
            mine = other._all[ballot] = Ballots()
            mine.elected = told.elected
            mine.votes = {acceptor: votes.copy() for acceptor, votes in told.votes.items()}
        return other

    def _at(self, ballot: Ballot) -> Ballots:
        told = self._all.get(ballot)
        if told is None:
            told = self._all[ballot] = Ballots()
            while len(self._all) > BALLOTS_KEPT:
                del self._all[min(self._all)]
        return told

    def promised(self, acceptor: int, event: e.Promised, accepted: Runs[Ballot]) -> None:
        """Note that an acceptor promised; ``accepted`` are its votes at this moment."""
        votes = self._at(event.ballot).votes.setdefault(acceptor, Runs())
        for first, end, ballot in accepted.within(event.first, accepted.end):
            if ballot < event.ballot:
                votes.assign(first, end, ballot)

    def elect(self, event: e.Elected) -> None:
        """Note that a majority promised."""
        self._at(event.ballot).elected = event

    def elected(self, ballot: Ballot) -> e.Elected | None:
        """Return how a leader began, if that was seen."""
        told = self._all.get(ballot)
        return told.elected if told is not None else None

    def end(self, ballot: Ballot) -> int | None:
        """Return the slot after the last that the leader's phase 1 covered, if its election was seen."""
        elected = self.elected(ballot)
        return elected.end if elected is not None else None

    def finding_at(self, ballot: Ballot, slot: int) -> SlotFinding | None:
        """Return what the leader of ``ballot`` was told about ``slot``, if its election was seen and covered
        it."""
        elected = self.elected(ballot)
        if elected is None or not elected.first <= slot < elected.end:
            return None
        known = self._all[ballot].votes
        votes = {
            acceptor: vote
            for acceptor in elected.quorum
            if acceptor in known and (vote := known[acceptor].get(slot)) is not None
        }
        return SlotFinding(elected.quorum, votes, tuple(each for each in elected.quorum if each not in known))
