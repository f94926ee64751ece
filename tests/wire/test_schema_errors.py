"""What is wrong with a value is found by ourselves, so that no library's words reach a user."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paxtui.config.cluster_file import ConfigError
from paxtui.config.folders import ConfigText
from paxtui.wire import PeerMessage
from paxtui.wire import hello as h
from paxtui.wire import requests as r
from paxtui.wire.schema_errors import (
    INT_MAX,
    INT_MIN,
    TOML_WORDS,
    UNEXPLAINED,
    explain_json,
    find_mistake,
)
from tests.wire.strategies import peer_messages, requests

REQUESTS: Any = h.Hello | r.ClientRequest | r.OperatorRequest | r.ObserverRequest
PEERS: Any = PeerMessage | h.Ready

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)


def damaged(value: Any, path: list[int], other: object) -> Any:
    """The value with one place in it, chosen by ``path``, replaced."""
    if not path or not isinstance(value, dict | list) or not value:
        return other
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = keys[path[0] % len(keys)]
    changed = value.copy()
    changed[key] = damaged(value[key], path[1:], other)
    return changed


def refused(body: bytes, type_: Any) -> str | None:
    try:
        msgspec.json.decode(body, type=type_)
    except msgspec.ValidationError as error:
        return str(error)
    return None


@pytest.mark.parametrize(("type_", "messages"), [(REQUESTS, requests), (PEERS, peer_messages)])
def test_a_mistake_is_found_exactly_where_the_decoder_refuses(type_: Any, messages: Any) -> None:
    @given(messages, st.lists(st.integers(0, 9), max_size=4), scalars)
    def check(message: msgspec.Struct, path: list[int], other: object) -> None:
        value = damaged(msgspec.json.decode(msgspec.json.encode(message)), path, other)
        body = msgspec.json.encode(value)
        refusal = refused(body, type_)
        if refusal is None:
            assert find_mistake(msgspec.json.decode(body), type_) is None
            return
        _, words = explain_json(body, type_)
        assert words != UNEXPLAINED, refusal
        # The library names the same place, in a form that all its versions have had.
        assert words.partition(" - at ")[2] == refusal.partition(" - at ")[2], (words, refusal)

    check()


TOO_LARGE = f"expected a whole number from {INT_MIN} to {INT_MAX} - at `$.count`"


class Plain(msgspec.Struct, forbid_unknown_fields=True):
    count: int
    names: list[str] = []
    maybe: float | None = None
    head: Annotated[bytes, msgspec.Meta(min_length=2, max_length=3)] = b"abc"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({}, "missing field `count`"),
        ({"count": 1, "more": 1}, "unknown field `more`"),
        ({"count": "1"}, "expected a whole number, got text - at `$.count`"),
        ({"count": True}, "expected a whole number, got true or false - at `$.count`"),
        ({"count": 1.5}, "expected a whole number, got a number - at `$.count`"),
        ({"count": None}, "expected a whole number, got null - at `$.count`"),
        ({"count": 1, "names": {}}, "expected a list, got a table - at `$.names`"),
        ({"count": 1, "names": ["a", 1]}, "expected text, got a whole number - at `$.names[1]`"),
        ({"count": 1, "maybe": "x"}, "expected a number, got text - at `$.maybe`"),
        ({"count": 1, "maybe": []}, "expected a number, got a list - at `$.maybe`"),
        (7, "expected a table, got a whole number"),
        ({"count": 1, "head": 7}, "expected bytes in base64, got a whole number - at `$.head`"),
        ({"count": 1, "head": "YWJ"}, "expected bytes in base64, got text - at `$.head`"),
        ({"count": 1, "head": "YQ=="}, "expected bytes in base64 of length >= 2 - at `$.head`"),
        ({"count": 1, "head": "YWJjZA=="}, "expected bytes in base64 of length <= 3 - at `$.head`"),
        ({"count": 1, "head": "YWI="}, "None"),
        ({"count": 1, "names": ["a"], "maybe": 1}, "None"),
    ],
)
def test_each_mistake_in_a_table_has_its_words(value: object, words: str) -> None:
    assert str(find_mistake(value, Plain, TOML_WORDS)) == words


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"count":1,"count":"x"}', "expected a whole number, got text - at `$.count`"),
        (b'{"count":1,"\xc3\xa9":1,}', "not JSON: something is wrong at byte 18"),
        (b'{"count":NaN}', "not JSON: NaN and Infinity are not numbers there"),
        (b'{"count":1,"names":["\xff"]}', "not UTF-8: byte 21 is 0xff"),
        (rb'{"count":1,"names":["ok","\ud800"]}', "not JSON: half a surrogate pair - at `$.names[1]`"),
        (
            b'{"count":1' + b"0" * 5000 + b"}",
            TOO_LARGE,
        ),
        (b"[" * 100_000, UNEXPLAINED),
        (b"[" * 20_000, "nested too deeply"),
    ],
)
def test_each_mistake_in_the_bytes_has_its_words(body: bytes, words: str) -> None:
    assert explain_json(body, Plain)[1] == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = 1\nb = \n", 'file:2: is not TOML at column 5, in "b ="'),
        ("a = 1\n[b\n", 'file:2: is not TOML at column 3, in "[b"'),
        ("a = 1\nb = '''x", "file:2: is not TOML, in \"b = '''x\""),
    ],
)
def test_what_is_not_toml_is_told_by_its_place(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        ConfigText("file", text).toml()
    if sys.version_info < (3, 14):  # later versions count the columns of an end otherwise
        assert str(refused.value) == words
    assert str(refused.value).startswith("file:2: is not TOML")
