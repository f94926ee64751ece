"""What the console shows does not depend on which replica's report came first."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Struct

from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.state.rates import Latencies, RateCounter
from paxtui.core.values import NOOP, TRIM, Command
from paxtui.sim.plan.plan_generator import generate_plan
from paxtui.wire import events as e
from paxtui.wire.telemetry import MessageFaulted, ProposedView, TelemetrySnapshot, ValueView, digest
from paxtui.wire.values import Ballot
from tests.console.story import Story, cluster
from tests.console.streams import folded, picture, streams

SEEDS = 2
ORDERS = 3


def differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Where two pictures differ: what each has there, the first of each kind."""
    found: dict[str, Any] = {}
    for name, mine in one.items():
        theirs = other[name]
        if mine != theirs:
            pairs = zip(mine, theirs, strict=False) if isinstance(mine, list) else [(mine, theirs)]
            found[name] = next(
                ((at, left, right) for at, (left, right) in enumerate(pairs) if left != right), (mine, theirs)
            )
    return found


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["all", "crash", "churn", "boost", "trims", "overtaken", "lost"])
def test_any_interleaving_of_the_replicas_reports_ends_in_the_same_picture(profile: str) -> None:
    for seed in range(SEEDS):
        told = streams(generate_plan(seed, profile), seed)
        first = picture(folded(told, 0), told.end)
        for order in range(1, ORDERS):
            assert differences(first, picture(folded(told, order), told.end)) == {}, (profile, seed, order)


# What is rare in a run: two replicas tell, in both orders

LOW, HIGH = Ballot(2, 0), Ballot(3, 1)
ADA, BOB = Command("ada", 1, "coffee?"), Command("bob", 1, "tea")
TRIMMED = Command("", 4, f"{TRIM} 1 1 1")


def proposed(ballot: Ballot, first: int, source: str, *values: Command) -> ProposedView:
    told = tuple(ValueView(value.client, value.request, value.text) for value in values)
    return ProposedView(ballot, first, len(values), source, "".join(map(digest, values)), told)


def booting(at_s: float, wall: float) -> TelemetrySnapshot:
    return TelemetrySnapshot(id=0, number=0, at_s=at_s, wall=wall, status=None, slots=(), faults=())


Streams = list[tuple[int, list[Struct]]]

PAIRS: dict[str, Streams] = {
    "a new leader proposes a part of what an old one did": [
        (0, [proposed(LOW, 0, "client", ADA, ADA, ADA)]),
        (1, [proposed(HIGH, 1, "adopted", ADA)]),
    ],
    "what repeats is known before the value is": [
        (0, [proposed(LOW, 0, "client", ADA)]),
        (1, [e.Suppressed(0, "ada", 1, 7)]),
    ],
    "the log start rises before the trim is told": [
        (0, [proposed(LOW, 0, "client", ADA, ADA, ADA, ADA, TRIMMED)]),
        (1, [e.Trimmed(4), e.AppliedTo(0, 5, "aa")]),
    ],
    "two leaders leave the same slot empty": [
        (0, [e.SlotSkipped(LOW, 0), proposed(LOW, 1, "client", ADA)]),
        (1, [e.SlotSkipped(HIGH, 0)]),
    ],
    "two leaders fill the same hole": [
        (0, [e.SlotSkipped(LOW, 0), proposed(LOW, 0, "no-op", NOOP)]),
        (1, [proposed(HIGH, 0, "no-op", NOOP)]),
    ],
    "an Accept of an old leader is lost, and one of a new leader is on its way": [
        (0, [e.AcceptSent(LOW, 0, 3, 2, False), MessageFaulted(2, 1, "accept", LOW, 0, 3, 0, ())]),
        (1, [proposed(HIGH, 0, "adopted", ADA, ADA, ADA), e.AcceptSent(HIGH, 1, 1, 2, False)]),
    ],
}


@pytest.mark.parametrize("case", PAIRS)
def test_two_replicas_may_tell_in_either_order(case: str) -> None:
    pictures = []
    for order in (PAIRS[case], PAIRS[case][::-1]):
        story = Story(3)
        for id in range(3):
            story.snapshot(id, watermark=0, role="follower")
        for id, events in order:
            story.tell(id, *events)
        pictures.append(picture(story.model, story.now))
    assert differences(*pictures) == {}
    assert len(pictures[0]["slots"]) >= 1


def test_the_time_of_day_does_not_depend_on_who_was_heard_first() -> None:
    """One clock is an hour ahead."""
    found = set()
    for order in ((0, 1, 2), (2, 1, 0), (2, 0, 1)):
        model = ClusterModel(cluster(3))
        for id in order:
            wall = 5000.0 + id + (3600.0 if id == 2 else 0.0)
            model.fold(id, booting(10.0, wall), 1000.0)
        found.add(model.wall_ahead)
    assert found == {4001.0}


def test_what_is_told_late_counts_in_the_second_in_which_it_happened() -> None:
    pictures = []
    for times in ((10.2, 12.9), (12.9, 10.2)):
        latencies, counter = Latencies(), RateCounter()
        for at in times:
            latencies.add(at, at)
            counter.add(at)
        pictures.append((latencies.last(13.5, 0.5, 5), counter.last(13.5, 5)))
    assert pictures[0] == pictures[1]
    assert pictures[0][0] == [None, None, 10.2, None, 12.9]
