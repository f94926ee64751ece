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
async def host(tmp_path: Path) -> AsyncIterator[HostedReplica]:
    """One replica that leads, and fills no hole by itself."""
    cluster = cluster_file.Cluster(
        name="skips",
        replicas=cluster_file.local(1, free_ports(1)).replicas,
        settings=Settings(hole_timeout_s=3600),
    )
    async with hosted(tmp_path / "r0", cluster=cluster) as replica:
        await eventually(
            lambda: replica.node.status is not None and replica.node.status.role == "leader", "it leads"
        )
        yield replica


def waiting(host: HostedReplica) -> set[int]:
    assert host.node.core is not None
    return host.node.core.proposer.skips


async def skip(raw: Raw, slot: int | None) -> int:
    answer = await raw.ask({"type": "inject", "id": 1, "fault": {"fault": "skip", "slot": slot}})
    assert answer["type"] == "done"
    return int(answer["number"])


async def undo(raw: Raw, number: int | None) -> None:
    assert (await raw.ask({"type": "undo", "id": 2, "number": number}))["type"] == "done"


@pytest.mark.trio
async def test_healing_ends_every_slot_that_still_waits_whether_it_was_named_or_not(
    host: HostedReplica,
) -> None:
    async with host.dial("operator") as raw, host.dial("client") as client:
        for slot in (None, 7, None, None):
            await skip(raw, slot)
        assert waiting(host) == {0, 1, 2, 7}
        await undo(raw, None)
        assert waiting(host) == set()
        assert (await client.append(1, "no hole below"))["slot"] == 0


@pytest.mark.trio
async def test_undoing_one_of_several_skips_of_the_next_slot_ends_the_last_one(host: HostedReplica) -> None:
    async with host.dial("operator") as raw:
        first = await skip(raw, None)
        await skip(raw, None)
        await undo(raw, first)
        assert waiting(host) == {0}


@pytest.mark.trio
async def test_undoing_a_skip_of_the_next_slot_leaves_one_that_was_named(host: HostedReplica) -> None:
    async with host.dial("operator") as raw:
        await skip(raw, 4)
        await undo(raw, await skip(raw, None))
        assert waiting(host) == {4}


@pytest.mark.trio
async def test_a_skip_that_happened_is_not_ended_again(host: HostedReplica) -> None:
    async with host.dial("operator") as raw, host.dial("client") as client:
        await skip(raw, None)
        await client.say({"type": "append", "request": 1, "text": "over the hole"})
        await eventually(lambda: host.node.status is not None and host.node.status.holes == (0,), "a hole")
        number = await skip(raw, None)
        assert waiting(host) == {2}
        await undo(raw, number)
        assert waiting(host) == set()
