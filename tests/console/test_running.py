"""Which clusters consoles started, and how long a hole stays open in them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from msgspec import structs

from paxtui.cli.guard import Failure
from paxtui.cli.running import need_running
from paxtui.config import cluster_file
from paxtui.console.driver import ClusterDriver, known_clusters
from paxtui.console.model.analysis.why import why_slot
from paxtui.console.options import HOLE_S, ConsoleOptions, unhurried
from paxtui.console.run import few_colours, informed
from paxtui.wire import events as e
from paxtui.wire.telemetry import LearnedView
from tests.console.story import Story, cluster
from tests.ports import free_ports

# What is remembered


def numbered(number: int) -> cluster_file.Cluster:
    """Different clusters."""
    return cluster_file.local(3, (9000 + number, 9100 + number, 9200 + number), name=f"c{number}")


def test_what_was_started_is_known_until_it_is_stopped(tmp_path: Path) -> None:
    for number in range(3):
        known_clusters.add(tmp_path, numbered(number))
        os.utime(known_clusters.file_of(tmp_path, numbered(number)), (number, number))
    assert [each.name for each in known_clusters.known(tmp_path)] == ["c2", "c1", "c0"]
    known_clusters.remove(tmp_path, numbered(1))
    known_clusters.remove(tmp_path, numbered(1))
    assert [each.name for each in known_clusters.known(tmp_path)] == ["c2", "c0"]


def test_settings_are_remembered_too(tmp_path: Path) -> None:
    options = unhurried(ConsoleOptions(cluster=numbered(1), ours=(0, 1, 2)))
    known_clusters.add(tmp_path, options.cluster)
    (found,) = known_clusters.known(tmp_path)
    assert (found.settings.hole_timeout_s, found.digest) == (HOLE_S, options.cluster.digest)


def test_consoles_that_were_killed_leave_no_more_than_twenty_behind(tmp_path: Path) -> None:
    for number in range(30):
        known_clusters.add(tmp_path, numbered(number))
        os.utime(known_clusters.file_of(tmp_path, numbered(number)), (number, number))
    assert [each.name for each in known_clusters.known(tmp_path)] == [
        f"c{number}" for number in range(29, 9, -1)
    ]
    assert len(list((tmp_path / known_clusters.FOLDER).iterdir())) == known_clusters.KEPT_MAX


def test_files_that_cannot_be_read_or_written_cost_only_the_memory(tmp_path: Path) -> None:
    known_clusters.add(tmp_path, numbered(1))
    (tmp_path / known_clusters.FOLDER / "other.toml").write_text("not = [a cluster")
    assert [each.name for each in known_clusters.known(tmp_path)] == ["c1"]
    blocked = tmp_path / "file"
    blocked.write_text("")
    known_clusters.add(blocked, numbered(1))
    known_clusters.remove(blocked, numbered(1))
    assert (
        known_clusters.known(blocked)
        == known_clusters.known(None)
        == known_clusters.known(tmp_path / "none")
        == []
    )


# `paxtui attach` without an address


def test_attach_names_where_nobody_answers_and_does_not_wait(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = cluster_file.local(3, free_ports(3), name="there")
    known_clusters.add(tmp_path, numbered(1))
    with pytest.raises(Failure) as failure:
        need_running(there, tmp_path)
    assert str(failure.value) == (
        f"no replica answers at {known_clusters.addresses(there)} (there, built-in); "
        "start it with `paxtui up`"
    )
    assert capsys.readouterr().err == ""  # c1 was killed with its console


# The hole timeout


def test_a_console_that_starts_all_replicas_leaves_holes_open_for_long() -> None:
    options = ConsoleOptions(cluster=cluster(3), ours=(0, 1, 2))
    assert ClusterDriver(options).options.cluster.settings.hole_timeout_s == HOLE_S
    assert ClusterDriver(options).own.holes.timeout_s == HOLE_S
    other = structs.replace(options.cluster.settings, hole_timeout_s=3.0)
    for kept in (
        ConsoleOptions(cluster=structs.replace(options.cluster, settings=other), ours=(0, 1, 2)),
        ConsoleOptions(cluster=options.cluster, ours=(1,)),
        ConsoleOptions(cluster=options.cluster),
    ):
        assert unhurried(kept) == kept


def hole(story: Story) -> int:
    """A slot that the leader leaves empty, and one above it that is chosen and waits."""
    slot = story.model.end
    story.tell(0, e.SlotSkipped(story.ballot, slot))
    story.values[slot + 1] = story.values[slot - 1]
    slots = range(slot + 1, slot + 2)
    for id in range(story.n):
        story.vote(id, slots)
        story.tell(id, LearnedView(slot + 1, 1, ((story.ballot, 1),), story.marks(slots), None))
    return slot


def test_why_says_when_a_hole_ends_by_itself() -> None:
    driver = ClusterDriver(ConsoleOptions(cluster=cluster(3), ours=(0, 1, 2)))
    story = Story(3, driver.own).up()
    story.choose(["hello"])
    slot = hole(story)
    story.later(5)
    for id in range(story.n):
        story.report(id)
    assert re.search(r"by itself .*in 15(\.0)? s", " ".join(why_slot(story.model, slot, story.now).next))


def test_what_only_a_replica_described_is_not_said_to_have_the_default_timeout(tmp_path: Path) -> None:
    options = ConsoleOptions(cluster=cluster(3), asked=True, preferences_dir=tmp_path)
    assert ClusterDriver(informed(options)).own.holes.timeout_s is None
    driver = ClusterDriver(options)
    story = Story(3, driver.own).up()
    story.choose(["hello"])
    text = " ".join(why_slot(story.model, hole(story), story.now).next)
    assert "by itself it does so after its hole timeout, not known here" in text
    known_clusters.add(tmp_path, unhurried(ConsoleOptions(cluster=cluster(3), ours=(0, 1, 2))).cluster)
    assert ClusterDriver(informed(options)).own.holes.timeout_s == HOLE_S
    by_file = ConsoleOptions(cluster=cluster(3), preferences_dir=tmp_path)
    assert ClusterDriver(informed(by_file)).own.holes.timeout_s == HOLE_S
    assert informed(structs.replace(by_file, ours=(1,))).cluster.settings.hole_timeout_s != HOLE_S


@pytest.mark.parametrize(("asked", "patience_s"), [(False, 20), (True, 30)])
def test_a_hole_that_is_left_open_on_purpose_is_not_stuck(asked: bool, patience_s: int) -> None:
    ours = () if asked else (0, 1, 2)
    story = Story(3, ClusterDriver(ConsoleOptions(cluster=cluster(3), ours=ours, asked=asked)).own).up()
    story.choose(["hello"])
    slot = hole(story)
    seen = []
    for _ in range(patience_s + 10):
        for id in range(story.n):
            story.report(id)
        seen.append(story.model.liveness.judge(story.model, story.now))
        story.later(1)
    assert {each.light for each in seen[:patience_s]} <= {"moving", "waiting"}
    assert f"slot {slot} was left empty on purpose" in seen[10].words
    assert ("for another 10 s" in seen[10].words) is not asked
    assert seen[-1].light == "STUCK"  # a leader that does not fill it after its time is


@pytest.mark.parametrize(
    ("term", "colorterm", "few"),
    [
        ("xterm-256color", "truecolor", False),
        ("xterm-256color", "24bit", False),
        ("xterm-256color", "", True),
        ("screen", "", True),
        ("linux", "", True),
        ("dumb", "", True),
    ],
)
def test_a_terminal_says_how_many_colours_it_has(
    monkeypatch: pytest.MonkeyPatch, term: str, colorterm: str, few: bool
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("COLORTERM", colorterm)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert few_colours() == few
