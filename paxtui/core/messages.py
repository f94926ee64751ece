"""What replicas say to each other. Names are those of the papers.

Every answer names the ballot that it answers, so that a late or repeated one is recognised and dropped.
Losing, repeating or reordering any of these is harmless; whoever waits for an answer asks again.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

from paxtui.core.ballot import NUMBER_LIMIT, Ballot, Number
from paxtui.core.values import CLIENT_CHARS_MAX, Command, Entry, SessionRow, Vote

RUN_MAX = 1 << 16
"""No run of slots in a message is longer, whatever the settings say."""

Count = Annotated[int, Meta(ge=0, le=RUN_MAX)]


class Message(Struct, frozen=True, tag_field="type", forbid_unknown_fields=True, gc=False):
    """Base of all messages between replicas. ``type`` is the class's name in small letters."""


class PreVote(Message, frozen=True, tag="pre-vote"):
    """Would you help me to lead? Changes nothing at the receiver; asked before a ballot is used up."""

    ballot: Ballot


class PreVoteReply(Message, frozen=True, tag="pre-vote-reply"):
    """Whether the replica would promise: only if it has heard no live leader lately."""

    ballot: Ballot
    granted: bool
    promised: Ballot
    learned: Number


class Prepare(Message, frozen=True, tag="prepare"):
    """Phase 1a for every slot from ``first`` on, and the request for the page that starts there.

    ``forced``: an operator wants it, so a live leader is no reason to refuse.
    """

    ballot: Ballot
    first: Number
    forced: bool


class Promise(Message, frozen=True, tag="promise"):
    """Phase 1b, one page: all votes of the acceptor in ``[first, next)`` that it has not learned.

    ``next`` is ``None`` on the last page. Slots below ``learned`` are not listed: they are chosen, and the
    proposer must learn them before it could use them.
    """

    ballot: Ballot
    first: Number
    next: Number | None
    learned: Number
    votes: Annotated[tuple[Vote, ...], Meta(max_length=RUN_MAX)]


class Nack(Message, frozen=True, tag="nack"):
    """A refusal of ``ballot``: a higher one is ``promised``, or (``leader``) a live leader is known."""

    ballot: Ballot
    promised: Ballot
    leader: Ballot | None
    learned: Number


class Accept(Message, frozen=True, tag="accept"):
    """Phase 2a for the slots ``first``, ``first + 1``, ... one value each."""

    ballot: Ballot
    first: Number
    values: Annotated[tuple[Command, ...], Meta(max_length=RUN_MAX)]


class Accepted(Message, frozen=True, tag="accepted"):
    """Phase 2b: the acceptor's votes at ``ballot`` in ``[first, first + count)`` are on its disk."""

    ballot: Ballot
    first: Number
    count: Count
    learned: Number


class Chosen(Message, frozen=True, tag="chosen"):
    """The leader of ``ballot`` saw a majority for its values in ``[first, first + count)``."""

    ballot: Ballot
    first: Number
    count: Count


class Heartbeat(Message, frozen=True, tag="heartbeat"):
    """The leader of ``ballot`` lives and has learned every slot below ``learned``."""

    ballot: Ballot
    number: Number
    learned: Number


class HeartbeatAck(Message, frozen=True, tag="heartbeat-ack"):
    """Heard heartbeat ``number`` of ``ballot``, and no higher ballot is promised here."""

    ballot: Ballot
    number: Number
    learned: Number


class CatchUp(Message, frozen=True, tag="catch-up"):
    """Send me what you have learned from ``first`` on. Anyone may be asked."""

    first: Number


class Entries(Message, frozen=True, tag="entries"):
    """Learned slots ``first``, ``first + 1``, ...; the sender has learned all below ``learned``."""

    first: Number
    entries: Annotated[tuple[Entry, ...], Meta(max_length=RUN_MAX)]
    learned: Number


class SnapshotAsk(Message, frozen=True, tag="snapshot-ask"):
    """Send me more of the state at ``upto``: the sessions after client ``after``, by name."""

    upto: Number
    after: Annotated[str, Meta(max_length=CLIENT_CHARS_MAX)]


class Snapshot(Message, frozen=True, tag="snapshot"):
    """What was asked for is removed here. This is, in pages, the state from which to go on: the log's hash
    chain and the session table after every slot below ``upto`` is applied.

    It is the same at every replica with that log start. The page has the sessions that follow client
    ``after`` in the order of their names; ``last`` says that no more follow.
    """

    upto: Number
    wall_s: Number
    chain: Annotated[bytes, Meta(min_length=32, max_length=32)]
    horizon: Annotated[int, Meta(ge=-1, lt=NUMBER_LIMIT)]
    after: Annotated[str, Meta(max_length=CLIENT_CHARS_MAX)]
    sessions: Annotated[tuple[SessionRow, ...], Meta(max_length=RUN_MAX)]
    last: bool
    learned: Number


BETWEEN_LEARNERS: Final = (CatchUp, Entries, SnapshotAsk, Snapshot)
"""Those that could never count as a vote or a lead. What somebody has learned is chosen, whoever votes."""

PeerMessage = (
    PreVote
    | PreVoteReply
    | Prepare
    | Promise
    | Nack
    | Accept
    | Accepted
    | Chosen
    | Heartbeat
    | HeartbeatAck
    | CatchUp
    | Entries
    | SnapshotAsk
    | Snapshot
)
"""All of them, for decoders and for exhaustive dispatch."""
