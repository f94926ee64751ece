"""Session ids: what is issued is read back, and nothing else is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paxtui.core.sessions import birth
from paxtui.core.values import CLIENT_CHARS_MAX
from paxtui.wire.hello import NAME_CHARS_MAX
from paxtui.wire.session import (
    NONCE_BYTES,
    SessionId,
    issue,
    name_in_id,
    name_in_old_id,
    name_problem,
    parse,
)
from paxtui.wire.text import client_name

names = st.text(max_size=NAME_CHARS_MAX)
roles = st.sampled_from(["", "client", "operator", "observer"])


@given(names, roles, st.integers(0, 2**53 - 1), st.binary(min_size=NONCE_BYTES, max_size=NONCE_BYTES))
def test_what_is_issued_is_read_back_and_fits_a_command(
    name: str, role: str, born: int, nonce: bytes
) -> None:
    session = issue(name_in_id(name), role, born, nonce)
    assert parse(str(session)) == session
    assert len(str(session)) <= CLIENT_CHARS_MAX
    assert birth(str(session)) == born
    assert (session.name, session.role) == (name_in_id(name), role[:2])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ada~k3v7x2ab@12", SessionId("ada", "", "k3v7x2ab", 12)),
        ("ada~op.k3v7x2ab@0", SessionId("ada", "op", "k3v7x2ab", 0)),
        ("ada~k3v9x2ab@12", None),  # 9 is not in the alphabet of base32
        ("Ada Lovelace~aaaaaaaa@7", SessionId("Ada Lovelace", "", "aaaaaaaa", 7)),
        ("bob", None),
        ("", None),
        ("bob~x@1", None),
        ("bob~aaaaaaaa", None),
        ("~aaaaaaaa@1", None),
        ("bob~aaaaaaaa@", None),
        ("bob~aaaaaaaa@-5", None),
        ("bob~aaaaaaaa@+5", None),
        ("bob~aaaaaaaa@1e5", None),
        ("bob~aaaaaaaa@1_0", None),
        ("bob~aaaaaaaa@01", None),
        ("bob~aaaaaaaa@٣", None),
        ("bob~aaaaaaaa@1\n", None),
        ("bob~aaaaaaaa@99999999999999999", None),
        (f"bob~aaaaaaaa@{2**53}", None),
        ("bob~AAAAAAAA@1", None),
        ("bob~aaaaaaa@1", None),
        ("bob~ (operator eve)~aaaaaaaa@1", None),
        ("bob~aaaaaaaa@1@1", None),
        ("bob~operator.aaaaaaaa@1", None),
        ("bob~.aaaaaaaa@1", None),
    ],
)
def test_nothing_is_read_but_what_a_replica_can_have_issued(text: str, parts: SessionId | None) -> None:
    assert parse(text) == parts


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("ada", "ada"),
        ("", "client"),
        ("a~d@a", "a-d-a"),
        ("Zoë.b-2_x", "Zoë.b-2_x"),
        ("漢字 😀", "漢字-😀"),
        ("ada: hi", "ada--hi"),
        ("bob (operator eve)", "bob--operator-eve-"),
        ("operator/eve", "operator-eve"),
        ("（ada）", "-ada-"),
        ("\u0301a", "-a"),
        ("a\u0301", "a\u0301"),
    ],
)
def test_a_name_in_the_log_is_one_word(name: str, kept: str) -> None:
    assert name_in_id(name) == kept


def test_the_name_is_what_people_see() -> None:
    for role in ("", "operator"):
        assert client_name(str(issue("ada", role, 12, bytes(5)))) == "ada"
    assert client_name("bob~ (operator eve)~x@1") == "bob"


def test_earlier_programs_kept_words_in_names() -> None:
    assert name_in_old_id("a~d@a b") == "a-d-a b"
    assert name_in_old_id("") == "client"


@pytest.mark.parametrize("name", ["\x1b", "a\nb", "a\u202eb", "a\u200db", "\u00a0", "\ud800"])
def test_a_name_that_a_terminal_could_obey_is_none(name: str) -> None:
    assert name_problem(name) == "must be printable"


@pytest.mark.parametrize("name", [" ", " ada", "ada "])
def test_a_name_has_no_space_at_either_end(name: str) -> None:
    assert name_problem(name) == "must not begin or end with a space"
