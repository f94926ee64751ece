"""What is kept between runs, and what can be taken out."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from paxtui.console import export, preferences
from paxtui.console.preferences import Preferences
from tests.console.story import Story

# Between runs


def test_theme_and_history_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "paxtui"
    preferences.save(folder, Preferences(theme="light", history=["a", "b"], commands=["crash r0"]))
    kept = preferences.load(folder)
    assert (kept.theme, kept.history, kept.commands) == ("light", ["a", "b"], ["crash r0"])


def test_the_panes_of_each_kind_of_screen_are_kept(tmp_path: Path) -> None:
    preferences.save(tmp_path, Preferences(hidden={"dash": ("chat",), "tabs": ("why", "links")}))
    assert preferences.load(tmp_path).hidden == {"dash": ("chat",), "tabs": ("why", "links")}


def test_history_is_bounded(tmp_path: Path) -> None:
    preferences.save(tmp_path, Preferences(history=[str(number) for number in range(1000)]))
    assert preferences.load(tmp_path).history == [str(number) for number in range(800, 1000)]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"theme": 3}', b'{"history": "x"}', b"null"]
)
def test_a_damaged_file_is_as_if_it_had_never_been(tmp_path: Path, content: bytes) -> None:
    (tmp_path / preferences.FILE).write_bytes(content)
    assert preferences.load(tmp_path) == Preferences()


def test_a_folder_that_cannot_be_written_costs_only_the_memory(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    preferences.save(blocked / "paxtui", Preferences(theme="light"))
    assert preferences.load(blocked / "paxtui") == Preferences()
    preferences.save(None, Preferences(theme="light"))
    assert preferences.load(None) == Preferences()


def test_saving_leaves_no_other_file_behind(tmp_path: Path) -> None:
    preferences.save(tmp_path, Preferences())
    assert os.listdir(tmp_path) == [preferences.FILE]


# Taken out


def test_a_row_as_json_has_every_vote_with_its_ballot(story: Story) -> None:
    slots = story.propose(["open one"])
    story.vote(1, slots)
    row = json.loads(export.row_as_json(story.model, slots[0], story.now))
    assert (row["slot"], row["state"], row["count"], row["quorum"]) == (slots[0], "open", 1, 2)
    assert row["votes"]["r1"] == {"state": "accepted", "ballot": "1.0"}
    assert row["votes"]["r2"] == {"state": "in-flight", "ballot": "1.0"}
    assert row["text"] == "open one"


def test_slots_as_json_lines_and_as_csv_hold_the_same(story: Story) -> None:
    story.choose(['a "quoted" text, with\nline breaks and ;'])
    lines = export.slots(story.model, "json", story.now).splitlines()
    rows = list(csv.DictReader(export.slots(story.model, "csv", story.now).splitlines(keepends=True)))
    assert len(lines) == len(rows) == story.model.end
    for line, row in zip(map(json.loads, lines), rows, strict=True):
        assert (str(line["slot"]), line["state"], line["text"]) == (row["slot"], row["state"], row["text"])
        assert row["r0"] == f"{line['votes']['r0']['state']} {line['votes']['r0']['ballot']}"


def test_two_files_of_one_second_do_not_overwrite_each_other(tmp_path: Path) -> None:
    paths = {export.write(str(number), "json", tmp_path) for number in range(5)}
    assert sorted(path.read_text() for path in paths) == ["0", "1", "2", "3", "4"]


def test_a_folder_that_is_not_there_is_an_error_that_can_be_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        export.write("x", "svg", tmp_path / "none")
