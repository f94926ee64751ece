"""Frames of somebody who knows the protocol and means no good. Seeded, and quick: some 50,000 a second."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

import msgspec

from paxtui.core import messages as m
from paxtui.core.ballot import Ballot
from paxtui.wire import Decoder, WireError, frame
from paxtui.wire.hello import PROTOCOL_VERSION, Hello, Ready
from paxtui.wire.requests import ElectRequest, OperatorRequest

ABSURD: Final = 2**50
"""Rounds from here on are refused, whatever was seen."""

FAR: Final = 2**40
"""Slots from here on are refused or lie above all that these clusters ever reach."""

EDGES: Final = (0, 1, 2, 7, 255, 4096, 2**16, 2**31, 2**32, 2**48, 2**49, 2**53 - 1)
BEYOND: Final = (-1, -(2**63), 2**53, 2**63, 2**64, 10**30)
WRONG: Final[tuple[Any, ...]] = (None, True, 1.5, "x", "", [], {}, [[]], [None], {"a": 1}, "\x00", "9" * 400)
TEXTS: Final = ("x", "", "\x1b]0;owned\x07", "[red]", "\u202eabc", "🤷" * 50, "a\nb\x00c", "x" * 3000)

_encode = msgspec.json.Encoder().encode
_peers: Decoder[m.PeerMessage | Ready] = Decoder(m.PeerMessage | Ready)
_hellos: Decoder[Hello] = Decoder(Hello)
_operators: Decoder[Any] = Decoder(OperatorRequest)

Said = dict[str, Any]


class Peer(msgspec.Struct, frozen=True):
    """Whose place the attacker takes towards whom."""

    me: int
    target: int
    replicas: int
    floor: int
    """Rounds below were outbid before the attack began, and ``me`` led at none of them that still counts."""
    slots: int
    """Slots below were applied before the attack began."""


class Hostile:
    """Makes bodies of frames."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    # Peers

    def lie(self, peer: Peer) -> bytes:
        """Something that only a liar says, in the right form."""
        return _encode(self.rng.choice(LIES)(self, peer))

    def broken_lie(self, peer: Peer) -> bytes:
        """The same in a wrong form."""
        return self.broken(self.rng.choice(LIES)(self, peer))

    def mine(self, peer: Peer) -> list[int]:
        """A ballot for what leaders say: late, absurd, nobody's, or another's."""
        match self.rng.randrange(4):
            case 0:
                return [self.rng.randrange(1, peer.floor), peer.me]
            case 1:
                return [ABSURD + self.rng.randrange(2**40), peer.me]
            case 2:
                return [0, peer.me]
            case _:
                others = [each for each in range(9) if each != peer.me]
                return [self.rng.choice((1, peer.floor, peer.floor + 1, 2**32)), self.rng.choice(others)]

    def asked(self, peer: Peer) -> list[int]:
        """A ballot for answers: one that is not in use now, or another's."""
        match self.rng.randrange(3):
            case 0:
                return [self.rng.randrange(1, peer.floor), peer.target]
            case 1:
                return [ABSURD + self.rng.randrange(2**40), peer.target]
            case _:
                others = [each for each in range(9) if each != peer.target]
                return [self.rng.choice((1, peer.floor, peer.floor + 1)), self.rng.choice(others)]

    def outbid(self, peer: Peer) -> list[int]:
        """What a refusal may name without moving anything."""
        return [self.mine(peer)[0], self.rng.randrange(9)] if self.rng.random() < 0.5 else [1, 0]

    def slot(self) -> int:
        return self.rng.choice(EDGES) if self.rng.random() < 0.5 else self.rng.randrange(2**53)

    def far(self) -> int:
        return FAR + self.rng.randrange(2**52)

    def value(self) -> list[Any]:
        match self.rng.randrange(4):
            case 0:
                return ["", 0, ""]
            case 1:
                return ["", self.rng.choice(EDGES), "not nothing"]
            case 2:
                return ["liar~x@0", self.rng.choice(EDGES), "é" * 40_000 if self.rng.random() < 0.01 else "y"]
            case _:
                return ["liar~x@0", self.slot(), "forged"]

    def votes(self, peer: Peer) -> list[list[Any]]:
        run = [[self.slot(), self.mine(peer), self.value()] for _ in range(self.rng.randrange(5))]
        return run * self.rng.choice((1, 1, 2))

    def entries(self, peer: Peer) -> list[list[Any]]:
        return [[self.mine(peer), self.value()] for _ in range(self.rng.randrange(5))]

    # Everybody else

    def request(self, role: str) -> bytes:
        """Something in the right form that no honest program asks."""
        return _encode(self.rng.choice(REQUESTS[role])(self))

    def broken_request(self, role: str) -> bytes:
        """The same in a wrong form."""
        return self.broken(self.rng.choice(REQUESTS[role])(self))

    def hello(self, role: str) -> bytes:
        """A good one."""
        return _encode({"type": "hello", "version": PROTOCOL_VERSION, "role": role, "name": "fuzz"})

    def broken_hello(self) -> bytes:
        role = self.rng.choice(("client", "operator", "observer", "king"))
        said = {"type": "hello", "version": PROTOCOL_VERSION, "role": role, "name": "fuzz", "members": []}
        if self.rng.random() < 0.3:
            said |= {"role": "peer", "replica": self.rng.randrange(9), "cluster": "another", "storage": "s"}
        if self.rng.random() < 0.2:
            said["version"] = self.rng.choice((0, 2, -1))
        return self.broken(said)

    @property
    def text(self) -> str:
        return self.rng.choice(TEXTS)

    def broken(self, said: Said) -> bytes:
        """The message with one thing wrong in it."""
        rng = self.rng
        said = dict(said)
        key = rng.choice([key for key in said if key != "type"] or ["type"])
        match rng.randrange(9):
            case 0:
                del said[key]
            case 1:
                said[key] = rng.choice(WRONG)
            case 2:
                said["surprise"] = rng.choice(WRONG)
            case 3:
                said["type"] = rng.choice(("", "hello", "welcome", "king", "promise", 7, None))
            case 4:
                return _encode(said)[:-1].replace(b":", b":" + b"[" * rng.choice((1, 20, 5000)), 1) + b"}"
            case 5:
                number = str(rng.choice(BEYOND)).encode()
                return _encode(said | {key: 123454321}).replace(b"123454321", number)
            case 6:
                return _encode(said)[:-1] + rng.choice((b',"type":"x"}', b",}", b"", b'}{"a":1}', b"\x00}"))
            case 7:
                body = bytearray(_encode(said))
                body[rng.randrange(len(body))] = rng.choice((0xFF, 0xC0, 0x00, 0x22))
                return bytes(body)
            case _:
                deep = b"[" * rng.choice((15, 17, 900, 20_000))
                return b'{"x":' + deep + b"]" * rng.choice((0, len(deep))) + b"," + _encode(said)[1:]
        return _encode(said)


