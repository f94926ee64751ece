"""The main screens look as they did when somebody last looked at them."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from tests.console.snapshots import FOLDER, TEXTUAL, draw, names

pytestmark = pytest.mark.skipif(
    version("textual") != TEXTUAL,
    reason=f"the pictures are Textual {TEXTUAL}'s, this is {version('textual')}",
)


@pytest.mark.parametrize("name", names())
def test_the_screen_looks_as_it_did(name: str) -> None:
    kept = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    same = draw(name) == kept  # a difference of two pictures of 60 kB is nothing to read
    assert same, f"{name} looks different: run `python -m tests.console.snapshots`, then look at the pictures"


def test_every_picture_belongs_to_a_test() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.svg")) == sorted(names())
