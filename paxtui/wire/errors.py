"""Errors of the bytes: always the sender's fault, never ours."""

from __future__ import annotations

from typing import Final

NOT_A_MESSAGE: Final = "not a message"
NOT_JSON: Final = "not JSON"
NOT_UTF_8: Final = "not UTF-8"
TOO_DEEP: Final = "nested too deeply"
FRAME_LENGTH: Final = "a frame too long or of nothing"


class WireError(Exception):
    """A frame is malformed, or a limit is passed. The message names the field or the limit; ``kind`` is the
    name under which it is counted. The connection must be closed."""

    def __init__(self, reason: str, kind: str = NOT_A_MESSAGE) -> None:
        super().__init__(reason)
        self.kind = kind
