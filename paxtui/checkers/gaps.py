"""Gaps in the account that each replica gives of itself; what is missing cannot be refuted.

An account has gaps: before it begins, where something was dropped, and at its end if the process was killed.
What a replica did in a gap is unknown, but not without bounds. Promises never fall and rounds never repeat,
so the first thing that is known again bounds all that can have been done unseen.
"""

from __future__ import annotations

from typing import Final

from paxtui.core.ballot import NUMBER_LIMIT, Ballot

EVERY_SLOT: Final = NUMBER_LIMIT


class Gaps:
    """The gaps of ``replicas`` accounts. Each begins with one: nothing is known yet."""

    def __init__(self, replicas: int) -> None:
        self._bound_unknown = [True] * replicas
        self._lead_unknown = [True] * replicas
        self._ballot = [Ballot.ZERO] * replicas
        """No promise or vote above this one can be missing."""
        self._round = [0] * replicas
        """No proposal above this round can be missing."""
        self._hidden_from = [0] * replicas
        """Proposals at this round and above may have been made unseen."""
        self.dark = [EVERY_SLOT] * replicas
        """Votes of each replica in slots below this one may be missing."""

    def open(self, replica: int, round_: int) -> None:
        """Open a gap: something is missing from here on; the replica had taken ``round_`` before."""
        self._bound_unknown[replica] = self._lead_unknown[replica] = True
        self._hidden_from[replica] = min(self._hidden_from[replica], round_)
        self.dark[replica] = EVERY_SLOT

    def is_open(self, replica: int) -> bool:
        """Tell whether it is unknown what the replica does now."""
        return self._bound_unknown[replica]

    def begins(self, replica: int, promised: Ballot, round_: int, watermark: int, *, first: bool) -> None:
        """Begin a life, whose header reports the disk and every vote from ``watermark`` on. The first life
        thereby reports all earlier decisions that still matter."""
        if first:
            self._hidden_from[replica] = NUMBER_LIMIT
        self.bound(replica, promised, watermark)
        self.led(replica, round_)
        self.dark[replica] = min(self.dark[replica], watermark)

    def bound(self, replica: int, ballot: Ballot, top: int) -> None:
        """Note that its promise is ``ballot`` now, and that nobody ever proposed from slot ``top`` on."""
        if self._bound_unknown[replica]:
            self._bound_unknown[replica] = False
            self._ballot[replica] = ballot
            self.dark[replica] = top

    def led(self, replica: int, round_: int) -> None:
        """Remember the highest round at which it may have proposed unseen."""
        if self._lead_unknown[replica]:
            self._lead_unknown[replica] = False
            self._round[replica] = round_

    def all_led(self) -> bool:
        """Tell whether it is known what every replica proposes now."""
        return not any(self._lead_unknown)

    def may_hide(self, ballot: Ballot) -> bool:
        """Tell whether proposals below ``ballot`` may have been made unseen."""
        return any(
            (round_, owner) < (ballot.round, ballot.replica) for owner, round_ in enumerate(self._hidden_from)
        )

    def may_have_promised(self, replica: int, ballot: Ballot) -> bool:
        """Tell whether a promise of ``ballot`` may be missing."""
        return self._bound_unknown[replica] or ballot <= self._ballot[replica]

    def may_have_voted(self, replica: int, slot: int, ballot: Ballot) -> bool:
        """Tell whether a vote in ``slot`` at ``ballot`` may be missing."""
        return slot < self.dark[replica] and self.may_have_promised(replica, ballot)

    def may_have_led(self, ballot: Ballot) -> bool:
        """Tell whether something that the ballot's owner did with it may be missing."""
        owner = ballot.replica
        return self._lead_unknown[owner] or ballot.round <= self._round[owner]
