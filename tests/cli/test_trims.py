"""What commands print of a log that is trimmed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from paxtui.cli.status import rows
from paxtui.cli.tail import line, tell_removed
from paxtui.client import Sighting
from paxtui.config import cluster_file
from paxtui.config.retention import Retention
from paxtui.wire.requests import LogEntry
from paxtui.wire.values import Ballot
from tests.cli.conftest import Run, Up, serve
from tests.console.story import Story
from tests.ports import free_ports
from tests.replica.conditions import until

B = Ballot(3, 0)


def test_a_checkpoint_and_a_trim_are_named() -> None:
    mark = LogEntry(7, B, "", 1_700_000_000, "mark 3.0", None)
    trim, noop = LogEntry(8, B, "", 5, "trim 3.0", None), LogEntry(9, B, "", 0, "", None)
    assert [line(each, False).split("  ")[-1] for each in (mark, trim, noop)] == [
        "◆ checkpoint",
        "◆ trim to 5",
        "◆ no-op",
    ]
    told = [json.loads(line(each, True)) for each in (mark, trim, noop)]
    assert [each["noop"] for each in told] == [True, True, True]
    assert [each.get("own") for each in told] == ["checkpoint", "trim to 5", None]


def test_a_message_that_says_mark_is_a_message() -> None:
    assert line(LogEntry(7, B, "ada~x@1", 3, "mark 3.0", None), False).endswith("ada: mark 3.0")


def test_what_is_removed_is_told_once_where_it_was_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    tell_removed(4, 4)
    assert capsys.readouterr().err == ""
    tell_removed(0, 12)
    tell_removed(11, 12)
    assert capsys.readouterr().err.splitlines() == [
        "slots 0 to 11 are removed; the log goes on at slot 12",
        "slot 11 is removed; the log goes on at slot 12",
    ]


def test_status_has_a_column_for_the_floor_once_there_is_one() -> None:
    def table(*floors: int) -> list[str]:
        story = Story(3).up()
        for id, floor in enumerate(floors):
            story.report(id, status={"log_start": floor})
        return rows([Sighting(each.id, each.report, "") for each in story.model.replicas])

    assert "from slot" not in table(0, 0, 0)[0]
    shown = table(0, 120, 80)
    assert "from slot" in shown[0]
    at = shown[0].index("from slot")
    assert [row[at:].split()[0] for row in shown[1:]] == ["0", "120", "80"]
    story = Story(3).up()
    story.report(0, status={"log_start": 7})
    first, *others = story.model.replicas
    unheard = [Sighting(each.id, None, "cannot be reached: refused") for each in others]
    shown = rows([Sighting(0, first.report, ""), *unheard])
    at = shown[0].index("from slot")
    assert [row[at:].split()[0] for row in shown[1:4]] == ["7", "?", "?"]


@pytest.fixture(scope="module")
def trimming(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Three replicas that keep little."""
    cluster = cluster_file.local(3, free_ports(3), name="cli")
    yield from serve(tmp_path_factory.mktemp("trimming"), replace(cluster, keep=Retention(slots=8)))


@pytest.mark.processes
@pytest.mark.timeout(300)
def test_a_tail_says_which_slots_are_removed_and_goes_on_behind_them(paxtui: Run, trimming: Up) -> None:
    def trimmed() -> int:
        """From where on all keep the log, once they have said so."""
        texts = "".join(f"message {number}\n" for number in range(10))
        assert paxtui("send", "-", "--config", trimming.file, stdin=texts).returncode == 0
        told = paxtui("status", "--config", trimming.file, "--json").stdout.splitlines()
        return min(json.loads(each).get("log_start") or 0 for each in told)

    floor = until(trimmed, "all have trimmed their logs", patience_s=240)
    assert "from slot" in paxtui("status", "--config", trimming.file).stdout.splitlines()[0]
    for words in (["tail", "--all"], ["read"]):
        done = paxtui(*words, "--config", trimming.file, "--json")
        assert done.returncode == 0, done.stderr
        entries = [json.loads(each) for each in done.stdout.splitlines()]
        first = entries[0]["slot"]
        assert first >= floor
        assert f"slots 0 to {first - 1} are removed; the log goes on at slot {first}" in done.stderr
        asked = paxtui(*words, "--config", trimming.file, "--from", entries[-1]["slot"])
        assert "removed" not in asked.stderr
        assert any("own" in entry for entry in entries)
    folder = trimming.data / "cli" / "replica-0"

    def on_disk() -> bool:
        offline = paxtui("tail", "--all", "--offline", folder)
        return "are removed; the log goes on at slot" in offline.stderr and "◆ checkpoint" in offline.stdout

    until(on_disk, "it is so on disk, too")
