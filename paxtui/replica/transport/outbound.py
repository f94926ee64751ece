"""The links out: what leaves for other replicas crosses as the faults on each link allow."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from typing import Literal, Protocol

import trio

from paxtui.core.messages import Chosen, PeerMessage
from paxtui.core.output import EVERYONE, Envelope
from paxtui.replica.faults.registry import HELD, FaultRegistry
from paxtui.replica.faults.staged import HeldMessage, StagedMessages
from paxtui.replica.transport.frame_writer import FrameWriter
from paxtui.replica.transport.keepalive import Keepalive
from paxtui.wire.codec import encode
from paxtui.wire.requests import LinkView, ReleaseHow
from paxtui.wire.telemetry import MessageFaulted, MessageReleased, MessageStaged
from paxtui.wire.views import faulted, released, staged

PATIENCE_S = 0.003
"""How long a message for which no client waits may stay until something else goes the same way. A leader with
one client then wakes each follower once a request and not twice."""


ReleasedHow = ReleaseHow | Literal["end"]
"""How a staged message leaves: as an operator decides, or since its hold is over."""


class OutboundLink(Protocol):
    """A way out with something that leaves at the end of this turn."""

    def flush(self) -> None:
        """Let it leave."""


class OutboundLinks:
    """All ways out of one replica. A message is encoded once, for however many it goes to."""

    def __init__(self, me: int, n: int, fault_registry: FaultRegistry, counters: Counter[str]) -> None:
        self._me = me
        self._n = n
        self._fault_registry = fault_registry
        self._counters = counters
        self.links: dict[int, FrameWriter] = {}
        """For each connected replica, its way out."""
        self.refused_by: dict[int, str] = {}
        """By peer, why it does not take this replica in."""
        self._scopes: dict[int, trio.CancelScope] = {}
        """By replica, what ends the connection to it; it is dialled again then."""
        self._keepalives: dict[int, Keepalive] = {}
        """By connected replica, what keeps the way out from being silent."""
        self._look_at = float("-inf")
        self.unflushed: dict[OutboundLink, None] = {}
        """Ways out with frames that leave at the end of this turn, in the order of their first frame."""
        self.faulted: list[MessageFaulted | MessageStaged | MessageReleased] = []
        """What faults and operators did to messages, to be told after the event of their sending."""
        self.staged = StagedMessages(me)
        """What is held, until it is released."""
        self._sent_to = [0] * n
        self._delayed: list[tuple[float, int, int, bytes]] = []
        self._delayed_count = 0
        self._delay_wanted = trio.Event()
        self._patient: dict[FrameWriter, None] = {}
        self._patience_wanted = trio.Event()

    def add(self, peer: int, writer: FrameWriter, keepalive: Keepalive, scope: trio.CancelScope) -> None:
        """Enter the connection to ``peer``, which ends when ``scope`` is cancelled."""
        self.links[peer] = writer
        self._keepalives[peer] = keepalive
        self._scopes[peer] = scope

    def remove(self, peer: int) -> None:
        """Forget the connection to ``peer``, which is gone."""
        self.links.pop(peer, None)
        self._keepalives.pop(peer, None)
        self._scopes.pop(peer, None)

    def send(self, envelopes: tuple[Envelope, ...], *, watched: bool) -> None:
        """Let messages leave; with ``watched``, note what faults do to them."""
        for envelope in envelopes:
            data = encode(envelope.message)
            if envelope.to == EVERYONE:
                for peer in range(self._n):
                    if peer != self._me:
                        self._send_to(peer, envelope.message, data, watched)
            else:
                self._send_to(envelope.to, envelope.message, data, watched)

    def _send_to(self, to: int, message: PeerMessage, data: bytes, watched: bool) -> None:
        copies = self._fault_registry.fate(to, message)
        if copies is None:
            # Chosen tells a follower what it may apply; the client has its answer already.
            self._push(to, data, patient=isinstance(message, Chosen))
            return
        if copies is HELD:
            self._stage(to, message, data, watched)
            return
        if watched and copies != (0.0,):
            self.faulted.append(faulted(to, self._fault_registry.decided_count(to) - 1, message, copies))
        for delay_s in copies:
            if delay_s <= 0:
                self._push(to, data)
            else:
                self._delayed_count += 1
                due = trio.current_time() + delay_s
                heapq.heappush(self._delayed, (due, self._delayed_count, to, data))
                self._delay_wanted.set()

    def _stage(self, to: int, message: PeerMessage, data: bytes, watched: bool) -> None:
        """Let a message wait until it is released, or lose it if there is no room."""
        held = self.staged.add(to, message, data, trio.current_time())
        if held is None:
            self._counters["messages beyond what may be staged"] += 1
        elif watched:
            self.faulted.append(staged(held.number, to, message, held.copies))

    def release(self, taken: Iterable[HeldMessage], how: ReleasedHow, *, watched: bool) -> tuple[int, int]:
        """Let messages that were staged leave past all faults, each of a fold, or drop them; return how many
        did, and how many were lost as no connection took them."""
        done = unsent = 0
        for held in taken:
            times = 0 if how == "drop" else 2 * held.copies if how == "double" else held.copies
            left = sum(self._push(held.to, held.data) for _ in range(times)) == times
            done, unsent = done + left, unsent + (not left)
            if watched:
                told = how if left else "unsent"
                self.faulted.append(released(held.number, held.to, held.message, held.copies, told))
        self.flush()
        return done, unsent

    def _push(self, to: int, data: bytes, *, patient: bool = False) -> bool:
        """Hand a message to its connection; ``False`` if none took it."""
        writer = self.links.get(to)
        if writer is None or not writer.push(data):
            beyond = writer is not None and writer.overflowed
            self._counters["messages beyond peer_bytes" if beyond else "unsent messages"] += 1
            return False
        self._counters["sent messages"] += 1
        self._sent_to[to] += 1
        if patient and writer not in self.unflushed:
            self._patient[writer] = None
            self._patience_wanted.set()
        else:
            self.unflushed[writer] = None
        return True

    def flush(self) -> None:
        """Send everything that was pushed in this turn, with one send a link."""
        for outlet in self.unflushed:
            outlet.flush()
        self.unflushed.clear()
        now = trio.current_time()
        if now >= self._look_at:
            for keepalives in self._keepalives.values():
                self._look_at = now + keepalives.send_if_quiet(now)

    def drop_all(self) -> None:
        """Drop what waits, as nothing of it may leave any more: hang up, since half of a message may be
        out."""
        self._delayed.clear()
        self.staged.clear()
        for scope in self._scopes.values():
            scope.cancel()

    def broadcast(self, frame: bytes) -> None:
        """Send a frame to every connected replica. No fault acts on it, as it is not part of Paxos."""
        for writer in self.links.values():
            writer.push(frame)
            writer.flush()

    async def deliver_delayed(self) -> None:
        """Let delayed messages leave when they are due, until cancelled."""
        while True:
            due = self._delayed[0][0] if self._delayed else float("inf")
            with trio.move_on_at(due):
                await self._delay_wanted.wait()
            self._delay_wanted = trio.Event()
            now = trio.current_time()
            while self._delayed and self._delayed[0][0] <= now:
                _, _, to, data = heapq.heappop(self._delayed)
                self._push(to, data)
            self.flush()

    async def deliver_patient(self) -> None:
        """Let leave, in the end, messages for which no client waits, until cancelled."""
        while True:
            await self._patience_wanted.wait()
            await trio.sleep(PATIENCE_S)
            self._patience_wanted = trio.Event()
            patient, self._patient = self._patient, {}
            for writer in patient:
                writer.flush()

    def link_views(self) -> tuple[LinkView, ...]:
        """Return how the links to all others are."""
        views: list[LinkView] = []
        for to in range(self._n):
            if to != self._me:
                writer = self.links.get(to)
                waiting = writer.waiting_bytes if writer is not None else 0
                lost = self._fault_registry.lost_to[to]
                trip_s = writer.round_trip_s if writer is not None else None
                trip_ms = None if trip_s is None else round(trip_s * 1000, 3)
                views.append(LinkView(to, writer is not None, self._sent_to[to], lost, waiting, trip_ms))
        return tuple(views)
