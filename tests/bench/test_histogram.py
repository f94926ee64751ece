"""The histogram against a sorted list."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from paxtui.bench.histogram import BUCKETS, EXACT, US_MAX, Histogram, bucket, highest

TIMES = st.lists(st.floats(0.0, 60_000.0, allow_nan=False), min_size=1, max_size=300)
PERCENTS = st.integers(1, 100_000).map(lambda thousandths: thousandths / 1000)


def filled(times: list[float]) -> Histogram:
    histogram = Histogram()
    for time in times:
        histogram.record(time)
    return histogram


def nearest_rank(times: list[float], percent: float) -> float:
    """The definition: the smallest time that ``percent`` of all do not exceed."""
    thousandths = round(percent * 1000)
    return sorted(times)[max(1, -(-len(times) * thousandths // 100_000)) - 1]


@given(TIMES, PERCENTS)
def test_a_percentile_is_at_most_a_thousandth_and_a_microsecond_above_the_truth(
    times: list[float], percent: float
) -> None:
    told, truth = filled(times).percentile_s(percent), nearest_rank(times, percent)
    assert truth - 1e-9 <= told <= truth * 1.001 + 1.1e-6


@given(TIMES)
def test_the_highest_percentile_is_the_maximum_and_the_mean_is_the_mean(times: list[float]) -> None:
    histogram = filled(times)
    assert histogram.percentile_s(100) == histogram.max_s == max(times)
    assert histogram.count == len(times)
    assert abs(histogram.mean_s - sum(times) / len(times)) <= 1.1e-6 + 1e-9 * max(times)


@given(TIMES, PERCENTS, PERCENTS)
def test_a_higher_percentile_is_no_shorter(times: list[float], one: float, other: float) -> None:
    histogram = filled(times)
    assert histogram.percentile_s(min(one, other)) <= histogram.percentile_s(max(one, other))


@given(st.integers(0, US_MAX))
def test_each_time_is_in_the_bucket_that_ends_at_or_above_it(us: int) -> None:
    index = bucket(us)
    assert 0 <= index < BUCKETS
    assert us <= highest(index)
    assert index == 0 or highest(index - 1) < us


def test_buckets_are_without_gaps_and_none_is_wider_than_a_thousandth() -> None:
    ends = [highest(index) for index in range(BUCKETS)]
    assert ends[:EXACT] == list(range(EXACT))
    assert all(0 < late - early <= 1 + early / 1000 for early, late in pairwise(ends))
    assert ends[-1] == US_MAX


def test_nothing_counted_is_nothing_told() -> None:
    assert Histogram().percentile_s(50) == 0.0
    assert Histogram().mean_s == 0.0


def test_times_beyond_both_ends_are_counted_at_the_ends() -> None:
    histogram = filled([-0.5, 1e9])
    assert histogram.count == 2
    assert histogram.percentile_s(50) <= 1e-6
    assert histogram.percentile_s(100) == (US_MAX + 1) / 1e6
