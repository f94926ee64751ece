"""The recorder alone: bounded, and honest about what it could not keep."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from paxtui.core.ballot import Ballot
from paxtui.core.durable_state import DurableState
from paxtui.core.events import ElectionTimeout, Proposed, Voted
from paxtui.core.values import Command
from paxtui.records.parts import EndPart, EventPart, FaultPart, Gap, Life, Part
from paxtui.records.reader import RecordReader
from paxtui.replica.observability import recorder as module
from paxtui.replica.observability.recorder import Recorder
from tests.replica.conditions import eventually

VALUES = (Command("ada@0", 1, "x" * 1000),)


def begun(path: Path) -> Recorder:
    recorder = Recorder(path, 1)
    recorder.open_file("real", 3, DurableState())
    return recorder


def parts(path: Path) -> list[Part]:
    return list(RecordReader.open(path))


@pytest.mark.trio
async def test_what_does_not_fit_is_dropped_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING_CHARS_MAX", 4000)
    path = tmp_path / "r1.jsonl"
    recorder = begun(path)
    for _ in range(10):
        recorder.take_events(1.0, (Voted(Ballot(1, 0), 0, VALUES),))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(recorder.run)
        await eventually(lambda: recorder._waiting + recorder._writing == 0, "the queue is written")
        recorder.take_events(2.0, (ElectionTimeout(0),))
        nursery.cancel_scope.cancel()
    recorder.close_file("stop")
    life, *told, gap, last, end = parts(path)
    assert isinstance(life, Life)
    assert isinstance(gap, Gap)
    assert isinstance(last, EventPart)
    assert isinstance(end, EndPart)
    assert [part.number for part in told if isinstance(part, EventPart)] == [0, 1, 2]
    assert (gap.count, last.number) == (7, 10)


@pytest.mark.trio
async def test_events_are_written_whole_and_faults_between_them(tmp_path: Path) -> None:
    path = tmp_path / "r1.jsonl"
    recorder = begun(path)
    event = Proposed(Ballot(1, 1), 3, VALUES * 300, "client")
    recorder.take_events(1.0, (event, ElectionTimeout(1)))
    recorder.take_fault(1.5, "fault-began", "cut 0>1")
    recorder.close_file("stop")
    _, first, second, fault, _ = parts(path)
    assert isinstance(first, EventPart)
    assert first.event == event
    assert isinstance(second, EventPart)
    assert isinstance(fault, FaultPart)
    assert fault.detail == "cut 0>1"


@pytest.mark.trio
async def test_a_recorder_that_is_not_sure_does_not_say_that_nothing_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "r1.jsonl"
    recorder = begun(path)
    recorder.close_file(None)
    assert [type(part) for part in parts(path)] == [Life, Gap]
