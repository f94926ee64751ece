"""The hash chain over applied slots: equal heads at equal watermarks mean equal logs.

A sum of bytes, as some course projects compare, is blind to order; a chain of SHA-256 is not. So one number
of 32 bytes in a status line proves agreement of logs of any length, also of slots that are removed since, and
a replica that takes another one's state goes on from its head.

The chain covers values alone, not ballots: replicas may know of a chosen value by votes at different ballots.
"""

from __future__ import annotations

from hashlib import sha256

from paxtui.core.values import Command


def link(head: bytes, slot: int, value: Command) -> bytes:
    """Return the head after ``value`` is applied in ``slot``, 32 bytes. Lengths are hashed, so texts cannot
    borrow characters from client ids."""
    client = value.client.encode()
    return sha256(
        head + b"%d %d %d " % (slot, value.request, len(client)) + client + value.text.encode()
    ).digest()
