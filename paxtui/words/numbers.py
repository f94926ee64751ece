"""Percentages, milliseconds and slots."""

from __future__ import annotations

import re
from typing import Annotated, Final

from msgspec import Meta

from paxtui.words import WordError

PERCENT_MAX: Final = 100
Percent = Annotated[float, Meta(ge=0, le=PERCENT_MAX)]

Count = Annotated[int, Meta(ge=1, le=1_000_000)]
"""How many appends or slots a scenario may ask for: more would take hours."""

Slot = Annotated[int, Meta(ge=0, lt=2**53)]
"""Slots are JSON numbers, which readers in other languages keep exactly up to there."""


def number(word: str, what: str, low: float, high: float) -> float:
    """Read a number within limits; ``%`` and ``ms`` may follow it."""
    text = word.removesuffix("%").removesuffix("ms")
    try:
        value = float(text)
    except ValueError:
        raise WordError(f"{word!r} is no {what}; a number from {low:g} to {high:g} is") from None
    return within(value, word, what, low, high)


def within(value: float, word: str, what: str, low: float, high: float) -> float:
    """Check a number, which was written as ``word``, against its limits."""
    if not low <= value <= high:
        raise WordError(f"{what} {word} is out of range; {low:g} to {high:g} is allowed")
    return value


def percentage(value: float) -> float:
    """Check a percentage."""
    return within(value, f"{value:g}", "percentage", 0, PERCENT_MAX)


def whole(word: str, what: str) -> int:
    """Read a whole number from 0 on; ``#`` may stand before it."""
    text = word.removeprefix("#")
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise WordError(f"{word!r} is no {what}; a whole number from 0 on is")
    return int(text)
