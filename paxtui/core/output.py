"""What leaves the core: writes, messages, replies, applied slots and trace events.

The host makes the writes of one :class:`Output` durable in one transaction and in order. ``sends`` may
leave at once. ``sends_durable`` must wait until this output's ``batch``, and so every earlier one, is on
disk; then the host calls ``Replica.durable(batch)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paxtui.core.ballot import Ballot
from paxtui.core.events import Event
from paxtui.core.messages import PeerMessage
from paxtui.core.values import Command, Entry, SessionRow

EVERYONE: Final = -1
"""As an address: all other replicas."""


class Write(Struct, frozen=True):
    """Base of what the host writes to disk."""


class PutVotes(Write, frozen=True):
    """This acceptor's votes at ``ballot`` in ``first``, ``first + 1``, ...; they replace older rows."""

    ballot: Ballot
    first: int
    values: tuple[Command, ...]


class PutEntries(Write, frozen=True):
    """Learned slots ``first``, ``first + 1``, ... whose rows are missing or hold another vote."""

    first: int
    entries: tuple[Entry, ...]


class PutSuppressed(Write, frozen=True):
    """The applied slot ``slot`` took no effect: it repeats slot ``first`` (-1: its session had expired)."""

    slot: int
    first: int


class PutState(Write, frozen=True):
    """The small state, whole: it closes each batch, so that promise, votes and watermark move together."""

    promised: Ballot
    round: int
    watermark: int
    chain: bytes


class PutNonVoting(Write, frozen=True):
    """From now on, and as long as this disk is in use, the replica is a learner without vote."""

    reason: str


class PutSessions(Write, frozen=True):
    """A checkpoint of the session table: the state after every slot below ``upto`` is applied."""

    upto: int
    horizon: int
    changed: tuple[SessionRow, ...]
    evicted: tuple[str, ...]


class Checkpoint(Struct, frozen=True, array_like=True):
    """A point of the log from which a replica that has nothing can go on: the state after every slot below
    ``upto`` is applied is kept.

    ``wall_s`` is its stamp: the stamp of the checkpoint before, plus the seconds that elapsed since. The
    name is from older logs, where it is the wall clock of the leader that proposed the checkpoint; the
    first checkpoint of a log still has that. Only differences of stamps have a meaning, and a reader must
    bear any, also negative ones.
    """

    upto: int
    wall_s: int


class PutCheckpoint(Write, frozen=True):
    """Keep a copy of the session table as it is checkpointed now, with the chain's head at ``mark.upto``."""

    checkpoint: Checkpoint
    chain: bytes
    horizon: int


class PutLogStart(Write, frozen=True):
    """Slots below ``log_start``, and checkpoints below it, are removed. There is a checkpoint at
    ``log_start``."""

    log_start: int


class PutSnapshot(Write, frozen=True):
    """Another replica's state at its log start takes the place of everything learned here: rows of slots from
    ``emptied`` (the watermark so far) to ``mark.upto`` - 1 are votes that do not matter any more."""

    checkpoint: Checkpoint
    chain: bytes
    horizon: int
    sessions: tuple[SessionRow, ...]
    emptied: int


class Envelope(Struct, frozen=True):
    """A message on its way ``to`` a replica, or to :data:`EVERYONE` but the sender."""

    to: int
    message: PeerMessage


class Appended(Struct, frozen=True):
    """The request is applied in ``slot``, now or when it was asked for the first time."""

    client: str
    request: int
    slot: int
    ballot: Ballot


class Refused(Struct, frozen=True):
    """This replica will not answer the request: ``not-leader`` (ask ``leader``, if known, with the same
    number), ``busy`` or ``expired``. A leader that is deposed says ``not-leader`` also of what it had
    proposed already, so the request may still take effect; only its repetition can tell."""

    client: str
    request: int
    reason: str
    leader: int | None


class ReadReady(Struct, frozen=True):
    """The linearizable read ``ticket`` may be answered from everything below ``upto``."""

    ticket: int
    upto: int


class ReadRefused(Struct, frozen=True):
    """The linearizable read ``ticket`` cannot be served here; ``leader`` may know more."""

    ticket: int
    reason: str
    leader: int | None


Reply = Appended | Refused | ReadReady | ReadRefused


class Applied(Struct, frozen=True):
    """Slots ``first``, ``first + 1``, ... were applied. ``suppressed`` maps a slot without effect to the
    slot that it repeats, or to -1 where its session had expired."""

    first: int
    entries: tuple[Entry, ...]
    suppressed: Mapping[int, int]


class Installed(Struct, frozen=True):
    """The replica goes on from another one's state at ``upto``; the slots below are not here."""

    upto: int


class FetchState(Struct, frozen=True):
    """Read from disk, for ``peer``, the session table that was kept at the checkpoint ``upto``: the rows
    after client ``after``, in the order of their names, and hand them to ``Replica.fetched_state``."""

    peer: int
    upto: int
    after: str
    bytes_max: int


class Fetch(Struct, frozen=True):
    """Read learned slots from disk for ``peer`` and hand them to ``Replica.fetched``."""

    peer: int
    first: int
    slots_max: int
    chars_max: int


class Output(Struct, frozen=True):
    """All that came of the inputs since the last one was taken."""

    batch: int
    writes: tuple[Write, ...]
    sends: tuple[Envelope, ...]
    sends_durable: tuple[Envelope, ...]
    replies: tuple[Reply, ...]
    applied: tuple[Applied | Installed, ...]
    fetches: tuple[Fetch | FetchState, ...]
    events: tuple[Event, ...]
