"""Slots to skip: what was asked for and has not happened yet ends with its fault."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from paxtui.config import cluster_file
from paxtui.core.settings import Settings
from tests.ports import free_ports
from tests.replica.conditions import eventually
from tests.replica.host import HostedReplica, Raw, hosted


@pytest.fixture
async def r0(tmp_path: Path) -> AsyncIterator[HostedReplica]:
    """One replica that leads, and fills no hole by itself."""
    cluster = cluster_file.Cluster(
        name="skips",
        replicas=cluster_file.local(1, free_ports(1)).replicas,
        settings=Settings(hole_timeout_s=3600),
    )
    async with hosted(tmp_path / "r0", cluster=cluster) as replica:
        await eventually(
            lambda: replica.host.status is not None and replica.host.status.role == "leader", "it leads"
        )
        yield replica


def waiting(r0: HostedReplica) -> set[int]:
    assert r0.host.core is not None
    return r0.host.core.proposer.skips


async def skip(raw: Raw, slot: int | None) -> int:
    answer = await raw.ask({"type": "inject", "id": 1, "fault": {"fault": "skip", "slot": slot}})
    assert answer["type"] == "done"
    return int(answer["number"])


async def undo(raw: Raw, number: int | None) -> None:
    assert (await raw.ask({"type": "undo", "id": 2, "number": number}))["type"] == "done"


@pytest.mark.trio
async def test_healing_ends_every_slot_that_still_waits_whether_it_was_named_or_not(
    r0: HostedReplica,
) -> None:
    async with r0.dial("operator") as raw, r0.dial("client") as client:
        for slot in (None, 7, None, None):
            await skip(raw, slot)
        assert waiting(r0) == {0, 1, 2, 7}
        await undo(raw, None)
        assert waiting(r0) == set()
        assert (await client.append(1, "no hole below"))["slot"] == 0


@pytest.mark.trio
async def test_undoing_one_of_several_skips_of_the_next_slot_ends_the_last_one(
    r0: HostedReplica,
) -> None:
    async with r0.dial("operator") as raw:
        first = await skip(raw, None)
        await skip(raw, None)
        await undo(raw, first)
        assert waiting(r0) == {0}


@pytest.mark.trio
async def test_undoing_a_skip_of_the_next_slot_leaves_one_that_was_named(
    r0: HostedReplica,
) -> None:
    async with r0.dial("operator") as raw:
        await skip(raw, 4)
        await undo(raw, await skip(raw, None))
        assert waiting(r0) == {4}


@pytest.mark.trio
async def test_a_skip_that_happened_is_not_ended_again(r0: HostedReplica) -> None:
    async with r0.dial("operator") as raw, r0.dial("client") as client:
        await skip(raw, None)
        await client.say({"type": "append", "request": 1, "text": "over the hole"})
        await eventually(
            lambda: r0.host.status is not None and r0.host.status.holes == (0,),
            "a hole",
        )
        number = await skip(raw, None)
        assert waiting(r0) == {2}
        await undo(raw, number)
        assert waiting(r0) == set()
