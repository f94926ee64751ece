"""Fate is a function: even over many messages, and of each message alone."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paxtui.wire.fate import DELAY, DUPLICATE, LOSS, REORDER, roll

DICE = (LOSS, DELAY, DUPLICATE, REORDER)
MANY = 10_000


@given(
    st.integers(0, 2**70), st.integers(0, 8), st.integers(0, 8), st.integers(0, 2**40), st.sampled_from(DICE)
)
def test_a_roll_is_below_one_and_always_the_same(
    seed: int, sender: int, to: int, number: int, what: int
) -> None:
    value = roll(seed, sender, to, number, what)
    assert 0 <= value < 1
    assert roll(seed, sender, to, number, what) == value


@pytest.mark.parametrize("what", DICE)
@pytest.mark.parametrize(("seed", "sender", "to"), [(0, 0, 1), (1, 0, 1), (7, 2, 0), (2**32 - 1, 8, 7)])
def test_rolls_are_even(seed: int, sender: int, to: int, what: int) -> None:
    tenths = [0] * 10
    for number in range(MANY):
        tenths[int(10 * roll(seed, sender, to, number, what))] += 1
    expected = MANY / 10
    chi_squared = sum((count - expected) ** 2 / expected for count in tenths)
    assert chi_squared < 33.7  # nine degrees of freedom: one fair die in 10,000 does worse


def test_what_20_percent_lose_is_20_percent() -> None:
    lost = sum(roll(5, 0, 1, number, LOSS) < 0.2 for number in range(MANY))
    assert abs(lost / MANY - 0.2) < 0.02


def correlation(one: list[float], other: list[float]) -> float:
    n = len(one)
    mean_one, mean_other = sum(one) / n, sum(other) / n
    covariance = sum((a - mean_one) * (b - mean_other) for a, b in zip(one, other, strict=True))
    spread = math.sqrt(sum((a - mean_one) ** 2 for a in one) * sum((b - mean_other) ** 2 for b in other))
    return covariance / spread


def test_links_seeds_and_kinds_of_dice_know_nothing_of_each_other() -> None:
    series = [
        [roll(seed, sender, to, number, what) for number in range(2000)]
        for seed, sender, to, what in [
            (1, 0, 1, LOSS),
            (1, 1, 0, LOSS),
            (1, 0, 2, LOSS),
            (2, 0, 1, LOSS),
            (1, 0, 1, DELAY),
            (1, 0, 1, DUPLICATE),
            (1, 0, 1, REORDER),
        ]
    ]
    series.append(series[0][1:] + series[0][:1])  # and neighbours on one link neither
    for one, other in combinations(series, 2):
        assert one != other
        assert abs(correlation(one, other)) < 0.1


def test_no_two_directed_links_share_their_fates() -> None:
    seen = {roll(3, sender, to, 0, what) for sender in range(9) for to in range(9) for what in DICE}
    assert len(seen) == 9 * 9 * len(DICE)
