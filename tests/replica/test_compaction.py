"""When the leader has old slots removed, and how they go: on a fake host, and on three real replicas."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
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
from tests.replica.compacted import BYTES_A_SLOT, Kept
from tests.replica.conditions import eventually


@pytest.mark.trio
async def test_with_a_limit_of_slots_at_least_so_many_are_kept_and_little_more(
    tmp_path: Path,
) -> None:
    kept = Kept(Retention(slots=800), tmp_path)
    learner = kept.host.learner
    for _ in range(300):
        await kept.live(10, 10)
        assert len(learner.checkpoints) <= PARTS + 2
        assert learner.watermark - learner.log_start >= min(800, learner.watermark)
        assert learner.watermark - learner.log_start <= 800 + 2 * 800 // PARTS
    assert learner.log_start > 2000
    assert len(kept.host.checkpointed) <= 3000 // (800 // PARTS) + 1


@pytest.mark.trio
async def test_a_quiet_log_is_neither_checkpointed_nor_trimmed_again_and_again(
    tmp_path: Path,
) -> None:
    kept = Kept(Retention(slots=8), tmp_path)
    await kept.live(100, 10)
    for _ in range(3):  # checkpoints are slots, too: with one a slot they may ask for one more
        await kept.compact_if_due()
    before = len(kept.host.checkpointed), len(kept.host.trimmed)
    for _ in range(20):
        await kept.compact_if_due()
    assert (len(kept.host.checkpointed), len(kept.host.trimmed)) == before


@pytest.mark.trio
async def test_with_a_limit_of_bytes_at_least_so_many_are_kept_and_each_is_measured_once(
    tmp_path: Path,
) -> None:
    limit = 80_000
    kept = Kept(Retention(bytes=limit), tmp_path)
    learner = kept.host.learner
    for _ in range(300):
        await kept.live(10, 10)
        size = BYTES_A_SLOT * (learner.watermark - learner.log_start)
        assert size >= min(limit, BYTES_A_SLOT * learner.watermark)
        assert size <= limit + 3 * limit // PARTS
    assert learner.log_start > 2000
    measured = sum(upto - first for first, upto in kept.host.storage.measured)
    assert measured <= 3 * learner.watermark  # not the whole log at every look


@pytest.mark.trio
async def test_with_a_limit_of_age_younger_ones_are_kept(tmp_path: Path) -> None:
    kept = Kept(Retention(age_s=800.0), tmp_path)
    host = kept.host
    born: dict[int, int] = {}
    for _ in range(300):
        host.now_s += 10
        born |= {host.learner.watermark + offset: host.now_s for offset in range(3)}
        await kept.live(1, 1)
        removed = [at for slot, at in born.items() if slot < host.learner.log_start]
        left = [at for slot, at in born.items() if slot >= host.learner.log_start]
        assert all(host.now_s - at >= 800 for at in removed)
        assert all(host.now_s - at <= 800 + 2 * 800 / PARTS for at in left)
    assert host.learner.log_start > 100


@pytest.mark.trio
async def test_of_several_limits_the_first_that_allows_it_removes(tmp_path: Path) -> None:
    kept = Kept(Retention(slots=10_000, bytes=1 << 30, age_s=80.0), tmp_path)
    for _ in range(20):
        kept.host.now_s += 10
        await kept.live(10, 10)
    assert kept.host.learner.log_start > 0
    kept = Kept(Retention(slots=80, bytes=1 << 30, age_s=1e9), tmp_path)
    await kept.live(500, 10)
    assert kept.host.learner.log_start > 0


@pytest.mark.trio
async def test_a_refusal_is_told_and_tried_again_at_the_next_look(tmp_path: Path) -> None:
    kept = Kept(Retention(slots=80), tmp_path)
    await kept.live(100, 10)
    kept.host.refusal = "its queue is full"
    await kept.live(200, 10)
    log_start, asked = kept.host.learner.log_start, len(kept.host.trimmed)
    assert asked > 1
    assert "cannot checkpoint the log: its queue is full" in kept.lines.getvalue()
    assert "cannot trim the log to slot" in kept.lines.getvalue()
    kept.host.refusal = None
    await kept.compact_if_due()
    await kept.compact_if_due()
    assert kept.host.learner.log_start > log_start


@asynccontextmanager
async def running(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """It looks, often."""
    monkeypatch.setattr(compaction, "LOOK_S", 0.001)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(kept.compaction.run)
        yield
        nursery.cancel_scope.cancel()


@pytest.mark.trio
@pytest.mark.parametrize("reason", ["everything is kept", "it does not lead", "it warms up", None])
async def test_who_may_not_or_need_not_removes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str | None
) -> None:
    kept = Kept(Retention() if reason == "everything is kept" else Retention(slots=8), tmp_path)
    kept.host.grow(1000)
    if reason == "it does not lead":
        kept.host.proposer.leader = None
    if reason == "it warms up":
        kept.host.core = None
    async with running(kept, monkeypatch):
        for log_start in (1, 2, 3):  # what lies below goes after each look of the leader
            kept.host.storage.log_start = log_start
            await eventually(partial(is_forgotten, kept, log_start), "it has looked")
    assert bool(kept.host.checkpointed) == (reason is None)


@pytest.mark.trio
async def test_rows_below_the_log_start_go_in_portions_on_every_replica_and_then_the_lines(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = Kept(Retention(), tmp_path)
    kept.host.proposer.leader = None
    storage = kept.host.storage
    storage.log_start, storage.portions = 100, 7
    async with running(kept, monkeypatch):
        await eventually(lambda: kept.message_log.forgotten, "its lines are gone")
        assert (storage.swept, kept.message_log.forgotten) == (7, [100])
        storage.log_start, storage.portions = 200, 2
        await eventually(lambda: len(kept.message_log.forgotten) > 1, "its lines are gone")
        assert (storage.swept, kept.message_log.forgotten) == (9, [100, 200])  # once a log start


@pytest.mark.trio
async def test_a_disk_that_fails_meanwhile_stops_the_replica(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Kept(Retention(), tmp_path)
    kept.host.storage.broken = True
    monkeypatch.setattr(compaction, "LOOK_S", 0.001)
    with pytest.raises(StorageFailed, match="it is broken"):
        await kept.compaction.run()


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
            leader = replicas.hosts[await replicas.led()].host
            await eventually(lambda: floor_of(leader) >= told[50].slot, "old slots are removed")
            last = await log.append("the last one")
        await replicas.start(away)
        await eventually(lambda: floor_of(replicas.hosts[away].host) > 0, "it takes the state")
        await replicas.equal()
        await eventually(
            lambda: len({floor_of(host.host) for host in replicas.hosts.values()}) == 1,
            "all floors are equal",
        )
        log_start = floor_of(leader)
        assert leader.applied_log.watermark - log_start >= 40
        for host in replicas.hosts.values():
            await eventually(lambda host=host.host: is_swept(host), "the rows are gone from disk")  # type: ignore[misc]
            async with host.dial("client", name="eve") as raw:
                page = await raw.ask(
                    {"type": "read", "id": 1, "first": 0, "limit": 10, "consistency": "local"}
                )
                assert (page["log_start"], page["entries"][0][0]) == (log_start, log_start)
        async with connect(replicas.cluster) as log:
            slots = [entry.slot async for entry in log.tail(0, follow=False)]
        assert slots == list(range(log_start, slots[-1] + 1))
        assert slots[-1] >= last.slot


def floor_of(host: Any) -> int:
    status = host.status
    return 0 if status is None else int(status.log_start)


def is_forgotten(kept: Kept, log_start: int) -> bool:
    return kept.message_log.forgotten[-1:] == [log_start]


def is_swept(host: Host) -> bool:
    return host.storage.sweep() is False
