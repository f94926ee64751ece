"""From what happened in a replica to what observers are told of it.

Pure, so that records can be retold as a replica would have told them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from msgspec import Struct

from paxtui.core import events as e
from paxtui.core.ballot import Ballot
from paxtui.core.messages import PeerMessage, Promise
from paxtui.core.replica import Replica
from paxtui.core.values import Command, Entry
from paxtui.wire.telemetry import (
    LearnedView,
    MessageFaulted,
    MessageReleased,
    MessageStaged,
    ProposedView,
    SlotView,
    ValueView,
    View,
    VotedView,
    brief,
    digest,
)

SNAPSHOT_SLOTS: Final = 200
"""Slots below the watermark that a snapshot shows; older ones are asked for when a person looks."""

FLUSH_VALUES: Final = 400
"""Values told in one flush: 8,000 a second are more than anybody reads, and cost little."""

Told = e.Event | View
"""What a replica has to tell: the core's events, and the host's own views."""


def view_of(value: Command) -> ValueView:
    """Cut a value for the eye."""
    return ValueView(value.client, value.request, brief(value.text))


def slot_view(slot: int, ballot: Ballot, value: Command, state: str) -> SlotView:
    """Make the view of a slot for a snapshot."""
    text = brief(value.text)
    return SlotView(slot, ballot, value.client, value.request, text, state, digest(value))


def recent_slots(core: Replica) -> tuple[SlotView, ...]:
    """Return the slots of a replica around its watermark, as a snapshot shows them."""
    views: list[SlotView] = []
    for slot, entry in core.learner.recent(SNAPSHOT_SLOTS):
        views.append(slot_view(slot, entry.ballot, entry.value, "applied"))
    known, votes = core.learner.known, core.acceptor.votes
    for slot in sorted(known.keys() | votes.keys())[:SNAPSHOT_SLOTS]:
        if slot in known:
            views.append(slot_view(slot, known[slot].ballot, known[slot].value, "learned"))
        else:
            views.append(slot_view(slot, *votes[slot], "voted"))
    return tuple(views)


def kind_of(message: PeerMessage) -> str:
    """Return the kind of a message, as faults and observers name it."""
    return str(type(message).__struct_config__.tag)


def slots_of(message: PeerMessage) -> tuple[int, int]:
    """Return the first slot that a message is about, and how many they are; 0 if it is about no run."""
    values = getattr(message, "values", getattr(message, "entries", getattr(message, "votes", ())))
    return getattr(message, "first", 0), getattr(message, "count", len(values))


def is_about(message: PeerMessage, kinds: tuple[str, ...], slot: int | None) -> bool:
    """Return whether a message is of one of ``kinds`` (empty: any), and about ``slot`` if one is named."""
    if kinds and kind_of(message) not in kinds:
        return False
    if slot is None:
        return True
    if isinstance(message, Promise):  # its votes may have gaps between them
        return any(vote.slot == slot for vote in message.votes)
    first, count = slots_of(message)
    return first <= slot < first + count


def faulted(to: int, number: int, message: PeerMessage, copies: tuple[float, ...]) -> MessageFaulted:
    """Return what a fault did to a message; ``copies`` has the delay of each, in seconds."""
    first, count = slots_of(message)
    return MessageFaulted(
        to=to,
        number=number,
        kind=kind_of(message),
        ballot=getattr(message, "ballot", None),
        first=first,
        count=count,
        copies=len(copies),
        delays_ms=tuple(round(delay_s * 1000, 1) for delay_s in copies),
    )


def staged(number: int, to: int, message: PeerMessage, copies: int) -> MessageStaged:
    """Return that a message waits as staged message ``number``."""
    first, count = slots_of(message)
    ballot = getattr(message, "ballot", None)
    return MessageStaged(number, to, kind_of(message), ballot, first, count, copies)


def released(number: int, to: int, message: PeerMessage, copies: int, how: str) -> MessageReleased:
    """Return that staged message ``number`` waits no more, and how it left."""
    first, count = slots_of(message)
    ballot = getattr(message, "ballot", None)
    return MessageReleased(number, to, kind_of(message), ballot, first, count, copies, how)


def views(events: Iterable[tuple[float, Told]]) -> Iterator[tuple[float, Struct]]:
    """Yield events as observers read them, each with its time in seconds.

    Values beyond the budget of one flush are left out; their digests stand in any case.
    """
    budget = FLUSH_VALUES
    digests = _Digests()
    for at_s, event in events:
        view: Struct = event
        match event:
            case e.Voted(ballot, first, values):
                view = VotedView(ballot, first, len(values), digests.of(first, values))
            case e.Proposed(ballot, first, values, source):
                shown = tuple(map(view_of, values)) if len(values) <= budget else None
                budget -= len(values) if shown is not None else 0
                view = ProposedView(ballot, first, len(values), source, digests.of(first, values), shown)
            case e.Learned(first, entries):
                values = tuple(entry.value for entry in entries)
                shown = tuple(map(view_of, values)) if len(values) <= budget else None
                budget -= len(values) if shown is not None else 0
                view = LearnedView(first, len(entries), _runs(entries), digests.of(first, values), shown)
        yield round(at_s, 4), view


def _runs(entries: tuple[Entry, ...]) -> tuple[tuple[Ballot, int], ...]:
    """Return the ballots of entries, as runs: nearly always one."""
    return tuple((ballot, len(list(run))) for ballot, run in groupby(entry.ballot for entry in entries))


class _Digests:
    """Digests of the values of one flush. A replica tells of most runs of values two or three times."""

    def __init__(self) -> None:
        self._runs: dict[int, tuple[tuple[Command, ...], str]] = {}

    def of(self, first: int, values: tuple[Command, ...]) -> str:
        """Return the digests of the values of slots from ``first`` on, one after the other."""
        known = self._runs.get(first)
        if known is not None and known[0] == values:  # nearly always the same objects, so this is quick
            return known[1]
        digests = "".join(map(digest, values))
        self._runs[first] = values, digests
        return digests
