"""What the model folds of telemetry: promises, faults that act, rates, and which trim set a log_start."""

from __future__ import annotations

from paxtui.core.values import Command, trim
from paxtui.wire import events as e
from paxtui.wire import faults as f
from paxtui.wire.requests import LinkView
from paxtui.wire.telemetry import LearnedView, ProposedView, ValueView, VotedView
from paxtui.wire.values import Ballot
from tests.console.story import WALL, Story

CHECKPOINT = "0123456789abcdef"


def test_a_vote_is_a_promise_too() -> None:
    story = Story(3).up()
    story.tell(2, VotedView(Ballot(5, 1), 0, 1, CHECKPOINT))
    assert story.model.replicas[2].promised == Ballot(5, 1)
    story.tell(2, VotedView(Ballot(4, 0), 1, 1, CHECKPOINT))
    assert story.model.replicas[2].promised == Ballot(5, 1)


def test_a_delay_to_all_delays_each_link_and_one_to_a_peer_its_own_alone() -> None:
    story = Story(3).up()
    story.fault(0, f.Delay(-1, 300.0, 20.0))
    story.fault(1, f.Delay(0, 200.0, 10.0))
    first, second, _ = story.model.replicas
    assert [first.delay_to(peer) for peer in (1, 2)] == [(300.0, 20.0), (300.0, 20.0)]
    assert [second.delay_to(peer) for peer in (0, 2)] == [(200.0, 10.0), (0.0, 0.0)]


def test_faults_that_wait_for_their_trigger_or_are_ended_do_not_act() -> None:
    story = Story(3).up()
    story.fault(0, f.Cut(1), when=f.Trigger("elected"))
    ended = story.fault(0, f.Cut(2))
    assert story.model.replicas[0].on_links == [f.Cut(2)]
    story.model.replicas[0].ending = frozenset({ended})
    assert story.model.replicas[0].on_links == []


def test_a_link_that_sends_no_more_has_the_rate_0() -> None:
    story = Story(3).up()
    for sent in (0, 100, 100):
        story.report(0, links=(LinkView(1, True, sent, 0, 0),))
        story.later(1)
    assert story.model.replicas[0].message_rate == 0.0


def told(
    story: Story, slot: int, value: Command, *, log_start: int | None = None, first: int | None = None
) -> None:
    """Replica 0 tells the value of a slot, and that it applied everything from ``first`` on to there."""
    view = (ValueView(value.client, value.request, value.text),)
    story.tell(0, ProposedView(story.ballot, slot, 1, "client", CHECKPOINT, view))
    if first is not None:
        applies(story, first, slot + 1, log_start)


def applies(story: Story, first: int, end: int, log_start: int | None = None) -> None:
    ballots = ((story.ballot, end - first),)
    trimmed = [e.Trimmed(log_start)] if log_start is not None else []
    learned = LearnedView(first, end - first, ballots, CHECKPOINT * (end - first), None)
    story.tell(0, learned, *trimmed, e.AppliedTo(first, end, ""))


def found(story: Story) -> dict[int, int | None]:
    """By log start, the slot of the trim that set it."""
    return {log_start: story.model.trims.slot_of(log_start) for log_start in story.model.trims.log_starts}


def test_a_floor_is_set_by_a_trim_and_not_by_a_message_with_a_high_number() -> None:
    story = Story(3).up()
    told(story, 20, Command("ada~s1@0", 5000, "a message"))
    told(story, 21, trim(11, story.ballot), log_start=11, first=20)
    assert found(story) == {11: 21}


def test_of_a_trim_whose_value_was_not_told_no_slot_is_named_and_none_later() -> None:
    story = Story(3).up()
    applies(story, 21, 22, log_start=11)
    assert found(story) == {}
    told(story, 22, trim(11, story.ballot), first=22)  # it finds nothing left to remove
    assert found(story) == {}


def test_seconds_count_as_quiet_where_nobody_acts_unseen_and_as_unknown_elsewhere() -> None:
    story = Story(3).up()
    story.later(3)
    model = story.model
    assert (model.chosen_rate.last(story.now, 2), model.elections.last(story.now, 2)) == ([0, 0], [0, 0])
    story.lost(2)
    story.later(3)
    assert (model.chosen_rate.last(story.now, 2), model.elections.last(story.now, 2)) == (
        [0, 0],
        [None, None],
    )
    story.lost(0)
    story.later(3)
    assert model.chosen_rate.last(story.now, 2) == [None, None]


def test_events_stand_at_the_time_of_day_of_their_replica() -> None:
    story = Story(3).up()
    story.later(7)
    story.tell(1, e.RoundTaken(Ballot(2, 1), False))
    assert list(story.model.journal.notable)[-1].wall == WALL + story.now


def test_a_snapshot_alone_tells_what_a_replica_is_and_has() -> None:
    story = Story(3)
    story.snapshot(1, promised=Ballot(4, 2), watermark=9, log_start=3, role="leader", ballot=Ballot(4, 1))
    replica = story.model.replicas[1]
    assert (replica.role, replica.promised) == ("leader", Ballot(4, 2))
    assert (replica.applied, replica.log_start) == (9, 3)
    assert story.model.leaders == {1: Ballot(4, 1)}
