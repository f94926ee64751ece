"""Directed links. The fate of a message is a hash of (seed, link, number on that link)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from heapq import heappush
from typing import Any

from msgspec import json

from paxtui.core.messages import PeerMessage
from paxtui.core.output import Envelope
from paxtui.sim.cluster.event_queue import EventQueue
from paxtui.sim.plan.plan import Weather
from paxtui.sim.randomness import fraction, mix, mixed, outputs

TAIL_S_MAX = 20.0
"""Longer than any election, and than the time for which a crashed replica is down."""

Parcel = tuple[int, PeerMessage]
"""A message and its sender."""

Arrive = Callable[[Parcel], None]
"""The call with which a replica receives a message."""

Looks = Mapping[type, Callable[[int, Any], None]]
"""By class, who looks at a message as it leaves, whether or not it arrives."""

Late = Callable[[float, "Link", Parcel], None]
"""The call that delivers a late message, at a time."""

DECODER = json.Decoder(PeerMessage)


class Link:
    """One direction between two replicas, with what the faults make of it now."""

    __slots__ = (
        "arrive",
        "calm",
        "cut_until",
        "delay_s",
        "duplicate",
        "fates",
        "filtered",
        "hold_until",
        "last_at",
        "loss",
        "sender",
        "spread_s",
        "tail",
        "tail_s",
        "to",
        "weather",
    )

    def __init__(self, seed: int, sender: int, to: int, weather: Weather, arrive: Arrive) -> None:
        self.sender = sender
        self.to = to
        self.arrive = arrive
        self.fates = outputs(seed)
        """64 bits for each message, the first one's first; also one that is lost in a cut takes its own."""
        self.weather = weather
        self.cut_until = 0.0
        self.hold_until = 0.0
        self.last_at = 0.0
        self.filtered: dict[str, float] = {}
        """By message type, until when it is lost."""
        self.delay_s = weather.delay_s
        self.spread_s = weather.spread_s
        self.loss = _share(weather.loss, 16)
        self.duplicate = _share(weather.duplicate, 12)
        self.tail = _share(weather.tail, 12)
        self.tail_s = weather.tail_s
        self._judge()

    def set_loss(self, share: float) -> None:
        """Lose this share of all messages."""
        self.loss = _share(share, 16)
        self._judge()

    def set_duplicate(self, share: float) -> None:
        """Deliver this share of all messages twice."""
        self.duplicate = _share(share, 12)
        self._judge()

    def set_tail(self, share: float, scale_s: float) -> None:
        """Delay this share of all messages by a heavy tail."""
        self.tail = _share(share, 12)
        self.tail_s = scale_s
        self._judge()

    def set_delay(self, delay_s: float) -> None:
        """Set the shortest time of a message on this link."""
        self.delay_s = delay_s

    def _judge(self) -> None:
        self.calm = not (self.loss or self.duplicate or self.tail)

    def heal(self) -> None:
        """End all faults and weather from here on, but the delay."""
        self.cut_until = self.hold_until = 0.0
        self.filtered.clear()
        self.delay_s = self.weather.delay_s
        self.loss = self.duplicate = self.tail = 0
        self.calm = True


def _share(share: float, bits: int) -> int:
    """Turn a share into the number that so many bits of a fate are compared with."""
    return int(share * (1 << bits))


class Network:
    """All links of a cluster; ``arrive`` says by replica who takes what arrives."""

    def __init__(
        self,
        seed: int,
        weather: Weather,
        codec: bool,
        event_queue: EventQueue,
        arrive: Sequence[Arrive],
        late: Late,
        looks: Looks,
    ) -> None:
        self._heap, self._numbers = event_queue.heap, event_queue.numbers
        self._late = late
        self._looks = looks
        self._fifo = weather.fifo
        self._codec = codec
        self.links = [
            [Link(mixed(seed, 2, sender, to), sender, to, weather, arrive[to]) for to in range(len(arrive))]
            for sender in range(len(arrive))
        ]
        # By sender and address; EVERYONE, which is -1, is the last address of each.
        self._ways = [
            [*((link,) for link in row), tuple(link for link in row if link.to != link.sender)]
            for row in self.links
        ]
        self.sent = 0
        self.lost = 0
        self.duplicated = 0

    def send(self, now: float, sender: int, envelopes: Sequence[Envelope]) -> None:
        """Send messages of a replica."""
        for envelope in envelopes:
            message = envelope.message
            look = self._looks.get(type(message))
            if look is not None:
                look(sender, message)
            links = self._ways[sender][envelope.to]
            self.sent += len(links)
            parcel = sender, message
            for link in links:
                x = next(link.fates)
                if now < link.cut_until or (link.filtered and _is_filtered(link, now, message)):
                    self.lost += 1
                    continue
                if self._codec:
                    parcel = sender, DECODER.decode(json.encode(message))
                at = now + link.delay_s + link.spread_s * (x >> 40) * 5.9604644775390625e-08
                if at < link.hold_until:
                    at = link.hold_until
                if not link.calm:
                    if (x & 0xFFFF) < link.loss:
                        self.lost += 1
                        continue
                    if (x >> 28 & 0xFFF) < link.tail or (x >> 16 & 0xFFF) < link.duplicate:
                        self._odd(link, x, at, parcel)
                        continue
                if self._fifo:
                    at = link.last_at = max(at, link.last_at)
                heappush(self._heap, (at, next(self._numbers), link.arrive, parcel))

    def silence(self, replica: int, until: float) -> None:
        """Cut all links that lead away from a replica, until a virtual time."""
        for link in self.links[replica]:
            if link.to != replica:
                link.cut_until = max(link.cut_until, until)

    def _odd(self, link: Link, x: int, at: float, parcel: Parcel) -> None:
        """Deliver the message of fate ``x`` late or twice."""
        late = (x >> 28 & 0xFFF) < link.tail
        if late:
            # Pareto with shape 1: half of them within twice the scale, one in a hundred at a hundred times.
            at += min(link.tail_s / (1.0 - fraction(mix(x))), TAIL_S_MAX)
        elif self._fifo:
            at = link.last_at = max(at, link.last_at)
        self._deliver(at, link, parcel, late)
        if (x >> 16 & 0xFFF) < link.duplicate:
            self.duplicated += 1
            self._deliver(at + link.delay_s + 0.3 * fraction(mix(x + 1)) ** 4, link, parcel, late)

    def _deliver(self, at: float, link: Link, parcel: Parcel, late: bool) -> None:
        if late:
            self._late(at, link, parcel)
        else:
            heappush(self._heap, (at, next(self._numbers), link.arrive, parcel))


def _is_filtered(link: Link, now: float, message: PeerMessage) -> bool:
    return now < link.filtered.get(str(type(message).__struct_config__.tag), 0.0)
