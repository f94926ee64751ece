"""Slow is measured: a disk or a link that takes many times as long as the others is named."""

from __future__ import annotations

import pytest

from paxtui.console.model.analysis.link_status import link_status
from paxtui.console.model.analysis.slowness import Slow, outliers, slow_disks, slow_links
from paxtui.console.model.analysis.why import why_slot
from paxtui.console.rows import links, replicas
from paxtui.console.rows.log import column_mark
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from paxtui.wire import events as e
from paxtui.wire.requests import LinkView
from paxtui.wire.telemetry import ProposedView
from tests.console.story import Story


@pytest.mark.parametrize(
    ("measured", "slow"),
    [
        ([4.0, 5.0, 210.0], {2: Slow(210.0, 4.5)}),
        ([4.0, 5.0, 19.0], {}),  # many times slower than nothing is nothing
        ([40.0, 50.0, 150.0], {}),  # three times is not many
        ([210.0, 220.0, 4.0], {}),  # most are slow: then it is this cluster's way
        ([1.0, 1.0, 1.0, 30.0, 40.0], {3: Slow(30.0, 1.0), 4: Slow(40.0, 1.0)}),
        ([4.0, 210.0], {}),  # of two nobody says which is odd
        ([0.0, 0.0, 25.0], {2: Slow(25.0, 0.0)}),
    ],
)
def test_what_takes_many_times_as_long_as_the_others_is_slow(
    measured: list[float], slow: dict[int, Slow]
) -> None:
    assert outliers(dict(enumerate(measured))) == slow


def slow_disk_story() -> Story:
    story = Story(3).up()
    for id, ms in enumerate((4.0, 210.0, 5.0)):
        story.report(id, fsync_ms=ms)
    return story


def links_with(story: Story, id: int, trips: dict[int, float | None]) -> None:
    views = tuple(LinkView(to, True, 10, 0, 0, ms) for to, ms in trips.items())
    story.report(id, links=views)


def test_a_slow_disk_is_marked_on_its_card_and_its_column() -> None:
    story = slow_disk_story()
    assert slow_disks(story.model, story.now) == {1: Slow(210.0, 4.5)}
    view_state = ViewState(story.model, Styles(), lambda: story.now)
    assert column_mark(view_state, story.model.replicas[1]) == "~"
    assert column_mark(view_state, story.model.replicas[2]) == " "
    text = "\n".join("".join(part for part, _ in row) for row in replicas.replicas(view_state, 120, 40))
    assert "~210 ms" in text
    assert "127.0.0.1:7401" in text


def test_what_is_not_heard_any_more_is_not_called_slow() -> None:
    story = slow_disk_story()
    story.later(60)
    assert slow_disks(story.model, story.now) == {}


def test_why_names_the_slow_replica() -> None:
    story = slow_disk_story()
    story.tell(
        0, ProposedView(story.ballot, 0, 1, "client", "", None), e.AcceptSent(story.ballot, 0, 1, -1, False)
    )
    why = why_slot(story.model, 0, story.now)
    assert "r1 is slow: fsync 210 ms, the others 4.5 ms." in " ".join(why.evidence)


def test_a_slow_link_is_marked_and_its_round_trip_shown() -> None:
    story = Story(3).up()
    links_with(story, 0, {1: 0.2, 2: 80.0})
    links_with(story, 1, {0: 0.2, 2: 0.3})
    links_with(story, 2, {0: 0.4, 1: 0.2})
    assert slow_links(story.model, story.now) == {(0, 2): Slow(80.0, 0.2)}
    assert link_status(story.model, 0, 2, story.now).short(8) == "~80ms"
    view_state = ViewState(story.model, Styles(), lambda: story.now)
    view_state.link = (0, 2)
    slow = "".join(
        part for row in links.links(view_state, 100, 20, both=False, focused=True) for part, _ in row
    )
    assert "round trip 80 ms, the others 0.2 ms" in slow
    view_state.link = (0, 1)
    usual = "".join(
        part for row in links.links(view_state, 100, 20, both=False, focused=True) for part, _ in row
    )
    assert "round trip 0.20 ms" in usual


def test_a_round_trip_that_is_not_told_is_not_shown() -> None:
    story = Story(3).up()
    for id in range(3):
        links_with(story, id, {to: None for to in range(3) if to != id})
    view_state = ViewState(story.model, Styles(), lambda: story.now)
    view_state.link = (0, 1)
    text = "".join(
        part for row in links.links(view_state, 100, 20, both=False, focused=True) for part, _ in row
    )
    assert "round trip" not in text
