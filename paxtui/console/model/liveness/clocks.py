"""The clocks of the protocol, as far as replicas tell: slow motion, and how much longer waits are."""

from __future__ import annotations

from typing import Final, NamedTuple

from paxtui.console.model.state.facts import Facts
from paxtui.console.model.state.replica import ReplicaView

FACTORS: Final = (2, 10, 50)
"""The factors of slow motion that are offered; 50 makes a second of an election timeout most of a minute."""

USUAL_FACTOR: Final = 10

BASE_DELAY_MS: Final = 20.0
"""The delay of a link that has none, before it is stretched: at a factor of ten a message is under way for
200 ms, which an eye can follow. It is well below the time after which a leader sends again."""


FOR_EVER: Final = float("inf")

NEVER: Final = "not while its clock stands"
"""When a wait of the protocol is over at a replica whose clock stands."""


class SlowMotion(NamedTuple):
    """One factor for the clocks of all replicas that are heard, and the delay that their links have."""

    factor: float
    least_ms: float
    most_ms: float

    @property
    def brief(self) -> str:
        """Return ``SLOW MOTION x10``."""
        return f"SLOW MOTION x{self.factor:g}"

    @property
    def words(self) -> str:
        """Return ``SLOW MOTION x10, links 200 ms``."""
        links = f"{self.least_ms:g}"
        if self.most_ms > self.least_ms:
            links += f"-{self.most_ms:g}"
        return self.brief + (f", links {links} ms" if self.most_ms else "")


def _heard(model: Facts, now: float) -> list[ReplicaView]:
    return [each for each in model.replicas if each.report is not None and each.fresh(now)]


def slow_motion(model: Facts, now: float) -> SlowMotion | None:
    """Return the slow motion of the cluster; ``None`` where clocks differ, stand or run as usual."""
    heard = _heard(model, now)
    percents = {each.clock_percent for each in heard}
    if len(percents) != 1 or not 0 < (percent := percents.pop()) < 100:
        return None
    delays = [each.delay_to(to)[0] for each in heard for to in range(model.n) if to != each.id]
    return SlowMotion(round(100 / percent, 2), min(delays, default=0.0), max(delays, default=0.0))


def clock_words(model: Facts, now: float, *, brief: bool = False) -> str:
    """Return what is to be said of clocks: ``SLOW MOTION x10, links 200 ms``, ``clocks r1 10 %, r2 stands``;
    empty where all run as usual. In ``brief``, slow motion is its factor alone."""
    found = slow_motion(model, now)
    if found is not None:
        return found.brief if brief else found.words
    told = [
        f"{each.name} " + (f"{each.clock_percent:g} %" if each.clock_percent else "stands")
        for each in _heard(model, now)
        if each.clock_percent != 100
    ]
    return "clocks " + ", ".join(told) if told else ""


def stretch(model: Facts, now: float) -> float:
    """Return how much longer the protocol's waits are at the slowest clock that is heard; infinite where one
    stands, and never below 1."""
    return max((stretch_at(each) for each in _heard(model, now)), default=1.0)


def stretch_at(replica: ReplicaView) -> float:
    """Return how much longer the protocol's waits are at one replica; infinite where its clock stands."""
    percent = replica.clock_percent
    return max(1.0, 100 / percent) if percent else FOR_EVER
