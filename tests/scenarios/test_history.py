"""A history never calls an append failed that may have taken effect."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from paxtui.client import connect
from paxtui.scenarios.history import History
from paxtui.wire.requests import AppendedReply, AppendRequest, FailedReply, LogPage, ReadRequest, RefusedReply
from paxtui.wire.values import Ballot
from tests.client.scripted import Caller, Script, scripted, silence


async def accept(caller: Caller) -> None:
    """Append each message in the slot of its number, or read an empty log."""
    while (request := await caller.hear()) is not None:
        if isinstance(request, AppendRequest):
            await caller.say(AppendedReply(request.request, request.request, Ballot(1, 0)))
        elif isinstance(request, ReadRequest):
            page = LogPage(id=request.id, entries=(), applied=0, consistency=request.consistency, last=True)
            await caller.say(page)


def fall_silent(clock: MockClock) -> Script:
    """Take a request, answer nothing, and let the time go by that is waited."""

    async def script(caller: Caller) -> None:
        assert await caller.hear() is not None
        clock.jump(30.1)
        await silence(caller)

    return script


async def refuse(caller: Caller) -> None:
    """Refuse each request for good."""
    while (request := await caller.hear()) is not None:
        if isinstance(request, AppendRequest):
            await caller.say(RefusedReply(request.request, "too-long", None))
        elif isinstance(request, ReadRequest):
            await caller.say(FailedReply(id=request.id, reason="forbidden"))


@pytest.mark.trio
@pytest.mark.parametrize(
    ("script", "outcome", "ended"),
    [(accept, "ok", True), (refuse, "failed", True), (None, "unknown", False)],
    ids=["answered", "refused", "not answered"],
)
async def test_an_append_is_ok_failed_or_unknown(
    script: Script | None, outcome: str, ended: bool, mock_clock: MockClock
) -> None:
    """Only an operation that ended has a return: an unknown one may take effect at any later time."""
    async with scripted([script or fall_silent(mock_clock)]) as replicas, connect(replicas.cluster) as log:
        history = History()
        done = await history.append(log, "ada", 1, "x", 30.0)
    assert history.appends == [done]
    assert (done.outcome, done.return_ is not None) == (outcome, ended)
    assert (done.slot, done.ballot) == ((1, Ballot(1, 0)) if outcome == "ok" else (None, None))
    assert bool(done.problem) == (outcome != "ok")
    assert (history.acknowledged, history.waiting) == (outcome == "ok", 0)


@pytest.mark.trio
async def test_an_append_that_is_cancelled_stays_unknown() -> None:
    async with scripted([silence]) as replicas, connect(replicas.cluster) as log:
        history = History()
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(history.append, log, "ada", 1, "x", 30.0)
                await log.session()
                scope.cancel()
    (done,) = history.appends
    assert (done.outcome, done.return_, history.waiting) == ("unknown", None, 0)


@pytest.mark.trio
@pytest.mark.parametrize(("script", "outcome"), [(accept, "ok"), (refuse, "failed"), (None, "failed")])
async def test_a_read_without_a_page_has_failed(
    script: Script | None, outcome: str, mock_clock: MockClock
) -> None:
    async with scripted([script or fall_silent(mock_clock)]) as replicas, connect(replicas.cluster) as log:
        done = await History().read(log, "ada", 1, 30.0)
    assert (done.outcome, done.return_ is not None, done.texts == []) == (outcome, True, outcome == "ok")
