"""The view: sizes, freezing, finding, themes, leaving; and whatever keys and sizes come."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable

import pytest
from msgspec import structs
from rich.cells import cell_len
from textual.color import Color
from textual.geometry import Size
from textual.widgets import Input, Static

from paxtui.console import commands as c
from paxtui.console.geometry import PANES
from paxtui.console.preferences import Preferences
from paxtui.console.rows import header, log, why
from paxtui.console.rows.text import width_of
from paxtui.console.theme.styles import PALETTES, Styles
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.ask import QuestionDialog
from paxtui.wire import events as e
from paxtui.wire.telemetry import ProposedView, ValueView
from tests.console.pilot import Played, played
from tests.console.story import Story

BLACK = Color(0, 0, 0)
Play = Callable[..., None]
HOSTILE = "a\x1b[31m漢字 👩‍👩‍👧 e\u0301\u0301\u0301 \u202e[red]x[/] \x00\t" + "z" * 300

# Rows


@pytest.mark.parametrize("n", [1, 3, 5, 7, 9])
@pytest.mark.parametrize("ascii", [False, True])
def test_every_row_is_exactly_as_wide_as_asked(n: int, ascii: bool) -> None:
    story = Story(n).up()
    story.choose([HOSTILE, "plain"], client=f"{HOSTILE[:60]}~s@0")
    story.propose(["open", HOSTILE])
    story.tell(0, e.SlotSkipped(story.ballot, story.model.end))
    view_state = ViewState(story.model, Styles(ascii=ascii), lambda: story.now)
    for width in (*range(40, 120), 140, 160, 200, 299, 300):
        rows = [
            header.header(view_state, width),
            header.strip(view_state, width),
            header.tabs(view_state, 1, width),
        ]
        rows.append(log.heading(view_state, width))
        rows += [log.line(view_state, slot, width, chosen=slot == 1) for slot in range(story.model.end + 2)]
        for slot in (None, 0, story.model.end - 1):
            view_state.slot = slot
            rows += [row for row in why.why(view_state, width, 12) if row]
        for row in rows:
            assert width_of(row) == width, row


@pytest.mark.parametrize("size", [(160, 45), (100, 30), (80, 24), (50, 12)])
def test_with_ascii_nothing_else_is_drawn_whatever_others_write(size: tuple[int, int]) -> None:
    async def main() -> None:
        async with played(size=size, styles=Styles(ascii=True)) as on:
            on.story.choose([HOSTILE])
            on.story.propose(["open"])
            for keys in ([], ["x"], ["escape", "question_mark"], ["escape", "colon"], ["escape", "P"]):
                await on.press(*keys)
                await on.look()
                drawn = on.app.screen._compositor.render_strips()
                lines = [strip.apply_filter(on.app.get_line_filters()[-1], BLACK).text for strip in drawn]
                assert all(line.isascii() for line in lines), [line for line in lines if not line.isascii()]

    asyncio.run(main())


def test_nothing_of_a_message_is_left_to_obey() -> None:
    story = Story(3).up()
    story.choose([HOSTILE])
    view_state = ViewState(story.model, Styles(), lambda: story.now)
    text = "".join(part for part, _ in log.line(view_state, 0, 200, chosen=False))
    assert "␛[31m漢字" in text
    assert "<202E>[red]x[/]" in text
    assert not any(ord(character) < 0x20 or ord(character) == 0x7F for character in text)
    assert cell_len(text) == 200


# Sizes


@pytest.mark.parametrize(
    ("size", "mode"),
    [
        ((160, 45), "dash"),
        ((140, 40), "dash"),
        ((139, 40), "wide"),
        ((100, 30), "wide"),
        ((80, 24), "tabs"),
        ((79, 24), "small"),
        ((40, 10), "small"),
        ((39, 10), "tiny"),
        ((1, 1), "tiny"),
    ],
)
def test_each_size_has_its_arrangement(play: Play, size: tuple[int, int], mode: str) -> None:
    async def act(on: Played) -> None:
        assert on.app.screen.has_class(f"size-{mode}")
        if mode == "tiny":
            on.app.exit(0)  # q works too: there is no dialog to ask
        else:
            await on.look()
            assert "message 9" in on.text("log")

    play(act, size=size)


def test_on_a_screen_that_is_too_small_it_says_how_large_it_must_be(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.look()
        assert "need 40x10, have 39x9" in on.text("too-small")

    play(act, size=(39, 9))


# Freezing


def test_a_frozen_view_stands_still_while_everything_else_goes_on(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("space")
        on.story.choose(["later"])
        on.story.later(14)
        on.story.up()
        await on.look()
        assert "FROZEN" in on.text("header")
        assert "live is 14 s ahead" in on.text("header")
        assert "later" not in on.text("log")
        assert on.driver.model.end == 11
        await on.press("space")
        await on.look()
        assert "later" in on.text("log")
        assert "LIVE" in on.text("header")

    play(act)


def test_faults_act_on_what_is_live_also_while_the_view_is_frozen(play: Play) -> None:
    async def act(on: Played) -> None:
        assert await on.press("space", "c") == [c.CrashCommand(0)]

    play(act)


# Moving


def test_a_reader_is_never_scrolled(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("home")
        before = on.text("log")
        on.story.choose(f"more {number}" for number in range(200))
        await on.look()
        assert on.text("log").startswith(before.rstrip())  # what is new may stand where nothing was
        await on.press("f")
        assert "more 199" in on.text("log")

    play(act, messages=100)


def test_a_log_that_grows_shows_what_fits_also_above_the_cursor(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("up")
        await on.pilot.resize_terminal(80, 10)
        await on.pilot.pause()
        assert "message 9" in on.text("log")
        assert "message 0" not in on.text("log")
        await on.pilot.resize_terminal(80, 40)
        await on.pilot.pause()
        assert "message 0" in on.text("log")
        assert on.app.view_state.slot == 9

    play(act, size=(80, 24))


def test_a_log_that_was_hidden_shows_what_fits_as_soon_as_it_is_back(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("5", "escape")
        on.story.choose(["more"])
        await on.at_once("1", "up")
        await on.look()
        assert "message 1 " in on.text("log")
        assert on.app.view_state.slot == 10

    play(act, size=(80, 24))


def test_going_to_a_slot_shows_why_it_is_as_it_is(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("g")
        await on.type("3")
        await on.press("enter")
        assert on.app.view_state.slot == 3
        assert "CHOSEN at 1.0" in on.text("why")
        on.app.controllers.navigation.go_to_text("99")
        assert "there is no slot 99 yet" in on.said
        on.app.controllers.navigation.go_to_text("soon")
        assert "neither a slot nor a time" in on.said

    play(act)


def test_finding_and_filtering(play: Play) -> None:
    async def act(on: Played) -> None:
        on.app.controllers.navigation.find("message 1")
        assert on.app.view_state.slot in (1, 10)
        on.app.log_pane.following = True
        await on.press("slash")
        await on.type("message 7")
        await on.press("enter")
        assert on.app.view_state.slot == 7
        on.app.controllers.navigation.filter("message 4")
        await on.look()
        assert on.app.log_pane.count() == 1
        await on.press("escape")
        assert on.app.log_pane.count() == 10

    play(act)


def test_the_next_hole_is_found(play: Play) -> None:
    async def act(on: Played) -> None:
        story = on.story
        story.tell(0, e.SlotSkipped(story.ballot, 10))
        value = (ValueView("ada~s@0", 99, "above"),)
        story.tell(0, ProposedView(story.ballot, 11, 1, "client", "0123456789abcdef", value))
        await on.look()
        await on.press("O")
        assert on.app.view_state.slot == 10
        assert "HOLE" in on.text("why")
        assert await on.press("S") == [c.FillHoleCommand(10)]

    play(act)


def test_a_click_puts_the_cursor_on_the_slot_under_the_mouse(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.click("#log", (12, 2 + 4))  # below the border and the names of the columns
        assert on.app.view_state.slot == 4

    play(act)


# Themes


def test_every_theme_can_be_taken_and_is_kept(play: Play) -> None:
    async def act(on: Played) -> None:
        seen = []
        for _ in PALETTES:
            await on.press("f2")
            seen.append(on.app.view_state.styles.theme)
        assert sorted(seen) == sorted(PALETTES)
        assert on.app.preferences.theme == seen[-1]

    play(act)


def test_the_layout_is_kept_for_the_next_run(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("3", "m")
        assert (on.app.preferences.view, on.app.preferences.maximised) == (3, True)
        assert on.app.screen.has_class("size-wide")

    play(act)


def test_what_was_turned_off_stays_off_at_this_size_only(play: Play) -> None:
    async def act(on: Played) -> None:
        assert not on.app.query_one("#chat").display
        assert on.app.query_one("#events").display
        await on.press("5")
        assert on.app.query_one("#chat").display, "what has the focus is shown"
        await on.press("escape", "1")
        assert not on.app.query_one("#chat").display
        await on.pilot.resize_terminal(200, 39)
        await on.pilot.pause()
        assert on.app.query_one("#chat").display

    play(act, preferences=Preferences(hidden={"dash": ("chat", "window")}))


def test_panes_are_turned_off_by_key_and_by_word(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("V", "m")
        assert not on.app.query_one("#metrics").display
        await on.press("m", "1", "escape")
        assert on.app.view_state.panes == PANES
        await on.press("colon")
        await on.type("panes log why events")
        await on.press("enter")
        shown = {pane.id for pane in on.app.query(".panel") if pane.display}
        assert shown == {"log", "why", "events"}
        await on.press("m")
        assert {pane.id for pane in on.app.query(".panel") if pane.display} == {"log"}
        await on.press("m")
        assert {pane.id for pane in on.app.query(".panel") if pane.display} == shown

    play(act)


def test_the_pane_in_focus_is_shown_alone_also_if_it_is_no_view(play: Play) -> None:
    async def act(on: Played) -> None:
        def shown() -> set[str | None]:
            return {pane.id for pane in on.app.query(".panel") if pane.display}

        on.app.query_one("#safety").focus()
        await on.press("m")
        assert shown() == {"safety"}
        assert on.app.focused is on.app.query_one("#safety")
        await on.press("m")
        assert shown() == set(PANES)
        assert on.app.focused is on.app.query_one("#safety")
        await on.press("m", "3")
        assert shown() == {"links"}
        await on.press("m", "1")
        assert shown() == set(PANES)

    play(act)


@pytest.mark.parametrize("size", [(160, 45), (100, 30)])
def test_a_line_has_the_replicas_where_their_pane_is_not_shown(play: Play, size: tuple[int, int]) -> None:
    async def act(on: Played) -> None:
        strip, pane = on.app.query_one("#strip"), on.app.query_one("#replicas")
        for layout in ("slots", "all", "talk", "proof"):
            on.app.controllers.view.use_layout(layout)
            for view in (1, 2):
                on.app.controllers.view.show_view(view)
                await on.pilot.pause()
                assert strip.display != pane.display, (layout, view)

    play(act, size=size)


@pytest.mark.parametrize("pane", ["events", "safety", "log"])
def test_the_pane_in_focus_stays_when_the_screen_becomes_small(play: Play, pane: str) -> None:
    async def act(on: Played) -> None:
        await on.press("3")
        on.app.query_one(f"#{pane}").focus()
        await on.pilot.resize_terminal(80, 24)
        await on.pilot.pause()
        assert on.app.query_one(f"#{pane}").display
        assert on.app.focused is on.app.query_one(f"#{pane}")
        assert not on.app.query_one("#links").display

    play(act)


def test_a_long_notice_moves_no_pane(play: Play) -> None:
    async def act(on: Played) -> None:
        def places() -> dict[str | None, tuple[int, int, int]]:
            return {
                p.id: (p.region.x, p.region.y, p.region.width) for p in on.app.query(".panel") if p.display
            }

        before = places()
        on.app.notify_line("a long story " * 30)
        on.app.tick()
        await on.look()
        assert on.app.query_one("#keys").size.height == 3
        assert places() == before
        assert on.app.query_one("#why").region.bottom == on.app.query_one("#keys").region.y

    play(act, size=(80, 24))


def test_what_takes_more_room_than_a_notice_has_the_panes_arranged_anew(play: Play) -> None:
    async def act(on: Played) -> None:
        more = Static("more")
        more.styles.height = 12
        await on.app.screen.mount(more, before="#buttons")
        await on.pilot.pause()
        body = on.app.query_one("#body").region
        found = [pane.region for pane in on.app.query(".panel") if pane.is_on_screen]
        assert sum(region.area for region in found) == body.area
        assert max(region.bottom for region in found) == more.region.y

    play(act)


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (160, 45)])
def test_metrics_alone_are_curves_with_axes(play: Play, size: tuple[int, int]) -> None:
    async def act(on: Played) -> None:
        await on.press("4", "m")
        await on.look()
        text = on.text("metrics")
        assert "p99 ms, worst" in text
        assert text.count("min ") >= 4
        assert "now" in text

    play(act, size=size)


# Arming


def test_a_read_only_console_changes_nothing_until_it_is_armed(play: Play) -> None:
    async def act(on: Played) -> None:
        assert await on.press("c", "W", "s", "u") == []
        assert "needs `:arm`" in on.said
        on.app.controllers.view.arm()
        assert await on.press("c") == [c.CrashCommand(0)]

    play(act, armed=False)


# Leaving


def test_q_asks_when_it_would_stop_replicas_and_offers_to_leave_them() -> None:
    async def main() -> None:
        async with played() as on:
            on.driver.options = structs.replace(on.driver.options, ours=(0, 1, 2))
            await on.press("q")
            assert isinstance(on.app.screen, QuestionDialog)
            await on.press("escape")
            assert not isinstance(on.app.screen, QuestionDialog)
            await on.press("q", "right", "right")
            assert await on.press("enter") == [c.LeaveCommand()]

    asyncio.run(main())


def test_q_just_quits_when_it_stops_nothing() -> None:
    async def main() -> None:
        async with played() as on:
            on.driver.options = structs.replace(on.driver.options, ours=())
            await on.press("q")
            assert on.app.return_code == 0

    asyncio.run(main())


# Whatever comes

STEPS = int(os.environ.get("PAXTUI_KEY_STEPS", "120"))
"""Of each seed; `PAXTUI_KEY_STEPS=5000` makes a campaign of it."""

NAMED = "up down left right pageup pagedown home end enter escape tab shift+tab space delete backspace f1"
KEYS = [*"?:xcCrtplLdDseNuHvmTiojknbghfyaKRPwz1234567890-+=,.<>/", *NAMED.split(), "ctrl+p"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_random_keys_sizes_and_events_do_no_harm(seed: int) -> None:
    rng = random.Random(seed)

    async def main() -> None:
        async with played(n=rng.choice([1, 3, 5, 9]), size=(120, 40)) as on:
            story = on.story
            for step in range(STEPS):
                deed = rng.random()
                if deed < 0.80:
                    key = rng.choice(KEYS)
                    if key in ("ctrl+p", "q") and rng.random() < 0.5:
                        continue
                    await on.pilot.press({"?": "question_mark", ":": "colon"}.get(key, key))
                elif deed < 0.88:
                    size = Size(
                        rng.choice([1, 20, 40, 79, 80, 100, 140, 300]), rng.choice([1, 5, 10, 24, 40, 100])
                    )
                    await on.pilot.resize_terminal(size.width, size.height)
                else:
                    what = rng.randrange(6)
                    if what == 0:
                        story.choose(f"{HOSTILE} {step}" for _ in range(rng.randrange(1, 50)))
                    elif what == 1:
                        story.propose([f"open {step}"])
                    elif what == 2:
                        story.elect(rng.randrange(story.n), story.ballot.round + 1)
                    elif what == 3:
                        story.lost(rng.randrange(story.n))
                    elif what == 4:
                        story.up(rng.randrange(story.n))
                    else:
                        story.tell(rng.randrange(story.n), dropped=3)
                    story.later(rng.random() * 3)
                    on.app.tick()
            assert on.app.is_running
            for field in on.app.query(Input):
                assert "\x1b" not in field.value

    asyncio.run(main())
