"""What a replica finds on its disk when it starts.

Paxos needs three things of it: the promise, the votes, and the last round used. The rest could be learned
again from others and is there so that a restart need not: the watermark, the table of sessions, the states
to trim to. Raft keeps ``currentTerm``, ``votedFor`` and the log (dissertation, 3.8) for the same purpose.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from paxtui.core.ballot import Ballot
from paxtui.core.output import Checkpoint
from paxtui.core.values import Entry, SessionRow, Vote

CHAIN_START = bytes(32)
"""The hash chain's head before any slot is applied."""


class DurableState(Struct, frozen=True, kw_only=True):
    """The durable state: the last ``PutState`` and all rows up to it.

    ``replay`` yields the entries of slots ``sessions_upto`` to ``watermark - 1`` in order; the session
    table of the checkpoint is brought up to the watermark with them, and nothing else. ``votes`` are the
    rows at or above the watermark. ``non_voting`` says why this disk may not vote any more, if so; its votes
    are then of no use to anybody and are left out.
    """

    promised: Ballot = Ballot.ZERO
    round: int = 0
    watermark: int = 0
    chain: bytes = CHAIN_START
    sessions_upto: int = 0
    horizon: int = -1
    sessions: tuple[SessionRow, ...] = ()
    replay: Iterable[Entry] = ()
    votes: tuple[Vote, ...] = ()
    non_voting: str | None = None
    log_start: int = 0
    """Slots below it are removed."""
    checkpoints: tuple[Checkpoint, ...] = ()
    """The states that are kept, in order; the first one is at the log start, if anything is removed."""
