"""What is counted of those who connect: lines about them, patience with them, and what they hold."""

from __future__ import annotations

import io
from collections import Counter

import pytest
import trio
from trio.testing import MockClock

from paxtui.config.limits import Limits
from paxtui.replica.event_log import EventLog
from paxtui.replica.transport.admission import (
    IDLE,
    STALLED,
    STRANGERS,
    AdmissionControl,
    BufferPool,
    IdleTimeouts,
)


def guests(lines: io.StringIO, **limits: int) -> AdmissionControl:
    return AdmissionControl(Limits(**limits), Counter(), EventLog(0, "debug", as_json=False, file=lines))


def told(lines: io.StringIO) -> list[str]:
    """The lines of the log since the last call, without what stands before the text."""
    found = [line.partition("WARNING: ")[2] for line in lines.getvalue().splitlines()]
    lines.seek(0)
    lines.truncate()
    return found


@pytest.mark.trio
async def test_lines_about_strangers_are_limited_and_what_is_left_out_is_counted(
    autojump_clock: MockClock,
) -> None:
    """Three at once, ten more a second."""
    del autojump_clock
    lines = io.StringIO()
    counts = guests(lines, complaints=3)
    for number in range(5):
        counts.complain(f"line {number}")
    assert told(lines) == ["line 0", "line 1", "line 2"]
    await trio.sleep(0.05)
    counts.complain("half a line is back")
    assert told(lines) == []
    await trio.sleep(0.06)
    counts.complain("one is back")
    assert told(lines) == ["3 lines like the next were left out", "one is back"]
    await trio.sleep(60)
    for number in range(4):
        counts.complain(f"line {number}")
    assert told(lines) == ["line 0", "line 1", "line 2"], "no more than three at once ever come back"


@pytest.mark.trio
async def test_a_stranger_too_many_drives_out_the_oldest() -> None:
    counts = guests(io.StringIO(), strangers=2)
    first, second, third = (counts.enter("127.0.0.1") for _ in range(3))
    assert [each.evicted for each in (first, second, third)] == [True, False, False]
    assert (counts.strangers, counts.counters[f"refused: {STRANGERS}"]) == (2, 1)
    counts.welcome(second, peer=False)
    counts.welcome(third, peer=True)
    assert (counts.strangers, counts.count) == (0, 1), "a peer is no guest"
    counts.leave(third)
    assert counts.count == 1
    counts.leave(second)
    assert counts.count == 0


@pytest.mark.trio
async def test_so_many_connections_may_be_open_here_and_of_one_address() -> None:
    counts = guests(io.StringIO(), connections=3, connections_an_address=2)
    for host, allowed in (("a", True), ("a", True), ("a", False), ("b", True), ("c", False)):
        guest = counts.enter(host)
        assert (counts.objection(guest) is None) is allowed
        if allowed:
            counts.welcome(guest, peer=False)
        else:
            counts.leave(guest)


def test_who_holds_most_has_to_go_when_all_hold_too_much() -> None:
    gone: list[str] = []
    pool = BufferPool(10)

    def small() -> None:
        gone.append("small")

    def large() -> None:
        gone.append("large")

    pool.hold(small, 4)
    pool.hold(large, 6)
    assert (pool.used, gone) == (10, [])
    pool.hold(small, 5)
    assert (pool.used, gone) == (5, ["large"])
    pool.hold(small, 0)
    assert (pool.used, gone) == (0, ["large"])


@pytest.mark.trio
async def test_patience_ends_with_who_takes_nothing_and_with_who_says_nothing(
    autojump_clock: MockClock,
) -> None:
    del autojump_clock
    patience = IdleTimeouts(Limits(idle_s=10.0, stalled_s=4.0))
    assert patience.look_s == 1.0
    await trio.sleep(3)
    assert patience.judge(0, 5, busy=False) is None
    assert patience.judge(1, 5, busy=False) is None, "something left"
    await trio.sleep(3.5)
    assert patience.judge(1, 5, busy=False) is None
    await trio.sleep(1)
    stalled = patience.judge(1, 5, busy=False)
    assert stalled is not None
    assert stalled.kind == STALLED
    assert patience.judge(1, 0, busy=False) is None, "nothing waits"
    await trio.sleep(3)
    assert patience.judge(1, 0, busy=True) is None
    assert patience.judge(2, 1, busy=False) is None
    idle = patience.judge(2, 0, busy=False)
    assert idle is not None
    assert idle.kind == IDLE
    patience.heard()
    assert patience.judge(2, 0, busy=False) is None
