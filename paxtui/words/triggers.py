"""Triggers in words: the trace event for which a fault waits."""

from __future__ import annotations

import re
from typing import Final, get_args

from paxtui.core.events import AnyEvent
from paxtui.wire.faults import Trigger
from paxtui.words import WordError
from paxtui.words.suggestions import nearest

EVENTS: Final = tuple(sorted(str(event.__struct_config__.tag) for event in get_args(AnyEvent)))
"""The names of all trace events; a fault can wait for each of them."""


def trigger(text: str) -> tuple[int | None, Trigger]:
    """Read ``replica 0 accept-sent slot 3``: the replica that watches, if it is named, and the trigger."""
    match = re.fullmatch(r"\s*(?:replica\s+(\d)\s+)?([a-z0-9-]+)(?:\s+slot\s+(\d+))?\s*", text)
    if match is None:
        raise WordError(f"{text!r} is not `[replica N] EVENT [slot S]`")
    if match[2] not in EVENTS:
        near = nearest(match[2], EVENTS)
        hint = f"did you mean {near}?" if near else f"{', '.join(EVENTS)} are"
        raise WordError(f"event {match[2]!r} is not known; {hint}")
    slot = None if match[3] is None else int(match[3])
    return (None if match[1] is None else int(match[1])), Trigger(match[2], slot)