def head_lie(rng: random.Random) -> bytes:
    """Not a frame at all, or a length that is none."""
    match rng.randrange(5):
        case 0:
            return rng.randbytes(rng.randrange(1, 200))
        case 1:
            return rng.choice((0, 2**20 + 1, 2**31, 2**32 - 1)).to_bytes(4, "big") + rng.randbytes(20)
        case 2:
            return b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        case 3:
            return bytes.fromhex("16030100f8010000f40303") + rng.randbytes(100)
        case _:
            return frame(b"{}" * 20)[: rng.randrange(1, 40)]


Lie = Callable[[Hostile, Peer], Said]


def _leader(kind: str, make: Callable[[Hostile, Peer], Said]) -> Lie:
    return lambda h, p: {"type": kind, "ballot": h.mine(p)} | make(h, p)


def _answer(kind: str, make: Callable[[Hostile, Peer], Said]) -> Lie:
    return lambda h, p: {"type": kind, "ballot": h.asked(p)} | make(h, p)


def _promise(h: Hostile, p: Peer) -> Said:
    following = h.rng.choice((None, h.slot(), 0))
    return {"first": h.slot(), "next": following, "learned": h.slot(), "votes": h.votes(p)}


def _entries(h: Hostile, p: Peer) -> Said:
    """Pages that nobody asked for, or that say more than they can."""
    first = h.far() if h.rng.random() < 0.5 else h.rng.randrange(p.slots + 1) // 2
    return {"type": "entries", "first": min(first, 2**53 - 1), "entries": h.entries(p), "learned": 0}


def _snapshot(h: Hostile, p: Peer) -> Said:
    """States nobody asked for: of slots applied long ago, or far away, or that contradict themselves."""
    upto = h.far() if h.rng.random() < 0.5 else h.rng.randrange(p.slots)
    rows = [
        [h.text[:96], h.slot(), h.slot(), "A" * 4 * h.rng.randrange(9)] for _ in range(h.rng.randrange(4))
    ]
    return {
        "type": "snapshot",
        "upto": min(upto, 2**53 - 1),
        "wall_s": h.slot(),
        "chain": "A" * 43 + "=",
        "horizon": h.rng.choice((-1, h.slot())),
        "after": h.rng.choice(("", "liar~x@0")),
        "sessions": rows,
        "last": h.rng.random() < 0.5,
        "learned": h.slot(),
    }


