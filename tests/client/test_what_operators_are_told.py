"""What an operator asks of one replica, and what it makes of the answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import Struct

from paxtui.client import ClientError, LogEntry, Operator, answering
from paxtui.config import cluster_file
from paxtui.wire.requests import DoneReply, LogPage, ReadRequest
from paxtui.wire.values import Ballot
from tests.client.scripted import Caller, Script, scripted
from tests.client.three import three


def entries(first: int, upto: int) -> tuple[LogEntry, ...]:
    return tuple(LogEntry(slot, Ballot(1, 0), "ada~1", slot, "x", None) for slot in range(first, upto))


def log_of(slots: int, page_slots: int) -> Script:
    """Tell a log of ``slots``, at most so many slots a page; the first two slots are removed."""

    async def script(caller: Caller) -> None:
        read = await caller.hear()
        assert isinstance(read, ReadRequest)
        assert read.consistency == "local"
        first = max(read.first, 2)
        upto = min(first + min(read.limit, page_slots), slots)
        page = entries(first, upto)
        await caller.say(
            LogPage(id=read.id, entries=page, applied=slots, consistency="local", last=True, log_start=2)
        )

    return script


@pytest.mark.trio
async def test_a_whole_log_is_read_page_by_page() -> None:
    async with scripted([log_of(10, 3)]) as replicas:
        operator = Operator(replicas.cluster)
        assert await operator.log_of(0) == list(entries(2, 10))
        assert replicas.dialled == [0] * 3
        assert await operator.log_of(0, 9) == list(entries(9, 10))
        assert await operator.log_of(0, 10) == []


@pytest.mark.trio
async def test_a_page_begins_where_it_is_asked_for_and_has_at_most_so_many_slots() -> None:
    async with scripted([log_of(10, 2048)]) as replicas:
        assert await Operator(replicas.cluster).page(0, 4, 3) == entries(4, 7)


@pytest.mark.trio
@pytest.mark.parametrize(
    "ask", [lambda asks: asks.page(0, 0, 1), lambda asks: asks.log_of(0)], ids=["page", "log"]
)
async def test_another_answer_than_a_page_is_named(ask: Callable[[Operator], Struct]) -> None:
    async def script(caller: Caller) -> None:
        assert await caller.hear() is not None
        await caller.say(DoneReply(0, None))

    async with scripted([script]) as replicas:
        with pytest.raises(ClientError, match="replica 0 answered something else than a page"):
            await ask(Operator(replicas.cluster))  # type: ignore[misc]


@pytest.mark.trio
async def test_of_several_clusters_those_are_told_of_which_a_replica_answers(tmp_path: Path) -> None:
    nobody = cluster_file.local(1, cluster_file.free_ports(1), name="nobody")
    async with three(tmp_path, n=1) as replicas:
        for _ in range(20):  # on a busy machine an answer may take longer than it is waited for
            found = await answering([nobody, replicas.cluster])
            if found:
                break
    assert found == [replicas.cluster]
    assert await answering([nobody]) == []
