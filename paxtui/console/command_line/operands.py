"""Replicas and links in words: ``r0``, ``leader``, ``all``; ``r0>r2``, ``r0-r2``, ``r0>*``, ``r0 | r1``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations

from paxtui.console.command_builders import around
from paxtui.console.commands import Link
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.wire.links import between


class OperandError(Exception):
    """A command that cannot be understood or done: the message names what is wrong, and what is allowed."""


def names(model: ClusterModel) -> str:
    """Return the replicas that there are."""
    return " ".join(replica.name for replica in model.replicas)


def replica(word: str, model: ClusterModel) -> int:
    """Return one replica: ``r0``, ``0`` or ``leader``."""
    found = replicas(word, model)
    if len(found) != 1:
        raise OperandError(f"{word!r} is more than one replica; one of {names(model)} is meant here")
    return found[0]


def replicas(word: str, model: ClusterModel) -> tuple[int, ...]:
    """Return ``r0``, ``r0,r2``, ``leader``, ``all`` or ``*``."""
    found: list[int] = []
    for part in word.split(","):
        match = re.fullmatch(r"[rR]?(\d+)", part)
        if match is not None and int(match[1]) < model.n:
            found.append(int(match[1]))
        elif match is not None:
            raise OperandError(f"there is no replica {part}; they are {names(model)}")
        elif part in ("all", "*"):
            found += range(model.n)
        elif part == "leader":
            found.append(_leader(model))
        else:
            raise OperandError(f"{part!r} is no replica; {names(model)}, leader and all are")
    return tuple(dict.fromkeys(found))


def _leader(model: ClusterModel) -> int:
    if model.leader is None:
        raise OperandError(f"nobody leads; name one of {names(model)}")
    return model.leader[0]


def links(words: Sequence[str], model: ClusterModel, *, alone: str = "around") -> tuple[Link, ...]:
    """Return directed links. A replica alone means all its links in both directions, or with ``alone="from"``
    those that it sends on."""
    text = re.sub(r"\s*([>|,-])\s*", r"\1", " ".join(words))
    if "|" in text:
        return _sides(text, model)
    found: list[Link] = []
    for word in text.split():
        match = re.fullmatch(r"([^>-]+)([>-])([^>-]+)", word)
        if match is not None:
            senders, receivers = replicas(match[1], model), replicas(match[3], model)
            pairs = [(a, b) for a in senders for b in receivers if a != b]
            found += pairs if match[2] == ">" else [each for a, b in pairs for each in ((a, b), (b, a))]
            if not pairs:
                raise OperandError(f"{word!r} joins a replica to itself; r0>r1, r0-r1 and r0>* are links")
        elif ">" in word or "-" in word:
            raise OperandError(f"{word!r} is no link; r0>r2, r0-r2, r0>*, *>r2 and r0,r1>r2 are")
        else:
            for id in replicas(word, model):
                found += around(model.n, id) if alone == "around" else [(id, to) for to in range(model.n)]
    pairs = [(a, b) for a, b in dict.fromkeys(found) if a != b]
    if not pairs:
        raise OperandError("which link? r0>r2 one way, r0-r2 both ways, r0>* all from r0")
    return tuple(pairs)


def _sides(text: str, model: ClusterModel) -> tuple[Link, ...]:
    """Return ``r0,r1|r2``: everything between the sides, in both directions."""
    parts = text.split("|")
    if not all(part.strip() for part in parts):
        raise OperandError("a side is empty; r0 | r1,r2 has replicas on both")
    sides = [replicas(re.sub(r"\s+", ",", part.strip()), model) for part in parts]
    for one, other in combinations(sides, 2):
        both = sorted(set(one) & set(other))
        if both:
            raise OperandError(f"r{both[0]} stands on two sides of |")
    pairs = {pair for one, other in combinations(sides, 2) for pair in between(one, other)}
    return tuple(sorted(pairs))


def number(word: str, what: str, low: float, high: float) -> float:
    """Return a number within limits."""
    text = word.removesuffix("%").removesuffix("ms")
    try:
        value = float(text)
    except ValueError:
        raise OperandError(f"{word!r} is no {what}; a number from {low:g} to {high:g} is") from None
    if not low <= value <= high:
        raise OperandError(f"{what} {word} is out of range; {low:g} to {high:g} is allowed")
    return value


def whole(word: str, what: str) -> int:
    """Return a whole number from 0 on."""
    text = word.removeprefix("#")
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise OperandError(f"{word!r} is no {what}; a whole number from 0 on is")
    return int(text)
