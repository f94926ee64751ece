"""The values that a slot can hold: a client's command, the no-op that fills a hole, or an internal command.

Values are what replicas agree on, byte for byte, and for ever: they are hashed, stored, sent in JSON and
compared. So they are frozen, carry no object of this process, and change their form with a new protocol
version only. What else is here (votes, entries, session rows) pairs values with what is known of them.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

from paxtui.core.ballot import Ballot, Number

TEXT_BYTES_MAX = 64 * 1024
"""A message's limit, in bytes of UTF-8. It is what still fits a frame of 1 MiB when JSON has to
write every character as a six-byte escape."""

CLIENT_CHARS_MAX = 96
"""A session id's limit: a name of up to 64 characters, a nonce and the slot of its birth."""

ANSWERS_BYTES_MAX = 8 * 65536
"""The longest ring of answers that one message could carry."""

VALUE_OVERHEAD_CHARS = 32
"""What a value weighs beside its characters: numbers, brackets and the objects that hold them."""


class Command(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """One message of one client: ``(client id, request number, text)``.

    The pair (client, request) names the command for ever: a retry carries the same pair and takes
    effect once. Two equal texts with different numbers are two messages.
    """

    client: Annotated[str, Meta(max_length=CLIENT_CHARS_MAX)]
    request: Number
    text: Annotated[str, Meta(max_length=TEXT_BYTES_MAX)]

    @property
    def is_noop(self) -> bool:
        """Tell whether this is no client's: the no-op, or an internal command. No client has an empty id, so
        nothing else looks like it."""
        return not self.client


CHECKPOINT: Final = "mark"
TRIM: Final = "trim"
"""What the text of a checkpoint or of a trim begins with; the ballot that follows makes each of them unique.
They are values in the log, which the hash chain covers: a checkpoint is called ``mark`` there for ever."""


def checkpoint(wall_s: int, ballot: Ballot) -> Command:
    """Return the command at which every replica keeps its session table. ``wall_s`` is the checkpoint's stamp
    (:class:`paxtui.core.output.Checkpoint`); nothing but the age of messages is measured by it."""
    return Command("", wall_s, f"{CHECKPOINT} {ballot}")


def trim(upto: int, ballot: Ballot) -> Command:
    """Return the command at which every replica removes what is below its last checkpoint at or below
    ``upto``."""
    return Command("", upto, f"{TRIM} {ballot}")


def verb(value: Command) -> str:
    """Return what a value of no client is: :data:`CHECKPOINT`, :data:`TRIM` or, for the no-op, nothing."""
    return value.text.partition(" ")[0]


NOOP: Final = Command("", 0, "")
"""The value that fills a hole (Paxos Made Simple, 3: "a special 'no-op' command that leaves the state
unchanged")."""


def weight(value: Command) -> int:
    """Return how much of a limit in characters a value takes; at most six bytes a character leave in a
    frame. To encode each text just to count its bytes would cost more than the rest of its way."""
    return len(value.text) + len(value.client) + VALUE_OVERHEAD_CHARS


class SessionRow(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """One client of the session table, as it is stored and sent: its last use, its highest request, and the
    ring of its answers (8 bytes each)."""

    client: Annotated[str, Meta(max_length=CLIENT_CHARS_MAX)]
    last_slot: Number
    top: Number
    answers: Annotated[bytes, Meta(max_length=ANSWERS_BYTES_MAX)]


class Vote(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """One acceptor's vote: in ``slot`` it accepted ``value`` at ``ballot``."""

    slot: Number
    ballot: Ballot
    value: Command


class Entry(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A learned slot: its chosen value, and a ballot at which this replica knows it was voted for. The ballot
    is no part of the agreement; other replicas may know another one for the same slot."""

    ballot: Ballot
    value: Command
