"""The log for people: one line a message, and after any crash the same file again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from paxtui.core.ballot import Ballot
from paxtui.core.output import Applied
from paxtui.core.values import NOOP, Command, Entry
from paxtui.replica.log import message_log
from paxtui.replica.log.message_log import FORGET_BYTES_MIN, TAIL_BYTES, MessageLog, line
from paxtui.storage.errors import StorageFailed, StorageRefused

B = Ballot(1, 0)


def entry(slot: int, text: str | None = None) -> Entry:
    return Entry(B, Command("ada~x@0", slot, f"text {slot}" if text is None else text))


def write(path: Path, upto: int, *, noops: frozenset[int] = frozenset()) -> bytes:
    log = MessageLog(path)
    entries = tuple(Entry(B, NOOP) if slot in noops else entry(slot) for slot in range(upto))
    log.append(Applied(0, entries, {}))
    log.close()
    return path.read_bytes()


def repair(path: Path, watermark: int) -> int:
    log = MessageLog(path)
    try:
        return log.repair(watermark)
    finally:
        log.close()


def test_a_line_is_slot_name_and_text(tmp_path: Path) -> None:
    assert write(tmp_path / "log", 2) == b"0\tada\ttext 0\n1\tada\ttext 1\n"


def test_no_ops_and_repetitions_have_no_line(tmp_path: Path) -> None:
    log = MessageLog(tmp_path / "log")
    log.append(Applied(5, (entry(5), Entry(B, NOOP), entry(7), entry(8)), {7: 5}))
    log.close()
    assert (tmp_path / "log").read_text() == "5\tada\ttext 5\n8\tada\ttext 8\n"


@given(st.text(), st.text(max_size=96))
def test_a_line_is_one_line_whatever_was_sent(text: str, client: str) -> None:
    written = line(3, Command(client, 1, text))
    assert written.endswith("\n")
    assert len(written.splitlines()) == 1
    assert written.count("\t") == 2
    assert not [character for character in written[:-1] if character < " " and character != "\t"]


def test_a_whole_file_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "log"
    whole = write(path, 20)
    assert repair(path, 20) == 20
    assert path.read_bytes() == whole


def test_a_file_may_end_in_holes(tmp_path: Path) -> None:
    """No-ops at the end leave no lines: writing them again adds none."""
    path = tmp_path / "log"
    whole = write(path, 10, noops=frozenset({8, 9}))
    assert repair(path, 10) == 8
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"garbage", b"garbage\nmore\n", b"\x00" * 100, b"x\ty\tz\n", b"7"]
)
def test_what_is_no_log_is_written_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "log"
    path.write_bytes(content)
    assert repair(path, 20) == 0
    assert path.read_bytes() == b""


def test_lines_beyond_the_watermark_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "log"
    write(path, 20)
    assert repair(path, 12) == 12
    assert path.read_bytes().endswith(b"11\tada\ttext 11\n")
    assert repair(path, 0) == 0
    assert path.read_bytes() == b""


def test_an_end_torn_at_any_byte_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "log"
    whole = write(path, 12)
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        start = repair(path, 12)
        kept = path.read_bytes()
        assert whole.startswith(kept)
        log = MessageLog(path)
        assert log.repair(12) == start
        log.write_entries(((slot, entry(slot)) for slot in range(start, 12)), {})
        log.close()
        assert path.read_bytes() == whole


@pytest.mark.parametrize("chars", [1, 1000, TAIL_BYTES - 3, TAIL_BYTES, 3 * TAIL_BYTES])
def test_repair_finds_lines_longer_than_it_reads_at_once(tmp_path: Path, chars: int) -> None:
    path = tmp_path / "log"
    log = MessageLog(path)
    for slot in range(6):
        log.write_entries([(slot, entry(slot, "x" * chars))], {})
    log.close()
    whole = path.read_bytes()
    for watermark in (6, 4, 1):
        path.write_bytes(whole + b"6\ttorn")
        assert repair(path, watermark) == watermark
        assert path.read_bytes() == b"".join(whole.splitlines(keepends=True)[:watermark])


@given(st.data())
def test_after_any_damage_at_the_end_the_file_is_the_same_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / f"log-{os.getpid()}"
    path.unlink(missing_ok=True)
    texts = data.draw(st.lists(st.text(max_size=30), min_size=1, max_size=20))
    entries = [entry(slot, text) if text else Entry(B, NOOP) for slot, text in enumerate(texts)]
    log = MessageLog(path)
    log.append(Applied(0, tuple(entries), {}))
    log.close()
    whole = path.read_bytes()
    ahead = data.draw(st.integers(0, 3))
    early = b"".join(line(len(texts) + i, entry(0).value).encode() for i in range(ahead))
    damaged = whole + early
    path.write_bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    log = MessageLog(path)
    start = log.repair(len(texts))
    log.write_entries(((slot, entries[slot]) for slot in range(start, len(texts))), {})
    log.close()
    assert path.read_bytes() == whole


def test_a_folder_in_the_files_place_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    with pytest.raises(
        StorageRefused, match=r"log: cannot be written: Is a directory; name another --log-dir"
    ):
        MessageLog(tmp_path / "log")


def test_a_full_disk_stops_with_the_name_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.symlink_to("/dev/full")
    log = MessageLog(path)
    with pytest.raises(StorageFailed, match=r"log: No space left on device; the replica stops"):
        log.append(Applied(0, (entry(0),), {}))
    log.close()


# Removed slots


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files are copied as well."""
    monkeypatch.setattr(message_log, "FORGET_BYTES_MIN", 1)


