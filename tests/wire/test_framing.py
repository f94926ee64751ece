"""Frames: whatever way the network cuts the stream, the same bodies come out, and no length is believed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paxtui.wire import FRAME_BYTES_MAX, FrameReader, WireError, frame

BODIES = [b"{}", b'{"type":"ready"}', b"x", "é".encode() * 5]
STREAM = b"".join(map(frame, BODIES))


def read(*pieces: bytes) -> list[bytes]:
    reader = FrameReader()
    return [body for piece in pieces for body in reader.feed(piece)]


@pytest.mark.parametrize("cut", range(len(STREAM) + 1))
def test_a_stream_may_be_cut_at_any_byte(cut: int) -> None:
    assert read(STREAM[:cut], STREAM[cut:]) == BODIES


def test_a_stream_may_come_byte_by_byte() -> None:
    assert read(*(STREAM[at : at + 1] for at in range(len(STREAM)))) == BODIES


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=8), st.data())
def test_what_was_framed_comes_out_whole_in_any_pieces(bodies: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(map(frame, bodies))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    edges = [0, *cuts, len(stream)]
    assert read(*(stream[one:other] for one, other in pairwise(edges))) == bodies


def test_a_frame_is_its_length_in_four_big_endian_bytes_and_its_body() -> None:
    assert frame(b"abc") == b"\x00\x00\x00\x03abc"


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"\x00\x00\x00\x00", id="zero"),
        pytest.param((FRAME_BYTES_MAX + 1).to_bytes(4, "big"), id="one above the limit"),
        pytest.param(b"\xff\xff\xff\xff", id="minus one"),
        pytest.param(b"\x80\x00\x00\x00", id="the lowest signed number"),
        pytest.param((10**9).to_bytes(4, "big"), id="a gigabyte"),
        pytest.param(b"GET ", id="HTTP"),
        pytest.param(b"\x16\x03\x01\x02", id="TLS"),
    ],
)
def test_an_impossible_length_is_refused_before_any_of_the_body_comes(head: bytes) -> None:
    with pytest.raises(WireError, match=rf"{int.from_bytes(head, 'big')} bytes; 1 to {FRAME_BYTES_MAX}"):
        read(head)


def test_frames_before_an_impossible_length_are_still_read() -> None:
    feed = FrameReader().feed(frame(b"first") + bytes(4))
    assert next(feed) == b"first"
    with pytest.raises(WireError):
        next(feed)


def test_the_largest_body_passes_and_one_byte_more_does_not() -> None:
    largest = b"x" * FRAME_BYTES_MAX
    assert read(frame(largest)) == [largest]
    with pytest.raises(WireError, match="limit"):
        frame(largest + b"x")


@pytest.mark.parametrize("cut", range(1, len(frame(BODIES[1]))))
def test_a_reader_knows_that_a_frame_was_cut_off(cut: int) -> None:
    reader = FrameReader()
    assert list(reader.feed(frame(BODIES[1])[:cut])) == []
    assert reader.partial


def test_between_frames_nothing_is_partial() -> None:
    reader = FrameReader()
    assert not reader.partial
    list(reader.feed(STREAM))
    assert not reader.partial


def test_a_reader_that_was_left_in_mid_stream_goes_on_with_the_next_frame() -> None:
    reader = FrameReader()
    for body in reader.feed(STREAM):
        assert body == BODIES[0]
        break
    assert list(reader.feed(b"")) == BODIES[1:]


def test_a_reader_holds_no_more_than_what_is_not_read_yet() -> None:
    reader = FrameReader()
    for _ in range(50):
        assert len(list(reader.feed(frame(b"x" * 100_000)))) == 1
    assert len(reader._buffer) < 300_000
