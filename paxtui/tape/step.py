"""One step of a tape, and how steps are packed."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

EVENT: Final = "event"
"""An event of a replica; the body is JSON, as telemetry has it."""
SNAPSHOT: Final = "snapshot"
"""All that a replica told of itself at the begin of a connection; JSON."""
REPORT: Final = "report"
"""A replica's answer to get-status; JSON."""
SILENT: Final = "silent"
"""Why no report came, in words."""
LOST: Final = "lost"
"""The telemetry of a replica came to its end."""
DROPPED: Final = "dropped"
"""Events that a replica could not tell; the body is their count."""
PROCESS: Final = "process"
"""What became of a process: ``[state, pid, words]``, JSON."""
WIPED: Final = "wiped"
"""The disk of a replica was deleted."""
FETCHED: Final = "fetched"
"""Entries of the log that were looked up; JSON."""
NOTE: Final = "note"
"""What the person did, or the console found: ``[text, slot, failed]``, JSON."""
VERDICT: Final = "verdict"
"""The lights, as they were judged; JSON."""

KINDS: Final = frozenset(
    {EVENT, SNAPSHOT, REPORT, SILENT, LOST, DROPPED, PROCESS, WIPED, FETCHED, NOTE, VERDICT}
)

BLOCK_STEPS_MAX: Final = 4_096
BLOCK_BYTES_MAX: Final = 2 * 1024 * 1024
"""Of a block when it is unpacked. A single step is at most a frame, which is half of it."""

CONSOLE: Final = -1
"""The source of what the console itself says."""


class TapeError(Exception):
    """A tape cannot be read; the text says which, where and why."""


class TapeStep(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """``[kind, source, number, at_s, told_s, arrived, wall, corrected, body]``."""

    kind: str
    source: int
    """A replica, or :data:`CONSOLE`."""
    number: int
    """Of an event, among those of its replica's process; -1 for all else."""
    at_s: float
    """By the monotonic clock of who tells it."""
    told_s: float
    """When it was told, by the same clock."""
    arrived: float
    """By the console's monotonic clock."""
    wall: float
    """The time of day at which it happened, in seconds since the epoch."""
    corrected: bool
    """Whether it stands behind its cause although the clocks say that it was earlier."""
    body: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[TapeStep]).decode


def pack(steps: Sequence[TapeStep]) -> bytes:
    """Return steps as one block."""
    return zlib.compress(_encode(steps), 1)


def unpack(data: bytes, where: str) -> list[TapeStep]:
    """Return the steps of a block. Raises :class:`TapeError`; ``where`` names the block.

    A block of a stranger may be small and unpack to gigabytes, so it is unpacked as far as a block may go.
    """
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(data, BLOCK_BYTES_MAX)
        if unpacker.unconsumed_tail or not unpacker.eof:
            raise TapeError(
                f"{where}: it is cut off, or unpacks to more than the {BLOCK_BYTES_MAX:,} bytes of a block"
            )
        steps = _decode(plain)
    except zlib.error:
        raise TapeError(f"{where}: its bytes are damaged") from None
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError):
        raise TapeError(f"{where}: it holds no steps") from None
    if len(steps) > BLOCK_STEPS_MAX:
        raise TapeError(f"{where}: {len(steps):,} steps; a block has {BLOCK_STEPS_MAX:,} at most")
    for step in steps:
        if step.kind not in KINDS:
            raise TapeError(f"{where}: a step of an unknown kind")
    return steps
