"""What the WHY pane leaves out where room is short, and that it says so."""

from __future__ import annotations

import re

import pytest

from paxtui.console.rows.text import plain, width_of
from paxtui.console.rows.why import why
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from tests.console.story import Story

TALL = 100


@pytest.fixture
def view_state() -> ViewState:
    """A slot whose answer has a verdict, evidence, and what must happen next."""
    story = Story(3).up()
    slots = story.propose(["hello"])
    story.vote(1, slots)
    story.later(5)
    found = ViewState(story.model, Styles("dark", ascii=False), lambda: story.now)
    found.slot = slots[0]
    return found


@pytest.mark.parametrize("width", [30, 44, 60, 120])
@pytest.mark.parametrize("height", range(2, 20))
def test_lines_that_have_no_room_are_counted(view_state: ViewState, width: int, height: int) -> None:
    whole = [plain(row) for row in why(view_state, width, TALL) if row]
    shown = why(view_state, width, height)
    assert len(shown) <= height
    assert all(not row or width_of(row) == width for row in shown)
    texts = [plain(row) for row in shown if row]
    if len(whole) <= height:
        assert texts == whole
        return
    (mark,) = [text for text in texts if "more lines" in text]
    count = re.match(r"… (\d+) more lines", mark)
    assert count is not None
    texts.remove(mark)
    assert set(texts) <= set(whole)
    assert len(texts) + int(count[1]) == len(whole)


def test_what_must_happen_next_is_kept_rather_than_evidence(view_state: ViewState) -> None:
    whole = [row for row in why(view_state, 60, TALL) if row]
    styles = [row[0][1] for row in whole]
    assert styles.count("text") > 1
    assert styles.count("self") > 0
    short = why(view_state, 60, len(whole) - 1)
    assert [row for row in short if row[0][1] == "self"] == [row for row in whole if row[0][1] == "self"]
    assert len([row for row in short if row[0][1] == "text"]) == styles.count("text") - 2
