"""A tail goes on at another replica exactly where the last one left it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest
import trio

from paxtui.client import LogEntry, connect
from paxtui.client import tail as tail_module
from paxtui.config import cluster_file
from paxtui.wire.requests import LogPage, TailRequest
from paxtui.wire.values import Ballot
from tests.client.scripted import Caller, Script, scripted


def page(*slots: int, log_start: int = 0, applied: int | None = None, last: bool = False) -> LogPage:
    """A page with those slots."""
    entries = tuple(LogEntry(slot, Ballot(1, 0), "ada~1", slot, f"text {slot}", None) for slot in slots)
    applied = max(slots, default=-1) + 1 if applied is None else applied
    return LogPage(
        id=0, entries=entries, applied=applied, consistency="local", last=last, log_start=log_start
    )


def tells(first: int, *pages: LogPage) -> Script:
    """Be asked for the slots from ``first`` on, send the pages, hang up."""

    async def script(caller: Caller) -> None:
        asked = await caller.hear()
        assert isinstance(asked, TailRequest)
        assert asked.first == first, f"asked for the slots from {asked.first} on, not {first}"
        await caller.say(*pages)

    return script


async def followed(*scripts: Script, first: int = 0, follow: bool = True) -> list[int]:
    """The slots that a tail gives, in the order in which it gives them."""
    slots: list[int] = []
    async with (
        scripted(list(scripts)) as replicas,
        connect(replicas.cluster) as log,
        aclosing(log.tail(first, follow=follow)) as entries,
    ):
        async for entry in entries:
            assert entry.text == f"text {entry.slot}"
            slots.append(entry.slot)
    return slots


@pytest.mark.trio
async def test_the_next_replica_is_asked_for_the_slot_after_the_last_one_that_was_given() -> None:
    slots = await followed(
        tells(0, page(0, 1, 2), page(3)),
        tells(4),
        tells(4, page(4, 5, applied=9)),
        tells(6, page(6, 7, 8, last=True)),
    )
    assert slots == list(range(9))


@pytest.mark.trio
async def test_a_watermark_ahead_of_a_page_skips_nothing_at_a_fail_over() -> None:
    """The replica had applied more than it had sent when it died."""
    slots = await followed(
        tells(3, page(3, 4, applied=100)), tells(5, page(5, 6, applied=7, last=True)), first=3
    )
    assert slots == [3, 4, 5, 6]


@pytest.mark.trio
async def test_what_the_next_replica_repeats_is_given_once() -> None:
    slots = await followed(tells(0, page(0, 1, 2)), tells(3, page(1, 2, 3), page(2, 3, 4, last=True)))
    assert slots == [0, 1, 2, 3, 4]


@pytest.mark.trio
async def test_slots_behind_a_gap_wait_until_the_gap_is_told() -> None:
    slots = await followed(tells(0, page(0, 1), page(3, 4)), tells(2, page(2, 3, 4, 5, last=True)))
    assert slots == [0, 1, 2, 3, 4, 5]


@pytest.mark.trio
async def test_removed_slots_are_passed_over_and_what_a_page_holds_of_them_is_not() -> None:
    """A replica may remove slots between gathering a page and sending it."""
    slots = await followed(
        tells(0, page(0, 1, 2, 3, log_start=2)),
        tells(4, page(6, 7, log_start=6)),
        tells(8, page(log_start=12, applied=12)),
        tells(12, page(12, log_start=12, last=True)),
    )
    assert slots == [0, 1, 2, 3, 6, 7, 12]


@pytest.mark.trio
async def test_a_log_start_above_the_watermark_of_a_replica_that_is_behind_skips_nothing() -> None:
    slots = await followed(
        tells(0, page(0, 1)), tells(2, page(log_start=50, applied=2)), tells(2, page(2, last=True))
    )
    assert slots == [0, 1, 2]


@pytest.mark.trio
async def test_without_follow_a_fail_over_skips_nothing_either() -> None:
    slots = await followed(
        tells(0, page(0, 1, applied=5)), tells(2, page(2, 3, 4), page(applied=5, last=True)), follow=False
    )
    assert slots == [0, 1, 2, 3, 4]


@pytest.mark.trio
async def test_a_tail_that_reaches_nobody_waits_between_two_attempts(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would take all of a processor for as long as the cluster is down."""
    del autojump_clock
    attempts: list[float] = []

    @asynccontextmanager
    async def refuse(*_: object, **__: object) -> AsyncIterator[None]:
        attempts.append(trio.current_time())
        assert len(attempts) < 30, "it does not wait"
        await trio.lowlevel.checkpoint()
        raise ConnectionRefusedError
        yield

    monkeypatch.setattr(tail_module, "dial", refuse)
    with trio.move_on_after(1):
        async for _ in tail_module.tail(cluster_file.local(3), "ada", 0, True, None):
            pytest.fail("nobody told anything")
    assert len(attempts) > 3