def slots_of(path: Path) -> list[int]:
    """The slots of the whole lines of a file; nothing else may be in it."""
    content = path.read_bytes()
    assert not content or content.endswith(b"\n")
    return [int(piece.split(b"\t")[0]) for piece in content.splitlines()]


@pytest.mark.trio
@pytest.mark.parametrize("chars", [0, 1, 3000, TAIL_BYTES - 3, 2 * TAIL_BYTES])
@pytest.mark.parametrize("log_start", [11, 15, 19])
async def test_lines_below_the_log_start_are_cut_off_at_a_line_border(
    tmp_path: Path, soon: None, chars: int, log_start: int
) -> None:
    path = tmp_path / "log"
    log = MessageLog(path)
    log.write_entries(((slot, entry(slot, "x" * chars)) for slot in range(20)), {})
    await log.drop_below(log_start)
    assert slots_of(path) == list(range(log_start, 20))
    log.append(Applied(20, (entry(20),), {}))
    log.close()
    assert slots_of(path) == list(range(log_start, 21))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.trio
async def test_a_log_start_in_a_gap_keeps_what_comes_after_it(tmp_path: Path, soon: None) -> None:
    path = tmp_path / "log"
    write(path, 40, noops=frozenset(range(25, 35)))
    log = MessageLog(path)
    await log.drop_below(30)
    log.close()
    assert slots_of(path) == list(range(35, 40))


@pytest.mark.trio
async def test_a_log_start_above_the_last_line_leaves_none(tmp_path: Path, soon: None) -> None:
    path = tmp_path / "log"
    write(path, 20)
    log = MessageLog(path)
    await log.drop_below(50)
    log.append(Applied(60, (entry(60),), {}))
    log.close()
    assert slots_of(path) == [60]


@pytest.mark.trio
async def test_what_is_appended_during_the_copy_is_kept(
    tmp_path: Path, soon: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log"
    write(path, 20)
    log = MessageLog(path)
    log.repair(20)
    original = log._copy
    copies: list[int] = []

    def copy(fresh: Path, start: int, end: int) -> None:
        original(fresh, start, end)
        copies.append(end - start)
        if len(copies) == 1:
            trio.from_thread.run_sync(log.append, Applied(20, (entry(20), entry(21)), {}))

    monkeypatch.setattr(log, "_copy", copy)
    await log.drop_below(15)
    log.append(Applied(22, (entry(22),), {}))
    log.close()
    assert len(copies) == 2
    assert slots_of(path) == list(range(15, 23))


@pytest.mark.trio
@pytest.mark.parametrize("log_start", [0, 1, 9])
async def test_a_file_that_would_lose_less_than_half_is_left(
    tmp_path: Path, soon: None, log_start: int
) -> None:
    path = tmp_path / "log"
    whole = write(path, 20)
    inode = path.stat().st_ino
    log = MessageLog(path)
    await log.drop_below(log_start)
    log.close()
    assert (path.read_bytes(), path.stat().st_ino) == (whole, inode)


@pytest.mark.trio
async def test_a_small_file_is_not_worth_the_copying_and_a_large_one_is(tmp_path: Path) -> None:
    path = tmp_path / "log"
    whole = write(path, 20)
    log = MessageLog(path)
    log.repair(20)
    await log.drop_below(19)
    assert path.read_bytes() == whole
    log.write_entries([(20, entry(20, "x" * FORGET_BYTES_MIN)), (21, entry(21))], {})
    await log.drop_below(21)
    log.close()
    assert slots_of(path) == [21]


@pytest.mark.trio
async def test_a_copy_that_was_killed_is_begun_anew(tmp_path: Path, soon: None) -> None:
    path = tmp_path / "log"
    write(path, 20)
    (tmp_path / "log.new").write_text("17\tada\thalf of the")
    log = MessageLog(path)
    await log.drop_below(15)
    log.close()
    assert slots_of(path) == list(range(15, 20))


@pytest.mark.trio
async def test_a_file_that_was_cut_at_its_beginning_is_repaired_like_any_other(
    tmp_path: Path, soon: None
) -> None:
    path = tmp_path / "log"
    write(path, 20)
    log = MessageLog(path)
    await log.drop_below(15)
    log.close()
    assert repair(path, 18) == 18
    assert slots_of(path) == [15, 16, 17]
