"""Runs behave as a dictionary from slots to values would."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from paxtui.console.model.state.runs import Runs

SLOTS = 40
changes = st.lists(
    st.tuples(st.integers(0, SLOTS), st.integers(0, SLOTS), st.sampled_from(["a", "b", "c", None])),
    max_size=40,
)


@given(changes)
def test_runs_hold_what_a_dictionary_would(changes: list[tuple[int, int, str | None]]) -> None:
    runs: Runs[str] = Runs()
    model: dict[int, str] = {}
    for first, end, value in changes:
        if value is None:
            runs.clear(first, end)
            for slot in range(first, end):
                model.pop(slot, None)
        else:
            runs.assign(first, end, value)
            model.update(dict.fromkeys(range(first, end), value))
        assert {slot: runs.get(slot) for slot in range(SLOTS + 1)} == {
            slot: model.get(slot) for slot in range(SLOTS + 1)
        }
        assert [slot in runs for slot in range(SLOTS)] == [slot in model for slot in range(SLOTS)]
        assert runs.end == max(model, default=-1) + 1


@given(changes, st.integers(0, SLOTS), st.integers(0, SLOTS))
def test_runs_are_cut_to_what_is_asked_for_and_never_touch_an_equal_one(
    changes: list[tuple[int, int, str | None]], first: int, end: int
) -> None:
    runs: Runs[str] = Runs()
    for start, stop, value in changes:
        if value is not None:
            runs.assign(start, stop, value)
    parts = list(runs.within(first, end))
    inside = {slot: value for begin, stop, value in parts for slot in range(begin, stop)}
    assert inside == {slot: runs.get(slot) for slot in range(first, end) if slot in runs}
    every = list(runs.within(0, SLOTS + 1))
    assert all(not (one[1] == other[0] and one[2] == other[2]) for one, other in itertools.pairwise(every))
    gap = next(slot for slot in range(first, SLOTS + 2) if slot not in runs)
    assert runs.first_missing(first) == gap


def test_a_copy_does_not_follow_the_original() -> None:
    runs: Runs[str] = Runs()
    runs.assign(0, 5, "a")
    still = runs.copy()
    runs.assign(3, 9, "b")
    assert (still.get(3), still.end) == ("a", 5)


def test_a_million_slots_of_one_reign_are_one_run() -> None:
    runs: Runs[str] = Runs()
    for first in range(0, 1_000_000, 1000):
        runs.assign(first, first + 1000, "3.0")
    assert len(runs) == 1
    runs.assign(1_000_000, 1_000_001, "4.1")
    runs.forget_oldest(1)
    assert (len(runs), runs.get(0), runs.get(1_000_000)) == (1, None, "4.1")
