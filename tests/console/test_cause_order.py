"""Events stand in the order of cause, whoever is heard first and whatever the clocks say."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Struct

from paxtui.console.model.state.cause_order import CauseOrder, causes_of, effects_of
from paxtui.console.model.state.journal import Filter
from paxtui.console.model.state.seen import Seen
from paxtui.console.rows import events as rows
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from paxtui.sim.plan.plan_generator import generate_plan
from paxtui.wire import events as e
from paxtui.wire.telemetry import LearnedView, ProposedView, VotedView
from paxtui.wire.values import Ballot
from tests.console.story import Story
from tests.console.streams import as_it_came, streams

B = Ballot(3, 0)
LATER = Ballot(4, 1)


def ordered(*told: tuple[int, float, Struct]) -> list[Seen]:
    """Events in their order of arrival, one a millisecond: who, when by its own clock, what."""
    order = CauseOrder(0.2)
    for number, (replica, wall, event) in enumerate(told):
        order.add(Seen(wall, replica, number, event), wall, 10.0 + number / 1000)
    return [held.seen for held in order.due(11.0)]


def names(found: list[Seen]) -> list[str]:
    return [f"r{seen.replica} {type(seen.event).__name__}{'~' if seen.corrected else ''}" for seen in found]


def test_a_slot_is_proposed_voted_counted_chosen_and_learned_in_this_order() -> None:
    """Everything arrives the wrong way round, replica by replica."""
    found = ordered(
        (2, 5.004, LearnedView(6, 1, ((B, 1),), "", None)),
        (1, 5.001, VotedView(B, 6, 1, "")),
        (0, 5.000, ProposedView(B, 6, 1, "client", "", None)),
        (0, 5.002, e.AcceptedReceived(B, 1, 6, 1)),
        (0, 5.003, e.ChosenSeen(B, 6, 1)),
    )
    assert names(found) == [
        "r0 ProposedView",
        "r1 VotedView",
        "r0 AcceptedReceived",
        "r0 ChosenSeen",
        "r2 LearnedView",
    ]


def test_a_leader_leads_after_the_promises_although_its_clock_is_slow() -> None:
    found = ordered(
        (0, 1.000, e.RoundTaken(B, False)),
        (0, 1.001, e.PromiseReceived(B, 1, 0, 0, True)),
        (0, 1.002, e.Elected(B, 0, 0, (0, 1))),
        (1, 4.000, e.Promised(B, 0, 0, True)),
        (1, 4.001, e.LeaderHeard(B)),
    )
    assert names(found) == [
        "r0 RoundTaken",
        "r1 Promised",
        "r0 PromiseReceived~",
        "r0 Elected",
        "r1 LeaderHeard",
    ]


def test_what_is_sent_again_is_no_cause_of_what_came_before() -> None:
    found = ordered(
        (0, 1.000, e.RoundTaken(B, False)),
        (1, 1.001, e.Promised(B, 0, 0, True)),
        (0, 1.050, e.PrepareSent(B, 0, 2)),
    )
    assert names(found) == ["r0 RoundTaken", "r1 Promised", "r0 PrepareSent"]


def test_a_circle_of_clocks_that_are_wrong_ends() -> None:
    """Each replica's own order says the contrary of what the messages say: nothing is held for ever."""
    found = ordered(
        (0, 1.0, VotedView(LATER, 6, 1, "")),
        (0, 1.1, ProposedView(B, 6, 1, "client", "", None)),
        (1, 1.0, VotedView(B, 6, 1, "")),
        (1, 1.1, ProposedView(LATER, 6, 1, "client", "", None)),
    )
    assert len(found) == 4


def test_an_event_waits_for_its_cause_for_a_moment_and_no_longer() -> None:
    order = CauseOrder(0.2)
    order.add(Seen(5.0, 1, 0, VotedView(B, 6, 1, "")), 5.0, 10.0)
    assert list(order.due(10.1)) == []
    assert names([held.seen for held in order.due(10.2)]) == ["r1 VotedView"]


def test_a_view_that_stands_still_has_all_that_was_told() -> None:
    story = Story(3)
    story.model.journal.__init__(0.2)  # type: ignore[misc]
    for id in range(3):
        story.snapshot(id)
    story.tell(1, e.Promised(B, 0, 0, True))
    assert list(story.model.journal.ring(Filter())) == []
    still = story.model.still()
    assert names(list(still.journal.ring(Filter()))) == ["r1 Promised"]
    story.later(0.3)
    story.model.update_lights(story.now)
    assert names(list(story.model.journal.ring(Filter()))) == ["r1 Promised"]


def test_a_row_that_the_clocks_contradict_is_marked() -> None:
    story = Story(3)
    view_state = ViewState(story.model, Styles(), lambda: story.now)
    seen = Seen(5.0, 1, 0, VotedView(B, 6, 1, ""), corrected=True)
    text = "".join(part for part, _ in rows.line(view_state, seen, 80, chosen=False))
    assert "~" in text
    plain = "".join(
        part for part, _ in rows.line(view_state, seen._replace(corrected=False), 80, chosen=False)
    )
    assert "~" not in plain
    assert len(plain) == len(text)


@pytest.mark.slow
@pytest.mark.parametrize("skew_s", [0.0, 3.0], ids=["clocks agree", "clocks differ"])
@pytest.mark.parametrize("profile", ["all", "crash", "churn", "boost"])
def test_no_effect_stands_before_its_cause(profile: str, skew_s: float) -> None:
    marked = 0
    for seed in range(3):
        found: list[Seen] = list(
            as_it_came(streams(generate_plan(seed, profile), seed, skew_s), 0.2).journal.all
        )
        places: dict[Any, list[tuple[int, int, int, int]]] = {}
        for at, seen in enumerate(found):
            for key, first, end in effects_of(seen.replica, seen.event):
                places.setdefault(key, []).append((first, end, seen.replica, at))
        for at, seen in enumerate(found):
            marked += seen.corrected
            for key, first, end in causes_of(seen.event):
                causes = [
                    place
                    for begin, stop, teller, place in places.get(key, ())
                    if teller != seen.replica and begin < end and first < stop
                ]
                if causes:
                    assert min(causes) < at, (seed, seen, found[min(causes)])
    assert bool(marked) == bool(skew_s)
