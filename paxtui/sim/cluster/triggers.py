"""Faults that wait for a trace event of a replica."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from paxtui.core.events import Event
from paxtui.core.output import EVERYONE, Envelope, Output
from paxtui.sim.cluster.world import World
from paxtui.sim.randomness import mixed

NOTHING, ALL, SOME = range(3)
"""The part of its messages that a replica still sends as it crashes; see ``crash-at`` in the plan."""


class CrashAt(Struct, frozen=True):
    """Crash at the next ``event``."""

    event: str
    down_s: float
    sends: int


class SilenceAt(Struct, frozen=True):
    """From the next ``event`` on nobody hears the replica."""

    event: str
    seconds: float


class TriggeredReplica(Protocol):
    """The replica that triggers belong to, as far as they act on it."""

    me: int
    life: int

    def treat(self, output: Output) -> None:
        """Carry out everything that an output asks for."""

    def crash(self, down_s: float | None, why: str) -> None:
        """Lose everything that is not on disk, for ``down_s`` seconds (``None``: for ever)."""


class Triggers:
    """The armed triggers of one replica: at most one of each kind."""

    def __init__(self, world: World, host: TriggeredReplica) -> None:
        self._world = world
        self._node = host
        self.crash: CrashAt | None = None
        self.silence: SilenceAt | None = None

    def clear(self) -> None:
        """Disarm all triggers."""
        self.crash = self.silence = None

    def fire(self, output: Output) -> bool:
        """Act on the events of ``output``, which is not treated yet. True if the replica crashed."""
        world, me = self._world, self._node.me
        silence, crash = self.silence, self.crash
        if silence is not None and _holds(output, silence.event):
            self.silence = None
            world.reach_goal("silence at a trace event")
            world.note(me, "silence", f"at {silence.event} for {silence.seconds:.3f} s")
            world.network.silence(me, world.now + silence.seconds)
        if crash is None or not _holds(output, crash.event):
            return False
        world.reach_goal("crash at a trace event")
        if crash.sends == SOME:
            world.network.send(world.now, me, self._some(output.sends))
        elif crash.sends == ALL:
            self._node.treat(output)
        self._node.crash(crash.down_s, f"at {crash.event}")
        return True

    def _some(self, envelopes: tuple[Envelope, ...]) -> tuple[Envelope, ...]:
        """Choose what a process that dies while it sends has sent: each copy by itself, or not."""
        me, peers = self._node.me, self._world.peers[self._node.me]
        chance = mixed(self._world.plan.seed, 7, me, self._node.life)
        copies = [
            Envelope(to, envelope.message)
            for envelope in envelopes
            for to in (peers if envelope.to == EVERYONE else (envelope.to,))
        ]
        return tuple(copy for number, copy in enumerate(copies) if mixed(chance, number) & 1)


def _holds(output: Output, event: str) -> bool:
    return any(_tag(each) == event for each in output.events)


def _tag(event: Event) -> str:
    return str(type(event).__struct_config__.tag)
