"""What an answer is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Why(NamedTuple):
    """An answer. ``verdict`` is one sentence; the others are sentences each."""

    subject: str
    verdict: str
    tone: str
    """A style: ``good``, ``warn``, ``bad`` or ``text``."""
    evidence: tuple[str, ...]
    next: tuple[str, ...]


def names(replicas: Iterable[int]) -> str:
    """Return ``r0 r1``."""
    return " ".join(f"r{replica}" for replica in replicas) or "no replica"


def plural(count: int, noun: str) -> str:
    """Return ``1 slot``, ``2 slots``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
