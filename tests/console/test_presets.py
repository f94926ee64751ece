"""Presets for any number of replicas: who reaches whom afterwards."""

from __future__ import annotations

import pytest

from paxtui.console import command_builders
from paxtui.console import commands as c
from paxtui.console.model.analysis.presets import PRESETS, chosen_roles, cuts, differing
from paxtui.console.rows.links import preview
from paxtui.console.rows.text import plain
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from paxtui.wire import faults as f
from tests.console.story import Story

SIZES = range(1, 10)


def reach(n: int, name: str, leader: int, *named: int) -> list[set[int]]:
    cut = cuts(PRESETS[name], n, leader, named)
    assert all(a != b and 0 <= a < n and 0 <= b < n for a, b in cut)
    assert cut == {(b, a) for a, b in cut}
    return [{b for b in range(n) if b != a and (a, b) not in cut} for a in range(n)]


def everywhere() -> list[tuple[int, int]]:
    return [(n, leader) for n in SIZES for leader in range(n)]


@pytest.mark.parametrize(("n", "leader"), everywhere())
def test_leader_alone_cuts_the_leader_off_and_nothing_else(n: int, leader: int) -> None:
    found = reach(n, "leader-alone", leader)
    assert found[leader] == set()
    assert all(found[a] == set(range(n)) - {a, leader} for a in range(n) if a != leader)


@pytest.mark.parametrize(("n", "leader"), everywhere())
def test_chained_cuts_one_pair_that_has_the_leader_in_it(n: int, leader: int) -> None:
    found = reach(n, "chained", leader)
    missing = [(a, b) for a in range(n) for b in range(n) if a < b and b not in found[a]]
    assert len(missing) == (1 if n > 1 else 0)
    assert all(leader in pair for pair in missing)


@pytest.mark.parametrize(("n", "leader"), everywhere())
def test_after_quorum_loss_the_hub_reaches_all_and_does_not_lead(n: int, leader: int) -> None:
    found = reach(n, "quorum-loss", leader)
    if n < 2:
        return
    (hub,) = chosen_roles(PRESETS["quorum-loss"], n, leader)
    assert hub != leader
    assert found[hub] == set(range(n)) - {hub}
    assert all(found[a] == {hub} for a in range(n) if a != hub)


@pytest.mark.parametrize(("n", "leader"), everywhere())
def test_in_the_constrained_election_the_old_leader_reaches_nobody(n: int, leader: int) -> None:
    found = reach(n, "constrained", leader)
    if n < 2:
        return
    hub, _ = chosen_roles(PRESETS["constrained"], n, leader)
    assert found[leader] == set()
    assert found[hub] == set(range(n)) - {hub, leader}


@pytest.mark.parametrize(("n", "leader"), everywhere())
def test_in_a_ring_everybody_has_two_neighbours(n: int, leader: int) -> None:
    found = reach(n, "ring", leader)
    assert found == [{(a + 1) % n, (a - 1) % n} - {a} for a in range(n)]


@pytest.mark.parametrize(("n", "leader"), everywhere())
def test_a_bridge_joins_two_halves_in_one_replica(n: int, leader: int) -> None:
    found = reach(n, "bridge", leader)
    if n < 2:
        return
    (middle,) = chosen_roles(PRESETS["bridge"], n, leader)
    assert found[middle] == set(range(n)) - {middle}
    halves = {frozenset(found[a] - {middle} | {a}) for a in range(n) if a != middle}
    assert len(halves) == min(2, n - 1)


def test_the_replicas_of_a_preset_can_be_named() -> None:
    assert reach(5, "bridge", 0, 3)[3] == {0, 1, 2, 4}
    assert reach(5, "constrained", 0, 3, 4)[4] == set()
    assert chosen_roles(PRESETS["constrained"], 5, 0, (3,)) == (3, 0)
    assert chosen_roles(PRESETS["constrained"], 5, 0, (0,)) == (0, 1)


def test_another_topology_joins_what_is_cut_no_more() -> None:
    story = Story(5).up()
    for a, b in cuts(PRESETS["leader-alone"], 5, 0):
        story.fault(a, f.Cut(b))
    ring = cuts(PRESETS["ring"], 5, 0)
    join, cut = command_builders.topology(story.model, ring, "preset ring")
    assert isinstance(join, c.JoinCommand)
    assert set(join.links) == {(0, 1), (1, 0), (0, 4), (4, 0)}
    assert isinstance(cut, c.CutCommand)
    assert set(cut.links) == ring - {(0, 2), (2, 0), (0, 3), (3, 0)}
    assert command_builders.topology(story.model, cuts(PRESETS["leader-alone"], 5, 0), "x") == []


@pytest.mark.parametrize(("n", "leader"), everywhere())
def test_a_leader_with_a_minority_leaves_a_majority_that_is_whole(n: int, leader: int) -> None:
    found = reach(n, "leader-minority", leader)
    side = {leader, *found[leader]}
    assert n < 2 or len(side) <= (n - 1) // 2 or len(side) == 1
    assert all(found[id] == side - {id} for id in side)
    assert all(found[id] == set(range(n)) - side - {id} for id in range(n) if id not in side or n < 2)


def test_only_presets_that_differ_are_offered() -> None:
    assert [each.name for each in differing(3, 0)] == ["leader-alone", "chained", "quorum-loss"]
    assert [each.name for each in differing(5, 0)] == list(PRESETS)
    assert differing(1, 0) == []


def test_the_preview_shows_what_acts_beside_cuts() -> None:
    story = Story(3).up()
    story.fault(1, f.Loss(2, 30))
    story.down(0)
    view_state = ViewState(story.model, Styles(), lambda: story.now)
    rows = "\n".join(
        plain(row) for row in preview(view_state, cuts(PRESETS["leader-alone"], 3, 1), frozenset(), 60)
    )
    assert "CUT" in rows
    assert "ok" not in rows
    assert "down" in rows
    free = "\n".join(plain(row) for row in preview(view_state, frozenset(), frozenset({(1, 2)}), 60))
    assert "join" in free
    assert "30%" in "\n".join(plain(row) for row in preview(view_state, frozenset(), frozenset(), 60))
