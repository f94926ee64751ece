"""Structs to bytes and back. Everything that arrives is checked against its type by msgspec."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from paxtui.wire.errors import TOO_DEEP, WireError
from paxtui.wire.framing import frame
from paxtui.wire.schema_errors import explain_json

_encoder = msgspec.json.Encoder()

NESTING_MAX = 16
"""How deep lists and objects may lie in each other, unless told otherwise. The deepest message has 6."""

TYPE_FIRST = b'{"type":"'
"""How a message begins whose ``type`` comes first. The type decides what each field may be, so nothing in it
can be deeper than the message is; only what comes before the type is passed over unseen."""

_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ONE_KIND = bytes.maketrans(b"{}", b"[]")

T = TypeVar("T")


def encode(message: msgspec.Struct) -> bytes:
    """Encode one message as a whole frame."""
    return frame(_encoder.encode(message))


class Decoder(Generic[T]):
    """Decodes frame bodies to one of a union of Structs."""

    def __init__(self, union: Any) -> None:
        self._union = union
        self._decode = msgspec.json.Decoder(union).decode

    def decode(self, body: bytes, nesting: int = NESTING_MAX) -> T:
        """Return the message, or raise :class:`WireError` that names the field.

        msgspec also lets through ``RecursionError`` (nesting) and, in some versions, ``UnicodeDecodeError``.
        """
        if not body.startswith(TYPE_FIRST) and too_deep(body, nesting):
            raise WireError(f"nested too deeply: {nesting} levels are allowed", TOO_DEEP)
        try:
            message: T = self._decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            kind, reason = explain_json(body, self._union)
            raise WireError(reason, kind) from None
        return message


def too_deep(body: bytes, limit: int) -> bool:
    """Return whether lists and objects lie in each other deeper than ``limit``, if the body is JSON at
    all."""
    plain = body.replace(rb"\\", b"").replace(rb"\"", b"")
    outside = b"".join(plain.split(b'"')[::2])
    brackets = outside.translate(_ONE_KIND, _NOT_BRACKETS)
    for _ in range(limit):
        if not brackets:
            return False
        # The innermost pairs go, at the speed of a copy: a loop over a megabyte of brackets would take long.
        brackets = brackets.replace(b"[]", b"")
    # What is left without any pair was never closed: the decoder says so better, if it gets so far.
    return b"[]" in brackets or brackets.count(b"[") > limit
