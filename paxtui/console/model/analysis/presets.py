"""Topologies that are worth looking at, for any number of replicas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from paxtui.wire import links
from paxtui.wire.links import Cuts


class Preset(NamedTuple):
    """A topology by name. ``roles`` says what the replicas that can be named are for."""

    name: str
    what: str
    roles: tuple[str, ...]
    cuts: Callable[[int, Sequence[int]], Cuts]


PRESETS: Final = {
    preset.name: preset
    for preset in (
        Preset(
            "leader-alone",
            "the leader reaches no other replica; the others are whole",
            ("leader",),
            lambda n, who: links.isolated(n, who),
        ),
        Preset(
            "leader-minority",
            "the leader with as many others as are no majority; the rest is whole",
            ("leader",),
            lambda n, who: links.partition(
                n, [[(who[0] + step) % n for step in range(max(1, (n - 1) // 2))]]
            ),
        ),
        Preset(
            "chained",
            "the leader and one other reach each other only through the rest",
            ("leader", "other"),
            lambda n, who: links.chained(who[0], who[1]),
        ),
        Preset(
            "quorum-loss",
            "each replica reaches only the hub: only the hub has a majority",
            ("other",),
            lambda n, who: links.quorum_loss(n, who[0]),
        ),
        Preset(
            "constrained",
            "as quorum-loss, and the leader reaches no other: only the hub can win",
            ("other", "leader"),
            lambda n, who: links.constrained(n, who[0], who[1]),
        ),
        Preset("ring", "each replica reaches only its two neighbours", (), lambda n, who: links.ring(n)),
        Preset(
            "bridge",
            "two halves that meet in one replica",
            ("other",),
            lambda n, who: links.bridge(n, who[0]),
        ),
    )
}


def chosen_roles(preset: Preset, n: int, leader: int, named: Sequence[int] = ()) -> tuple[int, ...]:
    """Return who plays the roles: those that are named, else the leader and those after it."""
    free = [(leader + step) % n for step in range(1, n) if (leader + step) % n not in named]
    found = list(named)
    for role in preset.roles[len(named) :]:
        if role == "leader" and leader not in found:
            found.append(leader)
        else:
            found.append(next((each for each in free if each not in found), leader))
    return tuple(found)


def cuts(preset: Preset, n: int, leader: int, named: Sequence[int] = ()) -> Cuts:
    """Return the directed links that are cut in a cluster of ``n``; a cluster of one has none."""
    if n < 2:
        return frozenset()
    return preset.cuts(n, chosen_roles(preset, n, leader, named))


def differing(n: int, leader: int) -> list[Preset]:
    """Return the presets that cut something in a cluster of ``n``, each of those that cut the same once."""
    found: dict[Cuts, Preset] = {}
    for preset in PRESETS.values():
        cut = cuts(preset, n, leader)
        if cut:
            found.setdefault(cut, preset)
    return list(found.values())
