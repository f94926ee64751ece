"""What telemetry does to the facts: a snapshot at first, then one event after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import gt, lt
from typing import Any, Final

from msgspec import Struct

from paxtui.console.model.state.facts import Facts
from paxtui.console.model.state.replica import ReplicaView
from paxtui.console.model.state.values import Value
from paxtui.wire import events as e
from paxtui.wire.telemetry import (
    FaultEnded,
    LearnedView,
    MessageFaulted,
    ProposedView,
    TelemetrySnapshot,
    ValueView,
    VotedView,
)
from paxtui.wire.values import Ballot

RUNS_KEPT: Final = 20_000
TIMES_KEPT: Final = 4_000
"""Runs whose times of proposal are kept: those in flight, and some more."""


def fold_event(facts: Facts, replica: ReplicaView, event: Struct, at: float) -> None:
    """Take one event of a replica, which happened ``at`` a time of the console's."""
    handler = HANDLERS.get(type(event))
    if handler is not None:
        handler(facts, replica, event, at)


def fold_snapshot(facts: Facts, replica: ReplicaView, snapshot: TelemetrySnapshot, now: float) -> None:
    """Take all that a replica tells of itself at the begin of a connection."""
    if replica.told_since is None:
        replica.missed_from, replica.number = replica.told_to, snapshot.number
        replica.told_since = now
    replica.told_to = snapshot.number
    watch(facts, replica, now, True)
    replica.offset = now - snapshot.at_s
    replica.wall_ahead = snapshot.wall - now
    replica.wall_offset = snapshot.wall - snapshot.at_s
    status = snapshot.status
    if status is None:
        replica.role = "warm-up"
        return
    replica.role = status.role
    replica.promised = max(replica.promised, status.promised)
    replica.applied, replica.chain, replica.log_start = status.watermark, status.chain, status.log_start
    if status.role == "leader":
        facts.leaders[replica.id] = status.ballot
    # What it holds above its watermark is told in full; what was seen before may have died with it.
    replica.accepted.clear(status.watermark)
    replica.learned.clear(status.watermark)
    for view in snapshot.slots:
        if view.state == "voted":
            replica.accepted.assign(view.slot, view.slot + 1, view.ballot)
        else:
            replica.learned.assign(view.slot, view.slot + 1, view.ballot)
        _put_value(facts, view.slot, view.ballot, Value(view.client, view.request, view.text))
    watch_all(facts, now)


def watch(facts: Facts, replica: ReplicaView, at: float, observed: bool) -> None:
    """Note that from ``at`` on all that the replica does is told, or not any more."""
    replica.observed = observed
    replica.watch(at, observed)
    watch_all(facts, at)


def watch_all(facts: Facts, at: float) -> None:
    """Note what is seen: elections where no replica acts unseen, decisions where the leader is seen."""
    everybody = all(each.observed or each.process == "down" for each in facts.replicas)
    leader = facts.leader
    facts.elections.watch(at, everybody)
    facts.chosen_rate.watch(at, everybody or (leader is not None and facts.replicas[leader[0]].observed))


def forget_oldest(facts: Facts, replica: ReplicaView) -> None:
    """Keep the memory within its limits."""
    replica.trim()
    replica.proposed_at.forget_oldest(TIMES_KEPT)
    facts.first_proposed_at.forget_oldest(TIMES_KEPT)
    for runs in (facts.proposed, *facts.sent, *facts.lost):
        runs.forget_oldest(RUNS_KEPT)
    facts.sources.forget_oldest(RUNS_KEPT)


# One function an event


def _restored(facts: Facts, replica: ReplicaView, event: e.Restored, at: float) -> None:
    if event.promised < replica.promised or event.watermark < replica.applied:
        replica.forget_disk()
    replica.promised = event.promised
    replica.applied = event.watermark
    replica.role = "follower"
    facts.leaders.pop(replica.id, None)


def _promised(facts: Facts, replica: ReplicaView, event: e.Promised, at: float) -> None:
    replica.promised = max(replica.promised, event.ballot)
    facts.phase1.promised(replica.id, event, replica.accepted)


def _bound(facts: Facts, replica: ReplicaView, event: e.Bound, at: float) -> None:
    replica.promised = max(replica.promised, event.ballot)


def _voted(facts: Facts, replica: ReplicaView, event: VotedView, at: float) -> None:
    replica.promised = max(replica.promised, event.ballot)
    end = event.first + event.count
    replica.accepted.assign(event.first, end, event.ballot)


def _proposed(facts: Facts, replica: ReplicaView, event: ProposedView, at: float) -> None:
    end = event.first + event.count
    for first, stop in facts.proposed.keep_better(event.first, end, event.ballot, gt):
        facts.sources.assign(first, stop, event.source)
    if event.source == "no-op":
        facts.holes.fill(replica.id, event, at, facts.phase1.end(event.ballot))
    replica.proposed_at.assign(event.first, end, at)
    facts.first_proposed_at.keep_better(event.first, end, at, lt)
    _put_values(facts, event.first, ((event.ballot, event.count),), event.values)
    if facts.chat.expecting and event.values is not None:
        for slot, view in enumerate(event.values, event.first):
            facts.chat.proposed(slot, event.ballot, view.client, view.request)


def _put_values(
    facts: Facts, first: int, ballots: Iterable[tuple[Ballot, int]], told: tuple[ValueView, ...] | None
) -> None:
    if told is not None:
        values = [Value(value.client, value.request, value.text) for value in told]
        facts.values.put_run(first, ballots, values)
        for slot, value in enumerate(values, first):
            if not value.client and value.word == "trim":
                facts.trims.told(slot, value.request)


