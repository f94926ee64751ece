"""Whole measurements of replicas in this process: what is counted is what the log holds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import trio
from msgspec import structs

from paxtui.bench.load import Load
from paxtui.bench.measure import Measurement, MeasurementInterrupted, MeasurementProgress
from paxtui.wire.requests import LogEntry
from tests.client.three import Three, three
from tests.replica.conditions import eventually

pytestmark = pytest.mark.trio

QUICK = Load(connections=2, in_flight=8, seconds=0.3, warmup_s=0.1)


async def messages(replicas: Three) -> list[LogEntry]:
    entries = await replicas.operator.log_of(await replicas.led())
    return [entry for entry in entries if entry.is_message]


@pytest.mark.parametrize("bare", [False, True], ids=["library", "bare"])
async def test_every_answer_is_a_message_in_the_log(tmp_path: Path, bare: bool) -> None:
    async with three(tmp_path) as replicas:
        measurement = Measurement(replicas.cluster, QUICK, bare=bare)
        measured = await measurement.run()
        logged = await messages(replicas)
    first = 0 if bare else QUICK.connections  # the library's connections begin with an append each
    assert len(logged) == measurement.tally.answered + first
    assert 0 < measured.messages <= measurement.tally.answered
    assert measured.throughput == pytest.approx(measured.messages / measured.seconds, rel=0.01)
    assert measured.appends is not None
    assert measured.appends.count == measured.messages
    assert all(len(entry.text) == 100 for entry in logged)
    assert not measured.failures
    assert not measured.interrupted


@pytest.mark.parametrize("bare", [False, True], ids=["library", "bare"])
async def test_a_rate_is_kept_and_everything_due_is_counted(tmp_path: Path, bare: bool) -> None:
    load = structs.replace(QUICK, rate=200.0, seconds=0.5)
    async with three(tmp_path) as replicas:
        measured = await Measurement(replicas.cluster, load, bare=bare).run()
    assert measured.appends is not None
    assert measured.appends.count == pytest.approx(load.rate * measured.seconds, abs=2)  # type: ignore[operator]
    assert measured.overdue == 0


async def test_reads_are_counted_apart(tmp_path: Path) -> None:
    async with three(tmp_path) as replicas:
        load = structs.replace(QUICK, read_ratio=0.25)
        measured = await Measurement(replicas.cluster, load).run()
    assert measured.appends is not None
    assert measured.reads is not None
    share = measured.reads.count / measured.messages
    assert measured.reads.count + measured.appends.count == measured.messages
    assert 0.1 < share < 0.4


async def test_bare_connections_find_the_next_leader_and_nothing_takes_effect_twice(tmp_path: Path) -> None:
    async with three(tmp_path) as replicas:
        measurement = Measurement(replicas.cluster, structs.replace(QUICK, seconds=30.0), bare=True)
        tally, until = measurement.tally, measurement.until

        async def interfere() -> None:
            await eventually(lambda: tally.counted > 100, "answers are counted")
            await replicas.stop(await replicas.led())
            before = tally.answered
            await eventually(lambda: tally.answered > before + 100, "the load goes on")
            until.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(interfere)
            measured = await measurement.run()
        logged = await messages(replicas)
    assert measured.leader_changed
    requests = Counter((entry.client, entry.request) for entry in logged)
    assert set(requests.values()) == {1}
    assert len(logged) == tally.answered
    for client in {client for client, _ in requests}:
        numbers = sorted(number for each, number in requests if each == client)
        assert numbers == list(range(1, len(numbers) + 1))


async def test_what_was_counted_before_an_interruption_is_told(tmp_path: Path) -> None:
    stop = trio.Event()

    def report_progress(progress: MeasurementProgress) -> None:
        if progress.phase == "measuring" and progress.rate > 0:
            stop.set()

    async with three(tmp_path) as replicas:
        load = structs.replace(QUICK, seconds=60.0)
        measured = await Measurement(replicas.cluster, load, report_progress=report_progress, stop=stop).run()
    assert measured.interrupted
    assert measured.messages > 0
    assert measured.seconds < 30


async def test_an_interruption_during_the_warm_up_has_nothing_to_tell(tmp_path: Path) -> None:
    stop = trio.Event()

    def report_progress(progress: MeasurementProgress) -> None:
        if progress.phase == "warm-up":
            stop.set()

    async with three(tmp_path) as replicas:
        with pytest.raises(MeasurementInterrupted):
            await Measurement(replicas.cluster, QUICK, report_progress=report_progress, stop=stop).run()
