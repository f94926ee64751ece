"""A message that does not go on says why, from facts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from paxtui.console.model.analysis.conversation import Conversation, saying
from paxtui.console.model.analysis.why import why_message, why_moving
from paxtui.console.model.state.sent_messages import SentMessage
from paxtui.console.widgets.detail import Detail
from paxtui.wire import events as e
from paxtui.wire import faults as f
from paxtui.wire.telemetry import LearnedView, MessageFaulted, VotedView
from paxtui.wire.values import Ballot
from tests.console.pilot import Played
from tests.console.story import Story


def notes(story: Story) -> list[str]:
    talk = Conversation(story.model)
    said = [saying(story.model, talk.get(line), 0, "you", story.now) for line in range(talk.count)]
    return [each.note for each in said]


def say(story: Story, text: str = "hello", via: int | None = None) -> SentMessage:
    mine = story.model.chat.add_message(text, via, story.now)
    story.model.chat.numbered(mine, "you~s9@0", 0)
    return mine


def pass_time(story: Story, seconds: float, *heard: int) -> None:
    """Time goes on, and some replicas are heard."""
    story.later(seconds)
    for id in heard:
        story.report(id)
    story.model.liveness.judge(story.model, story.now)


def no_majority(story: Story) -> None:
    for id in (0, 1):
        story.down(id)
    story.roles = ["follower"] * 3


def all_cut(story: Story) -> None:
    story.model.leaders.clear()
    story.roles = ["follower"] * 3
    for a, b in ((0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)):
        story.fault(a, f.Cut(b))


def paused(story: Story) -> None:
    story.paused(0)


def deaf(story: Story) -> None:
    for peer in (1, 2):
        story.fault(peer, f.Cut(0))


def electing(story: Story) -> None:
    story.roles = ["follower"] * 3
    story.model.leaders.clear()


@pytest.mark.parametrize(
    ("happens", "heard", "said"),
    [
        (no_majority, (2,), "no leader: 1 of 3 run, 2 needed"),
        (all_cut, (0, 1, 2), "no leader: no majority is connected"),
        (paused, (1, 2), "leader r0 paused"),
        (deaf, (0, 1, 2), "leader r0 cut off"),
        (electing, (0, 1, 2), "no leader yet: an election is on"),
        (lambda story: None, (0, 1, 2), "r0 has not proposed it"),
        (lambda story: None, (1, 2), "leader r0 not heard for 3.0 s"),
    ],
)
def test_a_queued_message_says_what_keeps_it(
    happens: Callable[[Story], None], heard: tuple[int, ...], said: str
) -> None:
    story = Story(3).up()
    say(story)
    happens(story)
    assert notes(story) == ["queued here"]
    pass_time(story, 3, *heard)
    assert notes(story) == [f"queued 3 s: {said}"]


def test_a_message_that_goes_through_somebody_says_if_that_one_is_gone() -> None:
    story = Story(3).up()
    say(story, via=2)
    story.down(2)
    pass_time(story, 3, 0, 1)
    assert notes(story) == ["queued 3 s: it goes through r2: down"]


def test_a_full_window_is_said_with_how_many_wait() -> None:
    story = Story(3).up()
    say(story)
    story.later(3)
    story.report(0, status={"in_flight": 8192, "queued": 30})
    assert notes(story) == ["queued 3 s: r0 has 8,192 in flight, and 30 wait before it"]


def proposed(story: Story) -> range:
    say(story)
    return story.propose(["hello"], client="you~s9@0")


def test_a_proposed_message_names_the_votes_that_lack_and_why() -> None:
    story = Story(5).up()
    story.fault(0, f.Cut(3))
    slots = proposed(story)
    story.vote(0, slots)
    assert notes(story) == ["1/3 accepted"]
    story.down(1)
    story.fault(0, f.Loss(4, 20))
    story.tell(0, MessageFaulted(4, 3, "accept", story.ballot, slots[0], 1, 0, ()))
    pass_time(story, 3, 0, 2, 3, 4)
    assert notes(story) == [
        "1/3 accepted: r1 down, r2 not answered, r3 cut off, r4 lost the Accept (20 % loss)"
    ]


def test_a_proposed_message_says_if_its_leader_is_gone() -> None:
    story = Story(3).up()
    proposed(story)
    story.paused(0)
    pass_time(story, 3, 1, 2)
    assert notes(story) == ["0/2 accepted: leader r0 paused"]


def test_a_message_of_a_leader_that_lost_its_lead_waits_for_the_new_one() -> None:
    story = Story(3).up()
    slots = proposed(story)
    story.vote(0, slots)
    story.elect(1, 2)
    pass_time(story, 3, 0, 1, 2)
    assert notes(story) == ["1/2 accepted: r1, the new leader, has to propose it again at 2.1"]


def test_what_is_chosen_says_what_is_missing_before_it() -> None:
    story = Story(3).up()
    story.down(2)
    story.propose(["stuck", "chosen"])
    story.tell(0, VotedView(story.ballot, 0, 1, story.marks(range(1))))
    story.tell(0, LearnedView(1, 1, ((story.ballot, 1),), story.marks(range(1, 2)), None))
    pass_time(story, 3, 0, 1)
    assert notes(story)[1] == "waits for 0, r1 not answered, r2 down"


def test_what_waits_for_a_hole_says_so() -> None:
    story = Story(3).up()
    story.tell(0, e.SlotSkipped(story.ballot, 0))
    story.model.proposed.assign(1, 2, story.ballot)
    story.values[1] = story.values.get(1)  # type: ignore[assignment]
    for id in (0, 1):
        story.tell(id, LearnedView(1, 1, ((Ballot(1, 0), 1),), "a" * 16, None))
    assert notes(story)[1] == "waits for 0, a HOLE: nothing accepted"


# In full


def test_the_whole_answer_tells_what_must_happen() -> None:
    story = Story(3).up()
    mine = say(story)
    no_majority(story)
    pass_time(story, 3, 2)
    found = why_message(story.model, mine, story.now)
    assert found.verdict == "QUEUED for 3.0 s: no leader: 1 of 3 run, 2 needed."
    assert "NO LEADER: fewer than 2 of 3 replicas run, so no replica can get a majority." in found.evidence
    assert "Restart or continue replicas until a majority runs." in found.next


def test_an_outcome_that_nobody_knows_is_explained() -> None:
    story = Story(3).up()
    mine = say(story)
    story.model.chat.ended(mine, "unknown", "no answer within 60 s")
    found = why_message(story.model, mine, story.now)
    assert found.verdict == "OUTCOME UNKNOWN: no answer within 60 s."
    story.model.chat.ended(mine, "failed", "too long")
    assert "It will never take effect." in why_message(story.model, mine, story.now).evidence


def test_a_message_in_a_slot_is_explained_by_its_slot() -> None:
    story = Story(3).up()
    mine = say(story)
    story.propose(["hello"], client="you~s9@0")
    assert why_message(story.model, mine, story.now).subject == "slot 0"


def test_enter_on_a_queued_message_tells_why(play: Callable[..., None]) -> None:
    async def act(on: Played) -> None:
        mine = on.story.model.chat.add_message("anybody?", None, on.story.now)
        on.story.model.chat.numbered(mine, "you~s9@0", 0)
        on.story.paused(0)
        pass_time(on.story, 3, 1, 2)
        await on.press("5", "escape")
        await on.look()
        assert "queued 3 s: leader r0 paused" in on.text("chat-lines")
        await on.press("up", "enter")
        page = on.app.screen
        assert isinstance(page, Detail)
        text = "\n".join("".join(part for part, _ in row) for row in page.page._lines(80))
        assert "QUEUED for 3.0 s: leader r0 paused." in text
        assert "anybody?" in text
        await on.press("enter")
        assert len(on.app.screen_stack) == 1

    play(act, size=(80, 24), messages=0)


def test_a_link_that_loses_everything_is_no_link() -> None:
    story = Story(3).up()
    say(story)
    electing(story)
    story.down(2)
    story.fault(0, f.Loss(1, 100))
    pass_time(story, 3, 0, 1)
    assert notes(story) == ["queued 3 s: no leader: no majority is connected"]
    assert story.model.liveness.verdict.light == "stalled"
    found = why_message(story.model, story.model.chat.mine[0], story.now)
    assert "On links: loss r0>r1 100 % (#1)." in found.evidence


def test_faults_on_links_are_told_by_name_but_not_by_the_dozen() -> None:
    story = Story(5).up()
    for to in (1, 2, 3, 4):
        story.fault(0, f.Loss(to, 20))
        story.fault(0, f.Delay(to, 50))
    pass_time(story, 0, 0)
    (told,) = [text for text in why_moving(story.model, story.now).evidence if text.startswith("On links")]
    assert "loss r0>r1 20 % (#1), delay r0>r1 50 ms (#10)" in told
    assert told.endswith("and 4 more.")


def test_cuts_of_who_is_cut_off_are_not_told_twice() -> None:
    story = Story(3).up()
    all_cut(story)
    pass_time(story, 3, 0, 1, 2)
    evidence = why_moving(story.model, story.now).evidence
    assert "r0 is cut off from all others." in evidence
    assert not any(text.startswith("On links") for text in evidence)
    story = Story(5).up()
    story.fault(0, f.Cut(1))
    pass_time(story, 0, 0)
    assert "On links: cut r0>r1 (#1)." in why_moving(story.model, story.now).evidence
