"""What replicas kept of the time before: among the events, in curves, and nowhere else."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable

import msgspec
import pytest
from msgspec import Raw, Struct

from paxtui.console.export import event_as_json
from paxtui.console.model.state.journal import Filter
from paxtui.console.model.state.seen import YOU, Divider
from paxtui.console.widgets.events import EventsPane
from paxtui.wire import events as e
from paxtui.wire.telemetry import GaugeSecond, HistoryPage
from paxtui.wire.values import Ballot
from tests.console.pilot import Played
from tests.console.story import WALL, Story
from tests.console.streams import picture
from tests.console.test_attached import attached, head, line

Act = Callable[[Played], Awaitable[None]]
OLD = Ballot(1, 1)


def history(
    story: Story,
    id: int,
    *events: tuple[int, float, Struct],
    gauges: tuple[GaugeSecond, ...] = (),
    began_s: float = 100.0,
) -> None:
    """What a replica kept: numbers, how many seconds ago, and what."""
    told = tuple((number, story.now - ago, Raw(msgspec.json.encode(event))) for number, ago, event in events)
    page = HistoryPage(id=2, began_s=began_s, events=told, gauges=gauges, last=True)
    story.model.fold(id, page, story.now)


def second(story: Story, ago: int, **changes: object) -> GaugeSecond:
    told = GaugeSecond(int(story.now) - ago, True, 40, 40, 0, 0, 0, 200, 1.5, 2.0, 9.0)
    return msgspec.structs.replace(told, **changes)


def shown(story: Story) -> list[str]:
    return [
        each.event.text if isinstance(each.event, Divider) else f"r{each.replica} {type(each.event).__name__}"
        for each in story.model.journal.ring(Filter())
    ]


def an_election(story: Story) -> None:
    """r1 led before r0 does now; r1's clock is a bit late."""
    history(story, 0, (10, 40.2, e.Promised(OLD, 0, 0, True)))
    history(story, 1, (12, 40.3, e.RoundTaken(OLD, False)), (13, 40.1, e.Elected(OLD, 0, 0, (0, 1))))
    history(story, 2, (9, 40.0, e.LeaderHeard(OLD)))


BEFORE = ["before you came", "r1 RoundTaken", "r0 Promised", "r1 Elected", "r2 LeaderHeard", "you came"]


def test_it_stands_above_what_was_seen_and_between_two_lines() -> None:
    story = attached()
    story.tell(2, e.ElectionTimeout(0))
    an_election(story)
    assert shown(story) == [*BEFORE, "r2 ElectionTimeout"]
    kept = [each for each in story.model.journal.all if each.remembered]
    assert [each.number for each in kept] == [12, 10, 13, 9]
    assert kept[0].wall == pytest.approx(WALL + story.now - 40.3)


def test_whoever_tells_first_the_order_is_that_of_the_cause() -> None:
    told: list[Callable[[Story], None]] = [
        lambda story: history(story, 0, (10, 40.5, e.Promised(OLD, 0, 0, True))),  # before its cause
        lambda story: history(
            story, 1, (12, 40.3, e.RoundTaken(OLD, False)), (13, 40.1, e.Elected(OLD, 0, 0, (0, 1)))
        ),
        lambda story: history(story, 2, (9, 40.0, e.LeaderHeard(OLD))),
    ]
    for order in itertools.permutations(told):
        story = attached()
        for tell in order:
            tell(story)
        assert shown(story) == BEFORE
        assert [each.corrected for each in story.model.journal.all if each.replica == 0] == [True]


def test_nothing_of_it_is_judged_or_believed() -> None:
    story, other = attached(), attached()
    an_election(story)
    history(story, 2, (3, 90.0, e.BecameNonVoting("its disk was emptied")), (4, 80.0, e.Trimmed(400)))
    assert picture(story.model, story.now) == picture(other.model, other.now)
    assert story.model.judge.light == other.model.judge.light
    assert head(story) == head(other)


