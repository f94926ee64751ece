"""The conversation: what state each message is in, and that nothing disturbs the one who types."""

from __future__ import annotations

from collections.abc import Callable

from textual import events as t

from paxtui.console import commands as c
from paxtui.console.model.analysis.conversation import Conversation, saying
from paxtui.console.model.state.sent_messages import SentMessage
from paxtui.console.widgets.chat import ChatInput, ChatLines
from paxtui.console.widgets.line import typable
from paxtui.wire import events as e
from paxtui.wire.telemetry import DIGEST_CHARS, LearnedView, ProposedView, ValueView
from paxtui.wire.values import Ballot
from tests.console.pilot import Played
from tests.console.story import Story


def lines(story: Story, viewer: int = 0) -> list[tuple[int | None, str, str, str]]:
    talk = Conversation(story.model)
    told = [saying(story.model, talk.get(line), viewer, "you", story.now) for line in range(talk.count)]
    return [(said.slot, said.mark, said.text, said.note) for said in told]


def say(story: Story, text: str, request: int = 0) -> SentMessage:
    mine = story.model.chat.add_message(text, None, story.now)
    story.model.chat.numbered(mine, "you~s9@0", request)
    return mine


# States


def test_a_message_goes_from_queued_to_applied() -> None:
    story = Story(3).up()
    mine = say(story, "hello")
    assert lines(story) == [(None, "queued", "hello", "queued here")]
    slots = propose(story, "hello")
    assert mine.slot == 0
    assert lines(story) == [(0, "proposed", "hello", "0/2 accepted")]
    story.vote(0, slots)
    assert lines(story)[0][3] == "1/2 accepted"
    story.vote(1, slots)
    story.tell(0, e.ChosenSeen(story.ballot, 0, 1))
    story.tell(0, LearnedView(0, 1, ((story.ballot, 1),), story.marks(slots), None))
    assert lines(story) == [(0, "chosen", "hello", "")]
    story.tell(0, e.AppliedTo(0, 1, story.chain(1)))
    assert lines(story) == [(0, "applied", "hello", "")]


def propose(story: Story, *texts: str) -> range:
    return story.propose(texts, client="you~s9@0")


def test_what_is_chosen_waits_for_what_is_missing() -> None:
    story = Story(3).up()
    story.propose(["lost", "chosen"])
    story.tell(0, LearnedView(1, 1, ((story.ballot, 1),), story.marks(range(1, 2)), None))
    assert lines(story)[1] == (1, "chosen", "chosen", "waits for 0")


def test_it_is_seen_as_the_viewed_replica_sees_it() -> None:
    story = Story(3).up()
    story.choose(["a", "b"])
    slots = story.propose(["c"])
    story.vote(0, slots)
    story.vote(1, slots)
    story.tell(0, LearnedView(2, 1, ((story.ballot, 1),), story.marks(slots), None))
    story.tell(0, e.AppliedTo(2, 3, story.chain(3)))
    assert lines(story, viewer=0)[2] == (2, "applied", "c", "")
    assert lines(story, viewer=2)[2] == (2, "proposed", "c", "")
    story.later(5)
    assert lines(story, viewer=2)[2] == (2, "proposed", "c", "chosen; r2 has not heard of it")


def test_repetitions_and_no_ops_have_no_effect() -> None:
    story = Story(3).up()
    story.choose(["a", "a again"])
    story.tell(0, e.Suppressed(1, "ada~s1@0", 0, 0))
    assert lines(story)[1] == (1, "repeated", "a again", "repeats 0, no effect")
    story.choose([""], client="")
    assert lines(story)[2] == (2, "no-op", "", "no-op")


def test_a_failed_message_stays_where_it_was_said() -> None:
    story = Story(3).up()
    story.choose(["before"])
    failed, unknown = say(story, "refused", 0), say(story, "nobody knows", 1)
    story.model.chat.ended(failed, "failed", "too long")
    story.model.chat.ended(unknown, "unknown", "no answer for 60 s")
    story.choose(["after"])
    say(story, "waits", 2)
    story.later(5)
    story.up()
    assert lines(story) == [
        (0, "applied", "before", ""),
        (None, "problem", "refused", "failed: too long"),
        (None, "problem", "nobody knows", "outcome unknown: no answer for 60 s"),
        (1, "applied", "after", ""),
        (None, "queued", "waits", "queued 5 s: r0 has not proposed it"),
    ]


def test_an_unknown_outcome_is_known_as_soon_as_its_slot_is_applied() -> None:
    story = Story(3).up()
    mine = say(story, "perhaps")
    slots = propose(story, "perhaps")
    story.model.chat.ended(mine, "unknown", "no answer")
    assert lines(story) == [(0, "problem", "perhaps", "no answer")]
    story.tell(0, LearnedView(0, 1, ((story.ballot, 1),), story.marks(slots), None))
    story.tell(0, e.AppliedTo(0, 1, story.chain(1)))
    assert lines(story) == [(0, "applied", "perhaps", "")]


