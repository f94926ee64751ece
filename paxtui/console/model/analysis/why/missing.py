"""Why one acceptor has not voted at a ballot."""

from __future__ import annotations

from typing import NamedTuple

from paxtui.console.model.analysis.slots import AcceptorCell
from paxtui.console.model.analysis.slowness import slow_disks, slow_links
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.durations import ages
from paxtui.console.model.liveness.clocks import FOR_EVER, NEVER, stretch_at
from paxtui.console.model.state.replica import ReplicaView
from paxtui.wire.values import Ballot


class Missing(NamedTuple):
    """The reason in few words, which follow the replica's name, and as a sentence."""

    short: str
    sentence: str


def missing(
    model: ClusterModel, replica: ReplicaView, cell: AcceptorCell, ballot: Ballot, now: float
) -> Missing:
    """Return why an acceptor has not voted at ``ballot``."""
    name, leader = replica.name, ballot.replica
    since = f" for {ages(now - replica.since)}" if replica.since else ""
    if replica.wiped:
        return Missing("wiped", f"{name} is down{since}, and its disk was wiped: it holds no vote.")
    if replica.process == "down":
        return Missing("down", f"{name} is down{since}: no vote of it is known.")
    if replica.process == "paused":
        return Missing("paused", f"{name} is paused{since}: it neither hears nor speaks.")
    if model.voteless(replica.id) is not None:
        return Missing("has no vote", f"{name} is a learner without vote.")
    if replica.id == leader:
        return Missing("still writes it", f"{name} proposed it; its own vote is not on its disk yet.")
    if cell.kind == "unknown":
        silent = replica.silent_s(now)
        heard = f" for {ages(silent)}" if silent is not None else ""
        return Missing("not heard", f"{name}: nothing heard{heard}.")
    if replica.promised > ballot:
        return Missing(
            f"promised {replica.promised}", f"{name} promised {replica.promised}, so it refuses {ballot}."
        )
    if not model.crosses(leader, replica.id):
        return Missing("cut off", f"{name} is cut off: nothing crosses r{leader}>{name}.")
    if not model.reaches(leader, replica.id):
        return Missing("no connection", f"{name}: there is no connection r{leader}>{name}.")
    return _on_the_way(model, replica, cell, leader, now)


def _on_the_way(
    model: ClusterModel, replica: ReplicaView, cell: AcceptorCell, leader: int, now: float
) -> Missing:
    """Return what keeps an acceptor that could vote: what becomes of the Accept, and of the answer."""
    name = replica.name
    loss = model.replicas[leader].loss_to(replica.id)
    if cell.kind == "lost":
        slower = stretch_at(model.replicas[leader])
        again_ms = model.cluster.settings.resend_s * 1000 * slower
        again = f"after {again_ms:.0f} ms, then less often" if again_ms < FOR_EVER else NEVER
        percent = f" ({loss:g} % loss r{leader}>{name})" if loss else ""
        return Missing(
            f"lost the Accept{f' ({loss:g} % loss)' if loss else ''}",
            f"{name}: the Accept was lost{percent}; it is sent again {again}.",
        )
    delay, _ = model.replicas[leader].delay_to(replica.id)
    if cell.kind == "in-flight" and (disk := slow_disks(model, now).get(replica.id)) is not None:
        return Missing("slow", f"{name} is slow: fsync {disk.words}. Its vote leaves when it is on disk.")
    if cell.kind == "in-flight" and (way := slow_links(model, now).get((leader, replica.id))) is not None:
        return Missing("far away", f"{name}: the link r{leader}>{name} is slow: round trip {way.words}.")
    if cell.kind == "in-flight":
        slow = f" ({delay:g} ms of delay)" if delay else f" ({loss:g} % loss)" if loss else ""
        return Missing(f"not answered{slow}", f"{name}: an Accept was sent{slow}, and no answer is seen yet.")
    return Missing("no vote", f"{name} has no vote here.")
