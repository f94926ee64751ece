"""The one source of chance after the plan is drawn: a number is hashed, nothing is shared.

What happens to message 17 of a link does not depend on what happened anywhere else, so a run in which one
fault is left out is still the same run in all other places, and can be shrunk.
"""

from __future__ import annotations

from typing import Final

MASK: Final = (1 << 64) - 1
STEP: Final = 0x9E3779B97F4A7C15


def mix(number: int) -> int:
    """SplitMix64's output function (Steele, Lea and Flood, "Fast splittable pseudorandom number
    generators", 2014): 64 well mixed bits of any integer."""
    x = (number + STEP) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def mixed(*numbers: int) -> int:
    """The hash of a sequence of integers."""
    x = 0
    for number in numbers:
        x = mix(x ^ number)
    return x


def fraction(bits: int) -> float:
    """The upper 53 bits as a number in [0, 1)."""
    return (bits >> 11) / 9007199254740992.0
