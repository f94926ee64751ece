"""The vocabulary of faults. A fault is data: it can be listed, undone, recorded and played again.

Faults on a link act at its sender, on whole messages, one direction at a time. ``to`` is a replica's id
or -1 for all others.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from paxtui.core.ballot import Number

Peer = Annotated[int, Meta(ge=-1, lt=9)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Millis = Annotated[float, Meta(ge=0, le=600_000)]

CLOCK_PERCENT_MAX: Final = 400
"""The fastest clock of the protocol: at four times real time elections fire between two heartbeats."""

LEASE_S: Final = 60.0
"""So long a clock stays at another rate, and messages are held, without a word from whoever wanted it: no
cluster stays slow or mute because a console was forgotten."""

MessageKind = Literal[
    "pre-vote",
    "pre-vote-reply",
    "prepare",
    "promise",
    "nack",
    "accept",
    "accepted",
    "chosen",
    "heartbeat",
    "heartbeat-ack",
    "catch-up",
    "entries",
    "snapshot-ask",
    "snapshot",
]
"""What replicas say to each other (:mod:`paxtui.core.messages`)."""

Kinds = Annotated[tuple[MessageKind, ...], Meta(max_length=16)]
"""Kinds of messages; none stands for all."""


class Fault(Struct, frozen=True, tag_field="fault", forbid_unknown_fields=True, gc=False):
    """Base of all faults."""


class Loss(Fault, frozen=True, tag="loss"):
    """Each message to ``to`` is lost with this probability."""

    to: Peer
    percent: Percent


class Delay(Fault, frozen=True, tag="delay"):
    """Each message to ``to`` is held back by ``ms`` plus up to ``jitter_ms``; order may change with it."""

    to: Peer
    ms: Millis
    jitter_ms: Millis = 0.0


class Duplicate(Fault, frozen=True, tag="duplicate"):
    """Each message to ``to`` is sent twice with this probability."""

    to: Peer
    percent: Percent


class Reorder(Fault, frozen=True, tag="reorder"):
    """Each message to ``to`` is, with this probability, overtaken by those of the next 20 ms."""

    to: Peer
    percent: Percent


class Cut(Fault, frozen=True, tag="cut"):
    """Nothing reaches ``to`` from here. The other direction is another fault, at the other replica."""

    to: Peer


class Hold(Fault, frozen=True, tag="hold"):
    """Messages to ``to`` are staged at the sender until an operator releases them: those of ``kinds`` (empty:
    all), and only those about ``slot`` if one is named. It always ends by itself: after its time, or
    :data:`LEASE_S` after it was last renewed. What is staged then leaves in order. Protocol version 1 does
    not know it."""

    to: Peer
    kinds: Kinds = ()
    slot: Number | None = None


class Pause(Fault, frozen=True, tag="pause"):
    """The whole process stops (SIGSTOP) and goes on by itself after the time."""

    seconds: Annotated[float, Meta(gt=0, le=600)]


class CrashProposer(Fault, frozen=True, tag="crash-proposer"):
    """The proposer role stops; acceptor and learner go on."""


class CrashReplica(Fault, frozen=True, tag="crash"):
    """The process kills itself with SIGKILL: nothing is flushed, nothing is said."""


class SkipSlot(Fault, frozen=True, tag="skip"):
    """The leader leaves ``slot`` (``null``: its next one) empty."""

    slot: Number | None = None


class Clock(Fault, frozen=True, tag="clock"):
    """The protocol's clock runs at this share of real time; 0 stands still. It always ends by itself: after
    its time, or :data:`LEASE_S` after it was last renewed. Protocol version 1 does not know it."""

    percent: Annotated[float, Meta(ge=0, le=CLOCK_PERCENT_MAX)]


class SlowDisk(Fault, frozen=True, tag="slow-disk"):
    """Every commit takes this much longer."""

    ms: Millis


class DiskError(Fault, frozen=True, tag="disk-error"):
    """The next commit fails as if the disk were broken."""


class FullDisk(Fault, frozen=True, tag="full-disk"):
    """The next commit fails as if the disk were full."""


AnyFault = (
    Loss
    | Delay
    | Duplicate
    | Reorder
    | Cut
    | Hold
    | Pause
    | CrashProposer
    | CrashReplica
    | SkipSlot
    | Clock
    | SlowDisk
    | DiskError
    | FullDisk
)

LinkFault = Loss | Delay | Duplicate | Reorder | Cut | Hold

LeasedFault = Clock | Hold
"""Faults that always end by themselves, and act on while they are renewed."""


class Trigger(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """When this replica emits ``event`` (for ``slot``, if one is named), the fault begins."""

    event: Annotated[str, Meta(max_length=40)]
    slot: Number | None = None


class ActiveFault(Struct, frozen=True, gc=False):
    """A fault as a replica lists it. ``number`` is unique in the cluster."""

    number: int
    replica: int
    fault: AnyFault
    age_s: float
    left_s: float | None
    when: Trigger | None
    """Still waiting for this; ``None`` once it acts."""


def describe(replica: int, fault: AnyFault) -> str:
    """Describe a fault at ``replica`` in the words of the command line."""
    match fault:
        case Loss(to, percent):
            return f"loss {_link(replica, to)} {percent:g} %"
        case Delay(to, ms, jitter_ms):
            return f"delay {_link(replica, to)} {ms:g} ms" + (f" +{jitter_ms:g}" if jitter_ms else "")
        case Duplicate(to, percent):
            return f"duplicate {_link(replica, to)} {percent:g} %"
        case Reorder(to, percent):
            return f"reorder {_link(replica, to)} {percent:g} %"
        case Cut(to):
            return f"cut {_link(replica, to)}"
        case Hold(to, kinds, slot):
            return f"hold {messages(replica, to, kinds, slot)}"
        case Pause(seconds):
            return f"pause r{replica} {seconds:g} s"
        case CrashProposer():
            return f"crash-proposer r{replica}"
        case CrashReplica():
            return f"crash r{replica}"
        case SkipSlot(slot):
            return f"skip r{replica} " + ("next slot" if slot is None else f"slot {slot}")
        case Clock(percent):
            return f"clock r{replica} {percent:g} %"
        case SlowDisk(ms):
            return f"slow-disk r{replica} {ms:g} ms"
        case DiskError():
            return f"disk-error r{replica}"
        case FullDisk():
            return f"full-disk r{replica}"


def messages(replica: int, to: int, kinds: tuple[str, ...] = (), slot: int | None = None) -> str:
    """Name messages of a link: ``r0>r1 accept slot 3``."""
    about = [] if slot is None else ["slot", str(slot)]
    return " ".join([_link(replica, to), *kinds, *about])


def _link(replica: int, to: int) -> str:
    return f"r{replica}>" + ("*" if to < 0 else f"r{to}")
