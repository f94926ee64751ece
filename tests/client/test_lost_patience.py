"""When a client leaves a connection on which nothing comes, and when it stays."""

from __future__ import annotations

import pytest
import trio
from msgspec import Struct
from msgspec.structs import replace

from paxtui.client.connection import Connection
from paxtui.client.log import ATTEMPT_S, Log
from paxtui.client.receipt import PageReceipt
from paxtui.client.tail import PING_S, _pages
from paxtui.config import cluster_file
from paxtui.core.ballot import Ballot
from paxtui.core.status import Status
from paxtui.wire.requests import ReadRequest, StatusReport, StatusRequest, TailRequest


def read(number: int) -> PageReceipt:
    return PageReceipt(ReadRequest(id=number, first=0, limit=1, consistency="linearizable"))


async def lost(log: Log, for_s: float) -> float | None:
    """When the client gave its connection up; ``None`` if it had not after ``for_s`` seconds."""
    started = trio.current_time()
    scope = trio.CancelScope()
    with trio.move_on_after(for_s):
        await log._give_up_when_silent(scope)
    return trio.current_time() - started if scope.cancel_called else None


@pytest.mark.trio
async def test_a_connection_on_which_nothing_waits_is_kept(autojump_clock: object) -> None:
    assert await lost(Log(cluster_file.local(3), "ada"), 100 * ATTEMPT_S) is None


@pytest.mark.trio
async def test_a_connection_is_given_up_once_a_request_waits_and_nothing_comes(
    autojump_clock: object,
) -> None:
    log = Log(cluster_file.local(3), "ada")
    log._reads[1] = read(1)
    assert await lost(log, 100 * ATTEMPT_S) == pytest.approx(ATTEMPT_S)
    assert "(no answer)" in log._route.tried()


@pytest.mark.trio
async def test_a_request_after_a_silence_without_requests_has_as_long_as_any_other(
    autojump_clock: object,
) -> None:
    log = Log(cluster_file.local(3), "ada")
    async with trio.open_nursery() as nursery:

        async def ask_later() -> None:
            await trio.sleep(10.5 * ATTEMPT_S)
            log._reads[1] = read(1)

        nursery.start_soon(ask_later)
        assert await lost(log, 100 * ATTEMPT_S) == pytest.approx(12 * ATTEMPT_S)


@pytest.mark.trio
async def test_a_connection_is_kept_while_answers_come_however_many_requests_wait(
    autojump_clock: object,
) -> None:
    log = Log(cluster_file.local(3), "ada")
    log._reads[1] = read(1)
    async with trio.open_nursery() as nursery:

        async def answer() -> None:
            while True:
                await trio.sleep(0.9 * ATTEMPT_S)
                log._answers += 1

        nursery.start_soon(answer)
        assert await lost(log, 100 * ATTEMPT_S) is None
        nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_between_two_connections_no_replica_is_the_one_that_requests_go_to(
    autojump_clock: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = Log(cluster_file.local(3), "ada")
    tried = trio.Event()

    async def attempt() -> None:
        log.replica = 2
        tried.set()
        await trio.lowlevel.checkpoint()
        raise trio.BrokenResourceError

    monkeypatch.setattr(log, "_attempt", attempt)
    log._reads[1] = read(1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.run)
        await tried.wait()
        log._reads.clear()
        await trio.sleep(10)  # the connection is broken by then, and nobody wants another
        assert log.replica is None
        assert "(connection lost)" in log._route.tried()
        nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_a_client_without_requests_connects_to_nobody_and_does_so_once_one_comes(
    autojump_clock: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = Log(cluster_file.local(3), "ada")
    attempts: list[float] = []

    async def attempt() -> None:
        attempts.append(trio.current_time())
        await trio.lowlevel.checkpoint()
        log._reads.clear()

    monkeypatch.setattr(log, "_attempt", attempt)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.run)
        await trio.sleep(10)
        assert attempts == []
        log._reads[1] = asked = read(1)
        log._send_read(asked)
        await trio.sleep(10)
        assert len(attempts) == 1
        nursery.cancel_scope.cancel()


# A tail


STATUS = Status(0, 3, "follower", Ballot(1, 1), Ballot(1, 1), 1, 0, 0, 0, 0, 0, 0, (), 0, "", {})


REPORT = StatusReport(
    id=1,
    status=STATUS,
    waiting_for=(),
    connected=(),
    pid=1,
    uptime_s=1.0,
    faults=0,
    faults_allowed=False,
    storage="",
    commits=0,
    fsync_ms=0.0,
    counters={},
    clients=1,
    links=(),
    active=(),
)


def report(leader: int | None) -> StatusReport:
    return replace(REPORT, status=replace(STATUS, leader=leader))


class Asks(Connection[Struct]):
    """A connection on which a question for the status is answered with the next report, if there is one."""

    def __init__(self, *reports: StatusReport) -> None:
        self._reports = list(reports)
        self._ready: list[Struct] = []
        self.asked = 0

    async def send(self, *messages: Struct) -> None:
        await trio.lowlevel.checkpoint()
        for message in messages:
            if isinstance(message, StatusRequest):
                self.asked += 1
                self._ready += self._reports[:1]
                del self._reports[:1]
            else:
                assert isinstance(message, TailRequest)

    async def receive(self) -> list[Struct]:
        if not self._ready:
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()
        ready, self._ready = self._ready, []
        return ready


async def left(link: Asks) -> float | None:
    """When a tail left the replica; ``None`` if it had not after 20 questions."""
    started = trio.current_time()
    with trio.move_on_after(20.5 * PING_S):
        try:
            async for _ in _pages(link, 0, True):
                pytest.fail("there was no page")
        except trio.TooSlowError:
            return trio.current_time() - started
    return None


@pytest.mark.trio
async def test_a_tail_leaves_a_replica_that_twice_in_a_row_knew_no_leader(autojump_clock: object) -> None:
    link = Asks(report(None), report(1), report(None), report(None), report(1))
    assert await left(link) == pytest.approx(5 * PING_S)
    assert link.asked == 4


@pytest.mark.trio
async def test_a_tail_leaves_a_replica_that_still_warms_up_when_asked_again(autojump_clock: object) -> None:
    warming = replace(REPORT, status=None)
    link = Asks(warming, warming, report(1))
    assert await left(link) == pytest.approx(3 * PING_S)


@pytest.mark.trio
async def test_a_tail_leaves_a_replica_that_does_not_answer(autojump_clock: object) -> None:
    link = Asks(report(1))
    assert await left(link) == pytest.approx(3 * PING_S)


@pytest.mark.trio
async def test_a_tail_stays_with_a_replica_that_knows_a_leader(autojump_clock: object) -> None:
    assert await left(Asks(*[report(1)] * 30)) is None
