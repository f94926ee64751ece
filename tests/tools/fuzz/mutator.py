"""Breaks the bytes of real sessions: flips, cuts, splices, repeats and false lengths."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from paxtui.wire import FRAME_BYTES_MAX
from paxtui.wire.framing import HEAD_BYTES


def frames_of(data: bytes) -> list[bytes]:
    """The whole frames at the start of ``data``, heads included, and as the last one whatever follows."""
    found: list[bytes] = []
    at = 0
    while at + HEAD_BYTES <= len(data):
        length = int.from_bytes(data[at : at + HEAD_BYTES], "big")
        end = at + HEAD_BYTES + length
        if not 0 < length <= FRAME_BYTES_MAX or end > len(data):
            break
        found.append(data[at:end])
        at = end
    if at < len(data):
        found.append(data[at:])
    return found


class Mutator:
    """Takes recordings of what one side of a connection said."""

    def __init__(self, rng: random.Random, recordings: Sequence[bytes]) -> None:
        self._rng = rng
        self._sessions = [frames_of(each) for each in recordings if each]

    def session(self, frames_max: int) -> list[bytes]:
        """Some consecutive frames of a recording, broken in one to four places."""
        rng = self._rng
        whole = rng.choice(self._sessions)
        start = rng.randrange(len(whole))
        data = b"".join(whole[start : start + rng.randrange(1, frames_max + 1)])
        for _ in range(rng.randrange(1, 5)):
            data = rng.choice(MUTATIONS)(rng, data, self._sessions)
        return frames_of(data[:FRAME_BYTES_MAX])


Mutation = Callable[[random.Random, bytes, list[list[bytes]]], bytes]


def _flip(rng: random.Random, data: bytes, _: list[list[bytes]]) -> bytes:
    broken = bytearray(data)
    for _bit in range(rng.choice((1, 1, 1, 8))):
        if broken:
            broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
    return bytes(broken)


def _flip_digit(rng: random.Random, data: bytes, _: list[list[bytes]]) -> bytes:
    """Numbers stay numbers, so that the frame is still read."""
    digits = [at for at, byte in enumerate(data[:4096]) if 48 <= byte < 58]
    if not digits:
        return data
    at = rng.choice(digits)
    return data[:at] + str(rng.randrange(1, 10)).encode() + data[at + 1 :]


def _cut(rng: random.Random, data: bytes, _: list[list[bytes]]) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + data[at + rng.choice((1, 2, 4, 50)) :]


def _splice(rng: random.Random, data: bytes, sessions: list[list[bytes]]) -> bytes:
    at = rng.randrange(len(data) + 1)
    other = rng.choice(rng.choice(sessions))
    return data[:at] + other[rng.randrange(len(other) + 1) :] + data[at:]


def _repeat(rng: random.Random, data: bytes, _: list[list[bytes]]) -> bytes:
    parts = frames_of(data)
    if not parts:
        return data
    at = rng.randrange(len(parts))
    return b"".join(parts[: at + 1] + parts[at : at + 1] * rng.choice((1, 3, 20)) + parts[at + 1 :])


def _reorder(rng: random.Random, data: bytes, _: list[list[bytes]]) -> bytes:
    parts = frames_of(data)
    rng.shuffle(parts)
    return b"".join(parts)


def _length(rng: random.Random, data: bytes, _: list[list[bytes]]) -> bytes:
    parts = frames_of(data)
    if not parts:
        return data
    at = rng.randrange(len(parts))
    length = len(parts[at]) - HEAD_BYTES + rng.choice((-1, 1, -4, 4, 100, 2**20, 2**31))
    parts[at] = (max(length, 0) % 2**32).to_bytes(4, "big") + parts[at][HEAD_BYTES:]
    return b"".join(parts)


MUTATIONS: tuple[Mutation, ...] = (_flip, _flip_digit, _flip_digit, _cut, _splice, _repeat, _reorder, _length)
