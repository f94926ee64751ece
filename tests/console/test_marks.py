"""Marks in runs hold what a dictionary would, and disagreements are found wherever they are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from paxtui.console.model.safety.digests import Digests
from paxtui.wire.telemetry import DIGEST_CHARS

SLOTS = 30


def marks(letters: str) -> str:
    return "".join(letter * DIGEST_CHARS for letter in letters)


runs = st.lists(st.tuples(st.integers(0, SLOTS), st.text("ab", max_size=8)), max_size=12)


@given(runs)
def test_marks_hold_what_a_dictionary_would_and_the_first_stays(told: list[tuple[int, str]]) -> None:
    known = Digests()
    model: dict[int, str] = {}
    for first, letters in told:
        expected = [
            slot
            for slot, letter in enumerate(letters, first)
            if model.get(slot, letter * DIGEST_CHARS) != letter * DIGEST_CHARS
        ]
        assert [clash.slot for clash in known.clashes(first, marks(letters))] == expected
        new = {slot: letter * DIGEST_CHARS for slot, letter in enumerate(letters, first) if slot not in model}
        assert [clash.slot for clash in known.put(first, marks(letters))] == expected
        model |= new
        added = {
            slot + at: text[at * DIGEST_CHARS : (at + 1) * DIGEST_CHARS]
            for slot, text in known.new
            for at in range(len(text) // DIGEST_CHARS)
        }
        assert added == new
        assert {slot: known.get(slot) for slot in range(SLOTS + 9)} == {
            slot: model.get(slot) for slot in range(SLOTS + 9)
        }
        assert known.end == max(model, default=-1) + 1


def test_old_runs_are_dropped_as_a_whole() -> None:
    known = Digests()
    for first in range(0, 100, 10):
        known.put(first, marks("a" * 10))
    known.forget_below(55)
    assert len(known) == 5
    assert known.get(49) is None
    assert known.get(50) == marks("a")
