"""Errors of the bytes: always the sender's fault, never ours."""

from __future__ import annotations

from typing import Final

from paxtui.wire.schema_errors import MISFIT as NOT_A_MESSAGE
from paxtui.wire.schema_errors import NOT_JSON as NOT_JSON
from paxtui.wire.schema_errors import NOT_UTF_8 as NOT_UTF_8
from paxtui.wire.schema_errors import TOO_DEEP as TOO_DEEP

FRAME_LENGTH: Final = "a frame too long or of nothing"


class WireError(Exception):
    """A frame is malformed, or a limit is passed. The message names the field or the limit; ``kind`` is the
    name under which it is counted. The connection must be closed."""

    def __init__(self, reason: str, kind: str = NOT_A_MESSAGE) -> None:
        super().__init__(reason)
        self.kind = kind
