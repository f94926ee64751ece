"""What replicas say to each other. Names are those of the papers.

Every answer names the ballot that it answers, so that a late or repeated one is recognised and dropped
("Response messages are tagged with the corresponding proposal number", Paxos Made Simple, 2.5). Losing,
repeating or reordering any of these is harmless; whoever waits for an answer asks again. Nothing here needs
a connection, an order or a delivery guarantee, so links may be cut and remade at any time.

What a message does not carry: a sender. The host knows from which replica it came; a field could lie.
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
    """Base of all messages between replicas. ``type`` is the class's name in kebab case. Unknown fields are
    refused: a message of which a part is not understood is not understood."""


class PreVote(Message, frozen=True, tag="pre-vote"):
    """The question before an election: would you help me to lead? It changes nothing at the receiver, and
    no ballot is used up by it."""

    ballot: Ballot


class PreVoteReply(Message, frozen=True, tag="pre-vote-reply"):
    """The answer to a pre-vote: granted only if its sender has heard no live leader lately. ``promised``
    tells a candidate that is behind how high its round must be."""

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
    """Phase 1b, one page: all votes of the acceptor in ``[first, next)`` above what it has learned.

    ``next`` is ``None`` on the last page. Slots below ``learned`` are not listed: they are chosen, and the
    proposer must learn them before it could use them. The proposer pulls the pages one by one, so that a
    long backlog neither fills its memory at once nor exceeds a frame.
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
    """Phase 2a for the slots ``first``, ``first + 1``, ... one value each. A run of slots is one message, but
    each slot is its own instance of Paxos: they are voted for, counted and chosen one by one."""

    ballot: Ballot
    first: Number
    values: Annotated[tuple[Command, ...], Meta(max_length=RUN_MAX)]


class Accepted(Message, frozen=True, tag="accepted"):
    """Phase 2b: the acceptor's votes at ``ballot`` in ``[first, first + count)`` are on its disk. ``count``
    may be less than was asked for, where an acceptor has no room; slots below ``learned`` need no vote."""

    ballot: Ballot
    first: Number
    count: Count
    learned: Number


class Chosen(Message, frozen=True, tag="chosen"):
    """The news that the leader of ``ballot`` saw a majority for its values in ``[first, first + count)``. It
    does not repeat them: who voted has them, and who did not asks for entries."""

    ballot: Ballot
    first: Number
    count: Count


class Heartbeat(Message, frozen=True, tag="heartbeat"):
    """The sign that the leader of ``ballot`` lives, and has learned every slot below ``learned``."""

    ballot: Ballot
    number: Number
    learned: Number


class HeartbeatAck(Message, frozen=True, tag="heartbeat-ack"):
    """The answer to heartbeat ``number`` of ``ballot``: no higher ballot is promised here. A majority of them
    keeps a leader in office and confirms its reads."""

    ballot: Ballot
    number: Number
    learned: Number


class CatchUp(Message, frozen=True, tag="catch-up"):
    """The question for what the receiver has learned from ``first`` on. Any replica may be asked."""

    first: Number


class Entries(Message, frozen=True, tag="entries"):
    """Learned slots ``first``, ``first + 1``, ...; the sender has learned all below ``learned``."""

    first: Number
    entries: Annotated[tuple[Entry, ...], Meta(max_length=RUN_MAX)]
    learned: Number


class SnapshotAsk(Message, frozen=True, tag="snapshot-ask"):
    """The question for more of the state at ``upto``: the sessions after client ``after``, by name."""

    upto: Number
    after: Annotated[str, Meta(max_length=CLIENT_CHARS_MAX)]


class Snapshot(Message, frozen=True, tag="snapshot"):
    """The answer where the slots that were asked for are removed: in pages, the state from which to go on,
    which is the log's hash chain and the session table after every slot below ``upto`` is applied.

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
"""Messages that could never count as a vote or a lead. What a replica has learned is chosen, whether or not
it may vote, so a learner without vote sends and takes these like any other."""

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
