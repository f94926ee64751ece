"""How many more replicas may fail before the log stands still: the one place that counts it."""

from __future__ import annotations

from typing import NamedTuple

from paxtui.console.model.state.facts import Facts
from paxtui.console.model.state.replica import ReplicaView
from paxtui.wire.links import mutual_sets


class Tolerance(NamedTuple):
    """The failures that the cluster survives for certain, whichever replicas they hit."""

    spare: int
    """How many more may fail; below 0 if nothing is certain even now."""
    most: int
    """How many may fail while everything works: the f of 2f+1."""
    members: tuple[int, ...]
    """The largest set of voters that reach each other."""
    reasons: tuple[str, ...]
    """Why it is fewer than ``most``."""
    unknown: bool
    """Whether replicas that are not heard could make it more."""

    @property
    def number(self) -> str:
        """Return ``1``, or ``?`` where it cannot be known."""
        return "?" if self.unknown else str(max(0, self.spare))


def runs(replica: ReplicaView) -> bool:
    """Return whether its process is there and goes on."""
    return replica.process not in ("down", "paused", "unknown")


def voters(model: Facts) -> list[int]:
    """Return replicas that run and have a vote, as far as is known."""
    return [each.id for each in model.replicas if runs(each) and model.voteless(each.id) is None]


def connected_voters(model: Facts) -> tuple[int, ...]:
    """Return the largest set of voters that reach each other in both directions."""
    sets = mutual_sets(voters(model), model.connected)
    return sets[0] if sets else ()


def tolerance(model: Facts, now: float) -> Tolerance:
    """Count the failures that are survived for certain: the largest set of voters that reach each other,
    less a quorum. One of those that are left must be able to lead, too."""
    able = voters(model)
    sure = [id for id in able if _takes_part(model.replicas[id], now)]
    spare, members = _count(model, sure)
    most = model.n - model.quorum
    perhaps = [id for id in range(model.n) if id in able or model.replicas[id].process == "unknown"]
    heard = [id for id in perhaps if not _unheard(model.replicas[id], now) and id not in sure]
    best, _ = _count(model, [id for id in perhaps if id not in heard])
    reasons = tuple(_reasons(model, members, now)) if spare < most else ()
    return Tolerance(spare, most, members, reasons, max(0, best) > max(0, spare))


def _takes_part(replica: ReplicaView, now: float) -> bool:
    return replica.process == "up" and replica.fresh(now) and replica.role not in ("?", "warm-up")


def _unheard(replica: ReplicaView, now: float) -> bool:
    return replica.process in ("up", "unknown") and not replica.fresh(now)


def _count(model: Facts, ids: list[int]) -> tuple[int, tuple[int, ...]]:
    """Return the failures that ``ids`` survive, and the set that does. Who can lead must be left over,
    too."""
    best: tuple[int, tuple[int, ...]] = (-1, ())
    for members in mutual_sets(ids, model.connected):
        proposers = sum(not model.replicas[id].proposer_crashed for id in members)
        spare = min(len(members) - model.quorum, proposers - 1)
        if not best[1] or spare > best[0]:
            best = max(-1, spare), members
    return best


def _reasons(model: Facts, members: tuple[int, ...], now: float) -> list[str]:
    """Return what keeps each other replica out, in few words."""
    by_reason: dict[str, list[str]] = {}
    for replica in model.replicas:
        if replica.id not in members:
            by_reason.setdefault(_absence(model, replica, members, now), []).append(replica.name)
    found = [f"{' '.join(who)} {reason}" for reason, who in by_reason.items()]
    crashed = [model.replicas[id].name for id in members if model.replicas[id].proposer_crashed]
    if crashed:
        found.append(f"{' '.join(crashed)} cannot lead (proposer crashed)")
    return found


def _absence(model: Facts, replica: ReplicaView, members: tuple[int, ...], now: float) -> str:
    if replica.process in ("down", "paused"):
        return replica.process
    if model.voteless(replica.id) is not None:
        return "without vote"
    if _unheard(replica, now):
        return "not heard"
    if not _takes_part(replica, now):
        return "not ready"
    apart = " ".join(f"r{each}" for each in members if not model.connected(replica.id, each))
    return f"not connected with {apart}"
