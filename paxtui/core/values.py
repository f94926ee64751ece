"""What a slot can hold: a client's command, or the no-op that fills a hole."""

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
        """Whether this is no client's: the no-op, or a word of the cluster to itself. No client has an empty
        id, so nothing else looks like it."""
        return not self.client


CHECKPOINT: Final = "mark"
TRIM: Final = "trim"
"""What the text of a checkpoint or of a trim begins with; the ballot that follows makes each of them unique.
They are values in the log, which the hash chain covers: a checkpoint is called a mark there for ever."""


def checkpoint(wall_s: int, ballot: Ballot) -> Command:
    """The command at which every replica keeps its session table. ``wall_s`` is the checkpoint's stamp
    (:class:`paxtui.core.output.Checkpoint`); nothing but the age of messages is measured by it."""
    return Command("", wall_s, f"{CHECKPOINT} {ballot}")


def trim(upto: int, ballot: Ballot) -> Command:
    """The command at which every replica removes what is below its last checkpoint at or below ``upto``."""
    return Command("", upto, f"{TRIM} {ballot}")


def verb(value: Command) -> str:
    """What a value of no client is: :data:`CHECKPOINT`, :data:`TRIM` or, with no text, the no-op (empty)."""
    return value.text.partition(" ")[0]


NOOP: Final = Command("", 0, "")
"""The value that fills a hole (Paxos Made Simple, 3: "a special 'no-op' command that leaves the state
unchanged")."""


def weight(value: Command) -> int:
    """How much of a limit in characters a value takes. At most six bytes a character leave in a frame."""
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
    """A learned slot: its chosen value, and a ballot at which this replica knows it was voted for."""

    ballot: Ballot
    value: Command
