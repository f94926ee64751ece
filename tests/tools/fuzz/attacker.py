"""The process that attacks: reads its :class:`Orders` as JSON from standard input, prints what it sent."""

from __future__ import annotations

import base64
import contextlib
import random
import socket
import struct
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import msgspec

from paxtui.wire import encode, frame
from paxtui.wire.framing import HEAD_BYTES
from paxtui.wire.hello import PROTOCOL_VERSION, Hello
from tests.tools.fuzz.hostile import Hostile, Peer, head_lie, may_be_said
from tests.tools.fuzz.mutator import Mutator

ROLES = ("client", "operator", "observer")
WORKERS = 4
"""Threads for strangers and guests; each liar has one more, because it has one connection at a time."""

ANSWER_S = 10.0


class Orders(msgspec.Struct, kw_only=True):
    """What to do."""

    seed: int
    frames: int
    """Hostile frames to send, all threads together."""
    seconds: float
    """At most so long."""
    addresses: list[tuple[str, int]]
    peers: list[Peer] = []
    """The lies to tell; each to its own target."""
    cluster: str = ""
    storage: str = ""
    commits: int = 0
    members: list[str] = []
    recorded: dict[str, list[str]] = {}
    """By role, what real programs said, in base64."""


class Report(msgspec.Struct, kw_only=True):
    """What was done."""

    frames: int
    sessions: int
    seconds: float
    kinds: dict[str, int]
    unanswered: int
    """Connections whose end did not come in time."""


class Attack:
    """All threads and what they count."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.kinds: Counter[str] = Counter()
        self.sessions = 0
        self.unanswered = 0
        self._lock = threading.Lock()
        self._left = orders.frames
        self._until = time.monotonic() + orders.seconds

    @property
    def over(self) -> bool:
        return self._left <= 0 or time.monotonic() >= self._until

    def count(self, kind: str, frames: int, *, ended: bool) -> None:
        with self._lock:
            self.kinds[kind] += frames
            self.sessions += 1
            self.unanswered += not ended
            self._left -= frames

    def run(self) -> Report:
        started = time.monotonic()
        peers = self.orders.peers
        with ThreadPoolExecutor(WORKERS + len(peers)) as pool:
            ends = [pool.submit(self._worker, number) for number in range(WORKERS)]
            ends += [pool.submit(self._liar, peer) for peer in peers]
        for end in ends:
            end.result()
        return Report(
            frames=sum(self.kinds.values()),
            sessions=self.sessions,
            seconds=round(time.monotonic() - started, 2),
            kinds=dict(sorted(self.kinds.items())),
            unanswered=self.unanswered,
        )

    def _worker(self, number: int) -> None:
        rng = random.Random(f"{self.orders.seed}/{number}/{len(self.orders.peers)}")
        guest = Guest(rng, self.orders)
        while not self.over:
            kind, frames, rude = guest.session()
            address = rng.choice(self.orders.addresses)
            self.count(kind, taken(frames), ended=talk(rng, address, frames, rude=rude))

    def _liar(self, peer: Peer) -> None:
        rng = random.Random(f"{self.orders.seed}/liar/{peer.target}")
        hello = Hello(
            version=PROTOCOL_VERSION,
            role="peer",
            cluster=self.orders.cluster,
            replica=peer.me,
            storage=self.orders.storage,
            commits=self.orders.commits,
            members=tuple(self.orders.members),
        )
        liar = Liar(rng, self.orders, peer)
        while not self.over:
            kind, frames = liar.session()
            data = [encode(hello), *frames]
            ended = talk(rng, self.orders.addresses[peer.target], data, rude=False)
            self.count(kind, taken(frames), ended=ended)


class Guest:
    """Sessions of strangers, clients, operators and observers."""

    def __init__(self, rng: random.Random, orders: Orders) -> None:
        self._rng = rng
        self._hostile = Hostile(rng)
        self._mutators = {
            role: Mutator(rng, [base64.b64decode(each) for each in orders.recorded[role]])
            for role in ROLES
            if orders.recorded.get(role)
        }

    def session(self) -> tuple[str, list[bytes], bool]:
        """Its kind, its frames, and whether it hangs up without reading."""
        rng, hostile = self._rng, self._hostile
        rude = rng.random() < 0.1
        match rng.randrange(10):
            case 0:
                return "strangers: no frames", [head_lie(rng)], rude
            case 1:
                return "strangers: broken hellos", [frame(hostile.broken_hello())], rude
            case 2 | 3 if self._mutators:
                frames = rng.choice(list(self._mutators.values())).session(12)
                return "mutated sessions", [each for each in frames if may_be_said(each[4:], None)], rude
        role = rng.choice(ROLES)
        length = rng.choice((0, 3, 30, 300))
        frames = [frame(hostile.request(role)) for _ in range(length)]
        frames.append(frame(hostile.broken_request(role)) if rng.random() < 0.9 else head_lie(rng))
        frames = [each for each in frames if may_be_said(each[4:], None)]
        return f"{role}s", [frame(hostile.hello(role)), *frames], rude


class Liar:
    """Sessions of a peer."""

    def __init__(self, rng: random.Random, orders: Orders, peer: Peer) -> None:
        self._rng = rng
        self._peer = peer
        self._hostile = Hostile(rng)
        recorded = [base64.b64decode(each) for each in orders.recorded.get("peer", [])]
        self._mutator = Mutator(rng, recorded) if recorded else None

    def session(self) -> tuple[str, list[bytes]]:
        rng, peer = self._rng, self._peer
        if self._mutator is not None and rng.random() < 0.7:
            frames = [each for each in self._mutator.session(60) if may_be_said(each[4:], peer)]
            return "mutated peers", frames
        frames = [frame(self._hostile.lie(peer)) for _ in range(rng.choice((10, 100, 1000)))]
        frames.append(frame(self._hostile.broken_lie(peer)))
        return "lying peers", [each for each in frames if may_be_said(each[4:], peer)]


def taken(frames: list[bytes]) -> int:
    """How many of them a replica looks at: the first one that is no JSON in a frame ends the connection."""
    for number, each in enumerate(frames, 1):
        head, body = each[:HEAD_BYTES], each[HEAD_BYTES:]
        if int.from_bytes(head, "big") != len(body):
            return number
        try:
            msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return number
    return len(frames)


def talk(rng: random.Random, address: tuple[str, int], frames: list[bytes], *, rude: bool) -> bool:
    """Say all of it, then listen until the replica hangs up; whether it did in time."""
    with contextlib.suppress(ConnectionError, BrokenPipeError), socket.socket() as sock:
        sock.settimeout(ANSWER_S)
        # All of 127/8 is this machine: connections come from many addresses.
        sock.bind((f"127.0.{rng.randrange(4)}.{rng.randrange(1, 255)}", 0))
        sock.connect(address)
        if rude:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        try:
            send(rng, sock, b"".join(frames))
            if rude:
                return True
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(1 << 16):
                pass
        except TimeoutError:
            return False
    return True


def send(rng: random.Random, sock: socket.socket, data: bytes) -> None:
    """In one piece, or in a few of any size."""
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.choice((0, 0, 0, 3))))
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        sock.sendall(data[start:end])


def main() -> None:
    orders = msgspec.json.decode(sys.stdin.buffer.read(), type=Orders)
    report = Attack(orders).run()
    sys.stdout.buffer.write(msgspec.json.encode(report))


if __name__ == "__main__":
    main()
