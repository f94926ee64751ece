"""What is broken on purpose right now."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from paxtui.console import commands as c
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.durations import ages
from paxtui.console.model.state.replica import ReplicaView
from paxtui.console.rows.text import Row, fit, pad, width_of
from paxtui.console.view_state import ViewState
from paxtui.wire.faults import ActiveFault, Clock, Cut, LinkFault, describe
from paxtui.wire.text import visible

TOGETHER = 3
"""So many cuts from one sender are shown as one: a partition of nine would else fill the screen."""


class FaultRow(NamedTuple):
    """One thing that is broken, and the command that mends it."""

    label: str
    what: str
    age_s: float | None
    left_s: float | None
    waits: str
    mend: c.ConsoleCommand | None
    """``None`` where nothing mends it."""
    at: frozenset[int]
    """The replicas at which it acts."""

    @property
    def acts(self) -> bool:
        """Return whether it is a fault that can end, and no process that does not run."""
        return self.label.startswith("#") or self.label == "later"


def broken(model: ClusterModel, now: float) -> list[FaultRow]:
    """Return processes that are down or paused, then cuts that belong together, then other faults by replica.
    Whoever counts faults counts these."""
    found: list[FaultRow] = []
    for replica in model.replicas:
        if replica.process in ("down", "paused"):
            down = replica.process == "down"
            mend = c.RestartCommand(replica.id) if down else c.ContinueCommand(replica.id)
            what = f"{replica.name} is {replica.process}"
            age = now - replica.since
            found.append(FaultRow("x" if down else "=", what, age, None, "", mend, frozenset((replica.id,))))
    cuts = {
        (replica.id, each.fault.to): each
        for replica in model.replicas
        for each in _active(replica)
        if isinstance(each.fault, Cut) and _is_plain(each)
    }
    plain = {each.number for each in cuts.values()}
    grouped = _partition(model, cuts, now)
    for replica in model.replicas:
        links = [link for link in cuts if link[0] == replica.id]
        if len(links) >= TOGETHER:
            ends = "*" if len(links) == model.n - 1 else ",".join(f"r{to}" for _, to in sorted(links))
            grouped.append(_together(model, cuts, links, f"{replica.name}>{ends}", now))
    shown = plain - {each.number for each in cuts.values()}
    others = [each for replica in model.replicas for each in _active(replica) if each.number not in shown]
    acting = [_one(model.replicas[each.replica], each, now) for each in others]
    found += [_voteless(replica) for replica in model.replicas if _lost_its_vote(model, replica)]
    return [*found, *grouped, *acting, *(each for replica in model.replicas for each in _later(replica, now))]


def _lost_its_vote(model: ClusterModel, replica: ReplicaView) -> bool:
    return model.voteless(replica.id) is not None or (replica.wiped and model.n > 1)


def _voteless(replica: ReplicaView) -> FaultRow:
    """Return what nothing undoes."""
    lost = "lost its vote with its disk" if replica.wiped else "is a learner without vote"
    what = f"{replica.name} {lost}, for ever"
    return FaultRow("vote", what, None, None, "", None, frozenset((replica.id,)))


def _later(replica: ReplicaView, now: float) -> list[FaultRow]:
    """Return what was said to a replica that is not there."""
    waits, at = f"waits for {replica.name}", frozenset((replica.id,))
    return [
        FaultRow("later", describe(replica.id, fault), now - replica.since, None, waits, mend, at)
        for fault in replica.waiting
        if isinstance(fault, LinkFault | Clock)
        for mend in (_mend_waiting(replica.id, fault),)
    ]


def _mend_waiting(id: int, fault: LinkFault | Clock) -> c.ConsoleCommand:
    if isinstance(fault, Clock):
        return c.SlowMotionCommand(1)
    return c.ClearCommand((id, fault.to), str(type(fault).__struct_config__.tag))


def _active(replica: ReplicaView) -> tuple[ActiveFault, ...]:
    return replica.report.active if replica.report is not None else ()


def _is_plain(active: ActiveFault) -> bool:
    return (
        isinstance(active.fault, Cut)
        and active.fault.to >= 0
        and active.when is None
        and active.left_s is None
    )


Cuts = dict[c.Link, ActiveFault]


def _partition(model: ClusterModel, cuts: Cuts, now: float) -> list[FaultRow]:
    """Return sides between which nothing crosses in either direction, as one thing; what it is made of leaves
    ``cuts``."""
    known = [replica.id for replica in model.replicas if replica.report is not None]
    sides, links = parted(known, cuts)
    if not links:
        return []
    sides.sort(key=lambda side: (len(side), side))
    name = " | ".join(" ".join(f"r{id}" for id in side) for side in sides)
    return [_together(model, cuts, links, name, now)]


def parted(known: Iterable[int], cuts: Collection[c.Link]) -> tuple[list[list[int]], list[c.Link]]:
    """Return sides between which nothing crosses in either direction, and the cuts between them; no cuts
    where there is one side."""
    sides: list[list[int]] = []
    for id in known:
        near = [
            side for side in sides if any((id, each) not in cuts or (each, id) not in cuts for each in side)
        ]
        joined = sorted([id, *(each for side in near for each in side)])
        sides = [side for side in sides if side not in near] + [joined]
    of = {id: side for side in sides for id in side}
    return sides, [(a, b) for a, b in cuts if a in of and b in of and of[a] is not of[b]]


def _together(model: ClusterModel, cuts: Cuts, links: list[c.Link], name: str, now: float) -> FaultRow:
    """Return cuts as one thing: ended together."""
    faults = [cuts.pop(link) for link in sorted(links)]
    age = max(each.age_s + _since(model.replicas[each.replica], now) for each in faults)
    first = min(each.number for each in faults)
    at = frozenset(each.replica for each in faults)
    return FaultRow(f"#{first}", f"cut {name}", age, None, "", c.JoinCommand(tuple(sorted(links)), name), at)


def _since(replica: ReplicaView, now: float) -> float:
    return max(0.0, now - replica.reported_at)


def _one(replica: ReplicaView, active: ActiveFault, now: float) -> FaultRow:
    since = _since(replica, now)
    waits = ""
    if active.when is not None:
        slot = "" if active.when.slot is None else f" slot {active.when.slot}"
        waits = visible(f"waits for {active.when.event}{slot}", 60)
    left = None if active.left_s is None else max(0.0, active.left_s - since)
    what, number = describe(active.replica, active.fault), active.number
    at = frozenset((replica.id,))
    return FaultRow(f"#{number}", what, active.age_s + since, left, waits, c.UndoCommand(number), at)


def fault_line(view_state: ViewState, fault: FaultRow, width: int, *, chosen: bool) -> Row:
    """Return number, what, what it waits for, age, time left."""
    tone = "dim" if fault.waits else "warn"
    left: Row = [(pad(fault.label, 6), "selected" if chosen else "title"), (fault.what, tone)]
    if fault.waits:
        left.append((f"  {fault.waits}", "self"))
    right: Row = [("no undo" if fault.age_s is None else ages(fault.age_s), "dim")]
    if fault.left_s is not None:
        right.append((f", {ages(fault.left_s)} left", "dim"))
    room = width - width_of(right) - 1
    row = [*fit(left, room), (" ", ""), *right] if room >= 12 else fit(left, width)
    row = fit(row, width)
    return [(text, f"{style} cursor".strip()) for text, style in row] if chosen else row


def nothing(view_state: ViewState, width: int) -> Row:
    """Return the line for no faults, as far as replicas tell of theirs."""
    model = view_state.model
    silent = [each.name for each in model.replicas if each.report is None or not each.fresh(view_state.now)]
    if silent:
        return fit([(f"nothing known; {' '.join(silent)} not heard", "unknown")], width)
    return fit([("nothing is broken; ", "dim"), ("x", "key"), (" breaks something", "dim")], width)
