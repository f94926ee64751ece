"""Generators of faults: one function a kind, which draws entries of a plan."""

from __future__ import annotations

import random
from collections.abc import Callable

from paxtui.sim.plan.plan import LEADER, PlannedFault

TRIGGERS = (
    "accept-sent",
    "applied-to",
    "pre-vote-asked",
    "chosen-seen",
    "elected",
    "learned",
    "promised",
    "proposed",
    "restored",
    "round-taken",
    "stepped-down",
    "voted",
)
"""Trace events at which a replica may be crashed: each step of the protocol."""

LATER_TYPES = ("snapshot", "snapshot-ask")
"""They came later, and are filtered in runs that are drawn for them: all other seeds stay what they were."""

TYPES = (
    "accept",
    "accepted",
    "pre-vote",
    "pre-vote-reply",
    "catch-up",
    "chosen",
    "entries",
    "heartbeat",
    "heartbeat-ack",
    "nack",
    "prepare",
    "promise",
)
"""Of messages between replicas, in the order in which seeds draw them: a new one goes to the end of
:data:`LATER_TYPES`, so that all seeds stay the runs that they are."""


def exponential(rng: random.Random, low: float, high: float) -> float:
    """Draw between the two, each order of magnitude as likely as the next."""
    return float(low * (high / low) ** rng.random())


def anyone(rng: random.Random, replicas: int) -> int:
    """Draw a replica, in a third of the cases the leader, where faults hurt most."""
    return LEADER if rng.random() < 0.33 else rng.randrange(replicas)


def _pairs(rng: random.Random, replicas: int) -> list[tuple[int, int]]:
    """Draw directed links: one, both ways of a pair, all of one replica, or all."""
    everyone = range(replicas)
    pairs = [(i, j) for i in everyone for j in everyone if i != j]
    if not pairs:
        return []
    one, other = rng.choice(pairs)
    scope = rng.randrange(5)
    if scope == 0:
        return [(one, other)]
    if scope == 1:
        return [(one, other), (other, one)]
    if scope == 2:
        return [(i, j) for i, j in pairs if one in (i, j)]
    if scope == 3:
        return [(i, j) for i, j in pairs if i == one]
    return pairs


