"""Finding and filtering: what is under the cursor is on screen, and what WHY explains."""

from __future__ import annotations

from collections.abc import Callable

from tests.console.pilot import Played

Play = Callable[..., None]


def cursor_line(on: Played) -> str:
    """The line of the log that the cursor is on."""
    lines = [line for line in on.text("log").splitlines() if line.startswith("▶")]
    assert len(lines) == 1, lines
    return lines[0]


def title(on: Played) -> str:
    return str(on.app.log_pane.border_title)


def test_a_filter_shows_all_that_matches_wherever_the_cursor_was(play: Play) -> None:
    async def act(on: Played) -> None:
        on.app.controllers.navigation.go_to_slot(450)
        on.app.controllers.navigation.filter("message 10")  # 10 and 100 to 109
        await on.look()
        shown = on.text("log")
        for number in (10, *range(100, 110)):
            assert f"message {number}" in shown
        assert "message 109" in cursor_line(on)
        assert on.app.view_state.slot == 109, "WHY is about the slot under the cursor"
        on.app.log_pane.set_filter("")
        assert on.app.view_state.slot == 109
        assert "message 109" in cursor_line(on)

    play(act, messages=500)


def test_going_to_what_the_filter_hides_says_so_and_goes_to_what_it_shows(play: Play) -> None:
    async def act(on: Played) -> None:
        on.app.controllers.navigation.filter("message 1")
        on.app.controllers.navigation.go_to_slot(5)
        assert "slot 5 does not match the filter; this is the next that does" in on.said
        assert on.app.view_state.slot == 10
        on.app.controllers.navigation.go_to_slot(25)
        assert "slot 25 does not match the filter; this is the last that does" in on.said
        assert on.app.view_state.slot == 19
        assert "message 19" in cursor_line(on)
        assert "why slot 19" in str(on.app.query_one("#why").border_title)

    play(act, messages=30)


def test_a_filter_that_nothing_matches_selects_nothing_and_says_so(play: Play) -> None:
    async def act(on: Played) -> None:
        on.app.controllers.navigation.go_to_slot(5)
        on.app.controllers.navigation.filter("nowhere")
        await on.look()
        assert on.app.view_state.slot is None
        assert "no slot matches 'nowhere'; esc shows all" in on.text("log")
        assert "IDLE" in on.text("why")
        on.app.controllers.navigation.go_to_slot(5)
        assert "none does" in on.said

    play(act)


def test_a_slot_that_matches_no_more_is_left_by_cursor_and_why_together(play: Play) -> None:
    async def act(on: Played) -> None:
        story = on.story
        slots = story.propose([f"open {number}" for number in range(4)])
        on.app.controllers.navigation.filter("open")
        on.app.controllers.navigation.go_to_slot(slots[1])
        assert on.app.view_state.slot == slots[1]
        for id in (0, 1):
            story.vote(id, range(slots[0], slots[2]))  # the first two are chosen
        story.later(2)
        await on.look()
        assert "open 2" in cursor_line(on)
        assert on.app.view_state.slot == slots[2]
        assert f"why slot {slots[2]}" in str(on.app.query_one("#why").border_title)

    play(act)


def test_matches_before_the_cursor_that_go_away_move_no_reader(play: Play) -> None:
    async def act(on: Played) -> None:
        story = on.story
        slots = story.propose([f"open {number}" for number in range(4)])
        on.app.controllers.navigation.filter("open")
        on.app.controllers.navigation.go_to_slot(slots[3])
        for id in (0, 1):
            story.vote(id, range(slots[0], slots[1]))
        story.later(2)
        await on.look()
        assert on.app.view_state.slot == slots[3]
        assert "open 3" in cursor_line(on)

    play(act)


def test_finding_goes_on_at_the_other_end_and_says_so(play: Play) -> None:
    async def act(on: Played) -> None:
        on.app.controllers.navigation.find("message 1")  # 1 and 10 to 12
        assert on.app.view_state.slot == 1
        await on.press("b")
        assert (on.app.view_state.slot, on.said) == (12, "that was the first match: on with the last of 4")
        await on.press("n")
        assert (on.app.view_state.slot, on.said) == (1, "that was the last match: on with the first of 4")
        await on.press("n")
        assert on.app.view_state.slot == 10
        on.app.controllers.navigation.find("message 7")
        assert on.app.view_state.slot == 7
        await on.press("n")
        assert (on.app.view_state.slot, on.said) == (7, "that was the only match of 1")
        on.app.controllers.navigation.find("nowhere")
        assert (on.app.view_state.slot, on.said) == (7, "no slot matches 'nowhere'")

    play(act, messages=13)


def test_slots_that_were_not_read_are_said_to_be_left_out(play: Play) -> None:
    async def act(on: Played) -> None:
        on.app.controllers.navigation.filter("message 3")
        await on.look()
        assert "1 slot matches the filter" in title(on)
        assert "not read" not in title(on)
        for slot in (0, 1):
            del on.story.model.values._known[slot]
        on.app.controllers.navigation.filter("message 4")
        await on.look()
        assert "2 not read here yet" in title(on)
        on.app.controllers.navigation.find("nowhere")
        assert on.said == "no slot matches 'nowhere'; 2 slots not read here yet"

    play(act)


def test_o_finds_what_is_open_and_what_may_be(play: Play) -> None:
    async def act(on: Played) -> None:
        await on.press("o")
        assert "no slot from 10 on is open or maybe" in on.said
        await on.press("O")
        assert "no slot from 10 on is HOLE or CONFLICT" in on.said

    play(act)


def test_a_filter_moves_from_the_end_to_the_nearest_match_and_fills_the_list(play: Play) -> None:
    async def act(on: Played) -> None:
        assert on.app.log_pane.following
        on.app.controllers.navigation.filter("message 1")  # 1, 10 to 19, 100 to 199
        await on.look()
        assert "message 199" in cursor_line(on)
        assert on.app.view_state.slot == 199
        assert "why slot 199" in str(on.app.query_one("#why").border_title)
        shown = [line for line in on.text("log").splitlines() if "message 1" in line]
        assert len(shown) == on.app.log_pane.room
        await on.press("escape")
        on.app.controllers.navigation.go_to_slot(40)
        on.app.controllers.navigation.filter("message 1")
        assert on.app.view_state.slot == 19

    play(act, messages=300)


def test_what_was_looked_for_stands_out(play: Play) -> None:
    async def act(on: Played) -> None:
        on.app.controllers.navigation.find("SAGE 7")
        await on.look()
        found = [text for row in on.app.log_pane._rows for text, style in row if "reverse" in style]
        assert "sage 7" in found

    play(act)
