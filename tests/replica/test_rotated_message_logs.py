"""The message log under a program that rotates logs: by copying and emptying, or by renaming and SIGHUP."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from paxtui.core.ballot import Ballot
from paxtui.core.output import Applied
from paxtui.core.values import Command, Entry
from paxtui.replica.log import message_log
from paxtui.replica.log.message_log import MessageLog
from tests.replica.conditions import until
from tests.replica.processes import Replicas


def append(log: MessageLog, first: int, upto: int) -> None:
    entries = tuple(
        Entry(Ballot(1, 0), Command("ada~x@0", slot, f"text {slot}")) for slot in range(first, upto)
    )
    log.append(Applied(first, entries, {}))


def lines(*slots: int) -> bytes:
    return b"".join(b"%d\tada\ttext %d\n" % (slot, slot) for slot in slots)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "replica-0.log"


@pytest.fixture
def log(path: Path) -> Iterator[MessageLog]:
    """A log with the lines of slots 0 to 2."""
    log = MessageLog(path)
    assert log.repair(0) == 0
    append(log, 0, 3)
    yield log
    log.close()


def start_again(path: Path, watermark: int) -> int:
    """The slot from which a replica that starts writes lines."""
    log = MessageLog(path)
    try:
        return log.repair(watermark)
    finally:
        log.close()


def empty(path: Path) -> None:
    os.truncate(path, 0)


def test_a_file_that_was_emptied_goes_on_at_its_beginning(log: MessageLog, path: Path) -> None:
    empty(path)
    append(log, 3, 5)
    assert path.read_bytes() == lines(3, 4)


def test_what_was_rotated_away_is_not_written_again(log: MessageLog, path: Path) -> None:
    empty(path)
    append(log, 3, 5)
    assert start_again(path, 5) == 5
    path.write_bytes(b"damaged")
    assert start_again(path, 5) == 3
    assert path.read_bytes() == b""


def test_a_rotation_with_no_line_after_it_is_noticed_at_the_stop(path: Path) -> None:
    log = MessageLog(path)
    log.repair(0)
    append(log, 0, 3)
    empty(path)
    log.close()
    assert start_again(path, 3) == 3


def test_a_log_that_was_emptied_again_begins_where_the_last_rotation_was(log: MessageLog, path: Path) -> None:
    for first in (3, 6):
        empty(path)
        append(log, first, first + 3)
    path.write_bytes(b"")
    assert start_again(path, 9) == 6


def test_a_log_that_was_deleted_is_written_anew(path: Path) -> None:
    log = MessageLog(path)
    log.repair(0)
    append(log, 0, 3)
    empty(path)
    append(log, 3, 5)
    log.close()
    path.unlink()
    assert start_again(path, 5) == 0
    empty(path)
    assert start_again(path, 5) == 0


def test_a_rotation_in_another_life_of_the_cluster_is_forgotten(path: Path) -> None:
    log = MessageLog(path)
    log.repair(0)
    append(log, 0, 3)
    empty(path)
    log.close()
    assert start_again(path, 0) == 0  # with an empty data folder
    assert start_again(path, 5) == 0


@pytest.mark.trio
@pytest.mark.parametrize("created", [False, True], ids=["", "a new file is there"])
async def test_after_a_renaming_lines_go_into_a_new_file(log: MessageLog, path: Path, created: bool) -> None:
    old = path.rename(path.with_name("replica-0.log.1"))
    if created:
        path.touch()
    append(log, 3, 4)
    await log.reopen()
    append(log, 4, 6)
    assert old.read_bytes() == lines(0, 1, 2, 3)
    assert path.read_bytes() == lines(4, 5)
    empty(path)
    assert start_again(path, 6) == 4


@pytest.mark.trio
async def test_opening_again_without_a_rotation_changes_nothing(log: MessageLog, path: Path) -> None:
    await log.reopen()
    append(log, 3, 4)
    assert path.read_bytes() == lines(0, 1, 2, 3)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.trio
async def test_a_file_that_cannot_be_opened_leaves_the_present_one(log: MessageLog, path: Path) -> None:
    old = path.rename(path.with_name("old"))
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        await log.reopen()
    append(log, 3, 4)
    assert old.read_bytes() == lines(0, 1, 2, 3)


@pytest.mark.trio
@pytest.mark.parametrize("way", ["emptied", "renamed"])
async def test_a_rotation_during_the_copy_of_what_is_kept_leaves_the_file_alone(
    log: MessageLog, path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_log, "FORGET_BYTES_MIN", 1)
    append(log, 3, 100)
    copy = MessageLog._copy

    def rotate_first(self: MessageLog, fresh: Path, start: int, end: int) -> None:
        monkeypatch.setattr(MessageLog, "_copy", copy)
        if way == "emptied":
            empty(path)
        else:
            path.rename(path.with_name("old"))
            path.touch()
        copy(self, fresh, start, end)

    monkeypatch.setattr(MessageLog, "_copy", rotate_first)
    with trio.fail_after(30):
        await log.drop_below(90)
    assert path.read_bytes() == b""
    assert not path.with_name("replica-0.log.new").exists()
    await log.reopen()
    append(log, 100, 101)
    assert path.read_bytes() == lines(100)


# A replica under it


@pytest.mark.processes
def test_a_replica_without_certificates_takes_sighup_as_the_word_to_open_its_message_log_again(
    tmp_path: Path,
) -> None:
    one = Replicas(tmp_path, 1)
    path = tmp_path / "replica-0.log"
    try:
        one.start(0)
        one.until_led()
        one.append("a")
        until(lambda: path.read_bytes() == b"0\ttest\ta\n", "the file has the first line")
        shutil.copy(path, tmp_path / "copied")
        empty(path)
        one.append("b")
        until(lambda: path.read_bytes() == b"1\ttest\tb\n", "the emptied file goes on at its beginning")
        path.rename(tmp_path / "renamed")
        one.signal(0, signal.SIGHUP)
        one.until_said(0, f"SIGHUP: the message log {path} is opened again")
        one.until_said(0, "SIGHUP: there are no certificates to read again")
        one.append("c")
        until(lambda: path.read_bytes() == b"2\ttest\tc\n", "the new file has the next line")
        one.signal(0, signal.SIGTERM)
        assert one.wait(0) == 0
    finally:
        one.close()
