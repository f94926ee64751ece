"""One line of text for each thing that can happen, with the exact ballots, slots and replicas.

Reasons, names and faults are told by others: they go through :func:`~paxtui.wire.text.visible`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from paxtui.console.model.state.seen import Divider, Note, Seen
from paxtui.wire import events as e
from paxtui.wire.faults import describe as describe_fault
from paxtui.wire.telemetry import (
    ClockChanged,
    FaultBegan,
    FaultEnded,
    LearnedView,
    MessageFaulted,
    MessageReleased,
    MessageStaged,
    ProposedView,
    VotedView,
)
from paxtui.wire.text import client_name, cluster_words, visible
from paxtui.wire.values import Ballot


def slots(first: int, count: int) -> str:
    """Return ``slot 7``, ``slots 7-9``."""
    if count == 1:
        return f"slot {first}"
    return f"slots {first}-{first + count - 1}" if count else "no slots"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _all_or(to: int) -> str:
    return "all" if to < 0 else f"r{to}"


def _members(replicas: tuple[int, ...]) -> str:
    return " ".join(f"r{each}" for each in replicas)


def _page(last: bool) -> str:
    return "" if last else ", more to come"


def _leader(leader: Ballot | None) -> str:
    return f"; r{leader.replica} is alive and leads at {leader}" if leader is not None else ""


def _refused(event: e.NackSent | e.NackReceived, who: str, verb: str) -> str:
    if event.promised > event.ballot:
        return f"{who} {verb} {event.ballot}: promised {event.promised}{_leader(event.leader)}"
    return f"{who} {verb} {event.ballot}{_leader(event.leader) or f': promised {event.promised}'}"


# Elections


def _restored(me: int, event: e.Restored) -> str:
    if event.promised == Ballot.ZERO and not event.watermark and not event.votes:
        return "starts for the first time, with an empty disk"
    return (
        f"starts from its disk: promised {event.promised}, round {event.round}, "
        f"applied below {event.watermark}, {_many(event.votes, 'vote')} above"
    )


def _timeout(me: int, event: e.ElectionTimeout) -> str:
    again = f", attempt {event.attempt}" if event.attempt else ""
    return f"election timeout: no live leader heard{again}"


def _pre_vote_answered(me: int, event: e.PreVoteAnswered) -> str:
    answer = "would help" if event.granted else "would not help"
    return f"{answer} r{event.to} to lead at {event.ballot}"


def _elected(me: int, event: e.Elected) -> str:
    what = (
        f"must propose again {slots(event.first, event.end - event.first)}"
        if event.end > event.first
        else f"nothing open from slot {event.first} on"
    )
    return f"LEADS at {event.ballot} ({_members(event.quorum)} promised); {what}"


def _stepped_down(me: int, event: e.SteppedDown) -> str:
    return f"gives up {event.ballot}: {visible(event.reason, 80)}"


# Promises


def _promised(me: int, event: e.Promised) -> str:
    return (
        f"promises {event.ballot} and tells {_many(event.votes, 'vote')} from slot {event.first} on"
        f"{_page(event.last_page)}"
    )


def _promise_received(me: int, event: e.PromiseReceived) -> str:
    return (
        f"r{event.sender} promised {event.ballot} and told {_many(event.votes, 'vote')} "
        f"from slot {event.first} on{_page(event.last_page)}"
    )


# Slots


def _proposed(me: int, event: ProposedView) -> str:
    run = slots(event.first, event.count)
    if event.source == "adopted":
        return f"proposes again at {event.ballot} what it was told in its phase 1: {run}"
    if event.source == "no-op":
        return f"fills {run} with {'a no-op' if event.count == 1 else 'no-ops'} at {event.ballot}"
    if event.values is not None and event.count == 1:
        value = event.values[0]
        if not value.client:
            return f"proposes {run} at {event.ballot}: a {cluster_words(value.request, value.text)}"
        return f"proposes {run} at {event.ballot}: {client_name(value.client)}: {visible(value.text, 60)}"
    return f"proposes {run} at {event.ballot}"


def _accept_sent(me: int, event: e.AcceptSent) -> str:
    again = " again" if event.again else ""
    return f"sends Accept {event.ballot}{again} to {_all_or(event.to)}: {slots(event.first, event.count)}"


def _learned(me: int, event: LearnedView) -> str:
    ballots = " ".join(str(ballot) for ballot, _ in event.ballots[:4])
    more = " ..." if len(event.ballots) > 4 else ""
    return f"learns {slots(event.first, event.count)}, chosen at {ballots}{more}"


def _suppressed(me: int, event: e.Suppressed) -> str:
    why = f"it repeats slot {event.repeats}" if event.repeats >= 0 else "its session had expired"
    return f"slot {event.slot} has no effect: request {event.request} of {client_name(event.client)}, {why}"


def _applied_to(me: int, event: e.AppliedTo) -> str:
    return f"applied {slots(event.first, event.watermark - event.first)}; chain {visible(event.chain[:8])}"


# Messages and faults


def _dropped(me: int, event: e.MessageDropped) -> str:
    return f"drops {visible(event.kind, 24)} of r{event.sender}: {visible(event.reason, 80)}"


def _faulted(me: int, event: MessageFaulted) -> str:
    at = f" {event.ballot}" if event.ballot is not None else ""
    about = f" for {slots(event.first, event.count)}" if event.count else ""
    what = f"{visible(event.kind, 24)}{at}{about} to r{event.to}"
    if event.copies == 0:
        return f"LOST by a fault: {what}"
    late = " and ".join(f"{ms:g}" for ms in event.delays_ms[:3])
    if event.copies == 1:
        return f"delayed by {late} ms: {what}"
    return f"sent {event.copies} times (after {late} ms): {what}"


def _staged(me: int, event: MessageStaged | MessageReleased) -> str:
    """Return a staged message: ``#14 accept 3.0 for slot 12 to r1``."""
    at = f" {event.ballot}" if event.ballot is not None else ""
    about = f" for {slots(event.first, event.count)}" if event.count else ""
    copies = f", {event.copies} times" if event.copies > 1 else ""
    return f"#{event.number} {visible(event.kind, 24)}{at}{about} to r{event.to}{copies}"


