"""Chat, events, metrics and safety: every row is exactly as wide as asked, whatever stands in it."""

from __future__ import annotations

import unicodedata

import pytest

from paxtui.console.model.analysis.conversation import Conversation
from paxtui.console.rows import chat, events, metrics, safety
from paxtui.console.rows.text import Row, plain, width_of
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from paxtui.wire import events as e
from paxtui.wire.telemetry import DIGEST_CHARS, LearnedView
from paxtui.wire.values import Ballot
from tests.console.story import Story

TEXTS = [
    "plain",
    "日本語のメッセージ" * 20,
    "e\u0301\u0301\u0301\u0301\u0301\u0301\u0301 combining",
    "👩‍👩‍👧 family 🏳️‍🌈",
    "\x1b]52;c;aGk=\x07\x1b[31m\x00\x7f\x9b",
    "[red]markup[/red] [@click=quit]x[/]",
    "\u202eover\u200b\ufeffride",
    "x" * 5000,
    "",
]
NAMES = ["ada", "日本日本日本", "[b]e\x1bve[/b]", "🙂" * 10, "n" * 64]


def crowd(n: int) -> ViewState:
    story = Story(n).up()
    for name in NAMES:
        story.choose([text[:120] for text in TEXTS], client=f"{name}~s1@0")
    story.tell(0, e.SteppedDown(Ballot(1, 0), TEXTS[4]), e.MessageDropped(TEXTS[5], 0, TEXTS[6]))
    story.model.note(TEXTS[3], story.now, failed=True)
    for text in TEXTS:
        mine = story.model.chat.add_message(text, None, story.now)
        story.model.chat.ended(mine, "failed", text)
    story.model.chat.add_message(TEXTS[1], None, story.now)
    story.propose(TEXTS[:3])
    if n > 1:
        story.down(n - 1, TEXTS[4])
        story.tell(0, LearnedView(0, 1, ((Ballot(7, 0), 1),), "f" * DIGEST_CHARS, None))
    return ViewState(story.model, Styles(), lambda: story.now)


def all_rows(view_state: ViewState, width: int) -> list[Row]:
    talk = Conversation(view_state.model)
    rows = [
        chat.line(view_state, talk.get(line), "[me]", width, chosen=line % 2 == 0)
        for line in range(talk.count)
    ]
    rows += [events.line(view_state, seen, width, chosen=False) for seen in view_state.model.journal.all]
    rows += [events.line(view_state, None, width, chosen=True)]
    for height in (8, 40):
        rows += metrics.metrics(view_state, width, height)
        rows += safety.safety(view_state, width, height)
    return rows


@pytest.mark.parametrize("n", [1, 3, 5, 9])
def test_rows_are_exactly_as_wide_as_asked(n: int) -> None:
    view_state = crowd(n)
    for width in (*range(40, 120, 7), 160, 300):
        for row in all_rows(view_state, width):
            assert width_of(row) == width, plain(row)


@pytest.mark.parametrize("width", range(1, 40, 5))
def test_rows_fit_where_there_is_next_to_no_room(width: int) -> None:
    for row in all_rows(crowd(3), width):
        assert width_of(row) == width, plain(row)


def test_nothing_on_a_row_can_be_obeyed() -> None:
    for row in all_rows(crowd(3), 200):
        for character in plain(row):
            joiner = character in "\u200d\ufe0f"
            assert unicodedata.category(character) not in ("Cc", "Cf", "Cs") or joiner, plain(row)


def test_the_panel_says_first_what_is_wrong() -> None:
    view_state = crowd(3)
    rows = [plain(row) for row in safety.safety(view_state, 60, 12)]
    assert rows[0].startswith(("agreement:", "one value a ballot:"))
    assert "VIOLATED" in safety.title(view_state)
    assert any(row.startswith("✗ agreement") for row in rows)
    assert any("events, 0 gaps" in row for row in rows)


def test_a_note_is_never_what_is_cut_off() -> None:
    view_state = crowd(3)
    talk = Conversation(view_state.model)
    queued = plain(chat.line(view_state, talk.get(talk.count - 1), "you", 60, chosen=False))
    assert queued.rstrip().endswith("queued here")


def test_titles_fit_their_panes() -> None:
    view_state = crowd(3)
    for width in (30, 60, 100):
        assert len(chat.title(view_state, True, 0, width)) <= max(width, 40)
