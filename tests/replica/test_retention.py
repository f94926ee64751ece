"""When the leader has old slots removed, and how they go: on a fake node, and on three real replicas."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from msgspec import structs

from paxtui.client import connect
from paxtui.config.retention import Retention
from paxtui.replica.host import Host
from paxtui.replica.log import compaction
from paxtui.replica.log.compaction import PARTS
from paxtui.storage.errors import StorageFailed
from tests.client.three import three
from tests.replica.conditions import eventually
from tests.replica.keeping import BYTES_A_SLOT, Kept


@pytest.mark.trio
async def test_with_a_limit_of_slots_at_least_so_many_are_kept_and_little_more(
    tmp_path: Path,
) -> None:
    kept = Kept(Retention(slots=800), tmp_path)
    learner = kept.node.learner
    for _ in range(300):
        await kept.live(10, 10)
        assert len(learner.checkpoints) <= PARTS + 2
        assert learner.watermark - learner.log_start >= min(800, learner.watermark)
        assert learner.watermark - learner.log_start <= 800 + 2 * 800 // PARTS
    assert learner.log_start > 2000
    assert len(kept.node.marked) <= 3000 // (800 // PARTS) + 1


@pytest.mark.trio
async def test_a_quiet_log_is_neither_marked_nor_trimmed_again_and_again(
    tmp_path: Path,
) -> None:
    kept = Kept(Retention(slots=8), tmp_path)
    await kept.live(100, 10)
    for _ in range(3):  # marks are slots, too: with one a slot they may ask for one more
        await kept.look()
    before = len(kept.node.marked), len(kept.node.trimmed)
    for _ in range(20):
        await kept.look()
    assert (len(kept.node.marked), len(kept.node.trimmed)) == before


@pytest.mark.trio
async def test_with_a_limit_of_bytes_at_least_so_many_are_kept_and_each_is_measured_once(
    tmp_path: Path,
) -> None:
    limit = 80_000
    kept = Kept(Retention(bytes=limit), tmp_path)
    learner = kept.node.learner
    for _ in range(300):
        await kept.live(10, 10)
        size = BYTES_A_SLOT * (learner.watermark - learner.log_start)
        assert size >= min(limit, BYTES_A_SLOT * learner.watermark)
        assert size <= limit + 3 * limit // PARTS
    assert learner.log_start > 2000
    measured = sum(upto - first for first, upto in kept.node.storage.measured)
    assert measured <= 3 * learner.watermark  # not the whole log at every look


@pytest.mark.trio
async def test_with_a_limit_of_age_younger_ones_are_kept(tmp_path: Path) -> None:
    kept = Kept(Retention(age_s=800.0), tmp_path)
    node = kept.node
    born: dict[int, int] = {}
    for _ in range(300):
        node.now_s += 10
        born |= {node.learner.watermark + offset: node.now_s for offset in range(3)}
        await kept.live(1, 1)
        removed = [at for slot, at in born.items() if slot < node.learner.log_start]
        left = [at for slot, at in born.items() if slot >= node.learner.log_start]
        assert all(node.now_s - at >= 800 for at in removed)
        assert all(node.now_s - at <= 800 + 2 * 800 / PARTS for at in left)
    assert node.learner.log_start > 100


@pytest.mark.trio
async def test_of_several_limits_the_first_that_allows_it_removes(tmp_path: Path) -> None:
    kept = Kept(Retention(slots=10_000, bytes=1 << 30, age_s=80.0), tmp_path)
    for _ in range(20):
        kept.node.now_s += 10
        await kept.live(10, 10)
    assert kept.node.learner.log_start > 0
    kept = Kept(Retention(slots=80, bytes=1 << 30, age_s=1e9), tmp_path)
    await kept.live(500, 10)
    assert kept.node.learner.log_start > 0


@pytest.mark.trio
async def test_a_refusal_is_told_and_tried_again_at_the_next_look(tmp_path: Path) -> None:
    kept = Kept(Retention(slots=80), tmp_path)
    await kept.live(100, 10)
    kept.node.refusal = "its queue is full"
    await kept.live(200, 10)
    log_start, asked = kept.node.learner.log_start, len(kept.node.trimmed)
    assert asked > 1
    assert "cannot mark the log: its queue is full" in kept.lines.getvalue()
    assert "cannot trim the log to slot" in kept.lines.getvalue()
    kept.node.refusal = None
    await kept.look()
    await kept.look()
    assert kept.node.learner.log_start > log_start


@asynccontextmanager
async def running(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """It looks, often."""
    monkeypatch.setattr(compaction, "LOOK_S", 0.001)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(kept.retention.run)
        yield
        nursery.cancel_scope.cancel()


@pytest.mark.trio
@pytest.mark.parametrize("reason", ["everything is kept", "it does not lead", "it warms up", None])
async def test_who_may_not_or_need_not_removes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str | None
) -> None:
    kept = Kept(Retention() if reason == "everything is kept" else Retention(slots=8), tmp_path)
    kept.node.grow(1000)
    if reason == "it does not lead":
        kept.node.proposer.leader = None
    if reason == "it warms up":
        kept.node.core = None
    async with running(kept, monkeypatch):
        for log_start in (1, 2, 3):  # what lies below goes after each look of the leader
            kept.node.storage.log_start = log_start
            await eventually(lambda want=log_start: kept.chat.forgotten[-1:] == [want], "it has looked")  # type: ignore[misc]
    assert bool(kept.node.marked) == (reason is None)


@pytest.mark.trio
async def test_rows_below_the_floor_go_in_portions_on_every_replica_and_then_the_lines(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = Kept(Retention(), tmp_path)
    kept.node.proposer.leader = None
    storage = kept.node.storage
    storage.log_start, storage.portions = 100, 7
    async with running(kept, monkeypatch):
        await eventually(lambda: kept.chat.forgotten, "its lines are gone")
        assert (storage.swept, kept.chat.forgotten) == (7, [100])
        storage.log_start, storage.portions = 200, 2
        await eventually(lambda: len(kept.chat.forgotten) > 1, "its lines are gone")
        assert (storage.swept, kept.chat.forgotten) == (9, [100, 200])  # once a floor


@pytest.mark.trio
async def test_a_disk_that_fails_meanwhile_stops_the_replica(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Kept(Retention(), tmp_path)
    kept.node.storage.broken = True
    monkeypatch.setattr(compaction, "LOOK_S", 0.001)
    with pytest.raises(StorageFailed, match="it is broken"):
        await kept.retention.run()


# Three replicas


@pytest.mark.trio
async def test_three_replicas_keep_what_they_should_and_one_that_was_away_goes_on_from_a_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "LOOK_S", 0.05)
    async with three(tmp_path, start=False) as replicas:
        replicas.cluster = structs.replace(replicas.cluster, keep=Retention(slots=40))
        for replica in range(3):
            await replicas.start(replica)
        away = (await replicas.led() + 1) % 3
        await replicas.stop(away)
        async with connect(replicas.cluster, name="ada") as log:
            told = [await log.append(f"text {number}") for number in range(150)]
            leader = replicas.hosts[await replicas.led()].node
            await eventually(lambda: floor_of(leader) >= told[50].slot, "old slots are removed")
            last = await log.append("the last one")
        await replicas.start(away)
        await eventually(lambda: floor_of(replicas.hosts[away].node) > 0, "it takes the state")
        await replicas.equal()
        await eventually(
            lambda: len({floor_of(host.node) for host in replicas.hosts.values()}) == 1,
            "all floors are equal",
        )
        log_start = floor_of(leader)
        assert leader.feed.watermark - log_start >= 40
        for host in replicas.hosts.values():
            await eventually(lambda node=host.node: is_swept(node), "the rows are gone from disk")  # type: ignore[misc]
            async with host.dial("client", name="eve") as raw:
                page = await raw.ask(
                    {"type": "read", "id": 1, "first": 0, "limit": 10, "consistency": "local"}
                )
                assert (page["log_start"], page["entries"][0][0]) == (log_start, log_start)
        async with connect(replicas.cluster) as log:
            slots = [entry.slot async for entry in log.tail(0, follow=False)]
        assert slots == list(range(log_start, slots[-1] + 1))
        assert slots[-1] >= last.slot


def floor_of(node: Any) -> int:
    status = node.status
    return 0 if status is None else int(status.log_start)


def is_swept(node: Host) -> bool:
    return node.storage.sweep() is False
