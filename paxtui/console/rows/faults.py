"""What is broken on purpose right now."""

from __future__ import annotations

from typing import NamedTuple

from paxtui.console import commands as c
from paxtui.console.model.ages import ages
from paxtui.console.model.cluster import ClusterModel
from paxtui.console.model.replica import ReplicaView
from paxtui.console.rows.text import Row, fit, pad, width_of
from paxtui.console.scene import Scene
from paxtui.wire.faults import ActiveFault, Cut, describe
from paxtui.wire.text import visible

TOGETHER = 3
"""So many cuts from one sender are shown as one: a partition of nine would else fill the screen."""


class Broken(NamedTuple):
    """One thing that is broken, and the command that mends it."""

    label: str
    what: str
    age_s: float
    left_s: float | None
    waits: str
    mend: c.Command


def broken(model: ClusterModel, now: float) -> list[Broken]:
    """Processes that are down or paused, then faults by replica."""
    found: list[Broken] = []
    for replica in model.replicas:
        if replica.process in ("down", "paused"):
            down = replica.process == "down"
            mend = c.Restart(replica.id) if down else c.Continue(replica.id)
            what = f"{replica.name} is {replica.process}"
            found.append(Broken("x" if down else "=", what, now - replica.since, None, "", mend))
    for replica in model.replicas:
        active = replica.report.active if replica.report is not None else ()
        cuts = [each for each in active if _plain_cut(each)]
        if len(cuts) >= TOGETHER:
            found.append(_together(replica, cuts, model.n, now))
        for each in active:
            if len(cuts) >= TOGETHER and each in cuts:
                continue
            since = max(0.0, now - replica.reported_at)
            waits = ""
            if each.when is not None:
                slot = "" if each.when.slot is None else f" slot {each.when.slot}"
                waits = visible(f"waits for {each.when.event}{slot}", 60)
            left = None if each.left_s is None else max(0.0, each.left_s - since)
            what = describe(each.replica, each.fault)
            found.append(
                Broken(f"#{each.number}", what, each.age_s + since, left, waits, c.Undo(each.number))
            )
    return found


def _plain_cut(active: ActiveFault) -> bool:
    return (
        isinstance(active.fault, Cut)
        and active.fault.to >= 0
        and active.when is None
        and active.left_s is None
    )


def _together(replica: ReplicaView, cuts: list[ActiveFault], n: int, now: float) -> Broken:
    """Many cuts from one sender as one line: ended together."""
    links = sorted({(each.replica, each.fault.to) for each in cuts if isinstance(each.fault, Cut)})
    ends = "*" if len(links) == n - 1 else ",".join(f"r{to}" for _, to in links)
    name = f"{replica.name}>{ends}"
    age = max(each.age_s for each in cuts) + max(0.0, now - replica.reported_at)
    first = min(each.number for each in cuts)
    return Broken(f"#{first}", f"cut {name}", age, None, "", c.Join(tuple(links), name))


def fault_line(scene: Scene, fault: Broken, width: int, *, chosen: bool) -> Row:
    """Number, what, what it waits for, age, time left."""
    tone = "dim" if fault.waits else "warn"
    left: Row = [(pad(fault.label, 6), "selected" if chosen else "title"), (fault.what, tone)]
    if fault.waits:
        left.append((f"  {fault.waits}", "self"))
    right: Row = [(ages(fault.age_s), "dim")]
    if fault.left_s is not None:
        right.append((f", {ages(fault.left_s)} left", "dim"))
    room = width - width_of(right) - 1
    row = [*fit(left, room), (" ", ""), *right] if room >= 12 else fit(left, width)
    row = fit(row, width)
    return [(text, f"{style} cursor".strip()) for text, style in row] if chosen else row


def nothing(width: int) -> Row:
    """No faults."""
    return fit([("nothing is broken; ", "dim"), ("x", "key"), (" breaks something", "dim")], width)