def test_what_was_seen_is_not_told_twice() -> None:
    """The connection breaks, and the replica tells all that it kept once more."""
    story = attached()
    story.tell(1, e.ElectionTimeout(0))
    history(story, 1, (5, 60.0, e.ElectionTimeout(0)))
    story.lost(1)
    story.later(3)
    story.numbers[1] += 1  # an event that nobody heard
    story.snapshot(1)
    kept = ((5, 63.0, e.ElectionTimeout(0)), (90, 3.0, e.ElectionTimeout(0)), (91, 1.0, e.ProposerCrashed()))
    history(story, 1, *kept, (92, 0.0, e.ProposerRestored()))
    assert shown(story) == [
        "before you came",
        "r1 ElectionTimeout",
        "you came",
        "r1 ElectionTimeout",
        "r1 ProposerCrashed",
    ]


def test_a_process_that_started_anew_tells_its_first_events() -> None:
    story = attached()
    history(story, 1, (5, 60.0, e.ElectionTimeout(0)))
    story.lost(1)
    story.later(3)
    story.numbers[1] = 2
    story.snapshot(1)
    history(story, 1, (0, 1.0, e.Restored(OLD, 0, 0, 0)), (1, 0.5, e.ElectionTimeout(0)), began_s=900.0)
    assert shown(story)[3:] == ["r1 Restored", "r1 ElectionTimeout"]


def test_lines_are_in_every_filter_but_that_of_the_person() -> None:
    story = attached()
    story.model.note("you did this", WALL + story.now)
    an_election(story)
    found = [
        type(each.event).__name__ for each in story.model.journal.ring(Filter(kind="promises", replica=0))
    ]
    assert found == ["Divider", "Promised", "Divider"]
    assert [each.replica for each in story.model.journal.ring(Filter(replica=YOU))] == [YOU]


def test_without_anything_before_there_is_no_line() -> None:
    story = attached()
    history(story, 1)
    story.tell(1, e.ElectionTimeout(0))
    assert shown(story) == ["r1 ElectionTimeout"]


def test_old_seconds_fill_the_curves_and_those_seen_here_stay() -> None:
    story = attached()
    story.tell(0, e.ChosenSeen(Ballot(1, 0), 500, 7))
    history(story, 0, gauges=tuple(second(story, ago) for ago in range(20, -2, -1)))
    history(story, 1, gauges=tuple(second(story, ago, leads=False, chosen=0) for ago in range(20, -2, -1)))
    story.later(1)
    model = story.model
    assert model.chosen_rate.last(story.now, 24) == [None, None, None, *[40.0] * 20, 7.0]
    assert model.latency.last(story.now, 0.5, 20) == [2.0] * 19 + [None]
    assert model.latency.last(story.now, 0.99, 12)[0] == 9.0
    assert model.replicas[1].fsync.last(story.now, 22)[0] is None
    assert model.replicas[1].fsync.last(story.now, 21)[0] == 1.5
    assert model.replicas[2].fsync.last(story.now, 20)[:-1] == [None] * 19
    assert "max 40" in line(story, "chosen/s")


def test_an_export_says_what_was_kept_for_us() -> None:
    story = attached()
    an_election(story)
    told = [msgspec.json.decode(event_as_json(each)) for each in story.model.journal.all]
    assert [each["kept"] for each in told] == [False, True, True, True, True, False]


@pytest.mark.parametrize("size", [(160, 45), (80, 24)])
def test_the_pane_shows_it_dim_and_keeps_the_place_of_who_reads(
    play: Callable[..., None], size: tuple[int, int]
) -> None:
    async def act(on: Played) -> None:
        story = on.story
        for id in range(3):
            story.tell(id, e.ElectionTimeout(0))
        await on.press("6")
        await on.look()
        await on.press("up", "up")
        pane = on.app.query_one(EventsPane)
        before = on.text("events").splitlines()
        pointed = next(row for row in before if row.startswith("▶"))
        story.model.replicas[1].number = 90
        history(story, 1, *((number, 90.0 - number, e.ElectionTimeout(number)) for number in range(60)))
        await on.look()
        after = on.text("events").splitlines()
        assert pane.cursor > 2
        assert pointed in after
        await on.press("home")
        first, second_row = on.text("events").splitlines()[:2]
        assert "before you came" in first
        row = scene_row(on, 1)
        assert {name for text, name in row if text.strip()} == {"dim"}
        assert second_row.strip()

    def scene_row(on: Played, at: int) -> list[tuple[str, str]]:
        pane = on.app.screen_stack[0].query_one(EventsPane)
        return list(pane._rows[at])

    play(act, size=size)
