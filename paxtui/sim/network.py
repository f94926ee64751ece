"""Directed links. The fate of a message is a hash of (seed, link, number on that link)."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import json

from paxtui.core.messages import PeerMessage
from paxtui.sim.hashing import MASK, STEP, fraction, mix, mixed
from paxtui.sim.plan import Weather

TAIL_S_MAX = 20.0
"""Longer than any election, and than the time for which a crashed replica is down."""

Deliver = Callable[[float, int, int, PeerMessage, bool], None]
"""``(time, from, to, message, late)``."""


class Link:
    """One direction between two replicas, with what the faults make of it now."""

    __slots__ = (
        "calm",
        "cut_until",
        "delay_s",
        "duplicate",
        "filtered",
        "hold_until",
        "key",
        "last_at",
        "loss",
        "number",
        "spread_s",
        "tail",
        "tail_s",
        "weather",
    )

    def __init__(self, key: int, weather: Weather) -> None:
        self.key = key
        self.number = 0
        self.weather = weather
        self.cut_until = 0.0
        self.hold_until = 0.0
        self.last_at = 0.0
        self.filtered: dict[str, float] = {}
        """By message type, until when it is lost."""
        self.delay_s = weather.delay_s
        self.spread_s = weather.spread_s
        self.loss = self.duplicate = self.tail = 0
        self.tail_s = weather.tail_s
        self.set_loss(weather.loss)
        self.set_duplicate(weather.duplicate)
        self.set_tail(weather.tail, weather.tail_s)

    def set_loss(self, share: float) -> None:
        """In 2^16ths, as the fate's bits are compared with it."""
        self.loss = int(share * 65536)
        self._judge()

    def set_duplicate(self, share: float) -> None:
        """In 2^12ths."""
        self.duplicate = int(share * 4096)
        self._judge()

    def set_tail(self, share: float, scale_s: float) -> None:
        """In 2^12ths."""
        self.tail = int(share * 4096)
        self.tail_s = scale_s
        self._judge()

    def set_delay(self, delay_s: float) -> None:
        """The shortest time of a message on this link."""
        self.delay_s = delay_s

    def _judge(self) -> None:
        self.calm = not (self.loss or self.duplicate or self.tail)

    def heal(self) -> None:
        """No fault and no weather from here on, but the delay."""
        self.cut_until = self.hold_until = 0.0
        self.filtered.clear()
        self.delay_s = self.weather.delay_s
        self.loss = self.duplicate = self.tail = 0
        self.calm = True


class Network:
    """All links of a cluster."""

    def __init__(self, seed: int, replicas: int, weather: Weather, codec: bool, deliver: Deliver) -> None:
        self._deliver = deliver
        self._fifo = weather.fifo
        self._codec = codec
        self._decoder = json.Decoder(PeerMessage)
        self.links = [[Link(mixed(seed, 2, i, j), weather) for j in range(replicas)] for i in range(replicas)]
        self.sent = 0
        self.lost = 0
        self.duplicated = 0

    def send(self, now: float, sender: int, to: int, message: PeerMessage) -> None:
        """One message to one replica."""
        link = self.links[sender][to]
        link.number += 1
        self.sent += 1
        if now < link.cut_until or (link.filtered and _is_filtered(link, now, message)):
            self.lost += 1
            return
        # SplitMix64, inlined: this line runs once a message.
        x = (link.key + link.number * STEP) & MASK
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
        x ^= x >> 31
        if self._codec:
            message = self._decoder.decode(json.encode(message))
        at = now + link.delay_s + link.spread_s * (x >> 40) * 5.9604644775390625e-08
        if at < link.hold_until:
            at = link.hold_until
        if link.calm:
            if self._fifo:
                at = link.last_at = max(at, link.last_at)
            self._deliver(at, sender, to, message, False)
        else:
            self._rough(link, x, at, sender, to, message)

    def _rough(self, link: Link, x: int, at: float, sender: int, to: int, message: PeerMessage) -> None:
        if (x & 0xFFFF) < link.loss:
            self.lost += 1
            return
        late = (x >> 28 & 0xFFF) < link.tail
        if late:
            # Pareto with shape 1: half of them within twice the scale, one in a hundred at a hundred times.
            at += min(link.tail_s / (1.0 - fraction(mix(x))), TAIL_S_MAX)
        elif self._fifo:
            at = link.last_at = max(at, link.last_at)
        self._deliver(at, sender, to, message, late)
        if (x >> 16 & 0xFFF) < link.duplicate:
            self.duplicated += 1
            again = at + link.delay_s + 0.3 * fraction(mix(x + 1)) ** 4
            self._deliver(again, sender, to, message, late)


def _is_filtered(link: Link, now: float, message: PeerMessage) -> bool:
    return now < link.filtered.get(str(type(message).__struct_config__.tag), 0.0)