LIES: Final[tuple[Lie, ...]] = (
    _leader("prepare", lambda h, p: {"first": h.slot(), "forced": h.rng.random() < 0.5}),
    _leader("accept", lambda h, p: {"first": h.slot(), "values": [h.value() for _ in range(3)]}),
    _leader("accept", lambda h, p: {"first": h.rng.randrange(p.slots + 99), "values": []}),
    _leader("chosen", lambda h, p: {"first": h.slot(), "count": h.rng.choice((0, 1, 65536))}),
    _leader("heartbeat", lambda h, p: {"number": h.slot(), "learned": h.slot()}),
    lambda h, p: {"type": "pre-vote", "ballot": [h.slot(), p.me]},
    _answer("promise", _promise),
    _answer("accepted", lambda h, p: {"first": h.slot(), "count": 65536, "learned": h.slot()}),
    _answer("accepted", lambda h, p: {"first": h.slot(), "count": 0, "learned": h.slot()}),
    _answer("nack", lambda h, p: {"promised": h.outbid(p), "leader": h.mine(p), "learned": h.slot()}),
    _answer("heartbeat-ack", lambda h, p: {"number": h.slot(), "learned": h.slot()}),
    _answer("pre-vote-reply", lambda h, p: {"granted": True, "promised": h.outbid(p), "learned": h.slot()}),
    lambda h, p: {"type": "catch-up", "first": h.slot()},
    lambda h, p: {"type": "catch-up", "first": h.rng.randrange(p.slots + 1)},
    _entries,
    lambda h, p: {"type": "snapshot-ask", "upto": h.slot(), "after": h.text[:96]},
    _snapshot,
    lambda h, p: {"type": "ready"},
)

Ask = Callable[[Hostile], Said]
_READING: Final[tuple[Ask, ...]] = (
    lambda h: {"type": "read", "id": h.slot(), "first": h.slot(), "limit": 1, "consistency": "local"},
    lambda h: {"type": "read", "id": 1, "first": h.slot(), "limit": 2048},
    lambda h: {"type": "tail", "id": h.slot(), "first": h.slot(), "follow": h.rng.random() < 0.1},
    lambda h: {"type": "get-status", "id": h.slot()},
)
REQUESTS: Final[dict[str, tuple[Ask, ...]]] = {
    "client": (
        *_READING,
        *[lambda h: {"type": "append", "request": h.slot(), "text": ""}] * 8,
        *[lambda h: {"type": "append-many", "request": 1, "texts": ["x", "", h.text]}] * 4,
        lambda h: {"type": "append", "request": h.slot(), "text": h.text},
        lambda h: {"type": "append", "request": 1, "text": "always the same"},
        lambda h: {
            "type": "append-many",
            "request": h.rng.randrange(500),
            "texts": [h.text] * h.rng.randrange(1, 4),
        },
    ),
    "operator": (
        *_READING,
        lambda h: {"type": "noop", "id": 1, "slot": h.slot()},
        lambda h: {"type": "undo", "id": 1, "number": h.rng.choice((None, h.slot()))},
        lambda h: {"type": "list-faults", "id": h.slot()},
        lambda h: {"type": "inject", "id": 1, "fault": {"fault": "crash"}},
        lambda h: {
            "type": "inject",
            "id": 1,
            "fault": {"fault": "loss", "to": -1, "percent": 100.0},
        },
    ),
    "observer": (
        lambda h: {"type": "get-status", "id": h.slot()},
        lambda h: {"type": "observe", "id": h.slot()},
    ),
}


def may_be_said(body: bytes, peer: Peer | None) -> bool:
    """Whether the attacker sends this: not what an honest replica or an operator could mean, see the package.

    For bytes that were broken at random. ``peer`` is ``None`` before hello and for all other roles.
    """
    if peer is None:
        return not _hello_of_a_peer(body) and not _is(body, _operators, ElectRequest)
    try:
        message = _peers.decode(body)
    except WireError:
        return b'"progress"' not in body
    match message:
        case Ready() | m.CatchUp() | m.SnapshotAsk() | m.PreVote():
            return True
        case m.Snapshot(upto=upto):
            return upto >= FAR or upto < peer.slots
        case m.Entries(first=first, entries=entries):
            return not entries or first >= FAR or first < peer.slots
        case m.Prepare() | m.Accept() | m.Chosen() | m.Heartbeat():
            return message.ballot.replica != peer.me or _idle(message.ballot, peer)
        case m.Nack(promised=promised) | m.PreVoteReply(promised=promised):
            if not _idle(promised, peer):
                return False
    return message.ballot.replica != peer.target or _idle(message.ballot, peer)


def _idle(ballot: Ballot, peer: Peer) -> bool:
    return ballot.round < peer.floor or ballot.round >= ABSURD


def _hello_of_a_peer(body: bytes) -> bool:
    try:
        return _hellos.decode(body).role == "peer"
    except WireError:
        return False


def _is(body: bytes, decoder: Decoder[Any], kind: type[Any]) -> bool:
    try:
        return isinstance(decoder.decode(body), kind)
    except WireError:
        return False
