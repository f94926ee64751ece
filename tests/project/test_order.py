"""Long tests begin early, and every test runs once."""

from __future__ import annotations

import pytest

from tests.order import spread


@pytest.mark.parametrize("count", [1, 2, 3, 8])
@pytest.mark.parametrize(("slow", "quick"), [(0, 7), (3, 10), (5, 0), (7, 100), (9, 4)])
def test_every_test_is_there_once_and_slow_ones_are_first_in_each_share(
    slow: int, quick: int, count: int
) -> None:
    names = [f"slow {n}" for n in range(slow)], [f"quick {n}" for n in range(quick)]
    order = spread(*names, count)
    assert sorted(order) == sorted([*names[0], *names[1]])
    total = slow + quick
    for worker in range(count):
        share = order[worker * total // count : (worker + 1) * total // count]
        kinds = [name.split()[0] for name in share]
        assert kinds == sorted(kinds, reverse=True)
