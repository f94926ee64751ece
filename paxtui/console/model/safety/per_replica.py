"""Each replica's account of itself: whether it comes without a gap, and what others say that it must hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.console.model.state.runs import Runs
from paxtui.wire.telemetry import SlotView
from paxtui.wire.values import Ballot, Status

RUN_MAX: Final = 100_000
"""No real run of votes is longer."""

State = Literal["unseen", "whole", "gap", "dead"]


class Due:
    """A replica's promise and votes as they were before it was last lost from sight, for certain.

    Others counted it, so it had left, so it was on the disk. And they told so before the connection over
    which the replica tells its state was made: what it tells is younger.
    """

    def __init__(self, promised: Ballot, votes: Runs[Ballot], how: str = "") -> None:
        self.promised = promised
        self._votes = votes
        self._how = how

    def judge_promise(self, replica: int, promised: Ballot) -> None:
        """Check the promise with which it starts (invariant 2, across restarts)."""
        if promised < self.promised:
            raise InvariantBroken(
                Invariant.PROMISES,
                f"it is bound by {promised}; before, {self._how} {self.promised}",
                replica,
            )

    def judge(self, replica: int, status: Status, views: Iterable[SlotView], upto: int | None) -> None:
        """Check its promise and its votes from the watermark on, below ``upto``."""
        self.judge_promise(replica, status.promised)
        told = {view.slot: view for view in views}
        end = self._votes.end if upto is None else min(upto, self._votes.end)
        for first, stop, ballot in self._votes.within(status.watermark, end):
            for slot in range(first, min(stop, first + RUN_MAX)):
                view = told.get(slot)
                if view is None or (view.state == "voted" and view.ballot < ballot):
                    raise InvariantBroken(
                        Invariant.DURABLE,
                        f"its vote in slot {slot} at {ballot} was counted, and is gone",
                        replica,
                    )


class ReplicaRecord:
    """The record of what replica ``id`` tells of itself."""

    def __init__(self, id: int) -> None:
        self.id = id
        self.state: State = "unseen"
        self.since = 0.0
        self.gaps = 0
        self.restarts = 0
        self.first: int | None = None
        """The watermark at which its account begins."""
        self.began: float | None = None
        """When its account begins, if it had done something before; a time of day."""
        self.breach: InvariantBroken | None = None
        """It holds less than it must; whether it has the same disk is not told yet."""
        self.foreign = False
        self.wiped = False
        """Whether its disk is deleted."""
        self.stale_since: float | None = None
        """Since when nothing came of it, although nobody says that the connection is gone."""
        self.silent_from = Ballot.ZERO
        """The newest ballot that anybody knew when it was last heard: from there on it may lead unseen."""
        self._proven = False
        """It came back with another disk: nothing that it did before binds it."""
        self._storage: str | None = None
        self._storage_before: str | None = None
        """Its disk when it was last lost from sight."""
        self._number = 0
        self._promised = Ballot.ZERO
        self._votes: Runs[Ballot] = Runs()
        self._due = Due(Ballot.ZERO, Runs())

    @property
    def silent(self) -> bool:
        """Return whether it may do things that are not told."""
        return self.state in ("unseen", "gap")

    @property
    def unheard(self) -> bool:
        """Return whether it may, or what it did lately is perhaps still on its way here."""
        return self.silent or (self.stale_since is not None and self.state == "whole")

    # What others say

    def count_promise(self, ballot: Ballot) -> None:
        """Note that a proposer counts its promise."""
        self._promised = max(self._promised, ballot)

    def count_votes(self, ballot: Ballot, first: int, count: int) -> None:
        """Note that a leader counts its votes."""
        self._promised = max(self._promised, ballot)
        self._votes.assign(first, first + count, ballot)

    # What it says

    def lose(self, now: float) -> bool:
        """Return the connection is gone, and with it what comes from here on; whether that is new."""
        if self.state in ("unseen", "gap"):
            return False
        if self.state == "whole":
            self.state, self.since = "gap", now
            self.gaps += 1
            self._freeze()
        return True

    def skip(self, spoken: Ballot, now: float) -> None:
        """Note that events were dropped; a snapshot that is made already follows from the same process."""
        if self.state == "whole":
            self.state, self.since = "gap", now
            self.gaps += 1
            self._storage_before = self._storage
            self._due = Due(spoken, Runs(), "it told that it had promised")

    def die(self, now: float) -> None:
        """Note that it does nothing any more. What it did in its last moment was perhaps not told."""
        if self.state == "gap":
            self.gaps -= 1  # its end, and no gap
        elif self.state == "whole":
            self._freeze()
        if self.state in ("gap", "whole"):
            self.state, self.since = "dead", now

    def _freeze(self) -> None:
        self._storage_before = self._storage
        self._due = Due(self._promised, self._votes.copy(), "others had counted its answer at")

    def begin(self, number: int, watermark: int | None) -> Due:
        """Return a snapshot as of event ``number``: what comes is told in full. What it must hold at
        least."""
        self._settle(watermark)
        if self.state == "dead" or number < self._number:
            self.restarts += 1
        self._number = number
        self.state, self.since = "whole", 0.0
        due = self._due
        if watermark is not None:
            self._due = Due(Ballot.ZERO, Runs())
        return due

    def restart(self, watermark: int) -> Due:
        """Begin a life that starts from its disk while it is heard."""
        self._settle(watermark)
        due, self._due = self._due, Due(Ballot.ZERO, Runs())
        return due

    def _settle(self, watermark: int | None) -> None:
        self.breach, self.foreign, self._proven = None, False, False
        self.wiped = False
        if self.first is None:
            self.first = watermark

    def has_storage(self, storage: str) -> None:
        """Take which disk it has. If it is another one, what it does not remember is no breach."""
        self._storage = storage
        if self.breach is not None:
            if self._storage_before not in (None, storage):
                self.foreign, self.breach = True, None
                self._promised, self._votes = Ballot.ZERO, Runs()
            else:
                self._proven = True

    def takes_part(self) -> InvariantBroken | None:
        """Return what is broken for certain as it promises, votes or takes a round. A disk that went back in
        time breaks nothing as long as its replica only learns."""
        if self.breach is None or not self._proven:
            return None
        breach, self.breach = self.breach, None
        return breach

    def renounce(self) -> None:
        """Note that it is a learner without vote: what its disk has forgotten binds no replica."""
        self.breach, self.foreign = None, False
        self._promised, self._votes = Ballot.ZERO, Runs()

    def forget_below(self, slot: int) -> None:
        """Drop what is known of old slots."""
        self._votes.clear(0, slot)
