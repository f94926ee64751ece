"""Every row is exactly as wide as asked, for any number of replicas, and whatever others wrote."""

from __future__ import annotations

import pytest

from paxtui.console import commands as c
from paxtui.console.model.analysis.presets import PRESETS, cuts
from paxtui.console.rows import faults, links, replicas
from paxtui.console.rows.help import HelpKey, help_rows
from paxtui.console.rows.menu import Item, item_line
from paxtui.console.rows.text import Row, plain, width_of
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from paxtui.wire import faults as f
from paxtui.wire.faults import Trigger
from tests.console.story import Story

WIDTHS = (40, 46, 60, 79, 80, 81, 100, 140, 160, 299, 300)
HOSTILE = "\x1b[2J[bold red]猫🚀 e\u0301\u0301 \u202eevil\u200b\n[/]" * 4


def scene_of(story: Story, *, ascii: bool = False) -> ViewState:
    return ViewState(story.model, Styles("dark", ascii=ascii), lambda: story.now)


def troubled(n: int) -> Story:
    """Everything that can be wrong at once."""
    story = Story(n).up()
    story.choose(["hello", HOSTILE])
    if n == 1:
        return story
    story.fault(0, f.Loss(1, 20.5))
    story.fault(0, f.Delay(-1, 50, 10), left_s=90)
    story.fault(0, f.Duplicate(1, 5))
    story.fault(0, f.Reorder(1, 5))
    story.fault(1, f.Cut(0))
    story.fault(1, f.SlowDisk(100))
    story.fault(1, f.CrashReplica(), when=Trigger("accept-sent" + HOSTILE[:20], 7))
    story.fault(0, f.CrashProposer())
    story.down(n - 1, HOSTILE)
    if n > 3:
        story.paused(2)
    story.later(5)
    for id in range(n - 1):
        if id != 2 or n == 3:
            story.report(id)
    return story


def check(rows: list[Row], width: int, height: int) -> None:
    assert len(rows) <= height
    for row in rows:
        assert not row or width_of(row) == width, plain(row)
        assert all(character.isprintable() for character in plain(row))


@pytest.mark.parametrize("n", range(1, 10))
@pytest.mark.parametrize("ascii", [False, True])
def test_rows_are_as_wide_as_asked(n: int, ascii: bool) -> None:
    view_state = scene_of(troubled(n), ascii=ascii)
    broken = faults.broken(view_state.model, view_state.now)
    for width in WIDTHS:
        for height in (n, 2 * n, 30, 60):
            check(replicas.replicas(view_state, width, height), width, height)
        for both in (False, True):
            check(links.links(view_state, width, 30, both=both, focused=both), width, 30)
        check([faults.fault_line(view_state, each, width, chosen=True) for each in broken], width, 999)
        check([faults.nothing(view_state, width)], width, 1)
        for preset in PRESETS.values():
            check(links.preview(view_state, cuts(preset, n, 0), frozenset({(0, 1)}), width), width, n + 1)
        item = Item("c", HOSTILE.replace("\x1b", "").replace("\n", ""), "what", "id")
        check([item_line(view_state, item._replace(label="label"), width, 20, chosen=True)], width, 1)
        check(
            help_rows(
                "a line\n" + "word " * 80, [HelpKey("x", "everything that breaks", "a menu " * 30)] * 9, width
            ),
            width,
            999,
        )


def test_last_words_are_shown_and_never_obeyed() -> None:
    story = Story(3).up()
    story.down(2, HOSTILE)
    text = "\n".join(plain(row) for row in replicas.replicas(scene_of(story), 160, 9))
    assert "␛[2J[bold red]" in text


def test_the_matrix_names_each_state() -> None:
    story = troubled(5)
    text = [plain(row) for row in links.links(scene_of(story), 100, 30, both=False, focused=True)]
    assert text[0].split() == ["from", "r0", "r1", "r2", "r3", "r4"]
    row = {line[:5].strip(): line[5:] for line in text[1:6]}
    assert "20.5%+50" in row["r0"]
    assert row["r0"].split()[-2] == "down"
    assert "CUT" in row["r1"]
    assert "paused" in row["r3"]
    assert "loss 20.5 %, delay 50 ms, up to 10 ms more, duplicates 5 %, reorders 5 %" in " ".join(text)


