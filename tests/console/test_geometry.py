"""Where panes stand: nothing overlaps, nothing is outside, and what has the focus is always there."""

from __future__ import annotations

import asyncio
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paxtui.console.geometry import PANES, Box, arrange, need
from paxtui.console.rows.log import columns_of
from paxtui.console.view_state import VIEWS
from tests.console.pilot import Played, played

SIZES = [(40, 10), (80, 24), (100, 30), (120, 35), (160, 45), (200, 60), (300, 100)]


def sound(found: dict[str, Box], width: int, height: int) -> None:
    """Every cell belongs to exactly one pane."""
    for name, box in found.items():
        assert min(box.width, box.height) > 0, name
        assert 0 <= box.x < box.right <= width, name
        assert 0 <= box.y < box.bottom <= height, name
    for (one, a), (other, b) in combinations(found.items(), 2):
        apart = a.right <= b.x or b.right <= a.x or a.bottom <= b.y or b.bottom <= a.y
        assert apart, (one, other)
    assert sum(box.width * box.height for box in found.values()) == width * height


@pytest.mark.parametrize("n", range(1, 10))
@pytest.mark.parametrize("size", SIZES)
def test_every_cell_belongs_to_one_pane_and_the_focus_is_there(size: tuple[int, int], n: int) -> None:
    for focus in PANES:
        found = arrange(*size, PANES, n, focus=focus)
        sound(found, *size)
        assert focus in found


@settings(max_examples=400)
@given(
    st.integers(1, 320),
    st.integers(1, 120),
    st.sets(st.sampled_from(PANES)),
    st.integers(1, 9),
    st.sampled_from(PANES),
)
def test_it_is_so_for_all_sizes_and_all_panes(
    width: int, height: int, panes: set[str], n: int, focus: str
) -> None:
    found = arrange(width, height, panes, n, focus=focus)
    sound(found, width, height)
    assert focus in found
    assert set(found) <= panes | {focus}


ROOMS: dict[tuple[int, int, int], dict[str, tuple[int, int]]] = {
    # width, height, n: panes, each with its width and height
    (40, 6, 3): {"log": (40, 6)},
    (80, 20, 5): {"log": (80, 12), "why": (80, 8)},
    (100, 26, 5): {"log": (100, 16), "why": (60, 10), "chat": (40, 10)},
    (160, 42, 5): {
        "log": (109, 28),
        "chat": (43, 14),
        "events": (66, 14),
        "why": (51, 11),
        "replicas": (51, 6),
        "safety": (51, 11),
        "metrics": (51, 4),
        "links": (51, 7),
        "faults": (51, 3),
    },
    (300, 97, 5): {
        "log": (135, 64),
        "events": (135, 33),
        "why": (55, 40),
        "safety": (55, 57),
        "replicas": (55, 26),
        "links": (55, 11),
        "chat": (55, 60),
        "metrics": (55, 77),
        "faults": (55, 20),
    },
}


@pytest.mark.parametrize(("width", "height", "n"), ROOMS)
def test_panes_have_these_sizes(width: int, height: int, n: int) -> None:
    found = arrange(width, height, PANES, n)
    assert {pane: (box.width, box.height) for pane, box in found.items()} == ROOMS[width, height, n]


@pytest.mark.parametrize("n", range(1, 10))
@pytest.mark.parametrize("size", SIZES)
def test_the_value_comes_first_when_width_is_given_out(size: tuple[int, int], n: int) -> None:
    width = arrange(*size, PANES, n)["log"].width
    columns = columns_of(width, n, 1000)
    value = width - 2 - columns.slot - 2 - 10 - columns.cell * n - columns.votes_width
    assert value >= (32 if width >= 120 else 16 if width >= 76 else 3)
    if width >= 60 + 7 * max(0, n - 5):
        assert columns.cell >= 5, "its ballots are seen"


@pytest.mark.parametrize("n", [1, 3, 5])
@pytest.mark.parametrize("size", [(120, 31), (160, 42), (200, 57), (300, 97)])
def test_a_larger_room_has_no_less_of_what_is_read(size: tuple[int, int], n: int) -> None:
    found = arrange(*size, PANES, n)
    larger = arrange(size[0] + 60, size[1] + 20, PANES, n)
    for pane in ("why", "safety", "events"):
        assert larger[pane].height >= min(found[pane].height, need(pane, n).wanted), pane
    assert larger["log"].height >= found["log"].height


@pytest.mark.parametrize("n", range(2, 10))
@pytest.mark.parametrize("size", [(160, 42), (200, 57), (300, 97)])
def test_each_replica_has_the_same_lines_and_none_stay_empty(size: tuple[int, int], n: int) -> None:
    lines = arrange(*size, PANES, n)["replicas"].height - 1
    assert lines % n == 0


def test_what_is_turned_off_gives_its_room_to_the_others() -> None:
    found = arrange(160, 42, ("log", "why", "events"), 5)
    assert set(found) == {"log", "why", "events"}
    assert found["why"].height == 42
    assert arrange(160, 42, (), 5, focus="links") == {"links": Box(0, 0, 160, 42)}


def test_no_room_has_no_panes() -> None:
    assert arrange(0, 0, PANES, 3) == {}


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_panes_stand_there_on_the_screen(size: tuple[int, int]) -> None:
    async def main() -> None:
        async with played(n=5, size=size) as on:
            for number, view in enumerate(VIEWS, start=1):
                on.app.controllers.view.show_view(number)
                await on.pilot.pause()
                _check(on, view)

    asyncio.run(main())


def _check(on: Played, view: str) -> None:
    body = on.app.query_one("#body")
    expected = arrange(*body.size, on.app.view_state.panes, 5, focus=view)
    shown = {
        pane.id: (pane.region.x, pane.region.y - body.region.y, *pane.outer_size)
        for pane in on.app.query(".panel")
        if pane.display and pane.region.area
    }
    assert shown == {name: tuple(box) for name, box in expected.items()}
    assert on.app.focused is not None
    assert view in {each.id for each in on.app.focused.ancestors_with_self}