RELEASED: Final = {
    "deliver": "delivered by an operator",
    "double": "delivered twice by an operator",
    "drop": "LOST, as an operator decided",
    "end": "leaves, as its hold is over",
    "unsent": "LOST, as there is no connection",
}
"""How a held message left."""


def _released(me: int, event: MessageReleased) -> str:
    return f"{RELEASED.get(event.how) or visible(event.how, 16)}: {_staged(me, event)}"


def _clock_changed(me: int, event: ClockChanged) -> str:
    if event.moved_s:
        return f"its clock is moved by {event.moved_s * 1000:g} ms"
    return "its clock stands" if not event.rate else f"its clock runs at {event.rate * 100:g} % of real time"


def _fault_began(me: int, event: FaultBegan) -> str:
    state = "waits for its trigger" if event.waits else "acts"
    return f"fault #{event.number} {state}: {describe_fault(me, event.fault)}"


def _fault_ended(me: int, event: FaultEnded) -> str:
    return f"fault #{event.number} is over ({visible(event.how, 16)}): {describe_fault(me, event.fault)}"


WORDS: dict[type[Struct], Callable[[int, Any], str]] = {
    e.Restored: _restored,
    e.ElectionTimeout: _timeout,
    e.PreVoteAsked: lambda me, event: f"asks all whether they would help it to lead at {event.ballot}",
    e.PreVoteAnswered: _pre_vote_answered,
    e.RoundTaken: lambda me, event: (
        f"takes ballot {event.ballot}" + (" because it was told to" if event.forced else "")
    ),
    e.PrepareSent: lambda me, event: (
        f"sends Prepare {event.ballot} to {_all_or(event.to)}, from slot {event.first} on"
    ),
    e.Promised: _promised,
    e.PromiseReceived: _promise_received,
    e.Elected: _elected,
    ProposedView: _proposed,
    e.AcceptSent: _accept_sent,
    VotedView: lambda me, event: f"accepts {slots(event.first, event.count)} at {event.ballot}",
    e.Bound: lambda me, event: f"is bound to {event.ballot} by an Accept that needs no vote of it",
    e.AcceptedReceived: lambda me, event: (
        f"r{event.sender} accepted {slots(event.first, event.count)} at {event.ballot}"
    ),
    e.ChosenSeen: lambda me, event: (
        f"{slots(event.first, event.count)} {'is' if event.count == 1 else 'are'} CHOSEN: "
        f"a majority accepted at {event.ballot}"
    ),
    LearnedView: _learned,
    e.AppliedTo: _applied_to,
    e.Suppressed: _suppressed,
    e.SessionEvicted: lambda me, event: (
        f"slot {event.slot}: the session table was full and forgot {client_name(event.client)}"
    ),
    e.NackSent: lambda me, event: _refused(event, f"answers r{event.to}:", "refuses"),
    e.NackReceived: lambda me, event: _refused(event, f"r{event.sender}", "refused"),
    e.SteppedDown: _stepped_down,
    e.LeaderHeard: lambda me, event: f"follows r{event.ballot.replica}, which leads at {event.ballot}",
    e.SlotSkipped: lambda me, event: f"leaves slot {event.slot} empty on purpose (at {event.ballot})",
    e.CatchUpAsked: lambda me, event: (
        f"lacks {slots(event.first, event.upto - event.first)} and asks r{event.to} for them"
    ),
    e.Checkpointed: lambda me, event: f"keeps the state after slot {event.upto - 1}",
    e.Trimmed: lambda me, event: f"removes slots below {event.log_start}",
    e.SnapshotAsked: lambda me, event: (
        f"fetches r{event.to}'s state at slot {event.upto}: r{event.to} has removed what it lacks"
    ),
    e.SnapshotSent: lambda me, event: f"sends r{event.to} its state at slot {event.upto}",
    e.SnapshotTaken: lambda me, event: (
        f"takes the state at slot {event.upto} in place of {slots(event.first, event.upto - event.first)}"
    ),
    e.EntriesSent: lambda me, event: f"sends r{event.to} the log: {slots(event.first, event.count)}",
    e.ReadConfirmed: lambda me, event: f"a majority confirms read {event.ticket}: all below {event.upto}",
    e.ProposerCrashed: lambda me, event: "its proposer stops; acceptor and learner go on",
    e.ProposerRestored: lambda me, event: "its proposer works again",
    e.BecameNonVoting: lambda me, event: (
        f"is a learner without vote from here on: {visible(event.reason, 300)}"
    ),
    e.MessageDropped: _dropped,
    MessageFaulted: _faulted,
    MessageStaged: lambda me, event: f"held: {_staged(me, event)}",
    MessageReleased: _released,
    ClockChanged: _clock_changed,
    FaultBegan: _fault_began,
    FaultEnded: _fault_ended,
    Note: lambda me, event: visible(event.text, 200),
    Divider: lambda me, event: event.text,
}
"""By class of event; each takes the replica that tells it, and the event."""


def describe(seen: Seen, *, whole: bool = False) -> str:
    """Return what happened, on one line that is safe to show; ``whole`` if nothing may be left out."""
    if whole and isinstance(seen.event, Note):
        return visible(seen.event.text)
    return WORDS[type(seen.event)](seen.replica, seen.event)
