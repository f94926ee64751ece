"""Records of replicas whose wall clocks are set, or wrong, between their lives."""

from __future__ import annotations

from typing import Any

import pytest

from tests.records.runs import Lines, changed, judged, split, traced

MONTH_S = 30 * 86_400.0
NOW_S = 1.8e9


def with_clocks(lines: Lines, first_s: float, step_s: float) -> Lines:
    """The record as if the clock had been set by ``step_s`` before each life but the first."""
    lives = 0
    told: Lines = []
    for line in lines:
        if b'"wall"' in line:
            offset = first_s + lives * step_s
            lives += 1

            def set_clock(fields: dict[str, Any], offset: float = offset) -> None:
                fields["wall"] += offset

            line = changed(line, set_clock)
        told.append(line)
    return told


@pytest.mark.parametrize("step_s", [-MONTH_S, MONTH_S, -0.5])
def test_a_clock_that_is_set_between_two_lives_breaks_no_verdict(step_s: float) -> None:
    lives = 0
    for seed in range(20, 30):
        trace, result = traced(seed, "crash")
        records = split(trace)
        plain = judged(*records)
        judgement = judged(*(with_clocks(lines, NOW_S, step_s) for lines in records))
        assert judgement.verdict == plain.verdict, (seed, judgement.broken)
        assert judgement.broken is None
        assert judgement.slots == plain.slots <= result.slots
        lives += sum(line.count(b'"wall"') for lines in records for line in lines) - len(records)
    assert lives > 10


def test_a_clock_before_1970_makes_no_record_unreadable() -> None:
    trace, result = traced(3, "network")
    judgement = judged(*(with_clocks(lines, -MONTH_S, 0.0) for lines in split(trace)))
    assert judgement.verdict == "safe", judgement.broken
    assert judgement.slots == result.slots
