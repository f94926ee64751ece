"""The events pane: filters that cost nothing, and a reader who is left alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from paxtui.console.driver.scenario_run import Listed, ScenarioRun
from paxtui.console.model.analysis.describe import describe
from paxtui.console.model.analysis.event_folds import EventLines
from paxtui.console.model.state.journal import NOTABLE_KEPT, Events, Filter
from paxtui.console.model.state.ring import Ring, Sieve
from paxtui.console.model.state.seen import KINDS, SCENARIO, YOU, Note, Seen
from paxtui.console.widgets.detail import Detail
from paxtui.console.widgets.events import EventsPane
from paxtui.wire import events as e
from paxtui.wire.faults import Loss
from paxtui.wire.telemetry import FaultBegan, VotedView
from paxtui.wire.values import Ballot
from tests.console.pilot import Played
from tests.console.story import Story

B = Ballot(1, 0)


@given(st.integers(1, 9), st.integers(0, 60))
def test_a_shelf_keeps_the_newest_at_their_places(kept: int, count: int) -> None:
    shelf: Ring[int] = Ring(kept)
    for number in range(count):
        shelf.append(number)
        assert list(shelf) == list(range(max(0, number + 1 - kept), number + 1))
    assert (shelf.first, shelf.end, len(shelf)) == (max(0, count - kept), count, min(kept, count))
    assert list(reversed(shelf)) == list(shelf)[::-1]
    assert [shelf.get(at) for at in range(-1, count + 1)] == [
        at if shelf.first <= at < count else None for at in range(-1, count + 1)
    ]


def test_a_sieve_looks_at_each_item_once() -> None:
    looked: list[int] = []
    shelf: Ring[int] = Ring(100)
    sieve = Sieve(shelf, lambda item: not looked.append(item) and item % 2 == 0, 100)  # type: ignore[func-returns-value, redundant-expr]
    for number in range(10):
        shelf.append(number)
        sieve.take_new()
    assert list(sieve.take_new()) == [0, 2, 4, 6, 8]
    assert looked == list(range(10))


def journal() -> Events:
    events = Events()
    told = [
        (0, e.RoundTaken(B, False)),
        (1, e.Promised(B, 0, 0, True)),
        (2, VotedView(B, 0, 1, "")),
        (2, FaultBegan(1, Loss(0, 5.0), False)),
        (YOU, Note("loss r2>r0 5 %")),
        (SCENARIO, Note("step 1: cut leader")),
        (0, e.MessageDropped("accept", 1, "late")),
        (0, e.CatchUpAsked(1, 0, 5)),
    ]
    for number, (replica, event) in enumerate(told):
        events.add(Seen(float(number), replica, number, event), 0.0, 0.0)
    return events


def test_events_are_filtered_by_level_kind_and_replica() -> None:
    events = journal()
    assert [seen.number for seen in events.ring(Filter())] == [0, 1, 3, 4, 5, 7]
    assert [seen.number for seen in events.ring(Filter(everything=True))] == list(range(8))
    kinds = ["elections", "promises", "slots", "faults", "you", "scenario", "drops", "other"]
    for number, kind in enumerate(kinds):
        assert [seen.number for seen in events.ring(Filter(True, kind))] == [number]
    assert [seen.number for seen in events.ring(Filter(True, None, 0))] == [0, 6, 7]
    assert [seen.number for seen in events.ring(Filter(False, None, YOU))] == [4]
    assert [seen.number for seen in events.ring(Filter(False, None, SCENARIO))] == [5]
    assert set(kinds) == {*KINDS, "you", "scenario", "other"}


def test_a_filter_goes_on_with_what_comes() -> None:
    events = journal()
    wanted = Filter(True, "promises")
    before = events.ring(wanted).end
    events.add(Seen(9.0, 1, 9, e.Promised(Ballot(2, 0), 0, 0, True)), 9.0, 9.0)
    assert events.ring(wanted).end == before + 1


def test_what_becomes_of_processes_stands_between_what_replicas_tell() -> None:
    story = Story(3).up()
    story.down(0)
    story.model.process(0, "starting", story.now)
    story.paused(1)
    story.model.process(1, "up", story.now)
    story.model.paused(2, 5.0, story.now)
    story.later(1)
    story.report(2)
    told = [(seen.replica, describe(seen)) for seen in story.model.journal.ring(Filter())]
    assert told == [
        (0, "its process ended: killed"),
        (0, "its process is started"),
        (1, "its process is paused: it neither hears nor speaks"),
        (1, "its process goes on"),
        (2, "its process is paused: it neither hears nor speaks"),
        (2, "its process goes on"),
    ]


def test_that_a_leader_follows_itself_is_nothing_to_tell() -> None:
    events = Events()
    for number, replica in enumerate((0, 1)):
        events.add(Seen(0.0, replica, number, e.LeaderHeard(B)), 0.0, 0.0)
    assert [seen.replica for seen in events.ring(Filter())] == [1]


# On screen


def told(on: Played, count: int) -> None:
    for number in range(count):
        on.story.tell(1, e.LeaderHeard(Ballot(100 + number, 0)))


async def pane(on: Played) -> EventsPane:
    await on.press("6")
    await on.look()
    return on.app.query_one(EventsPane)


def test_the_newest_is_at_the_bottom_and_a_reader_is_left_alone(play: Callable[..., None]) -> None:
    async def act(on: Played) -> None:
        events = await pane(on)
        told(on, 50)
        await on.look()
        assert on.text("events").splitlines()[-1].rstrip().endswith("leads at 149.0")
        await on.press("pageup")
        before = on.text("events")
        told(on, 500)
        await on.look()
        assert on.text("events") == before
        assert "below (f)" in str(events.border_title)
        await on.press("f")
        assert events.following
        assert on.text("events").splitlines()[-1].rstrip().endswith("leads at 599.0")

    play(act)


def test_keys_change_what_is_shown(play: Callable[..., None]) -> None:
    async def act(on: Played) -> None:
        events = await pane(on)
        await on.press("V")
        assert events.wanted == Filter(everything=True)
        assert "accepts" in on.text("events") or "applied" in on.text("events")
        await on.press("K")
        assert events.wanted.kind == "elections"
        await on.press("B", "B")
        assert events.wanted.replica == 1
        assert "r0" not in [line.split()[1] for line in on.text("events").splitlines() if line.split()]
        assert "K kind: elections" in str(events.border_title)

    play(act)


def test_enter_shows_the_whole_event_and_again_goes_to_its_slot(play: Callable[..., None]) -> None:
    async def act(on: Played) -> None:
        await pane(on)
        on.story.tell(0, e.SlotSkipped(B, 4))
        await on.look()
        await on.press("enter")
        assert isinstance(on.app.screen, Detail)
        await on.press("enter")
        assert len(on.app.screen_stack) == 1
        assert on.app.view_state.slot == 4

    play(act)


# Finding, copying, writing down


def test_what_is_looked_for_is_found_in_both_directions_and_stands_out(play: Callable[..., None]) -> None:
    async def act(on: Played) -> None:
        events = await pane(on)
        told(on, 3)  # at ballots 100.0 to 102.0
        await on.look()
        await on.press("slash")
        await on.type("leads at 10")
        await on.press("enter")
        assert "leads at 102.0" in on.text("events").splitlines()[events.cursor - events.top]
        assert on.said == "match 3 of 3"
        await on.press("n")
        assert on.said == "match 1 of 3; that was the last: on at the other end"
        row = events._rows[events.cursor - events.top]
        assert [text for text, style in row if "reverse" in style] == ["leads at 10"]
        await on.press("b")
        assert on.said == "match 3 of 3; that was the first: on at the other end"
        events.find("nowhere")
        assert on.said == "no event here says 'nowhere'"
        events.find("at 101")
        assert on.said.startswith("1 match")

    play(act)


def test_g_goes_to_a_time_and_y_copies_the_event(
    play: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(on: Played) -> None:
        copied: list[str] = []
        monkeypatch.setattr(on.app, "copy_to_clipboard", copied.append)
        events = await pane(on)
        on.story.model.journal.add(Seen(0.0, 1, 900, e.LeaderHeard(Ballot(77, 0))), 0.0, 0.0)
        await on.look()
        await on.press("g")
        await on.type("00:00")
        await on.press("enter")
        assert not events.following
        assert events.cursor == events.first
        await on.press("f", "y")
        assert '"text":"follows r0, which leads at 77.0"' in copied[0]
        await on.press("g")
        await on.type("25:99")
        await on.press("enter")
        assert "'25:99' is no time" in on.said

    play(act)


@pytest.mark.parametrize("suffix", ["json", "txt"])
def test_all_events_are_written_into_a_file(play: Callable[..., None], tmp_path: Path, suffix: str) -> None:
    async def act(on: Played) -> None:
        told(on, 3)
        file = tmp_path / f"told.{suffix}"
        on.app.controllers.dialogs.run_line(f"export events {file}")
        assert "written" in on.said
        lines = file.read_text("utf-8").splitlines()
        assert len(lines) == len(on.story.model.journal.all)
        if suffix == "json":
            last = json.loads(lines[-1])
            assert (last["by"], last["event"], last["fields"]["ballot"]) == ("r1", "LeaderHeard", [102, 0])
        else:
            assert lines[-1].endswith("r1  follows r0, which leads at 102.0")
        on.app.controllers.dialogs.run_line(f"export events {file}")
        assert "File exists" in on.said

    play(act)


# Folds


def tries(replica: int, count: int) -> list[tuple[int, Struct]]:
    return [
        (replica, event)
        for attempt in range(count)
        for event in (e.ElectionTimeout(attempt), e.PreVoteAsked(Ballot(attempt + 2, replica)))
    ]


def lines_of(told: Iterable[tuple[int, Struct]], *, folding: bool = True) -> list[tuple[int, str]]:
    ring: Ring[Seen] = Ring(100)
    lines = EventLines(ring, 100, folding=folding)
    for number, (replica, event) in enumerate(told):
        ring.append(Seen(float(number), replica, number, event))
        lines.take_new()
    return [(line.seen.replica, line.words) for line in lines.take_new()]


def test_tries_of_replicas_without_a_leader_are_a_line_each() -> None:
    mixed = [event for pair in zip(tries(2, 11), tries(3, 11), strict=True) for event in pair]
    assert lines_of(mixed) == [(2, "no leader, 11 tries"), (3, "no leader, 11 tries")]
    assert len(lines_of(mixed, folding=False)) == len(mixed)


def test_what_stands_between_is_not_passed_over() -> None:
    elected = (0, e.LeaderHeard(Ballot(9, 1)))
    found = lines_of([*tries(2, 2), elected, *tries(2, 3), elected, elected, (1, elected[1])])
    assert found == [
        (2, "no leader, 2 tries"),
        (0, "follows r1, which leads at 9.1"),
        (2, "no leader, 3 tries"),
        (0, "follows r1, which leads at 9.1, 2 times"),
        (1, "follows r1, which leads at 9.1"),
    ]


def test_z_shows_every_event_again(play: Callable[..., None]) -> None:
    async def act(on: Played) -> None:
        events = await pane(on)
        for replica, event in tries(2, 4):
            on.story.tell(replica, event)
        await on.look()
        assert "no leader, 4 tries" in on.text("events")
        before = events.count()
        await on.press("z")
        await on.look()
        assert "no leader, 4 tries" not in on.text("events")
        assert events.count() == before + 7

    play(act)


def test_what_you_did_is_a_list_of_its_own_that_no_flood_pushes_out(play: Callable[..., None]) -> None:
    async def act(on: Played) -> None:
        on.driver.announce("r2 killed; r starts it again")
        journal = on.story.model.journal
        for number in range(2 * NOTABLE_KEPT + 5):
            journal.add(Seen(float(number), 1, number, e.LeaderHeard(Ballot(number + 1, 0))), 0.0, 0.0)
        events = await pane(on)
        await on.press("Y")
        await on.look()
        assert "r2 killed; r starts it again" in on.text("events")
        assert events.count() == 1
        await on.press("Y")
        await on.look()
        assert "r2 killed" not in on.text("events")

    play(act)


def test_the_steps_of_a_scenario_are_its_own_and_not_yours(play: Callable[..., None]) -> None:
    async def act(on: Played) -> None:
        run = on.driver.scenario_run = ScenarioRun(Listed("ring", "a ring", "shows a ring", 1), 1)
        told = {"event": "step", "number": "1", "what": "cut leader", "outcome": "", "at_s": 1.5}
        run._take_line(told, lambda words: None)
        run._take_line({"event": "end", "passed": False, "reason": "no leader"}, lambda words: None)
        run.model.journal.release(float("inf"))  # what waits for its cause
        on.app.tick()
        events = await pane(on)
        await on.look()
        lines = [line.split()[1:4] for line in on.text("events").splitlines() if line.split()]
        assert lines == [["scenario", "step", "1:"], ["scenario", "FAIL:", "no"]]
        await on.press("B", "B", "B", "B", "B")
        assert events.wanted.replica == SCENARIO
        assert "B by: scenario" in str(events.border_title)
        assert events.count() == 2
        on.driver.scenario_run = None
        on.app.tick()
        await on.press("B")
        assert events.wanted.replica is None

    play(act)
