"""`status` and `health` count failures as the console does: of who votes and hears each other."""

from __future__ import annotations

from paxtui.cli.health import answering
from paxtui.cli.status import rows
from paxtui.client import Sighting
from tests.console.story import Story


def sightings(story: Story, *absent: int) -> list[Sighting]:
    return [
        Sighting(each.id, None if each.id in absent else each.report, "cannot be reached: refused")
        for each in story.model.replicas
    ]


def spare(story: Story, *absent: int) -> str:
    return "".join(row for row in rows(sightings(story, *absent)) if row.startswith("SPARE"))


def test_status_tells_when_fewer_may_fail_than_could() -> None:
    story = Story(5).up()
    assert spare(story) == ""
    assert (
        spare(story, 4)
        == "SPARE: 1 more may fail: 3 of 5 are needed, and r0 r1 r2 r3 vote and hear each other"
    )
    for id, others in {0: (2,), 2: (0,), 1: (3, 4), 3: (1, 4), 4: (1, 3)}.items():
        story.report(id, connected=others)
    assert spare(story) == "SPARE: 0 more may fail: 3 of 5 are needed, and r1 r3 r4 vote and hear each other"
    assert (
        spare(story, 3)
        == "SPARE: no majority is connected: 3 of 5 are needed, and r0 r2 vote and hear each other"
    )


def test_one_direction_is_no_connection_and_a_learner_no_vote() -> None:
    story = Story(3).up()
    story.report(1, connected=(0,))
    assert "0 more may fail" in spare(story)
    story.report(1)
    story.report(2, status={"role": "non-voting", "non_voting": "its disk is new"})
    assert "r0 r1 vote and hear each other" in spare(story)


def test_health_does_not_count_who_answers_but_cannot_vote() -> None:
    story = Story(3).up()
    assert answering(sightings(story, 1, 2)) == "1 of 3 replicas answer, 2 are needed"
    story.report(2, status={"role": "non-voting", "non_voting": "its disk is new"})
    assert answering(sightings(story, 1)) == (
        "2 of 3 replicas answer, 1 of these vote and hear each other, 2 are needed"
    )
