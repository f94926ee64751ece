"""Lets the checkers look at records: whether they are of a cluster that kept the rules."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.checkers.partial_observer import PartialObserver
from paxtui.checkers.partial_observer_state import LifeStart
from paxtui.core.events import (
    AcceptedReceived,
    AppliedTo,
    BecameNonVoting,
    Bound,
    Checkpointed,
    ChosenSeen,
    Elected,
    Event,
    Learned,
    Promised,
    PromiseReceived,
    Proposed,
    Restored,
    RoundTaken,
    SnapshotTaken,
    Suppressed,
    Trimmed,
    Voted,
)
from paxtui.records.merge import OrderedPart, Records
from paxtui.records.parts import EventPart, Gap, Life, Part

SLOTS_KEPT: Final = 500_000
"""Slots below the highest applied one that are remembered: some hundred megabytes."""

FORGET_EVERY: Final = 10_000

NOT_TOLD: Final = {
    Invariant.LINEARIZABLE: "records do not tell what clients asked; `paxtui check --history` does",
    Invariant.LIMITS: "records do not tell the settings, and what left and when",
    Invariant.LIVENESS: "a record ends somewhere",
    Invariant.SURPRISE: "a core that raises stops its replica, and its record",
    Invariant.STORM: "records do not tell messages",
}
"""Invariants that no record can show, and why."""

PARTLY: Final = {
    Invariant.VALIDITY: "every vote is for what a leader proposed, not whether a client asked for it",
    Invariant.ACKNOWLEDGED: "votes and promises that were counted, not what clients were told",
    Invariant.DURABLE: "what was counted was decided before, not when it was on disk",
}
"""What can be seen of some others."""


class Violation(Struct, frozen=True):
    """The broken invariant, and the event at which it broke."""

    invariant: Invariant
    what: str
    part: Part


class Judgement(Struct, kw_only=True):
    """The verdict on some records, and what it rests on."""

    cluster: str
    replicas: int
    broken: Violation | None = None
    parts: Counter[str]
    events: list[int]
    """Of each replica."""
    lives: list[int]
    gaps: list[Gap]
    silent: list[int]
    """Replicas that have no record."""
    slots: int = 0
    """Applied by somebody."""
    base: int = 0
    """Below it, slots were applied before the records begin."""
    ballots: int = 0
    """At which somebody was elected."""
    judged: dict[Invariant, int]
    undecided: list[str]
    known: list[str] = []
    """Knowledge of the slot in which something is broken."""

    @property
    def verdict(self) -> str:
        """Give the verdict: ``safe``, ``violated`` or ``unknown``."""
        if self.broken is not None:
            return "violated"
        return "unknown" if self.undecided or not sum(self.events) else "safe"


class RecordJudge:
    """The judge of merged records, one step after the other."""

    def __init__(self, replicas: int, witness: PartialObserver | None = None) -> None:
        self.witness = witness = witness or PartialObserver(replicas)
        self._on_event: dict[type, Callable[[int, Any], object]] = {
            AcceptedReceived: lambda r, e: witness.accepted_received(r, e.ballot, e.sender, e.first, e.count),
            AppliedTo: lambda r, e: witness.applied_to(r, e.first, e.watermark, e.chain),
            Bound: lambda r, e: witness.bound(r, e.ballot),
            ChosenSeen: lambda r, e: witness.chosen_seen(r, e.ballot, e.first, e.count),
            BecameNonVoting: lambda r, e: witness.non_voting.add(r),
            Elected: lambda r, e: witness.elected(r, e.ballot, e.first, e.quorum),
            Learned: lambda r, e: witness.learned(r, e.first, [(x.ballot, x.value) for x in e.entries]),
            Checkpointed: lambda r, e: witness.marked(e.upto),
            Promised: lambda r, e: witness.promised(r, e.ballot, e.first, e.votes, e.last_page),
            PromiseReceived: lambda r, e: witness.promise_received(r, e.ballot, e.sender, e.last_page),
            Proposed: lambda r, e: witness.proposed(r, e.ballot, e.first, e.values),
            Restored: lambda r, e: witness.restored(r, e.promised, e.round, e.watermark, e.votes),
            RoundTaken: lambda r, e: witness.round_taken(r, e.ballot),
            SnapshotTaken: lambda r, e: witness.snapshot_taken(r, e.first, e.upto, e.chain),
            Suppressed: lambda r, e: witness.suppressed(r, e.slot, e.repeats),
            Trimmed: lambda r, e: witness.trimmed(r, e.log_start),
            Voted: lambda r, e: witness.voted(r, e.ballot, e.first, e.values),
        }
        self._forget_at = SLOTS_KEPT + FORGET_EVERY
        self._forgetful: dict[int, InvariantBroken] = {}
        """Replicas that began a life with less than they had, and what that would break."""

    def look(self, part: Part) -> None:
        """Judge one part. Raises :class:`InvariantBroken`."""
        witness = self.witness
        if isinstance(part, EventPart):
            if self._forgetful:
                self._must_be_held(part.replica, part.event)
            look = self._on_event.get(type(part.event))
            if look is not None:
                look(part.replica, part.event)
        elif isinstance(part, Life):
            self._begin(part)
        elif isinstance(part, Gap):
            witness.gap(part.replica)
        if witness.logs.upto >= self._forget_at:
            witness.forget_below(witness.logs.upto - SLOTS_KEPT)
            self._forget_at = witness.logs.upto + FORGET_EVERY

    def _begin(self, life: Life) -> None:
        start = LifeStart(
            promised=life.promised,
            round=life.round,
            watermark=life.watermark,
            head=bytes.fromhex(life.chain),
            votes=life.held,
        )
        self._forgetful.pop(life.replica, None)
        try:
            self.witness.begins(life.replica, start)
        except InvariantBroken as broken:
            # Disks are lost. That breaks nothing, as long as the replica takes no part as an acceptor.
            self._forgetful[life.replica] = broken
            self.witness.begins_anew(life.replica, start)

    def _must_be_held(self, replica: int, event: Event) -> None:
        """Check that a replica that began with less than it had is non-voting before it says anything that
        counts."""
        if replica in self._forgetful:
            if isinstance(event, BecameNonVoting):
                del self._forgetful[replica]
            elif isinstance(event, Promised | Voted | Bound | RoundTaken | Elected):
                raise self._forgetful[replica]

    def undecided(self) -> list[str]:
        """List what would have needed more than the records hold."""
        self.witness.prove()
        found = [f"{what} ({count} times)" for what, count in self.witness.undecided.items()]
        for slot, learner in sorted(self.witness.unproven.items()):
            found.append(f"whether slot {slot} was chosen when replica {learner} learned it")
        for replica, broken in sorted(self._forgetful.items()):
            found.append(f"whether replica {replica} was without vote before it took part ({broken})")
        return found


def judge(records: Records, on_step: Callable[[OrderedPart], None] | None = None) -> Judgement:
    """Read all of it, up to where something is broken."""
    judge = RecordJudge(records.replicas)
    judgement = Judgement(
        cluster=records.cluster,
        replicas=records.replicas,
        parts=Counter(),
        events=[0] * records.replicas,
        lives=[0] * records.replicas,
        gaps=[],
        silent=[],
        judged={},
        undecided=[],
    )
    for step in records.merged():
        part = step.part
        if on_step is not None:
            on_step(step)
        _count(judgement, part)
        try:
            judge.look(part)
        except InvariantBroken as broken:
            judgement.broken = Violation(broken.invariant, str(broken), part)
            slot = re.search(r"slot (\d+)", str(broken))
            if slot is not None:
                judgement.known = judge.witness.ghost.last_words([int(slot[1])]).splitlines()
            break
    witness = judge.witness
    judgement.silent = [r for r in range(records.replicas) if not judgement.lives[r] + judgement.events[r]]
    judgement.slots, judgement.base = witness.logs.upto, witness.base
    judgement.judged = dict(witness.judged)
    judgement.undecided = judge.undecided()
    return judgement


def _count(judgement: Judgement, part: Part) -> None:
    if isinstance(part, EventPart):
        judgement.parts[part.kind] += 1
        judgement.events[part.replica] += 1
        judgement.ballots += isinstance(part.event, Elected)
    elif isinstance(part, Life):
        judgement.lives[part.replica] += 1
    elif isinstance(part, Gap):
        judgement.gaps.append(part)
