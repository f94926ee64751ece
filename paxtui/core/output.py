"""What leaves the core: writes, messages, replies, applied slots and trace events.

Effects are values, so that a test can compare them, the simulator can lose them, and no role can wait for
one. etcd's raft hands its user a ``Ready`` of the same kind.

The host makes the writes of one :class:`Output` durable in one transaction and in order. ``sends`` may
leave at once. ``sends_durable`` must wait until this output's ``batch``, and so every earlier one, is on
disk (:mod:`paxtui.core.durability_gate`); then the host calls ``Replica.durable(batch)``.
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
    """Base of what the host writes to disk. A write says what shall be there, not how: replaying one that the
    disk has already changes nothing."""


class PutVotes(Write, frozen=True):
    """The acceptor's votes at ``ballot`` in ``first``, ``first + 1``, ...; they replace older rows."""

    ballot: Ballot
    first: int
    values: tuple[Command, ...]


class PutEntries(Write, frozen=True):
    """Learned slots ``first``, ``first + 1``, ... whose rows are missing or hold another vote."""

    first: int
    entries: tuple[Entry, ...]


class PutSuppressed(Write, frozen=True):
    """The fact that applied slot ``slot`` took no effect: it repeats slot ``first`` (-1: its session had
    expired)."""

    slot: int
    first: int


class PutState(Write, frozen=True):
    """The small state, whole: it closes each batch, so that promise, votes and watermark move together. It
    is written again even if only one part has changed; a row of some hundred bytes costs no sync more."""

    promised: Ballot
    round: int
    watermark: int
    chain: bytes


class PutNonVoting(Write, frozen=True):
    """The loss of the right to vote, from now on and as long as this disk is in use."""

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
    """A copy of the session table as it is checkpointed now, with the chain's head there. It is kept until
    the log is trimmed past it."""

    checkpoint: Checkpoint
    chain: bytes
    horizon: int


class PutLogStart(Write, frozen=True):
    """The removal of slots below ``log_start``, and of checkpoints below it. There is a checkpoint at
    ``log_start``: what remains can always be gone on from."""

    log_start: int


class PutSnapshot(Write, frozen=True):
    """Another replica's state at its log start, in the place of everything learned here: rows of slots from
    ``emptied`` (the watermark so far) to ``checkpoint.upto`` - 1 are votes that do not matter any more."""

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
    """The answer that the request is applied in ``slot``, now or when it was asked for the first time."""

    client: str
    request: int
    slot: int
    ballot: Ballot


class Refused(Struct, frozen=True):
    """The refusal of a request, which this replica will not answer: ``not-leader`` (ask ``leader``, if known,
    with the same number), ``busy`` or ``expired``. A leader that is deposed says ``not-leader`` also of what
    it had proposed already, so the request may still take effect; only its repetition can tell."""

    client: str
    request: int
    reason: str
    leader: int | None


class ReadReady(Struct, frozen=True):
    """The answer that the linearizable read ``ticket`` may be answered from everything below ``upto``."""

    ticket: int
    upto: int


class ReadRefused(Struct, frozen=True):
    """The answer that the linearizable read ``ticket`` cannot be served here; ``leader`` may know more."""

    ticket: int
    reason: str
    leader: int | None


Reply = Appended | Refused | ReadReady | ReadRefused


class Applied(Struct, frozen=True):
    """The applied slots ``first``, ``first + 1``, ... in order. ``suppressed`` maps a slot without effect to
    the slot that it repeats, or to -1 where its session had expired."""

    first: int
    entries: tuple[Entry, ...]
    suppressed: Mapping[int, int]


class Installed(Struct, frozen=True):
    """The state of another replica at ``upto``, from which this one goes on; the slots below are not here."""

    upto: int


class FetchState(Struct, frozen=True):
    """A request to read from disk, for ``peer``, the session table that was kept at the checkpoint ``upto``:
    the rows after client ``after``, in the order of their names, and hand them to
    ``Replica.fetched_state``."""

    peer: int
    upto: int
    after: str
    bytes_max: int


class Fetch(Struct, frozen=True):
    """A request to read learned slots from disk for ``peer`` and to hand them to ``Replica.fetched``. Pages
    are bounded in slots and in characters, so that one reader never holds the disk for long."""

    peer: int
    first: int
    slots_max: int
    chars_max: int


class Output(Struct, frozen=True):
    """All that came of the inputs since the last one was taken. ``batch`` is the number of the last batch
    that was closed: this output's own if it has writes, else an earlier one's."""

    batch: int
    writes: tuple[Write, ...]
    sends: tuple[Envelope, ...]
    sends_durable: tuple[Envelope, ...]
    replies: tuple[Reply, ...]
    applied: tuple[Applied | Installed, ...]
    fetches: tuple[Fetch | FetchState, ...]
    events: tuple[Event, ...]
