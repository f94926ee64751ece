"""The client library: a request takes effect once, and ends as ok, failed or unknown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
import trio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from paxtui.client import (
    AppendResult,
    ClientError,
    Failed,
    Log,
    LogEntry,
    Receipt,
    Unknown,
    Unreachable,
    connect,
)
from paxtui.config import cluster_file
from paxtui.core.settings import Settings
from paxtui.core.values import TEXT_BYTES_MAX
from paxtui.wire import faults as f
from tests.client.three import Three, three
from tests.ports import free_ports


@pytest.fixture
async def replicas(tmp_path: Path) -> AsyncIterator[Three]:
    async with three(tmp_path) as running:
        yield running


async def everything(log: Log, first: int = 0) -> list[LogEntry]:
    return [entry async for entry in log.tail(first, follow=False)]


async def texts(replicas: Three) -> list[str]:
    """The messages that took effect, on a replica that has them all."""
    await replicas.equal()
    async with connect(replicas.cluster) as log:
        return [entry.text for entry in await everything(log) if entry.is_message]


async def append_all(log: Log, count: int, prefix: str = "text") -> dict[str, AppendResult]:
    """All at once; what was told of each."""
    told: dict[str, AppendResult] = {}

    async def append(text: str) -> None:
        told[text] = await log.append(text)

    async with trio.open_nursery() as nursery:
        for number in range(count):
            nursery.start_soon(append, f"{prefix} {number}")
    return told


@pytest.mark.trio
async def test_an_append_tells_slot_ballot_replica_and_time(replicas: Three) -> None:
    async with connect(replicas.cluster, name="ada") as log:
        done = await log.append("hello")
        leader = done.ballot.replica  # whoever leads then: on a busy machine the lead may pass on
        assert log.replica == leader
        (entry,) = await everything(log)
    assert (done.slot, done.replica) == (0, leader)
    assert 0 < done.ms < 30_000
    assert (entry.slot, entry.ballot, entry.text, entry.is_message) == (0, done.ballot, "hello", True)
    assert entry.client.startswith("ada~")


@pytest.mark.trio
async def test_messages_that_are_begun_one_after_the_other_keep_their_order(replicas: Three) -> None:
    sent = [f"text {number}" for number in range(1500)]
    async with connect(replicas.cluster) as log:
        receipts = []
        answers: list[AppendResult] = []

        async def collect(receipt: Receipt) -> None:
            answers.append(await receipt.result())

        async with trio.open_nursery() as nursery:
            for text in sent:
                receipts.append(await log.submit(text))
                nursery.start_soon(collect, receipts[-1])
    assert sorted(done.slot for done in answers) == list(range(1500))
    assert await texts(replicas) == sent


@pytest.mark.trio
async def test_what_is_begun_with_nobody_there_ends_as_any_append(tmp_path: Path) -> None:
    async with connect(cluster_file.local(3, free_ports(3))) as log:
        receipt = await log.submit("x", timeout_s=0.3)
        with pytest.raises(Unreachable, match=r"within 0\.3 s"):
            await receipt.result()
        with pytest.raises(Failed, match="1 to 65536 bytes"):
            await log.submit("")


@pytest.mark.trio
async def test_an_append_that_was_given_up_before_it_left_never_leaves(autojump_clock: object) -> None:
    """Found by kill -9 under load, with clients that give up soon: it stood in the queue of a link that did
    not take any more; its caller was told that it would never take effect, and then it left."""
    del autojump_clock
    left: list[object] = []

    class Link:
        midway = False

        async def send(self, *messages: object) -> None:
            left.extend(messages)

    log = Log(cluster_file.local(3), "ada")
    with pytest.raises(Unreachable):
        await log.append("late", timeout_s=0.1)
    with trio.move_on_after(1.0):
        await log._send(Link())  # type: ignore[arg-type]
    assert left == []


@pytest.mark.trio
async def test_never_more_are_unanswered_than_the_window_of_a_session_allows(tmp_path: Path) -> None:
    async with three(tmp_path, Settings(session_window=4), n=1) as replicas:
        async with connect(replicas.cluster) as log:
            await log.append("the window is known after the first")
            widest = 0
            submit = log.submit

            async def note(text: str, *, timeout_s: float) -> Receipt:
                nonlocal widest
                receipt = await submit(text, timeout_s=timeout_s)
                widest = max(widest, sum(not receipt.done for receipt in log._appends.values()))
                return receipt

            log.submit = note  # type: ignore[method-assign, assignment]
            told = await append_all(log, 100)
        assert widest == 4
        assert len({done.slot for done in told.values()}) == 100


@pytest.mark.trio
async def test_a_busy_leader_makes_clients_wait_and_loses_nothing(tmp_path: Path) -> None:
    async with three(tmp_path, Settings(queue_slots=4, window_slots=2), n=1) as replicas:
        async with connect(replicas.cluster) as log:
            told = await append_all(log, 60)
        found = await texts(replicas)
    assert sorted(found) == sorted(told)


TRICKY = [
    "\x00",
    "\x1b[2J\x1b]52;c;aGk=\x07",
    "[red]",
    "a\nb\r\n",
    "\u202e\u200b",
    "é" * 32768,
    "\ufeff",
    " ",
]


@settings(max_examples=3, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(sent=st.lists(st.text(min_size=1), min_size=40, max_size=40))
def test_any_text_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, sent: list[str]) -> None:
    sent = [*TRICKY, *sent]

    async def check() -> None:
        folder = tmp_path_factory.mktemp("texts")
        async with three(folder, n=1) as replicas, connect(replicas.cluster) as log:
            for text in sent:
                await log.append(text)
            assert [entry.text for entry in await everything(log)] == sent
            page = await log.read(0)
            assert [entry.text for entry in page.entries] == sent[: len(page.entries)]

    trio.run(check)


@pytest.mark.trio
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has 1 to 65536 bytes of UTF-8, this one has 0"),
        ("x" * (TEXT_BYTES_MAX + 1), "this one has 65537"),
        ("é" * 32769, "this one has 65538"),
        ("ab\ud800", "character 3 of this one is not"),
    ],
    ids=["empty", "too long", "too long in UTF-8", "half a surrogate pair"],
)
async def test_a_text_that_no_replica_would_take_fails_before_it_leaves(text: str, words: str) -> None:
    cluster = cluster_file.local(3, free_ports(3))  # nobody listens there, and nobody is asked
    async with connect(cluster) as log:
        with pytest.raises(Failed, match=words):
            await log.append(text)


@pytest.mark.trio
@pytest.mark.parametrize("name", ["x" * 65, "a\nb", "\x1b", "\ud800", " ada", "ada "])
async def test_a_name_that_no_replica_would_take_is_refused_at_once(name: str) -> None:
    with pytest.raises(cluster_file.ConfigError, match="at most 64 printable characters are allowed"):
        async with connect(cluster_file.local(3), name=name):
            pytest.fail("it was taken")


@pytest.mark.trio
async def test_what_is_raised_inside_comes_out_as_it_is() -> None:
    with pytest.raises(LookupError):
        async with connect(cluster_file.local(3)):
            raise LookupError
    with pytest.raises(Failed):
        async with connect(cluster_file.local(3)) as log:
            await log.append("")


# Who answers


@pytest.mark.trio
async def test_a_follower_sends_a_client_to_the_leader(replicas: Three) -> None:
    leader = await replicas.led()
    for follower in {0, 1, 2} - {leader}:
        async with connect(replicas.cluster) as log:
            log._route._hint = follower
            done = await log.append("x")
            assert done.replica == done.ballot.replica  # it leads, though the lead may have passed on


@pytest.mark.trio
async def test_a_client_follows_an_election(replicas: Three) -> None:
    leader = await replicas.led()
    next_leader = (leader + 1) % 3
    async with connect(replicas.cluster) as log:
        await log.append("before")
        await replicas.operator.elect(next_leader)
        done = await log.append("after")
        assert done.replica in {0, 1, 2}
    assert await texts(replicas) == ["before", "after"]


@pytest.mark.trio
async def test_a_leader_that_stops_in_mid_stream_costs_nothing(replicas: Three) -> None:
    leader = await replicas.led()
    told: dict[str, AppendResult] = {}
    async with connect(replicas.cluster) as log, trio.open_nursery() as nursery:

        async def stream() -> None:
            for round in range(6):
                told.update(await append_all(log, 20, f"round {round}"))
                if round == 1:
                    nursery.start_soon(replicas.stop, leader)

        nursery.start_soon(stream)
    async with connect(replicas.cluster) as log:
        # A tail would end where the replica is that answers it, and that may be behind.
        entries = (await log.read()).entries
    found = {entry.text: entry.slot for entry in entries if entry.is_message}
    assert found == {text: done.slot for text, done in told.items()}
    assert sum(entry.is_message for entry in entries) == len(told) == 120


@pytest.mark.trio
async def test_a_paused_leader_is_left_for_another(replicas: Three) -> None:
    """It answers nothing and yet its connection is open: cut off from the others, but not from clients."""
    leader = await replicas.led()
    await replicas.operator.inject(leader, f.Cut(-1))
    for other in {0, 1, 2} - {leader}:
        await replicas.operator.inject(other, f.Cut(leader))
    async with connect(replicas.cluster) as log:
        log._route._hint = leader
        done = await log.append("x")
    assert done.replica != leader


# How it ends


@pytest.mark.trio
async def test_without_a_majority_an_append_ends_as_unknown_and_a_read_as_failed(replicas: Three) -> None:
    async with connect(replicas.cluster) as log:
        leader = (await log.append("before")).replica
        for other in {0, 1, 2} - {leader}:
            await replicas.stop(other)
        with pytest.raises(Unknown, match=r"no answer within 1 s; the message may have been appended"):
            await log.append("perhaps", timeout_s=1)
        with pytest.raises(Failed):
            await log.read(timeout_s=1)
        assert (await log.read(consistency="local", timeout_s=5)).entries[0].text == "before"
        for other in {0, 1, 2} - {leader}:
            await replicas.start(other)
        await log.append("after")
    found = await texts(replicas)
    assert found in (["before", "after"], ["before", "perhaps", "after"])


@pytest.mark.trio
async def test_when_nobody_can_be_reached_it_fails_and_tells_whom_it_tried_and_for_how_long() -> None:
    cluster = cluster_file.local(3, free_ports(3))
    async with connect(cluster) as log:
        with pytest.raises(Unreachable) as caught:
            await log.append("x", timeout_s=0.5)
        with pytest.raises(Unreachable):
            await log.read(timeout_s=0.5)
        with pytest.raises(Unreachable, match="connection refused"):
            await everything(log)
    told = str(caught.value)
    assert told.startswith("no replica could be used within 0.5 s; tried ")
    for address in cluster.replicas:
        assert f"{address} (connection refused)" in told


@pytest.mark.trio
async def test_a_replica_of_another_cluster_is_named_as_the_reason(replicas: Three) -> None:
    stranger = cluster_file.local(3, [address.port for address in reversed(replicas.cluster.replicas)])
    async with connect(stranger) as log:
        with pytest.raises(Failed, match=r"this is cluster three .*, not yours"):
            await log.append("x", timeout_s=0.5)


@pytest.mark.trio
async def test_a_forgotten_session_fails_one_request_and_the_next_starts_a_new_one(
    tmp_path: Path,
) -> None:
    async with three(tmp_path, Settings(sessions_max=2), n=1) as replicas:
        async with connect(replicas.cluster, name="old") as old:
            await old.append("first")
            for name in ("a", "b", "c"):
                async with connect(replicas.cluster, name=name) as other:
                    await other.append(name)
            with pytest.raises(Failed, match="the session expired before the message was taken"):
                await old.append("too late")
            await old.append("second")
        assert await texts(replicas) == ["first", "a", "b", "c", "second"]


@pytest.mark.trio
async def test_what_may_have_taken_effect_in_an_old_session_is_not_sent_in_a_new_one() -> None:
    """It would be applied twice: a new session's table knows nothing of the old one's requests."""
    log = Log(cluster_file.local(3), "ada")
    log._session_window = 10
    receipts = [await log.submit(text) for text in "abcde"]
    before, refused, retried, behind, unsent = receipts
    for receipt, sends in zip(receipts, (1, 1, 2, 1, 0), strict=True):
        receipt.sends = sends
    log._expired(refused)
    for receipt in (before, retried):
        with pytest.raises(Unknown, match="an earlier try may have taken effect"):
            receipt.outcome()
    with pytest.raises(Failed, match="before the message was taken"):
        refused.outcome()
    assert list(log._appends.values()) == [behind, unsent]
    assert not behind.done
    assert not unsent.done


@pytest.mark.trio
async def test_an_outcome_can_be_taken_without_waiting_once_it_is_known(replicas: Three) -> None:
    async with connect(replicas.cluster) as log:
        first = await log.submit("a")
        with pytest.raises(RuntimeError, match="not known yet"):
            first.outcome()
        last = await log.submit("b")
        told = await last.result()
        assert first.done
        assert first.outcome().slot == told.slot - 1 == 0
        assert (await last.result()) == last.outcome() == told
        assert told.ms == (last.ended - last.started) * 1000 > 0


@pytest.mark.trio
async def test_many_who_wait_for_room_all_get_it(tmp_path: Path) -> None:
    """Each used to replace the event that the others waited for."""
    async with three(tmp_path, Settings(session_window=2), n=1) as replicas, connect(replicas.cluster) as log:
        with trio.fail_after(60):
            assert len(await append_all(log, 50)) == 50


# Reading


@pytest.mark.trio
async def test_a_linearizable_read_sees_what_was_acknowledged_to_anybody(replicas: Three) -> None:
    async with connect(replicas.cluster) as writer, connect(replicas.cluster) as reader:
        for number in range(20):
            await writer.append(f"text {number}")
            page = await reader.read(number)
            assert [entry.text for entry in page.entries] == [f"text {number}"]
            assert page.applied == number + 1


@pytest.mark.trio
async def test_a_page_begins_and_ends_where_it_is_told_to(replicas: Three) -> None:
    async with connect(replicas.cluster) as log:
        await append_all(log, 30)
        assert [entry.slot for entry in (await log.read(10, 5)).entries] == [10, 11, 12, 13, 14]
        beyond = await log.read(30)
        assert (beyond.entries, beyond.applied) == ((), 30)
        assert (await log.read(10**15)).entries == ()
        assert len((await log.read(0)).entries) == 30


@pytest.mark.trio
async def test_a_tail_goes_on_over_a_change_of_replicas_without_loss_or_repetition(replicas: Three) -> None:
    total = 90
    seen: list[LogEntry] = []

    async def tail() -> None:
        async with connect(replicas.cluster) as log, aclosing(log.tail(0)) as entries:
            async for entry in entries:
                seen.append(entry)
                if sum(each.is_message for each in seen) == total:
                    return

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tail)
        async with connect(replicas.cluster) as log:
            for victim in range(3):
                await append_all(log, total // 3, f"before {victim}")
                await replicas.stop(victim)
                await replicas.start(victim)
    assert [entry.slot for entry in seen] == list(range(len(seen)))
    assert len({entry.text for entry in seen if entry.is_message}) == total


@pytest.mark.trio
async def test_a_tail_without_follow_ends_at_the_watermark(replicas: Three) -> None:
    async with connect(replicas.cluster) as log:
        assert await everything(log) == []
        await append_all(log, 10)
        await replicas.equal()
        assert [entry.slot for entry in await everything(log, 7)] == [7, 8, 9]
        assert await everything(log, 10) == []
        assert await everything(log, 10**15) == []


@pytest.mark.trio
async def test_a_tail_shows_the_no_op_in_a_hole(replicas: Three) -> None:
    leader = await replicas.led()
    await replicas.operator.inject(leader, f.SkipSlot())
    async with connect(replicas.cluster) as log:
        await log.append("over the hole")
        await replicas.equal()
        noop, message = await everything(log)
    assert (noop.slot, noop.client, noop.is_message) == (0, "", False)
    assert (message.slot, message.is_message) == (1, True)


@pytest.mark.trio
async def test_a_tail_may_be_left_in_the_middle(replicas: Three) -> None:
    async with connect(replicas.cluster) as log:
        await append_all(log, 10)
        async with aclosing(log.tail(0)) as entries:
            async for entry in entries:
                if entry.slot == 3:
                    break
        await log.append("and the session goes on")


def test_every_error_of_a_request_is_a_client_error() -> None:
    assert issubclass(Unreachable, Failed)
    assert issubclass(Failed, ClientError)
    assert issubclass(Unknown, ClientError)
    assert not issubclass(Unknown, Failed)
