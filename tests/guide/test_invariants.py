"""The page of invariants has a section for each number, and no other; the number of mutants is right."""

from __future__ import annotations

import re

from paxtui.checkers.broken import Invariant
from paxtui.sim.mutants import MUTANTS
from tests.guide.pages import TEXTS

PAGE = TEXTS["paxtui/guide/invariants.md"]
SECTIONS = {int(number): title for number, title in re.findall(r"^## (\d+)\. (.*)$", PAGE, re.MULTILINE)}


def test_each_number_has_a_section_and_each_section_a_number() -> None:
    assert set(SECTIONS) == {invariant.value[0] for invariant in Invariant}
    assert list(SECTIONS) == sorted(SECTIONS)


def test_a_section_has_the_names_of_its_invariants() -> None:
    for invariant in Invariant:
        number, name = invariant.value
        assert name in SECTIONS[number].lower()


def test_the_number_of_mutants_is_right_wherever_it_stands() -> None:
    found = [
        int(n)
        for text in TEXTS.values()
        for n in re.findall(r"\b(\d+) (?:known mistakes|planted bugs|mutants)", text)
    ]
    assert len(found) >= 3
    assert set(found) == {len(MUTANTS)}
