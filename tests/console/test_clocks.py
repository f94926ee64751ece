"""Replicas whose wall clocks are wrong, or step, while a console looks at them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from paxtui.console.model.analysis.search import slot_at
from paxtui.console.rows.events import clock
from paxtui.console.rows.metrics import series
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from paxtui.wire import events as e
from paxtui.wire.telemetry import TelemetryDelta, TelemetrySnapshot
from tests.console.story import WALL, Story

YEAR_S = 365 * 86_400.0


class Clocks(Story):
    """A story whose replicas have wall clocks of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong_s = [0.0] * self.n

    def snapshot(self, id: int, **changes: Any) -> None:
        wall = WALL + self.now + self.wrong_s[id]
        status = self.status(id, **changes)
        number, at_s = self.numbers[id], self.now
        self.model.fold(
            id,
            TelemetrySnapshot(id=0, number=number, at_s=at_s, wall=wall, status=status, slots=(), faults=()),
            self.now,
        )

    def shown(self) -> dict[str, float | None]:
        """The numbers of the metrics pane."""
        scene = ViewState(self.model, Styles(), lambda: self.now)
        return {one.label: one.now for one in series(scene, 20)}

    def live(self, seconds: int) -> None:
        """Ten messages a second, decided in 10 ms."""
        for _ in range(seconds):
            slots = self.propose(["text"] * 10)
            self.later(0.01)
            for id in range(2):
                self.vote(id, slots)
            self.tell(self.ballot.replica, e.ChosenSeen(self.ballot, slots[0], len(slots)))
            self.chosen = slots[-1] + 1
            self.later(0.99)


def assert_sound(story: Clocks) -> None:
    """What is counted and compared has nothing of the wall clock."""
    told = story.shown()
    assert (told["chosen/s"], told["elections"]) == (10, 1)
    assert told["p50 ms"] == pytest.approx(10, abs=0.5)
    slots = story.propose(["open"])
    story.later(3.0)
    assert story.model.open_for(slots[0], story.now) == pytest.approx(3.0, abs=0.1)
    assert not story.model.proposed_after(slots[0], story.now - 2.9)
    assert story.model.proposed_after(slots[0], story.now - 3.1)


@pytest.mark.parametrize("wrong_s", [0.0, 0.3, YEAR_S, -YEAR_S])
@pytest.mark.parametrize("who", [(0,), (1,), (0, 1, 2)])
def test_numbers_and_ages_do_not_depend_on_the_wall_clocks_of_replicas(
    who: tuple[int, ...], wrong_s: float
) -> None:
    story = Clocks()
    for id in who:
        story.wrong_s[id] = wrong_s
    story.up()
    story.elect(0, 2)
    story.live(5)
    assert_sound(story)


@pytest.mark.parametrize("wrong_s", [YEAR_S, -YEAR_S])
def test_a_replica_that_is_heard_again_after_its_clock_stepped_spoils_no_numbers(wrong_s: float) -> None:
    story = Clocks()
    story.up()
    story.elect(0, 2)
    story.live(3)
    for wrong in (wrong_s, 0.0):
        for id in range(3):
            story.wrong_s[id] = wrong
            story.lost(id)
            story.snapshot(id)
        story.live(3)
        assert story.shown()["chosen/s"] == 10
    assert_sound(story)


@pytest.mark.parametrize("wrong_s", [1e300, 1e14, -1e14])
def test_a_clock_of_no_year_that_there_is_ends_no_console(wrong_s: float) -> None:
    story = Clocks()
    story.wrong_s[1] = wrong_s
    story.up()
    story.elect(1, 2)
    story.live(2)
    assert story.shown()["chosen/s"] == 10
    assert slot_at(story.model, "00:00") == 0  # as the other replicas tell
    for seen in story.model.journal.all:
        assert len(clock(seen.wall)) == len("12:04:07.120")


@pytest.mark.parametrize("at_s", [1e300, -1e300, 1e12])
def test_an_event_of_any_time_spoils_no_rates(at_s: float) -> None:
    story = Clocks()
    story.up()
    event = Raw(msgspec.json.encode(e.ChosenSeen(story.ballot, 0, 1)))
    story.model.fold(
        2, TelemetryDelta(id=0, first=0, at_s=at_s, events=((at_s, event),), dropped=0), story.now
    )
    story.numbers[2] += 1
    story.later(5)
    story.live(3)
    assert story.shown()["chosen/s"] == 10