def test_a_message_whose_slot_went_to_another_value_waits_again() -> None:
    story = Story(3).up()
    say(story, "mine")
    propose(story, "mine")
    story.elect(1, 2)
    theirs = ValueView("bob~s2@0", 0, "theirs")
    story.tell(1, ProposedView(story.ballot, 0, 1, "client", "a" * DIGEST_CHARS, (theirs,)))
    assert [(slot, mark, text) for slot, mark, text, _ in lines(story)] == [
        (0, "proposed", "theirs"),
        (None, "queued", "mine"),
    ]


def test_values_that_are_not_known_are_asked_for() -> None:
    story = Story(3).up()
    story.tell(0, e.AppliedTo(0, 50, "0" * 64))
    assert lines(story)[40] == (40, "applied", "...", "")
    assert story.model.values.take_wanted(50) == (0, 50)


# On screen


async def write(on: Played) -> ChatInput:
    await on.press("i")
    line = on.app.query_one(ChatInput)
    assert line.has_focus
    return line


def test_what_is_typed_is_sent_through_whom_one_looks(play: Callable[..., None]) -> None:
    async def act(on: Played) -> None:
        line = await write(on)
        await on.type("hello q u 5")
        assert await on.press("enter") == [c.AppendCommand("hello q u 5", None)]
        assert line.value == ""
        await on.press("escape")
        assert on.app.query_one(ChatLines).has_focus
        await on.press("v", "v", "i")
        await on.type("to r1")
        assert await on.press("enter") == [c.AppendCommand("to r1", 1)]
        assert await on.press("enter") == []

    play(act)


def test_up_and_down_bring_back_what_was_written(play: Callable[..., None]) -> None:
    async def act(on: Played) -> None:
        line = await write(on)
        for text in ("one", "two", "two"):
            await on.type(text)
            await on.press("enter")
        assert on.app.preferences.history == ["one", "two"]
        await on.type("draft")
        await on.press("up")
        assert line.value == "two"
        await on.press("up", "up")
        assert line.value == "one"
        await on.press("down", "down")
        assert line.value == "draft"

    play(act)


def test_hundreds_of_messages_do_not_disturb_what_is_typed(play: Callable[..., None]) -> None:
    async def act(on: Played) -> None:
        line = await write(on)
        await on.type("half a sen")
        on.story.choose(f"noise {number}" for number in range(700))
        await on.look()
        await on.type("tence")
        assert line.value == "half a sentence"
        assert line.has_focus
        assert "noise 699" in on.text("chat-lines").splitlines()[-1]
        await on.press("pageup")
        assert line.has_focus
        before = on.text("chat-lines")
        on.story.choose(f"more {number}" for number in range(700))
        await on.look()
        assert on.text("chat-lines") == before

    play(act)


def test_a_read_only_console_says_so_and_keeps_the_text(play: Callable[..., None]) -> None:
    async def act(on: Played) -> None:
        line = await write(on)
        assert "read-only" in line.placeholder
        await on.type("hello")
        assert await on.press("enter") == []
        assert line.value == "hello"
        assert "read-only" in on.said
        on.app.view_state.armed = True
        assert await on.press("enter") == [c.AppendCommand("hello", None)]

    play(act, armed=False)


def test_the_cursor_does_not_blink_and_pasted_controls_are_left_out(play: Callable[..., None]) -> None:
    async def act(on: Played) -> None:
        line = await write(on)
        assert not line.cursor_blink
        line.post_message(t.Paste("a\x1b]52;c;x\x07b\u202ec\u200bd"))
        await on.pilot.pause()
        assert "\x1b" not in line.value
        assert "\x07" not in line.value
        assert "\u202e" not in line.value

    play(act)


def test_what_can_be_typed_is_kept_as_it_is() -> None:
    assert typable("日本 é 👩‍👩‍👧 a\tb\r\nc") == "日本 é 👩‍👩‍👧 a b c"
    assert typable("\x1b[31m\x00\x85\ud800") == "[31m"


def test_enter_on_a_message_goes_to_its_slot(play: Callable[..., None]) -> None:
    async def act(on: Played) -> None:
        await on.press("i", "escape")
        await on.press("up", "up", "enter")
        assert on.app.view_state.slot == 8

    play(act)


def test_the_title_says_through_whom_one_looks(play: Callable[..., None]) -> None:
    async def act(on: Played) -> None:
        await on.press("i", "escape")
        pane = on.app.query_one("#chat")
        assert "as seen by r0 (leads)" in str(pane.border_title)
        await on.press("v", "v", "v")
        assert "as seen by r2" in str(pane.border_title)
        on.story.elect(1, 5)
        assert Ballot(5, 1) == on.story.ballot

    play(act)
