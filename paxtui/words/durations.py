"""Durations: with a unit where a person types them, as numbers in files."""

from __future__ import annotations

import re
from typing import Annotated, Final

from msgspec import Meta

from paxtui.words import WordError

FOREVER: Final = "forever"
UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}

TYPED_S_MAX: Final = 86_400.0
"""A day. A fault that shall last longer is meant to last until somebody ends it: ``forever``."""

Seconds = Annotated[float, Meta(gt=0, le=600)]
"""A time-out in a scenario file, in seconds. No step of an honest cluster takes ten minutes."""

Millis = Annotated[float, Meta(ge=0, le=60_000)]
"""A delay in a scenario file, in milliseconds. A message later than a minute is as good as lost."""

Interval = Annotated[list[Millis], Meta(min_length=2, max_length=2)]
"""The shortest and the longest pause, in milliseconds."""


def duration_s(word: str) -> float | None:
    """Read ``500ms``, ``10s``, ``5m`` or ``1h`` as seconds, and ``forever`` as ``None``."""
    if word == FOREVER:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", word)
    if match is None or float(match[1]) <= 0:
        raise WordError(f"{word!r} is no time; 500ms, 10s, 5m, 1h and forever are")
    seconds = float(match[1]) * UNITS_S[match[2]]
    if seconds > TYPED_S_MAX:
        raise WordError("at most 24h are allowed; or say forever")
    return seconds
