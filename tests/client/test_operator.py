"""Looking at replicas and doing things to them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
import trio
from msgspec import structs

from paxtui.client import Failed, Unreachable, connect, observe, operator, resolve
from paxtui.config import cluster_file
from paxtui.core.settings import Settings
from paxtui.wire import faults as f
from paxtui.wire.telemetry import TelemetryDelta, TelemetrySnapshot
from tests.client.three import Three, three
from tests.ports import free_ports
from tests.replica.conditions import PATIENCE_S, eventually
from tests.replica.host import hosted


@pytest.fixture
async def replicas(tmp_path: Path) -> AsyncIterator[Three]:
    async with three(tmp_path) as running:
        yield running


# Status


@pytest.mark.trio
async def test_status_has_a_report_or_a_reason_for_each_replica(replicas: Three) -> None:
    down = (await replicas.led() + 1) % 3
    await replicas.stop(down)
    with trio.fail_after(PATIENCE_S):
        leader: int | None = None
        # At one look: on a busy machine the lead may pass on while the replicas are asked.
        while leader is None or leader != replicas.leader():
            leader = await replicas.led()
            sightings = await replicas.operator.status(timeout_s=PATIENCE_S)
    assert [sighting.replica for sighting in sightings] == [0, 1, 2]
    for sighting in sightings:
        if sighting.replica == down:
            assert sighting.report is None
            assert sighting.problem.endswith("cannot be reached: connection refused")
        else:
            assert sighting.report is not None
            assert sighting.report.status is not None
            assert sighting.report.status.leader == leader
            assert sighting.problem == ""


@pytest.mark.trio
async def test_a_port_that_takes_connections_and_says_nothing_has_no_answer(nursery: trio.Nursery) -> None:
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    async with listener:
        silent = cluster_file.local(1, [listener.socket.getsockname()[1]])
        (sighting,) = await (await operator(silent)).status(timeout_s=0.1)
    assert sighting.report is None
    assert "does not answer within 0.1 s" in sighting.problem


@pytest.mark.trio
@pytest.mark.parametrize("replica", [-1, 3, 99])
async def test_there_is_no_such_replica(replicas: Three, replica: int) -> None:
    with pytest.raises(Failed, match=f"there is no replica {replica}; they are 0 to 2"):
        await replicas.operator.elect(replica)


@pytest.mark.trio
async def test_the_log_of_a_replica_is_read_in_pages(tmp_path: Path) -> None:
    async with three(tmp_path, n=1) as replicas:
        async with connect(replicas.cluster) as log, trio.open_nursery() as nursery:
            for number in range(2500):
                nursery.start_soon(log.append, f"text {number}")
        entries = await replicas.operator.log_of(0)
        assert [entry.slot for entry in entries] == list(range(2500))
        assert [entry.slot for entry in await replicas.operator.log_of(0, 2490)] == list(range(2490, 2500))


# Elections and holes


@pytest.mark.trio
async def test_the_operator_decides_who_leads(replicas: Three) -> None:
    leader = await replicas.led()
    for chosen in ((leader + 1) % 3, (leader + 2) % 3):
        await replicas.operator.elect(chosen)
        await eventually(lambda chosen=chosen: replicas.leader() == chosen, "it leads")  # type: ignore[misc]
    with pytest.raises(Failed, match=f"replica {chosen}: it leads already"):
        await replicas.operator.elect(chosen)


@pytest.mark.trio
async def test_a_hole_is_filled_at_once_when_the_operator_says_so(tmp_path: Path) -> None:
    async with three(tmp_path, Settings(hole_timeout_s=3600)) as replicas:
        leader = await replicas.led()
        await replicas.operator.inject(leader, f.SkipSlot())
        async with connect(replicas.cluster) as log, trio.open_nursery() as nursery:
            nursery.start_soon(log.append, "over the hole")
            host = replicas.hosts[leader].host
            await eventually(lambda: getattr(host.status, "holes", None) == (0,), "a hole")
            await replicas.operator.fill_hole(0)
        with pytest.raises(Failed, match="slot 0 is no hole of a leader that can be reached"):
            await replicas.operator.fill_hole(0)


# Faults


@pytest.mark.trio
async def test_faults_are_listed_undone_and_healed_over_all_replicas(replicas: Three) -> None:
    ask = replicas.operator
    loss = await ask.inject(0, f.Loss(1, 20), for_s=60)
    cut = await ask.cut(1, 2)
    waiting = await ask.inject(2, f.CrashReplica(), when=f.Trigger("voted", 10**6))
    numbers = {loss, *cut, waiting}
    assert len(numbers) == 4
    assert {active.number for active in await ask.faults()} == numbers
    assert {(active.replica, active.fault) for active in await ask.faults()} == {
        (0, f.Loss(1, 20)),
        (1, f.Cut(2)),
        (2, f.Cut(1)),
        (2, f.CrashReplica()),
    }
    assert loss is not None
    await ask.undo(loss)
    assert {active.number for active in await ask.faults()} == numbers - {loss}
    with pytest.raises(Failed, match=f"fault {loss} does not act or wait here"):
        await ask.undo(loss)
    assert await ask.heal() == []
    assert await ask.faults() == []


@pytest.mark.trio
@pytest.mark.parametrize("number", [0, -1, 4, 9])
async def test_a_number_that_no_replica_could_have_given_is_refused(replicas: Three, number: int) -> None:
    with pytest.raises(Failed, match=f"there is no fault {number}"):
        await replicas.operator.undo(number)


@pytest.mark.trio
async def test_heal_does_what_it_can_and_names_who_was_not_reached(replicas: Three) -> None:
    await replicas.operator.inject(0, f.Cut(1))
    await replicas.stop(2)
    (problem,) = await replicas.operator.heal()
    assert problem.startswith("replica 2: ")
    assert await replicas.operator.faults() == []


@pytest.mark.trio
async def test_a_replica_that_takes_no_faults_says_how_to_change_that(tmp_path: Path) -> None:
    async with hosted(tmp_path / "r0", faults_allowed=False) as r0:
        with pytest.raises(Failed, match="replica 0: this replica takes no faults; start it with"):
            await (await operator(r0.host.cluster)).inject(0, f.Cut(-1))


# Observing


@pytest.mark.trio
async def test_an_observer_is_told_of_the_loss_and_finds_the_replica_again(replicas: Three) -> None:
    with trio.fail_after(PATIENCE_S):
        async with aclosing(observe(replicas.cluster, 0)) as views:
            assert isinstance(await anext(views), TelemetrySnapshot)
            async with connect(replicas.cluster) as log:
                await log.append("x")
            assert isinstance(await anext(views), TelemetryDelta)
            await replicas.stop(0)
            while await anext(views) is not None:
                pass
            await replicas.start(0)
            while (view := await anext(views)) is None:
                pass
            assert isinstance(view, TelemetrySnapshot)


# Finding the cluster


@pytest.mark.trio
async def test_any_one_address_is_enough_to_find_the_cluster(replicas: Three) -> None:
    nobody = free_ports(1)[0]
    for address in replicas.cluster.replicas:
        found = await resolve(f"127.0.0.1:{nobody}, {address}")
        assert found.replicas == replicas.cluster.replicas
        assert found.name == "three"
        async with connect(str(address)) as log:
            await log.append("x")


@pytest.mark.trio
async def test_a_cluster_a_file_and_nothing_are_ways_to_name_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = cluster_file.local(5, range(1, 6), name="five")
    path = tmp_path / "five.toml"
    path.write_text(cluster_file.to_toml(cluster))
    assert await resolve(cluster) is cluster
    assert (await resolve(path)).replicas == cluster.replicas
    assert (await resolve(str(path))).replicas == cluster.replicas
    monkeypatch.setenv("PAXTUI_CONFIG", str(path))
    assert (await resolve(None)).replicas == cluster.replicas


@pytest.mark.trio
async def test_when_no_address_answers_all_are_named() -> None:
    one, other = free_ports(2)
    with pytest.raises(Unreachable) as caught:
        await resolve(f"127.0.0.1:{one},127.0.0.1:{other}")
    told = "no replica answers; tried 127.0.0.1:{} (connection refused), 127.0.0.1:{} (connection refused)"
    assert str(caught.value) == told.format(one, other)


@pytest.mark.trio
async def test_a_cluster_with_session_limits_of_its_own_needs_its_file(tmp_path: Path) -> None:
    cluster = structs.replace(cluster_file.local(1, free_ports(1)), settings=Settings(sessions_max=7))
    async with hosted(tmp_path / "r0", cluster=cluster):
        with pytest.raises(cluster_file.ConfigError, match="session limits of its own; name its config"):
            await resolve(str(cluster.address(0)))
