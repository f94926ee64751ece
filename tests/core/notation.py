"""Messages and events in one short line each, for golden scripts and failure messages."""

from __future__ import annotations

from itertools import groupby
from typing import assert_never

from paxtui.core.ballot import Ballot
from paxtui.core.events import Event
from paxtui.core.messages import (
    Accept,
    Accepted,
    CatchUp,
    Chosen,
    Entries,
    Heartbeat,
    HeartbeatAck,
    Nack,
    PeerMessage,
    Prepare,
    PreVote,
    PreVoteReply,
    Promise,
    Snapshot,
    SnapshotAsk,
)
from paxtui.core.output import Appended, ReadReady, ReadRefused, Refused, Reply
from paxtui.core.values import Command, Entry, Vote, verb


def value(command: Command) -> str:
    """``ada/1 "hi"``; the id's birth is left out. ``mark 1000`` is from that time, ``trim 3``
    is about the slots below."""
    if command.is_noop:
        return f"{verb(command)} {command.request}" if command.text else "no-op"
    return f'{command.client.partition("@")[0]}/{command.request} "{command.text}"'


def run(first: int, count: int) -> str:
    """``slots 3..5``, ``slot 3`` or ``no slot``."""
    if count == 0:
        return f"no slot from {first}"
    return f"slot {first}" if count == 1 else f"slots {first}..{first + count - 1}"


def valued(first: int, values: tuple[Command, ...]) -> str:
    """``0=ada/1 "hi", 1=no-op``; equal neighbours are drawn together: ``0..3=no-op``."""
    parts = []
    for text, group in groupby(enumerate(values, first), key=lambda item: value(item[1])):
        slots = [slot for slot, _ in group]
        parts.append(f"{slots[0]}={text}" if len(slots) == 1 else f"{slots[0]}..{slots[-1]}={text}")
    return ", ".join(parts) or "nothing"


def entries(first: int, listed: tuple[Entry, ...]) -> str:
    """``0=ada/1 "hi" (1.0)``."""
    return ", ".join(f"{s}={value(e.value)} ({e.ballot})" for s, e in enumerate(listed, first)) or "nothing"


def votes(listed: tuple[Vote, ...]) -> str:
    """Like :func:`entries`, for slots with gaps."""
    return ", ".join(f"{v.slot}={value(v.value)} ({v.ballot})" for v in listed) or "none"


def message(what: PeerMessage) -> str:
    """A message, without sender and receiver."""
    match what:
        case PreVote(ballot):
            return f"pre-vote {ballot}"
        case PreVoteReply(ballot, granted, promised, learned):
            answer = "yes" if granted else "no"
            return f"pre-vote-reply {ballot}: {answer}; promised {promised}, learned {learned}"
        case Prepare(ballot, first, forced):
            return f"prepare {ballot} from slot {first}{', forced' if forced else ''}"
        case Promise(ballot, first, following, learned, listed):
            more = "" if following is None else f"; more from slot {following}"
            return f"promise {ballot} from slot {first}: learned {learned}; votes {votes(listed)}{more}"
        case Nack(ballot, promised, leader, learned):
            loyal = "" if leader is None else f"; loyal to {leader}"
            return f"nack {ballot}: promised {promised}{loyal}; learned {learned}"
        case Accept(ballot, first, values):
            return f"accept {ballot}: {valued(first, values)}"
        case Accepted(ballot, first, count, learned):
            return f"accepted {ballot}: {run(first, count)}; learned {learned}"
        case Chosen(ballot, first, count):
            return f"chosen {ballot}: {run(first, count)}"
        case Heartbeat(ballot, number, learned):
            return f"heartbeat {ballot} number {number}; learned {learned}"
        case HeartbeatAck(ballot, number, learned):
            return f"heartbeat-ack {ballot} number {number}; learned {learned}"
        case CatchUp(first):
            return f"catch-up from slot {first}"
        case Entries(first, listed, learned):
            return f"entries {entries(first, listed)}; learned {learned}"
        case SnapshotAsk(upto, after):
            return f"snapshot-ask at slot {upto}{_after(after)}"
        case Snapshot(upto, _, _, _, after, rows, last, learned):
            told = (
                ", ".join(f"{_name(row.client)} (last used in slot {row.last_slot})" for row in rows)
                or "none"
            )
            more = "" if last else "; more follow"
            return f"snapshot at slot {upto}{_after(after)}: sessions {told}{more}; learned {learned}"
        case _:
            assert_never(what)


def _name(client: str) -> str:
    return client.partition("@")[0]


def _after(client: str) -> str:
    return f" after {_name(client)}" if client else ""


def event(what: Event) -> str:
    """``elected ballot=1.0 first=0 end=0 quorum=0,1``: the tag and the fields, in their order."""
    names = (name for name in what.__struct_fields__ if name != "chain")
    fields = (f"{name}={_field(getattr(what, name))}" for name in names)
    return " ".join([str(type(what).__struct_config__.tag), *fields])


def _field(item: object) -> str:
    match item:
        case Ballot():
            return str(item)
        case Command():
            return value(item)
        case Entry():
            return f"{value(item.value)} ({item.ballot})"
        case bool():
            return "yes" if item else "no"
        case None:
            return "none"
        case tuple():
            return "[" + ", ".join(map(_field, item)) + "]"
        case _:
            return str(item)


def reply(what: Reply) -> str:
    """What a client or reader is told."""
    match what:
        case Appended(client, request, slot, ballot):
            return f"tells {client.partition('@')[0]}/{request}: appended in slot {slot} ({ballot})"
        case Refused(client, request, reason, leader):
            ask = "" if leader is None else f", ask replica {leader}"
            return f"tells {client.partition('@')[0]}/{request}: refused, {reason}{ask}"
        case ReadReady(ticket, upto):
            return f"tells read {ticket}: ready below slot {upto}"
        case ReadRefused(ticket, reason, leader):
            ask = "" if leader is None else f", ask replica {leader}"
            return f"tells read {ticket}: refused, {reason}{ask}"
        case _:
            assert_never(what)
