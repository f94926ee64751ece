"""Tapes on disk: written in a thread, bounded, and read without trust."""

from __future__ import annotations

import random
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from paxtui.tape import writer as writer_module
from paxtui.tape.position import PositionError, find_position, is_position
from paxtui.tape.reader import TapeReader
from paxtui.tape.step import BLOCK_BYTES_MAX, EVENT, TapeError, TapeStep, pack, unpack
from paxtui.tape.writer import TapeWriter

WALL = 1_700_000_000.0


def step(number: int, body: bytes = b"{}", kind: str = EVENT) -> TapeStep:
    at = float(number)
    return TapeStep(kind, number % 3, number, at, at, at, WALL + at, False, body)


def written(path: Path, count: int, *, body: bytes = b"{}", megabytes: int = 256) -> TapeReader:
    writer = TapeWriter(path, {"cluster": "demo"}, megabytes)
    for number in range(count):
        writer.add(step(number, body))
        if number % 500 == 499:
            writer.sync()
    writer.close()
    assert writer.problem is None
    return TapeReader(path)


def test_what_is_written_is_read_in_one_file(tmp_path: Path) -> None:
    tape = written(tmp_path / "a.tape", 5_000)
    assert (tape.first, tape.end, tape.missing) == (0, 5_000, [])
    assert [found for _, found in tape.steps(0, 5_000)] == [step(number) for number in range(5_000)]
    assert [at for at, _ in tape.steps(1_234, 1_240)] == list(range(1_234, 1_240))
    assert tape.step(4_999) == step(4_999)
    assert tape.step(5_000) is None
    assert tape.meta == {"cluster": "demo"}
    assert list(tmp_path.iterdir()) == [tmp_path / "a.tape"]


def test_it_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    writer = TapeWriter(tmp_path / "a.tape", {})
    writer.add(step(0))
    writer.sync()
    tape = TapeReader(tmp_path / "a.tape")
    assert tape.end == 1
    writer.add(step(1))
    writer.mark("mark", "here", WALL)
    writer.sync()
    tape.look_again()
    assert tape.end == 2
    assert [(mark.position, mark.words) for mark in tape.marks] == [(1, "here")]
    writer.close()


def test_the_oldest_blocks_go_whole_but_never_the_first_nor_what_is_kept(tmp_path: Path) -> None:
    noise = random.Random(1)
    writer = TapeWriter(tmp_path / "a.tape", {}, 1)
    for number in range(6_000):
        writer.add(step(number, noise.randbytes(2_000)))
        if number % 50 == 49:
            writer.sync()
        if number == 1_000:
            writer.keep_around(WALL + 1_000)
    writer.close()
    tape = TapeReader(tmp_path / "a.tape")
    assert tape.missing
    assert tape.blocks[0].first == 0
    kept = range(int(1_000 - writer_module.KEEP_S), int(1_000 + writer_module.KEEP_S))
    assert [at for at in kept if tape.step(at) is None] == []
    assert tape.step(5_999) is not None
    firsts = {block.first for block in tape.blocks}
    assert all(end in firsts for _, end in tape.missing)


def test_when_the_disk_is_too_slow_steps_are_left_out_and_nobody_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "WAITING_MAX", 1)
    monkeypatch.setattr(writer_module, "BATCH_BYTES", 1_000)
    writer = TapeWriter(tmp_path / "a.tape", {})
    for number in range(20_000):
        writer.add(step(number))
    writer.close()
    tape = TapeReader(tmp_path / "a.tape")
    assert tape.missing
    for begin, end in tape.missing:
        assert tape.step(begin) is None
        assert tape.step(end) == step(end)


def test_a_full_disk_stops_the_tape_and_says_so(tmp_path: Path) -> None:
    writer = TapeWriter(tmp_path / "nowhere" / "a.tape", {})
    writer.add(step(0))
    writer.sync()
    writer.close()
    assert writer.problem is not None
    assert "a.tape" in writer.problem


# Strangers


def changed(tape: TapeReader, statement: str, *values: object) -> Path:
    tape.close()
    with closing(sqlite3.connect(tape.path)) as database, database:
        database.execute(statement, values)
    return tape.path


def test_a_block_that_unpacks_to_too_much_is_refused() -> None:
    bomb = zlib.compress(b"\0" * (4 * BLOCK_BYTES_MAX))
    with pytest.raises(TapeError, match="unpacks to more than"):
        unpack(bomb, "block 0")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cut off"),
        (b"hello", "its bytes are damaged"),
        (pack([step(0)])[:-3], "cut off"),
        (zlib.compress(msgspec.msgpack.encode([1, 2])), "it holds no steps"),
        (zlib.compress(msgspec.msgpack.encode([step(0, kind="bomb")])), "unknown kind"),
        (zlib.compress(b"\x91" * 5_000), "it holds no steps"),
    ],
)
def test_a_block_that_is_none_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(TapeError, match=f"block 7: .*{words}"):
        unpack(data, "block 7")


def test_blocks_that_overlap_or_have_too_many_steps_are_refused(tmp_path: Path) -> None:
    for name, statement in (
        ("a", "UPDATE blocks SET count = 900 WHERE first = 0"),
        ("b", "UPDATE blocks SET count = 1000000 WHERE first = 500"),
        ("c", "UPDATE blocks SET count = -1"),
        ("d", "UPDATE blocks SET begins = 'noon'"),
        ("e", "DROP TABLE marks"),
    ):
        path = changed(written(tmp_path / name, 1_000), statement)
        with pytest.raises(TapeError, match=str(path)):
            TapeReader(path)


def test_another_format_is_named(tmp_path: Path) -> None:
    path = changed(written(tmp_path / "a", 10), "PRAGMA user_version = 9")
    with pytest.raises(TapeError, match="format 9; this program reads format 1"):
        TapeReader(path)
    path = changed(written(tmp_path / "b", 10), "PRAGMA application_id = 9")
    with pytest.raises(TapeError, match="it is no tape"):
        TapeReader(path)


# Names of moments


def test_moments_are_named_by_number_time_and_distance(tmp_path: Path) -> None:
    tape = written(tmp_path / "a", 1_000)
    here = WALL + 500.5
    assert find_position("first", tape, here) == 0
    assert find_position("last", tape, here) == 1_000
    assert find_position("#17", tape, here) == 17
    assert find_position("-10s", tape, here) == 491
    assert find_position("+1m", tape, here) == 561
    assert find_position("-2h", tape, here) == 0
    assert find_position("+2h", tape, here) == 1_000
    assert is_position("-3m")
    assert is_position("#12")
    assert not is_position("12:04")


@pytest.mark.parametrize("words", ["", "noon", "25:00", "12:61", "#", "#1001", "-3", "3m", "1e9", "#-1"])
def test_words_that_name_no_moment_are_refused(words: str, tmp_path: Path) -> None:
    tape = written(tmp_path / "a", 1_000)
    with pytest.raises(PositionError):
        find_position(words, tape, WALL)


def test_a_time_of_day_is_the_nearest_one(tmp_path: Path) -> None:
    from datetime import datetime

    tape = written(tmp_path / "a", 1_000)
    for second in (0, 77, 999):
        words = datetime.fromtimestamp(WALL + second).strftime("%H:%M:%S")
        assert find_position(words, tape, WALL + 500) == second
