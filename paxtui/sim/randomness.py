"""The one source of chance after the plan is drawn: a number is hashed, nothing is shared.

What happens to message 17 of a link does not depend on what happened anywhere else, so a run in which one
fault is left out is still the same run in all other places, and can be shrunk.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, count
from struct import Struct
from typing import Final

MASK: Final = (1 << 64) - 1
STEP: Final = 0x9E3779B97F4A7C15
TIMES_ONE: Final = 0xBF58476D1CE4E5B9
TIMES_TWO: Final = 0x94D049BB133111EB

HALVES: Final = 2.0**-53
"""Times this is as exact as divided by 2^53, and faster."""


def mix(number: int) -> int:
    """Apply SplitMix64's output function (Steele, Lea and Flood, "Fast splittable pseudorandom number
    generators", 2014): 64 well mixed bits of any integer."""
    x = (number + STEP) & MASK
    x = ((x ^ (x >> 30)) * TIMES_ONE) & MASK
    x = ((x ^ (x >> 27)) * TIMES_TWO) & MASK
    return x ^ (x >> 31)


def mixed(*numbers: int) -> int:
    """Return the hash of a sequence of integers."""
    x = 0
    for number in numbers:
        x = mix(x ^ number)
    return x


def fraction(bits: int) -> float:
    """Return the upper 53 bits as a number in [0, 1)."""
    return (bits >> 11) * HALVES


# Many at once. A run hashes thousands of numbers in sequence, and an operation of Python costs hardly more
# for 32 times 64 bits than for 64. So numbers lie side by side in one long integer, a lane of 128 bits for
# each: a product of two numbers of 64 bits does not reach the next lane, and what a shift brings from there
# is masked.

LANES: Final = 32
"""Most links and clients need more than so many numbers; fewer at once would gain less."""

LANE_BITS: Final = 128

ONES: Final = sum(1 << LANE_BITS * lane for lane in range(LANES))
MASKS: Final = MASK * ONES
INDEX: Final = sum(lane << LANE_BITS * lane for lane in range(LANES))
STEPS: Final = sum((lane * STEP & MASK) << LANE_BITS * lane for lane in range(LANES))
STEP_OF_EACH: Final = STEP * ONES

_take_apart = Struct("<" + "Q8x" * LANES).unpack


def _mix_lanes(x: int) -> int:
    """Apply :func:`mix` to each lane, from where the step is added."""
    x = (x ^ (x >> 30 & MASKS)) * TIMES_ONE & MASKS
    x = (x ^ (x >> 27 & MASKS)) * TIMES_TWO & MASKS
    return x ^ (x >> 31 & MASKS)


def _split(x: int) -> tuple[int, ...]:
    return _take_apart(x.to_bytes(LANES * LANE_BITS // 8, "little"))


def outputs(seed: int) -> Iterator[int]:
    """Yield ``mix(seed)``, ``mix(seed + STEP)``, ``mix(seed + 2 * STEP)`` ...: SplitMix64 itself, without
    end."""
    return chain.from_iterable(
        _split(_mix_lanes((seed + first * STEP & MASK) * ONES + STEPS & MASKS)) for first in count(1, LANES)
    )


def fractions(seed: int, first: int) -> Iterator[float]:
    """Yield ``fraction(mix(seed ^ first))``, ``fraction(mix(seed ^ (first + 1)))`` ..., without end."""
    seeds = (seed & MASK) * ONES
    return chain.from_iterable(
        [
            bits * HALVES
            for bits in _split(
                _mix_lanes((number * ONES + INDEX ^ seeds) + STEP_OF_EACH & MASKS) >> 11 & MASKS
            )
        ]
        for number in count(first, LANES)
    )
