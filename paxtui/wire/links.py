"""Who reaches whom: topologies as sets of directed cuts, and their names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

Cuts = frozenset[tuple[int, int]]
"""Directed links ``(sender, receiver)`` that nothing crosses."""


def between(one: Iterable[int], other: Iterable[int]) -> Cuts:
    """Cut both directions between two sides."""
    return one_way(one, other) | one_way(other, one)


def one_way(senders: Iterable[int], receivers: Iterable[int]) -> Cuts:
    """Cut only from ``senders`` to ``receivers``."""
    return frozenset((a, b) for a in senders for b in receivers if a != b)


def isolated(n: int, replicas: Iterable[int]) -> Cuts:
    """Cut off each of ``replicas`` alone."""
    return frozenset().union(*(between([one], range(n)) for one in replicas))


def partition(n: int, groups: Sequence[Iterable[int]]) -> Cuts:
    """Leave links inside a group alone. Replicas of no group are one more."""
    group_of = {replica: number for number, group in enumerate(groups) for replica in group}
    return frozenset(
        (a, b) for a in range(n) for b in range(n) if a != b and group_of.get(a, -1) != group_of.get(b, -1)
    )


def chained(one: int, other: int) -> Cuts:
    """Leave two ends that reach each other through the rest alone (the chained scenario of Omni-Paxos)."""
    return between([one], [other])


def quorum_loss(n: int, hub: int) -> Cuts:
    """Leave links with ``hub`` alone: everybody but it loses the majority (Omni-Paxos, quorum-loss
    scenario)."""
    return frozenset((a, b) for a in range(n) for b in range(n) if a != b and hub not in (a, b))


def constrained(n: int, hub: int, down: int) -> Cuts:
    """Cut as `quorum_loss`, with ``down`` cut off from the hub, too (Omni-Paxos, constrained election)."""
    return quorum_loss(n, hub) | isolated(n, [down])


def ring(n: int) -> Cuts:
    """Leave links between neighbours alone."""
    return frozenset(
        (a, b) for a in range(n) for b in range(n) if a != b and (a - b) % n != 1 and (b - a) % n != 1
    )


def bridge(n: int, middle: int) -> Cuts:
    """Leave two halves, each connected in itself, and ``middle`` that reaches both."""
    rest = [replica for replica in range(n) if replica != middle]
    return between(rest[: len(rest) // 2], rest[len(rest) // 2 :])


def mutual_sets(ids: Iterable[int], reaches: Callable[[int, int], bool]) -> list[tuple[int, ...]]:
    """Find all sets of replicas that reach each other, both ways, and to which no further one can be added:
    the maximal cliques, the largest first (Bron and Kerbosch 1973; there are at most nine replicas)."""
    nodes = sorted(set(ids))
    near = {a: {b for b in nodes if b != a and reaches(a, b) and reaches(b, a)} for a in nodes}
    found: list[tuple[int, ...]] = []

    def extend(members: tuple[int, ...], able: set[int], tried: set[int]) -> None:
        if not able and not tried and members:
            found.append(tuple(sorted(members)))
        for one in sorted(able):
            extend((*members, one), able & near[one], tried & near[one])
            able, tried = able - {one}, tried | {one}

    extend((), set(nodes), set())
    return sorted(found, key=lambda members: (-len(members), members))


def words(n: int, cuts: Cuts) -> str:
    """Name the links that are left, for a person."""
    both: list[str] = []
    for a in range(n):
        for b in range(a + 1, n):
            there, back = (a, b) not in cuts, (b, a) not in cuts
            if there or back:
                both.append(f"r{a}{'-' if there and back else '>' if there else '<'}r{b}")
    return f"links left: {' '.join(both) or 'none'}"