def partition(rng: random.Random, replicas: int) -> list[tuple[int, int]]:
    """Draw a partition, and list the directed links that it cuts."""
    order = list(range(replicas))
    rng.shuffle(order)
    pairs = [(i, j) for i in order for j in order if i != j]
    if not pairs:
        return []
    shape = rng.choice(("isolate", "bridge", "chain", "one-way", "deaf", "mute", "uniform", "halves"))
    one = order[0]
    half = set(order[1 : 1 + replicas // 2])
    place = {replica: index for index, replica in enumerate(order)}
    if shape == "isolate":
        return [(i, j) for i, j in pairs if one in (i, j)]
    if shape == "bridge":
        # Two halves that hear each other only through one replica: each sees another majority.
        return [(i, j) for i, j in pairs if one not in (i, j) and (i in half) != (j in half)]
    if shape == "chain":
        return [(i, j) for i, j in pairs if abs(place[i] - place[j]) > 1]
    if shape == "one-way":
        return [pairs[0]]
    if shape == "deaf":
        return [(i, j) for i, j in pairs if j == one]
    if shape == "mute":
        return [(i, j) for i, j in pairs if i == one]
    if shape == "halves":
        return [(i, j) for i, j in pairs if (i in half) != (j in half)]
    return [pair for pair in pairs if rng.random() < 0.4]


def _partition(rng: random.Random, at: float, replicas: int) -> list[PlannedFault]:
    seconds = exponential(rng, 0.2, 4.0)
    return [PlannedFault(at, "cut", (seconds, i, j)) for i, j in partition(rng, replicas)]


def _flap(rng: random.Random, at: float, replicas: int) -> list[PlannedFault]:
    """Cut the same links again and again: an election may begin in each gap and end in none."""
    pairs = partition(rng, replicas)
    seconds = exponential(rng, 0.05, 0.8)
    gap_s = exponential(rng, 0.05, 0.8)
    return [
        PlannedFault(at + turn * (seconds + gap_s), "cut", (seconds, i, j))
        for turn in range(rng.randint(2, 6))
        for i, j in pairs
    ]


def _silence(rng: random.Random, at: float, replicas: int) -> list[PlannedFault]:
    """Silence the leader, so that few or no replicas hear it and it votes alone; then the next leader, and
    the next. Several values then have votes in one slot, and a later leader has to take the right one."""
    faults: list[PlannedFault] = []
    for _ in range(rng.randint(1, 4)):
        seconds = rng.uniform(0.2, 1.0)
        if rng.random() < 0.7:
            # All who lead next, in the moment in which they propose: only their own vote remains.
            event = rng.choice(("proposed", "proposed", "proposed", "elected", "chosen-seen"))
            faults += [
                PlannedFault(at, "silence-at", (i, event, seconds))
                for i in range(replicas)
                if rng.random() < 0.9
            ]
            at += rng.uniform(0.3, 1.5)
            continue
        heard = rng.choice((0.0, 0.0, 0.3))
        faults += [
            PlannedFault(at, "cut", (seconds, LEADER, j)) for j in range(replicas) if rng.random() >= heard
        ]
        at += rng.uniform(0.3, 1.0)
    return faults


def _links(
    kind: str, *ranges: tuple[float, float]
) -> Callable[[random.Random, float, int], list[PlannedFault]]:
    def draw_links(rng: random.Random, at: float, replicas: int) -> list[PlannedFault]:
        seconds = exponential(rng, 0.2, 4.0)
        rest = tuple(exponential(rng, low, high) for low, high in ranges)
        return [PlannedFault(at, kind, (seconds, i, j, *rest)) for i, j in _pairs(rng, replicas)]

    return draw_links


def _filter(rng: random.Random, at: float, replicas: int) -> list[PlannedFault]:
    """Lose some types of messages on some links: what arrives then contradicts what does not."""
    seconds = exponential(rng, 0.2, 4.0)
    types = rng.sample(TYPES, rng.randint(1, 6))
    return [
        PlannedFault(at, "filter", (seconds, i, j, kind)) for i, j in _pairs(rng, replicas) for kind in types
    ]


def _disconnect(rng: random.Random, at: float, replicas: int) -> list[PlannedFault]:
    """Break a connection, and nothing else: a hint that is wrong."""
    i, j = rng.randrange(replicas), rng.randrange(replicas)
    return [PlannedFault(at, "disconnect", (i, j))] if i != j else []


def _crash(rng: random.Random, at: float, replicas: int) -> list[PlannedFault]:
    return [PlannedFault(at, "crash", (anyone(rng, replicas), exponential(rng, 0.01, 2.0)))]


def _crash_all(rng: random.Random, at: float, replicas: int) -> list[PlannedFault]:
    del replicas
    return [PlannedFault(at, "crash-all", (exponential(rng, 0.01, 1.0),))]


def _crash_at(rng: random.Random, at: float, replicas: int) -> list[PlannedFault]:
    down_s = exponential(rng, 0.01, 1.0)
    event, sends = rng.choice(TRIGGERS), rng.choice((0, 1, 2, 2))
    return [PlannedFault(at, "crash-at", (rng.randrange(replicas), event, down_s, sends))]


def _disk_slow(rng: random.Random, at: float, replicas: int) -> list[PlannedFault]:
    seconds, commit_s = exponential(rng, 0.2, 3.0), exponential(rng, 0.02, 1.5)
    return [PlannedFault(at, "disk-slow", (seconds, rng.randrange(replicas), commit_s))]


def _disk_fail(rng: random.Random, at: float, replicas: int) -> list[PlannedFault]:
    return [PlannedFault(at, "disk-fail", (anyone(rng, replicas), exponential(rng, 0.01, 1.0)))]


def _pause(rng: random.Random, at: float, replicas: int) -> list[PlannedFault]:
    return [PlannedFault(at, "pause", (exponential(rng, 0.1, 30.0), anyone(rng, replicas)))]


def _clock_jump(rng: random.Random, at: float, replicas: int) -> list[PlannedFault]:
    return [PlannedFault(at, "clock-jump", (rng.randrange(replicas), exponential(rng, 0.05, 100.0)))]


def _clock_rate(rng: random.Random, at: float, replicas: int) -> list[PlannedFault]:
    return [PlannedFault(at, "clock-rate", (rng.randrange(replicas), exponential(rng, 0.2, 5.0)))]


def _proposer_crash(rng: random.Random, at: float, replicas: int) -> list[PlannedFault]:
    return [PlannedFault(at, "proposer-crash", (exponential(rng, 0.1, 3.0), anyone(rng, replicas)))]


def _skip(rng: random.Random, at: float, replicas: int) -> list[PlannedFault]:
    return [
        PlannedFault(
            at, "skip", (rng.choice((LEADER, LEADER, rng.randrange(replicas))), rng.choice((-1, -1, 0, 1, 5)))
        )
        for _ in range(rng.randint(1, 3))
    ]


def _elect(rng: random.Random, at: float, replicas: int) -> list[PlannedFault]:
    """Force one election, or those of two replicas at once."""
    return [PlannedFault(at, "elect", (rng.randrange(replicas),)) for _ in range(rng.choice((1, 1, 2)))]


def _fill(rng: random.Random, at: float, replicas: int) -> list[PlannedFault]:
    del replicas, rng
    return [PlannedFault(at, "skip", (LEADER, -1)), PlannedFault(at + 0.04, "fill", (LEADER,))]


FAULT_GENERATORS: dict[str, Callable[[random.Random, float, int], list[PlannedFault]]] = {
    "partition": _partition,
    "flap": _flap,
    "silence": _silence,
    "filter": _filter,
    "disconnect": _disconnect,
    "loss": _links("loss", (0.05, 0.9)),
    "duplicate": _links("duplicate", (0.1, 1.0)),
    "tail": _links("tail", (0.02, 0.5), (0.02, 1.0)),
    "slow": _links("slow", (0.005, 0.6)),
    "hold": _links("hold"),
    "crash": _crash,
    "crash-all": _crash_all,
    "crash-at": _crash_at,
    "disk-slow": _disk_slow,
    "disk-fail": _disk_fail,
    "pause": _pause,
    "clock-jump": _clock_jump,
    "clock-rate": _clock_rate,
    "proposer-crash": _proposer_crash,
    "skip": _skip,
    "elect": _elect,
    "fill": _fill,
}
"""One drawer a kind."""
