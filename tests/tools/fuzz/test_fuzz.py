"""The fuzzer itself, and a small run of it against real processes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from paxtui.core import messages as m
from paxtui.core.ballot import Ballot
from paxtui.wire import FRAME_BYTES_MAX, Decoder, WireError, encode, frame
from paxtui.wire.hello import Hello, Ready
from paxtui.wire.requests import ClientRequest, ElectRequest, ObserverRequest, OperatorRequest
from tests.tools.fuzz.campaign import Campaign
from tests.tools.fuzz.hostile import REQUESTS, Hostile, Peer, head_lie, may_be_said
from tests.tools.fuzz.mutator import Mutator, frames_of

PEER = Peer(me=2, target=0, replicas=3, floor=5, slots=1000)
PEERS: Decoder[m.PeerMessage | Ready] = Decoder(m.PeerMessage | Ready)
ROLES: dict[str, Decoder[object]] = {
    "client": Decoder(ClientRequest),
    "operator": Decoder(OperatorRequest),
    "observer": Decoder(ObserverRequest),
}


@pytest.mark.processes
@pytest.mark.timeout(300)
@pytest.mark.trio
async def test_a_few_thousand_hostile_frames_harm_nothing(tmp_path: Path) -> None:
    """What ``python -m tests.tools.fuzz`` does with a million."""
    result = await Campaign(1, 6000, 200, tmp_path, rival_s=0.0).run()
    assert result.problems == []
    assert result.frames >= 6000
    names = set(result.counters)
    assert {"refused: not JSON", "refused: not a message", "refused: nested too deeply"} <= names
    assert {"dropped: its round is absurdly high", "dropped: its page contradicts itself"} <= names


def decodes(decoder: Decoder[Any], body: bytes) -> bool:
    try:
        decoder.decode(body)
    except WireError:
        return False
    return True


def test_lies_have_the_right_form_and_broken_ones_have_not() -> None:
    hostile = Hostile(random.Random(1))
    lies = [hostile.lie(PEER) for _ in range(3000)]
    assert {type(PEERS.decode(lie)) for lie in lies} == {*m.PeerMessage.__args__, Ready}
    broken = [decodes(PEERS, hostile.broken_lie(PEER)) for _ in range(3000)]
    assert sum(broken) < 0.2 * len(broken)  # some changes are harmless by chance


@pytest.mark.parametrize("role", REQUESTS)
def test_requests_have_the_right_form_and_broken_ones_have_not(role: str) -> None:
    hostile = Hostile(random.Random(1))
    assert all(decodes(ROLES[role], hostile.request(role)) for _ in range(1000))
    broken = [decodes(ROLES[role], hostile.broken_request(role)) for _ in range(3000)]
    assert sum(broken) < 0.2 * len(broken)
    assert not any(decodes(Decoder(Hello), hostile.broken_hello()) is None for _ in range(100))


def test_the_same_seed_makes_the_same_frames() -> None:
    def some(seed: int) -> list[bytes]:
        rng = random.Random(seed)
        hostile = Hostile(rng)
        session = frame(hostile.lie(PEER)) * 3
        return [hostile.lie(PEER), hostile.broken_hello(), head_lie(rng), *Mutator(rng, [session]).session(9)]

    assert some(7) == some(7)
    assert some(7) != some(8)


def test_a_mutated_session_is_other_bytes_and_no_longer_than_a_frame_may_be() -> None:
    rng = random.Random(3)
    recorded = b"".join(frame(b'{"type":"get-status","id":%d}' % number) for number in range(100))
    mutator = Mutator(rng, [recorded])
    sessions = [b"".join(mutator.session(20)) for _ in range(500)]
    assert sum(session not in recorded for session in sessions) > 400
    assert max(map(len, sessions)) <= FRAME_BYTES_MAX


def test_a_session_is_cut_into_its_frames() -> None:
    frames = [frame(b"{}"), frame(b"[1]")]
    assert frames_of(b"".join(frames)) == frames
    assert frames_of(b"".join(frames) + b"\x00\x00\x00\x09{") == [*frames, b"\x00\x00\x00\x09{"]


@pytest.mark.parametrize(
    ("message", "allowed"),
    [
        (m.Accept(Ballot(9, 2), 0, ()), False),  # it could be voted for
        (m.Accept(Ballot(9, 1), 0, ()), True),
        (m.Accept(Ballot(4, 2), 0, ()), True),
        (m.Promise(Ballot(9, 0), 0, None, 0, ()), False),  # it could count
        (m.Promise(Ballot(2, 0), 0, None, 0, ()), True),
        (m.Accepted(Ballot(9, 0), 0, 1, 0), False),
        (m.Nack(Ballot(2, 0), Ballot(99, 1), None, 0), False),
        (m.Entries(10**6, (), 0), True),
        (m.CatchUp(0), True),
        (m.SnapshotAsk(10**6, ""), True),
        (m.Snapshot(10**6, 0, bytes(32), -1, "", (), True, 10**6), False),  # its state could be taken
        (m.Snapshot(999, 0, bytes(32), -1, "", (), True, 10**6), True),
    ],
    ids=repr,
)
def test_the_attacker_does_not_say_what_an_honest_replica_could_mean(
    message: m.PeerMessage, allowed: bool
) -> None:
    assert may_be_said(encode(message)[4:], PEER) is allowed


def test_the_attacker_does_not_command_and_is_nobody_else() -> None:
    assert not may_be_said(encode(ElectRequest(1))[4:], None)
    assert not may_be_said(encode(Hello(version=1, role="peer"))[4:], None)
    assert may_be_said(encode(Hello(version=1, role="client"))[4:], None)
