"""Which faults a run has, in which order: drawn from the seed alone.

Times and who leads differ from run to run, so a target may be *the leader*; everything else is fixed. The
plan keeps count of the disks that it loses: never are more than f minus those replicas down, paused or cut at
once, but in the steps named ``dark-...`` and ``kill-all``, which leave no majority on purpose.
"""

from __future__ import annotations

import random
from typing import Literal

from msgspec import Struct

LEADER = -1
"""A target that is known only when its time has come."""

Kind = Literal[
    "kill",
    "restart",
    "rolling-restart",
    "pause",
    "cut-off",
    "deaf",
    "mute",
    "cut-link",
    "shape",
    "slow-disk",
    "clock",
    "disk-error",
    "full-disk",
    "disk-away",
    "disk-lost",
    "disk-back",
    "crash-proposer",
    "elect",
    "skip",
    "dark-kill",
    "dark-pause",
    "dark-cut",
    "kill-all",
]

VICTIMS: tuple[Kind, ...] = ("kill", "kill", "restart", "pause", "cut-off", "deaf", "mute")
"""Steps that take several replicas away at once; kill twice, since it is what most goes wrong with."""

SINGLE: tuple[Kind, ...] = ("rolling-restart", "cut-link", "disk-error", "full-disk", "disk-away")
"""Steps that take away one replica at a time."""

HARMLESS: tuple[Kind, ...] = ("shape", "slow-disk", "clock", "crash-proposer", "elect", "skip")
"""Steps that leave everybody a vote that can be heard."""

DARK: tuple[Kind, ...] = ("dark-kill", "dark-pause", "dark-cut")

LETHAL = frozenset(
    {"kill", "restart", "rolling-restart", "disk-error", "full-disk", "disk-away", "dark-kill"}
)
"""These end processes; the spared replica is not among their targets."""

SHAPES = ("loss", "delay", "duplicate", "reorder")

LONGEST_S = 3.0


class Shape(Struct, frozen=True):
    """What happens to messages on the links from one replica."""

    kind: str
    sender: int
    amount: float


class Step(Struct, frozen=True):
    """One fault and what goes with it."""

    kind: Kind
    targets: tuple[int, ...]
    seconds: float
    amount: float = 0.0
    shape: Shape | None = None


class Round(Struct, frozen=True):
    """What happens between two quiet moments; an overload comes before the faults."""

    steps: tuple[Step, ...]
    overload: bool


class Epoch(Struct, frozen=True):
    """The life of one cluster. The ``spared`` replica's process lives through it, but for the last step, so
    that there is a memory that can be seen to be flat; ``small`` has a disk of its own that can be filled."""

    number: int
    spared: int
    small: int
    rounds: tuple[Round, ...]


def epoch(seed: int, number: int, replicas: int, rounds: int, steps: int) -> Epoch:
    """Epoch ``number`` of the run with that seed."""
    return Drawing(random.Random(f"{seed}/{number}"), replicas).epoch(number, rounds, steps)


class Drawing:
    """Draws one epoch, and remembers which disks are lost."""

    def __init__(self, rng: random.Random, replicas: int) -> None:
        self._rng = rng
        self._n = replicas
        self._f = (replicas - 1) // 2
        self._held: list[int] = []
        self._spared, self._small = rng.sample(range(replicas), 2)
        self._bag: list[Kind] = []

    def epoch(self, number: int, rounds: int, steps: int) -> Epoch:
        """Disks are lost late, so that the other faults have somebody to take away."""
        losses = [max(0, rounds - 1 - lost * max(1, rounds // 3)) for lost in range(self._f)]
        drawn = [self._round(at, losses.count(at), steps, at == rounds - 1) for at in range(rounds)]
        return Epoch(number, self._spared, self._small, tuple(drawn))

    def _round(self, at: int, losses: int, steps: int, last: bool) -> Round:
        drawn = [self._step() for _ in range(max(0, steps - losses - last))]
        drawn += [self._loss() for _ in range(losses)]
        if last:
            drawn.append(Step("kill-all", tuple(range(self._n)), 0.5))
        return Round(tuple(drawn), overload=at % 2 == 0)

    @property
    def _budget(self) -> int:
        return self._f - len(self._held)

    @property
    def _voters(self) -> list[int]:
        return [replica for replica in range(self._n) if replica not in self._held]

    def _kind(self) -> Kind:
        """From a bag that holds each kind, so that even a short run has all of them."""
        while True:
            if not self._bag:
                self._bag = [*VICTIMS, *SINGLE, *HARMLESS, self._rng.choice(DARK)]
                self._rng.shuffle(self._bag)
            kind = self._bag.pop()
            if self._budget or kind in HARMLESS or kind in DARK:
                return kind

    def _step(self) -> Step:
        rng, kind = self._rng, self._kind()
        seconds = round(rng.uniform(0.3, LONGEST_S), 2)
        shape = None
        if kind == "shape" or (kind not in DARK and rng.random() < 0.25):
            shape = Shape(rng.choice(SHAPES), rng.randrange(self._n), float(rng.choice((2, 5, 10, 20))))
        amount = float(rng.choice((5, 20, 60)))
        return Step(kind, self._targets(kind), seconds, amount, shape)

    def _targets(self, kind: Kind) -> tuple[int, ...]:
        rng = self._rng
        able = [each for each in self._voters if each != self._spared or kind not in LETHAL]
        if kind in VICTIMS:
            count = min(rng.randint(1, self._budget), len(able))
            chosen = rng.sample(able, count)
            return (LEADER, *chosen[1:]) if rng.random() < 0.4 else tuple(chosen)
        if kind in DARK:
            # So many voters go that those who are left are one fewer than a majority of all.
            return tuple(rng.sample(able, len(self._voters) - self._n // 2))
        if kind == "full-disk":
            return (self._small,)
        if kind == "rolling-restart":
            return tuple(able)
        if kind == "cut-link":
            return tuple(rng.sample(self._voters, 2))
        if kind == "skip" or (kind == "crash-proposer" and rng.random() < 0.5):
            return (LEADER,)
        return (rng.choice(able),)

    def _loss(self) -> Step:
        rng = self._rng
        lost = rng.choice([each for each in self._voters if each != self._spared])
        kind: Kind = rng.choice(("disk-lost", "disk-back"))
        self._held.append(lost)
        return Step(kind, (lost,), 0.5)
