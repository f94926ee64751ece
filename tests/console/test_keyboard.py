"""Bytes of a terminal, made into events: nothing raises, and only keys become keys."""

from __future__ import annotations

import random

import pytest
from textual import events, messages
from textual.message import Message

from paxtui.console.terminal import keyboard
from paxtui.console.terminal.keyboard import Keyboard


class Typist:
    """A keyboard with a clock of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.keyboard = Keyboard(lambda: self.now)

    def types(self, *chunks: bytes) -> list[Message]:
        """Feed chunks; the events."""
        return [message for chunk in chunks for message in self.keyboard.feed(chunk)]

    def waits(self, seconds: float) -> list[Message]:
        """Let time pass; the events."""
        self.now += seconds
        return list(self.keyboard.tick())


@pytest.fixture
def typist() -> Typist:
    return Typist()


def keys(messages: list[Message]) -> list[str]:
    """The names of keys, if there is nothing else."""
    assert all(isinstance(each, events.Key) for each in messages), messages
    return [each.key for each in messages if isinstance(each, events.Key)]


def pastes(messages: list[Message]) -> list[str]:
    return [each.text for each in messages if isinstance(each, events.Paste)]


def test_a_byte_that_is_no_utf_8_is_one_unknown_character(typist: Typist) -> None:
    assert keys(typist.types(b"a\xe9b")) == ["a", "replacement_character", "b"]


def test_a_character_may_come_byte_by_byte(typist: Typist) -> None:
    assert keys(typist.types(*[bytes([byte]) for byte in "aé日".encode()])) == ["a", "é", "日"]


@pytest.mark.parametrize(
    "reply",
    [
        b"\x1b[?62;22c",  # what a terminal is
        b"\x1b[>41;354;0c",
        b"\x1b[0n",
        b"\x1b[?1u",  # whether it knows kitty's protocol
        b"\x1b[?997;1n",
        b"\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\",
        b"\x1b]11;rgb:1e1e/1e1e/1e1e\x07",
        b"\x1b]52;c;Y3JhY2s=\x07",
        b"\x1bP>|tmux 3.4\x1b\\",
        b"\x1bP1+r544e=787465726d\x1b\\",
        b"\x1b_Gi=31;OK\x1b\\",
        b"\x1b[4;600;800t",
        b"\x1b[48;0;0;0;0t",
        b"\x1b[48;9999999999;9999999999;1;1t",
        b"\x1b[?2048;2$y",
        b"\x1b[I",
        b"\x1b[O",
        b"\x1b[201~",
        b"\x1b[M\xe9\xff\x1b",  # mouse reports of three bytes
        b"\x1b[35;10;10M",
        b"\x1b[<0;99999999999999999999;1M",
        b"\x1b[<0;-5;1M",
        b"\x1b[1114112u",
        b"\x1b[55296u",
        b"\x1b[99;1:3u",  # a key is released
        b"\x1b[1;1:3A",
        b"\x1b[" + 5000 * b"1" + b"c",
        b"\x1bc",  # c with alt
    ],
)
def test_what_is_no_key_becomes_none_however_it_is_cut(typist: Typist, reply: bytes) -> None:
    assert keys(typist.types(reply, b"x")) == ["x"]
    for at in range(1, min(len(reply), 40)):
        assert keys(typist.types(reply[:at], reply[at:], b"x")) == ["x"], at
    assert keys(typist.types(*[bytes([byte]) for byte in reply], b"x")) == ["x"]


def test_keys_have_their_names(typist: Typist) -> None:
    assert keys(typist.types(b"\x1b[A\x1bOA\x1b[[A\x1b[15~\x1b[1;5C\r\x03\x7f")) == [
        *("up", "up", "f1", "f5", "ctrl+right", "enter", "ctrl+c", "backspace")
    ]


def test_keys_of_the_kitty_protocol_have_their_names_whatever_comes_with_them(typist: Typist) -> None:
    assert keys(typist.types(b"\x1b[113u\x1b[99;5u\x1b[99;1:1u\x1b[99;1:2u\x1b[1;5:1A")) == [
        *("q", "ctrl+c", "c", "c", "ctrl+up")
    ]


def test_escape_is_a_key_if_nothing_follows_at_once(typist: Typist) -> None:
    assert typist.types(b"\x1b") == []
    assert keys(typist.waits(1)) == ["escape"]
    assert keys(typist.types(b"\x1b\x1b[A")) == ["escape", "up"]


def test_a_sequence_that_never_ends_does_not_keep_the_keyboard(typist: Typist) -> None:
    for begun in (b"\x1b[12", b"\x1b]11;rgb:", b"\x1bP", b"\x1b["):
        assert typist.types(begun) == []
        assert typist.waits(keyboard.SEQUENCE_S + 1) == []
        assert keys(typist.types(b"x")) == ["x"]


def test_a_sequence_is_cut_off_by_another(typist: Typist) -> None:
    assert keys(typist.types(b"\x1b[12\x1b[A")) == ["up"]
    assert keys(typist.types(b"\x1b]11;rgb\x1b[A")) == ["up"]
    assert keys(typist.types(b"\x1b]11;rgb\x1b", b"[A")) == ["up"]


def test_a_paste_is_one_event_with_all_of_it(typist: Typist) -> None:
    text = "first\r\nsecond é \x1b[31mc \x1b]x third\n"
    data = b"\x1b[200~" + text.encode() + b"\x1b[201~c"
    for cut in range(len(data)):
        found = typist.types(data[:cut], data[cut:])
        assert pastes(found) == [text]
        assert keys(found[1:]) == ["c"]


def test_a_paste_without_an_end_ends_with_ctrl_c_or_with_time(typist: Typist) -> None:
    assert pastes(typist.types(b"\x1b[200~abc\x03")) == ["abc"]
    assert pastes(typist.types(b"\x1b[200~abc\x1b[99;5u")) == ["abc"]
    assert typist.types(b"\x1b[200~abc") == []
    assert pastes(typist.waits(keyboard.PASTE_S + 1)) == ["abc"]
    assert keys(typist.types(b"c")) == ["c"]


def test_a_paste_has_a_limit_and_its_rest_is_no_key(typist: Typist) -> None:
    chunk = 4096 * b"c"
    chunks = [chunk] * (keyboard.PASTE_BYTES_MAX // len(chunk) + 2)
    found = typist.types(b"\x1b[200~", *chunks, b"\x1b[201~", b"x")
    assert [len(text) for text in pastes(found)] == [keyboard.PASTE_BYTES_MAX]
    assert keys(found[1:]) == ["x"]


def test_the_mouse_is_heard(typist: Typist) -> None:
    down, up = typist.types(b"\x1b[<0;5;6M\x1b[<0;5;6m")
    assert isinstance(down, events.MouseDown)
    assert isinstance(up, events.MouseUp)
    assert (down.x, down.y) == (4, 5)


def test_a_size_within_the_input_does_not_move_the_mouse(typist: Typist) -> None:
    (_, down) = typist.types(b"\x1b[?2026;2$y", b"\x1b[48;24;80;480;800t\x1b[<0;5;6M")
    assert isinstance(down, events.MouseDown)
    assert (down.x, down.y) == (4, 5)


PIECES = (
    *(
        b"\x1b",
        b"\x1b[",
        b"\x1b]",
        b"\x1bP",
        b"\x1bO",
        b"\x1b[<",
        b"\x1b[M",
        b"\x1b[200~",
        b"\x1b[201~",
        b"\x1b\\",
    ),
    *(
        b"\x07",
        b"\xe9",
        b"\xff",
        b"\xc3",
        b"\xa9",
        b"\x9b",
        b"\x00",
        b"\r",
        b";",
        b":",
        b"0",
        b"1",
        b"48;",
        b"$y",
    ),
    *(b"99999999999", b"M", b"m", b"u", b"~", b"A", b"R", b"t", b"c", b"I", b"-1", b"?2048;2"),
)


def test_no_input_raises(typist: Typist) -> None:
    chance = random.Random(20261130)
    allowed = (
        *(events.Key, events.Paste, events.MouseEvent, events.CursorPosition),
        messages.TerminalSupportsSynchronizedOutput,
    )
    for _ in range(20_000):
        data = b"".join(chance.choices(PIECES, k=chance.randint(1, 8)))
        if chance.random() < 0.2:
            data += chance.randbytes(8)
        found = typist.types(data) + typist.waits(chance.choice((0.0, 0.0, 0.2, 2.0, 6.0)))
        assert all(isinstance(each, allowed) for each in found), (data, found)
    typist.waits(6.0)
    assert keys(typist.types(b"x")) == ["x"]
