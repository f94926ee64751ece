"""A client whose process stood still for longer than its timeout: ctrl-z, and then fg."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from paxtui.client.errors import Unknown
from paxtui.client.receipt import Receipt
from paxtui.wire.values import Ballot


def give_up(receipt: Receipt) -> None:
    receipt.fail(Unknown("no answer"), trio.current_time())


def begun(timeout_s: float) -> Receipt:
    now = trio.current_time()
    return Receipt(1, "hello", now, now + timeout_s, give_up)


@pytest.mark.trio
async def test_an_answer_that_came_while_the_process_stood_still_is_read(mock_clock: MockClock) -> None:
    receipt = begun(10)
    slots: list[int] = []

    async def wait() -> None:
        slots.append((await receipt.result()).slot)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        mock_clock.jump(60)
        await wait_all_tasks_blocked()
        receipt.succeed(7, Ballot(1, 0), 0, trio.current_time())
    assert slots == [7]


@pytest.mark.trio
async def test_a_process_that_runs_gives_up_at_its_timeout(autojump_clock: MockClock) -> None:
    started = trio.current_time()
    with pytest.raises(Unknown):
        await begun(10).result()
    assert trio.current_time() - started == pytest.approx(10)
