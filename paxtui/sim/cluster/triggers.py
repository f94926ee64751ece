"""Faults that wait for a trace event of a replica."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from paxtui.core.events import Event
from paxtui.core.output import EVERYONE, Envelope, Output
from paxtui.sim.cluster.randomness import mixed

if TYPE_CHECKING:
    from paxtui.sim.cluster.node import SimulatedReplica
    from paxtui.sim.cluster.simulation import Simulation

NOTHING, ALL, SOME = range(3)
"""Of what a replica wants to send as it crashes, this much leaves; see ``crash-at`` in the plan."""


class CrashAt(Struct, frozen=True):
    """Crash at the next ``event``."""

    event: str
    down_s: float
    sends: int


class SilenceAt(Struct, frozen=True):
    """From the next ``event`` on nobody hears the replica."""

    event: str
    seconds: float


class Triggers:
    """Those of one replica: at most one of each kind."""

    def __init__(self, cluster: Simulation, node: SimulatedReplica) -> None:
        self._cluster = cluster
        self._node = node
        self.crash: CrashAt | None = None
        self.silence: SilenceAt | None = None

    def clear(self) -> None:
        """Nothing waits any more."""
        self.crash = self.silence = None

    def spring(self, output: Output) -> bool:
        """Look at the events of ``output``, which nobody has treated yet; whether the replica is dead."""
        cluster, me = self._cluster, self._node.me
        silence, crash = self.silence, self.crash
        if silence is not None and _holds(output, silence.event):
            self.silence = None
            cluster.goal("silence at a trace event")
            cluster.note(me, "silence", f"at {silence.event} for {silence.seconds:.3f} s")
            cluster.strikes.silence(me, silence.seconds)
        if crash is None or not _holds(output, crash.event):
            return False
        cluster.goal("crash at a trace event")
        if crash.sends == SOME:
            cluster.network.send(cluster.now, me, self._some(output.sends))
        elif crash.sends == ALL:
            self._node.treat(output)
        self._node.crash(crash.down_s, f"at {crash.event}")
        return True

    def _some(self, envelopes: tuple[Envelope, ...]) -> tuple[Envelope, ...]:
        """What a process that dies while it sends has sent: each copy by itself, or not."""
        me, peers = self._node.me, self._cluster.peers[self._node.me]
        chance = mixed(self._cluster.plan.seed, 7, me, self._node.life)
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
