"""What left and was not answered may have taken effect: the client never says that it failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from paxtui.client import ClientError, Failed, Log, Operator, Receipt, Unknown, Unreachable, connect
from paxtui.config import cluster_file
from paxtui.wire.faults import SkipSlot
from paxtui.wire.requests import AppendedReply, AppendManyRequest, AppendRequest, RefusedReply
from paxtui.wire.values import Ballot
from tests.client.scripted import Caller, Script, scripted, silence
from tests.replica.conditions import eventually


async def given_up(log: Log, sends: int = 1) -> Receipt:
    """An append whose time is over as soon as it has left so often."""
    receipt = await log.submit("x")
    await eventually(lambda: receipt.sends >= sends, "it has left")
    receipt.deadline = trio.current_time()
    return receipt


async def answer_one(caller: Caller) -> None:
    """Take the first request, and nothing after it."""
    first = await caller.hear()
    assert isinstance(first, AppendRequest)
    await caller.say(AppendedReply(first.request, 0, Ballot(1, 0)))
    await silence(caller)


async def take_and_hang_up(caller: Caller) -> None:
    """Take a request and end the connection without an answer."""
    assert await caller.hear() is not None


def refuse(reason: str, leader: int | None = None) -> Script:
    """Refuse each request for that reason."""

    async def script(caller: Caller) -> None:
        while (request := await caller.hear()) is not None:
            assert isinstance(request, AppendRequest)
            await caller.say(RefusedReply(request.request, reason, leader))

    return script


@pytest.mark.trio
async def test_an_append_that_left_first_and_was_not_answered_is_unknown() -> None:
    async with scripted([silence]) as replicas, connect(replicas.cluster) as log:
        receipt = await given_up(log)
        with pytest.raises(Unknown, match=r"no answer within .*; the message may have been appended"):
            await receipt.result()


@pytest.mark.trio
async def test_an_append_that_left_alone_on_an_idle_link_and_was_not_answered_is_unknown() -> None:
    """It takes a shorter way to the connection than those that wait for it."""
    async with scripted([answer_one]) as replicas, connect(replicas.cluster) as log:
        await log.append("answered")
        await eventually(lambda: log._link is not None, "the link is idle")
        receipt = await log.submit("x")
        receipt.deadline = trio.current_time()
        with pytest.raises(Unknown, match=r"no answer within .*; the message may have been appended"):
            await receipt.result()


@pytest.mark.trio
async def test_each_of_many_appends_that_left_in_one_frame_and_were_not_answered_is_unknown() -> None:
    together: list[AppendManyRequest] = []

    async def note(caller: Caller) -> None:
        while (request := await caller.hear()) is not None:
            if isinstance(request, AppendManyRequest):
                together.append(request)

    async with scripted([note]) as replicas, connect(replicas.cluster) as log:
        receipts = [await log.submit("first")]
        await log.session()  # from now on as many as a session may have
        receipts += [await log.submit(f"text {number}") for number in range(3)]
        await eventually(lambda: all(receipt.sends for receipt in receipts), "all have left")
        for receipt in receipts:
            receipt.deadline = trio.current_time()
            with pytest.raises(Unknown, match="may have been appended"):
                await receipt.result()
        await eventually(lambda: together, "several came in one frame")


@pytest.mark.trio
async def test_an_append_whose_replica_hung_up_and_that_nobody_takes_again_is_unknown() -> None:
    async with (
        scripted([take_and_hang_up, refuse("warming-up")]) as replicas,
        connect(replicas.cluster) as log,
    ):
        receipt = await given_up(log, sends=2)
        with pytest.raises(Unknown, match=r"no answer within .*; the message may have been appended"):
            await receipt.result()


@pytest.mark.trio
@pytest.mark.parametrize("reason", ["not-leader", "warming-up", "busy"])
async def test_an_append_that_was_sent_elsewhere_in_vain_is_unknown(reason: str) -> None:
    """A deposed leader says "not-leader" also of what it had proposed."""
    async with scripted([refuse(reason)]) as replicas, connect(replicas.cluster) as log:
        receipt = await given_up(log, sends=2)
        with pytest.raises(Unknown, match=r"no answer within .*; the message may have been appended"):
            await receipt.result()


@pytest.mark.trio
@pytest.mark.parametrize("reason", ["too-long", "empty", "forbidden: appends"])
async def test_a_refusal_for_good_is_a_failure_only_where_nothing_was_sent_before(reason: str) -> None:
    async with scripted([refuse(reason)]) as replicas, connect(replicas.cluster) as log:
        with pytest.raises(Failed, match=f"the replica refused it: {reason}"):
            await log.append("x")
    async with (
        scripted([take_and_hang_up, refuse(reason)]) as replicas,
        connect(replicas.cluster) as log,
    ):
        with pytest.raises(Unknown, match=f"refused it: {reason}; an earlier try may have taken effect"):
            await log.append("x")


@pytest.mark.trio
async def test_a_session_that_expired_between_two_tries_leaves_the_outcome_unknown() -> None:
    async with scripted([refuse("expired")]) as replicas, connect(replicas.cluster) as log:
        with pytest.raises(Failed, match="the session expired before the message was taken"):
            await log.append("x")
    async with (
        scripted([take_and_hang_up, refuse("expired")]) as replicas,
        connect(replicas.cluster) as log,
    ):
        with pytest.raises(Unknown, match="the session expired, and an earlier try may have taken effect"):
            await log.append("x")


@pytest.mark.trio
async def test_an_append_that_is_given_up_after_it_left_is_unknown() -> None:
    async with scripted([silence]) as replicas, connect(replicas.cluster) as log:
        receipt = await log.submit("x")
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(receipt.result)
                await eventually(lambda: receipt.sends, "it has left")
                scope.cancel()
        assert receipt.done
        with pytest.raises(Unknown, match="may have been appended"):
            receipt.outcome()


@pytest.mark.trio
async def test_an_append_that_never_left_is_a_failure() -> None:
    """A reader of the error may send it again without fear."""

    async def hang_up(caller: Caller) -> None:
        pass

    async with scripted([hang_up]) as replicas:
        port = replicas.cluster.replicas[0].port
    async with connect(replicas.cluster) as log:
        receipt = await log.submit("x")
        await eventually(lambda: log._route.exhausted, "nobody can be reached")
        receipt.deadline = trio.current_time()
        with pytest.raises(Unreachable, match=rf"{port} \(connection refused\)"):
            await receipt.result()


# What operators ask


@pytest.mark.trio
async def test_what_an_operator_asked_for_and_was_hung_up_on_may_have_been_done() -> None:
    async with scripted([take_and_hang_up]) as replicas:
        asks = Operator(replicas.cluster)
        for request in (
            lambda: asks.elect(0),
            lambda: asks.inject(0, SkipSlot()),
            lambda: asks.undo(1),
            lambda: asks.heal_at(0),
        ):
            with pytest.raises(Unknown, match="hung up; what was asked may have been done, or may yet be"):
                await request()  # type: ignore[no-untyped-call]
        for look in (lambda: asks.page(0, 0, 10), lambda: asks.log_of(0)):
            with pytest.raises(Failed, match=r"hung up$"):
                await look()


@pytest.mark.trio
@pytest.mark.parametrize(
    ("ask", "ends"),
    [
        (lambda asks: asks.elect(0), Unknown),
        (lambda asks: asks.page(0, 0, 10), Failed),
    ],
    ids=["acts", "looks"],
)
async def test_what_an_operator_asked_for_and_was_not_answered_may_have_been_done(
    ask: Callable[[Operator], Awaitable[object]], ends: type[ClientError], mock_clock: MockClock
) -> None:
    async def take(caller: Caller) -> None:
        assert await caller.hear() is not None
        await wait_all_tasks_blocked()  # the operator waits for the answer now
        mock_clock.jump(10)
        await silence(caller)

    async with scripted([take]) as replicas:
        with pytest.raises(ends, match="does not answer within 3 s"):
            await ask(Operator(replicas.cluster))


@pytest.mark.trio
async def test_what_an_operator_asks_of_a_replica_that_is_not_there_has_failed() -> None:
    nobody = Operator(cluster_file.local(1, cluster_file.free_ports(1)))
    with pytest.raises(Failed, match="cannot be reached: connection refused"):
        await nobody.elect(0)
