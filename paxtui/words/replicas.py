"""Replicas in words: ``r0``, ``0``, ``r0,r2``, ``leader``, ``all``, and the symbols of scenario files."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from paxtui.words import WordError

ALL: Final = ("all", "*")
LEADER: Final = "leader"

Replicas = int | str | list[int | str]
"""Replicas in a scenario file: ids, symbols, and names given by ``pick``."""

SYMBOLS: Final = {
    LEADER: "the replica that leads now, with a majority behind it",
    "follower": "the live replica with the lowest id that does not lead",
    "followers": "all live replicas but the leader",
    "all": "all replicas",
    "live": "all replicas whose process runs and is not paused",
    "dead": "the replicas whose process has ended",
    "paused": "the replicas that are paused",
    "crashed": "the replicas whose proposer was crashed",
    "leader-minority": "f replicas, the leader among them",
    "follower-minority": "f replicas, the leader not among them",
    "leader-majority": "f+1 replicas, the leader among them",
    "random-minority": "f replicas drawn from the seed",
}


class KnownReplicas(NamedTuple):
    """The replicas that a word may mean."""

    names: tuple[str, ...]
    """By id."""
    leader: int | None
    """The replica that leads, as far as is known."""

    def __str__(self) -> str:
        """Return all names, as errors list them."""
        return " ".join(self.names)


def replica_id(word: str) -> int | None:
    """Read ``0``, ``r0`` or ``R0`` as an id; ``None`` if the word is no id."""
    match = re.fullmatch(r"[rR]?(\d+)", word)
    return None if match is None else int(match[1])


def replica(word: str, known: KnownReplicas) -> int:
    """Read one replica: ``r0``, ``0`` or ``leader``."""
    found = replicas(word, known)
    if len(found) != 1:
        raise WordError(f"{word!r} is more than one replica; one of {known} is meant here")
    return found[0]


def replicas(word: str, known: KnownReplicas) -> tuple[int, ...]:
    """Read ``r0``, ``r0,r2``, ``leader``, ``all`` or ``*``, each replica once."""
    found: list[int] = []
    for part in word.split(","):
        id = replica_id(part)
        if id is not None and id < len(known.names):
            found.append(id)
        elif id is not None:
            raise WordError(f"there is no replica {part}; they are {known}")
        elif part in ALL:
            found += range(len(known.names))
        elif part == LEADER:
            found.append(_leader(known))
        else:
            raise WordError(f"{part!r} is no replica; {known}, leader and all are")
    return tuple(dict.fromkeys(found))


def _leader(known: KnownReplicas) -> int:
    if known.leader is None:
        raise WordError(f"no replica leads; name one of {known}")
    return known.leader
