"""What is known about one slot: who voted for what, how many at one ballot, and the word for it."""

from __future__ import annotations

from collections import Counter
from typing import Final, Literal, NamedTuple

from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.state.values import Value
from paxtui.wire.values import Ballot

CellKind = Literal[
    "nothing",
    "in-flight",
    "accepted",
    "learned",
    "told",
    "older",
    "no-op",
    "lost",
    "refused",
    "unknown",
    "removed",
]
"""``learned``: it voted, and knows that its slot is chosen. ``told``: it knows, its own vote was not seen."""

Own = Literal["no-op", "checkpoint", "trim"]
State = Literal["empty", "open", "maybe", "chosen", "blocked", "applied", "removed", "HOLE", "CONFLICT"] | Own

OWN: Final[dict[str, Own]] = {"no-op": "no-op", "checkpoint": "checkpoint", "trim": "trim"}
"""What the cluster says to itself, by its word."""


class AcceptorCell(NamedTuple):
    """One acceptor in one slot."""

    kind: CellKind
    ballot: Ballot | None
    fresh: bool
    """Whether the replica was heard lately; a vote is durable and counts without that."""


class SlotFacts(NamedTuple):
    """The facts about one slot."""

    slot: int
    state: State
    cells: tuple[AcceptorCell, ...]
    votes: int
    """The most votes that are known at one ballot."""
    quorum: int
    ballot: Ballot | None
    """The ballot of those votes, or at which it is known to be chosen."""
    value: Value | None
    waits_for: int | None
    """Of a blocked slot: the first slot that is missing."""
    learners: tuple[int, ...]
    """Who knows that it is chosen."""

    @property
    def word(self) -> str:
        """Return the state as the screen has it."""
        if self.state in ("open", "maybe"):
            return f"{self.state} {self.votes}/{self.quorum}"
        return self.state


def tally(model: ClusterModel, slot: int) -> Counter[Ballot]:
    """Return known votes by ballot (a count never mixes ballots)."""
    votes: Counter[Ballot] = Counter()
    for replica in model.replicas:
        ballot = replica.vote(slot)
        if ballot is not None:
            votes[ballot] += 1
    return votes


def learners(model: ClusterModel, slot: int) -> tuple[int, ...]:
    """Return who is known to have learned the slot."""
    return tuple(replica.id for replica in model.replicas if replica.knows(slot) is not None)


def is_chosen(model: ClusterModel, slot: int) -> bool:
    """Return whether the facts at hand prove that a value is chosen."""
    if any(slot < replica.applied for replica in model.replicas):
        return True
    if any(slot in replica.learned for replica in model.replicas):
        return True
    votes = tally(model, slot)
    return bool(votes) and max(votes.values()) >= model.quorum


def first_gap(model: ClusterModel) -> int:
    """Return the first slot that is not known to be chosen."""
    slot = model.applied
    end = model.end
    while slot < end:
        following = max(replica.learned.first_missing(slot) for replica in model.replicas)
        if following == slot:
            if not is_chosen(model, slot):
                break
            following = slot + 1
        slot = following
    return slot


def slot_facts(model: ClusterModel, slot: int, now: float) -> SlotFacts:
    """Return the facts about ``slot``."""
    votes = tally(model, slot)
    proposed = model.proposed.get(slot)
    newest = max([*votes, *([proposed] if proposed is not None else [])], default=None)
    best = max(votes, key=lambda ballot: (votes[ballot], ballot), default=None)
    known = learners(model, slot)
    value = model.values.get(slot)
    chosen = bool(known) or (best is not None and votes[best] >= model.quorum)
    cells = tuple(
        _cell(model, slot, id, newest, value is not None and value.is_noop, chosen, now)
        for id in range(model.n)
    )
    if known and best is None:
        ballots = [ballot for id in known if (ballot := model.replicas[id].knows(slot)) and ballot.round]
        best = max(ballots, default=None)
    gap: int | None = None
    state: State
    if slot in model.judge.conflicts:
        state = "CONFLICT"
    elif slot < model.log_start:
        state = "removed"
    elif chosen and slot < model.applied:
        state = OWN[value.word] if value is not None and value.is_noop else "applied"
    elif chosen:
        gap = first_gap(model)
        state, gap = ("blocked", gap) if gap < slot else ("chosen", None)
    else:
        state = _undecided(model, slot, cells, votes, proposed)
    return SlotFacts(
        slot,
        state,
        cells,
        votes[best] if best is not None else 0,
        model.quorum,
        best if best is not None else proposed,
        value,
        gap,
        known,
    )


def _undecided(
    model: ClusterModel,
    slot: int,
    cells: tuple[AcceptorCell, ...],
    votes: Counter[Ballot],
    proposed: Ballot | None,
) -> State:
    """Return the word for a slot that is not known to be chosen."""
    unknown = sum(cell.kind == "unknown" for cell in cells)
    most = max(votes.values(), default=0)
    if most and most + unknown >= model.quorum:
        return "maybe"
    if votes or proposed is not None:
        return "open"
    if unknown >= model.quorum:
        return "maybe"
    return "HOLE" if slot < model.end else "empty"


def _cell(
    model: ClusterModel, slot: int, id: int, newest: Ballot | None, noop: bool, chosen: bool, now: float
) -> AcceptorCell:
    replica = model.replicas[id]
    fresh = replica.fresh(now)
    if slot < replica.log_start:
        return AcceptorCell("removed", None, fresh)
    vote = replica.vote(slot)
    known = replica.knows(slot)
    if known is not None:
        ballot = vote if vote is not None else known if known.round else None
        knows: CellKind = "learned" if vote is not None else "told"
        return AcceptorCell("no-op" if noop else knows, ballot, fresh)
    if vote is not None:
        return AcceptorCell("accepted" if newest is None or vote >= newest else "older", vote, fresh)
    if replica.wiped or (replica.process == "down" and model.proposed_after(slot, replica.since)):
        return AcceptorCell("nothing", None, fresh)
    if not fresh or not replica.observed or (replica.role == "?" and not replica.events):
        return AcceptorCell("unknown", None, fresh)
    sent = model.sent[id].get(slot)
    if sent is not None:
        if chosen:  # what did not arrive is no refusal any more: the slot is decided without it
            return AcceptorCell("nothing", None, fresh)
        if replica.promised > sent:
            return AcceptorCell("refused", sent, fresh)
        if model.lost[id].get(slot) == sent:
            return AcceptorCell("lost", sent, fresh)
        return AcceptorCell("in-flight", sent, fresh)
    return AcceptorCell("nothing", None, fresh)
