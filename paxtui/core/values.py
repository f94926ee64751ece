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
        """Whether this is the no-op. No client has an empty id, so nothing else looks like it."""
        return not self.client


NOOP: Final = Command("", 0, "")
"""The value that fills a hole (Paxos Made Simple, 3: "a special 'no-op' command that leaves the state
unchanged")."""


def weight(value: Command) -> int:
    """How much of a limit in characters a value takes. At most six bytes a character leave in a frame."""
    return len(value.text) + len(value.client) + VALUE_OVERHEAD_CHARS


class Vote(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """One acceptor's vote: in ``slot`` it accepted ``value`` at ``ballot``."""

    slot: Number
    ballot: Ballot
    value: Command


class Entry(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A learned slot: its chosen value, and a ballot at which this replica knows it was voted for."""

    ballot: Ballot
    value: Command