def test_a_replica_that_is_not_heard_has_unknown_links() -> None:
    story = Story(3).up()
    story.later(10)
    story.report(1)
    story.report(2)
    text = [plain(row) for row in links.links(scene_of(story), 100, 30, both=False, focused=True)]
    assert text[1].split()[2:] == ["?", "?", "?", "?"]
    assert text[2].split() == ["r1", "ok", "0/s", "─", "ok", "0/s"]


def test_messages_a_second_stand_beside_the_state() -> None:
    story = Story(3).up()
    story.later(1)
    story.counts[0, 1] = 42
    story.report(0)
    text = [plain(row) for row in links.links(scene_of(story), 100, 30, both=False, focused=True)]
    assert "42/s" in text[1]


def test_faults_say_what_they_wait_for_and_how_long_they_last() -> None:
    story = Story(3).up()
    story.fault(0, f.CrashReplica(), when=Trigger("accept-sent", 7))
    number = story.fault(1, f.Loss(0, 20), left_s=90)
    story.later(2)
    view_state = scene_of(story)
    lines = [
        plain(faults.fault_line(view_state, each, 80, chosen=False))
        for each in faults.broken(story.model, story.now)
    ]
    assert "crash r0  waits for accept-sent slot 7" in lines[0]
    assert lines[1].startswith(f"#{number}")
    assert lines[1].endswith("5.0 s, 88 s left")


def test_what_is_broken_names_the_command_that_mends_it() -> None:
    story = troubled(5)
    mends = [each.mend for each in faults.broken(story.model, story.now)]
    assert mends[:2] == [c.ContinueCommand(2), c.RestartCommand(4)]
    assert all(isinstance(each, c.UndoCommand) and each.number for each in mends[2:])


def test_a_card_shows_more_where_there_is_room() -> None:
    story = Story(3).up()
    story.choose(["one"])
    view_state = scene_of(story)
    low = "\n".join(plain(row) for row in replicas.replicas(view_state, 80, 3))
    high = "\n".join(plain(row) for row in replicas.replicas(view_state, 160, 30))
    assert "P1.0 acc 1 app 1" in low
    for word in (
        "promised 1.0",
        "learned 1",
        "lag 0",
        "rate",
        "loss 0 %",
        "fsync 0.4 ms",
        "sessions 1",
        "pid 4000",
    ):
        assert word in high


def test_a_click_finds_the_card() -> None:
    view_state = scene_of(Story(3).up())
    for height in (3, 6, 9, 12, 15, 40):
        rows = replicas.replicas(view_state, 100, height)
        for y, row in enumerate(rows):
            name = plain(row)[1:3]
            if name.startswith("r"):
                assert replicas.replica_at(view_state, y, height) == int(name[1])


def test_many_cuts_from_one_sender_are_one_line_that_joins_them_all() -> None:
    story = Story(5).up()
    for to in (1, 2, 4):
        story.fault(3, f.Cut(to))
    story.fault(3, f.Cut(0), left_s=60)
    story.fault(1, f.Cut(0))
    found = faults.broken(story.model, story.now)
    assert [each.what for each in found] == ["cut r3>r1,r2,r4", "cut r1>r0", "cut r3>r0"]
    assert found[0].mend == c.JoinCommand(((3, 1), (3, 2), (3, 4)), "r3>r1,r2,r4")


def test_where_not_all_replicas_fit_the_selected_one_does() -> None:
    view_state = scene_of(Story(9).up())
    for selected in range(9):
        view_state.selected = selected
        rows = [plain(row) for row in replicas.replicas(view_state, 60, 4)[:4]]
        assert any(f"▶r{selected}" in row for row in rows)
        y = next(y for y, row in enumerate(rows) if "▶" in row)
        assert replicas.replica_at(view_state, y, 4) == selected
