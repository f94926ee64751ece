"""Which event must stand after which others, whoever's clock says what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from paxtui.checkers.gaps import EVERY_SLOT, Gaps
from paxtui.core.ballot import REPLICAS_MAX, Ballot, majority
from paxtui.core.events import (
    AcceptedReceived,
    AppliedTo,
    Bound,
    ChosenSeen,
    Learned,
    Promised,
    PromiseReceived,
    Proposed,
    Restored,
    RoundTaken,
    SnapshotTaken,
    Voted,
)
from paxtui.records.parts import EventPart, Gap, Life, Part

SLOTS_MAX = 200_000
"""Slots below the highest one for which causes are remembered: replicas further behind are believed."""

FORGET_EVERY = 10_000

PROPOSED = 1 << REPLICAS_MAX


class Causes:
    """The contents of a merged beginning of some records."""

    def __init__(
        self, replicas: int, recorded: Iterable[int] = (), lives: Mapping[int, Sequence[Life]] | None = None
    ) -> None:
        self._expected = set(recorded)
        """Replicas whose first life is still to come; what they do is worth waiting for."""
        self._lives = {replica: iter(told) for replica, told in (lives or {}).items()}
        for told in self._lives.values():
            next(told, None)
        self._next: dict[int, Life | None] = {}
        """With what the life after the present one begins: what it has not, explains nothing."""
        self._next_held: dict[int, dict[int, Ballot]] = {}
        """The votes among that."""
        self._majority = majority(replicas)
        self._doubts = Gaps(replicas)
        self._begun: set[int] = set()
        self._taken = [0] * replicas
        self._promised: set[tuple[int, Ballot]] = set()
        self._ballots: dict[int, dict[Ballot, int]] = {}
        """By slot and ballot: who voted, and whether it is known to be proposed, as bits."""
        self._applied = 0
        """Below it, every slot was applied by somebody."""
        self._top = 0
        self._floor = 0

    def known(self, part: Part) -> bool:
        """Tell whether all causes of an event are here. Parts that are no events have none."""
        if not isinstance(part, EventPart):
            return True
        match part.event:
            case Promised(ballot=ballot) | Bound(ballot=ballot):
                return ballot.round <= self._taken[ballot.replica] or ballot.replica == part.replica
            case PromiseReceived(ballot=ballot, sender=sender):
                return (sender, ballot) in self._promised
            case Voted(ballot=ballot, first=first, values=values):
                slots = range(max(first, self._floor), first + len(values))
                return all(self._ballots.get(slot, {}).get(ballot, 0) & PROPOSED for slot in slots)
            case AcceptedReceived(ballot=ballot, sender=sender, first=first, count=count):
                slots = range(max(first, self._floor), first + count)
                return all(self._ballots.get(slot, {}).get(ballot, 0) >> sender & 1 for slot in slots)
            case ChosenSeen(first=first, count=count):
                return self._chosen(first, first + count)
            case Learned(first=first, entries=entries):
                return self._chosen(first, first + len(entries))
            case AppliedTo(first=first, watermark=watermark):
                return self._chosen(first, watermark)
            case SnapshotTaken(upto=upto):
                return upto <= self._applied
            case _:
                return True

    def unchanged(self, part: Part) -> bool:
        """Tell whether a life reports a disk that nobody can have changed since the last report."""
        return isinstance(part, Life) and (part.new or part.replica in self._begun)

    def _chosen(self, first: int, end: int) -> bool:
        return all(
            any(
                (bits & ~PROPOSED).bit_count() >= self._majority
                for bits in self._ballots.get(slot, {}).values()
            )
            for slot in range(max(first, self._floor), end)
        )

    def may_be_missing(self, part: Part) -> bool:
        """Tell whether a cause that is not here may be in a gap, so that waiting for it is in vain."""
        doubts, expected = self._doubts, self._expected
        if not isinstance(part, EventPart):
            return True
        match part.event:
            case Promised(ballot=ballot) | Bound(ballot=ballot) | Voted(ballot=ballot):
                return ballot.replica not in expected and doubts.may_have_led(ballot)
            case PromiseReceived(ballot=ballot, sender=sender):
                return sender not in expected and doubts.may_have_promised(sender, ballot)
            case AcceptedReceived(ballot=ballot, sender=sender, first=first, count=count):
                return sender not in expected and self._may_have_voted(sender, ballot, first, first + count)
            case ChosenSeen(first=first, count=count):
                return self._may_be_chosen(first, first + count)
            case Learned(first=first, entries=entries):
                return self._may_be_chosen(first, first + len(entries))
            case AppliedTo(first=first, watermark=watermark):
                return self._may_be_chosen(first, watermark)
            case SnapshotTaken():
                others = set(range(len(self._taken))) - self._expected - {part.replica}
                return any(doubts.is_open(other) for other in others)
            case _:
                return True

    def _may_be_chosen(self, first: int, end: int) -> bool:
        """Tell whether votes that may be missing would make majorities."""
        for slot in range(max(first, self._floor), end):
            unseen = 0
            for replica, dark in enumerate(self._doubts.dark):
                if dark > slot and replica not in self._expected:
                    unseen |= 1 << replica
            votes = [bits & ~PROPOSED for bits in self._ballots.get(slot, {}).values()]
            if all((bits | unseen).bit_count() < self._majority for bits in [*votes, 0]):
                return False
        return True

    def _may_have_voted(self, replica: int, ballot: Ballot, first: int, end: int) -> bool:
        doubts = self._doubts
        for slot in range(max(first, self._floor), end):
            ballots = self._ballots.get(slot, {})
            if ballots.get(ballot, 0) >> replica & 1 or doubts.may_have_voted(replica, slot, ballot):
                continue
            replaced = any(at > ballot and bits >> replica & 1 for at, bits in ballots.items())
            if not replaced or not doubts.may_have_promised(replica, ballot):
                return False
        return True

    def add(self, part: Part) -> None:
        """Take the next of the merged parts."""
        replica = part.replica
        self._expected.discard(replica)
        if isinstance(part, Life):
            first = replica not in self._begun
            self._begun.add(replica)
            self._taken[replica] = part.round
            self._applied = max(self._applied, part.watermark)
            following = self._next[replica] = next(self._lives.get(replica, iter(())), None)
            self._next_held[replica] = {} if following is None else {s: b for s, b, _ in following.held}
            self._doubts.begins(replica, part.promised, part.round, part.watermark, first=first)
            for slot, ballot, _ in part.held:
                ballots = self._ballots.setdefault(slot, {})
                ballots[ballot] = ballots.get(ballot, 0) | 1 << replica
        elif isinstance(part, Gap):
            self._doubts.open(replica, self._taken[replica])
        elif isinstance(part, EventPart):
            self._told(replica, part)

    def _told(self, replica: int, part: EventPart) -> None:
        following = self._next.get(replica)
        match part.event:
            case Restored(promised=promised):
                self._binds(replica, promised)
            case RoundTaken(ballot=ballot):
                self._doubts.led(replica, ballot.round - 1)
                if following is None or ballot.round <= following.round:
                    self._taken[replica] = max(self._taken[replica], ballot.round)
            case Promised(ballot=ballot):
                self._binds(replica, ballot)
                if following is None or ballot <= following.promised:
                    self._promised.add((replica, ballot))
            case Bound(ballot=ballot):
                self._binds(replica, ballot)
            case Proposed(ballot=ballot, first=first, values=values):
                self._doubts.led(replica, ballot.round)
                for slot in range(first, first + len(values)):
                    ballots = self._ballots.setdefault(slot, {})
                    ballots[ballot] = ballots.get(ballot, 0) | PROPOSED
                self._forget(first + len(values))
            case AppliedTo(watermark=watermark):
                self._applied = max(self._applied, watermark)
            case Voted(ballot=ballot, first=first, values=values):
                self._binds(replica, ballot)
                for slot in range(first, first + len(values)):
                    if following is None or self._kept(following, slot, ballot):
                        ballots = self._ballots.setdefault(slot, {})
                        ballots[ballot] = ballots.get(ballot, 0) | 1 << replica
            case _:
                pass

    def _kept(self, following: Life, slot: int, ballot: Ballot) -> bool:
        """Tell whether the disk had taken a vote before that life, as far as it still reports it."""
        held = self._next_held[following.replica]
        return slot < following.watermark or ballot <= held.get(slot, Ballot.ZERO)

    def _binds(self, replica: int, ballot: Ballot) -> None:
        self._doubts.bound(replica, ballot, self._top if self._doubts.all_led() else EVERY_SLOT)

    def _forget(self, top: int) -> None:
        self._top = max(self._top, top)
        if self._top - self._floor > SLOTS_MAX + FORGET_EVERY:
            for slot in range(self._floor, self._top - SLOTS_MAX):
                self._ballots.pop(slot, None)
            self._floor = self._top - SLOTS_MAX
