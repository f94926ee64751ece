"""The lines of a record, as they are written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec import json, to_builtins

from paxtui.core.durable_state import DurableState
from paxtui.core.events import Event
from paxtui.core.messages import PeerMessage

VERSION: Final = 2
"""Readers know 1 as well (:mod:`paxtui.records.older`)."""

AT_DIGITS: Final = 6
"""Microseconds: finer than any of these clocks."""

_encode = json.Encoder().encode


def life(
    cluster: str,
    replica: int,
    replicas: int,
    at: float,
    wall: float,
    saved: DurableState,
) -> Iterator[bytes]:
    """Write the header of a life, and the votes that the disk holds."""
    fields: dict[str, Any] = {"record": VERSION, "cluster": cluster, "replica": replica, "replicas": replicas}
    fields |= {"at": round(at, AT_DIGITS), "wall": round(wall, AT_DIGITS)}
    fields |= {"promised": saved.promised, "round": saved.round, "watermark": saved.watermark}
    fields |= {"chain": saved.chain.hex(), "votes": len(saved.votes)}
    yield _encode(fields)
    for slot, ballot, value in ((vote.slot, vote.ballot, vote.value) for vote in saved.votes):
        yield _line(at, replica, {"vote": slot, "ballot": ballot, "value": value})


def event(at: float, replica: int, number: int, event: Event) -> bytes:
    """Write one event, whole. The event encodes itself; the fields before it are simple enough to be
    written."""
    return b'{"at":%b,"replica":%d,"number":%d,%b' % (
        repr(round(at, AT_DIGITS)).encode(),
        replica,
        number,
        _encode(event)[1:],
    )


def dropped(at: float, replica: int, number: int, count: int) -> bytes:
    """Return the line that says that events ``number`` to ``number + count - 1`` were not kept."""
    return _line(at, replica, {"number": number, "dropped": count})


def ended(at: float, replica: int, number: int, why: str) -> bytes:
    """Write that nothing of this life is missing: it had ``number`` events."""
    return _line(at, replica, {"number": number, "ended": why})


def fault(at: float, replica: int | None, what: str, detail: str) -> bytes:
    """Write something that was done to a replica (``None``: to several)."""
    return _line(at, replica, {"fault": what, "detail": detail})


def message(at: float, sender: int, to: int, message: PeerMessage) -> bytes:
    """Write that a message arrives."""
    return _encode({"at": round(at, AT_DIGITS), "from": sender, "to": to, **to_builtins(message)})


def _line(at: float, replica: int | None, fields: dict[str, Any]) -> bytes:
    return _encode({"at": round(at, AT_DIGITS), "replica": replica, **fields})
