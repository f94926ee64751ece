"""How people name a moment: ``12:04:07.104``, ``-3m``, ``+10s``, ``#1017204``, ``first``, ``last``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from paxtui.tape.reader import TapeReader

FORMS: Final = "12:04, 12:04:07.104, -3m, +10s, #1017204, first and last are"

_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(\.\d{1,6})?)?")
_AGO: Final = re.compile(r"([+-])(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class PositionError(ValueError):
    """Words that name no moment, or none of this tape."""


def is_position(text: str) -> bool:
    """Return whether words can name a moment of a tape and nothing else."""
    return bool(re.fullmatch(r"#\d+|[+-]\d+(\.\d+)?(ms|s|m|h)", text.strip()))


def find_position(text: str, tape: TapeReader, here: float) -> int:
    """Return the position that words name; ``here`` is the time of day from which ``-3m`` counts. Raises
    :class:`PositionError`."""
    words = text.strip()
    if words in ("first", "last"):
        return tape.first if words == "first" else tape.end
    if re.fullmatch(r"#?\d+", words):
        position = int(words.lstrip("#"))
        if not tape.first <= position <= tape.end:
            raise PositionError(
                f"#{position} is not on the tape, which goes from #{tape.first} to #{tape.end}"
            )
        return position
    if found := _AGO.fullmatch(words):
        wall = here + float(f"{found[1]}{float(found[2]) * _UNITS[found[3]]}")
        return _within(tape, wall)
    if found := _CLOCK.fullmatch(words):
        hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
        if hour < 24 and minute < 60 and second < 60:
            return _within(tape, _nearest(hour, minute, second, float(found[4] or 0), here))
    raise PositionError(f"{words[:40]!r} is no moment; {FORMS}")


def _nearest(hour: int, minute: int, second: int, part: float, here: float) -> float:
    """Return the time of day nearest to ``here``: a tape may go over midnight."""
    day = datetime.fromtimestamp(here).replace(hour=hour, minute=minute, second=second, microsecond=0)
    choices = [(day + timedelta(days=days)).timestamp() + part for days in (-1, 0, 1)]
    return min(choices, key=lambda wall: abs(wall - here))


def _within(tape: TapeReader, wall: float) -> int:
    if not tape.blocks or wall < tape.blocks[0].begins:
        return tape.first
    return tape.position_at(wall)
