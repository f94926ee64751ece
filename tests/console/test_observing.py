"""What is written down of what a console is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec import Raw

from paxtui.console import commands as c
from paxtui.console.driver.recording import WAITING_BYTES_MAX, ObservationFile
from paxtui.records.parts import BadRecord
from paxtui.records.reader import RecordReader
from paxtui.wire.telemetry import TelemetryDelta
from tests.console.story import FakeDriver, Story, cluster


def lines(path: Path) -> list[dict[str, object]]:
    """All lines of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def delta(*events: bytes, first: int = 7, dropped: int = 0) -> TelemetryDelta:
    """Events as they come from a replica."""
    pairs = tuple((2.5, Raw(event)) for event in events)
    return TelemetryDelta(id=0, first=first, at_s=2.5, events=pairs, dropped=dropped)


def test_each_event_is_a_line_with_its_number_and_the_time_of_day(tmp_path: Path) -> None:
    file = ObservationFile(tmp_path / "seen.jsonl", cluster(3))
    file.write_telemetry(1, delta(b'{"event":"restored"}', b'{"event":"voted","number":3}'), 1000.0)
    file.write_telemetry(2, delta(first=40, dropped=3), 1000.0)
    file.write_lost(1, "connection refused")
    file.write_did("crash r0")
    file.close()
    first, *rest = lines(tmp_path / "seen.jsonl")
    assert (first["observations"], first["cluster"], first["replicas"]) == (1, "demo", 3)
    assert rest[0] == {"wall": 1002.5, "replica": 1, "number": 7, "told": {"event": "restored"}}
    assert rest[1] == {"wall": 1002.5, "replica": 1, "number": 8, "told": {"event": "voted", "number": 3}}
    assert [{key: each[key] for key in each if key != "wall"} for each in rest[2:]] == [
        {"replica": 2, "number": 40, "dropped": 3},
        {"replica": 1, "lost": "connection refused"},
        {"did": "crash r0"},
    ]
    assert file.events == 2


def test_no_line_of_a_stranger_becomes_one_of_ours(tmp_path: Path) -> None:
    file = ObservationFile(tmp_path / "seen.jsonl", cluster(3))
    file.write_telemetry(0, delta(b'{"event":\n"restored"\r\n}'), 0.0)
    file.write_did('a "quoted"\nlie')
    file.close()
    assert [each.get("told", each.get("did")) for each in lines(tmp_path / "seen.jsonl")[1:]] == [
        {"event": "restored"},
        'a "quoted"\nlie',
    ]


def test_a_snapshot_says_what_a_replica_knew(tmp_path: Path) -> None:
    file = ObservationFile(tmp_path / "seen.jsonl", cluster(3))
    story = Story(3)
    heard: list[object] = []
    story.model.fold = lambda id, told, now: heard.append(told)  # type: ignore[method-assign]
    story.snapshot(0)
    file.write_telemetry(0, heard[0], 0.0)  # type: ignore[arg-type]
    file.close()
    _, line = lines(tmp_path / "seen.jsonl")
    assert line["snapshot"]["status"]["role"] == "follower"  # type: ignore[index]


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(FileExistsError):
        ObservationFile(tmp_path / "mine", cluster(3))
    assert (tmp_path / "mine").read_text() == "precious"


def test_what_waits_is_bounded(tmp_path: Path) -> None:
    file = ObservationFile(tmp_path / "seen.jsonl", cluster(3))
    for _ in range(200):
        file.write_did("x" * 1000)
    assert (tmp_path / "seen.jsonl").stat().st_size > 200_000 - WAITING_BYTES_MAX - 1100
    file.close()


def test_it_is_not_taken_for_a_record(tmp_path: Path) -> None:
    file = ObservationFile(tmp_path / "seen.jsonl", cluster(3))
    file.close()
    with pytest.raises(BadRecord, match="this is no record"):
        RecordReader.open(tmp_path / "seen.jsonl")


def said(driver: FakeDriver) -> list[tuple[str, bool]]:
    """What the person is told."""
    found = [(notice.text, notice.failed) for notice in driver.notices]
    driver.notices.clear()
    return found


def test_the_bridge_begins_and_ends_a_file_and_tells_what_the_disk_does_not_take(tmp_path: Path) -> None:
    driver = FakeDriver(3)
    driver.attaching.observe(None)
    assert said(driver) == [("nothing is being written; `observe FILE` does", True)]
    path = tmp_path / "seen.jsonl"
    driver.attaching.observe(str(path))
    driver.announce("mark lunch")
    driver.attaching.observe(None)
    assert [text for text, _ in said(driver)] == [
        f"writes what it is told to {path}; `observe stop` ends it",
        "mark lunch",
        f"observed: 0 events in {path}",
    ]
    assert {"did": "mark lunch"}.items() <= lines(path)[-1].items()
    driver.attaching.observe(str(path))
    assert said(driver) == [(f"{path}: File exists", True)]
    driver.attaching.observe("/dev/full")
    assert said(driver) == [("/dev/full: File exists", True)]


def test_a_disk_that_is_full_ends_the_file_and_not_the_console(tmp_path: Path) -> None:
    driver = FakeDriver(3)
    driver.attaching.observe(str(tmp_path / "seen.jsonl"))
    said(driver)
    assert driver.attaching.observing is not None
    driver.attaching.observing._file.close()
    driver.attaching.observing._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115 - the driver closes it
    full = driver.attaching.observing
    driver.announce("mark lunch")
    driver.attaching.flush()
    assert said(driver)[1:] == [
        (f"{tmp_path / 'seen.jsonl'}: No space left on device; the rest is not written", True)
    ]
    assert driver.attaching.observing is None
    full._file.close()


def test_a_read_only_console_may_observe_and_attach(play: object) -> None:
    assert issubclass(c.WriteObservationsCommand, c.HARMLESS)
    assert issubclass(c.AttachCommand, c.HARMLESS)
    assert not issubclass(c.RecordCommand, c.HARMLESS)
