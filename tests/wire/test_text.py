"""What is shown can do nothing: not move the cursor, not turn the line around, not hide."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paxtui.wire.text import MARKS_MAX, NAMED_CATEGORIES, client_name, visible

everything = st.text(st.characters(codec=None, exclude_categories=())) | st.text()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("hello", "hello"),
        ("", ""),
        ("\x00\x07\x1b[31m\r\n\t\x1f", "␀␇␛[31m␍␊␉␟"),
        ("\x7f", "<007F>"),
        ("\x80\x9b31m\x9f", "<0080><009B>31m<009F>"),
        ("\x85", "<0085>"),
        ("a\u202eb\u2066c\u200f", "a<202E>b<2066>c<200F>"),
        ("a\u200bb\u200cc\u200dd\ufeff\u2060", "a<200B>b<200C>c<200D>d<FEFF><2060>"),
        ("\u2028\u2029", "<2028><2029>"),
        ("\ud800x\udfff", "<D800>x<DFFF>"),
        ("\U000e0041\U000e007f", "<E0041><E007F>"),
        ("\ue000\U0010fffd", "<E000><10FFFD>"),
        ("\u0378", "<0378>"),
        ("\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇"),
        ("\x1b]0;title\x1b\\", "␛]0;title␛\\"),
        ("[red]x[/red] [@click=app.quit]y", "[red]x[/red] [@click=app.quit]y"),
        ("grüße 漢字 😀 e\u0301", "grüße 漢字 😀 e\u0301"),
        ("\u00ad", "<00AD>"),
    ],
)
def test_text_becomes_harmless(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_marks_beyond_a_few_on_one_character_are_left_out() -> None:
    shown = visible("e" + "\u0301" * 100 + "f" + "\u20dd" * 100)
    assert shown == "e" + "\u0301" * MARKS_MAX + "f" + "\u20dd" * MARKS_MAX


def test_a_limit_cuts_the_text_and_says_so() -> None:
    assert visible("abcdef", 4) == "abc…"
    assert visible("abcd", 4) == "abcd"
    assert visible("\x00" * 10, 4) == "␀␀␀…"
    assert len(visible("\x80" * 100_000, 10)) == 10


@given(everything)
def test_nothing_that_a_terminal_could_obey_is_left(text: str) -> None:
    shown = visible(text)
    assert not [character for character in shown if unicodedata.category(character) in NAMED_CATEGORIES]
    shown.encode()  # no surrogate is left that could not be written
    assert len(shown.splitlines()) <= 1


@given(everything)
def test_what_is_safe_stays_as_it_is(text: str) -> None:
    once = visible(text)
    assert visible(once) == once


@given(everything, st.integers(1, 20))
def test_a_limit_is_kept(text: str, limit: int) -> None:
    assert len(visible(text, limit)) <= limit


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_plain_text_is_not_touched(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("client", "name"),
    [
        ("ada~k3v9x2ab@12", "ada"),
        ("no nonce", "no nonce"),
        ("~x@1", "~x@1"),
        ("", ""),
        ("\x1b[2J~x@1", "␛[2J"),
        ("x" * 96, "x" * 63 + "…"),
    ],
)
def test_a_client_is_shown_by_the_name_that_its_session_begins_with(client: str, name: str) -> None:
    assert client_name(client) == name
