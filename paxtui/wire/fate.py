"""What happens to a message on a faulty link, as a function and not as a sequence.

The fate of message ``number`` from ``sender`` to ``to`` depends on these and the seed alone, never on a
shared generator: taking one fault away, or adding a message elsewhere, changes no other message's fate,
so a run can be repeated and shrunk.
"""

from __future__ import annotations

from typing import Final

MASK: Final = 2**64 - 1

LOSS: Final = 1
DELAY: Final = 2
DUPLICATE: Final = 3
REORDER: Final = 4


def roll(seed: int, sender: int, to: int, number: int, what: int) -> float:
    """Draw a number in [0, 1): splitmix64 over all arguments. ``what`` keeps the dice of one message
    apart."""
    state = (seed * 0x9E3779B97F4A7C15 + (sender << 8 | to << 4 | what)) & MASK
    state = (state + number * 0xD1B54A32D192ED03 + 0x9E3779B97F4A7C15) & MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & MASK
    return ((state ^ (state >> 31)) >> 11) / 2**53
