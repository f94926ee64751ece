"""The applied log as readers see it: from memory and from disk, and nothing missing in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
import trio.testing

from paxtui.core.ballot import Ballot
from paxtui.core.output import Applied, PutEntries, PutState, PutSuppressed
from paxtui.core.values import NOOP, Command, Entry
from paxtui.replica.log import applied_log as feed_module
from paxtui.replica.log.applied_log import PAGE_CHARS, AppliedLog
from paxtui.storage.store import Store
from paxtui.wire.requests import LogEntry

B = Ballot(1, 0)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "r0", cluster="c", name="demo", replica=0)
    yield opened
    opened.close()


def entry(slot: int) -> Entry:
    return Entry(B, NOOP) if slot % 5 == 4 else Entry(B, Command("ada~x@0", slot, f"text {slot}"))


def apply(applied_log: AppliedLog, storage: Store, first: int, upto: int, *, commit: bool = True) -> None:
    entries = tuple(map(entry, range(first, upto)))
    suppressed = {slot: 0 for slot in range(first, upto) if slot % 7 == 6}
    if commit:
        checkpoints = [PutSuppressed(slot, repeats) for slot, repeats in suppressed.items()]
        storage.commit([[PutEntries(first, entries), *checkpoints, PutState(B, 1, upto, bytes(32))]])
    applied_log.append(Applied(first, entries, suppressed))


def row(slot: int) -> LogEntry:
    value = entry(slot).value
    return LogEntry(slot, B, value.client, value.request, value.text, 0 if slot % 7 == 6 else None)


async def everything(applied_log: AppliedLog, first: int = 0, limit: int = 2048) -> list[LogEntry]:
    rows: list[LogEntry] = []
    while page := await applied_log.page(first, limit):
        rows += page
        first += len(page)
    return rows


@pytest.mark.trio
@pytest.mark.parametrize("kept", [0, 1, 7, 100, 1000])
async def test_a_reader_sees_every_slot_once_wherever_memory_ends(
    storage: Store, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.setattr(feed_module, "RECENT_SLOTS", kept)
    applied_log = AppliedLog(storage, 0)
    for first in range(0, 100, 10):
        apply(applied_log, storage, first, first + 10)
    for first in (0, 1, 50, 92, 93, 94, 99):
        for limit in (1, 9, 2048):
            assert await everything(applied_log, first, limit) == list(map(row, range(first, 100)))
    assert await applied_log.page(100, 10) == ()
    assert await applied_log.page(10**15, 10) == ()


@pytest.mark.trio
async def test_an_entry_leaves_memory_only_when_it_is_on_disk(
    storage: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "RECENT_SLOTS", 5)
    applied_log = AppliedLog(storage, 0)
    apply(applied_log, storage, 0, 10)
    apply(applied_log, storage, 10, 60, commit=False)
    assert await everything(applied_log) == list(map(row, range(60)))


@pytest.mark.trio
async def test_memory_is_bounded_in_characters_too(storage: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "RECENT_CHARS", 1000)
    applied_log = AppliedLog(storage, 0)
    for first in range(0, 200, 10):
        apply(applied_log, storage, first, first + 10)
    assert len(applied_log._recent) < 40
    assert await everything(applied_log) == list(map(row, range(200)))


@pytest.mark.trio
async def test_after_a_restart_everything_older_comes_from_disk(storage: Store) -> None:
    apply(AppliedLog(storage, 0), storage, 0, 30)
    applied_log = AppliedLog(storage, 30)
    assert applied_log.watermark == 30
    apply(applied_log, storage, 30, 40)
    assert await everything(applied_log) == list(map(row, range(40)))


@pytest.mark.trio
@pytest.mark.parametrize("in_memory", [True, False])
async def test_a_page_is_cut_before_it_is_too_long_for_a_frame_and_never_empty(
    storage: Store, monkeypatch: pytest.MonkeyPatch, in_memory: bool
) -> None:
    if not in_memory:
        monkeypatch.setattr(feed_module, "RECENT_SLOTS", 0)
    applied_log = AppliedLog(storage, 0)
    entries = tuple(Entry(B, Command("a", slot, "x" * 60_000)) for slot in range(5))
    storage.commit([[PutEntries(0, entries), PutState(B, 1, 5, bytes(32))]])
    applied_log.append(Applied(0, entries, {}))
    monkeypatch.setattr(feed_module, "PAGE_CHARS", PAGE_CHARS)
    assert len(await applied_log.page(0, 2048)) == 2
    monkeypatch.setattr(feed_module, "PAGE_CHARS", 10)
    assert [each.slot for each in await applied_log.page(3, 2048)] == [3]


@pytest.mark.trio
async def test_whoever_waits_wakes_when_the_log_is_long_enough(storage: Store) -> None:
    applied_log = AppliedLog(storage, 0)
    woken = []

    async def wait(slot: int) -> None:
        await applied_log.wait_beyond(slot)
        woken.append(slot)

    async with trio.open_nursery() as nursery:
        for slot in (0, 4, 5):
            nursery.start_soon(wait, slot)
        await trio.testing.wait_all_tasks_blocked()
        apply(applied_log, storage, 0, 3)
        await trio.testing.wait_all_tasks_blocked()
        assert woken == [0]
        apply(applied_log, storage, 3, 5)
        await trio.testing.wait_all_tasks_blocked()
        assert sorted(woken) == [0, 4]
        apply(applied_log, storage, 5, 6)
    assert sorted(woken) == [0, 4, 5]
