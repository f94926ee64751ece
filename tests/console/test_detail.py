"""What is cut says so, and can be seen to its end."""

from __future__ import annotations

from collections.abc import Callable

from paxtui.console import commands as c
from paxtui.console.model.state.seen import YOU, Note, Seen
from paxtui.console.rows import detail, events, log
from paxtui.console.rows.text import plain
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.detail import Detail
from paxtui.wire import events as e
from paxtui.wire.requests import LogEntry
from paxtui.wire.telemetry import TEXT_CHARS_MAX, brief
from paxtui.wire.values import Ballot
from tests.console.pilot import Played
from tests.console.story import Story

Play = Callable[..., None]
LONG = "0123456789" * 30


def scene_of(story: Story) -> ViewState:
    return ViewState(story.model, Styles(), lambda: story.now)


def page_of(on: Played) -> str:
    page = on.app.screen
    assert isinstance(page, Detail)
    page.page.again()
    return "\n".join(plain(row) for row in page.page._lines(80))


def test_a_text_that_is_longer_than_what_is_told_ends_in_an_ellipsis() -> None:
    assert brief("x" * TEXT_CHARS_MAX) == "x" * TEXT_CHARS_MAX
    assert brief("x" * (TEXT_CHARS_MAX + 1)) == "x" * (TEXT_CHARS_MAX - 1) + "…"


def test_a_page_of_the_log_is_cut_like_what_is_told_and_kept_whole_for_who_asks() -> None:
    story = Story(3).up()
    story.model.page((LogEntry(0, Ballot(1, 0), "ada~s@0", 1, LONG, None),), 0, story.now)
    value = story.model.values.get(0)
    assert value is not None
    assert (len(value.text), value.is_cut) == (TEXT_CHARS_MAX, True)
    assert story.model.values.whole(0) == LONG
    assert plain(log.line(scene_of(story), 0, 240, chosen=False)).rstrip().endswith("…")


def test_whole_texts_are_kept_in_bounded_number() -> None:
    story = Story(3).up()
    for slot in range(300):
        story.model.page(
            (LogEntry(slot, Ballot(1, 0), "ada~s@0", slot, f"{slot} {LONG}", None),), 0, story.now
        )
    values = story.model.values
    assert values.whole(299) == f"299 {LONG}"
    assert values.whole(0) is None
    assert values.get(0) is not None


def test_short_texts_are_whole_without_a_fetch() -> None:
    story = Story(3).up()
    story.choose(["short"])
    assert story.model.values.whole(0) == "short"


# Slots


def test_the_page_of_a_slot_tells_state_votes_value_and_what_happened() -> None:
    story = Story(3).up()
    slots = story.choose(["hello"])
    view_state = scene_of(story)
    past = detail.history(story.model, slots[0])
    text = "\n".join(plain(row).rstrip() for row in detail.slot_page(view_state, 0, past, 80))
    assert "CHOSEN at 1.0: r0 r1 r2 accepted it (3 of 3, 2 needed)." in text
    assert "r1 ● 1.0   voted, and knows that it is chosen" in text
    assert "ada: hello" in text
    happened = text.partition("What happened here")[2]
    assert happened.index("proposes slot 0") < happened.index("is CHOSEN") < happened.index("applied slot 0")


def test_the_history_of_a_slot_has_the_election_that_covered_it_and_nothing_of_others() -> None:
    story = Story(3).up()
    story.choose(["a", "b"])
    story.tell(1, e.Elected(Ballot(2, 1), 1, 4, (1, 2)), e.SlotSkipped(Ballot(2, 1), 9))
    kinds = [type(seen.event) for seen in detail.history(story.model, 1)]
    assert e.Elected in kinds
    assert e.SlotSkipped not in kinds
    assert e.Elected not in [type(seen.event) for seen in detail.history(story.model, 0)]


def test_a_text_that_was_cut_is_fetched_when_its_slot_is_opened(play: Play) -> None:
    async def act(on: Played) -> None:
        on.story.choose([LONG])
        fetched: list[c.ConsoleCommand] = []
        on.driver.submit = fetched.append  # type: ignore[method-assign, assignment]
        await on.press("enter")
        assert fetched == [c.FetchPageCommand(0, 10, 1)]
        assert "only the beginning; the rest is asked for" in page_of(on)
        on.story.model.page((LogEntry(10, Ballot(1, 0), "ada~s@0", 1, LONG, None),), 0, on.story.now)
        text = page_of(on)
        assert LONG in text.replace("\n", "")
        assert "only the beginning" not in text

    play(act)


# Events


def test_a_long_event_is_cut_in_its_line_and_whole_on_its_page() -> None:
    story = Story(3).up()
    words = " ".join(f"word{number}" for number in range(80))
    seen = Seen(0.0, YOU, 0, Note(words))
    assert plain(events.line(scene_of(story), seen, 80, chosen=False)).endswith("…")
    text = " ".join(plain(row).strip() for row in detail.event_page(scene_of(story), seen, 80))
    assert "word79" in text


def test_the_page_of_an_event_about_a_slot_tells_why_the_slot_is_as_it_is() -> None:
    story = Story(3).up()
    story.choose(["x"])
    seen = next(each for each in story.model.journal.all if each.slot == 0)
    text = "\n".join(plain(row) for row in detail.event_page(scene_of(story), seen, 80))
    assert "its event" in text
    assert "CHOSEN at 1.0" in text


def test_an_event_about_no_slot_closes_with_enter(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("6")
        on.story.tell(1, e.LeaderHeard(Ballot(1, 0)))
        await on.look()
        await on.press("enter")
        assert "follows r0" in page_of(on)
        await on.press("enter")
        assert len(on.app.screen_stack) == 1
        assert on.app.view_state.slot is None

    play(act)
