"""Structs to bytes and back. Everything that arrives is checked against its type by msgspec."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from paxtui.wire.errors import WireError
from paxtui.wire.framing import frame

_encoder = msgspec.json.Encoder()

T = TypeVar("T")


def encode(message: msgspec.Struct) -> bytes:
    """One message as a whole frame."""
    return frame(_encoder.encode(message))


class Decoder(Generic[T]):
    """Decodes frame bodies to one of a union of Structs."""

    def __init__(self, union: Any) -> None:
        self._decode = msgspec.json.Decoder(union).decode

    def decode(self, body: bytes) -> T:
        """The message, or :class:`WireError` that names the field.

        msgspec also lets through ``RecursionError`` (nesting) and ``UnicodeDecodeError`` (not UTF-8).
        """
        try:
            message: T = self._decode(body)
        except msgspec.ValidationError as error:
            raise WireError(str(error)) from None
        except msgspec.DecodeError as error:
            raise WireError(f"not JSON: {error}") from None
        except UnicodeDecodeError:
            raise WireError(f"not UTF-8: {_bad_byte(body)}") from None
        except RecursionError:
            raise WireError("nested too deeply") from None
        return message


def _bad_byte(body: bytes) -> str:
    """Which byte is wrong. msgspec counts from the beginning of the text that it is in."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return f"{error.reason} (byte {error.start})"
    return "a text cannot be decoded"