def _put_value(facts: Facts, slot: int, ballot: Ballot, value: Value) -> None:
    facts.values.put(slot, ballot, value)
    if not value.client and value.word == "trim":
        facts.trims.told(slot, value.request)


def _accept_sent(facts: Facts, replica: ReplicaView, event: e.AcceptSent, at: float) -> None:
    end = event.first + event.count
    for to in range(facts.n) if event.to < 0 else (event.to,):
        if to != replica.id:
            facts.sent[to].keep_better(event.first, end, event.ballot, gt)
            for first, stop, ballot in list(facts.sent[to].within(event.first, end)):
                if ballot == event.ballot:
                    facts.lost[to].clear(first, stop)
    if event.again:
        replica.resent.add(at, event.count)


def _message_faulted(facts: Facts, replica: ReplicaView, event: MessageFaulted, at: float) -> None:
    if event.copies == 0:
        replica.lost.add(at)
        if event.kind == "accept" and event.ballot is not None:
            # What a later leader sent, or sends, is not lost with it.
            for first, stop, ballot in facts.sent[event.to].within(event.first, event.first + event.count):
                if ballot == event.ballot:
                    facts.lost[event.to].assign(first, stop, ballot)


def _chosen_seen(facts: Facts, replica: ReplicaView, event: e.ChosenSeen, at: float) -> None:
    facts.chosen_rate.add(at, event.count)
    for _, _, proposed_at in replica.proposed_at.within(event.first, event.first + event.count):
        facts.latency.add(at, (at - proposed_at) * 1000)


def _learned(facts: Facts, replica: ReplicaView, event: LearnedView, at: float) -> None:
    slot = event.first
    for ballot, count in event.ballots:
        replica.learned.assign(slot, slot + count, ballot)
        slot += count
    replica.learned_rate.add(at, event.count)
    _put_values(facts, event.first, event.ballots, event.values)


def _applied_to(facts: Facts, replica: ReplicaView, event: e.AppliedTo, at: float) -> None:
    replica.applied, replica.chain = event.watermark, event.chain
    if replica.trimming:
        replica.trimming = False
        facts.trims.rose(replica.id, replica.log_start, event.first, event.watermark)


def _trimmed(facts: Facts, replica: ReplicaView, event: e.Trimmed, at: float) -> None:
    replica.log_start, replica.trimming = event.log_start, True


def _snapshot_taken(facts: Facts, replica: ReplicaView, event: e.SnapshotTaken, at: float) -> None:
    replica.applied = replica.log_start = event.upto
    replica.chain = event.chain


def _suppressed(facts: Facts, replica: ReplicaView, event: e.Suppressed, at: float) -> None:
    facts.values.suppress(event.slot, event.repeats)


def _elected(facts: Facts, replica: ReplicaView, event: e.Elected, at: float) -> None:
    replica.role = "leader"
    facts.leaders[replica.id] = event.ballot
    facts.phase1.elect(event)
    watch_all(facts, at)
    facts.elections.add(at)


def _stepped_down(facts: Facts, replica: ReplicaView, event: e.SteppedDown, at: float) -> None:
    if replica.role not in ("crashed", "non-voting"):
        replica.role = "follower"
    facts.leaders.pop(replica.id, None)


def _round_taken(facts: Facts, replica: ReplicaView, event: e.RoundTaken, at: float) -> None:
    replica.role = "preparing"


def _leader_heard(facts: Facts, replica: ReplicaView, event: e.LeaderHeard, at: float) -> None:
    replica.follows = event.ballot
    if replica.role not in ("crashed", "non-voting") and event.ballot.replica != replica.id:
        replica.role = "follower"


def _proposer_crashed(facts: Facts, replica: ReplicaView, event: e.ProposerCrashed, at: float) -> None:
    replica.role = "crashed"
    facts.leaders.pop(replica.id, None)


def _proposer_restored(facts: Facts, replica: ReplicaView, event: e.ProposerRestored, at: float) -> None:
    replica.role = "follower"


def _held(facts: Facts, replica: ReplicaView, event: e.BecameNonVoting, at: float) -> None:
    replica.role = "non-voting"
    facts.leaders.pop(replica.id, None)


def _slot_skipped(facts: Facts, replica: ReplicaView, event: e.SlotSkipped, at: float) -> None:
    facts.holes.skip(replica.id, event, at)


def _fault_ended(facts: Facts, replica: ReplicaView, event: FaultEnded, at: float) -> None:
    facts.holes.fault_ended(replica.id, event)


HANDLERS: Final[dict[type, Callable[[Facts, ReplicaView, Any, float], None]]] = {
    e.Restored: _restored,
    e.Promised: _promised,
    e.Bound: _bound,
    VotedView: _voted,
    ProposedView: _proposed,
    e.AcceptSent: _accept_sent,
    MessageFaulted: _message_faulted,
    e.ChosenSeen: _chosen_seen,
    LearnedView: _learned,
    e.AppliedTo: _applied_to,
    e.Trimmed: _trimmed,
    e.SnapshotTaken: _snapshot_taken,
    e.Suppressed: _suppressed,
    e.Elected: _elected,
    e.SteppedDown: _stepped_down,
    e.RoundTaken: _round_taken,
    e.LeaderHeard: _leader_heard,
    e.ProposerCrashed: _proposer_crashed,
    e.ProposerRestored: _proposer_restored,
    e.BecameNonVoting: _held,
    e.SlotSkipped: _slot_skipped,
    FaultEnded: _fault_ended,
}
