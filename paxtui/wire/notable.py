"""Which events matter to a person by themselves, and how such an event is kept for long."""

from __future__ import annotations

from typing import Final

from msgspec import Struct, structs

from paxtui.core import events as e
from paxtui.wire.telemetry import LearnedView, MessageFaulted, MessageStaged, ProposedView, VotedView

QUIET: Final = frozenset(
    (
        e.AcceptSent,
        e.AcceptedReceived,
        e.AppliedTo,
        e.PreVoteAnswered,
        e.ChosenSeen,
        e.EntriesSent,
        e.Checkpointed,
        e.Learned,
        e.MessageDropped,
        e.PrepareSent,
        e.PromiseReceived,
        e.ReadConfirmed,
        e.SnapshotSent,
        e.Voted,
        LearnedView,
        MessageFaulted,
        MessageStaged,
        VotedView,
    )
)
"""They come with every message, or all the time."""


def is_notable(replica: int, event: Struct) -> bool:
    """Return whether an event of a replica matters to a person by itself."""
    kind = type(event)
    if kind in QUIET:
        return False
    if isinstance(event, e.Proposed | ProposedView):
        return event.source != "client"
    if kind is e.LeaderHeard:
        return bool(event.ballot.replica != replica)  # type: ignore[attr-defined]
    return True  # that it leads is told before


def slim(event: Struct) -> Struct:
    """Return an event without digests and values: many are kept, and runs can be long."""
    if isinstance(event, VotedView):
        return structs.replace(event, digests="")
    if isinstance(event, ProposedView | LearnedView):
        return structs.replace(event, digests="", values=None)
    return event
